/** AdmissionReview, admission.k8s.io/v1, as the API server sends it. What is not exactly that is refused before anything is judged. */
import { quoted } from '../../core/artifact/index.ts';
import { decodeUtf8, type JsonObject, type JsonValue, LIMITS, parseJsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { withoutManagedFields } from './skip-fields.ts';

const OPERATIONS = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const;
type ReviewOperation = (typeof OPERATIONS)[number];

export interface ReviewHead {
  /** To be echoed exactly. */
  readonly uid: string;
  readonly group: string;
  readonly kind: string;
  /** `ephemeralcontainers`, or empty. */
  readonly subresource: string;
  readonly operation: ReviewOperation;
  /** Of the request: the object of a template may name none. Empty for what stands in no namespace. */
  readonly namespace: string;
  /** Empty where the server makes the name from generateName. */
  readonly name: string;
  readonly user: string;
  readonly dryRun: boolean;
}

export interface Review {
  readonly head: ReviewHead;
  /** Absent on DELETE. */
  readonly object?: JsonObject;
  /** Present on UPDATE and DELETE. */
  readonly oldObject?: JsonObject;
}

const WHAT = 'the AdmissionReview';
/** A uid is a UUID; what is echoed must not carry whatever a stranger likes. */
const LONGEST_UID = 128;

/**
 * @param isServed from an API server that has proven to be one: it encodes what it decoded, so no key stands twice, and
 * looking for one would take as long as all the rest. Nesting is bounded where objects are walked.
 * @throws ERR_REVIEW_INVALID, ERR_JSON_INVALID or ERR_TOO_LARGE.
 */
export function parseReview(bytes: Uint8Array, isServed = false): Review {
  const review = isServed ? parseServed(bytes) : parseJsonObject(bytes, { what: WHAT, maxBytes: LIMITS.admissionReviewBytes });
  if (review['apiVersion'] !== 'admission.k8s.io/v1') refuse(`has the apiVersion ${shown(review['apiVersion'])}, not "admission.k8s.io/v1"`);
  if (review['kind'] !== 'AdmissionReview') refuse(`has the kind ${shown(review['kind'])}`);
  const request = objectIn(review, 'request') ?? refuse('holds no request');
  const uid = textIn(request, 'uid');
  if (uid === '' || uid.length > LONGEST_UID) refuse('has no uid of 1 to 128 characters');
  const operation = OPERATIONS.find((known) => known === request['operation']) ?? refuse(`asks about the operation ${shown(request['operation'])}`);
  const kind = objectIn(request, 'kind') ?? refuse('does not say of which kind the object is');
  if (textIn(kind, 'kind') === '') refuse('does not say of which kind the object is');
  const dryRun = request['dryRun'] ?? false;
  if (typeof dryRun !== 'boolean') refuse('has a dryRun that is neither true nor false');
  const object = objectIn(request, 'object');
  const oldObject = objectIn(request, 'oldObject');
  if ((operation === 'CREATE' || operation === 'UPDATE') && !object) refuse(`carries no object for ${operation}`);
  // Without the old object an update could not be told from a creation; it is never taken for an unchanged one.
  if (operation === 'UPDATE' && !oldObject) refuse('carries no oldObject for UPDATE');
  const head = {
    uid,
    group: textIn(kind, 'group'),
    kind: textIn(kind, 'kind'),
    subresource: textIn(request, 'subResource'),
    operation,
    namespace: textIn(request, 'namespace'),
    name: textIn(request, 'name'),
    user: textIn(objectIn(request, 'userInfo') ?? {}, 'username'),
    dryRun,
  };
  return { head, ...(object ? { object } : {}), ...(oldObject ? { oldObject } : {}) };
}

function parseServed(bytes: Uint8Array): JsonObject {
  const maxBytes = LIMITS.admissionReviewBytes;
  if (bytes.length > maxBytes) throw new SealwardError('ERR_TOO_LARGE', `${WHAT} is larger than ${maxBytes} bytes`);
  let value: JsonValue;
  try {
    value = JSON.parse(decodeUtf8(withoutManagedFields(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)), WHAT)) as JsonValue;
  } catch (cause) {
    // Without the reason, which may quote the document.
    throw new SealwardError('ERR_JSON_INVALID', `${WHAT} is not JSON`, { cause });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) refuse('is no object');
  return value;
}

function refuse(why: string): never {
  throw new SealwardError('ERR_REVIEW_INVALID', `${WHAT} ${why}`);
}

const shown = (value: JsonValue | undefined): string => (typeof value === 'string' ? quoted(value) : value === undefined ? 'nothing' : typeof value);

/** Go writes an absent string as "" or not at all. */
function textIn(from: JsonObject, member: string): string {
  const value = from[member] ?? '';
  return typeof value === 'string' ? value : refuse(`has a ${member} that is no text`);
}

/** Go writes an absent object as null. */
function objectIn(from: JsonObject, member: string): JsonObject | undefined {
  const value = from[member] ?? undefined;
  if (value === undefined) return undefined;
  return typeof value === 'object' && !Array.isArray(value) ? value : refuse(`has a ${member} that is no object`);
}
