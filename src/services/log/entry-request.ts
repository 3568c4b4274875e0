/**
 * Rekor v2's CreateEntryRequest in all spellings of proto3 JSON, to the bytes of a leaf. A signature that does not verify
 * with the key beside it is not taken: the log would vouch for something that nobody said.
 */
import { preAuthEncoding, readEnvelope } from '../../core/bundle/index.ts';
import {
  type Algorithm,
  ALGORITHMS,
  algorithmFits,
  HASH_BYTES,
  hash,
  type HashName,
  parseCertificate,
  parsePublicKey,
  type PublicKey,
  sha256,
  verifySignature,
} from '../../core/crypto/index.ts';
import { LIMITS, parseJsonObject, ProtoObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { leafHash } from '../../core/tlog/index.ts';
import { dsseBody, type EntryVerifierForm, hashedRekordBody } from './entry-body.ts';

export interface LogEntryForm {
  readonly kind: 'hashedrekord' | 'dsse';
  readonly body: Uint8Array;
  /** Of the body. */
  readonly leaf: Uint8Array;
}

export interface RequestRules {
  /** As what envelopes are kept: like Rekor since June 2026, or as before. */
  readonly envelopesAs: 'hashedrekord' | 'dsse';
}

/** Rekor's default set; what signs a message without hashing it (Ed25519, ML-DSA) cannot be verified by a digest. */
const ACCEPTED: Readonly<Record<string, number>> = Object.fromEntries(
  [
    'PKIX_RSA_PKCS1V15_2048_SHA256',
    'PKIX_RSA_PKCS1V15_3072_SHA256',
    'PKIX_RSA_PKCS1V15_4096_SHA256',
    'PKIX_ECDSA_P256_SHA_256',
    'PKIX_ECDSA_P384_SHA_384',
    'PKIX_ECDSA_P521_SHA_512',
    'PKIX_ED25519_PH',
  ].map((name) => [name, algorithmOf(name).keyDetailsNumber]),
);

/** Reads, verifies, and answers the leaf. Throws ERR_REQUEST_INVALID, ERR_ENTRY_REFUSED, ERR_TOO_LARGE, or what keys, encodings and JSON refuse. */
export function readEntryRequest(bytes: Uint8Array, { envelopesAs }: RequestRules): LogEntryForm {
  const json = parseJsonObject(bytes, { what: 'the request', maxBytes: LIMITS.logEnvelopeRequestBytes, maxDepth: 16 });
  const request = new ProtoObject(json, 'the request', ['hashedRekordRequestV002', 'dsseRequestV002'], 'ERR_REQUEST_INVALID');
  const record = request.optionalObject('hashedRekordRequestV002', ['digest', 'signature']);
  const envelope = request.optionalObject('dsseRequestV002', ['envelope', 'verifiers']);
  if (record && envelope) return request.refuse('it asks for two entries');
  if (envelope) return entryOf(...readEnvelopeRequest(envelope, envelopesAs));
  if (!record) return request.refuse('it has no hashedRekordRequestV002');
  if (bytes.length > LIMITS.logRequestBytes) throw new SealwardError('ERR_TOO_LARGE', `the request is larger than ${LIMITS.logRequestBytes} bytes`);
  const digest = record.bytes('digest');
  const signature = record.object('signature', ['content', 'verifier']);
  const content = signature.bytes('content');
  const { key, ...verifier } = readVerifier(signature.object('verifier', VERIFIER_FIELDS));
  const { hash: name = 'sha256', keyDetails } = verifier.algorithm;
  if (digest.length !== HASH_BYTES[name]) record.refuse(`digest has ${digest.length} bytes, and ${keyDetails} signs one of ${HASH_BYTES[name]}`);
  if (!verifySignature(key, verifier.algorithm, { digest, hash: name }, content)) refuseSignature();
  return entryOf('hashedrekord', hashedRekordBody(digest, content, verifier));
}

function entryOf(kind: LogEntryForm['kind'], body: Uint8Array): LogEntryForm {
  // tlog-tiles, "Log Entries": a length of 16 bits.
  if (body.length > LIMITS.logEntryBytes)
    throw new SealwardError('ERR_TOO_LARGE', `the entry would have ${body.length} bytes, the bound is ${LIMITS.logEntryBytes}`);
  return { kind, body, leaf: leafHash(body) };
}

/** An entry is about one signature, so the envelope carries one; bundles carry no more either. */
function readEnvelopeRequest(request: ProtoObject, envelopesAs: RequestRules['envelopesAs']): [LogEntryForm['kind'], Uint8Array] {
  const envelope = readEnvelope(request.object('envelope', ['payload', 'payloadType', 'signatures']));
  const [signature, ...others] = envelope.signatures;
  const [first, ...more] = request.objects('verifiers', LIMITS.signaturesPerEnvelope, VERIFIER_FIELDS);
  if (!signature || others.length > 0) return request.refuse(`its envelope has ${envelope.signatures.length} signatures, and an entry is about one`);
  if (!first || more.length > 0) return request.refuse('it must have one verifier, that of the one signature');
  const { key, ...verifier } = readVerifier(first);
  const signed = preAuthEncoding(envelope.payloadType, envelope.payload);
  if (!verifySignature(key, verifier.algorithm, { bytes: signed }, signature.bytes)) refuseSignature();
  if (envelopesAs === 'dsse') return ['dsse', dsseBody(sha256(envelope.payload), signature.bytes, verifier)];
  return ['hashedrekord', hashedRekordBody(hash(verifier.algorithm.hash as HashName, signed), signature.bytes, verifier)];
}

const VERIFIER_FIELDS = ['publicKey', 'x509Certificate', 'keyDetails'];

function readVerifier(verifier: ProtoObject): EntryVerifierForm & { readonly key: PublicKey } {
  const publicKey = verifier.optionalObject('publicKey', ['rawBytes']);
  const certificate = verifier.optionalObject('x509Certificate', ['rawBytes']);
  if ((publicKey === undefined) === (certificate === undefined)) return verifier.refuse('it must have either publicKey or x509Certificate');
  const algorithm = algorithmOf(verifier.enumeration('keyDetails', ACCEPTED));
  const [kind, der] = publicKey
    ? (['publicKey', publicKey.bytes('rawBytes')] as const)
    : (['x509Certificate', (certificate as ProtoObject).bytes('rawBytes')] as const);
  const key = kind === 'publicKey' ? parsePublicKey(der, 'publicKey') : parseCertificate(der, 'x509Certificate').publicKey;
  if (!algorithmFits(algorithm, key)) {
    throw new SealwardError('ERR_ENTRY_REFUSED', `the key does not sign with ${algorithm.keyDetails}`);
  }
  return { kind, der, algorithm, key };
}

function algorithmOf(keyDetails: string): Algorithm {
  return ALGORITHMS.find((algorithm) => algorithm.keyDetails === keyDetails) as Algorithm;
}

function refuseSignature(): never {
  throw new SealwardError('ERR_ENTRY_REFUSED', 'the signature does not verify with the key beside it');
}
