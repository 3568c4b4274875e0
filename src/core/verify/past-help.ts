/**
 * Policies that nothing can satisfy any more. Where trust itself says that whom a policy asks for counts for nothing, by
 * whomever it is dated, there is nothing to ask a registry for.
 */
import { type Authority, inCombination, type ImagePolicy, type Requirement } from '../policy/index.ts';
import type { KeyVersion } from '../trust/index.ts';
import { type Asked, iso, type Miss, miss } from './asked.ts';
import { isSatisfied } from './combination.ts';
import { because } from './key-state.ts';
import type { Unmet } from './judge-requirement.ts';
import type { Law } from './law.ts';

const kept = new WeakMap<Law, Map<ImagePolicy, Unmet | undefined>>();

/**
 * Why no image at all satisfies the policy as trust is now; undefined where one might. It comes before everything that is
 * found about an image, so that whoever knows more of it says the same: and it is worked out once, not for each image.
 */
export function pastHelp(policy: ImagePolicy, law: Law): Unmet | undefined {
  const known = kept.get(law) ?? new Map<ImagePolicy, Unmet | undefined>();
  kept.set(law, known);
  if (known.has(policy)) return known.get(policy);
  const why = policy.requirements.map((requirement) => whyNever(requirement, policy, law)).find((one) => one !== undefined);
  known.set(policy, why && { ...why, status: 'unmet', isSettled: true });
  return known.get(policy);
}

/** A signature that is not known yet is taken for the best that there could be. */
function whyNever(requirement: Requirement, policy: ImagePolicy, law: Law): Miss | undefined {
  if (requirement.kind !== 'signatures' && requirement.kind !== 'attestation') return undefined;
  const role = requirement.kind === 'signatures' ? 'signature' : 'attestation';
  const authorities = requirement.kind === 'signatures' ? inCombination(requirement.combination) : requirement.from;
  const lost = new Map<Authority, Miss>();
  for (const authority of authorities) {
    const why = countsNoMore(law.askedBy(policy, authority)[role], law);
    if (why) lost.set(authority, why);
  }
  if (lost.size === 0) return undefined;
  // As many signers as anybody could ask for, and all of them different.
  const everybody = authorities.map((_, at) => `${at}`);
  const mayBeMet =
    requirement.kind === 'signatures'
      ? isSatisfied(requirement.combination, (authority) => (lost.has(authority) ? [] : everybody))
      : authorities.some((authority) => !lost.has(authority));
  return mayBeMet ? undefined : [...lost.values()].reduce(firstByName);
}

/** The same one in whatever order they stand. */
function firstByName(a: Miss, b: Miss): Miss {
  return `${b.code} ${b.detail()}` < `${a.code} ${a.detail()}` ? b : a;
}

/** When no date can rescue any of the keys or certificate authorities. Whom trust does not know at all it may know tomorrow. */
function countsNoMore({ signer, anchors, compromised }: Asked, { anchorIndex, trustIndex: { versions, keys } }: Law): Miss | undefined {
  const role = signer === 'key' ? 'artifact' : 'certificate-authority';
  let first: Miss | undefined;
  for (const id of anchors ?? []) {
    const denial = anchorIndex
      .get(id)
      ?.map((anchor) => (anchor.kind === 'key' ? keys.get(anchor.key.fingerprint) : undefined))
      .find(Boolean);
    const why = denial
      ? miss('DENIED', () => `${denial.id} of ${iso(denial.addedAt)}: ${denial.reason}`)
      : versions
          .get(id)
          ?.map((version) => ended(version, role, compromised))
          .find(Boolean);
    if (!why) return undefined;
    first = first ? firstByName(first, why) : why;
  }
  return first;
}

function ended(version: KeyVersion, role: KeyVersion['role'], compromised: Asked['compromised']): Miss | undefined {
  const name = `${version.name}/${version.version}`;
  if (version.role !== role) return miss('KEY_MISMATCH', () => `${name} is a key for another purpose: ${version.role}`);
  if (version.state === 'revoked-all') return miss('KEY_REVOKED', () => because(name, version));
  if (version.state === 'compromised' && compromised === 'deny') return miss('KEY_COMPROMISED', () => because(name, version));
  return undefined;
}
