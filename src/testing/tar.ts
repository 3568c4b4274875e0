/** A deterministic ustar archive (POSIX.1-2017, pax, "ustar Interchange Format"): the same files give the same bytes. */
import { concatBytes, utf8 } from '../core/encoding/index.ts';

const BLOCK = 512;

export function writeTar(files: Readonly<Record<string, string | Uint8Array>>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const path of Object.keys(files).sort()) {
    const content = files[path] as string | Uint8Array;
    const bytes = typeof content === 'string' ? utf8(content) : content;
    parts.push(header(path.replace(/^\/+/, ''), bytes.length), bytes, new Uint8Array(padding(bytes.length)));
  }
  return concatBytes(...parts, new Uint8Array(2 * BLOCK));
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function header(path: string, size: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (at: number, text: string): void => block.set(utf8(text), at);
  const octal = (at: number, value: number, width: number): void => put(at, value.toString(8).padStart(width - 1, '0'));
  if (utf8(path).length > 100) throw new RangeError('paths of more than 100 bytes are not written');
  put(0, path);
  octal(100, 0o644, 8); // mode
  octal(108, 0, 8); // uid
  octal(116, 0, 8); // gid
  octal(124, size, 12);
  octal(136, 0, 12); // mtime: fixed
  put(148, '        '); // the checksum counts as spaces
  put(156, '0'); // a regular file
  put(257, 'ustar\0');
  put(263, '00');
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}
