/** The trust state that a command judges by: the newest that can be had, else the last good one with its age. */
import { join } from 'node:path';
import type { TrustStatus } from '../../../clients/trust/index.ts';
import { LIMITS } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import type { TrustState } from '../../../core/trust/index.ts';
import { ARTIFACT_PREFIX, openTrust } from '../../../sdk/index.ts';
import { readBytes } from '../file.ts';
import type { Invocation } from '../invocation.ts';
import { connectionFor } from './connection.ts';

export type TrustAsked = Pick<Invocation, 'config' | 'terminal' | 'signal' | 'debug'>;

/**
 * @param from a folder, a URL or `registry:REFERENCE`; its anchors are `state.anchors`.
 * @param rootFile the root.json that is trusted; needed for what lies elsewhere until it was verified once.
 * When it cannot be had anew and something is remembered, that is given with a warning; `failure` says why. What was
 * refused (a rollback, a signature) is never passed over in silence: it is a warning, too, and what is in force stays.
 */
export async function trustState(
  { config, terminal, signal, debug }: TrustAsked,
  from: string,
  rootFile: string | undefined,
): Promise<{ readonly state: TrustState; readonly status: TrustStatus }> {
  const root = rootFile === undefined ? undefined : readBytes(rootFile, LIMITS.tufRootBytes, 'the root');
  const remote = /^https?:\/\//i.test(from) || from.startsWith(ARTIFACT_PREFIX);
  const connection = remote ? connectionFor(config) : undefined;
  const memory = join(config.home, '.sealward', 'trust');
  try {
    const client = await openTrust({ from, memory, now: Date.now, signal, ...(root ? { root } : {}), ...(connection ? connection.ports : {}) });
    for (const part of client.status.broken) terminal.warn(`${part}, which was remembered of ${from}, cannot be read and is treated as not there`);
    try {
      await client.update();
      debug(`what was seen of ${from} is remembered under ${memory}`);
    } catch (error) {
      if (!client.state || !(error instanceof SealwardError)) throw error;
      terminal.warn(`${error.message}; judged by what was in force at ${new Date(client.status.acceptedAt ?? 0).toISOString()}`);
    }
    const { status } = client;
    if (!status.state) throw new SealwardError('ERR_INVARIANT', 'an update succeeded without a state');
    return { state: status.state, status };
  } finally {
    connection?.close();
  }
}
