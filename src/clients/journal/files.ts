/**
 * What a journal does to a disk, one step at a time. The folder below is the real one; tests put a disk in its place that
 * forgets what was not synced, fails at the k-th step, or dies. Object storage fits behind `put` with a conditional write.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, writeSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SealwardError } from '../../core/errors.ts';

/** Paths are relative and have `/` between their parts. Whatever fails, rejects: the journal tries nothing twice. */
export interface JournalFiles {
  /** Keeps every other writer out until the end of this process, however it ends, or until the answer is called. */
  lock(): () => void;
  /** The whole file; undefined when there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Names in a folder, in any order; none when there is no folder. */
  list(folder: string): Promise<string[]>;
  /** Adds to the end of a file, which is made when it is not there. Not durable before `sync`. */
  append(path: string, bytes: Uint8Array): Promise<void>;
  /** Reads a part of a file from the disk or its cache, never from what the process still has. */
  readAt(path: string, at: number, length: number): Promise<Uint8Array>;
  truncate(path: string, length: number): Promise<void>;
  /** What was appended outlives a loss of power. */
  sync(path: string): Promise<void>;
  /** Gives a file this content, the whole or none of it for whoever reads. Durable only if so asked. */
  put(path: string, bytes: Uint8Array, durable: boolean): Promise<void>;
  /** Brings files that were put, and their names, to the disk. */
  settle(paths: readonly string[]): Promise<void>;
  remove(path: string): Promise<void>;
  close(): Promise<void>;
}

/** The real disk; appending goes through one handle per file. */
export function folderFiles(root: string): JournalFiles {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const handles = new Map<string, FileHandle>();
  const folders = new Set<string>();
  const named = new Set<string>();
  const inFolder = (path: string): string => {
    const full = join(root, path);
    const folder = dirname(full);
    if (!folders.has(folder)) {
      mkdirSync(folder, { recursive: true });
      folders.add(folder);
    }
    return full;
  };
  const handleOf = async (path: string): Promise<FileHandle> => {
    const handle = handles.get(path) ?? (await open(inFolder(path), 'a+', 0o600));
    handles.set(path, handle);
    return handle;
  };
  const drop = async (path: string): Promise<void> => {
    const handle = handles.get(path);
    handles.delete(path);
    named.delete(path);
    await handle?.close();
  };
  return {
    lock: () => lockFolder(root),
    async read(path) {
      return missingIsUndefined(() => readFileSync(join(root, path)));
    },
    async list(folder) {
      return missingIsUndefined(() => readdirSync(join(root, folder))) ?? [];
    },
    async append(path, bytes) {
      const handle = await handleOf(path);
      // A new name is no use without the folder that holds it.
      if (!named.has(path)) {
        syncFolder(dirname(join(root, path)));
        named.add(path);
      }
      for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
    },
    async readAt(path, at, length) {
      const handle = await handleOf(path);
      const out = Buffer.allocUnsafe(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(out, filled, length - filled, at + filled);
        if (bytesRead === 0) throw new SealwardError('ERR_JOURNAL_DAMAGED', `${path} ends where more was written`);
        filled += bytesRead;
      }
      return new Uint8Array(out.buffer, out.byteOffset, length);
    },
    async truncate(path, length) {
      await (await handleOf(path)).truncate(length);
    },
    async sync(path) {
      await (await handleOf(path)).datasync();
    },
    // Synchronously: tiles are small and many, and a round trip through the thread pool costs more than the write.
    async put(path, bytes, durable) {
      // What is appended from now on belongs to the new file.
      if (handles.has(path)) await drop(path);
      const full = inFolder(path);
      const beside = `${full}.new`;
      const file = openSync(beside, 'w', path.startsWith('tile/') || path === 'checkpoint' ? 0o644 : 0o600);
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
        if (durable) fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(beside, full);
      if (durable) syncFolder(dirname(full));
    },
    async settle(paths) {
      for (const path of paths) {
        const file = await open(join(root, path), 'r');
        try {
          await file.sync();
        } finally {
          await file.close();
        }
      }
      for (const folder of new Set(paths.map((path) => dirname(join(root, path))))) syncFolder(folder);
    },
    async remove(path) {
      await drop(path);
      await rm(join(root, path), { recursive: true, force: true });
    },
    async close() {
      for (const path of handles.keys()) await drop(path);
    },
  };
}

function missingIsUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/**
 * Node has no flock. SQLite takes the locks of the operating system, which end with the process even after kill -9, hold
 * between containers that share a volume, and hold between two journals of one process, too.
 */
function lockFolder(root: string): () => void {
  const path = join(root, 'lock.db');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    const held = database;
    return () => held.close();
  } catch (cause) {
    database?.close();
    const { errcode = 0, errstr } = cause as { readonly errcode?: number; readonly errstr?: string };
    const primary = errcode & 0xff;
    if (primary === SQLITE.busy || primary === SQLITE.locked)
      throw new SealwardError('ERR_JOURNAL_IN_USE', `another process writes to the journal ${root}`, { cause });
    const code = primary === SQLITE.full || primary === SQLITE.ioError ? 'ERR_JOURNAL_FAILED' : 'ERR_FILE_UNREADABLE';
    throw new SealwardError(code, `the journal ${root} cannot be locked: ${errstr ?? String(cause)}`, { cause });
  }
}

/** What the disk said, in the words of SQLite (sqlite.org/rescode.html). */
const SQLITE = { busy: 5, locked: 6, ioError: 10, full: 13 };

/** What a disk refused, by its code and place; whatever else it is, it stays. */
export function refusedByDisk(error: unknown, doing: string): unknown {
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (error instanceof SealwardError || code === undefined || syscall === undefined) return error;
  const where = path === undefined ? '' : ` (${path})`;
  const full = ['ENOSPC', 'EDQUOT', 'EIO'].includes(code);
  return new SealwardError(full ? 'ERR_JOURNAL_FAILED' : 'ERR_FILE_UNREADABLE', `${doing}: ${code}${where}`, { cause: error });
}
