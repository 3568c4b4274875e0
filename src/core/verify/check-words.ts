/** Matching words: names in the certificate, and what was signed beside the digest. */
import type { Asked, AskedIdentity, Context, Miss } from './asked.ts';
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

export function isIdentity({ names, subject: directory, claims }: CertificateFact, { name, subject, issuer, claims: wanted }: AskedIdentity): boolean {
  if (issuer && (claims.issuer === undefined || !issuer.matches(claims.issuer))) return false;
  if (name && !names.some((one) => name.matches(one))) return false;
  if (subject && !subject.matches(directory) && !names.some((one) => subject.matches(one))) return false;
  return wanted.every(({ claim, matches }) => {
    const said = claims[claim];
    return said !== undefined && matches(said);
  });
}

function missOfIdentity({ names, subject: directory, claims }: CertificateFact, { name, subject, issuer, claims: wanted }: AskedIdentity): Miss {
  if (subject && !subject.matches(directory) && !names.some((one) => subject.matches(one))) {
    return miss('IDENTITY_MISMATCH', () => `its subject is ${directory.slice(0, 200)}, wanted was ${subject.wanted}`);
  }
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

/** Only an image name speaks of a repository: the subject of a statement may be a file. */
const IMAGE_NAME = /^(?!\.{1,2}\/)(?:localhost|[^/]*[.:][^/]*)\/[^\s]+$/;

export function checkClaim({ claimed }: SignatureFacts, { claim }: Asked, { image }: Context): Miss | undefined {
  if (!claim) return undefined;
  const said = claimed && claim.imagesOnly && claimed.in === 'statement' && !IMAGE_NAME.test(claimed.repository) ? undefined : claimed;
  if (!said) return claim.required ? miss('CLAIMED_REPOSITORY_MISMATCH', () => 'it names no repository') : undefined;
  if (!claim.accepts(said.repository, image)) {
    const wanted = (): string => (claim.wanted(image) === '' ? '' : `, wanted was ${claim.wanted(image)}`);
    return miss('CLAIMED_REPOSITORY_MISMATCH', () => `it was signed for ${said.repository.slice(0, 200)}${wanted()}`);
  }
  if (!claim.tag || said.tag === undefined || said.tag === image.tag) return undefined;
  return miss('CLAIMED_TAG_MISMATCH', () => `it was signed for the tag ${said.tag?.slice(0, 128)}, asked was ${image.tag ?? 'a digest alone'}`);
}
