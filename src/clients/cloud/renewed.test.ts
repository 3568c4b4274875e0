import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ErrorCode, SealwardError } from '../../core/errors.ts';
import { fails } from '../../../test/loopback.ts';
import { FixedClock } from '../../testing/index.ts';
import { renewed } from './index.ts';

interface Answer {
  readonly text: string;
  readonly ends: number;
}

/** A service of which the test says when and how it answers. */
function service() {
  const clock = new FixedClock();
  const asked: { resolve: (answer: Answer) => void; reject: (error: unknown) => void; signal: AbortSignal | undefined }[] = [];
  const get = renewed(clock, 60_000, 'the token', ({ signal }) => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    asked.push({ resolve, reject, signal });
    return promise;
  });
  const ask = (withinMs = 30_000, signal?: AbortSignal): Promise<Answer> => get({ deadline: clock.now() + withinMs, ...(signal ? { signal } : {}) });
  const answer = (text: string, forMs = 3_600_000): void => asked.at(-1)?.resolve({ text, ends: clock.now() + forMs });
  const refuse = (code: ErrorCode): void => asked.at(-1)?.reject(new SealwardError(code, 'no'));
  return { clock, asked, ask, answer, refuse };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('credentials that end', () => {
  it('are fetched once for all who wait, and again shortly before their end', async () => {
    const { clock, asked, ask, answer } = service();
    const all = Promise.all([ask(), ask(), ask()]);
    answer('one');
    assert.deepEqual(
      (await all).map(({ text }) => text),
      ['one', 'one', 'one'],
    );
    clock.advance(3_600_000 - 60_001);
    await ask();
    assert.equal(asked.length, 1);
    clock.advance(1);
    const again = ask();
    answer('two');
    assert.deepEqual([(await again).text, asked.length], ['two', 2]);
  });

  it('are used to their end while new ones cannot be had, without a storm', async () => {
    const { clock, asked, ask, answer, refuse } = service();
    const first = ask();
    answer('one');
    await first;
    clock.advance(3_600_000 - 60_000);
    const second = ask();
    refuse('ERR_KEY_UNAVAILABLE');
    assert.equal((await second).text, 'one');
    for (let i = 0; i < 5; i++) assert.equal((await ask()).text, 'one');
    assert.equal(asked.length, 2, 'a pause after a failure');
    clock.advance(10_000);
    const third = ask();
    refuse('ERR_KEY_UNAVAILABLE');
    await third;
    assert.equal(asked.length, 3);
    clock.advance(50_000);
    const late = ask();
    refuse('ERR_KEY_UNAVAILABLE');
    await assert.rejects(late, fails('ERR_KEY_UNAVAILABLE'));
  });

  it('are not used any more when it is said that we get none', async () => {
    const { clock, ask, answer, refuse } = service();
    const first = ask();
    answer('one');
    await first;
    clock.advance(3_600_000 - 60_000);
    const second = ask();
    refuse('ERR_KEY_DENIED');
    await assert.rejects(second, fails('ERR_KEY_DENIED'));
  });

  it('make nobody wait past his own deadline, and nobody pay for the hurry of another', async () => {
    const { clock, asked, ask, answer, refuse } = service();
    const [hasty, short, long] = [ask(1000), ask(500), ask(30_000)];
    const outcomes = Promise.allSettled([hasty, short]);
    clock.advance(500);
    await assert.rejects(short, fails('ERR_DEADLINE'));
    clock.advance(500);
    refuse('ERR_DEADLINE');
    await assert.rejects(hasty, fails('ERR_DEADLINE'));
    await outcomes;
    await settle();
    assert.equal(asked.length, 2, 'whoever still has time asks himself');
    answer('one');
    assert.equal((await long).text, 'one');
  });

  it('let go whoever is interrupted', async () => {
    const { ask, answer } = service();
    const stop = new AbortController();
    const [first, second] = [ask(), ask(30_000, stop.signal)];
    stop.abort();
    await assert.rejects(second, fails('ERR_INTERRUPTED'));
    answer('one');
    assert.equal((await first).text, 'one');
  });
});
