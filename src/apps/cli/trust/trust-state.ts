/** The trust state that a command judges by: the newest that can be had, else the last good one with its age. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LIMITS } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import type { TrustState } from '../../../core/trust/index.ts';
import { ARTIFACT_PREFIX, openTrust } from '../../../sdk/index.ts';
import { stateFolder } from '../config.ts';
import { noFile, readBytes } from '../file.ts';
import type { Invocation } from '../invocation.ts';
import { isoTime } from '../signer-words.ts';
import { connectionFor } from './connection.ts';

type TrustAsked = Pick<Invocation, 'config' | 'terminal' | 'signal' | 'debug'>;

/**
 * @param from a folder, an archive of evidence, a URL or `registry:REFERENCE`; its anchors are `state.anchors`.
 * @param rootFile the root.json that is trusted; needed for what lies elsewhere until it was verified once.
 * @param whenOld what to do when it cannot be had anew, or what is offered is refused: refuse, or go on with the last good
 * state, which is said in a warning, and of which the lease says for how long it may admit what is new.
 */
export async function trustState(
  { config, terminal, signal, debug }: TrustAsked,
  from: string,
  rootFile: string | undefined,
  whenOld: 'refuse' | 'warn',
): Promise<TrustState> {
  const root = rootFile === undefined ? undefined : readBytes(rootFile, LIMITS.tufRootBytes, 'the root');
  const remote = isRemote(from);
  const connection = remote ? connectionFor(config) : undefined;
  const remembered = stateFolder(config.environment);
  try {
    const client = await openTrust({
      from,
      ...(remembered === undefined ? {} : { memory: join(remembered, 'trust') }),
      now: Date.now,
      signal,
      ...(root ? { root } : {}),
      ...archiveAt(from),
      ...(connection ? connection.ports : {}),
    });
    for (const part of client.status.broken) terminal.warn(`${part}, which was remembered of ${from}, cannot be read and is treated as not there`);
    try {
      const state = await client.update();
      debug(`what was seen of ${from} is remembered under ${remembered ?? 'nothing: there is no home folder'}`);
      return state;
    } catch (error) {
      const { state, acceptedAt } = client.status;
      if (whenOld === 'refuse' || !state || !(error instanceof SealwardError)) throw error;
      terminal.warn(`${error.message}; judged by what was in force at ${isoTime(acceptedAt ?? 0)}`);
      return state;
    }
  } catch (error) {
    // What was there before is remembered; what never was is a slip of the pen.
    if (error instanceof SealwardError && error.code === 'ERR_TRUST_ROOT' && !remote && !existsSync(from)) throw noFile(from);
    throw error;
  } finally {
    connection?.close();
  }
}

/** A file is an archive of evidence, with which a trust repository travels. */
export function archiveAt(from: string): { readonly archive?: () => Uint8Array } {
  const isFile = !isRemote(from) && statSync(from, { throwIfNoEntry: false })?.isFile() === true;
  return isFile ? { archive: () => readBytes(from, LIMITS.evidenceArchiveBytes, 'the archive') } : {};
}

/** Whether a place is one of a trust state, and not of files: elsewhere, or a folder as `sealward trust publish` fills it. */
export function isTrustPlace(place: string): boolean {
  return isRemote(place) || existsSync(join(place, 'timestamp.json'));
}

function isRemote(place: string): boolean {
  return /^https?:\/\//i.test(place) || place.startsWith(ARTIFACT_PREFIX);
}
