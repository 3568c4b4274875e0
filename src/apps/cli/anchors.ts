/** What the flags and the environment say is trusted: files to Anchors. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseCertificatesPem, parsePublicKeyPem, type PublicKey } from '../../core/crypto/index.ts';
import { decodeUtf8, LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import {
  type Anchors,
  authorityAnchors,
  certificateLogAnchor,
  keyAnchor,
  logAnchor,
  NO_ANCHORS,
  parseTrustedRoot,
  timestampAuthorityAnchors,
} from '../../core/trust/index.ts';
import type { FlagRequirement } from '../../core/verify/index.ts';
import type { Config } from './config.ts';
import { fetchedTrust } from './fetched-trust.ts';
import { readBytes } from './file.ts';
import type { KeyAsked } from './key-options.ts';
import type { SignerValues, TrustValues } from './question.ts';
import { visible } from './visible.ts';

type Values = Pick<SignerValues, 'key'> & TrustValues;

export async function anchorsOf(invocation: KeyAsked & { readonly flags: Values }, requirement: FlagRequirement): Promise<Anchors> {
  const { flags, config, debug } = invocation;
  const given = givenAnchors(flags, config);
  const keys: Anchors['keys'][number][] = [];
  for (const key of flags.key) keys.push(keyAnchor(await readKey(invocation, key), key));
  const root = (await served(invocation)) ?? loadRoot(flags['trusted-root'], config, needsRoot(given, requirement), debug);
  return { ...NO_ANCHORS, ...root, ...given, keys };
}

async function served(invocation: KeyAsked & { readonly flags: Values }): Promise<Anchors | undefined> {
  const { 'trust-url': from, 'trust-root': rootFile, 'trusted-root': file } = invocation.flags;
  if (from === undefined) return undefined;
  if (file !== undefined) throw new SealwardError('ERR_FLAG_CONFLICT', '--trust-url and --trusted-root contradict each other', { hint: 'Give one of them.' });
  const { servedTrust } = await import('./served-trust.ts');
  const { anchors, beyondFlags, policies } = await servedTrust(invocation, from, rootFile);
  if (beyondFlags !== undefined)
    throw new SealwardError('ERR_FLAG_CONFLICT', beyondFlags, { hint: 'Nothing is said of images by flags while such a denial stands.' });
  if (policies > 0 && 'policy' in invocation.flags)
    invocation.terminal.warn('the flags say who must have signed: the policies of the trust state are not asked. Leave the flags out to be judged by them.');
  return anchors;
}

async function readKey(invocation: KeyAsked, path: string): Promise<PublicKey> {
  if (/^(?:[a-z0-9-]+:\/\/|pkcs11:)/i.test(path)) {
    // Loaded only then: most keys are files, and verifying has to start fast.
    const [{ openPublicKey }, { keyOptions }] = await Promise.all([import('../../clients/signers/index.ts'), import('./key-options.ts')]);
    return openPublicKey(path, keyOptions(invocation));
  }
  const text = readText(path, 'the public key');
  if (text.includes('PRIVATE KEY')) {
    throw new SealwardError('ERR_KEY_INVALID', `${visible(path)} is a private key where a public key is expected`, {
      hint: 'Write its public key to a file with `sealward public-key --key FILE`.',
    });
  }
  return parsePublicKeyPem(text, `the public key ${visible(path)}`);
}

function readText(path: string, what: string): string {
  return decodeUtf8(readBytes(path, LIMITS.documentBytes, what), `${what} ${visible(path)}`);
}

function certificates(path: string | undefined, what: string): ReturnType<typeof parseCertificatesPem> {
  return path === undefined ? [] : parseCertificatesPem(readText(path, what), `${what} ${visible(path)}`);
}

/** Parts that are given on their own. Each takes the place of the same part of a trusted root and is not added to it. */
function givenAnchors(flags: Values, config: Config): Partial<Anchors> {
  // As in cosign, an explicit trusted root is the whole answer, and the environment adds nothing to it.
  const environment = flags['trusted-root'] === undefined && flags['trust-url'] === undefined ? config : undefined;
  const chain = [
    ...certificates(flags['ca-intermediates'], 'the certificate file'),
    ...certificates(flags['ca-roots'], 'the certificate file'),
    ...certificates(flags['certificate-chain'], 'the certificate file'),
  ];
  const authorities = chain.length > 0 ? chain : certificates(environment?.rootFile, 'the file in SIGSTORE_ROOT_FILE');
  const stamps = certificates(flags['timestamp-certificate-chain'] ?? environment?.tsaCertificateFile, 'the timestamp certificate file');
  const rekor = environment?.rekorPublicKeyFile;
  const ctLog = environment?.ctLogPublicKeyFile;
  return {
    ...(authorities.length > 0 ? { authorities: authorityAnchors(authorities) } : {}),
    ...(stamps.length > 0 ? { timestampAuthorities: timestampAuthorityAnchors(stamps) } : {}),
    ...(rekor === undefined ? {} : { logs: [logAnchor(readText(rekor, 'the file in SIGSTORE_REKOR_PUBLIC_KEY'), rekor)] }),
    ...(ctLog === undefined ? {} : { certificateLogs: [certificateLogAnchor(readText(ctLog, 'the file in SIGSTORE_CT_LOG_PUBLIC_KEY_FILE'), ctLog)] }),
  };
}

/** Whether the question cannot be answered without a trusted root. */
function needsRoot(given: Partial<Anchors>, { signer, logs, timestamps, certificateLog }: FlagRequirement): boolean {
  return (
    (signer.kind === 'certificate' && !given.authorities) ||
    (logs > 0 && !given.logs) ||
    (timestamps > 0 && !given.timestampAuthorities) ||
    (certificateLog && !given.certificateLogs)
  );
}

function loadRoot(path: string | undefined, config: Config, needed: boolean, debug: (text: string) => void): Partial<Anchors> {
  if (path !== undefined) return parseTrustedRoot(readBytes(path, LIMITS.documentBytes, 'the trusted root'));
  if (!needed) return {};
  const found = fetchedTrust(config)?.trustedRoot;
  if (found === undefined) {
    throw new SealwardError('ERR_TRUSTED_ROOT_MISSING', `no trusted root was given, and none of the public good instance lies in ${visible(config.tufRoot)}`, {
      hint: 'Give --trusted-root FILE, or fetch the public good root once with `cosign initialize`. For signatures with a key that no log holds, give --insecure-ignore-tlog.',
    });
  }
  debug(`trusting ${visible(found)}`);
  return parseTrustedRoot(readBytes(found, LIMITS.documentBytes, 'the trusted root'));
}

/** Where cosign and the other clients of Sigstore keep the root of the public good instance. */
export function publicGoodRoot({ tufRoot }: Config): string | undefined {
  return [join(tufRoot, 'tuf-repo-cdn.sigstore.dev', 'targets', 'trusted_root.json'), join(tufRoot, 'targets', 'trusted_root.json')].find((path) =>
    existsSync(path),
  );
}
