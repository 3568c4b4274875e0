/**
 * One process in which mutants of a room are tried, by word of the one that started it. All of them are in the source at once
 * (switches.ts); the tests are kept (suite.ts), and those run that reach the mutant, the fastest first, until one fails.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { mutantsOf } from './mutants.ts';
import { kept, settled } from './suite.ts';
import { SWITCH, withSwitches } from './switches.ts';

export interface Order {
  /** Source files with the number of the first mutant of each; none where one mutant stands in its file from the beginning. */
  readonly files: readonly { readonly path: string; readonly first: number }[];
  readonly alone?: { readonly path: string; readonly start: number; readonly end: number; readonly replacement: string };
  readonly tests: readonly string[];
  /** Names of tests that need not be run. */
  readonly skip: readonly string[];
  /** Whether to find out which test reaches which mutant. */
  readonly survey: boolean;
}

export type Ask = { readonly mutant: number; readonly tests: readonly number[] };
export type Answer =
  | { readonly kind: 'surveyed'; readonly atLoad: readonly number[]; readonly tests: readonly Surveyed[] }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'tried'; readonly mutant: number; readonly by?: string; readonly spoilt: boolean };

export interface Surveyed {
  readonly name: string;
  readonly milliseconds: number;
  readonly reached: readonly number[];
}

const order = JSON.parse(process.env['SEALWARD_MUTATION'] ?? '') as Order;
const suite = new URL('suite.ts', import.meta.url).href;
const switched = new Map(order.files.map(({ path, first }) => [pathToFileURL(path).href, { path, first }]));
const alone = order.alone && pathToFileURL(order.alone.path).href;

registerHooks({
  resolve: (specifier, context, next) => (specifier === 'node:test' ? { url: suite, shortCircuit: true } : next(specifier, context)),
  load(url, context, next) {
    const file = switched.get(url);
    if (!file && url !== alone) return next(url, context);
    const path = file?.path ?? (order.alone as { path: string }).path;
    const text = readFileSync(path, 'utf8');
    const { start = 0, end = 0, replacement = '' } = order.alone ?? {};
    const source = file ? withSwitches(text, mutantsOf(path, text), file.first) : text.slice(0, start) + replacement + text.slice(end);
    return { format: 'module-typescript', shortCircuit: true, source };
  },
});

let active = -1;
let reached = new Set<number>();
(globalThis as unknown as Record<string, unknown>)[SWITCH] = (mutant: number): boolean => {
  reached.add(mutant);
  return mutant === active;
};
// The same cases each time, and no search for the smallest: that it fails is enough.
fc.configureGlobal({ seed: 20261127, endOnFailure: true });

function say(answer: Answer): Promise<void> {
  return new Promise((sent) => process.send?.(answer, () => sent()));
}

async function passes(at: number): Promise<boolean> {
  try {
    await kept[at]?.run();
    return true;
  } catch {
    return false;
  }
}

async function survey(): Promise<void> {
  const atLoad = [...reached];
  const tests: Surveyed[] = [];
  for (const [at, { name, run }] of kept.entries()) {
    reached = new Set();
    const from = performance.now();
    try {
      await run();
    } catch (error) {
      return say({ kind: 'failed', why: `${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}` });
    }
    tests[at] = { name, milliseconds: performance.now() - from, reached: [...reached] };
  }
  await say({ kind: 'surveyed', atLoad, tests });
}

/** A mutant that lives in one module from the beginning: the process ends with 1 as soon as anything fails. */
async function tryAlone(): Promise<never> {
  const skip = new Set(order.skip);
  try {
    for (const test of order.tests) {
      const first = kept.length;
      await import(pathToFileURL(test).href);
      await settled();
      for (const { name, run } of kept.slice(first)) if (!skip.has(name)) await run();
    }
  } catch {
    process.exit(1);
  }
  process.exit(0);
}

async function tryMutant({ mutant, tests }: Ask): Promise<void> {
  for (const at of tests) {
    active = mutant;
    const passed = await passes(at);
    active = -1;
    // What the mutant left behind must not be taken for the next one's doing.
    if (!passed) return say({ kind: 'tried', mutant, by: kept[at]?.name ?? '', spoilt: !(await passes(at)) });
  }
  await say({ kind: 'tried', mutant, spoilt: false });
}

if (order.alone) await tryAlone();
for (const test of order.tests) await import(pathToFileURL(test).href);
await settled();
// What is loaded at first use is loaded now: it belongs to no test.
for (const { path } of order.files) await import(pathToFileURL(path).href);
if (order.survey) await survey();
let last = Promise.resolve();
process.on('message', (ask: Ask) => {
  last = last.then(() => tryMutant(ask));
});
if (!order.survey) await say({ kind: 'surveyed', atLoad: [], tests: [] });
