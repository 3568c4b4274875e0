/** Matching names: the identity in a certificate, and what was signed beside the digest. */
import { signerNames } from '../crypto/index.ts';
import type { JsonValue } from '../encoding/index.ts';
import type { Finding, SignatureFacts, SignerFact } from './facts.ts';
import type { Requirement } from './requirement.ts';

/** The signed annotation that lists, apart by commas, the algorithms of all signatures that were made together. */
export const REQUIRED_ALGORITHMS = 'dev.sealward/required-algorithms';

export interface IdentityMatch {
  identity?: string;
}

/** Identities match as whole strings; each part must match, and a part that was not asked for is not compared. */
export function checkIdentity(signer: SignerFact | undefined, { signer: wanted }: Requirement, match: IdentityMatch): Finding | undefined {
  if (wanted.kind === 'key' || !signer?.certificate) return undefined;
  const { leaf, claims } = signer.certificate;
  const names = signerNames(leaf);
  const matched = wanted.identity ? names.find((name) => wanted.identity?.matches(name)) : names[0];
  const shown = matched ?? names[0];
  if (shown !== undefined) match.identity = shown;
  if (wanted.identity && matched === undefined) {
    return {
      code: 'IDENTITY_MISMATCH',
      detail: `it was signed by ${names.map((name) => name.slice(0, 200)).join(', ') || 'nobody with a name'}, wanted was ${wanted.identity.wanted}`,
    };
  }
  if (wanted.issuer && (claims.issuer === undefined || !wanted.issuer.matches(claims.issuer))) {
    return { code: 'ISSUER_MISMATCH', detail: `its issuer is ${claims.issuer?.slice(0, 200) ?? 'not stated'}, wanted was ${wanted.issuer.wanted}` };
  }
  for (const { claim, wanted: value } of wanted.claims ?? []) {
    if (claims[claim] !== value) return { code: 'CLAIM_MISMATCH', detail: `${claim} is ${claims[claim]?.slice(0, 200) ?? 'not stated'}, wanted was ${value}` };
  }
  return undefined;
}

/** Only what was signed counts: annotations of manifests never do. */
export function checkClaims({ entity, about }: SignatureFacts, { annotations = {}, repository = { rule: 'any' } }: Requirement): Finding | undefined {
  const signed = signedAnnotations(entity, about);
  for (const [key, value] of Object.entries(annotations)) {
    const found = Object.hasOwn(signed, key) ? signed[key] : undefined;
    if (found !== value)
      return {
        code: 'ANNOTATION_MISMATCH',
        detail: `${key} is ${found === undefined ? 'not signed' : JSON.stringify(found).slice(0, 200)}, wanted was ${value}`,
      };
  }
  if (repository.rule === 'any') return undefined;
  const claimed = claimedRepository(entity);
  return claimed === repository.name
    ? undefined
    : { code: 'CLAIMED_REPOSITORY_MISMATCH', detail: claimed === undefined ? 'it names no repository' : `it was signed for ${claimed.slice(0, 200)}` };
}

/** The annotations that the signature covers: the optional part of simple signing, or those of the subject that matched. */
export function signedAnnotations(entity: SignatureFacts['entity'], about: string | undefined): Readonly<Record<string, JsonValue>> {
  if (entity.claim.kind === 'simple-signing') return entity.claim.optional;
  if (entity.claim.kind !== 'statement' || about === undefined) return {};
  const [hash = '', hex] = about.split(':');
  return entity.claim.statement.subjects.find(({ digest }) => digest[hash] === hex)?.annotations ?? {};
}

/** Ids of the algorithms with which, by the signer's own signed word, signatures stand side by side; empty for most. */
export function requiredAlgorithms({ entity, about }: SignatureFacts): readonly string[] {
  const listed = signedAnnotations(entity, about)[REQUIRED_ALGORITHMS];
  return typeof listed === 'string' ? listed.split(',').filter((id) => id !== '') : [];
}

/** The repository that the signer named, without tag or digest. */
export function claimedRepository(entity: SignatureFacts['entity']): string | undefined {
  if (entity.claim.kind === 'simple-signing') return repositoryOf(entity.claim.reference);
  if (entity.claim.kind !== 'statement') return undefined;
  const name = entity.claim.statement.subjects.find((subject) => subject.name !== undefined)?.name;
  return name === undefined ? undefined : repositoryOf(name);
}

function repositoryOf(reference: string): string | undefined {
  const withoutDigest = reference.split('@')[0] ?? '';
  const colon = withoutDigest.lastIndexOf(':');
  const repository = colon > withoutDigest.lastIndexOf('/') ? withoutDigest.slice(0, colon) : withoutDigest;
  return repository === '' ? undefined : repository;
}
