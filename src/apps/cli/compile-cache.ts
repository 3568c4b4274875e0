/** Compiled code, kept from one call to the next: compiling takes longer than all that a command does. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire, enableCompileCache } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { Script } from 'node:vm';
import { cacheFolder, processEnvironment } from './environment.ts';

/** Of this user alone: where others could write, they could plant code. */
function ownFolder(name: string): string | undefined {
  const cache = cacheFolder(processEnvironment());
  if (cache === undefined) return undefined;
  const folder = join(cache, name);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(folder);
    return process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0) ? folder : undefined;
  } catch {
    // A read-only home folder only costs the time.
    return undefined;
  }
}

/** For modules as they stand in the source: Node's own cache, but not in the folder that it shares between users. */
export function keepCompiledCode(): void {
  const folder = ownFolder('compiled');
  if (folder !== undefined) enableCompileCache(folder);
}

/**
 * Runs a program that is one script in ASCII: a function of `require`, `__filename` and `__dirname`. Node's own cache keeps what is compiled while a module is loaded, which is
 * little more than its outermost level; what is kept here are the functions that a command has called.
 * @param path its name must differ whenever its content does, because V8 compares nothing of a source but its length.
 * @param command each keeps code of its own.
 */
export function runKeepingCode(path: string, command: string): void {
  const folder = ownFolder('programs');
  const kept = folder && join(folder, `${basename(path)}-${command}-${process.version}-${process.arch}`);
  const cachedData = kept === undefined ? undefined : readIfThere(kept);
  const script = new Script(readFileSync(path, 'latin1'), { filename: path, ...(cachedData ? { cachedData } : {}) });
  if (folder !== undefined && kept !== undefined && script.cachedDataRejected !== false) {
    process.once('exit', (code) => {
      // A word that is no command ends so.
      if (code !== 2) keep(folder, kept, script.createCachedData());
    });
  }
  const require = (name: string): unknown => createRequire(path)(name);
  (script.runInThisContext() as (...bindings: unknown[]) => void)(require, path, dirname(path));
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

const KEPT_MILLISECONDS = 30 * 24 * 60 * 60 * 1000;

/** Whole or not at all. What is older than a month goes: other versions may be in use beside this one, but not for ever. */
function keep(folder: string, path: string, code: Uint8Array): void {
  try {
    for (const name of readdirSync(folder)) {
      if (statSync(join(folder, name)).mtimeMs < Date.now() - KEPT_MILLISECONDS) rmSync(join(folder, name));
    }
    const unfinished = `${path}.${process.pid}`;
    writeFileSync(unfinished, code, { mode: 0o600 });
    renameSync(unfinished, path);
  } catch {
    // The next call tries again.
  }
}
