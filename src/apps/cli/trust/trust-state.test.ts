import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createTestKey } from '../../../testing/index.ts';
import { foundTrust, writeRepository } from '../../../clients/trust/index.ts';
import { DENIALS_FILE, encodeDenials, encodeKeyList, KEYS_FILE, SIGNING_ROLES, type TrustPlan } from '../../../core/trust/index.ts';
import { readConfig } from '../config.ts';
import { trustState } from './trust-state.ts';

async function scene(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-trust-state-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const key = createTestKey();
  const plan: TrustPlan = {
    signers: Object.fromEntries(SIGNING_ROLES.map((role) => [role, { keys: [{ key: key.publicKey }], threshold: 1 }])) as unknown as TrustPlan['signers'],
    files: new Map([
      [KEYS_FILE, encodeKeyList([])],
      [DENIALS_FILE, encodeDenials([])],
    ]),
    lifetime: { root: 86_400_000, roles: 86_400_000 },
  };
  const signer = { publicKey: () => key.publicKey, algorithm: key.algorithm, sign: async (message: Uint8Array) => key.sign(message) };
  const { files, chain } = await foundTrust(plan, [signer], { now: Date.now(), lease: 3_600_000 });
  const repository = join(folder, 'repository');
  await writeRepository(repository, files);
  const warnings: string[] = [];
  const asked = {
    config: readConfig({ HOME: folder }),
    terminal: { warn: (text: string) => void warnings.push(text) } as never,
    signal: new AbortController().signal,
    debug: () => {},
  };
  return { repository, asked, warnings, state: chain.state };
}

test('the newest state is given, and the last good one with a warning where that is wanted', async (t) => {
  const { repository, asked, warnings, state } = await scene(t);
  assert.deepEqual(await trustState(asked, repository, undefined, 'refuse'), state);
  writeFileSync(join(repository, 'timestamp.json'), '{}');
  await assert.rejects(trustState(asked, repository, undefined, 'refuse'), { code: 'ERR_TRUST_INVALID' });
  assert.deepEqual([await trustState(asked, repository, undefined, 'warn'), warnings.length], [state, 1]);
  assert.match(warnings[0] ?? '', /judged by what was in force at \d{4}-/);
});

test('without anything remembered there is nothing to fall back on', async (t) => {
  const { repository, asked, warnings } = await scene(t);
  writeFileSync(join(repository, 'timestamp.json'), '{}');
  await assert.rejects(trustState(asked, repository, undefined, 'warn'), { code: 'ERR_TRUST_INVALID' });
  assert.deepEqual(warnings, []);
});
