/**
 * One file for another site: the bytes, and how asking each place ended, as this installation saw it. Verdicts do not
 * travel, they are made again there; and whoever takes an archive in believes its places, as he believes who carried it.
 * Its blobs are those of an OCI image layout (image-spec, "OCI Image Layout"), so that other tools read them, too.
 */
import { parseManifest } from '../../core/artifact/index.ts';
import { fingerprintOf } from '../../core/crypto/index.ts';
import { canonicalJson, type JsonObject, type JsonValue, LIMITS, parseJsonObject, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { EvidenceStore, RecordKind, StoreProblem } from './store.ts';
import { readTar, type TarFile, writeTar } from './tar.ts';

const INDEX = 'sealward-evidence.json';
const LAYOUT_FILES = ['oci-layout', 'index.json'];
const VERSION = 1;
const CARRIED: readonly RecordKind[] = ['answers', 'tags'];

/**
 * Everything that `wanted` names, or all of it. Digests of bytes that are not held are left out.
 * @param trust the files of a trust repository by their names, to travel with it; who reads them holds them against a root.
 */
export function writeArchive(
  store: EvidenceStore,
  wanted: { readonly digests: readonly string[]; readonly records: readonly { readonly kind: RecordKind; readonly key: string }[] },
  trust: ReadonlyMap<string, Uint8Array> = new Map(),
): Uint8Array {
  const records = wanted.records
    .filter(({ kind }) => CARRIED.includes(kind))
    .flatMap(({ kind, key }) => {
      const body = store.record(kind, key);
      return body ? [{ kind, key, body }] : [];
    });
  const blobs = [...new Set(wanted.digests)].sort().flatMap((digest): TarFile[] => {
    const bytes = store.bytes(digest);
    return bytes ? [{ path: pathOf(digest), bytes }] : [];
  });
  const named = new Map([...trust].map(([name, bytes]) => [name, { digest: `sha256:${fingerprintOf(bytes)}`, bytes }]));
  const known = new Set(blobs.map(({ path }) => path));
  for (const { digest, bytes } of named.values()) {
    if (!known.has(pathOf(digest))) blobs.push({ path: pathOf(digest), bytes });
    known.add(pathOf(digest));
  }
  const index = canonicalJson({
    version: VERSION,
    records: records.map(({ kind, key, body }) => ({ kind, key, body })),
    ...(named.size === 0 ? {} : { trust: Object.fromEntries([...named].map(([name, { digest }]) => [name, digest])) }),
  });
  const manifests = [...new Set(wanted.digests)].sort().flatMap((digest) => describedIn(digest, store.bytes(digest)));
  return writeTar([
    { path: INDEX, bytes: utf8(`${index}\n`) },
    { path: 'oci-layout', bytes: utf8(canonicalJson({ imageLayoutVersion: '1.0.0' })) },
    { path: 'index.json', bytes: utf8(canonicalJson({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests })) },
    ...blobs,
  ]);
}

/** The hex of SHA-512 is longer than a name of the archive's form, and stands in two parts. */
function pathOf(digest: string): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return `blobs/${algorithm}/${hex.length > 100 ? `${hex.slice(0, 64)}/${hex.slice(64)}` : hex}`;
}

function describedIn(digest: string, bytes: Uint8Array | undefined): JsonObject[] {
  if (bytes?.[0] !== 0x7b) return [];
  try {
    return [{ mediaType: parseManifest(bytes).mediaType, digest, size: bytes.length }];
  } catch (error) {
    if (error instanceof SealwardError) return [];
    throw error;
  }
}

export interface ArchiveContent {
  readonly records: readonly { readonly kind: RecordKind; readonly key: string; readonly body: JsonObject }[];
  readonly blobs: readonly { readonly digest: string; readonly bytes: Uint8Array }[];
  /** The files of a trust repository that travels with it, by their names: `sha256:hex` of their bytes. */
  readonly trust: ReadonlyMap<string, string>;
  /** What of it is broken. */
  readonly problems: readonly StoreProblem[];
}

/** Reads an archive without keeping anything. Throws ERR_EVIDENCE_ARCHIVE or ERR_TOO_LARGE for what is none at all. */
export function readArchive(archive: Uint8Array): ArchiveContent {
  const problems: StoreProblem[] = [];
  const blobs: { digest: string; bytes: Uint8Array }[] = [];
  let index: Pick<ArchiveContent, 'records' | 'trust'> | undefined;
  for (const entry of readTar(archive)) {
    if (!entry.ok) {
      problems.push({ path: entry.path, why: entry.why });
      continue;
    }
    const { path, bytes } = entry.file;
    const [, algorithm, hex] = /^blobs\/(sha256|sha384|sha512)\/([0-9a-f]+(?:\/[0-9a-f]+)?)$/.exec(path) ?? [];
    if (path === INDEX && index) problems.push({ path, why: 'it stands there twice' });
    else if (path === INDEX) index = readIndex(bytes, problems);
    else if (LAYOUT_FILES.includes(path)) continue;
    else if (algorithm === undefined || hex === undefined) problems.push({ path, why: 'nothing of an archive of evidence has that name' });
    else blobs.push({ digest: `${algorithm}:${hex.replace('/', '')}`, bytes });
  }
  if (!index) throw new SealwardError('ERR_EVIDENCE_ARCHIVE', 'it is no archive of evidence: it has no index');
  return { ...index, blobs, problems };
}

