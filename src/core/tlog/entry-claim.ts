/**
 * What the body of a log entry says that it is about. The body is what the log hashed and signed for; it counts only
 * for the signature, key and digest that stand in it (CVE-2022-23649, CVE-2026-22703), so every one of them is read.
 */
import { HASH_BYTES, type HashName } from '../crypto/index.ts';
import { decodeBase64, decodeHex, decodeUtf8, type JsonObject, type JsonValue, LIMITS, parseJsonObject, parsePem } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { logFormatError, readFormat, shown } from './log-format.ts';
import type { TransparencyLogEntry } from './log-entry.ts';

export interface EntryDigest {
  readonly hash: HashName;
  readonly bytes: Uint8Array;
}

/** A certificate in DER, or a public key as SubjectPublicKeyInfo in DER. */
export interface EntryVerifier {
  readonly kind: 'certificate' | 'publicKey';
  readonly der: Uint8Array;
}

export interface EntrySignature {
  /** Absent in intoto 0.0.1 alone, which binds the signature only through the hash of the envelope. */
  readonly signature?: Uint8Array;
  readonly verifier: EntryVerifier;
  /** Rekor v2: the name of the algorithm, as in Sigstore's PublicKeyDetails. */
  readonly keyDetails?: string;
}

export interface EntryClaim {
  readonly kind: 'hashedrekord' | 'dsse' | 'intoto';
  readonly version: string;
  /** The digest of the bytes that were signed: the artifact, or the pre-authentication encoding of an envelope. */
  readonly signedDigest?: EntryDigest;
  /** The digest of an envelope's payload. */
  readonly payloadHash?: EntryDigest;
  /** The digest of an envelope as it was sent to the log; bundles do not keep those bytes, bare envelopes do. */
  readonly envelopeHash?: EntryDigest;
  readonly payloadType?: string;
  readonly signatures: readonly EntrySignature[];
}

/** Reads the body of an entry of Rekor v1 or v2. Throws ERR_LOG_FORMAT for kinds that are not read and bodies that are malformed. */
export function parseEntryBody(entry: Pick<TransparencyLogEntry, 'kind' | 'version' | 'canonicalizedBody'>): EntryClaim {
  return readFormat('the body of the log entry', () => {
    const body = parseJsonObject(entry.canonicalizedBody, { what: 'the body of the log entry', maxBytes: LIMITS.attestationBytes });
    const [kind, version] = [text(body, 'kind'), text(body, 'apiVersion')];
    if (kind !== entry.kind || version !== entry.version) {
      throw logFormatError(`the log entry says that it is ${shown(`${entry.kind} ${entry.version}`)}, its body says ${shown(`${kind} ${version}`)}`);
    }
    const key = `${kind} ${version}`;
    const read = Object.hasOwn(READERS, key) ? READERS[key] : undefined;
    if (!read) throw logFormatError(`entries of kind ${shown(key)} are not read`);
    return read(object(body, 'spec'));
  });
}

type SpecReader = (spec: JsonObject) => EntryClaim;

const READERS: Readonly<Record<string, SpecReader>> = {
  'hashedrekord 0.0.1': (spec) => {
    const signature = object(spec, 'signature');
    return {
      kind: 'hashedrekord',
      version: '0.0.1',
      signedDigest: hexDigest(object(object(spec, 'data'), 'hash')),
      signatures: [{ signature: base64(signature, 'content'), verifier: pemVerifier(object(signature, 'publicKey'), 'content') }],
    };
  },
  'dsse 0.0.1': (spec) => ({
    kind: 'dsse',
    version: '0.0.1',
    payloadHash: hexDigest(object(spec, 'payloadHash')),
    envelopeHash: hexDigest(object(spec, 'envelopeHash')),
    signatures: list(spec, 'signatures').map((item) => ({ signature: base64(item, 'signature'), verifier: pemVerifier(item, 'verifier') })),
  }),
  'intoto 0.0.1': (spec) => {
    const content = object(spec, 'content');
    return {
      kind: 'intoto',
      version: '0.0.1',
      // The first of these entries had no hash of the payload; the envelope's covers it.
      ...(content['payloadHash'] === undefined ? {} : { payloadHash: hexDigest(object(content, 'payloadHash')) }),
      envelopeHash: hexDigest(object(content, 'hash')),
      signatures: [{ verifier: pemVerifier(spec, 'publicKey') }],
    };
  },
  'intoto 0.0.2': (spec) => {
    const content = object(spec, 'content');
    const envelope = object(content, 'envelope');
    return {
      kind: 'intoto',
      version: '0.0.2',
      // The `hash` beside it is what the client said and Rekor never checked, over a form of the envelope that nobody keeps.
      payloadHash: hexDigest(object(content, 'payloadHash')),
      payloadType: text(envelope, 'payloadType'),
      signatures: list(envelope, 'signatures').map((item) => ({
        signature: decodeTwice(base64(item, 'sig')),
        verifier: pemVerifier(item, 'publicKey'),
      })),
    };
  },
  'hashedrekord 0.0.2': (spec) => {
    const record = object(spec, 'hashedRekordV002');
    return {
      kind: 'hashedrekord',
      version: '0.0.2',
      signedDigest: protoDigest(object(record, 'data')),
      signatures: [protoSignature(object(record, 'signature'))],
    };
  },
  'dsse 0.0.2': (spec) => {
    const record = object(spec, 'dsseV002');
    return {
      kind: 'dsse',
      version: '0.0.2',
      payloadHash: protoDigest(object(record, 'payloadHash')),
      signatures: list(record, 'signatures').map(protoSignature),
    };
  },
};

