import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { digestOf, formatDigest } from '../../core/artifact/index.ts';
import { utf8 } from '../../core/encoding/index.ts';
import { createMemoryStore, type EvidenceStore, FolderStore, pinEvidence, prune } from './index.ts';

const HOUR = 3_600_000;
const known = utf8('{"what":"was known"}');
const signature = utf8('a signature');
const named = formatDigest(digestOf(signature));

describe('evidence that a decision was made from', () => {
  it('stays with its documents until its record is over, and goes then', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sealward-pins-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const store = new FolderStore(folder);
    store.keep(named, signature);
    const later = Date.now() + HOUR;
    const digest = pinEvidence(store, { bytes: known, documents: [named], until: later + HOUR });
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
    const pin = (until?: number): string => pinEvidence(store, { bytes: known, documents: [named], ...(until === undefined ? {} : { until }) }) as string;
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
    assert.equal(pinEvidence({ ...store, keep: () => false }, { bytes: known, documents: [] }), undefined);
    assert.deepEqual(store.records('pins'), [], 'no pin without its bytes');
    assert.equal(pinEvidence({ ...store, write: () => false }, { bytes: known, documents: [] }), undefined);
    assert.ok(pinEvidence(store, { bytes: known, documents: [] }), 'the next time it is');
  });
});
