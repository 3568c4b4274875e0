import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deadline, timeoutOf } from './deadline.ts';

test('a timeout is read as Go writes durations, and bounded', () => {
  const read: readonly (readonly [query: string, ms: number])[] = [
    ['timeout=10s', 10_000],
    ['timeout=3s', 3000],
    ['timeout=1m0s', 30_000],
    ['timeout=1.5s&x=1', 1500],
    ['timeout=250ms', 250],
    ['', 10_000],
    ['timeout=', 10_000],
    ['timeout=-1s', 10_000],
    ['timeout=10', 10_000],
    ['timeout=0s', 10_000],
    ['timeout=10s10', 10_000],
  ];
  for (const [query, ms] of [...read, ...read.toReversed()]) assert.equal(timeoutOf(query), ms, query);
});

test('what waits for a deadline is told once when it comes, unless it took that back', async () => {
  const [soon, later] = [new Deadline(60, 0), new Deadline(100_000, 0)];
  const told: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const { signal } = soon;
  soon.onExpiry(() => told.push('first'));
  soon.onExpiry(() => told.push('taken back'))();
  soon.onExpiry(() => resolve());
  later.onExpiry(() => told.push('later'));
  const late = soon.within(new Promise<string>(() => undefined), () => 'late');
  const early = await later.within(Promise.resolve('early'), () => 'late');
  assert.deepEqual([signal.aborted, early], [false, 'early']);
  await assert.rejects(
    later.within(Promise.reject(new Error('its own')), () => 'late'),
    /its own/,
  );
  await promise;
  assert.ok(soon.left < 21, 'a look too early, at most');
  assert.deepEqual([told, await late, signal.aborted, soon.signal.aborted], [['first'], 'late', true, true]);
  soon.onExpiry(() => told.push('at once'));
  assert.deepEqual(told, ['first', 'at once']);
  later.end();
});

test('a deadline that has ended tells nobody', async () => {
  const [ended, other] = [new Deadline(30, 0), new Deadline(60, 0)];
  ended.onExpiry(() => assert.fail('nobody waits any more'));
  ended.end();
  await new Promise<void>((resolve) => void other.onExpiry(resolve));
});
