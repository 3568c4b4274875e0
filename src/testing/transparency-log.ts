/** Transparency logs as Rekor runs them, in both generations: a tree in memory that answers each entry with its proof. */
import { type Algorithm, type HashName, hash, sha256 } from '../core/crypto/index.ts';
import { canonicalJson, concatBytes, encodeBase64, encodeHex, encodePem, type JsonObject, utf8 } from '../core/encoding/index.ts';
import { computeRoot, encodeCheckpoint, encodeNote, inclusionProof, leafHash } from '../core/tlog/index.ts';
import { createTestKey, type TestKey } from './test-key.ts';

/** What a signer hands to a log. */
export interface LogRequest {
  readonly signature: Uint8Array;
  /** The bytes that were signed: the artifact, a payload, or the pre-authentication encoding of the envelope. */
  readonly signed: Uint8Array;
  readonly algorithm: Algorithm;
  readonly verifier: { readonly kind: 'certificate' | 'publicKey'; readonly der: Uint8Array };
  readonly envelope?: { readonly payloadType: string; readonly payload: Uint8Array; readonly json: string };
}

export interface TestLog {
  readonly generation: 'v1' | 'v2';
  readonly baseUrl: string;
  readonly key: TestKey;
  readonly logId: Uint8Array;
  /** Takes an entry in; a TransparencyLogEntry in proto3 JSON, with the proof for the tree that it completes. */
  append(request: LogRequest): JsonObject;
  /** The same for a body that says something else than it should. */
  appendBody(kind: string, version: string, body: Uint8Array): JsonObject;
  /** The checkpoint of the tree as it stands. */
  checkpoint(): string;
}

interface LogOptions {
  readonly now: () => number;
  readonly baseUrl?: string;
  /** The log's key; a fresh one when not said. */
  readonly key?: TestKey;
  /** Entries of strangers that stand in the tree before the first of ours. */
  readonly strangers?: number;
}

/** Entries of trees that the first generation's log had before, so that an entry's index differs from its leaf's. */
const EARLIER_TREES = 25_579;
const TREE_ID = '2605736670972794746';

export function createTestRekorV1({ now, baseUrl = 'https://rekor.sealward.test', strangers = 11, key = createTestKey('ecdsa-p256') }: LogOptions): TestLog {
  const logId = sha256(key.publicKey.spki);
  const name = new URL(baseUrl).hostname;
  const tree = createTree(`${name} - ${TREE_ID}`, name, logId, key, strangers);
  const appendBody = (kind: string, version: string, body: Uint8Array): JsonObject => {
    const { index, proof } = tree.add(body);
    const logIndex = EARLIER_TREES + index;
    const integratedTime = Math.floor(now() / 1000);
    // Rekor's signed entry timestamp: canonical JSON of body, time, log and index.
    const promise = canonicalJson({ body: encodeBase64(body), integratedTime, logID: encodeHex(logId), logIndex });
    return {
      ...common(logIndex, logId, kind, version, body),
      integratedTime: String(integratedTime),
      inclusionPromise: { signedEntryTimestamp: encodeBase64(key.sign(utf8(promise))) },
      inclusionProof: proof,
    };
  };
  return {
    generation: 'v1',
    baseUrl,
    key,
    logId,
    appendBody,
    append: (request) => appendBody(request.envelope ? 'dsse' : 'hashedrekord', '0.0.1', bodyV1(request)),
    checkpoint: () => tree.checkpoint(),
  };
}

export function createTestRekorV2({
  baseUrl = 'https://log2026.rekor.sealward.test',
  strangers = 11,
  key = createTestKey('ed25519'),
}: Omit<LogOptions, 'now'> = {}): TestLog {
  const name = new URL(baseUrl).hostname;
  // C2SP signed-note: the key ID of an Ed25519 key; the log's ID in a trusted root is all of it.
  const logId = sha256(concatBytes(utf8(name), Uint8Array.of(0x0a, 0x01), key.publicKey.raw));
  const tree = createTree(name, name, logId, key, strangers);
  const appendBody = (kind: string, version: string, body: Uint8Array): JsonObject => {
    const { index, proof } = tree.add(body);
    return { ...common(index, logId, kind, version, body), inclusionProof: proof };
  };
  return {
    generation: 'v2',
    baseUrl,
    key,
    logId,
    appendBody,
    // Since rekor-tiles 2.3 an envelope is logged as the hash of its pre-authentication encoding.
    append: (request) => appendBody('hashedrekord', '0.0.2', bodyV2(request)),
    checkpoint: () => tree.checkpoint(),
  };
}

