/** `sealward trust key ...`: each step of a key's life, as its state allows. */
import type { Work } from '../../../clients/trust/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import {
  checkKeyTransition,
  DENIALS_FILE,
  effectiveKey,
  encodeDenials,
  encodeKeyList,
  KEY_TRANSITIONS,
  KEYS_FILE,
  type KeyRole,
  type KeyState,
  type KeyVersion,
  type ListedDenial,
  type ListedKey,
  parseDenials,
  parseKeyList,
} from '../../../core/trust/index.ts';
import { denialsOf, keysOf } from './content.ts';
import { type Asked, type Change, edit, momentOf, publicKeyOf, reasonOf, type Signers, thisMoment, usage, wordOf } from './desk.ts';

/** A name that is not taken: what it is about and a number. */
export function freshId(denials: readonly ListedDenial[], about: string): string {
  const stem =
    about
      .replace(/[^A-Za-z0-9.-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 48) || 'denial';
  for (let number = 1; ; number++) {
    const id = `${stem}.${number}`;
    if (!denials.some((one) => one.id === id)) return id;
  }
}

const ACTIONS = ['add', 'activate', 'suspend', 'retire', 'revoke', 'destroy'] as const;

export async function key(invocation: Asked): Promise<number> {
  const action = wordOf(invocation, 1, ACTIONS.join(', '));
  const name = wordOf(invocation, 2, action === 'add' ? 'the name of the key' : 'NAME/VERSION');
  if (action === 'add') return add(invocation, name);
  const known = ACTIONS.find((one) => one === action);
  if (!known || known === 'add') throw usage(`\`sealward trust key\` cannot ${JSON.stringify(action.slice(0, 40))}`, `It can ${ACTIONS.join(', ')}.`);
  return edit(invocation, (work, signers) => change(invocation, work, signers, known, name));
}

async function add(invocation: Asked, name: string): Promise<number> {
  const { flags } = invocation;
  const role = (flags.role[0] ?? 'artifact') as KeyRole;
  const publicKey = flags['public-key'] === undefined ? undefined : await publicKeyOf(invocation, flags['public-key']);
  if ((publicKey === undefined) === (flags.anchor === undefined))
    throw new SealwardError('ERR_FLAG_CONFLICT', 'a key is added with --public-key or, for keys of services, with --anchor');
  return edit(invocation, (work) => {
    const keys = keysOf(work);
    const now = thisMoment();
    const from = momentOf(invocation, 'from') ?? now;
    const to = momentOf(invocation, 'until');
    const listed: ListedKey = {
      name,
      version: Math.max(0, ...keys.filter((one) => one.name === name).map(({ version }) => version)) + 1,
      role,
      state: from > now ? 'pre-active' : 'active',
      ...(publicKey ? { key: publicKey, anchor: publicKey.fingerprint } : { anchor: flags.anchor ?? '' }),
      window: to === undefined ? { from } : { from, to },
      ...(flags.reason === undefined ? {} : { reason: flags.reason }),
      ...(flags.operator === undefined ? {} : { operator: flags.operator }),
      ...(flags.protection === undefined ? {} : { protection: flags.protection }),
      lifted: [],
    };
    return writtenKeys([...keys, listed]);
  });
}

/** Read back before it is written, so that nothing lands in the folder that no client would take. */
function writtenKeys(keys: readonly ListedKey[]): Change {
  const bytes = encodeKeyList(keys);
  parseKeyList(bytes, KEYS_FILE);
  return new Map([[KEYS_FILE, bytes]]);
}

function writtenDenials(denials: readonly ListedDenial[]): Change {
  const bytes = encodeDenials(denials);
  parseDenials(bytes, DENIALS_FILE);
  return new Map([[DENIALS_FILE, bytes]]);
}

function change(invocation: Asked, work: Work, signers: Signers, action: Exclude<(typeof ACTIONS)[number], 'add'>, reference: string): Change {
  const [, name, version] = /^([^/]+)\/(\d{1,9})$/.exec(reference) ?? [];
  if (name === undefined) throw usage(`${JSON.stringify(reference.slice(0, 80))} is not NAME/VERSION`, 'Write it as in release/1.');
  const keys = keysOf(work);
  const denials = denialsOf(work);
  const listed = keys.find((one) => one.name === name && one.version === Number(version));
  if (!listed)
    throw new SealwardError('ERR_TRUST_PLAN', `there is no key ${reference}`, {
      hint: `The keys are: ${keys.map((one) => `${one.name}/${one.version}`).join(', ') || 'none'}.`,
    });
  const before = effectiveKey(listed, denials);
  const about = { id: freshId(denials, `${name}-${version}-${action}`), addedAt: thisMoment(), name, version: Number(version) };
  const becomes = (after: ListedKey, to: KeyState): Change => {
    step(before, { ...effectiveKey(after, denials), state: to });
    return writtenKeys(keys.map((one) => (one === listed ? after : one)));
  };
  switch (action) {
    case 'activate':
      if (before.state === 'suspended') {
        withoutEffect(invocation, 'from', 'a suspension is lifted now');
        const ids = denials.filter((one) => one.kind === 'suspension' && one.name === name && one.version === Number(version)).map(({ id }) => id);
        return becomes({ ...listed, lifted: [...new Set([...listed.lifted, ...ids])] }, 'active');
      }
      return becomes(
        { ...listed, state: 'active', window: { ...listed.window, from: momentOf(invocation, 'from') ?? Math.min(listed.window.from, thisMoment()) } },
        'active',
      );
    case 'suspend': {
      step(before, { ...before, state: 'suspended' });
      const [signer] = signers;
      if (!signer)
        throw new SealwardError('ERR_FLAG_CONFLICT', 'a suspension is signed at once: --key is missing', {
          hint: 'Give your own key: whoever suspends does not lift it.',
        });
      const suspension = {
        ...about,
        kind: 'suspension',
        reason: reasonOf(invocation),
        at: momentOf(invocation, 'from') ?? thisMoment(),
        by: signer.publicKey().fingerprint,
      } as const;
      return writtenDenials([...denials, suspension]);
    }
    case 'retire': {
      const undated = momentOf(invocation, 'accept-undated-until');
      const retired: ListedKey = {
        ...listed,
        state: 'retired',
        retiredAt: momentOf(invocation, 'from') ?? thisMoment(),
        ...(undated === undefined ? {} : { acceptUndatedUntil: undated }),
        ...reason(invocation),
      };
      return becomes(retired, 'retired');
    }
    case 'revoke':
      return revoke(invocation, listed, becomes, () => {
        step(before, { ...before, state: 'compromised' });
        return writtenDenials([...denials, { ...about, kind: 'revocation', reason: reasonOf(invocation) }]);
      });
    case 'destroy':
      if (before.state === 'active' || before.state === 'suspended')
        throw new SealwardError('ERR_TRUST_TRANSITION', `the key ${reference} is ${before.state}: retire or revoke it first`);
      return becomes({ ...listed, destroyedAt: momentOf(invocation, 'from') ?? thisMoment() }, before.state);
  }
}

/** Alone there is no date; with one, or where the key was merely replaced, those sign who sign for keys. */
function revoke(invocation: Asked, listed: ListedKey, becomes: (after: ListedKey, to: KeyState) => Change, alone: () => Change): Change {
  const { flags } = invocation;
  if (flags.all) {
    withoutEffect(invocation, 'superseded', 'with --all nothing that the key ever signed counts');
    withoutEffect(invocation, 'from', 'with --all nothing that the key ever signed counts');
  }
  const from = momentOf(invocation, 'from');
  const bare: ListedKey = { ...listed, ...reason(invocation) };
  if (flags.all) return becomes({ ...bare, state: 'revoked-all' }, 'revoked-all');
  if (flags.superseded) return becomes({ ...bare, state: 'superseded', invalidFrom: from ?? thisMoment() }, 'superseded');
  return from === undefined ? alone() : becomes({ ...bare, state: 'compromised', invalidFrom: from }, 'compromised');
}

function withoutEffect({ given }: Asked, flag: string, why: string): void {
  if (given.has(flag)) throw new SealwardError('ERR_FLAG_CONFLICT', `--${flag} would be without effect: ${why}`, { hint: 'Leave it out.' });
}

function reason({ flags }: Asked): { reason?: string } {
  return flags.reason === undefined ? {} : { reason: flags.reason };
}

/** One step at a time: clients allow several at once only because they may have missed some. */
function step(before: KeyVersion, after: KeyVersion): void {
  if (before.state !== after.state && !KEY_TRANSITIONS[before.state].includes(after.state)) {
    const ways = KEY_TRANSITIONS[before.state];
    throw new SealwardError('ERR_TRUST_TRANSITION', `the key ${before.name}/${before.version} is ${before.state} and cannot become ${after.state}`, {
      hint: ways.length === 0 ? 'Nothing follows on that: add a new version.' : `It can become ${ways.join(', ')}.`,
    });
  }
  checkKeyTransition(before, after);
}
