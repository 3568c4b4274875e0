/**
 * The checks that one signature must pass, in their order: the first that fails is the one reason why it does not count.
 * Pure comparison of facts with what is asked; windows and the clock come in here, and only here.
 */
import { type Asked, type Context, type Dated, type Miss, miss, missOf } from './asked.ts';
import { checkAge, checkLogs, checkTimes } from './check-time.ts';
import { checkCertificateLog, checkSigner, checkStrength, checkValidity } from './check-signer.ts';
import { checkAnnotations, checkClaim, checkIdentity, checkType } from './check-words.ts';
import { checkDenied } from './denied.ts';
import type { SignatureFacts } from './facts.ts';
import { checkKeyState } from './key-state.ts';

export const CHECKS = [
  'readable',
  'type',
  'subject',
  'denied',
  'signer',
  'unbroken',
  'strength',
  'log',
  'time',
  'certificate',
  'key-state',
  'certificate-log',
  'identity',
  'age',
  'claims',
  'companions',
] as const;
export type Check = (typeof CHECKS)[number];

type CheckOf = (dated: Dated, asked: Asked, context: Context) => Miss | undefined;

export const CHECK: Readonly<Record<Check, CheckOf>> = {
  readable: () => undefined,
  type: ({ facts }, asked) => checkType(facts, asked),
  subject: ({ facts }) => checkSubject(facts),
  denied: checkDenied,
  signer: ({ facts }, asked) => checkSigner(facts, asked),
  unbroken: ({ facts }) => missOf(facts.broken[0]),
  strength: ({ facts }, asked) => checkStrength(facts, asked),
  log: checkLogs,
  time: checkTimes,
  certificate: checkValidity,
  'key-state': checkKeyState,
  'certificate-log': ({ facts }, asked, context) => checkCertificateLog(facts, asked, context),
  identity: ({ facts }, asked) => checkIdentity(facts, asked),
  age: checkAge,
  claims: ({ facts }, asked, context) => checkAnnotations(facts, asked) ?? checkClaim(facts, asked, context),
  // Judged when all candidates are known.
  companions: () => undefined,
};

/** Binding: what is signed must contain the digest asked about. */
function checkSubject({ about, findings, broken }: SignatureFacts): Miss | undefined {
  if (about !== undefined) return undefined;
  const why = [...findings, ...broken].find(({ code }) => code === 'DIGEST_MISMATCH' || code === 'FORMAT_UNSUPPORTED');
  return missOf(why) ?? miss('DIGEST_MISMATCH', () => 'it is not about this digest');
}