function common(index: number, logId: Uint8Array, kind: string, version: string, body: Uint8Array): JsonObject {
  return { logIndex: String(index), logId: { keyId: encodeBase64(logId) }, kindVersion: { kind, version }, canonicalizedBody: encodeBase64(body) };
}

interface Tree {
  add(body: Uint8Array): { readonly index: number; readonly proof: JsonObject };
  checkpoint(): string;
}

function createTree(origin: string, name: string, logId: Uint8Array, key: TestKey, strangers: number): Tree {
  const leaves = Array.from({ length: strangers }, (_, i) => leafHash(utf8(`an entry of somebody else, number ${i}`)));
  const checkpoint = (): string => {
    const text = encodeCheckpoint({ origin, size: BigInt(leaves.length), root: computeRoot(leaves) });
    const id = new DataView(logId.buffer, logId.byteOffset).getUint32(0);
    return encodeNote(text, [{ name, id, signature: key.sign(utf8(text)) }]);
  };
  return {
    checkpoint,
    add(body) {
      const index = leaves.push(leafHash(body)) - 1;
      const proof = {
        logIndex: String(index),
        rootHash: encodeBase64(computeRoot(leaves)),
        treeSize: String(leaves.length),
        hashes: inclusionProof(leaves, BigInt(index)).map(encodeBase64),
        checkpoint: { envelope: checkpoint() },
      };
      return { index, proof };
    },
  };
}

/** rekor pkg/types/hashedrekord/v0.0.1 and pkg/types/dsse/v0.0.1, canonicalised. */
function bodyV1({ signature, signed, algorithm, verifier, envelope }: LogRequest): Uint8Array {
  const pem = encodeBase64(utf8(encodePem(verifier.kind === 'certificate' ? 'CERTIFICATE' : 'PUBLIC KEY', verifier.der)));
  const hex = (name: HashName, bytes: Uint8Array): JsonObject => ({ algorithm: name, value: encodeHex(hash(name, bytes)) });
  const spec: JsonObject = envelope
    ? {
        envelopeHash: hex('sha256', utf8(envelope.json)),
        payloadHash: hex('sha256', envelope.payload),
        signatures: [{ signature: encodeBase64(signature), verifier: pem }],
      }
    : { data: { hash: hex(algorithm.hash ?? 'sha256', signed) }, signature: { content: encodeBase64(signature), publicKey: { content: pem } } };
  return utf8(canonicalJson({ apiVersion: '0.0.1', kind: envelope ? 'dsse' : 'hashedrekord', spec }));
}

const PROTO_HASHES: Readonly<Record<HashName, string>> = { sha256: 'SHA2_256', sha384: 'SHA2_384', sha512: 'SHA2_512' };

/** rekor-tiles rekor/v2/hashedrekord.proto. */
function bodyV2({ signature, signed, algorithm, verifier }: LogRequest): Uint8Array {
  const name = algorithm.hash ?? 'sha256';
  const key: JsonObject = { [verifier.kind === 'certificate' ? 'x509Certificate' : 'publicKey']: { rawBytes: encodeBase64(verifier.der) } };
  const record: JsonObject = {
    data: { algorithm: PROTO_HASHES[name], digest: encodeBase64(hash(name, signed)) },
    signature: { content: encodeBase64(signature), verifier: { keyDetails: algorithm.keyDetails, ...key } },
  };
  return utf8(canonicalJson({ apiVersion: '0.0.2', kind: 'hashedrekord', spec: { hashedRekordV002: record } }));
}
