/**
 * Evidence as it was known, in bytes: the places with how asking each of them ended, and the documents by their digests.
 * Whoever keeps these bytes and those of the documents can make a decision again long after the registry has moved on.
 */
import { type DocumentKind, DOCUMENT_KINDS } from '../bundle/index.ts';
import { canonicalJson, type JsonObject, type JsonValue, LIMITS, parseJsonObject, utf8 } from '../encoding/index.ts';
import { ERRORS, type ErrorCode, FINDINGS, type FindingCode, invariant, SealwardError } from '../errors.ts';
import { type Evidence, type EvidenceDocument, type Place, PLACE_NAMES, readEvidence, type Subject } from './evidence.ts';

const VERSION = 1;
const STATES = ['complete', 'absent', 'unavailable', 'not-asked'] as const satisfies readonly Place['state'][];
const HASHES = ['sha256', 'sha384', 'sha512'] as const;
const MOST_NAMED = 20;

/** Canonical JSON (RFC 8785): the same evidence is the same bytes, in whatever order its documents were found. */
export function encodeEvidence({ subject, places, documents }: Evidence): Uint8Array {
  invariant(subject.bytes === undefined, 'evidence about a file is kept with the file');
  const found = documents.map(({ digest, place, source, unreadable }) => ({
    digest,
    place,
    ...(source ? { kind: source.kind, beside: { ...source.annotations } } : { unreadable: { ...unreadable } }),
  }));
  return utf8(
    canonicalJson({
      version: VERSION,
      digests: { ...subject.digests },
      indexes: (subject.indexes ?? []).map(({ digest }) => digest),
      places: places.map(({ cause, ...place }) => ({ ...place, ...(cause ? { cause: causeToJson(cause) } : {}) })),
      documents: found.sort((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1)),
    }),
  );
}

/**
 * `sha256:hex` of each document whose bytes are needed to read the evidence again, and of the indexes.
 * @throws ERR_STATE_INVALID, ERR_JSON_INVALID or ERR_TOO_LARGE for anything that `encodeEvidence` did not write.
 */
export function documentsIn(bytes: Uint8Array): string[] {
  const { version, indexes, documents } = parseJsonObject(bytes, { what: 'the recorded evidence', maxBytes: LIMITS.evidenceRecordBytes });
  if (version !== VERSION) throw malformed('it is of another version');
  const read = list(documents)
    .map(objectOf)
    .filter(({ kind }) => kind !== undefined);
  return [...new Set([...read.map(({ digest }) => textOf(digest)), ...list(indexes).map(textOf)])];
}

/**
 * @param read bytes by their digest, held against it; undefined when they are not there.
 * @throws ERR_EVIDENCE_MISSING, naming the documents that are not there; ERR_STATE_INVALID for anything that `encodeEvidence` did not write.
 */
export function decodeEvidence(bytes: Uint8Array, read: (digest: string) => Uint8Array | undefined): Evidence {
  const object = parseJsonObject(bytes, { what: 'the recorded evidence', maxBytes: LIMITS.evidenceRecordBytes });
  const { version, digests, indexes, places, documents } = object;
  if (version !== VERSION) throw malformed('it is of another version');
  const missing: string[] = [];
  const evidence = {
    subject: readSubject(digests, indexes),
    places: list(places).map(readPlace),
    documents: list(documents).map((one) => readNamed(one, read, missing)),
  };
  if (missing.length > 0) {
    const more = missing.length > MOST_NAMED ? `, and ${missing.length - MOST_NAMED} more` : '';
    throw new SealwardError(
      'ERR_EVIDENCE_MISSING',
      `of the evidence of that time these documents are not held: ${missing.slice(0, MOST_NAMED).join(', ')}${more}`,
    );
  }
  return evidence;
}

function readSubject(digests: JsonValue | undefined, indexes: JsonValue | undefined): Subject {
  const known = Object.entries(objectOf(digests)).map(([hash, hex]): [string, string] => {
    if (!HASHES.some((one) => one === hash) || typeof hex !== 'string') throw malformed('it is about no digest');
    return [hash, hex];
  });
  if (known.length === 0) throw malformed('it is about no digest');
  const listed = list(indexes).map((digest) => ({ digest: textOf(digest) }));
  return { digests: Object.fromEntries(known), ...(listed.length > 0 ? { indexes: listed } : {}) };
}

function readPlace(value: JsonValue): Place {
  const { name, where, state, cause, left, askedAt } = objectOf(value);
  const known = PLACE_NAMES.find((one) => one === name);
  const ended = STATES.find((one) => one === state);
  if (!known || !ended) throw malformed('a place of it is not known');
  return {
    name: known,
    where: textOf(where),
    state: ended,
    ...(cause === undefined ? {} : { cause: readCause(cause) }),
    ...(left === undefined ? {} : { left: countOf(left) }),
    ...(askedAt === undefined ? {} : { askedAt: countOf(askedAt) }),
  };
}

function causeToJson({ code, message, hint }: SealwardError): JsonObject {
  return { code, message, hint };
}

function readCause(value: JsonValue): SealwardError {
  const { code, message, hint } = objectOf(value);
  if (typeof code !== 'string' || !Object.hasOwn(ERRORS, code)) throw malformed('a place of it has an error that is not known');
  return new SealwardError(code as ErrorCode, textOf(message), { hint: textOf(hint) });
}

function readNamed(value: JsonValue, read: (digest: string) => Uint8Array | undefined, missing: string[]): EvidenceDocument {
  const { digest, place, kind, beside, unreadable } = objectOf(value);
  const at = PLACE_NAMES.find((one) => one === place);
  const name = textOf(digest);
  if (!at) throw malformed('a document of it has no place');
  if (kind === undefined) {
    const { code, detail } = objectOf(unreadable);
    if (typeof code !== 'string' || !Object.hasOwn(FINDINGS, code)) throw malformed('a document of it has a finding that is not known');
    return { digest: name, place: at, entities: [], unreadable: { code: code as FindingCode, detail: textOf(detail) } };
  }
  const known = DOCUMENT_KINDS.find((one): one is DocumentKind => one === kind);
  if (!known) throw malformed('a document of it is of no kind that is known');
  const annotations = Object.fromEntries(Object.entries(objectOf(beside)).map(([key, text]) => [key, textOf(text)]));
  const bytes = read(name);
  if (!bytes) {
    missing.push(name);
    return { digest: name, place: at, entities: [] };
  }
  const document = readEvidence(at, { kind: known, annotations }, bytes);
  if (document.digest !== name) throw malformed('the bytes of a document are not those of its digest');
  return document;
}

function list(value: JsonValue | undefined): JsonValue[] {
  if (!Array.isArray(value)) throw malformed('it lacks a list');
  return value;
}

function objectOf(value: JsonValue | undefined): JsonObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw malformed('it lacks an object');
  return value;
}

function textOf(value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw malformed('it lacks a text');
  return value;
}

function countOf(value: JsonValue): number {
  if (typeof value !== 'number' || value < 0) throw malformed('it lacks a number');
  return value;
}

function malformed(why: string): SealwardError {
  return new SealwardError('ERR_STATE_INVALID', `the recorded evidence cannot be read: ${why}`);
}
