import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ERRORS, type ErrorCode, FINDINGS, type FindingCode, SealwardError } from '../../core/errors.ts';
import { type Answer, answerOfError, exitOf, exitOfAll } from './outcome.ts';

const verified: Answer = { outcome: 'verified', code: 'VERIFIED' };
const rejected = (code: Answer['code']): Answer => ({ outcome: 'rejected', code });
const inconclusive = (code: ErrorCode): Answer => ({ outcome: 'inconclusive', code });

test('each outcome has its exit code', () => {
  assert.equal(exitOf(verified), 0);
  assert.equal(exitOf(rejected('NO_SIGNATURE')), 10);
  assert.equal(exitOf(rejected('ERR_NOT_FOUND')), 11);
  assert.equal(exitOf(rejected('CERTIFICATE_MISSING')), 13);
  assert.equal(exitOf(rejected('SIGNATURE_INVALID')), 1);
  assert.equal(exitOf(inconclusive('ERR_REGISTRY_UNREACHABLE')), 4);
  assert.equal(exitOf(inconclusive('ERR_REGISTRY_DENIED')), 3);
});

test('of several, one that is not verified decides, and a rejection before what is not known', () => {
  assert.equal(exitOfAll([verified, verified]), 0);
  assert.equal(exitOfAll([verified, rejected('NO_SIGNATURE')]), 10);
  assert.equal(exitOfAll([rejected('NO_SIGNATURE'), rejected('KEY_MISMATCH')]), 1);
  assert.equal(exitOfAll([inconclusive('ERR_DEADLINE'), rejected('NO_SIGNATURE')]), 1);
  assert.equal(exitOfAll([inconclusive('ERR_DEADLINE'), inconclusive('ERR_REGISTRY_DENIED')]), 4);
});

test('no answer at all is never a pass', () => {
  assert.notEqual(exitOfAll([]), 0);
});

test('0 is for verified alone, whatever the codes', () => {
  const codes = fc.constantFrom(...(Object.keys(ERRORS) as ErrorCode[]), ...(Object.keys(FINDINGS) as FindingCode[]), 'VERIFIED' as const);
  const answer = fc.record({ outcome: fc.constantFrom('verified' as const, 'rejected' as const, 'inconclusive' as const), code: codes });
  fc.assert(
    fc.property(fc.array(answer, { minLength: 1, maxLength: 5 }), (answers) => {
      assert.equal(
        exitOfAll(answers) === 0,
        answers.every(({ outcome }) => outcome === 'verified'),
      );
    }),
  );
});

test('what a registry does is an answer about one artifact; what the user or we did wrong is not', () => {
  const answer = (code: ErrorCode): Answer => answerOfError(new SealwardError(code, 'x'));
  assert.deepEqual(answer('ERR_NOT_FOUND').outcome, 'rejected');
  assert.deepEqual(answer('ERR_REGISTRY_THROTTLED').outcome, 'inconclusive');
  for (const code of ['ERR_USAGE', 'ERR_FILE_UNREADABLE', 'ERR_KEY_INVALID', 'ERR_INVARIANT', 'ERR_INTERRUPTED'] as const)
    assert.throws(() => answer(code), SealwardError, code);
  assert.throws(() => answerOfError(new TypeError('x')), TypeError);
});
