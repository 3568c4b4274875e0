import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { parseEnvelope, parseStatement } from '../../core/bundle/index.ts';
import { fingerprintOf } from '../../core/crypto/index.ts';
import { type JsonObject, utf8 } from '../../core/encoding/index.ts';
import { leafHash, parseNote, parseCheckpoint } from '../../core/tlog/index.ts';
import { neverFails, newEntry, newFolder, newSigner } from '../../../test/logs.ts';
import { envelopePath } from './control-statement.ts';
import { inFolder } from './folder-store.ts';
import { type OpenedLog, openLog } from './open-log.ts';
import { openNextShard } from './shards.ts';

const auditor = newSigner('ecdsa-p256');
const now = (): number => Date.UTC(2026, 0, 15, 12);

async function shard(t: TestContext, origin: string, signer = newSigner()): Promise<OpenedLog> {
  const log = await openLog({ origin, signer, store: inFolder(newFolder(t)), failed: neverFails });
  t.after(() => log.close());
  return log;
}

async function statementAt(log: OpenedLog, index: bigint): Promise<{ readonly subject: string | undefined; readonly predicate: JsonObject }> {
  const envelope = await log.kept(envelopePath(leafHash((await log.proven(index)).body)));
  const { subjects, predicate } = parseStatement(parseEnvelope(envelope ?? new Uint8Array()).payload);
  return { subject: subjects[0]?.digest['sha256'], predicate: predicate as JsonObject };
}

describe('shards', () => {
  it('chain: the old one ends with the name of the next, which begins with the last checkpoint of the old', async (t) => {
    const [from, to] = [await shard(t, 'log2026.example'), await shard(t, 'log2027.example')];
    await from.add(newEntry('an entry'));
    await openNextShard({ from, to, auditor, now });
    await assert.rejects(from.add(newEntry('too late')), { code: 'ERR_LOG_FROZEN' });
    const last = from.tiles.checkpoint() as string;
    assert.equal(parseCheckpoint(parseNote(last)).size, 2n);
    assert.deepEqual(((await statementAt(from, 1n)).predicate['next'] as JsonObject)['origin'], 'log2027.example');
    const first = await statementAt(to, 0n);
    assert.equal(first.subject, fingerprintOf(utf8(parseNote(last).text)));
    assert.equal((first.predicate['previous'] as JsonObject)['checkpoint'], last);
    // Once more, as after a crash: nothing is added.
    await openNextShard({ from, to, auditor, now });
    assert.deepEqual([from.tiles.size(), to.tiles.size()], [2n, 1n]);
    await to.add(newEntry('and on it goes'));
    await openNextShard({ from, to, auditor, now });
    assert.equal(to.tiles.size(), 2n);
  });

  it('go on where a crash left them', async (t) => {
    const [from, to] = [await shard(t, 'log2026.example'), await shard(t, 'log2027.example')];
    await from.add(newEntry('an entry'));
    const broken = { ...to, keep: () => Promise.reject(new Error('the process ended')) };
    await assert.rejects(openNextShard({ from, to: broken, auditor, now }), /the process ended/);
    await openNextShard({ from, to, auditor, now });
    assert.deepEqual([from.tiles.size(), to.tiles.size()], [2n, 1n]);
  });

  it('are refused for a log that has entries of its own, for one name or one key, and without a last checkpoint', async (t) => {
    const key = newSigner();
    const [from, to] = [await shard(t, 'log2026.example', key), await shard(t, 'log2027.example')];
    for (const other of [await shard(t, 'log2026.example'), await shard(t, 'log2028.example', key)]) {
      await assert.rejects(openNextShard({ from, to: other, auditor, now }), { code: 'ERR_STATE_INVALID' });
    }
    await to.add(newEntry('an entry of its own'));
    await from.add(newEntry('an entry'));
    await assert.rejects(openNextShard({ from, to, auditor, now }), { code: 'ERR_STATE_INVALID' });
    const empty = await shard(t, 'log2029.example');
    await empty.freeze();
    await assert.rejects(openNextShard({ from: empty, to: await shard(t, 'log2030.example'), auditor, now }), { code: 'ERR_STATE_INVALID' });
  });
});
