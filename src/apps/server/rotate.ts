/**
 * `sealward server rotate`: another key for certificates or timestamps, certified by the root that was taken away, and staged
 * for those who keep the trust repository. Nothing of it is in force yet: clients must know the new one before it signs.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { createKeyPairFiles } from '../../clients/signers/index.ts';
import { writeContent } from '../../clients/trust/index.ts';
import type { Certificate } from '../../core/crypto/index.ts';
import { encodePem, type JsonObject, LIMITS, parseJsonObject, utf8 } from '../../core/encoding/index.ts';
import { invariant, SealwardError } from '../../core/errors.ts';
import { composeTrustedRoot, encodeKeyList, KEYS_FILE, type ListedKey, parseKeyList, parseTrustedRoot, TRUSTED_ROOT_FILE } from '../../core/trust/index.ts';
import { certifyIntermediate, certifyTimestamps, YEAR_MS } from '../../services/keys/index.ts';
import { readServerConfig, type ServerConfig } from './config.ts';
import { readSecret } from './files.ts';
import { NEW_KEYS } from './keys.ts';
import { writeNewFile } from './new-folder.ts';
import { openOfflineAuthority, organizationOf } from './offline-authority.ts';
import { publishCommands } from './publish-commands.ts';

export const ROTATED = ['authority', 'timestamp'] as const;
export type Rotated = (typeof ROTATED)[number];

export interface RotateOptions {
  readonly configFile: string;
  readonly name: Rotated;
  /** The folder that was taken away: root.key, root.pem, password. */
  readonly offline: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const YEARS = 3;
const NAMES = { authority: 'certificates', timestamp: 'timestamps' } as const;
const LISTED = { authority: 'certificate-authority', timestamp: 'timestamp-authority' } as const;

/** What to do next, in lines. Throws what is not there or does not fit; then nothing is changed but new files that nothing names. */
export async function rotateKey({ configFile, name, offline, now }: RotateOptions): Promise<readonly string[]> {
  const config = readServerConfig(configFile);
  const folder = dirname(configFile);
  const trust = trustFolder(config);
  const root = await openOfflineAuthority(offline, 'root');
  const version = nextVersion(folder, name);
  const [keyPath, certificatePath] = [`keys/${name}-${version}`, `certificates/${name}-${version}.pem`];
  if (config.keyPasswordFile === undefined)
    throw new SealwardError('ERR_CONFIG_INVALID', 'the keys of this server have no password file', { hint: 'A key in an HSM is changed there.' });
  const { publicKey } = await createKeyPairFiles(join(folder, keyPath), NEW_KEYS[name], readSecret(config.keyPasswordFile, 'the password of the keys'));
  const organization = organizationOf(root);
  const subject = { organization, commonName: `${organization} ${NAMES[name]} ${version}`, notBefore: now - 60_000, notAfter: now + YEARS * YEAR_MS };
  const certificate = await (name === 'authority' ? certifyIntermediate : certifyTimestamps)(root, publicKey, subject);
  const chain = [certificate, root.certificate];
  writeNewFile(join(folder, certificatePath), chain.map(({ raw }) => encodePem('CERTIFICATE', raw)).join(''));
  await stage(trust, name, config.url, chain, { version, organization, now });
  return [
    `A new key and its certificate lie in ${keyPath}.key and ${certificatePath}. Nothing uses them yet.`,
    '',
    '1. Let clients know it: whoever keeps the trust repository signs and publishes it.',
    ...publishCommands(config, trust, offline),
    '2. Wait until the lease of what was published before has ended: then every client has it.',
    `3. In ${configFile}, under ${name}: key: ${keyPath}.key, certificates: ${certificatePath}${name === 'authority' ? ', and the file before it into formerCertificates' : ''}. Start the server again.`,
    '4. Take the offline folder away again.',
  ];
}

/** The working folder of the trust repository. Throws ERR_CONFIG_INVALID when it is elsewhere. */
export function trustFolder({ trust }: ServerConfig): string {
  const folder = trust === undefined ? undefined : dirname(trust.repository);
  if (folder === undefined || !existsSync(join(folder, 'trust-folder.json')))
    throw new SealwardError('ERR_CONFIG_INVALID', 'the trust repository of this server is kept elsewhere', { hint: 'Rotate where its working folder lies.' });
  return folder;
}

export function nextVersion(folder: string, name: Rotated | 'log'): number {
  let version = 2;
  while (existsSync(join(folder, `keys/${name}-${version}.key`))) version++;
  return version;
}

/** Beside what stands there: what was signed under the old key stays good. */
async function stage(
  trust: string,
  name: Rotated,
  url: string,
  chain: readonly Certificate[],
  { version, organization, now }: { readonly version: number; readonly organization: string; readonly now: number },
): Promise<void> {
  const read = async (path: string): Promise<Uint8Array> => new Uint8Array(await readFile(join(trust, 'content', path)));
  const service = name === 'authority' ? { url, certificates: chain } : { url: `${url}/api/v1/timestamp`, certificates: chain };
  const member = name === 'authority' ? 'certificateAuthorities' : 'timestampAuthorities';
  const added = composeTrustedRoot({
    authorities: name === 'authority' ? [service] : [],
    timestampAuthorities: name === 'timestamp' ? [service] : [],
    logs: [],
    certificateLogs: [],
  });
  const before: JsonObject = parseJsonObject(await read(TRUSTED_ROOT_FILE), { what: TRUSTED_ROOT_FILE, maxBytes: LIMITS.documentBytes });
  const [list, more] = [before[member] ?? [], added[member]];
  invariant(Array.isArray(list) && Array.isArray(more), 'a trusted root has lists');
  const root = utf8(`${JSON.stringify({ ...before, [member]: [...list, ...more] }, null, 2)}\n`);
  const anchors = parseTrustedRoot(root);
  const anchor = (name === 'authority' ? anchors.authorities : anchors.timestampAuthorities).at(-1)?.id ?? '';
  const listed: ListedKey = {
    name,
    version,
    role: LISTED[name],
    state: 'active',
    anchor,
    window: { from: Math.floor((now - 60_000) / 1000) * 1000 },
    operator: organization,
    lifted: [],
  };
  const keys = parseKeyList(await read(KEYS_FILE), KEYS_FILE);
  await writeContent(trust, KEYS_FILE, encodeKeyList([...keys, listed]));
  await writeContent(trust, TRUSTED_ROOT_FILE, root);
}
