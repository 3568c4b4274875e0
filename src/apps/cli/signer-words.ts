/** Signers and times in words. Everything here may be chosen by an attacker: whoever prints it makes it visible first. */
import { describeKey } from '../../core/crypto/index.ts';
import type { Candidate } from '../../core/verify/index.ts';

export function isoTime(milliseconds: number): string {
  if (!Number.isFinite(milliseconds) || Math.abs(milliseconds) > 8.64e15) return 'an unknown time';
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z');
}

export function describeSigner({ facts, identity }: Candidate): string {
  const [signer] = facts.signers;
  if (!signer) {
    const { certificate, keyHint } = facts.entity;
    if (certificate) return `${certificate.leaf.subjectAlternativeNames[0]?.value ?? certificate.leaf.subjectText} (not proven)`;
    return keyHint === undefined ? 'an unknown key' : `an unknown key with the hint ${keyHint.slice(0, 64)}`;
  }
  if (signer.certificate && !signer.anchor) {
    const issuer = signer.certificate.claims.issuer;
    return `${identity ?? signer.certificate.leaf.subjectText}${issuer === undefined ? '' : ` (${issuer})`}`;
  }
  return `the key ${signer.anchor?.name ?? ''} (${describeKey(signer.key)}, SHA-256 ${signer.key.fingerprint.slice(0, 16)}...)`;
}

/** ", dated 2026-11-22T10:00:00Z by rekor.sigstore.dev", or nothing. */
export function describeTime({ facts, time }: Candidate): string {
  if (!time) return '';
  const by = [...new Set(facts.times.map(({ anchor }) => anchor.name))];
  const when = time.from === time.to ? isoTime(time.to) : `${isoTime(time.from)} to ${isoTime(time.to)}`;
  return `, dated ${when}${by.length > 0 ? ` by ${by.join(' and ')}` : ''}`;
}
