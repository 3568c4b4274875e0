/**
 * A file beside the key of a log: which store the key signs for, and the newest checkpoint that was shown. It catches what the
 * store cannot know of itself: that it is a second one for the same key, or was brought back whole from an older copy.
 */
import { existsSync } from 'node:fs';
import { readBounded, writeDurably, writeInBackground } from '../../clients/files/index.ts';
import { LIMITS, parseJsonObject, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { parseCheckpoint, parseNote } from '../../core/tlog/index.ts';
import type { LogStore } from './log-store.ts';
import type { NoteSigner } from './note-signer.ts';

export interface KeyMark {
  readonly shown: (note: string) => void;
  /** Writes what was shown last. */
  close(): Promise<void>;
}

/** Written so often at most; what is missed at a crash is only known a little later by whoever looks. */
const EVERY_MS = 1000;

interface Mark {
  readonly vkey: string;
  readonly store: string;
  readonly checkpoint: string;
}

/** Throws ERR_STATE_INVALID for a second store, ERR_LOG_ROLLED_BACK for one that is older than what was shown. */
export async function openKeyMark(path: string, { vkey }: NoteSigner, store: LogStore): Promise<KeyMark> {
  const id = await store.id();
  const found = existsSync(path) ? readMark(path) : undefined;
  if (found && (found.vkey !== vkey || found.store !== id)) {
    throw new SealwardError('ERR_STATE_INVALID', `by ${path} the key signs for another store of the log`, {
      hint: 'Two stores with one key would give two histories. Start the store that the key belongs to; a new store needs a new key and a new name.',
    });
  }
  const shown = found?.checkpoint ? parseCheckpoint(parseNote(found.checkpoint)).size : 0n;
  const newest = (await store.record.newest())?.size ?? 0n;
  if (shown > newest) {
    throw new SealwardError('ERR_LOG_ROLLED_BACK', `by ${path} a checkpoint of ${shown} entries was shown, and the store ends at ${newest}`, {
      hint: 'The store was brought back from an older copy. Find the newest files, or open a new shard and let this one be read only.',
    });
  }
  let last = found?.checkpoint ?? '';
  const mark = (): Uint8Array => utf8(`${JSON.stringify({ vkey, store: id, checkpoint: last })}\n`);
  if (!found) writeNow(path, mark());
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();
  return {
    shown(note) {
      last = note;
      timer ??= setTimeout(() => {
        timer = undefined;
        // A mark that cannot be written must not stop a log that can; it stays behind, and so it is only weaker.
        writing = writing.then(() => writeInBackground(path, mark())).catch(() => {});
      }, EVERY_MS).unref();
    },
    async close() {
      clearTimeout(timer);
      await writing;
      writeNow(path, mark());
    },
  };
}

function readMark(path: string): Mark {
  const { vkey, store, checkpoint } = parseJsonObject(readBounded(path, LIMITS.documentBytes, 'the mark of the log'), { what: `the mark ${path}` });
  if (typeof vkey !== 'string' || typeof store !== 'string' || typeof checkpoint !== 'string') {
    throw new SealwardError('ERR_STATE_INVALID', `the mark ${path} cannot be read`, {
      hint: 'It says which store the key belongs to: find out before you remove it.',
    });
  }
  return { vkey, store, checkpoint };
}

function writeNow(path: string, mark: Uint8Array): void {
  try {
    writeDurably(path, mark);
  } catch (cause) {
    throw new SealwardError('ERR_FILE_UNREADABLE', `the mark of the log ${path} cannot be written: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, {
      cause,
    });
  }
}
