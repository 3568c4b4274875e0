/**
 * Whom to trust, as a repository of trust serves it: fetched when what is remembered is old, and used without a network
 * while its lease runs. Loaded only when a repository is named.
 */
import { join } from 'node:path';
import { SealwardError } from '../../core/errors.ts';
import { type Anchors, type Denial, inWindow, type KeyVersion, SIGNING_CONFIG_FILE, type TrustState } from '../../core/trust/index.ts';
import { openTrust } from '../../sdk/index.ts';
import { stateFolder } from './config.ts';
import { readBytes } from './file.ts';
import type { KeyAsked } from './key-options.ts';
import { connectionFor } from './trust/connection.ts';
import { archiveAt } from './trust/trust-state.ts';
import { visible } from './visible.ts';

export interface ServedTrust {
  readonly anchors: Anchors;
  /** Why this cannot be judged by flags; undefined when it can. */
  readonly beyondFlags?: string;
  /** How many documents its role of policies has signed. */
  readonly policies: number;
  readonly signingConfig?: Uint8Array;
}

/** What was fetched so long ago is asked for again, when somebody answers. */
const FRESH_MS = 10 * 60 * 1000;
const ROOT_BYTES = 1024 * 1024;

/** Throws ERR_TRUST_ROOT, or what kept the repository from being read. */
export async function servedTrust(invocation: KeyAsked, from: string, rootFile: string | undefined): Promise<ServedTrust> {
  const { config, debug, signal } = invocation;
  const remembered = stateFolder(config.environment);
  const connection = connectionFor(config);
  try {
    const client = await openTrust({
      from,
      ...connection.ports,
      ...archiveAt(from),
      ...(rootFile === undefined ? {} : { root: readBytes(rootFile, ROOT_BYTES, 'the root of the trust repository') }),
      ...(remembered === undefined ? {} : { memory: join(remembered, 'trust') }),
      now: Date.now,
      signal,
    });
    const now = Date.now();
    const held = client.state;
    const leased = held !== undefined && inWindow({ from: held.lease.issuedAt, to: held.lease.endsAt }, now);
    if (!leased || now - (client.status.acceptedAt ?? 0) > FRESH_MS) {
      await client.update().catch((error: unknown) => {
        // While the lease runs, what is remembered may be used; nobody has to answer.
        if (!leased || !(error instanceof SealwardError)) throw error;
        debug(`${visible(from)} cannot be asked now; what was fetched before is used: ${visible(error.message)}`);
      });
    }
    const { state } = client;
    if (!state) throw new SealwardError('ERR_TRUST_ROOT', `nothing was fetched from ${visible(from)} yet`);
    const signingConfig = client.file(SIGNING_CONFIG_FILE);
    const beyondFlags = wantsJudge(state);
    return {
      anchors: inForce(state),
      policies: state.policies.length,
      ...(beyondFlags === undefined ? {} : { beyondFlags }),
      ...(signingConfig ? { signingConfig } : {}),
    };
  } finally {
    connection.close();
  }
}

/** The anchors that are active, or were until they were retired; all that is suspended, revoked or denied is gone altogether, which errs on the safe side. */
function inForce({ anchors, keys, denials }: TrustState): Anchors {
  const denied = new Set(denials.flatMap((denial) => (denial.kind === 'key' ? [denial.key] : denial.kind === 'log' ? [denial.anchor] : [])));
  const keep = <A extends Anchors[keyof Anchors][number]>(list: readonly A[]): A[] =>
    list.flatMap((anchor) => (denied.has(anchor.id) ? [] : limited(anchor, keys)));
  return {
    keys: keep(anchors.keys),
    authorities: keep(anchors.authorities),
    logs: keep(anchors.logs),
    certificateLogs: keep(anchors.certificateLogs),
    timestampAuthorities: keep(anchors.timestampAuthorities),
  };
}

function limited<A extends Anchors[keyof Anchors][number]>(anchor: A, keys: readonly KeyVersion[]): A[] {
  const key = keys.find((one) => one.anchor === anchor.id);
  if (!key || key.state === 'active') return [anchor];
  if (key.state !== 'retired' || key.retiredAt === undefined) return [];
  return [{ ...anchor, window: { ...anchor.window, to: Math.min(anchor.window.to ?? key.retiredAt, key.retiredAt) } }];
}

/** A denial of one identity, image or signature is about what is found, and flags have no word for it: silence would be an allowance. */
function wantsJudge({ denials }: TrustState): string | undefined {
  const single = denials.find(({ kind }: Denial) => kind !== 'key' && kind !== 'log');
  return single && `the trust repository denies one ${single.kind} (${single.id}), which only a policy can judge`;
}
