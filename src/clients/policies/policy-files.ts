/** Policies as files and folders, for the compiler; which files a document may name is decided here. */
import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { decodeUtf8, LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { PolicySource } from '../../core/policy/index.ts';

const ENDINGS = /\.(?:ya?ml|json)$/i;

/**
 * The texts of files, and of all YAML and JSON files in and below folders, in the order of their names. Hidden entries
 * are left out: Kubernetes keeps the older versions of a mounted ConfigMap in some. Throws ERR_FILE_UNREADABLE,
 * ERR_TOO_LARGE or ERR_ENCODING_INVALID.
 */
export function readPolicyFiles(paths: readonly string[]): PolicySource[] {
  const files: string[] = [];
  for (const path of paths) {
    const stats = reading(path, () => statSync(path));
    const found = stats.isDirectory() ? filesBelow(path, 0) : [path];
    if (stats.isDirectory() && found.length === 0) {
      throw new SealwardError('ERR_FILE_UNREADABLE', `the folder ${path} holds no policies`, { hint: 'Files end with .yaml, .yml or .json.' });
    }
    files.push(...found);
    if (files.length > LIMITS.policyFiles) throw new SealwardError('ERR_TOO_LARGE', `there are more than ${LIMITS.policyFiles} files of policies`);
  }
  return [...new Set(files)].map((name) => ({ name, text: textOf(name) }));
}

/** What a document names by `file`: beside it, or wherever it says; undefined when it is not there. */
export function readBeside(path: string, source: string): string | undefined {
  const file = isAbsolute(path) ? path : join(dirname(source), path);
  try {
    return textOf(file);
  } catch (error) {
    if (error instanceof SealwardError && error.code === 'ERR_FILE_UNREADABLE') return undefined;
    throw error;
  }
}

function filesBelow(folder: string, depth: number): string[] {
  if (depth > LIMITS.policyFolderDepth) throw new SealwardError('ERR_TOO_LARGE', `the folder ${folder} lies more than ${LIMITS.policyFolderDepth} levels deep`);
  const entries = reading(folder, () => readdirSync(folder, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.'));
  const byName = (a: Dirent, b: Dirent): number => (a.name < b.name ? -1 : 1);
  return entries.sort(byName).flatMap((entry) => {
    const path = join(folder, entry.name);
    const isFolder = entry.isSymbolicLink() ? reading(path, () => statSync(path)).isDirectory() : entry.isDirectory();
    if (isFolder) return filesBelow(path, depth + 1);
    return ENDINGS.test(entry.name) ? [path] : [];
  });
}

function textOf(path: string): string {
  const size = reading(path, () => statSync(path)).size;
  if (size > LIMITS.documentBytes) throw new SealwardError('ERR_TOO_LARGE', `the file ${path} is larger than ${LIMITS.documentBytes} bytes`);
  return decodeUtf8(
    reading(path, () => readFileSync(path)),
    `the file ${path}`,
  );
}

function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new SealwardError('ERR_FILE_UNREADABLE', `${path} cannot be read: ${code === 'ENOENT' ? 'there is no such file' : code}`, { cause });
  }
}
