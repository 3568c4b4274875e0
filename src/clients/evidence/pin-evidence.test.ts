import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { digestOf, formatDigest } from '../../core/artifact/index.ts';
import { utf8 } from '../../core/encoding/index.ts';
import { encodeEvidence } from '../../core/verify/index.ts';
import { createMemoryStore, type EvidenceStore, FolderStore, keepPinned, prune } from './index.ts';

const HOUR = 3_600_000;
const signature = utf8('a signature');
const named = formatDigest(digestOf(signature));
const known = encodeEvidence({
  subject: { digests: { sha256: '1'.repeat(64) } },
  places: [],
  documents: [{ digest: named, place: 'referrers-api', source: { kind: 'bundle', annotations: {} }, entities: [] }],
});

describe('evidence that a decision was made from', () => {
  it('stays with its documents until its record is over, and goes then', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sealward-pins-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const store = new FolderStore(folder);
    store.keep(named, signature);
    const later = Date.now() + HOUR;
    const digest = keepPinned(store, known, later + HOUR);
    assert.equal(digest, formatDigest(digestOf(known)));
    prune(store, { maxBytes: 0, now: later });
    assert.ok(store.bytes(named) && store.bytes(digest), 'pinned');
    const { bytes } = prune(store, { maxBytes: 0, now: later + 2 * HOUR });
    assert.deepEqual([store.bytes(named), store.bytes(digest), store.record('pins', digest), bytes], [undefined, undefined, undefined, 0]);
  });

  it('is pinned for the longest time that somebody asked for, without a write for each decision', () => {
    const inner = createMemoryStore();
    let writes = 0;
    const store: EvidenceStore = { ...inner, write: (...given) => (writes++, inner.write(...given)) };
    const pin = (until?: number): string => keepPinned(store, known, until) as string;
    const digest = pin(10 * HOUR);
    pin(10.5 * HOUR);
    pin(9 * HOUR);
    assert.deepEqual([writes, store.record('pins', digest)?.['until']], [1, 10 * HOUR]);
    pin(12 * HOUR);
    assert.deepEqual([writes, store.record('pins', digest)?.['until']], [2, 12 * HOUR]);
    pin();
    pin(99 * HOUR);
    assert.deepEqual([writes, store.record('pins', digest)?.['until']], [3, undefined]);
  });

  it('is not said to be kept when a step of keeping it was lost', () => {
    const store = createMemoryStore();
    assert.equal(keepPinned({ ...store, keep: () => false }, known), undefined);
    assert.deepEqual(store.records('pins'), [], 'no pin without its bytes');
    assert.equal(keepPinned({ ...store, write: () => false }, known), undefined);
    assert.ok(keepPinned(store, known), 'the next time it is');
  });
});
