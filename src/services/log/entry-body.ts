/**
 * The leaves of the log, byte for byte as Rekor v2 makes them: the proto3 JSON of its Entry, in canonical form (RFC 8785).
 * Verifiers build these bytes anew from a bundle and hash them, so that one other byte is a proof that nobody accepts.
 */
import type { Algorithm, HashName } from '../../core/crypto/index.ts';
import { encodeBase64, utf8 } from '../../core/encoding/index.ts';

export interface EntryVerifierForm {
  readonly kind: 'publicKey' | 'x509Certificate';
  readonly der: Uint8Array;
  readonly algorithm: Algorithm;
}

/** sigstore_common.proto, HashAlgorithm. */
const HASH_ALGORITHM: Readonly<Record<HashName, string>> = { sha256: 'SHA2_256', sha384: 'SHA2_384', sha512: 'SHA2_512' };

/** @param digest what was signed, under the hash of the algorithm. */
export function hashedRekordBody(digest: Uint8Array, signature: Uint8Array, verifier: EntryVerifierForm): Uint8Array {
  const data = hashOutput(verifier.algorithm.hash as HashName, digest);
  // Base64 and the names of algorithms need no escapes, and the members stand in their canonical order.
  return utf8(`{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":${data},"signature":${signatureOf(signature, verifier)}}}}`);
}

/** The form that Rekor gave envelopes until June 2026, for verifiers that know no other. */
export function dsseBody(payloadSha256: Uint8Array, signature: Uint8Array, verifier: EntryVerifierForm): Uint8Array {
  const payload = hashOutput('sha256', payloadSha256);
  return utf8(`{"apiVersion":"0.0.2","kind":"dsse","spec":{"dsseV002":{"payloadHash":${payload},"signatures":[${signatureOf(signature, verifier)}]}}}`);
}

function hashOutput(name: HashName, digest: Uint8Array): string {
  return `{"algorithm":"${HASH_ALGORITHM[name]}","digest":"${encodeBase64(digest)}"}`;
}

function signatureOf(content: Uint8Array, { kind, der, algorithm }: EntryVerifierForm): string {
  return `{"content":"${encodeBase64(content)}","verifier":{"keyDetails":"${algorithm.keyDetails}","${kind}":{"rawBytes":"${encodeBase64(der)}"}}}`;
}
