/** Facts in one canonical spelling, without the bytes that carried them: two bundles that say the same give the same text. */
import { encodeHex } from '../../src/core/encoding/index.ts';
import type { Facts, SignatureFacts } from '../../src/core/verify/index.ts';

export function factsText({ subject, signatures, unreadable }: Facts): string {
  return JSON.stringify(
    { digests: subject.digests, signatures: signatures.map(signatureFacts), unreadable: unreadable.map((document) => document.unreadable) },
    plain,
    1,
  );
}

function signatureFacts({ entity, about, signers, entries, times, findings, broken }: SignatureFacts): unknown {
  return {
    about,
    claim: entity.claim,
    signature: entity.signature,
    signers: signers.map(({ key, algorithm, anchor, certificate }) => ({
      key: key.fingerprint,
      algorithm: algorithm.id,
      anchor: anchor?.id,
      certificate: certificate && {
        leaf: certificate.leaf.fingerprint,
        claims: certificate.claims,
        issuers: certificate.issuers.map((issuer) => ({ anchor: issuer.anchor.id, chain: issuer.chain.map(({ fingerprint }) => fingerprint) })),
        loggedBy: certificate.loggedBy.map(({ anchor: log, at }) => ({ anchor: log.id, at })),
        findings: certificate.findings,
      },
    })),
    entries: entries.map(({ anchor, index, included, promisedAt }) => ({ anchor: anchor.id, index, included, promisedAt })),
    times: times.map(({ anchor, at, from, to }) => ({ anchor: anchor.id, at, from, to })),
    findings,
    broken,
  };
}

function plain(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return encodeHex(value);
  return typeof value === 'bigint' ? `${value}n` : value;
}
