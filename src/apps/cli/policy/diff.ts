/** `sealward policy diff`: which images would get another answer by other policies, after a revocation, or at another time. */
import { SealwardError } from '../../../core/errors.ts';
import { supposeRenewed, supposeRevoked, type TrustState } from '../../../core/trust/index.ts';
import { heldImages } from '../evidence/held-images.ts';
import { openEvidence } from '../evidence/registry.ts';
import { momentFlag } from '../moment.ts';
import { isTrustPlace } from '../trust/trust-state.ts';
import { visible, visibleJson } from '../visible.ts';
import { judgeByPolicy, type JudgedByPolicy } from './judged.ts';
import { type Question, stateQuestion, triedQuestion, type PolicyInvocation } from './question.ts';

type Asked = PolicyInvocation & {
  readonly flags: { readonly image: readonly string[]; readonly revoke: readonly string[]; readonly trust: string | undefined };
};

/** Files of policies, or a trust state with policies of its own. */
type Side = { readonly kind: 'files' | 'state'; readonly place: string };

export async function diffPolicies(invocation: Asked): Promise<number> {
  const { terminal, form, flags } = invocation;
  const [before, after] = sidesOf(invocation);
  if (before.place === after.place && flags.revoke.length === 0 && flags.at === undefined)
    throw new SealwardError('ERR_USAGE', 'nothing differs', { hint: 'Name other policies, a revocation with --revoke, or a moment with --at.' });
  const now = { ...invocation, flags: { ...flags, at: undefined } };
  const moment = flags.at === undefined ? undefined : momentFlag('at', flags.at);
  const [old, other] = await questions(now, before, after);
  const supposed = supposing(other, flags.revoke);
  const changed = moment === undefined ? supposed : { ...supposed, now: moment, trust: renewed(supposed.trust, moment, invocation) };
  const { images, judging } = imagesOf(now);
  const { differing, count } = await compare(judging, invocation, old, changed, images);
  if (form === 'json')
    terminal.print(visibleJson(differing.map((row) => ({ image: row.name, before: answer(row.was), after: answer(row.is), why: whyOf(row.was, row.is) }))));
  else {
    for (const row of differing) terminal.print(lineOf(row, (text) => terminal.style(row.is.outcome === 'verified' ? 'green' : 'red', text)));
    terminal.print(summaryOf(differing.length, count));
  }
  return 0;
}

interface Differing {
  readonly name: string;
  readonly was: JudgedByPolicy;
  readonly is: JudgedByPolicy;
}

/** Images whose answer is another one by the second question. */
async function compare(
  before: PolicyInvocation,
  after: PolicyInvocation,
  old: Question,
  changed: Question,
  images: readonly string[],
): Promise<{ readonly differing: readonly Differing[]; readonly count: number }> {
  const [was, is] = [await judgeByPolicy(before, old, images), await judgeByPolicy({ ...after, flags: before.flags }, changed, images)];
  const rows = was.map((one, i): Differing => ({ name: one.name, was: one, is: is[i] as JudgedByPolicy }));
  const differing = rows.filter(
    (row) => row.was.outcome !== row.is.outcome || row.was.code !== row.is.code || row.was.decision?.action !== row.is.decision?.action,
  );
  return { differing, count: rows.length };
}

/** In words, what other policies under one trust would change of all that is held. @param invocation with --evidence. */
export async function imagesThatDiffer(invocation: PolicyInvocation, old: Question, changed: Question): Promise<string[]> {
  const images = heldImages(openEvidence(invocation.flags.evidence ?? '', invocation, false));
  const { differing, count } = await compare(invocation, invocation, old, changed, images);
  return [...differing.map((row) => lineOf(row, (text) => text)), summaryOf(differing.length, count)];
}

function lineOf({ name, was, is }: Differing, style: (text: string) => string): string {
  return `${visible(name)}: ${said(was)} -> ${style(said(is))}: ${visible(whyOf(was, is))}`;
}

function summaryOf(differing: number, count: number): string {
  return `${differing} of ${count} ${count === 1 ? 'image' : 'images'} would get another answer`;
}

