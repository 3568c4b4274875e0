/** Who issued a certificate, and which logs saw it being issued. */
import { buildChain, type Certificate, chainServes, fulcioClaims } from '../crypto/index.ts';
import { encodeHex, equalBytes } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { parseSctList, type Sct, verifySct } from '../tlog/index.ts';
import type { Anchors } from '../trust/index.ts';
import type { CertificateFact, Finding } from './facts.ts';
import type { ProofMemory } from './proof-memory.ts';

/** RFC 5280 section 4.2.1.12, id-kp-codeSigning. */
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
/** RFC 6962 section 3.3. */
const SCT_LIST = '1.3.6.1.4.1.11129.2.4.2';

export function proveCertificate(leaf: Certificate, intermediates: readonly Certificate[], anchors: Anchors, memory: ProofMemory): CertificateFact {
  const findings: Finding[] = [];
  const issuers = anchors.authorities.flatMap((anchor) => {
    const chain = buildChain(leaf, intermediates, anchor.certificates, memory.certificates ? { cache: memory.certificates } : {});
    // A trusted certificate that stands alone vouches for itself only as a key does: it has no issuer here.
    return chain && chain.length > 1 ? [{ anchor, chain }] : [];
  });
  if (issuers.length === 0) findings.push({ code: 'CERTIFICATE_UNTRUSTED', detail: `it says that ${leaf.issuerText.slice(0, 200) || 'nobody'} issued it` });
  const serving = issuers.filter(({ chain }) => chainServes(chain, CODE_SIGNING));
  if (issuers.length > 0 && (serving.length === 0 || leaf.isCa || leaf.keyUsage?.has('digitalSignature') === false)) {
    findings.push({ code: 'CERTIFICATE_PURPOSE', detail: leaf.isCa ? 'it is the certificate of an authority' : 'it was not issued for signing code' });
  }
  return { leaf, claims: readClaims(leaf, findings), issuers: serving, loggedBy: proveLogged(leaf, serving[0]?.chain[1], anchors, findings), findings };
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

function proveLogged(leaf: Certificate, issuer: Certificate | undefined, anchors: Anchors, findings: Finding[]): CertificateFact['loggedBy'] {
  const scts = readScts(leaf, findings);
  if (!issuer) return [];
  return scts.flatMap((sct) => {
    const known = anchors.certificateLogs.filter(({ logId }) => equalBytes(logId, sct.logId));
    if (known.length === 0) findings.push({ code: 'SCT_INVALID', detail: `the certificate log ${encodeHex(sct.logId).slice(0, 16)}… is not trusted` });
    return known.flatMap((anchor) => {
      const verdict = verifySct(sct, leaf, issuer, anchor);
      if (!verdict.ok) findings.push({ code: verdict.reason, detail: verdict.detail });
      return verdict.ok ? [{ anchor, at: Number(verdict.time) }] : [];
    });
  });
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
