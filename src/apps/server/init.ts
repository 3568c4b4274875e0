/** `sealward server init`: a folder with all that a server needs. What must stay offline lies in a folder of its own, to be taken away. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { keySigner, openSigner, type KeyOptions, sealKeyFile, type Signer } from '../../clients/signers/index.ts';
import { type Certificate, describeKey, encodePublicKeyPem, generateKeyPair, type KeyKind } from '../../core/crypto/index.ts';
import { encodeBase64Url, encodePem } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { bareHost } from '../../clients/http/index.ts';
import { type CertifiedKey, certifyIntermediate, certifyRoot, certifyTimestamps, YEAR_MS } from '../../services/keys/index.ts';
import { ACCEPTED_KEYS, NEW_KEYS, ONLINE_KEYS, type OnlineKey } from './keys.ts';
import { type NewFolderFile, writeNewFolder } from './new-folder.ts';
import { foundServerTrust } from './first-trust.ts';
import { controlRoot, publishedDocuments } from './published.ts';
import { certifyTls } from './tls-certificate.ts';

export interface InitOptions {
  readonly folder: string;
  /** Where clients will reach the server, without a slash at its end. */
  readonly url: string;
  readonly listen: string;
  readonly operations: string;
  /** A postgres:// URL; SQLite in the folder when not given. */
  readonly database?: string;
  readonly organization: string;
  /** References of keys that exist elsewhere, such as in an HSM. */
  readonly keys: Readonly<Partial<Record<OnlineKey, string>>>;
  readonly keyOptions: KeyOptions;
  /** How new keys are encrypted; `sealKeyFile` when not said. */
  readonly seal?: typeof sealKeyFile;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Aborted when nobody wants it any more: then nothing is left of it. */
  readonly signal?: AbortSignal;
}

export interface Initialised {
  readonly folder: string;
  readonly url: string;
  readonly trustedRoot: string;
  readonly signingConfig: string;
  /** What a client begins with: the first root of the trust repository. */
  readonly tufRoot: string;
  /** What to do next, in lines. */
  readonly words: readonly string[];
}

interface MadeKey {
  readonly signer: Signer;
  /** What stands in the configuration. */
  readonly reference: string;
  readonly files: readonly NewFolderFile[];
  readonly close: () => Promise<void>;
}

export async function initServer(options: InitOptions): Promise<Initialised> {
  const { folder, url, organization, now } = options;
  const [password, offlinePassword] = [newPassword(), newPassword()];
  const names = Object.fromEntries(await Promise.all(ONLINE_KEYS.map(async (name) => [name, await makeKey(name, options, password)] as const))) as Record<
    OnlineKey,
    MadeKey
  >;
  try {
    const subject = (commonName: string, years: number) => ({ organization, commonName, notBefore: now - 60_000, notAfter: now + years * YEAR_MS });
    const root = await offlineKey('ecdsa-p384', (signer) => certifyRoot(signer, subject(`${organization} root`, 10)), offlinePassword, 'root', options.seal);
    const authority = await certifyIntermediate(root, names.authority.signer.publicKey(), subject(`${organization} certificates`, 3));
    const timestamp = await certifyTimestamps(root, names.timestamp.signer.publicKey(), subject(`${organization} timestamps`, 3));
    const tls = url.startsWith('https:') ? await makeTls(options, password, offlinePassword) : undefined;
    const documents = publishedDocuments({
      url,
      organization,
      from: now - 60_000,
      authority: [[authority, root.certificate]],
      timestamp: [[timestamp, root.certificate]],
      log: names.log.signer.publicKey(),
      certificateLog: names['certificate-log'].signer.publicKey(),
    });
    const online = names.trust.signer;
    const people = await offlineSigner('ecdsa-p256', offlinePassword, 'trust', options.seal);
    const trust = await foundServerTrust({ documents, organization, online, people: people.signer, now });
    // Sealing so many keys takes seconds; what follows is written at once.
    if (options.signal?.aborted) throw new SealwardError('ERR_INTERRUPTED', 'interrupted before anything was written');
    await writeNewFolder(
      folder,
      [
        { path: 'server.yaml', content: configuration(options, names, tls !== undefined) },
        { path: 'secrets/key-password', content: `${password}\n`, secret: true },
        ...(options.database === undefined ? [] : [{ path: 'secrets/database-url', content: `${options.database}\n`, secret: true }]),
        ...ONLINE_KEYS.flatMap((name) => names[name].files),
        { path: 'certificates/authority.pem', content: pem(authority, root.certificate) },
        { path: 'certificates/timestamp.pem', content: pem(timestamp, root.certificate) },
        { path: 'certificates/control-root.json', content: controlRoot(url, names['control-log'].signer.publicKey(), now - 60_000) },
        { path: 'certificates/auditor.pub', content: encodePublicKeyPem(names.auditor.signer.publicKey()) },
        { path: 'offline/password', content: `${offlinePassword}\n`, secret: true },
        ...root.files,
        ...people.files,
        ...(tls ?? []),
      ],
      ['state'],
      (made) => trust.writeTo(join(made, 'trust')),
    );
  } finally {
    await Promise.all(Object.values(names).map(({ close }) => close()));
  }
  const [trustedRoot, signingConfig] = [join(folder, 'trust/content/trusted_root.json'), join(folder, 'trust/content/signing_config.v0.2.json')];
  const tufRoot = join(folder, 'trust/repository/1.root.json');
  return { folder, url, trustedRoot, signingConfig, tufRoot, words: nextSteps(options, tufRoot) };
}

