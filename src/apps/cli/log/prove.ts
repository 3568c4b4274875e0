/** `sealward log prove` and `prove-continuity`: proofs for somebody who has neither the log nor a network. */
import { findEntry } from '../../../clients/tiles/index.ts';
import { encodeBase64 } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { encodeOfflineProof } from '../../../core/tlog/index.ts';
import { readBytes } from '../file.ts';
import { type Asked, textOf, withLog } from './asked.ts';
import { describe } from './verify.ts';

export async function prove(invocation: Asked): Promise<number> {
  const { flags, terminal } = invocation;
  const word = invocation.arguments[2];
  if ((word === undefined) === (flags.entry === undefined)) {
    throw new SealwardError('ERR_FLAG_CONFLICT', 'an index or --entry FILE says what to prove, and one of them is enough');
  }
  if (word !== undefined && !/^(?:0|[1-9][0-9]{0,17})$/.test(word)) throw new SealwardError('ERR_USAGE', `${JSON.stringify(word.slice(0, 40))} is no index`);
  return withLog(invocation, async (log) => {
    const seen = await log.newest();
    const given = flags.entry === undefined ? undefined : readBytes(flags.entry, 0xffff, 'the entry');
    const index = given ? await findEntry(log, given, seen) : BigInt(word as string);
    if (index === undefined) throw new SealwardError('ERR_NOT_FOUND', 'the log does not hold that entry');
    const { entry, proof } = await log.prove(index, seen);
    const extra = entry ?? given;
    terminal.print(encodeOfflineProof({ index, proof, envelope: seen.envelope, ...(extra ? { extra } : {}) }));
    return undefined;
  });
}

export async function proveContinuity(invocation: Asked): Promise<number> {
  const [path, ...more] = invocation.flags.since;
  if (path === undefined || more.length > 0) throw new SealwardError('ERR_FLAG_CONFLICT', '--since names the one checkpoint from which the proof goes');
  return withLog(invocation, async (log) => {
    const older = log.check(textOf(path));
    const newer = await log.newest();
    const proof = await log.consistency(older.checkpoint, newer.checkpoint);
    return { ...describe(newer), since: describe(older), proof: proof.map((hash) => encodeBase64(hash)), older: older.envelope, newer: newer.envelope };
  });
}
