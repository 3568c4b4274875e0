/** JSONRequest of Sigstore's timestamp authority (timestamp-authority, pkg/api), which its client for JavaScript sends; as a request of RFC 3161. */
import { encodeTimestampRequest, HASH_BYTES, type HashName } from '../../core/crypto/index.ts';
import { decodeBase64, type JsonObject, parseJsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

const MEMBERS = ['artifactHash', 'hashAlgorithm', 'certificates', 'nonce', 'tsaPolicyOID'];
const MAX_BYTES = 1024;

/** Throws ERR_TIMESTAMP_INVALID, ERR_JSON_INVALID, ERR_ENCODING_INVALID or ERR_TOO_LARGE. */
export function requestFromJson(bytes: Uint8Array): Uint8Array {
  const object: JsonObject = parseJsonObject(bytes, { what: 'the timestamp request', maxBytes: MAX_BYTES, maxDepth: 4 });
  const refuse = (why: string): never => {
    throw new SealwardError('ERR_TIMESTAMP_INVALID', `the timestamp request ${why}`);
  };
  const strange = Object.keys(object).find((name) => !MEMBERS.includes(name));
  if (strange !== undefined) refuse(`has a member that is not known: ${JSON.stringify(strange.slice(0, 80))}`);
  const { artifactHash, hashAlgorithm, certificates = false, nonce = 0, tsaPolicyOID: policy = '' } = object;
  const hash =
    typeof hashAlgorithm === 'string' && Object.hasOwn(HASH_BYTES, hashAlgorithm) ? (hashAlgorithm as HashName) : refuse('names no hash that is served');
  const digest = typeof artifactHash === 'string' ? decodeBase64(artifactHash, 'artifactHash') : refuse('has no artifactHash');
  if (digest.length !== HASH_BYTES[hash]) refuse(`has an artifactHash that is not one of ${hash}`);
  if (typeof certificates !== 'boolean') refuse('has certificates that are neither true nor false');
  if (typeof nonce !== 'number' || !Number.isSafeInteger(nonce) || nonce < 0) return refuse('has a nonce that is not a number');
  if (typeof policy !== 'string' || !/^(?:[0-2](?:\.\d{1,10}){1,20})?$/.test(policy)) return refuse('has a policy that is no object identifier');
  return encodeTimestampRequest({
    hash,
    digest,
    certificates: certificates === true,
    ...(nonce === 0 ? {} : { nonce: BigInt(nonce) }),
    ...(policy === '' ? {} : { policy }),
  });
}
