/** Who signed, and whether that key or certificate was valid then. */
import { algorithmById } from '../crypto/index.ts';
import { inWindow, type Window } from '../trust/index.ts';
import { type Asked, type Context, type Dated, iso, type Miss, miss, missOf } from './asked.ts';
import { isTrustedAt, isTrustedNow, nameOf } from './anchor-index.ts';
import type { CertificateFact, SignatureFacts } from './facts.ts';

export function checkSigner({ signers, broken, findings }: SignatureFacts, { signer: wanted, anchors, purposes: wantedPurposes }: Asked): Miss | undefined {
  const [signer] = signers;
  if (!signer) {
    const why = [...broken, ...findings].find(({ code }) => code === 'SIGNATURE_INVALID' || code === 'KEY_MISMATCH' || code === 'ALGORITHM_REFUSED');
    if (why) return missOf(why);
    return wanted === 'certificate'
      ? miss('CERTIFICATE_MISSING', () => 'it was made with a bare key, and an identity was asked for')
      : miss('SIGNATURE_INVALID', () => 'no key that is trusted made it');
  }
  if (wanted === 'key') {
    if (signer.anchor === undefined) return miss('KEY_MISMATCH', () => 'its certificate holds another key');
    const { anchor } = signer;
    return !anchors || anchors.has(anchor) ? undefined : miss('KEY_MISMATCH', () => `it was made with the key ${anchor.slice(0, 16)}`);
  }
  if (!signer.certificate) return miss('CERTIFICATE_MISSING', () => 'it was made with a bare key, and an identity was asked for');
  const { findings: about, issuers } = signer.certificate;
  const unfit = about.find(({ code }) => code === 'CERTIFICATE_UNTRUSTED' || code === 'CERTIFICATE_PURPOSE');
  if (unfit) return missOf(unfit);
  const counted = anchors ? issuers.filter(({ anchor }) => anchors.has(anchor)) : issuers;
  if (counted.length === 0) return miss('CERTIFICATE_UNTRUSTED', () => 'an authority issued it that is trusted for others');
  return counted.some(({ purposes }) => wantedPurposes.every((one) => purposes.includes(one)))
    ? undefined
    : miss('CERTIFICATE_PURPOSE', () => 'it was not issued for signing code');
}

/**
 * Every certificate of the chain, and the authority's own window, must hold at every proven time (CVE-2026-24122); of a
 * key that is trusted by itself, its window (CVE-2026-54787).
 */
export function checkValidity({ facts: { signers }, times }: Dated, asked: Asked, context: Context): Miss | undefined {
  const [signer] = signers;
  // verification.md, Time: the upper end of the interval is compared, so that an inexact clock cannot extend a validity.
  const { window } = asked;
  if (window && !everyMoment(times, window, context)) {
    return miss('AUTHORITY_OUTSIDE_WINDOW', () => `the policy trusts it from ${iso(window.from)} on, and it is dated ${momentText(times, context)}`);
  }
  if (asked.signer === 'key') return checkKeyWindow(signer?.anchor, times, context);
  if (!signer?.certificate) return undefined;
  if (wasCertified(signer.certificate, times, asked, context)) return undefined;
  const { from, to } = signer.certificate;
  return miss('CERTIFICATE_EXPIRED', () => `it is dated ${momentText(times, context)}; the certificate is valid from ${iso(from)} to ${iso(to)}`);
}

/** Whether a window holds at every proven time, or, where there is none, now. */
function everyMoment(times: Dated['times'], window: Window, { clock }: Context): boolean {
  return times.length === 0 ? clock.in(window) : times.every(({ to }) => inWindow(window, to));
}

function momentText([first]: Dated['times'], { clock }: Context): string {
  return iso(first?.to ?? clock.now);
}

function isTrusted(anchor: string, times: Dated['times'], context: Context): boolean {
  return times.length === 0 ? isTrustedNow(context.anchors, anchor, context.clock) : times.every(({ to }) => isTrustedAt(context.anchors, anchor, to));
}

function wasCertified({ issuers }: CertificateFact, times: Dated['times'], { anchors, purposes: wanted }: Asked, context: Context): boolean {
  return issuers.some(
    ({ anchor, chain, purposes }) =>
      (!anchors || anchors.has(anchor)) &&
      wanted.every((one) => purposes.includes(one)) &&
      isTrusted(anchor, times, context) &&
      chain.every((link) => everyMoment(times, link, context)),
  );
}

function checkKeyWindow(anchor: string | undefined, times: Dated['times'], context: Context): Miss | undefined {
  if (anchor === undefined || isTrusted(anchor, times, context)) return undefined;
  const outside = times.find(({ to }) => !isTrustedAt(context.anchors, anchor, to))?.to ?? context.clock.now;
  return miss('KEY_OUTSIDE_WINDOW', () => `${nameOf(context.anchors, anchor)} is not trusted for ${iso(outside)}`);
}

const EC_BITS = { 'P-256': 256, 'P-384': 384, 'P-521': 521 } as const;

export function checkStrength({ signers }: SignatureFacts, { strength }: Asked): Miss | undefined {
  const [signer] = signers;
  if (!strength || !signer) return undefined;
  const { algorithm, kind, bits = 0, curve } = signer;
  const refuse = (why: string): Miss => miss('ALGORITHM_NOT_ALLOWED', () => `it was made with ${algorithm}${why}`);
  if (strength.algorithms && !strength.algorithms.has(algorithm)) return refuse('');
  if (kind === 'rsa' && strength.rsa !== undefined && bits < strength.rsa) return refuse(`, a key of ${bits} bits; ${strength.rsa} are asked for`);
  const size = curve ? EC_BITS[curve] : 0;
  if (kind === 'ec' && strength.ecdsa !== undefined && size < strength.ecdsa) return refuse(`, a key of ${size} bits; ${strength.ecdsa} are asked for`);
  const { hash } = algorithmById(algorithm);
  return strength.hashes && hash !== undefined && !strength.hashes.has(hash) ? refuse(` over ${hash}`) : undefined;
}

export function checkCertificateLog({ signers }: SignatureFacts, { certificateLog, signer: wanted }: Asked, { anchors }: Context): Miss | undefined {
  const certificate = signers[0]?.certificate;
  if (!certificateLog || wanted === 'key' || !certificate) return undefined;
  const { loggedBy, findings } = certificate;
  if (loggedBy.some(({ anchor, at }) => isTrustedAt(anchors, anchor, at))) return undefined;
  const why = findings.find(({ code }) => code === 'SCT_MISSING' || code === 'SCT_INVALID');
  return missOf(why) ?? miss('SCT_INVALID', () => 'the certificate log was not trusted at that time');
}
