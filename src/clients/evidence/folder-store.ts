/**
 * The store as a folder: `blobs/sha256/ab/abcdef…` and `records/KIND/HASH.json`. Several processes may use one folder:
 * every file has the name of its content or is replaced whole. Media that cannot be written are read.
 */
import { existsSync, type Dirent, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestFrom, digestOf, formatDigest, parseDigest } from '../../core/artifact/index.ts';
import { fingerprintOf } from '../../core/crypto/index.ts';
import { type JsonObject, LIMITS, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { FILE_STEPS, type FileSteps, writeDurably } from './durable-file.ts';
import { KEY_BYTES, newSealKey, openRecord, sealRecord } from './seal.ts';
import { type EvidenceStore, RECORD_KINDS, type RecordKind, type StoredRecord, type StoreProblem } from './store.ts';

export interface FolderOptions {
  /** Told of each file that is not what it claims to be, and once of a folder that cannot be written. */
  readonly onProblem?: (problem: StoreProblem) => void;
  /** For tests: the steps of a write. */
  readonly steps?: FileSteps;
}

const KEY_FILE = 'seal.key';

/** What a folder that is full, read-only or of somebody else answers to a write. */
const NOT_WRITABLE = new Set(['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT', 'EIO', 'EXDEV', 'ENOTDIR', 'EMFILE', 'ENFILE']);

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
  constructor(folder: string, { onProblem, steps = FILE_STEPS }: FolderOptions = {}) {
    this.folder = folder;
    this.#steps = steps;
    this.#tell = onProblem ?? (() => undefined);
    this.#secret = this.#openKey();
  }

  bytes = (digest: string): Uint8Array | undefined => {
    const path = this.#blobPath(digest);
    const bytes = path && this.#read(path, LIMITS.attestationBytes);
    if (!path || !bytes) return undefined;
    const { algorithm } = parseDigest(digest);
    if (formatDigest(digestOf(bytes, algorithm)) === digest) return bytes;
    this.#reject(path, 'its bytes do not have the digest that it is named by');
    return undefined;
  };

  keep = (digest: string, bytes: Uint8Array): boolean => {
    const path = this.#blobPath(digest);
    if (!path || bytes.length > LIMITS.attestationBytes || formatDigest(digestOf(bytes, parseDigest(digest).algorithm)) !== digest) return false;
    // Of a file that is there already only its length is compared: when it was changed, reading finds out, and removes it.
    return this.#sizeOf(path) === bytes.length || this.#write(path, bytes);
  };

  record = (kind: RecordKind, key: string): JsonObject | undefined => {
    const path = this.#recordPath(kind, key);
    const secret = this.#secret;
    const bytes = secret && this.#read(path, LIMITS.evidenceRecordBytes);
    if (!bytes) return undefined;
    const opened = openRecord(secret, bytes, kind, key);
    if (typeof opened !== 'string') return opened.body;
    this.#reject(path, opened);
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
      const secret = this.#secret;
      const bytes = secret && this.#read(path, LIMITS.evidenceRecordBytes);
      if (!bytes) continue;
      const opened = openRecord(secret, bytes, kind);
      // A record under the name of another would be found by nobody, or twice.
      if (typeof opened === 'string' || this.#recordPath(kind, opened.key) !== path)
        this.#reject(path, typeof opened === 'string' ? opened : 'it is the record of something else');
      else found.push({ kind, ...opened });
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  };

  /** Looks at every file, and tells of each that is not what it claims to be. Gives how many are sound. */
  check(): { readonly blobs: number; readonly records: number; readonly bytes: number } {
    const blobs = this.blobFiles().filter(({ path }) => this.#digestOfPath(path) !== undefined && this.bytes(this.#digestOfPath(path) as string) !== undefined);
    const records = RECORD_KINDS.reduce((sum, kind) => sum + this.records(kind).length, 0);
    const known = new Set([KEY_FILE, 'blobs', 'records']);
    for (const { name } of this.#entries('')) if (!known.has(name)) this.#tell({ path: name, why: 'nothing of this store has that name' });
    return { blobs: blobs.length, records, bytes: blobs.reduce((sum, { size }) => sum + size, 0) };
  }

  blobFiles(): FolderFile[] {
    const files: FolderFile[] = [];
    for (const algorithm of this.#entries('blobs')) {
      for (const part of this.#entries(join('blobs', algorithm.name))) {
        for (const path of this.#names(join('blobs', algorithm.name, part.name))) {
          const stats = this.#stat(path);
          if (stats) files.push({ path, size: Number(stats.size), changedAt: Number(stats.mtimeMs) });
        }
      }
    }
    return files;
  }

  digestOfFile({ path }: FolderFile): string | undefined {
    return this.#digestOfPath(path);
  }

  removeFile(path: string): void {
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
    if (existsSync(join(this.folder, KEY_FILE))) throw new SealwardError('ERR_EVIDENCE_STORE', `${join(this.folder, KEY_FILE)} cannot be read`);
    const secret = newSealKey();
    if (!this.#write(KEY_FILE, secret)) return undefined;
    // Of two processes that begin at once, the key that is there now is the key of both.
    return this.#read(KEY_FILE, KEY_BYTES);
  }

  #read(path: string, most: number): Uint8Array | undefined {
    const stats = this.#stat(path);
    if (!stats) return undefined;
    // A link, a pipe or a folder in the place of a file was put there by somebody else.
    if (!stats.isFile()) this.#tell({ path, why: 'it is no file' });
    else if (stats.size > most) this.#reject(path, `it is larger than ${most} bytes`);
    else {
      try {
        return readFileSync(join(this.folder, path));
      } catch (error) {
        this.#tell({ path, why: `it cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}` });
      }
    }
    return undefined;
  }

  #write(path: string, bytes: Uint8Array): boolean {
    try {
      writeDurably(join(this.folder, path), bytes, this.#steps);
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

  /** Told, and taken away where that is possible, so that the right thing can be kept there. */
  #reject(path: string, why: string): void {
    this.#tell({ path, why });
    this.removeFile(path);
  }

  #stat(path: string): ReturnType<typeof lstatSync> {
    try {
      return lstatSync(join(this.folder, path));
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw new SealwardError('ERR_EVIDENCE_STORE', `the evidence store ${this.folder} cannot be read: ${String(error)}`, { cause: error });
    }
  }

  #sizeOf(path: string): number | undefined {
    const stats = this.#stat(path);
    return stats?.isFile() ? Number(stats.size) : undefined;
  }

  /** Files of a folder; those that a crash left half-written have names that no record and no blob has. */
  #names(folder: string): string[] {
    return this.#entries(folder)
      .filter((entry) => !entry.name.startsWith('.'))
      .map(({ name }) => join(folder, name));
  }

  #entries(folder: string): Dirent[] {
    try {
      return readdirSync(join(this.folder, folder), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
      throw new SealwardError('ERR_EVIDENCE_STORE', `the evidence store ${this.folder} cannot be read: ${String(error)}`, { cause: error });
    }
  }
}
