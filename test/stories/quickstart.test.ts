/** The main job of a new user: `npm start`, as a process, with nothing around it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../vectors.ts';

interface Ran {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function quickstart(home: string): Promise<Ran> {
  const program = join(repositoryRoot, 'src/apps/quickstart/main.ts');
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [program, 'quickstart'],
      { cwd: home, env: { PATH: process.env['PATH'], HOME: home, TMPDIR: home } },
      (_, stdout, stderr) => {
        resolve({ exit: child.exitCode, stdout, stderr });
      },
    );
  });
}

test('the demonstration signs, admits, attacks, revokes and refuses, and leaves nothing behind', async () => {
  const home = mkdtempSync(join(tmpdir(), 'sealward-story-'));
  try {
    const { exit, stdout, stderr } = await quickstart(home);
    assert.equal(exit, 0, `${stdout}\n${stderr}`);
    for (const code of ['NO_SIGNATURE', 'ERR_DIGEST_MISMATCH', 'DIGEST_MISMATCH', 'ERR_REGISTRY_THROTTLED']) assert.match(stdout, new RegExp(`\\b${code}\\b`));
    assert.equal(stdout.match(/^ +exit code \d+, as it must be$/gm)?.length, 16);
    assert.equal(stdout.match(/^ +as it must be$/gm)?.length, 6);
    assert.match(stdout, /allowed, and pinned: \S+:v1@sha256:/);
    assert.match(stdout, /allowed, from what is held/);
    assert.match(stdout, /laptop stolen\)/);
    assert.doesNotMatch(stdout, /WRONG|undefined|\[object/);
    assert.equal(stderr, '');
    assert.deepEqual(
      readdirSync(home).filter((name) => name.startsWith('sealward-quickstart-')),
      [],
    );
    assert.equal(existsSync(join(home, 'cosign.key')), false);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
