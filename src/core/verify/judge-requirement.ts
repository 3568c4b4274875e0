/** One requirement of one policy over the facts about one image: met, not met, or not known. */
import {
  type Appraisal,
  type Authority,
  type Combination,
  excuse,
  type Excuse,
  type ImagePolicy,
  inCombination,
  type Requirement,
  VEX_CONDITION_ID,
} from '../policy/index.ts';
import { algorithmsFor } from '../crypto/index.ts';
import type { ErrorCode, FindingCode } from '../errors.ts';
import { type Asked, type Context, type Dated, type Miss, miss } from './asked.ts';
import { CHECK, CHECKS } from './checks.ts';
import { isSatisfied } from './combination.ts';
import type { Facts, SignerFact } from './facts.ts';
import { firstOf } from './key-state.ts';
import type { Law } from './law.ts';
import type { Request } from './request.ts';
import { principalOf, type TrustIndex } from './trust-index.ts';

/** The value of the condition (by id) for the statement (by `sha256:hex`), where it was appraised. */
export type Appraisals = (statement: string, condition: string) => Appraisal | undefined;

/** Everything that judging one image reads. */
export interface Hearing {
  readonly facts: Facts;
  readonly dated: readonly Dated[];
  readonly context: Context & { readonly trust: TrustIndex };
  readonly request: Request;
  readonly appraisals: Appraisals;
  readonly law: Law;
}

export interface Unmet {
  /** `unknown`: it could not be found out. */
  readonly status: 'unmet' | 'unknown';
  /** Nothing that may still be found about the image could change it. */
  readonly isSettled?: true;
  readonly code: FindingCode | ErrorCode;
  readonly detail: () => string;
}

/** A signature that passed every check as this authority's. */
export interface Counted {
  readonly dated: Dated;
  readonly authority: Authority;
  readonly principal: string;
}

type Of<Kind extends Requirement['kind']> = Extract<Requirement, { kind: Kind }>;

/** Undefined when it is met. */
export function judgeRequirement(requirement: Requirement, policy: ImagePolicy, hearing: Hearing): Unmet | undefined {
  switch (requirement.kind) {
    case 'refusal':
      return settled('IMAGE_REFUSED', () => requirement.reason);
    case 'image':
      return judgeImage(requirement, hearing.request);
    case 'signatures':
      return openToNews(judgeSignatures(requirement, policy, hearing), requirement, hearing);
    case 'attestation':
      return openToNews(judgeAttestation(requirement, policy, hearing), requirement, hearing);
  }
}

function unmet(code: FindingCode, detail: () => string): Unmet {
  return { status: 'unmet', code, detail };
}

function settled(code: FindingCode, detail: () => string): Unmet {
  return { ...unmet(code, detail), isSettled: true };
}

/** Nothing is said to be missing before every place answered; and where only the latest will do, not even that it is there. */
function openToNews(judged: Unmet | undefined, { latest }: Of<'signatures'> | Of<'attestation'>, { facts: { places }, context }: Hearing): Unmet | undefined {
  if (!judged && !latest) return undefined;
  const silent = places.find(({ state }) => state === 'unavailable') ?? places.find(({ state }) => state === 'not-asked');
  if (silent || places.length === 0) {
    const code = silent?.cause?.code ?? 'PLACE_NOT_ASKED';
    return {
      status: 'unknown',
      code,
      detail: () => `${silent ? silent.where : 'nothing'}: ${silent?.cause?.message ?? 'it was not asked'}${judged ? `; ${judged.detail()}` : ''}`,
    };
  }
  const stale = latest && places.find(({ askedAt }) => askedAt === undefined || askedAt + latest.maxLag < context.clock.now);
  // Only where none is stale can time alone make one so: in whatever order they stand.
  if (latest && !stale) for (const { askedAt = 0 } of places) context.clock.notAfter(askedAt + latest.maxLag);
  return stale ? { status: 'unknown', code: 'EVIDENCE_STALE', detail: () => `${stale.where} was asked too long ago` } : judged;
}

