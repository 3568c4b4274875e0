/** A layer as a ustar archive (POSIX.1-2017, pax, "ustar Interchange Format"), in which nothing depends on the machine or the hour. */
import { concatBytes, utf8 } from '../../src/core/encoding/index.ts';

const BLOCK = 512;

export type TarEntry = { readonly path: string; readonly owner?: number } & (
  | { readonly kind: 'file'; readonly bytes: Uint8Array; readonly executable?: boolean }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'folder'; readonly mode?: number }
);

/**
 * Entries are sorted by path, parents are added where they are missing, and of two entries for one path the later counts.
 * @param seconds the time of last change of everything, since 1970
 */
export function writeLayer(entries: readonly TarEntry[], seconds: number): Uint8Array {
  const byPath = new Map<string, TarEntry>();
  for (const entry of entries) {
    const parents = entry.path.split('/').slice(0, -1);
    for (let depth = 1; depth <= parents.length; depth++) {
      const path = parents.slice(0, depth).join('/');
      if (!byPath.has(path)) byPath.set(path, { path, kind: 'folder' });
    }
    byPath.set(entry.path, entry);
  }
  // By code unit: what localeCompare answers depends on the machine.
  const sorted = [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const parts = sorted.flatMap((entry) => {
    const bytes = entry.kind === 'file' ? entry.bytes : new Uint8Array();
    return [header(entry, bytes.length, seconds), bytes, new Uint8Array((BLOCK - (bytes.length % BLOCK)) % BLOCK)];
  });
  return concatBytes(...parts, new Uint8Array(2 * BLOCK));
}

function modeOf(entry: TarEntry): number {
  if (entry.kind === 'folder') return entry.mode ?? 0o755;
  if (entry.kind === 'link') return 0o777;
  return entry.executable === true ? 0o755 : 0o644;
}

function header(entry: TarEntry, size: number, seconds: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (at: number, text: string, width: number): void => {
    const bytes = utf8(text);
    if (bytes.length > width) throw new RangeError(`${entry.path}: "${text}" has over ${width} bytes, more than its field of a ustar header holds`);
    block.set(bytes, at);
  };
  const octal = (at: number, value: number, width: number): void => put(at, value.toString(8).padStart(width - 1, '0'), width - 1);
  put(0, entry.kind === 'folder' ? `${entry.path}/` : entry.path, 100);
  octal(100, modeOf(entry), 8);
  octal(108, entry.owner ?? 0, 8);
  octal(116, entry.owner ?? 0, 8);
  octal(124, size, 12);
  octal(136, seconds, 12);
  put(148, '        ', 8); // The checksum counts as spaces.
  put(156, { file: '0', link: '2', folder: '5' }[entry.kind], 1);
  if (entry.kind === 'link') put(157, entry.target, 100);
  put(257, 'ustar\0', 6);
  put(263, '00', 2);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `, 8);
  return block;
}
