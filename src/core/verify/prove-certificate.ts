/** Who issued a certificate, and which logs saw it being issued. */
import { buildChain, type Certificate, chainServes, fulcioClaims, signerNames } from '../crypto/index.ts';
import { encodeHex, equalBytes } from '../encoding/index.ts';
import { type FindingCode, SealwardError } from '../errors.ts';
import { parseSctList, type Sct, verifySct } from '../tlog/index.ts';
import type { Anchors, CertificateAuthorityAnchor, CertificateLogAnchor } from '../trust/index.ts';
import type { CertificateFact, Finding } from './facts.ts';
import type { Edges, ProofMemory } from './proof-memory.ts';

/** RFC 5280 section 4.2.1.12, id-kp-codeSigning. */
export const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
/** RFC 6962 section 3.3. */
const SCT_LIST = '1.3.6.1.4.1.11129.2.4.2';

export function proveCertificate(
  leaf: Certificate,
  intermediates: readonly Certificate[],
  anchors: Anchors,
  memory: ProofMemory,
  edges: Edges,
): CertificateFact {
  const findings: Finding[] = [];
  const issuers = anchors.authorities.flatMap((anchor) => {
    const verdict = edges.recall('issued', anchor.id, () => proveIssued(leaf, intermediates, anchor, memory));
    return verdict ? [{ ...verdict, anchor }] : [];
  });
  if (issuers.length === 0) findings.push({ code: 'CERTIFICATE_UNTRUSTED', detail: `it says that ${leaf.issuerText.slice(0, 200) || 'nobody'} issued it` });
  if (issuers.length > 0 && (leaf.isCa || leaf.keyUsage?.has('digitalSignature') === false)) {
    findings.push({ code: 'CERTIFICATE_PURPOSE', detail: leaf.isCa ? 'it is the certificate of an authority' : 'it was not issued for signing' });
  }
  const first = issuers.find(({ purposes }) => purposes.includes(CODE_SIGNING)) ?? issuers[0];
  const issuer = first && [...first.anchor.certificates, ...intermediates].find(({ fingerprint }) => fingerprint === first.chain[1]?.fingerprint);
  return {
    ...linkOf(leaf),
    serial: leaf.serial,
    subject: leaf.subjectText,
    names: signerNames(leaf),
    claims: readClaims(leaf, findings),
    issuers: issuers.map(({ anchor, chain, purposes }) => ({ anchor: anchor.id, chain, purposes })),
    loggedBy: proveLogged(leaf, issuer, anchors, edges, findings),
    findings,
  };
}

type Link = { fingerprint: string; from: number; to: number };

function linkOf({ fingerprint, notBefore, notAfter }: Certificate): Link {
  return { fingerprint, from: notBefore, to: notAfter };
}

/** The chain from the leaf to the top of the authority, or null where there is none. */
function proveIssued(
  leaf: Certificate,
  intermediates: readonly Certificate[],
  { certificates }: CertificateAuthorityAnchor,
  memory: ProofMemory,
): { chain: Link[]; purposes: string[] } | null {
  const chain = buildChain(leaf, intermediates, certificates, memory.certificates ? { cache: memory.certificates } : {});
  // A trusted certificate that stands alone vouches for itself only as a key does: it has no issuer here.
  if (!chain || chain.length < 2) return null;
  return { chain: chain.map(linkOf), purposes: (leaf.extendedKeyUsage ?? []).filter((purpose) => chainServes(chain, purpose)) };
}

function readClaims(leaf: Certificate, findings: Finding[]): CertificateFact['claims'] {
  try {
    return fulcioClaims(leaf);
  } catch (error) {
    if (!(error instanceof SealwardError)) throw error;
    findings.push({ code: 'CERTIFICATE_UNTRUSTED', detail: error.message });
    return {};
  }
}

function proveLogged(leaf: Certificate, issuer: Certificate | undefined, anchors: Anchors, edges: Edges, findings: Finding[]): CertificateFact['loggedBy'] {
  const scts = readScts(leaf, findings);
  if (!issuer) return [];
  return scts.flatMap((sct, at) => {
    const known = anchors.certificateLogs.filter(({ logId }) => equalBytes(logId, sct.logId));
    if (known.length === 0) findings.push({ code: 'SCT_INVALID', detail: `the certificate log ${encodeHex(sct.logId).slice(0, 16)}… is not trusted` });
    return known.flatMap((anchor) => {
      const verdict = edges.recall(`sct/${at}/${issuer.fingerprint}`, anchor.id, () => proveSct(sct, leaf, issuer, anchor));
      if (verdict.time !== undefined) return [{ anchor: anchor.id, at: verdict.time }];
      findings.push({ code: verdict.code as FindingCode, detail: verdict.detail ?? '' });
      return [];
    });
  });
}

function proveSct(sct: Sct, leaf: Certificate, issuer: Certificate, anchor: CertificateLogAnchor): { time?: number; code?: string; detail?: string } {
  const verdict = verifySct(sct, leaf, issuer, anchor);
  return verdict.ok ? { time: Number(verdict.time) } : { code: verdict.reason, detail: verdict.detail };
}

function readScts(leaf: Certificate, findings: Finding[]): readonly Sct[] {
  const extension = leaf.extensions.find(({ oid }) => oid === SCT_LIST);
  if (!extension) {
    findings.push({ code: 'SCT_MISSING', detail: 'the certificate carries no signed certificate timestamp' });
    return [];
  }
  try {
    return parseSctList(extension.value);
  } catch (error) {
    if (!(error instanceof SealwardError)) throw error;
    findings.push({ code: 'SCT_INVALID', detail: error.message });
    return [];
  }
}
