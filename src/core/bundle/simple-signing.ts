/**
 * Simple signing: the payload of cosign's first generation and of skopeo (containers/image
 * docs/containers-signature.5.md, with the type string that cosign uses).
 */
import { type JsonObject, type JsonValue, LIMITS, parseJsonObject } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';

export const SIMPLE_SIGNING_MEDIA_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json';
const SIMPLE_SIGNING_TYPE = 'cosign container image signature';

export interface SimpleSigning {
  /** `docker-reference` of the critical part; empty when the signer named none. */
  readonly reference: string;
  /** The digest that was signed for, as `sha256:hex`. */
  readonly digest: string;
  /** The optional part: annotations that are signed, but that nobody has to know. */
  readonly optional: JsonObject;
}

export function parseSimpleSigning(payload: Uint8Array): SimpleSigning {
  const refuse = (why: string): never => {
    throw new SealwardError('ERR_BUNDLE_INVALID', `the signed payload ${why}`);
  };
  const document = parseJsonObject(payload, { what: 'the signed payload', maxBytes: LIMITS.bundleBytes });
  const member = (object: JsonObject, name: string, known: readonly string[]): JsonObject => {
    const value: JsonValue | undefined = object[name];
    if (value === undefined || value === null || typeof value !== 'object' || Array.isArray(value)) return refuse(`has no object "${name}"`);
    // Whatever stands in the critical part must be understood (containers-signature(5), "critical").
    for (const key of Object.keys(value)) if (!known.includes(key)) refuse(`has a critical field that is not known: ${JSON.stringify(key.slice(0, 80))}`);
    return value;
  };
  for (const key of Object.keys(document))
    if (key !== 'critical' && key !== 'optional') refuse(`has a field that is not known: ${JSON.stringify(key.slice(0, 80))}`);
  const critical = member(document, 'critical', ['identity', 'image', 'type']);
  const reference = member(critical, 'identity', ['docker-reference'])['docker-reference'] ?? '';
  const digest = member(critical, 'image', ['docker-manifest-digest'])['docker-manifest-digest'];
  if (critical.type !== SIMPLE_SIGNING_TYPE) refuse('is not a container image signature');
  if (typeof reference !== 'string') return refuse('names a repository that is not a string');
  if (typeof digest !== 'string') return refuse('names no manifest digest');
  const optional = document.optional ?? {};
  if (typeof optional !== 'object' || Array.isArray(optional)) return refuse('has an optional part that is not an object');
  return { reference, digest, optional };
}

export function encodeSimpleSigning(reference: string, digest: string, optional: JsonObject | null): string {
  return JSON.stringify({
    critical: { identity: { 'docker-reference': reference }, image: { 'docker-manifest-digest': digest }, type: SIMPLE_SIGNING_TYPE },
    optional,
  });
}
