/**
 * Keeps a store within its bound: what was let in longest ago goes first, what is pinned or runs stays. A digest goes
 * with its answers, its tags and its verdicts, and then the bytes that nothing names any more.
 */
import { digestFrom, formatDigest, parseManifest } from '../../core/artifact/index.ts';
import type { JsonValue } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { FolderStore } from './folder-store.ts';
import { pinned } from './pin-evidence.ts';
import type { EvidenceStore, RecordKind, StoredRecord } from './store.ts';

/** Bytes that were written just now may belong to a record that another process writes next. */
const YOUNG_MILLISECONDS = 10 * 60_000;

export interface Pruned {
  readonly digests: number;
  readonly blobs: number;
  /** Bytes that are held now, records and all. */
  readonly bytes: number;
}

export interface PruneOptions {
  readonly maxBytes: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Digests that stay besides those that are pinned: what runs. */
  readonly running?: Iterable<string>;
}

/** What goes together: everything that is held about one artifact. */
interface Unit {
  readonly subject: string;
  readonly records: StoredRecord[];
  usedAt: number;
  names: ReadonlySet<string>;
}

export function prune(store: FolderStore, { maxBytes, now, running = [] }: PruneOptions): Pruned {
  const blobs = new Map(store.blobFiles().map((file) => [store.digestOfFile(file) ?? file.path, file]));
  const records = new Map(store.recordFiles().map((file) => [file.path, file]));
  let bytes = [...blobs.values(), ...records.values()].reduce((sum, { size }) => sum + size, 0);
  for (const file of store.leftovers()) if (now - file.changedAt >= YOUNG_MILLISECONDS) store.removeFile(file.path);

  const units = unitsOf(store);
  const edges = Map.groupBy(store.records('edges'), ({ key }) => /sha(?:256|384|512):[0-9a-f]+/.exec(key)?.[0] ?? '');
  const namedBy = new Map<string, number>();
  for (const { names } of units) for (const digest of names) namedBy.set(digest, (namedBy.get(digest) ?? 0) + 1);
  const pins = pinned(store, now);
  const stay = new Set([...pins.digests, ...running]);
  // An index takes its images along.
  for (const unit of units) if (stay.has(unit.subject)) for (const digest of unit.names) stay.add(digest);

  const dropRecord = (kind: RecordKind, key: string): void => {
    const file = records.get(store.fileOfRecord(kind, key));
    if (!file) return;
    store.remove(kind, key);
    records.delete(file.path);
    bytes -= file.size;
  };
  for (const key of pins.over) dropRecord('pins', key);
  let gone = 0;
  const drop = (digest: string): void => {
    for (const { key } of edges.get(digest) ?? []) dropRecord('edges', key);
    const file = blobs.get(digest);
    if (!file || now - file.changedAt < YOUNG_MILLISECONDS) return;
    store.removeFile(file.path);
    blobs.delete(digest);
    bytes -= file.size;
    gone++;
  };
  const isNamed = (digest: string): boolean => stay.has(digest) || (namedBy.get(digest) ?? 0) > 0;
  for (const digest of new Set([...blobs.keys(), ...edges.keys()])) if (!isNamed(digest)) drop(digest);

  let digests = 0;
  for (const { subject, records: own, names } of units.sort((a, b) => a.usedAt - b.usedAt)) {
    if (bytes <= maxBytes) break;
    if (stay.has(subject)) continue;
    for (const { kind, key } of own) dropRecord(kind, key);
    dropRecord('admitted', subject);
    digests++;
    for (const digest of names) {
      namedBy.set(digest, (namedBy.get(digest) ?? 1) - 1);
      if (!isNamed(digest)) drop(digest);
    }
  }
  return { digests, blobs: gone, bytes };
}

/** What is held about an artifact, whichever way it came to be known. */
const UNIT_KINDS = ['answers', 'tags', 'indexes', 'withheld'] as const;

function unitsOf(store: FolderStore): Unit[] {
  const admitted = new Map(store.records('admitted').map(({ key, body }) => [key, Number(body.at) || 0]));
  const units = new Map<string, Unit>();
  for (const record of UNIT_KINDS.flatMap((kind) => store.records(kind))) {
    const of = record.kind !== 'tags' ? subjectOf(record) : typeof record.body.digest === 'string' ? record.body.digest : record.key;
    const unit = units.get(of) ?? { subject: of, records: [], usedAt: admitted.get(of) ?? 0, names: new Set() };
    units.set(of, unit);
    unit.records.push(record);
    if (!admitted.has(of)) unit.usedAt = Math.max(unit.usedAt, Number(record.body.askedAt) || 0);
  }
  for (const unit of units.values()) unit.names = namesOf(store, [unit.subject, ...unit.records.map(({ body }) => body)]);
  return [...units.values()];
}

/** The digest in `registry/repository@sha256:hex`. */
function subjectOf({ key }: Pick<StoredRecord, 'key'>): string {
  return key.slice(key.lastIndexOf('@') + 1);
}

/** Every digest in the values, and what the manifests among them list: two steps reach from an index to the layers of its images. */
export function namesOf(store: EvidenceStore, values: readonly JsonValue[]): Set<string> {
  const found = new Set<string>();
  const digestsIn = (value: JsonValue): string[] => {
    if (typeof value === 'string') return digestFrom(value) ? [value] : [];
    return value !== null && typeof value === 'object' ? Object.values(value).flatMap(digestsIn) : [];
  };
  let next = values.flatMap(digestsIn);
  for (let step = 0; step < 4 && next.length > 0; step++) {
    const fresh = [...new Set(next)].filter((digest) => !found.has(digest));
    for (const digest of fresh) found.add(digest);
    next = fresh.flatMap((digest) => listedIn(store.bytes(digest)));
  }
  return found;
}

/** What others wrote is followed only where it is a manifest, within the bounds of one. */
function listedIn(bytes: Uint8Array | undefined): string[] {
  if (bytes?.[0] !== 0x7b) return [];
  try {
    const manifest = parseManifest(bytes);
    const listed = manifest.kind === 'index' ? manifest.manifests : [manifest.config, ...manifest.layers];
    return listed.map(({ digest }) => formatDigest(digest));
  } catch (error) {
    if (error instanceof SealwardError) return [];
    throw error;
  }
}
