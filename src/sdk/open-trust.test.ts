import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { writeTrust } from '../../test/agents.ts';
import { TrustRepository } from '../../test/trust-repository.ts';
import { NOW } from '../../test/tuf-repository.ts';
import { openTrust } from './open-trust.ts';

it('what was remembered of a folder is in force although the folder cannot be read any more', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-trust-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const from = join(folder, 'published');
  writeTrust(from, new TrustRepository());
  const open = () => openTrust({ from, memory: join(folder, 'memory'), now: () => NOW });
  const taken = await (await open()).update();
  // What a volume does that is not there: every read fails, which is not the same as a file that is missing.
  rmSync(join(from, '1.root.json'));
  mkdirSync(join(from, '1.root.json'));
  assert.equal((await open()).state?.digest, taken.digest);
  rmSync(join(folder, 'memory'), { recursive: true });
  await assert.rejects(open(), { code: 'ERR_FILE_UNREADABLE' });
  rmSync(from, { recursive: true });
  await assert.rejects(open(), { code: 'ERR_TRUST_ROOT' });
});
