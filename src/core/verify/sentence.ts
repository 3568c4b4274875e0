/**
 * Decisions in words: the same sentence in every surface of Sealward. Whatever an attacker may have written is escaped
 * here, so that no name in a certificate can paint over a terminal or a log.
 */
import { type ErrorCode, ERRORS, type FindingCode, FINDINGS } from '../errors.ts';
import type { Candidate, Decision } from './decision.ts';
import type { Place } from './evidence.ts';

/** Control characters, line separators and direction marks become visible escapes; the rest stays as it is. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${(c.codePointAt(0) as number).toString(16)}}`);
}

/** @param what names the artifact as it was asked for: a reference with its digest, a file. */
export function sentence(decision: Decision, what: string): string {
  return printable(sentenceOf(decision, what));
}

function sentenceOf({ outcome, code, candidates, finding, places }: Decision, what: string): string {
  if (outcome === 'verified')
    return `${what} is ${attested(candidates)} ${candidates
      .filter(({ counts }) => counts)
      .map(describeSigner)
      .filter(unique)
      .join(' and ')}.`;
  if (outcome === 'inconclusive') {
    const silent = places.filter(({ state }) => state === 'unavailable' || state === 'not-asked');
    return `Could not find out whether ${what} is signed: ${silent.map(describeSilence).join('; ') || 'no place was asked'}.`;
  }
  if (code === 'NO_SIGNATURE')
    return `${what} is not signed: ${list(places.map(({ where }) => where))} answered, and none holds a signature that was asked for.`;
  if (code === 'TOO_MANY') return `${what} has more signatures than are looked at, and none of those that were counts.`;
  const several = candidates.length > 1 ? ` None of its ${candidates.length} signatures counts; the nearest:` : '';
  return `${what} is refused.${several} ${meaningOf(code)} (${finding?.detail ?? code})`;
}

/** What to do about it, or undefined when all is well. */
export function advice({ outcome, code, places }: Decision): string | undefined {
  if (outcome === 'verified') return undefined;
  const silent = places.find(({ state }) => state === 'unavailable');
  if (outcome === 'inconclusive' && silent?.cause) return silent.cause.hint;
  return Object.hasOwn(FINDINGS, code) ? FINDINGS[code as FindingCode].hint : ERRORS[code as ErrorCode].hint;
}

function meaningOf(code: Decision['code']): string {
  if (Object.hasOwn(FINDINGS, code)) return FINDINGS[code as FindingCode].meaning;
  return Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode].meaning : code;
}

function attested(candidates: readonly Candidate[]): string {
  const first = candidates.find(({ counts }) => counts)?.facts.entity.claim;
  return first?.kind === 'statement' && first.statement.predicateType !== 'https://sigstore.dev/cosign/sign/v1'
    ? `attested (${first.statement.predicateType.slice(0, 120)}) by`
    : 'signed by';
}

/** Who signed, who holds the entry and when: one phrase. */
export function describeSigner({ facts, identity, time }: Candidate): string {
  const [signer] = facts.signers;
  const issuer = signer?.certificate?.claims.issuer;
  const who =
    identity !== undefined ? `${identity}${issuer ? ` (${issuer})` : ''}` : (signer?.anchor?.name ?? signer?.certificate?.leaf.subjectText ?? 'an unknown key');
  const logs = facts.entries.map(({ anchor, index }) => `${anchor.name} #${index}`).filter(unique);
  const when = time ? ` at ${new Date(time.to).toISOString().replace('.000', '')}` : '';
  return `${who.slice(0, 400)}${when}${logs.length > 0 ? `, logged in ${logs.join(', ')}` : ''}`;
}

export function describeSilence({ where, state, cause }: Place): string {
  return state === 'not-asked' ? `${where} was not asked` : `${where} did not answer (${cause?.message ?? 'no reason is known'})`;
}

function unique<T>(value: T, at: number, all: readonly T[]): boolean {
  return all.indexOf(value) === at;
}

function list(parts: readonly string[]): string {
  return parts.length < 2 ? (parts[0] ?? 'nothing') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
