/**
 * Timing things against each other on a machine that does other things too: in small blocks side by side, so that what
 * disturbs falls on all alike, and in processor time, so that waiting for a processor counts for nobody.
 */

import v8 from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Contender {
  /** Makes the input of one block, outside the time. */
  readonly prepare?: (times: number) => void;
  /** Does the same work `times` times; the time of one is what counts. */
  readonly run: (times: number) => void;
}

export interface Timing {
  /** Milliseconds for one, in every block. */
  readonly blocks: readonly number[];
  /** Over all blocks, so that what comes only now and then, as collecting garbage does, is in it. */
  readonly mean: number;
}

/** Long enough that what a contender evicts from the caches, and collects as garbage, is its own. */
const BLOCK_MS = 30;

/** Runs A B C, then B C A, and so on, until `seconds` are over. */
export function race(contenders: readonly Contender[], seconds: number): Timing[] {
  const runners = contenders.map((contender) => ({ contender, times: timesFor(contender), blocks: [] as number[] }));
  const end = performance.now() + seconds * 1000;
  for (let round = 0; performance.now() < end; round++) {
    for (let i = 0; i < runners.length; i++) {
      const runner = runners[(i + round) % runners.length] as (typeof runners)[number];
      runner.blocks.push(timeOf(runner.contender, runner.times));
    }
  }
  const quiet = quietRounds(runners.map(({ blocks }) => blocks));
  return runners.map(({ blocks }) => {
    const kept = quiet.map((round) => blocks[round] as number);
    return { blocks: kept, mean: kept.reduce((sum, value) => sum + value, 0) / kept.length };
  });
}

/** The quietest third of the rounds: a neighbour on the same core slows a processor without taking its time. */
function quietRounds(runners: readonly (readonly number[])[]): number[] {
  const rounds = Array.from({ length: runners[0]?.length ?? 0 }, (_, round) => round);
  const took = (round: number): number => runners.reduce((sum, blocks) => sum + (blocks[round] as number), 0);
  return rounds.sort((a, b) => took(a) - took(b)).slice(0, Math.ceil(rounds.length / 3));
}

/** Found after a second of warming up. */
function timesFor(contender: Contender): number {
  const end = performance.now() + 1000;
  let last = 0;
  while (performance.now() < end) last = timeOf(contender, 2);
  return Math.max(1, Math.round(BLOCK_MS / last));
}

v8.setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void;

function timeOf({ prepare, run }: Contender, times: number): number {
  prepare?.(times);
  // What the preparation left behind is none of the time; the second time what is still used leaves the young generation.
  collect({ type: 'minor' });
  collect({ type: 'minor' });
  const before = process.cpuUsage();
  run(times);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / times;
}

export function ratio(a: Timing, b: Timing): number {
  return a.mean / b.mean;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}
