/** Which tests can reach a source file: those that import it, over however many files. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const IMPORT = /(?:from|import)\s*\(?\s*'(\.[^']+\.ts)'/g;
const imports = new Map<string, readonly string[]>();

function importsOf(path: string): readonly string[] {
  const known = imports.get(path);
  if (known) return known;
  const found = existsSync(path) ? [...readFileSync(path, 'utf8').matchAll(IMPORT)].map(([, name = '']) => resolve(dirname(path), name)) : [];
  imports.set(path, found);
  return found;
}

function closureOf(path: string): ReadonlySet<string> {
  const seen = new Set([path]);
  for (const one of seen) for (const next of importsOf(one)) seen.add(next);
  return seen;
}

/** Of functions of the core that are tried where somebody signs for them. */
const PURE_ELSEWHERE = ['src/clients/trust/publish.test.ts'];

/** Pure tests alone: those of the core, and the regressions that start nothing. They need no program, no port and no folder. */
export function testsThatReach(root: string, files: readonly string[]): string[] {
  const below = (folder: string): string[] =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => join(root, folder, name));
  const running = ['apps', 'services', 'sdk'].map((floor) => join(root, 'src', floor, '/'));
  return [...below('src/core'), ...below('test/regressions'), ...PURE_ELSEWHERE.map((test) => join(root, test))].sort().filter((test) => {
    const closure = closureOf(test);
    return files.some((file) => closure.has(file)) && ![...closure].some((one) => running.some((floor) => one.startsWith(floor)));
  });
}

/** Of these those in the room of the file, its own before all. */
export function testsInRoom(path: string, room: string, tests: readonly string[]): string[] {
  const own = path.replace(/\.ts$/, '.test.ts');
  return tests.filter((test) => test.startsWith(join(room, '/'))).sort((a, b) => Number(b === own) - Number(a === own));
}
