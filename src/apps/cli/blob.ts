/** The file that a blob command is about: its digests, and its bytes where they fit into memory. */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { parseDigest } from '../../core/artifact/index.ts';
import type { Subject } from '../../core/verify/index.ts';
import { fileError } from './file.ts';

/** Larger files are verified by their digest alone, which is enough for every algorithm but Ed25519 and ML-DSA. */
const KEPT_BYTES = 256 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;

/** A file, `-` for stdin, or a digest where no file has that name. */
export function readSubject(path: string): Subject {
  if (/^sha(?:256|384|512):[0-9a-f]+$/.test(path) && !existsSync(path)) {
    const { algorithm, hex } = parseDigest(path);
    return { digests: { [algorithm]: hex } };
  }
  const hashes = { sha256: createHash('sha256'), sha384: createHash('sha384'), sha512: createHash('sha512') };
  let kept: Buffer[] | undefined = [];
  let length = 0;
  let file: number | undefined;
  try {
    file = path === '-' ? 0 : openSync(path, 'r');
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const read = readSync(file, chunk, 0, chunk.length, null);
      if (read === 0) break;
      const part = chunk.subarray(0, read);
      for (const hash of Object.values(hashes)) hash.update(part);
      length += read;
      if (length > KEPT_BYTES) kept = undefined;
      kept?.push(part);
    }
  } catch (cause) {
    throw fileError('read', path, cause);
  } finally {
    if (file !== undefined && file !== 0) closeSync(file);
  }
  const digests = { sha256: hashes.sha256.digest('hex'), sha384: hashes.sha384.digest('hex'), sha512: hashes.sha512.digest('hex') };
  return kept ? { digests, bytes: new Uint8Array(Buffer.concat(kept, length)) } : { digests };
}
