/**
 * npm run build:sea: the program with its Node in one file, dist/sealward. Its heap is a start-up snapshot, in which
 * every module is loaded already; `--code-cache` builds the same without a snapshot, for comparison. Another folder than
 * dist may be named, for tests.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { banner, carryChart, common, root, takeBuiltins } from './bundle.mjs';

const snapshot = !process.argv.includes('--code-cache');
const named = process.argv.slice(2).find((word) => !word.startsWith('-'));
const out = named === undefined ? join(root, 'dist') : resolve(named);
const executable = join(out, process.platform === 'win32' ? 'sealward.exe' : 'sealward');
const folder = mkdtempSync(join(tmpdir(), 'sealward-sea-'));
try {
  mkdirSync(out, { recursive: true });
  const main = join(folder, 'sealward.cjs');
  await build({
    ...common,
    entryPoints: ['src/apps/quickstart/single-executable.ts'],
    outfile: main,
    // A snapshot is made of one CommonJS script; imports become functions that are called when they are reached.
    format: 'cjs',
    target: 'node26',
    plugins: [carryChart, takeBuiltins()],
    banner: { js: banner },
    // There are no files beside it, and whoever looks for one is told so.
    define: { 'import.meta.url': 'undefined' },
  });
  const config = join(folder, 'sea.json');
  writeFileSync(config, JSON.stringify({ main, output: executable, disableExperimentalSEAWarning: true, useSnapshot: snapshot, useCodeCache: !snapshot }));
  execFileSync(process.execPath, ['--build-sea', config], { stdio: 'inherit' });
  console.log(`${executable}: ${Math.round(statSync(executable).size / 1024 / 1024)} MiB, with a ${snapshot ? 'start-up snapshot' : 'code cache'}`);
} finally {
  rmSync(folder, { recursive: true });
}
