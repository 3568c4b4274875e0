/**
 * The store as one gathering sees it: what it read is not read again, and what it writes is written when the answer has been
 * given, file by file, so that nobody waits for a disk. What is lost before then is gathered again.
 */
import type { EvidenceStore, RecordKind } from '../../clients/evidence/index.ts';
import type { JsonObject } from '../../core/encoding/index.ts';

export interface BufferedStore extends EvidenceStore {
  /** Writes what was kept, one file in a turn of the event loop. What cannot be written is no error: reading goes on. */
  readonly flush: () => Promise<void>;
}

export function bufferedStore(store: EvidenceStore): BufferedStore {
  const bytes = new Map<string, Uint8Array | undefined>();
  const records = new Map<string, JsonObject | undefined>();
  const newBytes = new Map<string, Uint8Array>();
  const newRecords = new Map<string, { readonly kind: RecordKind; readonly key: string }>();
  const nameOf = (kind: RecordKind, key: string): string => `${kind}\n${key}`;
  return {
    bytes: (digest) => {
      if (!bytes.has(digest)) bytes.set(digest, store.bytes(digest));
      return bytes.get(digest);
    },
    keep: (digest, content) => {
      // Whoever fetched it held it against its digest; the store does so again when it is written.
      if (bytes.get(digest) === undefined) newBytes.set(digest, content);
      bytes.set(digest, content);
      return true;
    },
    record: (kind, key) => {
      const name = nameOf(kind, key);
      if (!records.has(name)) records.set(name, store.record(kind, key));
      return records.get(name);
    },
    write: (kind, key, body) => {
      records.set(nameOf(kind, key), body);
      newRecords.set(nameOf(kind, key), { kind, key });
      return true;
    },
    remove: (kind, key) => {
      records.set(nameOf(kind, key), undefined);
      newRecords.delete(nameOf(kind, key));
      store.remove(kind, key);
    },
    records: (kind) => store.records(kind),
    flush: async () => {
      // Bytes first: a record may name them.
      for (const [digest, content] of newBytes) {
        store.keep(digest, content);
        await turn();
      }
      for (const [name, { kind, key }] of newRecords) {
        const body = records.get(name);
        if (body) store.write(kind, key, body);
        await turn();
      }
      newBytes.clear();
      newRecords.clear();
    },
  };
}

/** Lets everybody else have a turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