function sidesOf({ arguments: [, ...places], flags: { trust } }: Asked): readonly [Side, Side] {
  if (places.length > 2)
    throw new SealwardError('ERR_USAGE', 'there are more than an old and a new place of policies', { hint: 'Put the files of each into a folder.' });
  const sides = places.map((place): Side => ({ kind: isTrustPlace(place) ? 'state' : 'files', place }));
  if (sides.length === 0 && trust !== undefined) sides.push({ kind: 'state', place: trust });
  const [before, after = before] = sides;
  if (!before || !after)
    throw new SealwardError('ERR_USAGE', 'no policies are named', {
      hint: 'Name the old and the new ones, as in `sealward policy diff OLD NEW --evidence STORE`, or a trust state that has some.',
    });
  if (trust !== undefined && places.length > 0 && sides.every(({ kind }) => kind === 'state'))
    throw new SealwardError('ERR_FLAG_CONFLICT', '--trust says nothing beside trust states that are compared by themselves', { hint: 'Leave it out.' });
  return [before, after];
}

/** Files are tried under the trust that is named, else under that of the other side: the same keys, other policies. */
async function questions(invocation: Asked, before: Side, after: Side): Promise<readonly [Question, Question]> {
  const own = async ({ kind, place }: Side): Promise<Question | undefined> => (kind === 'state' ? stateQuestion(invocation, place) : undefined);
  const [first, last] = [await own(before), before.place === after.place ? undefined : await own(after)];
  const files = ({ place }: Side, other: Question | undefined): Promise<Question> =>
    triedQuestion(invocation, [place], invocation.flags.trust === undefined ? other?.trust : undefined);
  const old = first ?? (await files(before, last));
  return [old, last ?? (before.place === after.place ? old : await files(after, first))];
}

/** The images that are named; with evidence and without a name all that something is held about, and then no registry is asked. */
function imagesOf(invocation: Asked): { readonly images: readonly string[]; readonly judging: Asked } {
  const { flags } = invocation;
  if (flags.image.length > 0) return { images: flags.image, judging: invocation };
  if (flags.evidence === undefined)
    throw new SealwardError('ERR_USAGE', 'no images are named', {
      hint: 'Name those that matter with --image, or with --evidence the folder or archive of which all are judged.',
    });
  const images = heldImages(openEvidence(flags.evidence, invocation, false));
  if (images.length === 0) throw new SealwardError('ERR_EVIDENCE_MISSING', `nothing is held in ${visible(flags.evidence)}`);
  return { images, judging: { ...invocation, flags: { ...flags, offline: true } } };
}

function answer({ outcome, code, decision, error }: JudgedByPolicy): object {
  return { outcome, code, action: decision?.action ?? null, message: messageOf({ decision, error }) };
}

function messageOf({ decision, error }: { decision?: JudgedByPolicy['decision'] | undefined; error?: JudgedByPolicy['error'] | undefined }): string {
  return decision?.message ?? error?.message ?? '';
}

/** What is wrong on the side that is worse; that all is well says nothing. */
function whyOf(was: JudgedByPolicy, is: JudgedByPolicy): string {
  return is.outcome === 'verified' && is.code === 'VERIFIED' ? `no longer: ${messageOf(was)}` : messageOf(is);
}

function said({ outcome, code }: JudgedByPolicy): string {
  return outcome === 'verified' && code === 'VERIFIED' ? 'verified' : `${outcome} (${code})`;
}

/** `KEY`, or `KEY@TIME`: as if it had been revoked from then on. */
function supposing(question: Question, revoked: readonly string[]): Question {
  return revoked.reduce((so, text) => {
    const at = text.lastIndexOf('@');
    const time = at < 0 ? undefined : momentFlag('revoke', text.slice(at + 1));
    return { ...so, trust: supposeRevoked(so.trust, at < 0 ? text : text.slice(0, at), time) };
  }, question);
}

/** That nobody renewed the lease by then is not what is asked about. */
function renewed(trust: TrustState, moment: number, { terminal }: Asked): TrustState {
  if (trust.lease.endsAt > moment) return trust;
  terminal.say(`the lease of the trust state ends before then (${new Date(trust.lease.endsAt).toISOString()}); it is taken to be renewed`);
  return supposeRenewed(trust, moment);
}
