import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { leafHash, parseEntryBundle, parseHashTile, tileHash } from '../../core/tlog/index.ts';
import { breakAndMend } from '../../../test/log-crashes.ts';
import { neverFails, newEntry, newFolder, newSigner } from '../../../test/logs.ts';
import { inFolder } from './folder-store.ts';
import { tilesInFolder } from './folder-tiles.ts';
import { openLog } from './open-log.ts';

it('full tiles and bundles are files that any server serves, and nothing else lies beside them', async (t) => {
  const [folder, tiles] = [newFolder(t), newFolder(t)];
  const log = await openLog({ origin: 'log.example', signer: newSigner(), store: inFolder(folder, { tiles: tilesInFolder(tiles) }), failed: neverFails });
  t.after(() => log.close());
  await Promise.all(Array.from({ length: 600 }, (_, i) => log.add(newEntry(`entry ${i}`))));
  const files = readdirSync(tiles, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.deepEqual(files.map((file) => join(file.parentPath, file.name).slice(tiles.length + 1)).sort(), [
    'tile/0/000',
    'tile/0/001',
    'tile/entries/000',
    'tile/entries/001',
  ]);
  const bundle = parseEntryBundle(new Uint8Array(readFileSync(join(tiles, 'tile/entries/001'))), 256);
  const hashes = parseHashTile(new Uint8Array(readFileSync(join(tiles, 'tile/0/001'))), 256);
  assert.deepEqual(bundle.map(leafHash), hashes);
  assert.deepEqual((await log.tiles.tile(1, 0n, 2))[1], tileHash(hashes));
  assert.equal(statSync(join(tiles, 'tile/0/000')).mode & 0o222, 0, 'nobody writes it again');
});

it('a tile is put once, and never over another one', async (t) => {
  const storage = tilesInFolder(newFolder(t));
  const tile = { path: 'tile/0/000', bytes: new Uint8Array(32).fill(1) };
  await Promise.all([storage.put([tile]), storage.put([tile])]);
  await assert.rejects(storage.put([{ ...tile, bytes: new Uint8Array(32) }]), { code: 'ERR_LOG_INCONSISTENT' });
  assert.deepEqual(await storage.get('tile/0/000'), tile.bytes);
  assert.equal(await storage.get('tile/0/001'), undefined);
  for (const path of ['../log.db', '/etc/passwd', 'tile/../../x', 'tile', ''])
    await assert.rejects(async () => storage.get(path), { code: 'ERR_INVARIANT' }, path);
});

it('a crash while tiles are put loses nothing', async (t) => {
  for (const kind of ['not done', 'done, and then the process ends', 'done, and reported as failed'] as const) {
    const open = inFolder(newFolder(t), { tiles: tilesInFolder(newFolder(t)) });
    await breakAndMend(open, { step: 'tiles', kind, nth: 1, dies: kind === 'done, and then the process ends', entries: 600 });
  }
});
