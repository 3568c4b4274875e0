/**
 * `npm run mutation -- [FILE or FOLDER...] [--sample N] [--workers N] [--list]`: changes one thing in a source file, runs the tests
 * of its room, and counts how many changes they notice. Without arguments it takes the rooms that decide: core/policy,
 * core/trust and core/verify. A sample is the same one each time.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Mutant, mutantsOf } from './mutants.ts';

const root = resolve(import.meta.dirname, '..', '..');
const DECIDING = ['src/core/policy', 'src/core/trust', 'src/core/verify'];
const SLOWEST_MILLISECONDS = 120_000;

interface Task extends Mutant {
  readonly path: string;
  readonly tests: readonly string[];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { sample: { type: 'string' }, workers: { type: 'string', default: '2' }, list: { type: 'boolean', default: false } },
});

function sourcesBelow(path: string): string[] {
  const absolute = resolve(root, path);
  const files = statSync(absolute).isDirectory()
    ? readdirSync(absolute, { recursive: true, encoding: 'utf8' }).map((name) => join(absolute, name))
    : [absolute];
  return files.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.endsWith('index.ts')).sort();
}

/** The tests of the room; those of the file itself first, then those that import it, then the small ones: most changes are noticed early. */
function testsFor(path: string): string[] {
  const room = /^src\/(?:core|clients)\/[\w-]+/.exec(relative(root, path))?.[0] ?? relative(root, dirname(path));
  const all = readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(root, room, name));
  const name = `/${basename(path)}'`;
  const rank = (test: string): number => (test === path.replace(/\.ts$/, '.test.ts') ? 0 : readFileSync(test, 'utf8').includes(name) ? 1 : 2);
  return all.sort((a, b) => rank(a) - rank(b) || statSync(a).size - statSync(b).size);
}

const tasks = (positionals.length > 0 ? positionals : DECIDING)
  .flatMap(sourcesBelow)
  .flatMap((path): Task[] => mutantsOf(path, readFileSync(path, 'utf8')).map((mutant) => ({ ...mutant, path, tests: testsFor(path) })));
const order = (task: Task): string =>
  createHash('sha256')
    .update(`${relative(root, task.path)}:${task.change}:${task.line}`)
    .digest('hex');
const chosen =
  values.sample === undefined
    ? tasks
    : tasks
        .map((task) => ({ task, key: order(task) }))
        .sort((a, b) => (a.key < b.key ? -1 : 1))
        .slice(0, Number(values.sample))
        .map(({ task }) => task);

function survives({ path, start, end, replacement, tests }: Task): Promise<boolean> {
  return new Promise((done) => {
    const child = spawn(process.execPath, ['--import', join(import.meta.dirname, 'replace-source.ts'), join(import.meta.dirname, 'run-tests.ts'), ...tests], {
      cwd: root,
      stdio: 'ignore',
      env: { ...process.env, SEALWARD_MUTANT: JSON.stringify({ path, start, end, replacement }) },
    });
    // A change that makes a loop without end is noticed, too.
    const timer = setTimeout(() => child.kill('SIGKILL'), SLOWEST_MILLISECONDS);
    child.on('close', (code) => {
      clearTimeout(timer);
      done(code === 0);
    });
  });
}

if (values.list) {
  for (const { path, line, change } of chosen) console.log(`${relative(root, path)}:${line}  ${change}`);
} else {
  const survivors: Task[] = [];
  const byFile = new Map<string, { killed: number; all: number }>();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let task = chosen[next++]; task; task = chosen[next++]) {
      const lived = await survives(task);
      const counts = byFile.get(task.path) ?? { killed: 0, all: 0 };
      byFile.set(task.path, { killed: counts.killed + Number(!lived), all: counts.all + 1 });
      if (!lived) continue;
      survivors.push(task);
      console.log(`survived: ${relative(root, task.path)}:${task.line}  ${task.change}`);
    }
  };
  await Promise.all(Array.from({ length: Number(values.workers) }, work));
  console.log();
  for (const [path, { killed, all }] of [...byFile].sort(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`${String(Math.round((100 * killed) / all)).padStart(4)} %  ${killed}/${all}  ${relative(root, path)}`);
  const killed = chosen.length - survivors.length;
  console.log(`\n${killed} of ${chosen.length} noticed: ${((100 * killed) / Math.max(1, chosen.length)).toFixed(1)} % (of ${tasks.length} in all)`);
}