function judgeImage({ repositories, tags, labels }: Of<'image'>, request: Request): Unmet | undefined {
  const { repository, tag, labels: found } = request;
  if (repositories.length > 0 && !repositories.some(({ matches }) => matches(repository)))
    return settled('IMAGE_NAME_REFUSED', () => `the repository ${repository} is not one of ${repositories.map(({ text }) => text).join(', ')}`);
  // A reference by digest alone has no tag that could be named wrongly.
  if (tags.length > 0 && tag !== undefined && !tags.some(({ matches }) => matches(tag)))
    return settled('IMAGE_NAME_REFUSED', () => `the tag ${tag} is not one of ${tags.map(({ text }) => text).join(', ')}`);
  if (labels.length === 0) return undefined;
  if (!found) return { status: 'unknown', code: 'IMAGE_LABELS_UNKNOWN', detail: () => labels.map(({ key }) => key).join(', ') };
  const missing = labels.find(({ key, value }) => !Object.hasOwn(found, key) || value?.matches(found[key] as string) === false);
  return (
    missing && unmet('IMAGE_LABEL_MISSING', () => `${missing.key} is ${Object.hasOwn(found, missing.key) ? found[missing.key]?.slice(0, 200) : 'not set'}`)
  );
}

function judgeSignatures({ combination }: Of<'signatures'>, policy: ImagePolicy, hearing: Hearing): Unmet | undefined {
  const signersOf = (authority: Authority): string[] => principalsOf(countedAs(authority, 'signature', policy, hearing));
  if (isSatisfied(combination, signersOf)) return undefined;
  const authorities = inCombination(combination);
  const counted = authorities.flatMap((authority) => countedAs(authority, 'signature', policy, hearing));
  const others = hearing.dated.filter((dated) => !counted.some((one) => one.dated === dated));
  const nearest = nearestMiss(authorities, 'signature', policy, { ...hearing, dated: others });
  if (counted.length === 0) return nearest;
  return unmet('SIGNERS_MISSING', () => {
    const more = nearest.code !== 'NO_SIGNATURE' ? nearest.detail() : isSilent(hearing.facts) ? 'no place that answered holds another' : 'nobody else signed';
    return `signed by ${principalsOf(counted).sort().join(', ')}; wanted was ${describeCombination(combination)}; ${more}`;
  });
}

function principalsOf(counted: readonly Counted[]): string[] {
  const names = counted.map(({ principal }) => principal);
  return names.length < 2 ? names : [...new Set(names)];
}

export function describeCombination(combination: Combination): string {
  if (combination.kind === 'authority') return combination.authority.name;
  const parts = combination.of.map((part) => (part.kind === 'authority' ? part.authority.name : `(${describeCombination(part)})`));
  return parts.length === 1 ? (parts[0] as string) : `${combination.count} of ${parts.join(', ')}`;
}

function askedFor(authority: Authority, role: 'signature' | 'attestation', policy: ImagePolicy, { law }: Hearing, types?: readonly string[]): Asked {
  const asked = law.askedBy(policy, authority);
  return types ? asked.ofTypes(types) : asked[role];
}

/** The signatures that count as this authority's, those of stripped companions left out. */
export function countedAs(
  authority: Authority,
  role: 'signature' | 'attestation',
  policy: ImagePolicy,
  hearing: Hearing,
  types?: readonly string[],
): readonly Counted[] {
  let asked: Asked | undefined;
  const counted: Counted[] = [];
  for (const dated of hearing.dated) {
    const [signer] = dated.facts.signers;
    if (dated.facts.role !== role || !signer || !couldBe(authority, signer)) continue;
    asked ??= askedFor(authority, role, policy, hearing, types);
    if (!firstMiss(dated, asked, hearing.context))
      counted.push({ dated, authority, principal: principalOf(signer, hearing.context.trust, authority.kind === 'key') });
  }
  return withCompanions(counted, authority, policy, hearing);
}

/** Cheap, and never wrong about one that counts: most signatures are somebody else's. */
function couldBe(authority: Authority, { anchor, certificate }: SignerFact): boolean {
  return authority.kind === 'key' ? anchor !== undefined && authority.anchors.includes(anchor) : certificate !== undefined;
}

function firstMiss(dated: Dated, asked: Asked, context: Context): Miss | undefined {
  for (const check of CHECKS) {
    const missed = CHECK[check](dated, asked, context);
    if (missed) return missed;
  }
  return undefined;
}

/** Classical and post-quantum side by side: both must be there when the policy says so, and what the signer listed must be, or it was stripped. */
function withCompanions(
  counted: readonly Counted[],
  authority: Authority,
  { strictness: { postQuantum } }: ImagePolicy,
  { context }: Hearing,
): readonly Counted[] {
  if (postQuantum === 'off') return counted;
  const vouchable = vouchableAlgorithms(authority, context);
  return counted.filter((one) => {
    const beside = counted.filter((other) => besides(one, other));
    if (postQuantum === 'require' && !beside.some((other) => isPostQuantum(other) !== isPostQuantum(one))) return false;
    return one.dated.facts.requiredAlgorithms.every((id) => !vouchable.has(id) || beside.some((other) => algorithmOf(other) === id));
  });
}

