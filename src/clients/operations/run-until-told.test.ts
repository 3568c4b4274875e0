import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { problemLog } from './problem-log.ts';
import { type RunOptions, runUntilTold } from './run-until-told.ts';

class Life {
  readonly lines: JsonObject[] = [];
  readonly ending = new AbortController();
  closed = 0;
  fail = (_error: SealwardError): void => undefined;

  get options(): RunOptions & { readonly logLevel: string } {
    return { signal: this.ending.signal, log: (line) => this.lines.push(JSON.parse(line) as JsonObject), logLevel: 'info' };
  }

  run(): Promise<void> {
    return runUntilTold(
      this.options,
      async (_logger, failed) => {
        this.fail = failed;
        return { close: async () => void this.closed++ };
      },
      () => ({ port: 1 }),
    );
  }

  said(): unknown[] {
    return this.lines.map(({ msg }) => msg);
  }
}

test('a service says that it is ready, and is closed once when it is told to end, also if that was before', async () => {
  for (const isEarly of [false, true]) {
    const life = new Life();
    if (isEarly) life.ending.abort('SIGTERM');
    const running = life.run();
    await new Promise((resolve) => setImmediate(resolve));
    life.ending.abort('SIGTERM');
    await running;
    assert.deepEqual([life.said(), life.closed], [['ready', 'ending', 'ended'], 1]);
    assert.deepEqual([life.lines[0]?.['port'], life.lines[1]?.['reason']], [1, 'SIGTERM']);
  }
});

test('what it can go on no more after ends it as well, and what keeps it from being opened is thrown', async () => {
  const life = new Life();
  const running = life.run();
  await new Promise((resolve) => setImmediate(resolve));
  life.fail(new SealwardError('ERR_DECISION_UNKEPT', 'the disk is full'));
  await assert.rejects(running, { code: 'ERR_DECISION_UNKEPT' });
  assert.deepEqual([life.said(), life.closed], [['ready', 'the disk is full'], 1]);
  const never = new Life();
  await assert.rejects(
    runUntilTold(
      never.options,
      async () => {
        throw new SealwardError('ERR_ADDRESS_UNUSABLE', 'nothing can listen');
      },
      () => ({}),
    ),
    { code: 'ERR_ADDRESS_UNUSABLE' },
  );
  assert.deepEqual(never.lines, []);
});

test('a problem is told once a minute, another one of the same code at once, and never more than a few', () => {
  const told: string[] = [];
  let now = 0;
  const warn = (about: { readonly code?: string; readonly leftOut?: number }, message: string): void =>
    void told.push(`${about.code} ${message} ${about.leftOut ?? 0}`);
  const log = problemLog({ warn }, () => now);
  const meet = (message: string): void => log(new SealwardError('ERR_CLUSTER_DENIED', message));
  for (let i = 0; i < 3; i++) meet('pods');
  meet('events');
  assert.deepEqual(told.splice(0), ['ERR_CLUSTER_DENIED pods 0', 'ERR_CLUSTER_DENIED events 0']);
  for (let i = 0; i < 100; i++) meet(`stranger ${i}`);
  assert.equal(told.splice(0).length, 8);
  now = 60_000;
  meet('pods');
  assert.deepEqual(told, ['ERR_CLUSTER_DENIED pods 92']);
});
