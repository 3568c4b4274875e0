/** Objects as the API server sends them: what every one has is read here, the rest is left to whoever knows the kind. */
import { type JsonObject, type JsonValue, decodeUtf8, LIMITS, memberOf, stringOf } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

export interface ClusterObject {
  /** Empty for what belongs to no namespace. */
  readonly namespace: string;
  readonly name: string;
  /** Another one when an object was deleted and made again under the same name. Empty where the server sends none. */
  readonly uid: string;
  /** Opaque: only ever sent back. */
  readonly resourceVersion: string;
  readonly labels: ReadonlyMap<string, string>;
  /** All of it; of an object that is nested deeper than LIMITS.jsonDepth no more than its metadata's names. */
  readonly json: JsonObject;
  /** False where json was cut for its depth. */
  readonly whole: boolean;
}

/**
 * The JSON of an answer. Not parseJson: the API server encodes what it decoded, so no key stands twice; and one Pod with
 * a grace period beyond 2^53, which anybody may make, must not hide all the others from who lists them.
 * Throws ERR_CLUSTER_ANSWER.
 */
export function parseAnswer(bytes: Uint8Array | string, what: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(typeof bytes === 'string' ? bytes : decodeUtf8(bytes, what));
  } catch (cause) {
    throw new SealwardError('ERR_CLUSTER_ANSWER', `the answer for ${what} is not JSON`, { cause });
  }
  if (!isObject(value)) throw new SealwardError('ERR_CLUSTER_ANSWER', `the answer for ${what} is not a JSON object`);
  return value;
}

const isObject = (value: unknown): value is JsonObject => value !== null && typeof value === 'object' && !Array.isArray(value);

/** Throws ERR_CLUSTER_ANSWER for what has no name. */
export function parseClusterObject(value: JsonValue | undefined, what: string): ClusterObject {
  const metadata = memberOf(value, 'metadata');
  const name = stringOf(memberOf(metadata, 'name'));
  if (name === undefined || name === '' || !isObject(value))
    throw new SealwardError('ERR_CLUSTER_ANSWER', `the answer for ${what} holds an object without a name`);
  const namespace = stringOf(memberOf(metadata, 'namespace')) ?? '';
  const uid = stringOf(memberOf(metadata, 'uid')) ?? '';
  const resourceVersion = stringOf(memberOf(metadata, 'resourceVersion')) ?? '';
  const labels = memberOf(metadata, 'labels');
  const entries = isObject(labels) ? Object.entries(labels).filter((entry): entry is [string, string] => typeof entry[1] === 'string') : [];
  const whole = !deeperThan(value, LIMITS.jsonDepth);
  const json = whole ? value : { metadata: { name, namespace, uid, resourceVersion } };
  return { namespace, name, uid, resourceVersion, labels: new Map(entries), json, whole };
}

/** Without recursion: the depth is what is in doubt. */
function deeperThan(value: JsonValue, depth: number): boolean {
  let level: JsonValue[] = [value];
  for (let at = 0; level.length > 0; at++) {
    if (at > depth) return true;
    const next: JsonValue[] = [];
    for (const each of level) {
      if (each === null || typeof each !== 'object') continue;
      for (const inner of Array.isArray(each) ? each : Object.values(each)) if (inner !== null && typeof inner === 'object') next.push(inner);
    }
    level = next;
  }
  return false;
}