function nextSteps({ folder, url }: InitOptions, tufRoot: string): string[] {
  const tls = url.startsWith('https:') ? `SSL_CERT_FILE=${join(folder, 'tls/ca.pem')} ` : '';
  return [
    `The server is in ${folder}. Its root, and nothing else, can make another authority: take ${join(folder, 'offline')} away, to where no network is.`,
    '',
    'Run it:',
    `  sealward server --config ${join(folder, 'server.yaml')}`,
    '',
    `A client takes ${tufRoot} with it, and needs two commands, cosign as well as Sealward:`,
    `  ${tls}cosign initialize --mirror ${url}/trust --root ${tufRoot}`,
    `  ${tls}cosign sign IMAGE`,
  ];
}

function newPassword(): string {
  return encodeBase64Url(randomBytes(32));
}

function pem(...certificates: readonly Certificate[]): string {
  return certificates.map(({ raw }) => encodePem('CERTIFICATE', raw)).join('');
}

async function makeKey(name: OnlineKey, { keys, keyOptions, seal = sealKeyFile }: InitOptions, password: string): Promise<MadeKey> {
  const reference = keys[name];
  if (reference !== undefined) {
    const opened = await openSigner(reference, keyOptions);
    const found = describeKey(opened.publicKey());
    if (!ACCEPTED_KEYS[name].includes(found)) {
      await opened.close();
      throw new SealwardError('ERR_KEY_INVALID', `the key ${name} is ${found}, and must be ${ACCEPTED_KEYS[name].join(' or ')}`);
    }
    return { signer: opened, reference, files: [], close: () => opened.close() };
  }
  const { privateKey, publicKey } = generateKeyPair(NEW_KEYS[name]);
  const path = `keys/${name}.key`;
  const files = [
    { path, content: await seal(privateKey, password), secret: true },
    { path: `keys/${name}.pub`, content: encodePublicKeyPem(publicKey) },
  ];
  return { signer: keySigner(privateKey), reference: path, files, close: async () => undefined };
}

async function offlineKey(
  kind: KeyKind,
  certify: (signer: Signer) => Promise<Certificate>,
  password: string,
  name: string,
  seal?: InitOptions['seal'],
): Promise<CertifiedKey & { readonly files: readonly NewFolderFile[] }> {
  const { signer, files } = await offlineSigner(kind, password, name, seal);
  const certificate = await certify(signer);
  return { signer, certificate, files: [...files, { path: `offline/${name}.pem`, content: pem(certificate) }] };
}

async function offlineSigner(
  kind: KeyKind,
  password: string,
  name: string,
  seal: InitOptions['seal'] = sealKeyFile,
): Promise<{ readonly signer: Signer; readonly files: readonly NewFolderFile[] }> {
  const { privateKey } = generateKeyPair(kind);
  return { signer: keySigner(privateKey), files: [{ path: `offline/${name}.key`, content: await seal(privateKey, password), secret: true }] };
}

