/**
 * in-toto statements: v1 (github.com/in-toto/attestation spec/v1/statement.md) and v0.1. A statement says which
 * artifacts (subjects, by digest) a predicate is about.
 */
import { type JsonObject, type JsonValue, LIMITS, parseJsonObject } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';

export const STATEMENT_PAYLOAD_TYPE = 'application/vnd.in-toto+json';
export const STATEMENT_V1 = 'https://in-toto.io/Statement/v1';
export const STATEMENT_V01 = 'https://in-toto.io/Statement/v0.1';

export interface StatementSubject {
  readonly name?: string;
  /** Digests in lower-case hexadecimal by algorithm name, as they stand in the statement. */
  readonly digest: Readonly<Record<string, string>>;
  readonly annotations?: JsonObject;
}

export interface Statement {
  readonly version: 'v1' | 'v0.1';
  readonly subjects: readonly StatementSubject[];
  readonly predicateType: string;
  readonly predicate: JsonValue;
}

/** Parses the payload of an envelope; the bytes are those that were signed. */
export function parseStatement(payload: Uint8Array): Statement {
  const object = parseJsonObject(payload, { what: 'the statement', maxBytes: LIMITS.attestationBytes });
  const refuse = (why: string): never => {
    throw new SealwardError('ERR_BUNDLE_INVALID', `the statement ${why}`);
  };
  const { _type, predicateType, subject } = object;
  if (_type !== STATEMENT_V1 && _type !== STATEMENT_V01) return refuse('is of a type that is not known');
  if (typeof predicateType !== 'string' || predicateType === '') return refuse('names no predicate type');
  if (!Array.isArray(subject) || subject.length === 0) return refuse('names no subject');
  if (subject.length > LIMITS.subjectsPerStatement) {
    throw new SealwardError('ERR_TOO_LARGE', `the statement names ${subject.length} subjects, the bound is ${LIMITS.subjectsPerStatement}`);
  }
  return {
    version: _type === STATEMENT_V1 ? 'v1' : 'v0.1',
    subjects: subject.map((item) => parseSubject(item, refuse)),
    predicateType,
    predicate: object.predicate ?? null,
  };
}

function parseSubject(value: JsonValue, refuse: (why: string) => never): StatementSubject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return refuse('has a subject that is not an object');
  const { name, digest, annotations } = value;
  if (digest === null || typeof digest !== 'object' || Array.isArray(digest)) return refuse('has a subject without digests');
  const entries = Object.entries(digest);
  // An empty set of digests would match nothing, or, in a careless comparison, everything.
  if (entries.length === 0) return refuse('has a subject without digests');
  if (entries.length > LIMITS.digestsPerSubject)
    throw new SealwardError('ERR_TOO_LARGE', `a subject has ${entries.length} digests, the bound is ${LIMITS.digestsPerSubject}`);
  for (const [, hex] of entries) if (typeof hex !== 'string' || hex === '') refuse('has a digest that is not a string');
  if (name !== undefined && name !== null && typeof name !== 'string') return refuse('has a subject whose name is not a string');
  const out: { name?: string; digest: Record<string, string>; annotations?: JsonObject } = { digest: digest as Record<string, string> };
  if (typeof name === 'string' && name !== '') out.name = name;
  if (annotations !== null && typeof annotations === 'object' && !Array.isArray(annotations)) out.annotations = annotations;
  return out;
}
