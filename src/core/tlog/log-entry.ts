/**
 * One entry of a transparency log with what the log said about it, as it stands in a Sigstore bundle
 * (sigstore/protobuf-specs, sigstore_rekor.proto) or in cosign's annotation. Nothing in it is verified here.
 */
import { decodeHex, decodeProtoBytes, type JsonValue, LIMITS, parseJsonObject, ProtoObject } from '../encoding/index.ts';
import { logFormatError, parseDecimal, readFormat } from './log-format.ts';
import { NODE_BYTES } from './merkle-hash.ts';

export interface EntryInclusionProof {
  /** The index of the leaf in its tree; in Rekor v1 another than the entry's index when the log has several trees. */
  readonly logIndex: bigint;
  /** Copies of what the checkpoint says; they must agree with it. */
  readonly treeSize: bigint;
  readonly rootHash: Uint8Array;
  readonly hashes: readonly Uint8Array[];
  /** The checkpoint as the log signed it; the first bundles have none. */
  readonly checkpoint?: string;
}

export interface TransparencyLogEntry {
  /** The index that the log tells people; in Rekor v1 it runs through all trees of the log. */
  readonly logIndex: bigint;
  /** Which log: SHA-256 of its public key, or in Rekor v2 of its name and key. */
  readonly logId: Uint8Array;
  readonly kind: string;
  readonly version: string;
  /**
   * Seconds since 1970, as whoever wrote the bundle states it. Only verifyInclusionPromise says whether the log does,
   * and gives the time that may be used (CVE-2026-48816).
   */
  readonly integratedTime?: bigint;
  /** Rekor v1's signature over the entry, its time and its index (the "signed entry timestamp"). */
  readonly inclusionPromise?: Uint8Array;
  readonly inclusionProof?: EntryInclusionProof;
  /** The leaf: the bytes that the log hashed. */
  readonly canonicalizedBody: Uint8Array;
}

const ENTRY_FIELDS = ['logIndex', 'logId', 'kindVersion', 'integratedTime', 'inclusionPromise', 'inclusionProof', 'canonicalizedBody'];
const PROOF_FIELDS = ['logIndex', 'rootHash', 'treeSize', 'hashes', 'checkpoint'];

/** Reads the proto3 JSON of a TransparencyLogEntry, already parsed strictly. Throws ERR_LOG_FORMAT or ERR_TOO_LARGE. */
export function parseLogEntry(json: JsonValue | undefined): TransparencyLogEntry {
  return readFormat('the log entry', () => {
    const entry = new ProtoObject(json, 'the log entry', ENTRY_FIELDS, 'ERR_LOG_FORMAT');
    const kindVersion = entry.object('kindVersion', ['kind', 'version']);
    const integratedTime = readInt64(entry, 'integratedTime');
    const promise = entry.optionalObject('inclusionPromise', ['signedEntryTimestamp'])?.bytes('signedEntryTimestamp');
    const proof = entry.optionalObject('inclusionProof', PROOF_FIELDS);
    return {
      logIndex: readInt64(entry, 'logIndex'),
      logId: readHash(entry.object('logId', ['keyId']), 'keyId'),
      kind: kindVersion.string('kind'),
      version: kindVersion.string('version'),
      ...(integratedTime === 0n ? {} : { integratedTime }),
      ...(promise ? { inclusionPromise: promise } : {}),
      ...(proof ? { inclusionProof: readProof(proof) } : {}),
      canonicalizedBody: entry.bytes('canonicalizedBody'),
    };
  });
}

function readProof(proof: ProtoObject): EntryInclusionProof {
  const checkpoint = proof.optionalObject('checkpoint', ['envelope'])?.string('envelope');
  const hashes = proof.list('hashes', LIMITS.inclusionProofHashes);
  return {
    logIndex: readInt64(proof, 'logIndex'),
    treeSize: readInt64(proof, 'treeSize'),
    rootHash: readHash(proof, 'rootHash'),
    hashes: hashes.map((hash) => {
      const bytes = typeof hash === 'string' ? decodeProtoBytes(hash, 'a hash of the inclusion proof') : undefined;
      return bytes?.length === NODE_BYTES ? bytes : proof.refuse('its hashes are not all SHA-256 hashes');
    }),
    ...(checkpoint ? { checkpoint } : {}),
  };
}

function readHash(object: ProtoObject, name: string): Uint8Array {
  const hash = object.bytes(name);
  return hash.length === NODE_BYTES ? hash : object.refuse(`${name} has ${hash.length} bytes where a SHA-256 hash has ${NODE_BYTES}`);
}

/** An int64, as a string or a number; absent is 0, because proto3 leaves zeros out. Negative ones are refused: nothing here can be. */
function readInt64(object: ProtoObject, name: string): bigint {
  const value = object.value(name) ?? 0;
  if (typeof value === 'string') return parseDecimal(value, name);
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) return object.refuse(`${name} is not a non-negative integer`);
  return BigInt(value);
}

/**
 * cosign's annotation `dev.sigstore.cosign/bundle`: the promise of Rekor v1 and what it was made over. Kind and version
 * stand nowhere but in the body, so they are read from there. Throws ERR_LOG_FORMAT or ERR_TOO_LARGE.
 */
export function parseRekorBundle(json: string): TransparencyLogEntry {
  return readFormat('the Rekor bundle', () => {
    const document = parseJsonObject(json, { what: 'the Rekor bundle', maxBytes: LIMITS.attestationBytes });
    const bundle = new ProtoObject(document, 'the Rekor bundle', ['SignedEntryTimestamp', 'Payload'], 'ERR_LOG_FORMAT');
    const payload = bundle.object('Payload', ['body', 'integratedTime', 'logIndex', 'logID']);
    const logId = decodeHex(payload.string('logID'), 'logID');
    if (logId.length !== NODE_BYTES) payload.refuse('logID is not a SHA-256 digest');
    const integratedTime = readInt64(payload, 'integratedTime');
    if (integratedTime === 0n) payload.refuse('integratedTime is missing');
    const canonicalizedBody = payload.bytes('body');
    const { kind, version } = bodyKind(canonicalizedBody);
    return {
      logIndex: readInt64(payload, 'logIndex'),
      logId,
      kind,
      version,
      integratedTime,
      inclusionPromise: bundle.bytes('SignedEntryTimestamp'),
      canonicalizedBody,
    };
  });
}

function bodyKind(body: Uint8Array): { readonly kind: string; readonly version: string } {
  const { kind, apiVersion } = parseJsonObject(body, { what: 'the body of the log entry', maxBytes: LIMITS.attestationBytes });
  if (typeof kind !== 'string' || typeof apiVersion !== 'string') throw logFormatError('the body of the log entry does not state its kind and version');
  return { kind, version: apiVersion };
}