/** An authority for this one server's name, so that nothing else is trusted with it. */
async function makeTls({ url, organization, now, seal = sealKeyFile }: InitOptions, password: string, offlinePassword: string): Promise<NewFolderFile[]> {
  const subject = { organization, commonName: `${organization} TLS`, notBefore: now - 60_000, notAfter: now + 10 * YEAR_MS };
  const authority = await offlineKey('ecdsa-p256', (signer) => certifyRoot(signer, subject), offlinePassword, 'tls', seal);
  const { privateKey, publicKey } = generateKeyPair('ecdsa-p256');
  const certificate = await certifyTls(authority, publicKey, { url, organization, now });
  return [
    ...authority.files,
    { path: 'tls/ca.pem', content: pem(authority.certificate) },
    { path: 'tls/server.pem', content: pem(certificate) },
    { path: 'tls/server.key', content: await seal(privateKey, password), secret: true },
  ];
}

function configuration({ url, listen, operations, database }: InitOptions, keys: Readonly<Record<OnlineKey, MadeKey>>, tls: boolean): string {
  const key = (name: OnlineKey): string => JSON.stringify(keys[name].reference);
  return `# A Sealward server. Paths are relative to this file; times have a unit, as in 500ms, 10s, 5m, 1h.
url: ${url}
listen: ${listen}
# Health, readiness, metrics and state, without TLS: for whoever runs the server, and for nobody else.
operations: ${operations}
roles: [authority, log, timestamp, trust, identity]
${tls ? 'tls: { key: tls/server.key, certificates: tls/server.pem }\n' : ''}database: ${database === undefined ? '{ folder: state }' : '{ urlFile: secrets/database-url }'}
keyPasswordFile: secrets/key-password
requestTimeout: 10s
logLevel: info
# Nothing is certified or dated when the clock jumped by more than the tolerance, or disagrees with its sources (NTP servers, if any).
clock: { sources: [], tolerance: 1s, fresh: 5m }

# Certificates of ten minutes, for whom a token of one of these issuers names.
authority:
  key: ${key('authority')}
  certificates: certificates/authority.pem
  # Every certificate stands in it before it leaves; it is served at /ct.
  certificateLog: { key: ${key('certificate-log')}, folder: state/certificate-log, recordFolder: state/certificate-log }
  # For one identity: so many at once, and so many more in each minute.
  rate: { burst: 60, perMinute: 60 }
  issuers: []
  # - kind: github
  #   where: { repository: [acme/*] }
  # - kind: gitlab
  #   url: https://gitlab.example
  #   webUrl: https://gitlab.example
  #   where: { namespace_path: [acme] }

# RFC 3161 timestamps.
timestamp:
  key: ${key('timestamp')}
  certificates: certificates/timestamp.pem

# The transparency log, with Rekor's interface of version 2. What it has signed stands in recordFolder, which belongs into no
# backup: a log that forgets what it signed is no log. Clients take its name from the host name of its URL.
log:
  key: ${key('log')}
  origin: ${bareHost(new URL(url))}
  folder: state/log
  recordFolder: state/log
  # Others have to see each checkpoint before it is shown: who, and how many of them (C2SP tlog-policy).
  # witnesses: { policy: witnesses.policy, required: true, patience: 2s }

# What was done here, as attestations in a log of its own, which is served at the address of \`operations\` alone.
control:
  key: ${key('control-log')}
  auditor: ${key('auditor')}
  origin: control.${bareHost(new URL(url))}
  folder: state/control-log
  recordFolder: state/control-log

# A witness for the logs of others, at /witness, where \`witness\` stands among the roles: it cosigns what follows from what it
# cosigned before. The file has a line \`log VKEY\` for each; what it remembers belongs into no backup.
# witness: { key: ${key('witness')}, name: ${bareHost(new URL(url))}/witness, logs: witnessed.policy }

# The repository of trust, for cosign and for Sealward. Its people sign with keys that are offline; this key says only that it is fresh.
trust:
  repository: trust/repository
  key: ${key('trust')}
  # So long a client may rely on what it fetched; given anew long before that.
  lease: 24h

# A small issuer of its own, for people and machines that no other issuer knows; the authority takes its tokens.
identity:
  key: ${key('identity')}
  users: []
  # - name: maria
  #   email: maria@example.org
  #   passwordHashFile: secrets/maria        # sealward server hash-password
  workloads: []
  # - id: build
  #   subject: https://ci.example/build
  #   publicKey: keys/build.pub
`;
}
