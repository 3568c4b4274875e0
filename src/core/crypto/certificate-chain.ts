/**
 * Who issued a certificate, and the chain up to a trusted one (RFC 5280 section 6.1). No time is known here: each
 * certificate's validity at the proven time is for the caller to judge, by the chain that is returned.
 */
import { equalBytes, LIMITS } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import type { Certificate } from './certificate.ts';
import { EXTENDED_KEY_USAGE, EXTENSION } from './certificate-extensions.ts';
import { namesAreAllowed } from './name-constraints.ts';
import { schemeOf } from './signature-oid.ts';
import type { VerdictCache } from './verdict-cache.ts';
import { verifyScheme } from './verify-signature.ts';

/** Critical extensions whose rules are enforced here or by whoever asks for the purpose; any other is refused (section 4.2). */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  EXTENSION.basicConstraints,
  EXTENSION.keyUsage,
  EXTENSION.extendedKeyUsage,
  EXTENSION.subjectAlternativeName,
  EXTENSION.nameConstraints,
  // Without policies to ask for, any will do (section 6.1.1 step c); what would demand one, policyConstraints, is not understood.
  EXTENSION.certificatePolicies,
  EXTENSION.subjectKeyId,
  EXTENSION.authorityKeyId,
]);

/** Signatures that one search may verify: a chain needs one per link, the rest is patience with cross-signed authorities. */
const MAX_CHECKS = 40;

export interface ChainOptions {
  /** Keeps the verdicts of trusted issuers over certificates, because a P-384 signature costs eight times one of P-256. */
  readonly cache?: VerdictCache;
  /** Leaves out certificates that cannot serve, such as those not valid at a known time. */
  readonly usable?: (certificate: Certificate) => boolean;
}

/** Whether the certificate is by its form an authority: the CA flag, and the right to sign certificates where usages are listed (section 6.1.4 steps k and n). */
export function mayIssue(certificate: Certificate): boolean {
  return certificate.isCa && (certificate.keyUsage?.has('keyCertSign') ?? true);
}

export function hasUnknownCriticalExtension(certificate: Certificate): boolean {
  return certificate.extensions.some(({ oid, critical }) => critical && !UNDERSTOOD.has(oid));
}

/**
 * Whether `issuer` issued `certificate`: the names chain, the issuer is an authority, no unknown critical extension stands
 * in either, and the signature verifies. Path lengths and name constraints belong to a chain: see buildChain.
 */
export function verifyIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  return couldBeIssuer(certificate, issuer) && isSignedBy(certificate, issuer);
}

function couldBeIssuer(certificate: Certificate, issuer: Certificate): boolean {
  if (!equalBytes(certificate.issuer, issuer.subject) || !mayIssue(issuer)) return false;
  if (hasUnknownCriticalExtension(certificate) || hasUnknownCriticalExtension(issuer)) return false;
  const [wanted, given] = [certificate.authorityKeyId, issuer.subjectKeyId];
  return wanted === undefined || given === undefined || equalBytes(wanted, given);
}

function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  try {
    const key = issuer.publicKey;
    const scheme = schemeOf(certificate.signatureAlgorithmDer, key);
    return scheme !== undefined && verifyScheme(key, scheme, { bytes: certificate.tbs }, certificate.signature);
  } catch (cause) {
    // A key of a refused kind, or malformed parameters of the algorithm: both mean that nothing was proven.
    if (cause instanceof SealwardError) return false;
    throw cause;
  }
}

/**
 * The chain from the leaf up to a trusted certificate above which no other trusted one stands, both included; undefined
 * when there is none. `anchors` are the certificates of one trusted authority, in any order; `intermediates` come from whoever
 * signed and are believed only for what the anchors' signatures say about them.
 */
export function buildChain(
  leaf: Certificate,
  intermediates: readonly Certificate[],
  anchors: readonly Certificate[],
  options: ChainOptions = {},
): Certificate[] | undefined {
  if (intermediates.length > LIMITS.intermediateCertificates) return undefined;
  const trusted = new Set(anchors.map((anchor) => anchor.fingerprint));
  const usable = options.usable ?? (() => true);
  let checks = 0;

  const issued = (certificate: Certificate, issuer: Certificate): boolean => {
    if (!couldBeIssuer(certificate, issuer)) return false;
    const key = `${certificate.fingerprint}<${issuer.fingerprint}`;
    if (options.cache?.has(key)) return true;
    if (++checks > MAX_CHECKS) return false;
    const verdict = isSignedBy(certificate, issuer);
    // Only what a trusted issuer really signed is kept: nobody else can fill the cache.
    if (verdict && trusted.has(issuer.fingerprint)) options.cache?.add(key);
    return verdict;
  };

  const extend = (path: readonly Certificate[]): Certificate[] | undefined => {
    const top = path[path.length - 1] as Certificate;
    const topIsTrusted = trusted.has(top.fingerprint);
    if (topIsTrusted && isSelfIssued(top)) return [...path];
    let trustedAbove = false;
    // Above a trusted certificate only trusted ones may stand.
    for (const candidate of topIsTrusted ? anchors : [...anchors, ...intermediates]) {
      if (path.some((other) => other.fingerprint === candidate.fingerprint)) continue;
      // Only what others brought is bounded: to stop between two trusted certificates would be to end below the root.
      if (!topIsTrusted && path.length > LIMITS.intermediateCertificates + 1) continue;
      if (!issued(top, candidate)) continue;
      // Noted before the candidate may turn out unusable, or an expired root would be passed over by ending below it.
      trustedAbove = true;
      if (!usable(candidate) || !pathAllows(path, candidate)) continue;
      const chain = extend([...path, candidate]);
      if (chain) return chain;
    }
    return topIsTrusted && !trustedAbove ? [...path] : undefined;
  };
  if (!usable(leaf) || hasUnknownCriticalExtension(leaf)) return undefined;
  const chain = extend([leaf]);
  // A search that ran out of checks may have missed what stands above; its answer counts for nothing.
  return checks > MAX_CHECKS ? undefined : chain;
}

/** Whether an authority may stand above the path: its path length (section 4.2.1.9) and its name constraints over all below. */
function pathAllows(path: readonly Certificate[], authority: Certificate): boolean {
  const between = path.slice(1).filter((certificate) => !isSelfIssued(certificate)).length;
  if (authority.pathLength !== undefined && between > authority.pathLength) return false;
  try {
    // Section 6.1.3 steps b and c: self-issued certificates are exempt, unless they are the leaf.
    return path.every((certificate, i) => (i > 0 && isSelfIssued(certificate)) || namesAreAllowed(certificate, authority));
  } catch (cause) {
    if (cause instanceof SealwardError) return false;
    throw cause;
  }
}

function isSelfIssued(certificate: Certificate): boolean {
  return equalBytes(certificate.issuer, certificate.subject);
}

/** Whether every certificate of a chain was valid at a time in milliseconds; both ends belong to the validity (section 4.1.2.5). */
export function wasValidAt(chain: readonly Certificate[], time: number): boolean {
  return chain.every((certificate) => certificate.notBefore <= time && time <= certificate.notAfter);
}

/**
 * Whether a chain serves a purpose (an extended key usage): the leaf must name it, and each authority above that names
 * purposes at all must name it too, or any.
 */
export function chainServes(chain: readonly Certificate[], purpose: string): boolean {
  return chain.every((certificate, i) => {
    const usages = certificate.extendedKeyUsage;
    if (i === 0) return usages?.includes(purpose) ?? false;
    return usages === undefined || usages.includes(purpose) || usages.includes(EXTENDED_KEY_USAGE.any);
  });
}
