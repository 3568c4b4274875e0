/** What the signer signed beside the digest: a name, annotations, and which signatures belong together. */
import type { SignedEntity } from '../bundle/index.ts';
import type { JsonObject } from '../encoding/index.ts';
import type { SignatureFacts } from './facts.ts';

/** The signed annotation that lists, apart by commas, the algorithms of all signatures that were made together. */
export const REQUIRED_ALGORITHMS = 'dev.sealward/required-algorithms';

/** The annotations that the signature covers: the optional part of simple signing, or those of the subject that matched. */
export function signedAnnotations(entity: SignedEntity, about: string | undefined): JsonObject {
  if (entity.claim.kind === 'simple-signing') return entity.claim.optional;
  return subjectThatMatched(entity, about)?.annotations ?? {};
}

function subjectThatMatched({ claim }: SignedEntity, about: string | undefined) {
  if (claim.kind !== 'statement' || about === undefined) return undefined;
  const [hash = '', hex] = about.split(':');
  return claim.statement.subjects.find(({ digest }) => digest[hash] === hex);
}

export function requiredAlgorithms(annotations: JsonObject): readonly string[] {
  const listed = Object.hasOwn(annotations, REQUIRED_ALGORITHMS) ? annotations[REQUIRED_ALGORITHMS] : undefined;
  return typeof listed === 'string' ? listed.split(',').filter((id) => id !== '') : [];
}

/** The name that the signer wrote: of the subject that matched, or of the first that has one. */
export function claimedName(entity: SignedEntity, about: string | undefined): SignatureFacts['claimed'] {
  const { claim } = entity;
  if (claim.kind === 'simple-signing') return named('simple-signing', claim.reference);
  if (claim.kind !== 'statement') return undefined;
  const name = subjectThatMatched(entity, about)?.name ?? claim.statement.subjects.find((subject) => subject.name !== undefined)?.name;
  return name === undefined ? undefined : named('statement', name);
}

function named(where: 'simple-signing' | 'statement', reference: string): SignatureFacts['claimed'] {
  const withoutDigest = reference.split('@')[0] ?? '';
  const colon = withoutDigest.lastIndexOf(':');
  const tagged = colon > withoutDigest.lastIndexOf('/');
  const repository = tagged ? withoutDigest.slice(0, colon) : withoutDigest;
  return repository === '' ? undefined : { in: where, repository, ...(tagged ? { tag: withoutDigest.slice(colon + 1) } : {}) };
}
