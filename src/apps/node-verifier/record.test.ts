import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Cluster } from '../../../test/agents.ts';
import { keepRecord } from './record.ts';

test('the oldest records go, and the folder is not read for each', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-records-'));
  const cluster = await Cluster.start();
  t.after(async () => {
    await cluster.close();
    rmSync(folder, { recursive: true });
  });
  const image = await cluster.push();
  const judged = await (await cluster.started()).judge(image.pinned, cluster.ask());
  const old = (count: number): void => {
    for (let i = 0; i < count; i++) writeFileSync(join(folder, `000000000${String(i).padStart(4, '0')}-aaaaaaaaaaaa-bbbbbbbb.json`), '{}');
  };
  old(2000);
  writeFileSync(join(folder, 'notes.txt'), 'of somebody');
  keepRecord({ folder, most: 1000 }, judged, () => 0.11);
  assert.equal(readdirSync(folder).length, 2002);
  keepRecord({ folder, most: 1000 }, judged, () => 0.09);
  const left = readdirSync(folder).sort();
  assert.deepEqual([left.length, left.at(-1), left[0]?.slice(0, 13)], [1001, 'notes.txt', '0000000001001']);
  // Few are counted each time.
  keepRecord({ folder, most: 100 }, judged, () => 0.999);
  assert.equal(readdirSync(folder).length, 101);
});
