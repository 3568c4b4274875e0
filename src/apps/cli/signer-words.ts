/** Signers and times in words. Everything here may be chosen by an attacker: whoever prints it makes it visible first. */
import { describeKey } from '../../core/crypto/index.ts';
import type { FlagCandidate } from '../../core/verify/index.ts';

export function isoTime(milliseconds: number): string {
  if (!Number.isFinite(milliseconds) || Math.abs(milliseconds) > 8.64e15) return 'an unknown time';
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z');
}

export function describeSigner({ facts, identity, names }: FlagCandidate): string {
  const [signer] = facts.signers;
  if (!signer) {
    const { certificate, keyHint } = facts.entity;
    if (certificate) return `${certificate.leaf.subjectAlternativeNames[0]?.value ?? certificate.leaf.subjectText} (not proven)`;
    return keyHint === undefined ? 'an unknown key' : `an unknown key with the hint ${keyHint.slice(0, 64)}`;
  }
  if (signer.certificate && signer.anchor === undefined) {
    const issuer = signer.certificate.claims.issuer;
    return `${identity ?? signer.certificate.subject}${issuer === undefined ? '' : ` (${issuer})`}`;
  }
  return `the key ${names.key ?? ''} (${describeKey(signer)}, SHA-256 ${signer.key.slice(0, 16)}...)`;
}

/** ", dated 2026-11-22T10:00:00Z by rekor.sigstore.dev", or nothing. */
export function describeTime({ names, time }: FlagCandidate): string {
  if (!time) return '';
  const by = [...new Set(names.times)];
  const when = time.from === time.to ? isoTime(time.to) : `${isoTime(time.from)} to ${isoTime(time.to)}`;
  return `, dated ${when}${by.length > 0 ? ` by ${by.join(' and ')}` : ''}`;
}
