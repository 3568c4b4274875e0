/**
 * `npm run mutation -- [FILE or FOLDER...] [--sample N [--seed TEXT]] [--again FILE] [--json FILE] [--workers N] [--list]`:
 * changes one thing in a source file, runs the tests that reach it, and counts how many changes they notice. Without
 * arguments it takes the rooms that decide: core/policy, core/trust and core/verify. A sample is the same one each time, and
 * with another seed another one. survivors.json says of some why nothing could notice them; docs/reference/mutation.md tells
 * the rest.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Mutant, mutantsOf } from './mutants.ts';
import { testsInRoom, testsThatReach } from './reach.ts';
import { livesAlone, type Survey, type Verdict, Worker } from './workers.ts';

const root = resolve(import.meta.dirname, '..', '..');
const DECIDING = ['src/core/policy', 'src/core/trust', 'src/core/verify'];
/** A test that takes longer is not run for what acts while files are loaded, unless it reaches the file in question. */
const SLOW_MILLISECONDS = 100;
/** Of the tests that reach a mutant so many are tried in any case, and more of them only when they are not slower than this. */
const ENOUGH = 10;
const SLOWEST_MILLISECONDS = 1000;
/** On top of ten times what the tests take without a mutant. */
const PATIENCE_MILLISECONDS = 30_000;

interface Task extends Mutant {
  readonly path: string;
  readonly number: number;
  /** `file  change`, as it stands in survivors.json. */
  readonly name: string;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string' },
    seed: { type: 'string', default: '' },
    workers: { type: 'string', default: '1' },
    list: { type: 'boolean', default: false },
    json: { type: 'string' },
    again: { type: 'string' },
  },
});

function sourcesBelow(path: string): string[] {
  const absolute = resolve(root, path);
  const files = statSync(absolute).isDirectory()
    ? readdirSync(absolute, { recursive: true, encoding: 'utf8' }).map((name) => join(absolute, name))
    : [absolute];
  return files.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && basename(file) !== 'index.ts').sort();
}

const roomOf = (path: string): string => /^src\/(?:core|clients)\/[\w-]+/.exec(relative(root, path))?.[0] ?? relative(root, dirname(path));
const explained = new Map(
  (JSON.parse(readFileSync(join(import.meta.dirname, 'survivors.json'), 'utf8')) as { mutant: string; why: string }[]).map(({ mutant, why }) => [mutant, why]),
);

let count = 0;
const files = (positionals.length > 0 ? positionals : DECIDING).flatMap(sourcesBelow);
const tasks = files.flatMap((path): Task[] =>
  mutantsOf(path, readFileSync(path, 'utf8')).map((mutant) => ({ ...mutant, path, number: count++, name: `${relative(root, path)}  ${mutant.change}` })),
);
const order = ({ name }: Task): string => createHash('sha256').update(values.seed).update(name).digest('hex');
const before =
  values.again === undefined ? undefined : new Set((JSON.parse(readFileSync(values.again, 'utf8')) as { mutant: string }[]).map(({ mutant }) => mutant));
const asked = before ? tasks.filter(({ name }) => before.has(name)) : tasks;
const chosen =
  values.sample === undefined
    ? asked
    : asked
        .map((task) => ({ task, key: order(task) }))
        .sort((a, b) => (a.key < b.key ? -1 : 1))
        .slice(0, Number(values.sample))
        .map(({ task }) => task);

/** All tests of one room's mutants, and how to ask whether one of them notices. */
class Room {
  readonly #tests: readonly string[];
  readonly #worker: Worker;
  readonly #of: (task: Task) => readonly string[];
  #survey: Survey | undefined;

  constructor(sources: readonly string[]) {
    this.#tests = testsThatReach(root, sources);
    const first = (path: string): number => tasks.find((task) => task.path === path)?.number ?? 0;
    this.#worker = new Worker({ files: sources.map((path) => ({ path, first: first(path) })), tests: this.#tests });
    this.#of = ({ path }) => testsInRoom(path, join(root, roomOf(path)), testsThatReach(root, [path]));
  }

  async prepare(): Promise<void> {
    this.#survey = await this.#worker.survey();
  }

