/** What a test needs and does not find is loud in CI, and a skip that says what is missing elsewhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requirePath } from './vectors.ts';

const missing = new URL('./no-such-suite', import.meta.url).pathname;

function ask(path: string, ci: boolean): { answer: boolean; skips: string[] } {
  const skips: string[] = [];
  const answer = requirePath({ skip: (why?: string) => void skips.push(why ?? '') }, path, 'the suite "x"', 'put it there', ci);
  return { answer, skips };
}

test('what is there is used, in CI and elsewhere', () => {
  for (const ci of [true, false]) assert.deepEqual(ask(import.meta.filename, ci), { answer: true, skips: [] });
});

test('what is missing fails in CI, by its name', () => {
  assert.throws(() => ask(missing, true), /CI needs the suite "x".*no-such-suite: put it there/);
});

test('what is missing is skipped on a laptop, by its name', () => {
  assert.deepEqual(ask(missing, false), { answer: false, skips: ['the suite "x" is not on this machine: put it there'] });
});
