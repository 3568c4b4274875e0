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

/** @param interruptAt SIGINT is sent when this was printed */
function quickstart(home: string, interruptAt?: string): Promise<Ran> {
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
    if (interruptAt === undefined) return;
    let shown = '';
    const interrupt = (chunk: string): void => {
      shown += chunk;
      if (!shown.includes(interruptAt)) return;
      child.stdout?.off('data', interrupt);
      child.kill('SIGINT');
    };
    child.stdout?.on('data', interrupt);
  });
}

const leftIn = (home: string): readonly string[] => readdirSync(home).filter((name) => name.startsWith('sealward-quickstart-'));

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
    assert.deepEqual(leftIn(home), []);
    assert.equal(existsSync(join(home, 'cosign.key')), false);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

for (const moment of ['It is signed', 'The admission webhook comes up', 'A Pod with the other image']) {
  test(`interrupted at "${moment}" it ends at once, calls nothing wrong, and leaves nothing behind`, async () => {
    const home = mkdtempSync(join(tmpdir(), 'sealward-story-'));
    try {
      const { exit, stdout, stderr } = await quickstart(home, moment);
      assert.equal(exit, 130, `${stdout}\n${stderr}`);
      assert.doesNotMatch(stdout, /WRONG|Every answer/);
      assert.match(stderr, /code: ERR_INTERRUPTED/);
      assert.deepEqual(leftIn(home), []);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
}