/** Of attestations those over the same statement; signatures are all about the same image. */
function besides({ dated: { facts: a } }: Counted, { dated: { facts: b } }: Counted): boolean {
  return a.role === 'signature' || a.statement === b.statement;
}

function algorithmOf({ dated }: Counted): string {
  return dated.facts.signers[0]?.algorithm ?? '';
}

function isPostQuantum({ dated }: Counted): boolean {
  return dated.facts.signers[0]?.kind === 'ml-dsa';
}

function vouchableAlgorithms(authority: Authority, { anchors }: Context): ReadonlySet<string> {
  if (authority.kind !== 'key') return new Set();
  return new Set(
    authority.anchors.flatMap((id) =>
      (anchors.get(id) ?? []).flatMap((anchor) => (anchor.kind === 'key' ? algorithmsFor(anchor.key).map((one) => one.id) : [])),
    ),
  );
}

/** How far the best candidate came, over all who could have made it. */
export function nearestMiss(
  authorities: readonly Authority[],
  role: 'signature' | 'attestation',
  policy: ImagePolicy,
  hearing: Hearing,
  types?: readonly string[],
): Unmet {
  let best: { readonly at: number; readonly miss: Miss } | undefined;
  for (const dated of hearing.dated) {
    if (dated.facts.role !== role && dated.facts.role !== 'unknown') continue;
    const near = nearestOf(dated, authorities, role, policy, hearing, types);
    if (near && (!best || near.at > best.at || (near.at === best.at && near.miss.code < best.miss.code))) best = near;
  }
  const left = hearing.facts.places.reduce((sum, place) => sum + (place.left ?? 0), 0);
  if (left > 0) return unmet('TOO_MANY', () => `${left} more were not looked at`);
  if (best) return { status: 'unmet', ...best.miss };
  const unreadable = firstUnreadable(hearing.facts);
  if (unreadable) return unmet(unreadable.code, () => unreadable.detail);
  const silent = isSilent(hearing.facts);
  return unmet(role === 'signature' ? 'NO_SIGNATURE' : 'NO_ATTESTATION', () =>
    silent ? 'no place that answered holds one' : 'every place answered, and none holds one',
  );
}

function isSilent({ places }: Facts): boolean {
  return places.length === 0 || places.some(({ state }) => state !== 'complete' && state !== 'absent');
}

/** The same one in whatever order they were found. */
function firstUnreadable({ unreadable }: Facts): Facts['unreadable'][number] | undefined {
  const name = ({ document, code, detail }: Facts['unreadable'][number]): string => `${code} ${document} ${detail}`;
  return unreadable.length < 2 ? unreadable[0] : unreadable.reduce((first, one) => (name(one) < name(first) ? one : first));
}

/** The check at which one signature failed under the authority that it came nearest to. */
export function nearestOf(
  dated: Dated,
  authorities: readonly Authority[],
  role: 'signature' | 'attestation',
  policy: ImagePolicy,
  hearing: Hearing,
  types?: readonly string[],
): { readonly at: number; readonly miss: Miss; readonly authority: Authority } | undefined {
  let best: { readonly at: number; readonly miss: Miss; readonly authority: Authority } | undefined;
  for (const authority of authorities) {
    const asked = askedFor(authority, role, policy, hearing, types);
    const at = CHECKS.findIndex((check) => CHECK[check](dated, asked, hearing.context) !== undefined);
    const missed =
      at >= 0
        ? (CHECK[CHECKS[at] as (typeof CHECKS)[number]](dated, asked, hearing.context) as Miss)
        : miss(stripped(dated), () => `what was signed with it as ${authority.name} is not there`);
    const far = at >= 0 ? at : CHECKS.length;
    const nearer = !best || far > best.at || (far === best.at && `${missed.code} ${authority.name}` < `${best.miss.code} ${best.authority.name}`);
    if (nearer) best = { at: far, miss: missed, authority };
  }
  return best;
}

function stripped({ facts }: Dated): FindingCode {
  return facts.requiredAlgorithms.length > 0 ? 'COMPANION_MISSING' : 'POST_QUANTUM_MISSING';
}

