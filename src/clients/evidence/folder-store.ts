/**
 * The store as a folder: `blobs/sha256/ab/abcdef…` and `records/KIND/HASH.json`. Several processes may use one folder:
 * every file has the name of its content or is replaced whole. Media that cannot be written are read.
 */
import { closeSync, constants, type Dirent, fstatSync, lstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { digestFrom, digestOf, formatDigest, parseDigest } from '../../core/artifact/index.ts';
import { fingerprintOf } from '../../core/crypto/index.ts';
import { type JsonObject, LIMITS, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { createDurably, DISK, type FileSteps, writeDurably } from '../files/index.ts';
import { FOREIGN_SEAL, KEY_BYTES, newSealKey, openRecord, sealRecord } from './seal.ts';
import { type EvidenceStore, RECORD_KINDS, type RecordKind, type StoredRecord, type StoreProblem } from './store.ts';

export interface FolderOptions {
  /** Told of each file that is not what it claims to be, and once of a folder that cannot be written. */
  readonly onProblem?: (problem: StoreProblem) => void;
  /** For tests: the steps of a write. */
  readonly steps?: FileSteps;
}

const KEY_FILE = 'seal.key';

/** What a folder that is full, read-only or of somebody else answers to a write. */
const NOT_WRITABLE = new Set(['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT', 'EIO', 'EXDEV', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'ELOOP', 'EMFILE', 'ENFILE']);

export interface FolderFile {
  readonly path: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly changedAt: number;
}

export class FolderStore implements EvidenceStore {
  readonly folder: string;
  readonly #steps: FileSteps;
  readonly #tell: (problem: StoreProblem) => void;
  readonly #secret: Uint8Array | undefined;
  #toldOfWriting = false;

  /** Throws ERR_EVIDENCE_STORE when the folder cannot be read, or its key is not one. */
  constructor(folder: string, { onProblem, steps = DISK }: FolderOptions = {}) {
    this.folder = folder;
    this.#steps = steps;
    const told = new Set<string>();
    this.#tell = (problem) => {
      // What is broken stays, and is met again and again.
      if (told.has(problem.path + problem.why)) return;
      if (told.size < 10_000) told.add(problem.path + problem.why);
      onProblem?.(problem);
    };
    this.#secret = this.#openKey();
  }

  bytes = (digest: string): Uint8Array | undefined => {
    const path = this.#blobPath(digest);
    const bytes = path && this.#read(path, LIMITS.attestationBytes);
    if (!path || !bytes) return undefined;
    const { algorithm } = parseDigest(digest);
    if (formatDigest(digestOf(bytes, algorithm)) === digest) return bytes;
    this.#tell({ path, why: 'its bytes do not have the digest that it is named by' });
    return undefined;
  };

  keep = (digest: string, bytes: Uint8Array): boolean => {
    const path = this.#blobPath(digest);
    if (!path || bytes.length > LIMITS.attestationBytes || formatDigest(digestOf(bytes, parseDigest(digest).algorithm)) !== digest) return false;
    // What stands there may have been changed, and then it is replaced.
    const held = this.#read(path, LIMITS.attestationBytes);
    return (held !== undefined && Buffer.compare(held, bytes) === 0) || this.#write(path, bytes);
  };

  record = (kind: RecordKind, key: string): JsonObject | undefined => {
    const path = this.#recordPath(kind, key);
    const secret = this.#secret;
    const bytes = secret && this.#read(path, LIMITS.evidenceRecordBytes);
    if (!bytes) return undefined;
    const opened = openRecord(secret, bytes, kind, key);
    if (typeof opened !== 'string') return opened.body;
    this.#tell({ path, why: opened });
    return undefined;
  };

  write = (kind: RecordKind, key: string, body: JsonObject): boolean => {
    if (!this.#secret) return false;
    const bytes = utf8(sealRecord(this.#secret, kind, key, body));
    return bytes.length <= LIMITS.evidenceRecordBytes && this.#write(this.#recordPath(kind, key), bytes);
  };

  remove = (kind: RecordKind, key: string): void => {
    this.removeFile(this.#recordPath(kind, key));
  };

  records = (kind: RecordKind): readonly StoredRecord[] => {
    const found: StoredRecord[] = [];
    for (const path of this.#names(join('records', kind))) {
      const opened = this.#open(path, kind);
      if (typeof opened === 'string') this.#tell({ path, why: opened });
      else if (opened) found.push({ kind, ...opened });
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  };

  #open(path: string, kind: RecordKind): { readonly key: string; readonly body: JsonObject } | string | undefined {
    const bytes = this.#secret && this.#read(path, LIMITS.evidenceRecordBytes);
    if (!this.#secret || !bytes) return undefined;
    const opened = openRecord(this.#secret, bytes, kind);
    // A record under the name of another would be found by nobody, or twice.
    return typeof opened === 'string' || this.#recordPath(kind, opened.key) === path ? opened : 'it is the record of something else';
  }

  /** Looks at every file, and names each that is not what it claims to be. Nothing is removed: it may be evidence of who did it. */
  check(): { readonly blobs: number; readonly records: number; readonly bytes: number; readonly problems: readonly StoreProblem[] } {
    const problems: StoreProblem[] = [];
    const look = new FolderStore(this.folder, { onProblem: (problem) => problems.push(problem), steps: this.#steps });
    let bytes = 0;
    let blobs = 0;
    for (const { path, size } of look.blobFiles()) {
      const digest = look.#digestOfPath(path);
      if (digest === undefined) problems.push({ path, why: 'it has the name of no digest' });
      else if (look.bytes(digest)) {
        blobs++;
        bytes += size;
      }
    }
    const records = RECORD_KINDS.reduce((sum, kind) => sum + look.records(kind).length, 0);
    const known = new Set([KEY_FILE, 'blobs', 'records']);
    for (const { name } of look.#entries(''))
      if (!known.has(name) && !name.startsWith('.')) problems.push({ path: name, why: 'nothing of this store has that name' });
    if (records === 0 && problems.filter(({ why }) => why === FOREIGN_SEAL).length > 1)
      problems.push({ path: KEY_FILE, why: 'no record has a seal of this key: it may have been replaced, or the records come from elsewhere' });
    return { blobs, records, bytes, problems };
  }

  /** Removes files that `check` named; folders, the key and what is foreign to the store stay. */
  removeBroken(problems: readonly StoreProblem[]): number {
    const broken = new Set(problems.map(({ path }) => path).filter((path) => /^(?:blobs|records)\//.test(path)));
    for (const path of broken) this.removeFile(path);
    return broken.size;
  }

  recordFiles(): FolderFile[] {
    return RECORD_KINDS.flatMap((kind) => this.#names(join('records', kind))).flatMap((path) => this.#file(path));
  }

  /** What a process that died while it wrote has left behind. */
  leftovers(): FolderFile[] {
    const folders = ['', 'blobs', ...RECORD_KINDS.map((kind) => join('records', kind))];
    for (const algorithm of this.#entries('blobs'))
      for (const part of this.#entries(join('blobs', algorithm.name))) folders.push(join('blobs', algorithm.name, part.name));
    return folders.flatMap((folder) =>
      this.#entries(folder)
        .filter(({ name }) => name.startsWith('.') && name.endsWith('.tmp'))
        .flatMap(({ name }) => this.#file(join(folder, name))),
    );
  }

  fileOfRecord(kind: RecordKind, key: string): string {
    return this.#recordPath(kind, key);
  }

  #file(path: string): FolderFile[] {
    const stats = this.#stat(path);
    return stats ? [{ path, size: Number(stats.size), changedAt: Number(stats.mtimeMs) }] : [];
  }

  blobFiles(): FolderFile[] {
    const files: FolderFile[] = [];
    for (const algorithm of this.#entries('blobs')) {
      for (const part of this.#entries(join('blobs', algorithm.name))) {
        for (const path of this.#names(join('blobs', algorithm.name, part.name))) files.push(...this.#file(path));
      }
    }
    return files;
  }

  digestOfFile({ path }: FolderFile): string | undefined {
    return this.#digestOfPath(path);
  }

  removeFile(path: string): void {
    if (this.#foreignPart(path) !== undefined) return;
    try {
      this.#steps.unlink(join(this.folder, path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#cannotWrite(error);
    }
  }

  #digestOfPath(path: string): string | undefined {
    const [, algorithm = '', , hex = ''] = path.split('/');
    return digestFrom(`${algorithm}:${hex}`) ? `${algorithm}:${hex}` : undefined;
  }

  #blobPath(digest: string): string | undefined {
    const parsed = digestFrom(digest);
    return parsed && join('blobs', parsed.algorithm, parsed.hex.slice(0, 2), parsed.hex);
  }

  #recordPath(kind: RecordKind, key: string): string {
    return join('records', kind, `${fingerprintOf(utf8(`${kind}\n${key}`))}.json`);
  }

  /** Made on first use; of a folder that cannot be written there is none, and then no record is believed. */
  #openKey(): Uint8Array | undefined {
    const held = this.#read(KEY_FILE, KEY_BYTES);
    if (held?.length === KEY_BYTES) return held;
    if (held) throw new SealwardError('ERR_EVIDENCE_STORE', `${join(this.folder, KEY_FILE)} is no key: it has ${held.length} bytes and not ${KEY_BYTES}`);
    if (this.#stat(KEY_FILE)) throw new SealwardError('ERR_EVIDENCE_STORE', `${join(this.folder, KEY_FILE)} cannot be read`);
    try {
      // Of several processes that begin at once, the key of one is the key of all.
      createDurably(join(this.folder, KEY_FILE), newSealKey(), { steps: this.#steps });
    } catch (error) {
      this.#cannotWrite(error);
    }
    const made = this.#read(KEY_FILE, KEY_BYTES);
    if (made && made.length !== KEY_BYTES) throw new SealwardError('ERR_EVIDENCE_STORE', `${join(this.folder, KEY_FILE)} is not whole yet`);
    return made;
  }

  #read(path: string, most: number): Uint8Array | undefined {
    const stats = this.#stat(path);
    if (!stats) return undefined;
    const why = stats.isFile() ? this.#foreignPart(path) : 'it is no file';
    if (why !== undefined) {
      // A link, a pipe or a folder in the place of a file was put there by somebody else.
      this.#tell({ path, why });
      return undefined;
    }
    let file: number | undefined;
    try {
      file = openSync(join(this.folder, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const opened = fstatSync(file);
      if (opened.isFile() && opened.size <= most) return readFileSync(file);
      this.#tell({ path, why: opened.isFile() ? `it is larger than ${most} bytes` : 'it is no file' });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Another process may have removed it just now.
      if (code !== 'ENOENT') this.#tell({ path, why: `it cannot be read: ${code ?? String(error)}` });
    } finally {
      if (file !== undefined) closeSync(file);
    }
    return undefined;
  }

  /** Folders inside the store are folders: a link would lead out of it. */
  #foreignPart(path: string): string | undefined {
    for (let part = dirname(path); part !== '.'; part = dirname(part)) {
      const stats = this.#stat(part);
      if (stats && !stats.isDirectory()) return `${part} is no folder`;
    }
    return undefined;
  }

  #write(path: string, bytes: Uint8Array): boolean {
    const why = this.#foreignPart(path);
    if (why !== undefined) {
      this.#tell({ path, why });
      return false;
    }
    try {
      writeDurably(join(this.folder, path), bytes, { steps: this.#steps });
      return true;
    } catch (error) {
      this.#cannotWrite(error);
      return false;
    }
  }

  #cannotWrite(error: unknown): void {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!NOT_WRITABLE.has(code))
      throw new SealwardError('ERR_EVIDENCE_STORE', `the evidence store ${this.folder} cannot be written: ${String(error)}`, { cause: error });
    if (!this.#toldOfWriting) this.#tell({ path: '.', why: `it cannot be written (${code}); what is held is still read` });
    this.#toldOfWriting = true;
  }

  #stat(path: string): ReturnType<typeof lstatSync> {
    try {
      return lstatSync(join(this.folder, path));
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw new SealwardError('ERR_EVIDENCE_STORE', `the evidence store ${this.folder} cannot be read: ${String(error)}`, { cause: error });
    }
  }

  /** Files of a folder; those that a crash left half-written have names that no record and no blob has. */
  #names(folder: string): string[] {
    return this.#entries(folder)
      .filter((entry) => !entry.name.startsWith('.'))
      .map(({ name }) => join(folder, name));
  }

  #entries(folder: string): Dirent[] {
    const stats = folder === '' ? undefined : this.#stat(folder);
    if (stats && !stats.isDirectory()) {
      this.#tell({ path: folder, why: 'it is no folder' });
      return [];
    }
    try {
      return readdirSync(join(this.folder, folder), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
      throw new SealwardError('ERR_EVIDENCE_STORE', `the evidence store ${this.folder} cannot be read: ${String(error)}`, { cause: error });
    }
  }
}