  async lives(task: Task): Promise<boolean> {
    const { atLoad, tests } = this.#survey as Survey;
    const reaching = tests
      .map(({ milliseconds, reached }, at) => ({ at, milliseconds, reaches: reached.includes(task.number) }))
      .filter(({ reaches }) => reaches)
      .sort((a, b) => a.milliseconds - b.milliseconds);
    // What acts only while files are loaded, or cannot stand behind a switch, stands in the file from the beginning.
    if (!task.place || reaching.length === 0) return task.place && !atLoad.has(task.number) ? true : this.#livesAlone(task);
    const quick = reaching.filter(({ milliseconds }, at) => at < ENOUGH || milliseconds < SLOWEST_MILLISECONDS);
    const asked = { mutant: task.number, tests: quick.map(({ at }) => at) };
    const patience = PATIENCE_MILLISECONDS + 10 * quick.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    let verdict: Verdict = await this.#worker.try(asked, patience);
    // Something of an earlier mutant may have been left: the answer counts that a fresh process gives.
    if (verdict?.spoilt) verdict = await this.#worker.try(asked, patience);
    return verdict === undefined;
  }

  #livesAlone(task: Task): Promise<boolean> {
    const { tests } = this.#survey as Survey;
    const numbers = new Set(tasks.filter(({ path }) => path === task.path).map(({ number }) => number));
    const slow = tests.filter(({ milliseconds, reached }) => milliseconds > SLOW_MILLISECONDS && !reached.some((number) => numbers.has(number)));
    const patience = PATIENCE_MILLISECONDS + 10 * tests.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    return livesAlone(
      task,
      this.#of(task),
      slow.map(({ name }) => name),
      patience,
    );
  }

  stop(): void {
    this.#worker.stop();
  }
}

interface Counts {
  noticed: number;
  explained: number;
  all: number;
}

async function tryAll(): Promise<void> {
  const survivors: Task[] = [];
  const counts = new Map<string, Counts>();
  const rooms = Map.groupBy(chosen, ({ path }) => roomOf(path));
  for (const [room, own] of rooms) {
    const from = performance.now();
    const sources = files.filter((path) => roomOf(path) === room && tasks.some((task) => task.path === path));
    let next = 0;
    const work = async (): Promise<void> => {
      const tried = new Room(sources);
      await tried.prepare();
      for (let task = own[next++]; task; task = own[next++]) {
        const lived = await tried.lives(task);
        const why = explained.get(task.name);
        for (const key of [task.path, join(root, room)]) {
          const sum = counts.get(key) ?? { noticed: 0, explained: 0, all: 0 };
          counts.set(key, { noticed: sum.noticed + Number(!lived), explained: sum.explained + Number(lived && why !== undefined), all: sum.all + 1 });
        }
        if (lived) survivors.push(task);
        if (lived && why === undefined) console.log(`survived: ${relative(root, task.path)}:${task.line}  ${task.change}`);
        if (!lived && why !== undefined) console.log(`noticed, though survivors.json explains why not: ${task.name}`);
      }
      tried.stop();
    };
    await Promise.all(Array.from({ length: Number(values.workers) }, work));
    console.log(`${room}: ${((performance.now() - from) / 60_000).toFixed(1)} minutes\n`);
  }
  for (const [path, { noticed, explained: known, all }] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`${((100 * noticed) / all).toFixed(1).padStart(5)} %  ${noticed}/${all}${known > 0 ? ` and ${known} explained` : ''}  ${relative(root, path)}`);
  const noticed = chosen.length - survivors.length;
  console.log(`\n${noticed} of ${chosen.length} noticed: ${((100 * noticed) / Math.max(1, chosen.length)).toFixed(1)} % (of ${tasks.length} in all)`);
  if (values.json !== undefined)
    writeFileSync(
      values.json,
      JSON.stringify(
        survivors.map(({ name, line }) => ({ mutant: name, line, why: explained.get(name) ?? null })),
        undefined,
        1,
      ),
    );
}

if (values.list) for (const { path, line, change } of chosen) console.log(`${relative(root, path)}:${line}  ${change}`);
else await tryAll();
