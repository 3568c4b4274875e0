import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { readYaml } from '../../clients/settings/index.ts';
import { openAgent, readAgentSettings } from './index.ts';

it('an evidence folder that cannot be made is named', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-agent-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'file'), '');
  const evidence = join(folder, 'file', 'evidence');
  const settings = readYaml('agent.yaml', `trust: { from: ${folder} }\nevidence: ${evidence}\n`, (root) => readAgentSettings(root, (name) => name));
  assert.throws(() => openAgent(settings, { userAgent: 'test', environment: {} }), {
    code: 'ERR_EVIDENCE_STORE',
    message: `the evidence store ${evidence} cannot be made: ENOTDIR`,
  });
});
