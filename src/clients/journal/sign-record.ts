/**
 * Every checkpoint that a log ever signed, kept apart from its entries: what it promised and may never contradict. It belongs
 * into no backup, is never restored from one, and best lies on another disk. One file per log, one line per checkpoint; each
 * line names the digest of the one before it.
 */
import { fingerprintOf } from '../../core/crypto/index.ts';
import { decodeBase64, decodeUtf8, encodeBase64, type JsonObject, parseJsonObject, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { JournalFiles } from './files.ts';

export interface SignedTree {
  readonly size: bigint;
  readonly root: Uint8Array;
  /** The checkpoint with its signatures. */
  readonly note: string;
}

/**
 * The port. A database keeps it as one row per log that is compared and set, beside a table that only grows; whoever loses
 * the comparison must not let its signature out.
 */
export interface SignRecord {
  /** The newest; undefined when the log has never signed. Throws ERR_STATE_INVALID when there is no record at all. */
  newest(): Promise<SignedTree | undefined>;
  /** Adds one if the newest still has that size (0: if there is none); false if not. Returns when it is durable. */
  add(previous: bigint, next: SignedTree): Promise<boolean>;
  close(): Promise<void>;
}

const FILE = 'signed.jsonl';
const LINE_FEED = 0x0a;

/**
 * @param create makes the record of a log that has never signed; without it a missing one is refused.
 * @param fileBytes the file is read whole at each start; past so many another one is begun, which goes on from the last line.
 */
export async function openSignRecord(files: JournalFiles, origin: string, create: boolean, fileBytes: number): Promise<SignRecord> {
  const bytes = await files.read(FILE);
  if (bytes === undefined && !create) throw missing(origin);
  if (bytes === undefined) await files.put(FILE, utf8(`${headOf(origin)}\n`), true);
  const lines = await readLines(files, bytes ?? utf8(`${headOf(origin)}\n`), origin);
  let { newest, last, length } = lines;
  /** The old file gets a name of its own; the new one begins with the newest checkpoint, and says after which line. */
  const turnOver = async (): Promise<void> => {
    const old = await files.read(FILE);
    if (!newest || !old) return;
    await files.put(`signed-${newest.size.toString().padStart(19, '0')}.jsonl`, old, true);
    const begun = utf8(`${headOf(origin, (JSON.parse(last) as { previous: string }).previous)}\n${last}\n`);
    await files.put(FILE, begun, true);
    length = begun.length;
  };
  return {
    newest: async () => newest,
    async add(previous, next) {
      if ((newest?.size ?? 0n) !== previous) return false;
      if (length >= fileBytes) await turnOver();
      const line = JSON.stringify({ previous: fingerprintOf(utf8(last)), size: next.size.toString(), root: encodeBase64(next.root), note: next.note });
      await files.append(FILE, utf8(`${line}\n`));
      await files.sync(FILE);
      newest = next;
      last = line;
      length += line.length + 1;
      return true;
    },
    close: () => files.close(),
  };
}

/** @param after the digest of the line before, which stands in another file. */
function headOf(origin: string, after?: string): string {
  return JSON.stringify({ record: 'checkpoints signed', origin, version: 1, ...(after === undefined ? {} : { after }) });
}

const AFTER = /^[0-9a-f]{64}$/;

/** Only the last line may be cut off: then it was not durable, and its signature never left. */
async function readLines(files: JournalFiles, bytes: Uint8Array, origin: string): Promise<{ newest: SignedTree | undefined; last: string; length: number }> {
  const end = bytes.lastIndexOf(LINE_FEED) + 1;
  if (end < bytes.length) await files.truncate(FILE, end);
  // What a killed process left in the cache is known from here on, so it must not be forgotten.
  await files.sync(FILE);
  const lines = decodeUtf8(bytes.subarray(0, end), 'the record of signed checkpoints').split('\n').slice(0, -1);
  const [head = ''] = lines;
  const after = readObject(head, 1)['after'];
  const continues = typeof after === 'string' && AFTER.test(after) ? after : undefined;
  if (head !== headOf(origin, continues)) throw damaged(`the record of signed checkpoints is not one of the log ${origin}`);
  if (continues !== undefined && lines.length < 2) throw damaged('the record of signed checkpoints lost the line that it goes on from');
  let newest: SignedTree | undefined;
  let previous = continues ?? fingerprintOf(utf8(head));
  for (const [i, line] of lines.slice(1).entries()) {
    const read = readLine(line, i + 2);
    if (read.previous !== previous) throw damaged(`line ${i + 2} does not follow the line before it`);
    if (newest && read.size < newest.size) throw damaged(`line ${i + 2} goes back to a smaller tree`);
    previous = fingerprintOf(utf8(line));
    newest = read;
  }
  return { newest, last: lines.at(-1) as string, length: end };
}

function readLine(line: string, number: number): SignedTree & { readonly previous: string } {
  const { previous, size, root, note } = readObject(line, number);
  if (typeof previous !== 'string' || typeof size !== 'string' || !/^\d{1,19}$/.test(size) || typeof root !== 'string' || typeof note !== 'string') {
    throw damaged(`line ${number} is malformed`);
  }
  return { previous, size: BigInt(size), root: decodeBase64(root, 'a root'), note };
}

function readObject(line: string, number: number): JsonObject {
  try {
    return parseJsonObject(line, { what: `line ${number} of the record of signed checkpoints` });
  } catch (cause) {
    throw new SealwardError('ERR_JOURNAL_DAMAGED', (cause as Error).message, { cause });
  }
}

function damaged(message: string): SealwardError {
  return new SealwardError('ERR_JOURNAL_DAMAGED', message);
}

function missing(origin: string): SealwardError {
  return new SealwardError('ERR_STATE_INVALID', `the record of what the log ${origin} signed is missing`, {
    hint: 'Without it nobody knows what the log promised: find the file, or begin a new log under an origin that was never used.',
  });
}
