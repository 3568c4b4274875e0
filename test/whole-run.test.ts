/** The test command itself: it fails when a test fails, and when the run ends before its time. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { repositoryRoot } from './vectors.ts';

/** Runs one file of tests as `npm test` does. */
function run(t: TestContext, text: string): { status: number | null; output: string } {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-run-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'planted.test.mjs');
  writeFileSync(file, `import { test } from 'node:test';\n${text}`);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ['--import', join(repositoryRoot, 'test', 'whole-run.ts'), '--test', '--test-isolation=none', file];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env, timeout: 60_000 });
  return { status, output: stdout + stderr };
}

test('a run that passes ends with 0 and a summary', (t) => {
  const { status, output } = run(t, "test('good', () => {});");
  assert.equal(status, 0, output);
  assert.match(output, /pass 1\n/);
});

test('a failing test fails the run', (t) => {
  const { status, output } = run(t, "test('good', () => {}); test('bad', () => { throw new Error('planted'); });");
  assert.equal(status, 1, output);
  assert.match(output, /fail 1\n/);
});

test('a test that ends the process fails the run, and it is said', (t) => {
  const { status, output } = run(t, "test('good', () => {}); test('bad', () => process.exit(0));");
  assert.equal(status, 1, output);
  assert.match(output, /cut short/);
});
