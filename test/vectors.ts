/**
 * Where the test vectors of other projects lie: beside the repository, in `../shared/vectors`, or where SEALWARD_VECTORS
 * says. They are not part of this project's tree. Without them a laptop skips those tests by name; CI fails loudly.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';

export const repositoryRoot: string = resolve(import.meta.dirname, '..');

export const vectorsRoot: string = resolve(process.env['SEALWARD_VECTORS'] ?? join(repositoryRoot, '..', 'shared', 'vectors'));

/** CI=true (or any value but an empty one, 0 and false), as every CI service sets it. */
export const inCI: boolean = !['', '0', 'false'].includes(process.env['CI'] ?? '');

/** The absolute path of a vector file or folder: `vectorsPath('wycheproof')`. */
export function vectorsPath(...parts: readonly string[]): string {
  return join(vectorsRoot, ...parts);
}

/**
 * Call first in a test that reads vectors, and return when it answers false:
 * `if (!requireVectors(t, 'merkle-proofs')) return;`
 * A missing suite throws in CI and skips the test by name elsewhere.
 */
export function requireVectors(t: Pick<TestContext, 'skip'>, suite = ''): boolean {
  return requirePath(t, vectorsPath(suite), suite === '' ? 'the test vectors' : `the vectors "${suite}"`, 'set SEALWARD_VECTORS to their folder');
}

/** The same for anything else that a test needs and a laptop may lack, such as a peer program. */
export function requirePath(t: Pick<TestContext, 'skip'>, path: string, what: string, remedy: string, ci = inCI): boolean {
  if (existsSync(path)) return true;
  if (ci) throw new Error(`CI needs ${what}, and nothing is at ${path}: ${remedy}`);
  t.skip(`${what} is not on this machine: ${remedy}`);
  return false;
}