function judgeAttestation(requirement: Of<'attestation'>, policy: ImagePolicy, hearing: Hearing): Unmet | undefined {
  const { from, predicateTypes, atLeast } = requirement;
  const counted = from.flatMap((authority) => latestOf(countedAs(authority, 'attestation', policy, hearing, predicateTypes), atLeast > 1));
  const holding = new Set<string>();
  const unsure = new Set<string>();
  let first: Unmet | undefined;
  for (const one of counted) {
    const missed = judgeStatement(one, requirement, policy, hearing);
    if (!missed) holding.add(one.principal);
    else {
      if (missed.status === 'unknown') unsure.add(one.principal);
      // What could not be found out comes before what was, or the answer would claim too much.
      if (!first || (first.status === 'unmet' && missed.status === 'unknown')) first = missed;
    }
  }
  if (Number.isInteger(atLeast) && atLeast >= 1 && holding.size >= atLeast) return undefined;
  const status = holding.size + [...unsure].filter((one) => !holding.has(one)).length >= atLeast ? 'unknown' : 'unmet';
  if (first) return status === 'unmet' && first.status === 'unknown' ? unmet('SIGNERS_MISSING', first.detail) : first;
  if (holding.size > 0) return unmet('SIGNERS_MISSING', () => `attested by ${[...holding].sort().join(', ')}; ${atLeast} different signers are asked for`);
  return nearestMiss(from, 'attestation', policy, hearing, predicateTypes);
}

/**
 * Of one authority's attestations of one type only the latest dated counts; where several signers are asked for, each
 * signer's own latest. What nobody dated stands behind everything that somebody did.
 */
export function latestOf(counted: readonly Counted[], perPrincipal: boolean): readonly Counted[] {
  if (counted.length < 2) return counted;
  const momentOf = ({ dated }: Counted): number => firstOf(dated.times)?.to ?? Number.NEGATIVE_INFINITY;
  const groups = Map.groupBy(counted, ({ dated, principal }) => `${dated.facts.predicateType ?? ''}${perPrincipal ? ` ${principal}` : ''}`);
  return [...groups.values()].flatMap((group) => {
    const last = group.reduce((most, one) => Math.max(most, momentOf(one)), Number.NEGATIVE_INFINITY);
    return group.filter((one) => momentOf(one) === last);
  });
}

/** Whether one attestation says what is asked, and lately enough. */
export function judgeStatement({ dated }: Counted, { conditions, maxAge }: Of<'attestation'>, policy: ImagePolicy, hearing: Hearing): Unmet | undefined {
  const { statement = '' } = dated.facts;
  let unknown: Unmet | undefined;
  let statedAt: number | undefined;
  for (const condition of conditions) {
    const found = hearing.appraisals(statement, condition.id);
    const value = found && condition.kind === 'scan' && found.value === 'fails' ? excuse(found, excusesOf(condition.vex, policy, hearing)) : found;
    if (value?.value === 'fails') return unmet('CONDITION_FAILED', () => `${condition.text}: ${value.detail}`);
    if (value?.value === 'holds') statedAt = Math.min(value.statedAt ?? Number.POSITIVE_INFINITY, statedAt ?? Number.POSITIVE_INFINITY);
    else if (value) unknown ??= { status: 'unknown', code: value.code, detail: () => `${condition.text}: ${value.detail}` };
    else unknown ??= { status: 'unknown', code: 'CONDITION_UNKNOWN', detail: () => condition.text };
  }
  return unknown ?? checkStatementAge(dated, statedAt, maxAge, hearing);
}

/** By the earlier of what others prove and what the signer says: neither a late date nor a late word makes it younger. */
function checkStatementAge({ times }: Dated, statedAt: number | undefined, maxAge: number | undefined, { context: { clock } }: Hearing): Unmet | undefined {
  if (maxAge === undefined) return undefined;
  const made = Math.min(firstOf(times)?.to ?? Number.POSITIVE_INFINITY, statedAt ?? Number.POSITIVE_INFINITY);
  if (made === Number.POSITIVE_INFINITY) return unmet('TIME_MISSING', () => 'its age is asked for, and nobody says when it was made');
  return clock.notAfter(made + maxAge) ? undefined : unmet('SIGNATURE_TOO_OLD', () => `it was made at ${new Date(made).toISOString()}`);
}

function excusesOf(authorities: readonly Authority[], policy: ImagePolicy, hearing: Hearing): Excuse[] {
  return authorities
    .flatMap((authority) =>
      latestOf(
        countedAs(authority, 'attestation', policy, hearing).filter(({ dated }) => vexOf(dated, hearing) !== undefined),
        false,
      ),
    )
    .flatMap(({ dated }) => vexOf(dated, hearing) ?? []);
}

function vexOf({ facts: { statement } }: Dated, { appraisals }: Hearing): readonly Excuse[] | undefined {
  const found = statement === undefined ? undefined : appraisals(statement, VEX_CONDITION_ID);
  return found?.value === 'holds' ? found.excuses : undefined;
}
