/** What the trust state says never counts again. Denials come before everything else, and nothing overrides them. */
import type { Denial } from '../trust/index.ts';
import { type Asked, type Context, type Dated, iso, type Miss, miss } from './asked.ts';
import type { CertificateFact, Facts } from './facts.ts';
import { identityKey, type TrustIndex } from './trust-index.ts';

/** The denial of the artifact itself, or of an index that it stands in. */
export function deniedDigest(digest: string, { digests, indexes }: Facts, trust: TrustIndex): Denial | undefined {
  if (trust.digests.size === 0) return undefined;
  const own = Object.entries(digests).map(([hash, hex]) => `${hash}:${hex}`);
  for (const one of [digest, ...own, ...indexes]) {
    const denial = trust.digests.get(one);
    if (denial) return denial;
  }
  return undefined;
}

export function checkDenied(dated: Dated, _: Asked, { trust }: Context): Miss | undefined {
  if (!trust?.denies) return undefined;
  const denial = denialOf(dated, trust);
  return denial && miss('DENIED', () => `${denial.id} of ${iso(denial.addedAt)}: ${denial.reason}`);
}

function denialOf({ facts: { document, signers }, times }: Dated, trust: TrustIndex): Denial | undefined {
  const denied = trust.documents.get(document);
  if (denied) return denied;
  const [signer] = signers;
  if (!signer) return undefined;
  return trust.keys.get(signer.key) ?? (signer.certificate && deniedCertificate(signer.certificate, times, trust));
}

function deniedCertificate(certificate: CertificateFact, times: Dated['times'], trust: TrustIndex): Denial | undefined {
  const { claims, names, issuers, fingerprint } = certificate;
  const run = claims.runInvocationUri === undefined ? undefined : trust.runs.get(claims.runInvocationUri);
  const own = run ?? trust.certificates.get(fingerprint);
  if (own) return own;
  if (trust.certificates.size > 0) {
    // Of several chains any may be gone; only when every one leads over a denied certificate does nothing stand behind it.
    const links = issuers.map(({ chain }) => chain.map((link) => trust.certificates.get(link.fingerprint)).find((denial) => denial !== undefined));
    if (links.length > 0 && links.every((denial) => denial !== undefined)) return links[0];
  }
  for (const name of names) {
    const identity = trust.identities.get(identityKey(claims.issuer ?? '', name));
    const within = identity?.find((denial) => !isOutside(certificate, times, denial));
    if (within) return within;
  }
  return undefined;
}

/**
 * Before the window: dated by a party that is trusted. After it: the authority issued the certificate after it, for a
 * later date on the signature alone could be had by whoever signed within.
 */
function isOutside({ from: issuedAt }: CertificateFact, times: Dated['times'], { window }: Extract<Denial, { kind: 'identity' }>): boolean {
  return times.some(({ to }) => to < window.from) || (window.to !== undefined && issuedAt > window.to);
}
