/** A trusted_root.json out of certificates and keys that somebody decided to trust. */
import { type Certificate, defaultAlgorithm, hash, type PublicKey } from '../crypto/index.ts';
import { concatBytes, decodeHex, encodeBase64, type JsonObject, utf8 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';

/** Milliseconds since 1970; without an end it is trusted until somebody says otherwise. */
interface Service {
  readonly url: string;
  readonly from?: number;
  readonly to?: number;
}

export interface CertificateService extends Service {
  /** From the issuer of leaves (or the leaf that signs timestamps) to the top. */
  readonly certificates: readonly Certificate[];
}

export interface KeyService extends Service {
  readonly key: PublicKey;
  readonly from: number;
  /** The name in the log's checkpoints, where that is not the key alone. */
  readonly origin?: string;
}

export interface TrustedServices {
  readonly authorities: readonly CertificateService[];
  readonly logs: readonly KeyService[];
  readonly certificateLogs: readonly KeyService[];
  readonly timestampAuthorities: readonly CertificateService[];
}

/** sigstore_trustroot.proto, in version 0.1, which every verifier reads; a kind without members is left out, as proto3 JSON does. */
export function composeTrustedRoot({ authorities, logs, certificateLogs, timestampAuthorities }: TrustedServices): JsonObject {
  const lists = {
    tlogs: logs.map(logInstance),
    certificateAuthorities: authorities.map(authorityInstance),
    ctlogs: certificateLogs.map(logInstance),
    timestampAuthorities: timestampAuthorities.map(authorityInstance),
  };
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)),
  };
}

function logInstance({ url, key, origin, from, to }: KeyService): JsonObject {
  return {
    baseUrl: url,
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: encodeBase64(key.spki), keyDetails: defaultAlgorithm(key).keyDetails, validFor: validFor(from, to) },
    logId: { keyId: encodeBase64(logIdOf(key, origin)) },
  };
}

/** C2SP signed-note, "Signatures": Ed25519 keys are named together with the log; all others by their digest alone. */
function logIdOf(key: PublicKey, origin: string | undefined): Uint8Array {
  if (key.kind !== 'ed25519' || origin === undefined) return decodeHex(key.fingerprint);
  return hash('sha256', concatBytes(utf8(origin), Uint8Array.of(0x0a, 0x01), key.raw));
}

function authorityInstance({ url, certificates, from, to }: CertificateService): JsonObject {
  const [first] = certificates;
  if (!first) throw new SealwardError('ERR_CERTIFICATE_INVALID', `${url} has no certificates`);
  // Whoever does not say since when means: since it could sign at all.
  return {
    ...subjectOf(certificates.at(-1) as Certificate),
    uri: url,
    certChain: { certificates: certificates.map(({ raw }) => ({ rawBytes: encodeBase64(raw) })) },
    validFor: validFor(from ?? first.notBefore, to),
  };
}

function subjectOf({ subjectText }: Certificate): JsonObject {
  const member = (name: string): string | undefined => new RegExp(`(?:^|, ?)${name}=([^,"+\\\\]+)`).exec(subjectText)?.[1];
  const subject = Object.entries({ organization: member('O'), commonName: member('CN') }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return subject.length > 0 ? { subject: Object.fromEntries(subject) } : {};
}

function validFor(from: number, to: number | undefined): JsonObject {
  const time = (moment: number): string => new Date(moment).toISOString().replace('.000Z', 'Z');
  return { start: time(from), ...(to === undefined ? {} : { end: time(to) }) };
}
