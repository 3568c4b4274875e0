/** The commands of the page about HSMs, in a shell, against a token in software and a registry on loopback. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { RegistryClient } from '../../src/clients/registry/index.ts';
import { buildImage, MemoryRegistry, pushArtifact } from '../../src/testing/index.ts';
import { commandLines } from '../documentation.ts';
import { addon, requireToken, softModule } from '../soft-token.ts';
import { repositoryRoot } from '../vectors.ts';

const run = promisify(execFile);

test('the commands of docs/how-to/keys-in-an-hsm.md do what it says', async (t) => {
  if (!requireToken(t)) return;
  if (softModule !== '/usr/lib/softhsm/libsofthsm2.so') return t.skip('SoftHSM is not where Debian puts it');
  const registry = await MemoryRegistry.start();
  t.after(() => registry.close());
  const folder = mkdtempSync(join(tmpdir(), 'sealward-hsm-documentation-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  await pushArtifact(new RegistryClient(), { registry: registry.host, repository: 'app' }, buildImage({ 'a.txt': 'A.\n' }), '1.2');
  mkdirSync(join(folder, 'tokens'));
  writeFileSync(join(folder, 'softhsm2.conf'), `directories.tokendir = ${join(folder, 'tokens')}\n`);
  // npx, for this one program.
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin', 'npx'), `#!/bin/sh\nshift\nexec '${process.execPath}' '${join(repositoryRoot, 'src/apps/cli/bin.ts')}' "$@"\n`);
  chmodSync(join(folder, 'bin', 'npx'), 0o755);
  const PATH = [join(folder, 'bin'), process.env['PATH'] ?? ''].join(delimiter);
  const env = { PATH, HOME: folder, SOFTHSM2_CONF: join(folder, 'softhsm2.conf'), SEALWARD_PKCS11JS: addon };
  const lines = commandLines(readFileSync(join(repositoryRoot, 'docs/how-to/keys-in-an-hsm.md'), 'utf8'));
  assert.equal(lines.length, 5);
  let output = '';
  for (const line of lines) {
    const { stdout, stderr } = await run('sh', ['-c', line.replace('registry.example', registry.host)], { cwd: folder, env });
    output += stdout + stderr;
  }
  assert.match(readFileSync(join(folder, 'release.pub'), 'utf8'), /^-----BEGIN PUBLIC KEY-----/);
  assert.match(output, /signed|verified/i);
});
