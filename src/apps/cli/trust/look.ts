/** `sealward trust show`, `diff` and `verify`: what holds, what would change, and whether a repository is what it says. */
import { openWork, type Work } from '../../../clients/trust/index.ts';
import { leaseAt, SIGNING_ROLES, type TrustState } from '../../../core/trust/index.ts';
import type { Description } from '../inspect/description.ts';
import { isoTime } from '../signer-words.ts';
import { type Asked, describeStaged, listOrNone, print, wordOf } from './desk.ts';
import { describeDenial, describeKeyState, differences } from './differences.ts';
import { trustState } from './trust-state.ts';
import { imagesThatChange } from './what-if.ts';

const DAY = 86_400_000;

export async function show(invocation: Asked): Promise<number> {
  const work = await openWork(invocation.flags.folder, Date.now());
  print(invocation, {
    ...(work.published ? { inForce: describeState(work.published.state, Date.now()), ends: endsOf(work) } : { inForce: 'nothing is published yet' }),
    signers: SIGNING_ROLES.map((role): Description => {
      const { keys, threshold } = work.plan.signers[role];
      return { role, takes: `${threshold} of ${keys.length}`, who: keys.map(({ holder, key }) => holder ?? `${key.fingerprint.slice(0, 16)}...`) };
    }),
    ...describeStaged(work),
  });
  return 0;
}

function endsOf({ published }: Work): Description {
  const { root, targets } = published?.metadata ?? {};
  const documents = [...(root ? [['root', root.expires] as const] : []), ...[...(targets ?? [])].map(([role, { expires }]) => [role, expires] as const)];
  const soon = Date.now() + 30 * DAY;
  return Object.fromEntries(
    documents.map(([role, expires]) => [role, `${isoTime(expires)}${expires < soon ? ': sign again with `sealward trust sign --renew --role` soon' : ''}`]),
  );
}

function describeState(state: TrustState, now: number): Description {
  const { live, endsAt, age } = leaseAt(state, now);
  const { anchors } = state;
  const services = [...anchors.authorities, ...anchors.logs, ...anchors.certificateLogs, ...anchors.timestampAuthorities];
  return {
    state: state.digest,
    versions: { ...state.versions },
    lease: `${live ? 'until' : 'ended at'} ${isoTime(endsAt)}, given ${Math.floor(age / 1000)} seconds ago`,
    keys: listOrNone(
      state.keys.map((key) => `${key.name}/${key.version} (${key.role}): ${describeKeyState(key)}`),
      'none',
    ),
    services: listOrNone(
      services.map(({ kind, name, id }) => `${kind} ${name} (${id.slice(0, 16)}...)`),
      'none',
    ),
    denied: listOrNone(state.denials.map(describeDenial), 'nothing'),
    policies: listOrNone(
      state.policies.map(({ path }) => path),
      'none',
    ),
    exceptions: listOrNone(
      state.exceptions.map(({ path }) => path),
      'none',
    ),
  };
}

export async function diff(invocation: Asked): Promise<number> {
  const work = await openWork(invocation.flags.folder, Date.now());
  const changes = differences(work);
  print(invocation, {
    changes: changes.length > 0 ? changes : ['nothing'],
    ...(await imagesThatChange(invocation, work, work.plan.files)),
    ...describeStaged(work),
  });
  return 0;
}

/** As a client: what is remembered of the repository is held against what it offers, and only what it offers now is good enough. */
export async function verify(invocation: Asked): Promise<number> {
  const from = wordOf(invocation, 1, 'a folder or a URL');
  const state = await trustState(invocation, from, invocation.flags['trust-root'], 'refuse');
  print(invocation, { verified: from, ...describeState(state, Date.now()) });
  return 0;
}