const HASH_NAMES: Readonly<Record<string, HashName>> = { sha256: 'sha256', sha384: 'sha384', sha512: 'sha512' };
const PROTO_HASH_NAMES: Readonly<Record<string, HashName>> = { SHA2_256: 'sha256', SHA2_384: 'sha384', SHA2_512: 'sha512' };

/** Rekor v1: `{"algorithm":"sha256","value":"<hex>"}`. */
function hexDigest(holder: JsonObject): EntryDigest {
  return digest(HASH_NAMES, text(holder, 'algorithm'), decodeHex(text(holder, 'value'), 'value'));
}

/** Rekor v2: sigstore_common.proto, HashOutput. */
function protoDigest(holder: JsonObject): EntryDigest {
  return digest(PROTO_HASH_NAMES, text(holder, 'algorithm'), base64(holder, 'digest'));
}

function digest(names: Readonly<Record<string, HashName>>, name: string, bytes: Uint8Array): EntryDigest {
  const hash = Object.hasOwn(names, name) ? names[name] : undefined;
  if (!hash) throw logFormatError(`the hash algorithm ${shown(name)} is not accepted`);
  if (bytes.length !== HASH_BYTES[hash]) throw logFormatError(`a digest has ${bytes.length} bytes where ${hash} has ${HASH_BYTES[hash]}`);
  return { hash, bytes };
}

/** Rekor v1: base64 of PEM. A certificate may be followed by its chain; the signer's stands first. */
function pemVerifier(holder: JsonObject, name: string): EntryVerifier {
  const blocks = parsePem(decodeUtf8(base64(holder, name), name), name);
  const [first] = blocks;
  if (first?.label === 'PUBLIC KEY' && blocks.length === 1) return { kind: 'publicKey', der: first.bytes };
  if (first && blocks.every(({ label }) => label === 'CERTIFICATE')) return { kind: 'certificate', der: first.bytes };
  throw logFormatError(`${name} holds neither one public key nor certificates`);
}

/** Rekor v2: rekor/v2/verifier.proto, Signature. */
function protoSignature(holder: JsonObject): EntrySignature {
  const verifier = object(holder, 'verifier');
  if ((verifier['publicKey'] === undefined) === (verifier['x509Certificate'] === undefined))
    throw logFormatError('the verifier must be either a key or a certificate');
  const kind = verifier['publicKey'] === undefined ? 'certificate' : 'publicKey';
  const der = base64(object(verifier, kind === 'certificate' ? 'x509Certificate' : 'publicKey'), 'rawBytes');
  return { signature: base64(holder, 'content'), verifier: { kind, der }, keyDetails: text(verifier, 'keyDetails') };
}

/**
 * The envelope's own base64 was encoded once more on its way into the entry. Where that did not happen the entry is
 * still one that the log took in, about a signature that nobody made.
 */
function decodeTwice(once: Uint8Array): Uint8Array {
  try {
    return decodeBase64(decodeUtf8(once, 'sig'), 'sig');
  } catch (error) {
    if (error instanceof SealwardError) return once;
    throw error;
  }
}

function object(holder: JsonObject, name: string): JsonObject {
  const value = holder[name];
  if (!isObject(value)) throw logFormatError(`${name} is missing or is not an object`);
  return value;
}

function list(holder: JsonObject, name: string): JsonObject[] {
  const value = holder[name];
  if (!Array.isArray(value) || value.length === 0 || !value.every(isObject)) throw logFormatError(`${name} is not a list of objects`);
  if (value.length > LIMITS.signaturesPerEnvelope) {
    throw new SealwardError('ERR_TOO_LARGE', `${name} has ${value.length} members, the bound is ${LIMITS.signaturesPerEnvelope}`);
  }
  return value;
}

function text(holder: JsonObject, name: string): string {
  const value = holder[name];
  if (typeof value !== 'string' || value === '') throw logFormatError(`${name} is missing or is not a string`);
  return value;
}

function base64(holder: JsonObject, name: string): Uint8Array {
  return decodeBase64(text(holder, name), name);
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
