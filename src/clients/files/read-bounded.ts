/** Files that somebody named in a configuration: read whole, within a bound, with an error that says which. */
import { readFileSync } from 'node:fs';
import { SealwardError } from '../../core/errors.ts';

/** @param what the file is, for the messages: "the trusted root". Throws ERR_FILE_UNREADABLE, ERR_TOO_LARGE. */
export function readBounded(path: string, maxBytes: number, what: string): Uint8Array {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new SealwardError('ERR_FILE_UNREADABLE', `${what} in ${path} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
  if (bytes.length > maxBytes) throw new SealwardError('ERR_TOO_LARGE', `${what} in ${path} is larger than ${maxBytes} bytes`);
  return bytes;
}
