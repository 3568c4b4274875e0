/** The control log: what it says can be verified as any attestation, in order, and without giving away what it need not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseStatement } from '../../core/bundle/index.ts';
import { sha256 } from '../../core/crypto/index.ts';
import { concatBytes, decodeBase64, decodeHex, encodeHex, type JsonObject, utf8 } from '../../core/encoding/index.ts';
import { leafHash } from '../../core/tlog/index.ts';
import { neverFails, newFolder, newSigner } from '../../../test/logs.ts';
import { faulty } from '../../../test/log-faults.ts';
import { type ControlEvent, type ControlLog, type ControlLogOptions, openControlLog } from './control-log.ts';
import { inFolder } from './folder-store.ts';

const signer = newSigner();
const auditor = newSigner('ecdsa-p256');
const now = (): number => Date.UTC(2026, 0, 15, 12);
const open = (folder: string, more: Partial<ControlLogOptions> = {}): Promise<ControlLog> =>
  openControlLog({ origin: 'control.log.example', signer, auditor, source: 'server-1', now, store: inFolder(folder), failed: neverFails, ...more });
const event = (i: number, more: Partial<ControlEvent> = {}): ControlEvent => ({
  kind: 'key',
  action: 'rotate',
  subject: { name: 'the key of the authority', sha256: encodeHex(sha256(utf8(`key ${i}`))) },
  actor: 'operator',
  details: { i },
  ...more,
});

async function predicateAt(log: ControlLog, index: bigint): Promise<JsonObject> {
  const bundle = JSON.parse((await log.bundle(index)) ?? '{}') as { dsseEnvelope: { payload: string } };
  return parseStatement(decodeBase64(bundle.dsseEnvelope.payload)).predicate as JsonObject;
}

describe('the control log', () => {
  it('keeps events in their order, each naming the one before', async (t) => {
    const log = await open(newFolder(t));
    t.after(() => log.close());
    const included = await Promise.all(Array.from({ length: 30 }, (_, i) => log.record(event(i))));
    assert.deepEqual(
      included.map(({ index }) => index),
      Array.from({ length: 30 }, (_, i) => BigInt(i)),
    );
    let previous = '';
    for (let i = 0; i < 30; i++) {
      const predicate = await predicateAt(log, BigInt(i));
      assert.deepEqual([predicate['counter'], predicate['previous'], (predicate['details'] as JsonObject)['i']], [i, previous, i]);
      previous = encodeHex(leafHash((await log.proven(BigInt(i))).body));
    }
    assert.equal(await log.bundle(30n), undefined);
    await assert.rejects(log.proven(30n), { code: 'ERR_NOT_FOUND' });
  });

  it('begins a new chain at each start, and still shows the old one', async (t) => {
    const folder = newFolder(t);
    const boots = new Set<unknown>();
    for (let start = 0; start < 2; start++) {
      const log = await open(folder);
      await log.record(event(start));
      for (let i = 0n; i < log.tiles.size(); i++) boots.add(((await predicateAt(log, i))['source'] as JsonObject)['boot']);
      await log.close();
    }
    assert.equal(boots.size, 2);
  });

  it('commits to personal values that can be erased, and the commitment opens to nothing else', async (t) => {
    const kept: { leaf: Uint8Array; openings: Readonly<Record<string, { value: string; salt: string }>> }[] = [];
    const log = await open(newFolder(t), { keepOpenings: async (leaf, openings) => void kept.push({ leaf, openings }) });
    t.after(() => log.close());
    await log.record(event(1, { kind: 'access', personal: { email: 'somebody@example.com' } }));
    const text = await log.bundle(0n);
    const predicate = await predicateAt(log, 0n);
    assert.ok(!JSON.stringify(predicate).includes('somebody') && !text?.includes('somebody'));
    const { salt = '', value = '' } = kept[0]?.openings['email'] ?? {};
    assert.deepEqual(kept[0]?.leaf, leafHash((await log.proven(0n)).body));
    assert.equal((predicate['commitments'] as JsonObject)['email'], encodeHex(sha256(concatBytes(decodeHex(salt), utf8(value)))));
  });

  it('tries again what did not get its place, so that the chain has no gap', async (t) => {
    const folder = newFolder(t);
    const log = await open(folder, {
      pace: { retry: 1, soonest: 0 },
      store: async (identity) => faulty(await inFolder(folder)(identity), 'sequence', 'done, and reported as failed', 1, false).store,
    });
    t.after(() => log.close());
    const included = await Promise.all([0, 1, 2].map((i) => log.record(event(i))));
    assert.deepEqual(
      included.map(({ index }) => index),
      [0n, 1n, 2n],
    );
    assert.equal(log.tiles.size(), 3n);
  });

  it('needs a key that signs digests', async (t) => {
    await assert.rejects(open(newFolder(t), { auditor: newSigner('ed25519') }), { code: 'ERR_STATE_INVALID' });
  });
});
