import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { readYaml } from '../../clients/settings/index.ts';
import { openAgent, readAgentSettings } from './index.ts';

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-agent-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const settingsOf = (text: string) => readYaml('agent.yaml', text, (root) => readAgentSettings(root, (name) => name));

it('a file of authorities that holds none is refused, and not left for each registry to fail by', (t) => {
  const folder = newFolder(t);
  const file = join(folder, 'ca.pem');
  writeFileSync(file, '\n');
  const settings = settingsOf(`trust: { from: ${folder} }\nevidence: ${join(folder, 'evidence')}\nregistries: { authoritiesFile: ${file} }\n`);
  assert.throws(() => openAgent(settings, { userAgent: 'test', environment: {} }), { code: 'ERR_PEM_INVALID' });
});

it('an evidence folder that cannot be made is named', (t) => {
  const folder = newFolder(t);
  writeFileSync(join(folder, 'file'), '');
  const evidence = join(folder, 'file', 'evidence');
  const settings = settingsOf(`trust: { from: ${folder} }\nevidence: ${evidence}\n`);
  assert.throws(() => openAgent(settings, { userAgent: 'test', environment: {} }), {
    code: 'ERR_EVIDENCE_STORE',
    message: `the evidence store ${evidence} cannot be made: ENOTDIR`,
  });
});
