/**
 * One file for another site: the bytes, and how asking each place ended, as this installation saw it. Verdicts do not
 * travel, they are made again there; and whoever takes an archive in believes its places, as he believes who carried it.
 */
import { canonicalJson, type JsonObject, LIMITS, parseJsonObject, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { EvidenceStore, RecordKind, StoreProblem } from './store.ts';
import { readTar, type TarFile, writeTar } from './tar.ts';

const INDEX = 'sealward-evidence.json';
const VERSION = 1;
const CARRIED: readonly RecordKind[] = ['answers', 'tags'];

/** Everything that `wanted` names, or all of it. Digests of bytes that are not held are left out. */
export function writeArchive(
  store: EvidenceStore,
  wanted: { readonly digests: readonly string[]; readonly records: readonly { readonly kind: RecordKind; readonly key: string }[] },
): Uint8Array {
  const records = wanted.records
    .filter(({ kind }) => CARRIED.includes(kind))
    .flatMap(({ kind, key }) => {
      const body = store.record(kind, key);
      return body ? [{ kind, key, body }] : [];
    });
  const blobs = [...new Set(wanted.digests)].sort().flatMap((digest): TarFile[] => {
    const bytes = store.bytes(digest);
    return bytes ? [{ path: `blobs/${digest.replace(':', '/')}`, bytes }] : [];
  });
  const index = canonicalJson({ version: VERSION, records: records.map(({ kind, key, body }) => ({ kind, key, body })) });
  return writeTar([{ path: INDEX, bytes: utf8(`${index}\n`) }, ...blobs]);
}

export interface ArchiveContent {
  readonly records: readonly { readonly kind: RecordKind; readonly key: string; readonly body: JsonObject }[];
  readonly blobs: readonly { readonly digest: string; readonly bytes: Uint8Array }[];
  /** What of it is broken. */
  readonly problems: readonly StoreProblem[];
}

/** Reads an archive without keeping anything. Throws ERR_EVIDENCE_ARCHIVE or ERR_TOO_LARGE for what is none at all. */
export function readArchive(archive: Uint8Array): ArchiveContent {
  const problems: StoreProblem[] = [];
  const blobs: { digest: string; bytes: Uint8Array }[] = [];
  let index: ArchiveContent['records'] | undefined;
  for (const entry of readTar(archive)) {
    if (!entry.ok) {
      problems.push({ path: entry.path, why: entry.why });
      continue;
    }
    const { path, bytes } = entry.file;
    const [, algorithm, hex] = /^blobs\/(sha256|sha384|sha512)\/([0-9a-f]+)$/.exec(path) ?? [];
    if (path === INDEX && index) problems.push({ path, why: 'it stands there twice' });
    else if (path === INDEX) index = readIndex(bytes, problems);
    else if (algorithm === undefined || hex === undefined) problems.push({ path, why: 'nothing of an archive of evidence has that name' });
    else blobs.push({ digest: `${algorithm}:${hex}`, bytes });
  }
  if (!index) throw new SealwardError('ERR_EVIDENCE_ARCHIVE', 'it is no archive of evidence: it has no index');
  return { records: index, blobs, problems };
}

function readIndex(bytes: Uint8Array, problems: StoreProblem[]): ArchiveContent['records'] {
  let object: JsonObject;
  try {
    object = parseJsonObject(bytes, { what: 'the index of the archive', maxBytes: LIMITS.evidenceIndexBytes, maxDepth: 2 * LIMITS.jsonDepth });
  } catch (error) {
    if (!(error instanceof SealwardError)) throw error;
    throw new SealwardError('ERR_EVIDENCE_ARCHIVE', error.message, { cause: error });
  }
  const { version, records } = object;
  if (version !== VERSION || !Array.isArray(records)) throw new SealwardError('ERR_EVIDENCE_ARCHIVE', 'the archive is of another version');
  return records.flatMap((record, i) => {
    if (record !== null && typeof record === 'object' && !Array.isArray(record)) {
      const { kind, key, body } = record;
      const known = CARRIED.find((one) => one === kind);
      if (known && typeof key === 'string' && body !== null && typeof body === 'object' && !Array.isArray(body)) return [{ kind: known, key, body }];
    }
    problems.push({ path: `${INDEX}, record ${i}`, why: 'it is no record of an archive' });
    return [];
  });
}

/** Takes what is sound into a store; gives what is not, with why. */
export function keepArchive(
  store: EvidenceStore,
  { records, blobs, problems }: ArchiveContent,
): { readonly kept: { readonly records: number; readonly blobs: number }; readonly problems: readonly StoreProblem[] } {
  const more: StoreProblem[] = [];
  let kept = 0;
  for (const { digest, bytes } of blobs) {
    if (store.keep(digest, bytes)) kept++;
    else more.push({ path: digest, why: 'its bytes do not have that digest, or could not be kept' });
  }
  const written = records.filter(({ kind, key, body }) => store.write(kind, key, body)).length;
  if (written < records.length) more.push({ path: 'records', why: 'some could not be written' });
  return { kept: { records: written, blobs: kept }, problems: [...problems, ...more] };
}
