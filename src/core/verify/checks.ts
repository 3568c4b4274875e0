/**
 * The checks that one signature must pass, in their order: the first that fails is the one reason why it does not count.
 * Pure comparison of facts with what is asked; windows and the clock come in here, and only here.
 */
import { checkCertificateLog, checkSigner, checkValidity } from './check-signer.ts';
import { checkAnnotations, checkIdentity, checkRepository, checkType } from './check-words.ts';
import { checkLogs, checkTimes } from './check-time.ts';
import type { Asked, Context, Dated, Miss } from './asked.ts';
import { missOf, miss } from './asked.ts';
import type { SignatureFacts } from './facts.ts';

export const CHECKS = [
  'readable',
  'type',
  'subject',
  'signer',
  'unbroken',
  'log',
  'time',
  'certificate',
  'certificate-log',
  'identity',
  'claims',
  'companions',
] as const;
export type Check = (typeof CHECKS)[number];

type CheckOf = (dated: Dated, asked: Asked, context: Context) => Miss | undefined;

export const CHECK: Readonly<Record<Check, CheckOf>> = {
  readable: () => undefined,
  type: ({ facts }, asked) => checkType(facts, asked),
  subject: ({ facts }) => checkSubject(facts),
  signer: ({ facts }, asked) => checkSigner(facts, asked),
  unbroken: ({ facts }) => missOf(facts.broken[0]),
  log: checkLogs,
  time: checkTimes,
  certificate: checkValidity,
  'certificate-log': ({ facts }, asked, context) => checkCertificateLog(facts, asked, context),
  identity: ({ facts }, asked) => checkIdentity(facts, asked),
  claims: ({ facts }, asked) => checkAnnotations(facts, asked) ?? checkRepository(facts, asked),
  // Judged when all candidates are known.
  companions: () => undefined,
};

/** Binding: what is signed must contain the digest asked about. */
function checkSubject({ about, findings, broken }: SignatureFacts): Miss | undefined {
  if (about !== undefined) return undefined;
  const why = [...findings, ...broken].find(({ code }) => code === 'DIGEST_MISMATCH' || code === 'FORMAT_UNSUPPORTED');
  return missOf(why) ?? miss('DIGEST_MISMATCH', () => 'it is not about this digest');
}
