/** Who signed, and whether that key or certificate was valid then. */
import { type Asked, type Context, type Dated, iso, type Miss, miss, missOf } from './asked.ts';
import { type AnchorIndex, isTrustedAt, nameOf } from './anchor-index.ts';
import type { CertificateFact, SignatureFacts } from './facts.ts';
import { CODE_SIGNING } from './prove-certificate.ts';

export function checkSigner({ signers, broken, findings }: SignatureFacts, { signer: wanted }: Asked): Miss | undefined {
  const [signer] = signers;
  if (!signer) {
    const why = [...broken, ...findings].find(({ code }) => code === 'SIGNATURE_INVALID' || code === 'KEY_MISMATCH' || code === 'ALGORITHM_REFUSED');
    if (why) return missOf(why);
    return wanted === 'certificate'
      ? miss('CERTIFICATE_MISSING', () => 'it was made with a bare key, and an identity was asked for')
      : miss('SIGNATURE_INVALID', () => 'no key that is trusted made it');
  }
  if (wanted === 'key') return signer.anchor !== undefined ? undefined : miss('KEY_MISMATCH', () => 'its certificate holds another key');
  if (!signer.certificate) return miss('CERTIFICATE_MISSING', () => 'it was made with a bare key, and an identity was asked for');
  const { findings: about, issuers } = signer.certificate;
  const unfit = about.find(({ code }) => code === 'CERTIFICATE_UNTRUSTED' || code === 'CERTIFICATE_PURPOSE');
  if (unfit) return missOf(unfit);
  return issuers.some(({ purposes }) => purposes.includes(CODE_SIGNING)) ? undefined : miss('CERTIFICATE_PURPOSE', () => 'it was not issued for signing code');
}

/**
 * Every certificate of the chain, and the authority's own window, must hold at every proven time (CVE-2026-24122); of a
 * key that is trusted by itself, its window (CVE-2026-54787).
 */
export function checkValidity({ facts: { signers }, times }: Dated, { signer: wanted }: Asked, { anchors, now }: Context): Miss | undefined {
  const [signer] = signers;
  // verification.md, Time: the upper end of the interval is compared, so that an inexact clock cannot extend a validity.
  const moments = times.length > 0 ? times.map(({ to }) => to) : [now];
  if (wanted === 'key') return checkKeyWindow(signer?.anchor, moments, anchors);
  if (!signer?.certificate) return undefined;
  if (wasCertified(signer.certificate, moments, anchors)) return undefined;
  const { from, to } = signer.certificate;
  return miss('CERTIFICATE_EXPIRED', () => `it is dated ${iso(moments[0] as number)}; the certificate is valid from ${iso(from)} to ${iso(to)}`);
}

function wasCertified({ issuers }: CertificateFact, moments: readonly number[], anchors: AnchorIndex): boolean {
  return issuers.some(
    ({ anchor, chain, purposes }) =>
      purposes.includes(CODE_SIGNING) &&
      moments.every((moment) => isTrustedAt(anchors, anchor, moment) && chain.every(({ from, to }) => from <= moment && moment <= to)),
  );
}

function checkKeyWindow(anchor: string | undefined, moments: readonly number[], anchors: AnchorIndex): Miss | undefined {
  const outside = anchor === undefined ? undefined : moments.find((moment) => !isTrustedAt(anchors, anchor, moment));
  return outside === undefined ? undefined : miss('KEY_OUTSIDE_WINDOW', () => `${nameOf(anchors, anchor ?? '')} is not trusted for ${iso(outside)}`);
}

export function checkCertificateLog({ signers }: SignatureFacts, { certificateLog, signer: wanted }: Asked, { anchors }: Context): Miss | undefined {
  const certificate = signers[0]?.certificate;
  if (!certificateLog || wanted === 'key' || !certificate) return undefined;
  const { loggedBy, findings } = certificate;
  if (loggedBy.some(({ anchor, at }) => isTrustedAt(anchors, anchor, at))) return undefined;
  const why = findings.find(({ code }) => code === 'SCT_MISSING' || code === 'SCT_INVALID');
  return missOf(why) ?? miss('SCT_INVALID', () => 'the certificate log was not trusted at that time');
}
