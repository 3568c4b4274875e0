/** `sealward log verify` and `export`: everything hashed again, or one proof without a network. */
import { existsSync, statSync } from 'node:fs';
import { DecisionAuditor } from '../../../clients/journal/index.ts';
import { exportLog, LogFault, scanLog, type Scanned, type SeenCheckpoint, type TileLog } from '../../../clients/tiles/index.ts';
import { encodeBase64, LIMITS } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { parseOfflineProof, verifyOfflineProof } from '../../../core/tlog/index.ts';
import { readBytes } from '../file.ts';
import type { Description } from '../inspect/description.ts';
import { answer, type Asked, policyOf, textOf, withLog, wordOf } from './asked.ts';

export async function verify(invocation: Asked): Promise<number> {
  const place = wordOf(invocation, 1, 'the folder or URL of a log, or a proof');
  if (existsSync(place) && statSync(place).isFile()) return answer(invocation, place, async () => verifyProof(invocation, place));
  return withLog(invocation, async (log) => {
    const seen = await log.newest();
    const older = olderCheckpoints(invocation, log, seen);
    const auditor = invocation.flags.decisions ? new DecisionAuditor() : undefined;
    let first: bigint | undefined;
    const scanned = await scanLog(log, seen, {
      tiles: true,
      older: older.map(({ checkpoint }) => checkpoint),
      each: (entry, index) => {
        first ??= index;
        auditor?.add(entry, index);
      },
      progress: (done) => invocation.terminal.progress(`${done} of ${seen.checkpoint.size} entries`),
    });
    return { ...describe(seen, scanned), since: older.map(({ checkpoint }) => String(checkpoint.size)), ...(auditor ? { decisions: audited(auditor) } : {}) };
  });
}

function olderCheckpoints({ flags }: Asked, log: TileLog, seen: SeenCheckpoint): SeenCheckpoint[] {
  return flags.since.map((path) => {
    const older = log.check(textOf(path));
    if (older.checkpoint.origin !== seen.checkpoint.origin) throw new LogFault('LOG_UNKNOWN', `${path} is a checkpoint of another log`);
    if (older.checkpoint.size > seen.checkpoint.size) {
      throw new LogFault('LOG_INCONSISTENT', `the log has ${seen.checkpoint.size} entries, and had ${older.checkpoint.size} when ${path} was signed`);
    }
    return older;
  });
}

function audited(auditor: DecisionAuditor): Description {
  const { decisions, contradictions, ...counts } = auditor.result();
  if (contradictions.length > 0) throw new LogFault('LOG_TREE_INVALID', `the decisions do not add up: ${contradictions.slice(0, 3).join('; ')}`);
  return { ...decisions, ...counts };
}

export function describe({ checkpoint }: SeenCheckpoint, scanned?: Scanned): Description {
  return {
    origin: checkpoint.origin,
    size: String(checkpoint.size),
    root: encodeBase64(checkpoint.root),
    ...(scanned ? { hashed: String(scanned.entries), ...(scanned.gone > 0n ? { notKept: String(scanned.gone) } : {}) } : {}),
  };
}

function verifyProof(invocation: Asked, path: string): Description {
  const proof = parseOfflineProof(readBytes(path, LIMITS.bundleBytes, 'the proof'));
  const { entry: file } = invocation.flags;
  const entry = file === undefined ? proof.extra : readBytes(file, 0xffff, 'the entry');
  if (!entry) throw new SealwardError('ERR_FLAG_CONFLICT', 'the proof does not hold the entry that it is about', { hint: 'Give the entry with --entry FILE.' });
  const verdict = verifyOfflineProof(proof, entry, policyOf(invocation));
  if (!verdict.ok) throw new LogFault(verdict.reason, verdict.detail);
  return {
    ...describe({ envelope: proof.envelope, checkpoint: verdict.checkpoint }),
    index: String(proof.index),
    witnesses: verdict.witnesses.map(({ name }) => name),
    entry: Buffer.from(entry).toString('utf8'),
  };
}

export async function exportTo(invocation: Asked): Promise<number> {
  const folder = wordOf(invocation, 2, 'a folder to write to');
  return withLog(invocation, async (log) => {
    const seen = await log.newest();
    return { ...describe(seen, await exportLog(log, seen, folder)), folder };
  });
}
