/** A store in memory: an archive that was opened, or a test. */
import { digestOf, digestFrom, formatDigest } from '../../core/artifact/index.ts';
import type { JsonObject } from '../../core/encoding/index.ts';
import type { EvidenceStore, RecordKind, StoredRecord } from './store.ts';

export function createMemoryStore(): EvidenceStore {
  const blobs = new Map<string, Uint8Array>();
  const records = new Map<string, StoredRecord>();
  const name = (kind: RecordKind, key: string): string => `${kind}\n${key}`;
  return {
    bytes: (digest) => blobs.get(digest),
    keep: (digest, bytes) => {
      const parsed = digestFrom(digest);
      if (!parsed || formatDigest(digestOf(bytes, parsed.algorithm)) !== digest) return false;
      blobs.set(digest, bytes);
      return true;
    },
    record: (kind, key) => records.get(name(kind, key))?.body,
    write: (kind, key, body: JsonObject) => {
      records.set(name(kind, key), { kind, key, body });
      return true;
    },
    remove: (kind, key) => void records.delete(name(kind, key)),
    records: (kind) => [...records.values()].filter((record) => record.kind === kind).sort((a, b) => (a.key < b.key ? -1 : 1)),
  };
}
