/** Checkpoints (C2SP tlog-checkpoint v1.0.0): a note whose text states origin, size and root of a log's tree. */
import { decodeBase64, encodeBase64 } from '../encoding/index.ts';
import { logFormatError, parseDecimal, readFormat, shown } from './log-format.ts';
import { NODE_BYTES } from './merkle-hash.ts';
import type { Note } from './note.ts';

export interface Checkpoint {
  /** Who the log says it is: for Rekor the host name, followed by the number of the tree in its first generation. */
  readonly origin: string;
  /** Leaves in the tree. */
  readonly size: bigint;
  readonly root: Uint8Array;
  /** Lines that the log added; nobody but the log knows what they mean. */
  readonly extensions: readonly string[];
}

/** Reads the text of a note; it is as unverified as the note is. Throws ERR_LOG_FORMAT. */
export function parseCheckpoint(note: Pick<Note, 'text'>): Checkpoint {
  return readFormat('the checkpoint', () => {
    // "The note text is a sequence of at least three non-empty lines."
    const lines = note.text.split('\n');
    if (lines.pop() !== '') throw logFormatError('the checkpoint does not end in a newline');
    const [origin, size, root, ...extensions] = lines;
    if (origin === undefined || size === undefined || root === undefined) {
      throw logFormatError(`the checkpoint has ${lines.length} lines where origin, size and root must stand`);
    }
    if (lines.includes('')) throw logFormatError('the checkpoint has an empty line');
    const hash = decodeBase64(root, 'the root hash of the checkpoint');
    if (hash.length !== NODE_BYTES) throw logFormatError(`the root hash of the checkpoint is not a SHA-256 hash: ${shown(root)}`);
    return { origin, size: parseDecimal(size, 'the tree size of the checkpoint'), root: hash, extensions };
  });
}

/** The text of a checkpoint. Extensions are read, never written: witnesses refuse checkpoints that have them. */
export function encodeCheckpoint({ origin, size, root }: Omit<Checkpoint, 'extensions'>): string {
  return `${origin}\n${size}\n${encodeBase64(root)}\n`;
}
