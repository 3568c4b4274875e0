/** What containerd reads is an exit code, and 0 is a yes: whatever becomes of the process, it is not that by accident. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { repositoryRoot } from '../../../test/vectors.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const PULL = ['-name', 'r.example/a:1', '-digest', DIGEST, '-stdin-media-type', 'application/vnd.oci.descriptor.v1+json'];

/** The program with a standard input that stays open. @param preload a module that runs before it. */
function ask(t: TestContext, preload = ''): Promise<{ readonly code: number | null; readonly said: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-node-main-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, 'node-verifier.yaml');
  writeFileSync(config, 'trust: { from: trust }\nevidence: evidence\ntimeout: 1s\n');
  const main = join(repositoryRoot, 'src/apps/node-verifier/main.ts');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(preload)}`, main, ...PULL], {
      env: { SEALWARD_NODE_CONFIG: config },
      stdio: ['pipe', 'pipe', 'inherit'],
      timeout: 60_000,
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.on('error', reject);
    child.on('close', (code) => {
      child.stdin.destroy();
      resolve({ code, said });
    });
  });
}

test('a descriptor that never ends is refused by the deadline', async (t) => {
  const { code, said } = await ask(t);
  assert.equal(code, 4, said);
  assert.match(said, /standard input in time .*\(ERR_DEADLINE\)\n$/);
});

test('a process with nothing left to wait for, and no answer, refuses', async (t) => {
  const nothingHolds = `
    const after = globalThis.setTimeout;
    globalThis.setTimeout = (...given) => after(...given).unref();
    Object.defineProperty(process, 'stdin', { value: { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) } });`;
  assert.deepEqual(await ask(t, nothingHolds), { code: 70, said: '' });
});
