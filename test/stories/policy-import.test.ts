/** `sealward policy import` as somebody uses it who moves from another tool. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { sealward } from '../cli.ts';
import { policyFile } from '../policies.ts';

const root = mkdtempSync(join(tmpdir(), 'sealward-import-'));
after(() => rmSync(root, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(root, name);
  writeFileSync(path, text);
  return path;
}

const cip = (authority: string): string =>
  `apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata:\n  name: signed\nspec:\n  images:\n  - glob: "registry.example/**"\n  authorities:\n  - key:\n${authority}`;
const inline = cip(`      data: |\n${policyFile('release.pub').replace(/^/gm, '        ')}`);

test('the documents go into a pipe as they are, the report beside them, and check takes what came out', async () => {
  const done = await sealward(['policy', 'import', file('cip.yaml', inline)]);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /^apiVersion: sealward\.dev\/v1alpha1\nkind: ImagePolicy\n/);
  assert.match(done.stderr, /cip\.yaml:7 spec\.images\[0\]\.glob: mapped\n/);
  assert.match(done.stderr, /1 document; 2 mapped, 0 with a difference, 0 not mapped/);
  const checked = await sealward(['policy', 'check', '-o', 'text', file('imported.yaml', done.stdout)]);
  assert.equal(checked.code, 0, checked.stdout);
});

test('what cannot be carried over denies, is told, and is an exit code of its own when that is asked for', async () => {
  const path = file('kms.yaml', cip('      kms: awskms:///alias/release'));
  const done = await sealward(['policy', 'import', path]);
  assert.equal(done.code, 0);
  assert.match(done.stdout, /refuse: .*could not be carried over/);
  assert.match(done.stderr, /spec\.authorities\[0\]\.key: not mapped: its public key is not in the document/);
  assert.equal((await sealward(['policy', 'import', '--strict', path])).code, 1);
  const { documents, report } = JSON.parse((await sealward(['policy', 'import', '-o', 'json', path])).stdout) as {
    documents: { kind: string }[];
    report: { outcome: string }[];
  };
  assert.deepEqual([documents.map(({ kind }) => kind), report.map(({ outcome }) => outcome)], [['ImagePolicy'], ['mapped', 'not-mapped']]);
});

test('what is no policy of another tool is refused with its place', async () => {
  const done = await sealward(['policy', 'import', '-o', 'text', file('pod.yaml', 'apiVersion: v1\nkind: Pod\n')]);
  assert.equal(done.code, 2);
  assert.match(done.stdout, /pod\.yaml:1:1 error this is no policy of a tool that is known/);
  assert.match((await sealward(['policy', 'import'])).stderr, /no policies are named/);
});
