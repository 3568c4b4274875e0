/**
 * What is known about a digest besides what its places list now: documents that they listed before, and indexes that list
 * it. Both are records of what this installation saw; the documents and the indexes themselves prove themselves by their bytes.
 */
import type { EvidenceStore } from '../../clients/evidence/index.ts';
import { type Digest, digestFrom, formatDigest, type Index } from '../../core/artifact/index.ts';
import { DOCUMENT_KINDS, type DocumentSource } from '../../core/bundle/index.ts';
import { type JsonObject, type JsonValue, LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { documentKey, type Evidence, type EvidenceDocument, indexThatLists, type Place, type PlaceName, type ProvenIndex } from '../../core/verify/index.ts';
import type { DocumentReader } from './prover.ts';

/** @param key as `heldKey` gives it. */
export async function withheldDocuments(store: EvidenceStore, key: string, reader: DocumentReader): Promise<readonly EvidenceDocument[]> {
  const { documents } = store.record('withheld', key) ?? {};
  return Array.isArray(documents) ? (await Promise.all(documents.map((one) => readWithheld(store, one, reader)))).flat() : [];
}

const PLACES: readonly PlaceName[] = ['referrers-api', 'fallback-tag', 'sig-tag', 'att-tag'];

async function readWithheld(store: EvidenceStore, value: JsonValue, reader: DocumentReader): Promise<EvidenceDocument[]> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [];
  const place = PLACES.find((name) => name === value.place);
  const kind = DOCUMENT_KINDS.find((name) => name === value.kind);
  const bytes = typeof value.digest === 'string' ? store.bytes(value.digest) : undefined;
  const { annotations } = value;
  if (!place || !kind || !bytes || annotations === null || typeof annotations !== 'object' || Array.isArray(annotations)) return [];
  const source: DocumentSource = {
    kind,
    annotations: Object.fromEntries(Object.entries(annotations).filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
  };
  return [await reader(place, source, bytes)];
}

/**
 * Notes what is not listed any more, so that a registry which leaves something out takes nothing from what is held. Of
 * documents that nobody trusted signed there may be any number, and they are left to the registry.
 */
export function noteWithheld(store: EvidenceStore, key: string, documents: readonly EvidenceDocument[], now: number): void {
  const known = store.record('withheld', key);
  const noted = documents
    .filter(({ source }) => source)
    .slice(0, LIMITS.signaturesFetched)
    .map(({ digest, place, source }): JsonObject => ({ digest, place, kind: source?.kind ?? '', annotations: { ...source?.annotations } }));
  if (noted.length === 0 && !known) return;
  if (noted.length === 0) store.remove('withheld', key);
  else store.write('withheld', key, { askedAt: Math.floor(now), documents: noted });
}

/** A digest is listed by few indexes; those that were seen last are looked at. */
const MOST_INDEXES = 8;
/** An index has few images; of one with more the first are known. */
const MOST_CHILDREN = 64;

/** @param keyOf the name under which a digest of the index's repository is held. */
export function noteIndex(store: EvidenceStore, digest: Digest, { manifests }: Index, keyOf: (digest: Digest) => string, now: number): void {
  const name = formatDigest(digest);
  for (const child of manifests.slice(0, MOST_CHILDREN)) {
    const key = keyOf(child.digest);
    const before = listed(store.record('indexes', key));
    if (before.includes(name)) continue;
    store.write('indexes', key, { askedAt: Math.floor(now), indexes: [name, ...before].slice(0, MOST_INDEXES) });
  }
}

export interface Covering {
  readonly digest: Digest;
  readonly proven: ProvenIndex;
}

/** The indexes that list a digest, each by its own bytes. */
export function coveringIndexes(store: EvidenceStore, digest: Digest, key: string): Covering[] {
  return listed(store.record('indexes', key)).flatMap((name) => {
    const index = digestFrom(name);
    const bytes = index && store.bytes(name);
    if (!index || !bytes) return [];
    try {
      const proven = indexThatLists(bytes, formatDigest(digest));
      return proven ? [{ digest: index, proven }] : [];
    } catch (error) {
      if (error instanceof SealwardError && error.family === 'InputError') return [];
      throw error;
    }
  });
}

function listed(record: JsonObject | undefined): string[] {
  const indexes = record?.indexes;
  return Array.isArray(indexes) ? indexes.filter((one): one is string => typeof one === 'string') : [];
}

/** What is signed of an index covers its images, so that nothing is missing before the places of the index have answered, too. */
export function coveredBy(own: Evidence, covering: readonly { readonly proven: ProvenIndex; readonly evidence: Evidence }[]): Evidence {
  if (covering.length === 0) return own;
  const documents = new Map([own, ...covering.map(({ evidence }) => evidence)].flatMap((one) => one.documents).map((one) => [documentKey(one), one]));
  const places = own.places.map((place) =>
    covering.reduce(
      (so, { evidence }) =>
        both(
          so,
          evidence.places.find(({ name }) => name === place.name),
        ),
      place,
    ),
  );
  return { subject: { ...own.subject, indexes: covering.map(({ proven }) => proven) }, places, documents: [...documents.values()] };
}

const KNOWN_LEAST: readonly Place['state'][] = ['unavailable', 'not-asked', 'complete', 'absent'];

/** The one of which less is known. */
function both(a: Place, b: Place | undefined): Place {
  if (!b) return a;
  const worse = KNOWN_LEAST.indexOf(a.state) <= KNOWN_LEAST.indexOf(b.state) ? a : b;
  const left = Math.max(a.left ?? 0, b.left ?? 0);
  const askedAt = a.askedAt === undefined || b.askedAt === undefined ? (worse === a ? a.askedAt : b.askedAt) : Math.min(a.askedAt, b.askedAt);
  return { ...worse, ...(left > 0 ? { left } : {}), ...(askedAt === undefined ? {} : { askedAt }) };
}
