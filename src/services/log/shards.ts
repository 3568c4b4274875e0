/**
 * From one log to the next: the last entry of the old one says that it ends and what follows it, the first entry of the new one
 * holds the hash of the last checkpoint of the old. Who has the newest checkpoint has them all.
 */
import type { Signer } from '../../clients/signers/index.ts';
import { parseEnvelope, parseStatement } from '../../core/bundle/index.ts';
import { fingerprintOf } from '../../core/crypto/index.ts';
import { utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { leafHash, parseCheckpoint, parseNote } from '../../core/tlog/index.ts';
import { checkAuditor, CONTROL_PREDICATES, envelopePath, sealStatement } from './control-statement.ts';
import type { OpenedLog } from './open-log.ts';

export interface ShardChange {
  readonly from: OpenedLog;
  /** New, with another key and another name. */
  readonly to: OpenedLog;
  /** ECDSA or RSA; signs both statements. */
  readonly auditor: Signer;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Closes a log and chains the next one to it. It may be called again after a crash at any step, and goes on where it stood.
 * Throws ERR_STATE_INVALID when the new log is of another chain.
 */
export async function openNextShard({ from, to, auditor, now }: ShardChange): Promise<void> {
  checkAuditor(auditor);
  if (to.origin === from.origin || to.key.fingerprint === from.key.fingerprint) {
    throw new SealwardError('ERR_STATE_INVALID', 'the next shard of a log needs a key and a name of its own');
  }
  const at = (): string => new Date(now()).toISOString();
  if (!(await from.frozen())) {
    const next = { origin: to.origin, keys: [...to.vkeys] };
    await addStatement(from, auditor, { name: from.origin, sha256: from.key.fingerprint }, { action: 'close', at: at(), next });
    await from.freeze();
  }
  const last = from.tiles.checkpoint();
  if (last === undefined) throw new SealwardError('ERR_STATE_INVALID', `the log ${from.origin} has no checkpoint to go on from`);
  if (to.tiles.size() > 0n) return checkChained(from, to, last);
  const { origin, size } = parseCheckpoint(parseNote(last));
  const previous = { origin, size: String(size), keys: [...from.vkeys], checkpoint: last };
  await addStatement(to, auditor, { name: to.origin, sha256: checkpointDigest(last) }, { action: 'open', at: at(), previous });
}

/** Whether the first entry of a log is about the last checkpoint of the one before. Throws ERR_STATE_INVALID. */
async function checkChained(from: OpenedLog, to: OpenedLog, last: string): Promise<void> {
  const { body } = await to.proven(0n);
  const envelope = await to.kept(envelopePath(leafHash(body)));
  const statement = envelope && parseStatement(parseEnvelope(envelope).payload);
  const chained =
    statement?.predicateType === `${CONTROL_PREDICATES}shard/v1` && statement.subjects.some(({ digest }) => digest['sha256'] === checkpointDigest(last));
  if (!chained) throw new SealwardError('ERR_STATE_INVALID', `the log ${to.origin} does not begin with the last checkpoint of ${from.origin}`);
}

/** Of the text that the log signed: cosignatures may come later. */
function checkpointDigest(note: string): string {
  return fingerprintOf(utf8(parseNote(note).text));
}

async function addStatement(
  log: OpenedLog,
  auditor: Signer,
  subject: { readonly name: string; readonly sha256: string },
  predicate: Parameters<typeof sealStatement>[1]['predicate'],
): Promise<void> {
  const sealed = await sealStatement(auditor, { kind: 'shard', subject, predicate });
  await log.keep([sealed.envelope]);
  await log.add(sealed);
}
