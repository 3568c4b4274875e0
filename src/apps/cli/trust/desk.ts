/** Working on a trust repository: open the folder, change what shall hold, stage, sign, and say who is still to sign. */
import { openPublicKey, openSigner } from '../../../clients/signers/index.ts';
import { openWork, signStaged, type Work, writeContent, writeStaged } from '../../../clients/trust/index.ts';
import type { PublicKey } from '../../../core/crypto/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { type SigningProgress, signingProgress, type StagedRole, stageTrust } from '../../../core/trust/index.ts';
import type { Described, Description } from '../inspect/description.ts';
import { descriptionLines } from '../inspect/description.ts';
import type { Invocation } from '../invocation.ts';
import { keyOptions } from '../key-options.ts';
import { momentFlag } from '../moment.ts';
import type { trust } from '../table/trust.ts';
import { visible, visibleJson } from '../visible.ts';
import { checkPolicies } from './checked-policies.ts';

export type Asked = Invocation<(typeof trust)['flags']>;
/** Opened for one command and closed by it. */
export type Signers = Awaited<ReturnType<typeof openSigner>>[];

export function usage(message: string, hint = 'See `sealward trust --help`.'): SealwardError {
  return new SealwardError('ERR_USAGE', message, { hint });
}

/** The n-th word after the action. */
export function wordOf({ arguments: words }: Asked, at: number, what: string): string {
  return words[at] ?? refuseMissing(words, what);
}

function refuseMissing(words: readonly string[], what: string): never {
  throw usage(`\`sealward trust ${visible(words.join(' ').slice(0, 80))}\` needs ${what}`);
}

/** Of a flag that names a moment, milliseconds since 1970, in whole seconds as documents carry them. */
export function momentOf({ flags }: Asked, name: 'from' | 'until' | 'accept-undated-until'): number | undefined {
  const text = flags[name];
  return text === undefined ? undefined : inSeconds(momentFlag(name, text));
}

export const inSeconds = (moment: number): number => Math.floor(moment / 1000) * 1000;

/** Now, as documents carry it. */
export const thisMoment = (): number => inSeconds(Date.now());

export function reasonOf({ flags }: Asked): string {
  if (flags.reason === undefined)
    throw new SealwardError('ERR_FLAG_CONFLICT', '--reason is missing', { hint: 'Say why: everybody who is denied by it will read it.' });
  return flags.reason;
}

export function publicKeyOf(invocation: Asked, reference: string): Promise<PublicKey> {
  return openPublicKey(reference, keyOptions(invocation, invocation.flags['password-file']));
}

/** Opens the keys of --key, hands them on, and closes them whatever happens. */
export async function withSigners<T>(invocation: Asked, use: (signers: Signers) => Promise<T>): Promise<T> {
  const signers: Signers = [];
  try {
    for (const key of invocation.flags.key) signers.push(await openSigner(key, keyOptions(invocation, invocation.flags['password-file'])));
    return await use(signers);
  } finally {
    for (const signer of signers) await signer.close();
  }
}

/** What is changed by an edit: paths to new bytes; undefined takes the file away. */
export type Change = ReadonlyMap<string, Uint8Array | undefined>;

/** Writes the change, stages what follows from it, signs it with --key where there is one, and reports. */
export async function edit(invocation: Asked, make: (work: Work, signers: Signers) => Promise<Change> | Change): Promise<number> {
  return withSigners(invocation, async (signers) => {
    const work = await openWork(invocation.flags.folder, Date.now());
    const change = await make(work, signers);
    await checkPolicies(invocation, changed(work, change));
    for (const [path, bytes] of change) await writeContent(work.folder, path, bytes);
    return stageAndReport(invocation, signers);
  });
}

/** The folder as it would be, so that what nobody understands is not even written. */
function changed(work: Work, change: Change): Work {
  const files = new Map(work.plan.files);
  for (const [path, bytes] of change) {
    if (bytes) files.set(path, bytes);
    else files.delete(path);
  }
  const plan = { ...work.plan, files };
  return { ...work, plan, staged: stageTrust(work.published, plan, work.staged, Date.now()) };
}

export async function stageAndReport(invocation: Asked, signers: Signers, only?: readonly StagedRole[], renew: readonly StagedRole[] = []): Promise<number> {
  const work = await openWork(invocation.flags.folder, Date.now(), renew);
  await checkPolicies(invocation, work);
  const { staged, signed } = await signStaged(work.published, work.plan, work.staged, signers, only);
  if (signers.length > 0 && signed.length === 0 && staged.size > 0)
    throw new SealwardError('ERR_TRUST_PLAN', 'the keys that were given sign for nothing that waits', {
      hint: 'See `sealward trust show` for who signs for what.',
    });
  await writeStaged(work.folder, staged);
  print(invocation, describeStaged({ ...work, staged }));
  return 0;
}

export function describeStaged(work: Work): Description {
  if (work.staged.size === 0) return { staged: 'nothing waits for signatures' };
  const progress = [...work.staged].map(([role, bytes]) => signingProgress(work.published, work.plan, role, bytes));
  const done = progress.every(({ complete }) => complete);
  return {
    staged: progress.map(describeProgress),
    next: done ? 'sealward trust publish --key ONLINE-KEY' : 'sealward trust sign --key KEY, by those who are missing',
  };
}

function describeProgress({ role, sets, complete }: SigningProgress): Description {
  const names = (keys: SigningProgress['sets'][number]['signed']): string[] => keys.map(({ holder, id }) => holder ?? `${id.slice(0, 16)}...`);
  return {
    role,
    complete,
    signed: sets.map(({ threshold, signed }) => `${signed.length} of ${threshold}${signed.length > 0 ? `: ${names(signed).join(', ')}` : ''}`),
    ...(complete ? {} : { maySign: [...new Set(sets.filter(({ threshold, signed }) => signed.length < threshold).flatMap(({ missing }) => names(missing)))] }),
  };
}

export function print({ form, terminal }: Asked, described: Description): void {
  terminal.print(form === 'json' ? visibleJson(described) : descriptionLines(described, visible).join('\n'));
}

/** An empty list is left out of text, and said in JSON. */
export const listOrNone = (items: readonly Described[], none: string): Described => (items.length === 0 ? none : items);
