/**
 * Keeps a store within its bound: what was let in longest ago goes first, what is pinned stays. A digest goes with its
 * answers, and then the bytes that nothing names any more.
 */
import type { JsonObject, JsonValue } from '../../core/encoding/index.ts';
import type { FolderStore } from './folder-store.ts';
import type { EvidenceStore, StoredRecord } from './store.ts';

/** Bytes that were written just now may belong to a record that another process writes next. */
const YOUNG_MILLISECONDS = 10 * 60_000;

export interface Pruned {
  readonly digests: number;
  readonly blobs: number;
  /** Bytes that are held now. */
  readonly bytes: number;
}

export function prune(store: FolderStore, { maxBytes, now }: { readonly maxBytes: number; readonly now: number }): Pruned {
  const files = store.blobFiles();
  const sizes = new Map(files.map((file) => [store.digestOfFile(file) ?? '', file.size]));
  const pinned = new Set(store.records('pins').map(({ key }) => key));
  const admitted = new Map(store.records('admitted').map(({ key, body }) => [key, Number(body.at) || 0]));
  const answers = [...store.records('answers')].sort((a, b) => lastUse(a, admitted) - lastUse(b, admitted));
  const keptBy = new Map<string, number>();
  for (const record of answers) for (const digest of digestsOf(store, record.body)) keptBy.set(digest, (keptBy.get(digest) ?? 0) + 1);
  let bytes = files.reduce((sum, { size }) => sum + size, 0);
  const unnamed = (digest: string): boolean => (keptBy.get(digest) ?? 0) === 0;
  let gone = 0;
  let digests = 0;
  const drop = (digest: string): void => {
    const file = files.find((one) => store.digestOfFile(one) === digest);
    if (!file || !sizes.has(digest) || now - file.changedAt < YOUNG_MILLISECONDS) return;
    store.removeFile(file.path);
    sizes.delete(digest);
    bytes -= file.size;
    gone++;
  };
  for (const digest of sizes.keys()) if (unnamed(digest)) drop(digest);
  for (const record of answers) {
    if (bytes <= maxBytes) break;
    const digest = subjectOf(record);
    if (pinned.has(digest)) continue;
    store.remove('answers', record.key);
    store.remove('admitted', digest);
    digests++;
    for (const named of digestsOf(store, record.body)) {
      keptBy.set(named, (keptBy.get(named) ?? 1) - 1);
      if (unnamed(named)) drop(named);
    }
  }
  return { digests, blobs: gone, bytes };
}

/** `registry/repository@sha256:hex` */
export function subjectOf({ key }: Pick<StoredRecord, 'key'>): string {
  return key.slice(key.lastIndexOf('@') + 1);
}

function lastUse(record: StoredRecord, admitted: ReadonlyMap<string, number>): number {
  return admitted.get(subjectOf(record)) ?? (Number(record.body.askedAt) || 0);
}

/** Every digest that a record names, and every one that a manifest among them names. */
export function digestsOf(store: EvidenceStore, body: JsonObject): string[] {
  const found = new Set<string>();
  const visit = (value: JsonValue, depth: number): void => {
    if (typeof value === 'string') {
      if (!/^sha(?:256|384|512):[0-9a-f]+$/.test(value) || found.has(value)) return;
      found.add(value);
      const bytes = depth > 0 ? store.bytes(value) : undefined;
      const json = bytes && bytes.length <= 4 * 2 ** 20 && bytes[0] === 0x7b ? parsed(bytes) : undefined;
      if (json !== undefined) visit(json, depth - 1);
    } else if (Array.isArray(value)) for (const item of value) visit(item, depth);
    else if (value !== null && typeof value === 'object') for (const item of Object.values(value)) visit(item, depth);
  };
  visit(body, 2);
  return [...found];
}

function parsed(bytes: Uint8Array): JsonValue | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as JsonValue;
  } catch {
    return undefined;
  }
}