function readIndex(bytes: Uint8Array, problems: StoreProblem[]): Pick<ArchiveContent, 'records' | 'trust'> {
  let object: JsonObject;
  try {
    object = parseJsonObject(bytes, { what: 'the index of the archive', maxBytes: LIMITS.evidenceIndexBytes, maxDepth: 2 * LIMITS.jsonDepth });
  } catch (error) {
    if (!(error instanceof SealwardError)) throw error;
    throw new SealwardError('ERR_EVIDENCE_ARCHIVE', error.message, { cause: error });
  }
  const { version, records, trust = {} } = object;
  if (version !== VERSION || !Array.isArray(records)) throw new SealwardError('ERR_EVIDENCE_ARCHIVE', 'the archive is of another version');
  const read = records.flatMap((record, i): ArchiveContent['records'][number][] => {
    if (record !== null && typeof record === 'object' && !Array.isArray(record)) {
      const { kind, key, body } = record;
      const known = CARRIED.find((one) => one === kind);
      if (known && typeof key === 'string' && body !== null && typeof body === 'object' && !Array.isArray(body)) return [{ kind: known, key, body }];
    }
    problems.push({ path: `${INDEX}, record ${i}`, why: 'it is no record of an archive' });
    return [];
  });
  const files = Object.entries(isObject(trust) ? trust : { trust: null }).flatMap(([name, digest]): [string, string][] => {
    if (typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest)) return [[name, digest]];
    problems.push({ path: `${INDEX}, trust ${name.slice(0, 200)}`, why: 'it names no bytes' });
    return [];
  });
  return { records: read, trust: new Map(files) };
}

/**
 * Takes what is sound into a store; gives what is not, with why. What the store knows of later stays, and no answer gets
 * younger than `now`, in milliseconds since 1970.
 */
export function keepArchive(
  store: EvidenceStore,
  { records, blobs, problems }: Omit<ArchiveContent, 'trust'>,
  now: number,
): { readonly kept: { readonly records: number; readonly blobs: number }; readonly problems: readonly StoreProblem[] } {
  const more: StoreProblem[] = [];
  let kept = 0;
  for (const { digest, bytes } of blobs) {
    if (store.keep(digest, bytes)) kept++;
    else more.push({ path: digest, why: 'its bytes do not have that digest, or could not be kept' });
  }
  let written = 0;
  for (const { kind, key, body } of records) {
    const held = store.record(kind, key);
    const merged = kind === 'answers' ? mergedAnswers(held ?? {}, body, now) : younger(held, body, now);
    if (merged === undefined) more.push({ path: `${kind} ${key}`, why: 'it does not say when it was asked' });
    else if (merged === held || store.write(kind, key, merged)) written++;
    else more.push({ path: `${kind} ${key}`, why: 'it could not be written' });
  }
  return { kept: { records: written, blobs: kept }, problems: [...problems, ...more] };
}

/** Place by place, because each was asked at a time of its own. */
function mergedAnswers(held: JsonObject, given: JsonObject, now: number): JsonObject | undefined {
  const merged: JsonObject = { ...held };
  let last = timeOf(held, now) ?? 0;
  for (const [name, place] of Object.entries(given)) {
    if (!isObject(place)) continue;
    const own = held[name];
    const chosen = younger(isObject(own) ? own : undefined, place, now);
    if (chosen === undefined) return undefined;
    merged[name] = chosen;
    last = Math.max(last, timeOf(chosen, now) ?? 0);
  }
  return { ...merged, askedAt: last };
}

function younger(held: JsonObject | undefined, given: JsonObject, now: number): JsonObject | undefined {
  const askedAt = timeOf(given, now);
  if (askedAt === undefined) return undefined;
  const known = held && timeOf(held, now);
  return held && known !== undefined && known >= askedAt ? held : { ...given, askedAt, imported: true };
}

function timeOf({ askedAt }: JsonObject, now: number): number | undefined {
  return typeof askedAt === 'number' && askedAt >= 0 ? Math.min(askedAt, now) : undefined;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
