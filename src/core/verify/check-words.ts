/** Matching words: names in the certificate, and what was signed beside the digest. */
import type { Asked, AskedIdentity, Miss } from './asked.ts';
import { miss } from './asked.ts';
import type { CertificateFact, SignatureFacts } from './facts.ts';

export function checkType({ role, predicateType, findings }: SignatureFacts, { role: wanted, predicateTypes }: Asked): Miss | undefined {
  if (role === 'unknown') return miss('FORMAT_UNSUPPORTED', () => findings.find(({ code }) => code === 'FORMAT_UNSUPPORTED')?.detail ?? '');
  if (wanted === 'signature' || !predicateTypes || predicateType === undefined || predicateTypes.includes(predicateType)) return undefined;
  return miss('PREDICATE_TYPE_MISMATCH', () => `its predicate is of the type ${predicateType.slice(0, 200)}`);
}

/** Identities match as whole strings; each part must match, and a part that was not asked for is not compared. */
export function checkIdentity({ signers }: SignatureFacts, { signer: wanted, identities }: Asked): Miss | undefined {
  const certificate = signers[0]?.certificate;
  if (wanted === 'key' || !certificate || identities.length === 0) return undefined;
  if (identities.some((identity) => isIdentity(certificate, identity))) return undefined;
  // Told is the first that was asked for: with several, whoever reads looks at the policy.
  return missOfIdentity(certificate, identities[0] as AskedIdentity);
}

export function isIdentity({ names, claims }: CertificateFact, { name, issuer, claims: wanted }: AskedIdentity): boolean {
  if (issuer && (claims.issuer === undefined || !issuer.matches(claims.issuer))) return false;
  if (name && !names.some((one) => name.matches(one))) return false;
  return wanted.every(({ claim, matches }) => {
    const said = claims[claim];
    return said !== undefined && matches(said);
  });
}

function missOfIdentity({ names, claims }: CertificateFact, { name, issuer, claims: wanted }: AskedIdentity): Miss {
  if (name && !names.some((one) => name.matches(one))) {
    const by = (): string => names.map((one) => one.slice(0, 200)).join(', ') || 'nobody with a name';
    return miss('IDENTITY_MISMATCH', () => `it was signed by ${by()}, wanted was ${name.wanted}`);
  }
  if (issuer && (claims.issuer === undefined || !issuer.matches(claims.issuer))) {
    return miss('ISSUER_MISMATCH', () => `its issuer is ${claims.issuer?.slice(0, 200) ?? 'not stated'}, wanted was ${issuer.wanted}`);
  }
  const other = wanted.find(({ claim, matches }) => !matches(claims[claim] ?? '') || claims[claim] === undefined);
  const claim = other?.claim ?? 'issuer';
  return miss('CLAIM_MISMATCH', () => `${claim} is ${claims[claim]?.slice(0, 200) ?? 'not stated'}, wanted was ${other?.wanted}`);
}

/** Only what was signed counts: annotations of manifests never do. */
export function checkAnnotations({ annotations }: SignatureFacts, { annotations: wanted }: Asked): Miss | undefined {
  for (const { key, matches, wanted: value } of wanted) {
    const found = Object.hasOwn(annotations, key) ? annotations[key] : undefined;
    if (typeof found === 'string' && matches(found)) continue;
    return miss('ANNOTATION_MISMATCH', () => `${key} is ${found === undefined ? 'not signed' : JSON.stringify(found).slice(0, 200)}, wanted was ${value}`);
  }
  return undefined;
}

export function checkRepository({ claimed }: SignatureFacts, { repository }: Asked): Miss | undefined {
  if (repository === undefined || claimed?.repository === repository) return undefined;
  return miss('CLAIMED_REPOSITORY_MISMATCH', () => (claimed ? `it was signed for ${claimed.repository.slice(0, 200)}` : 'it names no repository'));
}
