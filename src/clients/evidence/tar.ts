/**
 * Archives in the form of ustar (POSIX.1-2017, pax, "ustar Interchange Format"): regular files alone, with plain names. What
 * is read is never unpacked into a folder; links, folders and names that lead elsewhere are refused.
 */
import { concatBytes, LIMITS, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

const BLOCK = 512;

export interface TarFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export function writeTar(files: readonly TarFile[]): Uint8Array {
  return concatBytes(
    ...files.flatMap(({ path, bytes }) => [header(path, bytes.length), bytes, new Uint8Array(padding(bytes.length))]),
    new Uint8Array(2 * BLOCK),
  );
}

/** What one entry became, or why it is none. An archive that ends early gives what came before, and says so. */
export type TarEntry = { readonly ok: true; readonly file: TarFile } | { readonly ok: false; readonly path: string; readonly why: string };

/** Throws ERR_EVIDENCE_ARCHIVE for what is no archive at all, and ERR_TOO_LARGE. */
export function readTar(archive: Uint8Array): TarEntry[] {
  const entries: TarEntry[] = [];
  let at = 0;
  while (at + BLOCK <= archive.length) {
    const block = archive.subarray(at, at + BLOCK);
    if (block.every((byte) => byte === 0)) return entries;
    const read = readHeader(block);
    if (typeof read === 'string') {
      if (entries.length === 0) throw new SealwardError('ERR_EVIDENCE_ARCHIVE', `it is no archive of evidence: ${read}`);
      // Where the next entry begins is not known any more.
      return [...entries, { ok: false, path: `the entry at byte ${at}`, why: read }];
    }
    const { path, size, kind } = read;
    const end = at + BLOCK + size;
    if (end > archive.length) return [...entries, { ok: false, path, why: 'the archive ends before it does' }];
    if (entries.length >= LIMITS.evidenceArchiveFiles)
      throw new SealwardError('ERR_TOO_LARGE', `the archive has more than ${LIMITS.evidenceArchiveFiles} files`);
    if (kind !== '0' && kind !== '\0') entries.push({ ok: false, path, why: 'it is no regular file' });
    else entries.push({ ok: true, file: { path, bytes: archive.subarray(at + BLOCK, end) } });
    at = end + padding(size);
  }
  return [...entries, { ok: false, path: 'the end', why: 'the archive ends in the middle' }];
}

function readHeader(block: Uint8Array): { readonly path: string; readonly size: number; readonly kind: string } | string {
  const text = (from: number, length: number): string => {
    const bytes = block.subarray(from, from + length);
    const end = bytes.indexOf(0);
    return String.fromCharCode(...bytes.subarray(0, end < 0 ? length : end));
  };
  const octal = (from: number, length: number): number => {
    const digits = text(from, length).trim();
    return /^[0-7]{1,11}$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
  };
  const sum = block.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  if (text(257, 5) !== 'ustar' || octal(148, 8) !== sum) return 'an entry has no sound header';
  const size = octal(124, 12);
  if (!Number.isSafeInteger(size)) return 'an entry has no size';
  return { path: text(345, 155) === '' ? text(0, 100) : `${text(345, 155)}/${text(0, 100)}`, size, kind: text(156, 1) === '' ? '\0' : text(156, 1) };
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function header(path: string, size: number): Uint8Array {
  const [prefix, name] = splitPath(path);
  const block = new Uint8Array(BLOCK);
  const put = (at: number, text: string): void => block.set(utf8(text), at);
  const octal = (at: number, value: number, width: number): void => put(at, value.toString(8).padStart(width - 1, '0'));
  put(0, name);
  octal(100, 0o644, 8);
  octal(108, 0, 8);
  octal(116, 0, 8);
  octal(124, size, 12);
  // No time: the same evidence gives the same archive.
  octal(136, 0, 12);
  put(148, '        ');
  put(156, '0');
  put(257, 'ustar\0');
  put(263, '00');
  put(345, prefix);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}

/** A name has room for 100 bytes, and what stands before one of its slashes for 155. */
function splitPath(path: string): readonly [prefix: string, name: string] {
  const bytes = utf8(path).length;
  if (bytes <= 100) return ['', path];
  const at = path.indexOf('/', bytes - 101);
  if (at < 0 || at > 155 || bytes !== path.length) throw new SealwardError('ERR_INVARIANT', `${path} does not fit into an archive`);
  return [path.slice(0, at), path.slice(at + 1)];
}
