/**
 * One requirement, as flags state it, over the facts about one artifact. Pure comparison; it verifies nothing, fetches
 * nothing and keeps nothing.
 */
import type { Anchors } from '../trust/index.ts';
import { type AnchorIndex, indexAnchors, nameOf } from './anchor-index.ts';
import { type Asked, type Context, findingOf } from './asked.ts';
import { trustedTimes } from './check-time.ts';
import { CHECK, CHECKS, type Check } from './checks.ts';
import { Clock } from './clock.ts';
import type { Finding, ProvenFacts, ProvenSignature, TimeFact } from './facts.ts';
import type { FlagCandidate, FlagDecision } from './flag-decision.ts';
import { askedByFlags, type FlagRequirement } from './flag-requirement.ts';

/** Flags ask nothing of these, and an answer lists only what was asked. */
const FOR_POLICIES: readonly Check[] = ['denied', 'strength', 'key-state', 'age'];
/** The name that flags ask for stands in what they ask. */
const NO_NAME = { repository: '' };
const FLAG_CHECKS = CHECKS.filter((check) => !FOR_POLICIES.includes(check));

export interface FlagRequest {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Those under which the facts were proven: their windows are judged here. */
  readonly anchors: Anchors;
}

export function decideByFlags(facts: ProvenFacts, requirement: FlagRequirement, { now, anchors }: FlagRequest): FlagDecision {
  const asked = askedByFlags(requirement);
  const context: Context = { image: NO_NAME, clock: new Clock(now), anchors: indexAnchors(anchors), admittedBefore: false };
  const candidates = facts.signatures
    .filter(({ role }) => requirement.role === 'any' || role === requirement.role || role === 'unknown')
    .map((signature) => judge(signature, asked, context))
    .map((candidate, _, all) => withCompanions(candidate, all, requirement))
    .sort((a, b) => Number(b.counts) - Number(a.counts) || b.passed.length - a.passed.length);
  const { places } = facts;
  if (candidates.some(({ counts }) => counts)) return { outcome: 'verified', code: 'VERIFIED', candidates, places };
  const finding = nearestMiss(facts, candidates, requirement);
  // "Unsigned" and "wrongly signed" are said only when every place answered: another may hold the good signature.
  const silent = places.find(({ state }) => state === 'unavailable') ?? places.find(({ state }) => state === 'not-asked');
  if (silent || places.length === 0) {
    const seen = finding.code === 'NO_SIGNATURE' ? {} : { finding };
    return { outcome: 'inconclusive', code: silent?.cause?.code ?? 'PLACE_NOT_ASKED', candidates, places, ...seen };
  }
  return { outcome: 'rejected', code: finding.code, candidates, finding, places };
}

/** One signature against the requirement: the checks in their order, until the first that fails. */
function judge(facts: ProvenSignature, asked: Asked, context: Context): FlagCandidate {
  const times = trustedTimes(facts, context);
  const passed: Check[] = [];
  const about = { facts, passed, ...spanOf(times), ...identityOf(facts, asked), names: namesOf(facts, context.anchors) };
  for (const check of FLAG_CHECKS) {
    const missed = CHECK[check]({ facts, times }, asked, context);
    if (missed) return { ...about, counts: false, failed: { check, finding: findingOf(missed) } };
    passed.push(check);
  }
  return { ...about, counts: true };
}

function spanOf(times: readonly TimeFact[]): Pick<FlagCandidate, 'time'> {
  return times.length === 0 ? {} : { time: { from: Math.min(...times.map(({ from }) => from)), to: Math.min(...times.map(({ to }) => to)) } };
}

function identityOf({ signers }: ProvenSignature, { identities, signer }: Asked): Pick<FlagCandidate, 'identity'> {
  const names = (signer === 'certificate' && signers[0]?.certificate?.names) || [];
  const shown = names.find((name) => identities[0]?.name?.matches(name)) ?? names[0];
  return shown === undefined ? {} : { identity: shown };
}

function namesOf({ signers, times, entries }: ProvenSignature, anchors: AnchorIndex): FlagCandidate['names'] {
  const key = signers[0]?.anchor;
  return {
    ...(key === undefined ? {} : { key: nameOf(anchors, key) }),
    times: times.map(({ anchor }) => nameOf(anchors, anchor)),
    entries: entries.map(({ anchor }) => nameOf(anchors, anchor)),
  };
}

/**
 * A signature whose signed statement says that others belong to it (post-quantum beside classical) counts only together
 * with those of them that the trusted keys can vouch for: so neither can be stripped without notice.
 */
function withCompanions(candidate: FlagCandidate, all: readonly FlagCandidate[], { signer }: FlagRequirement): FlagCandidate {
  if (!candidate.counts) return candidate;
  const required = candidate.facts.requiredAlgorithms.filter((id) => signer.algorithms?.includes(id));
  const stripped = required.find(
    (id) => !all.some(({ counts, facts }) => counts && facts.signers[0]?.algorithm === id && facts.requiredAlgorithms.includes(id)),
  );
  if (stripped === undefined) return candidate;
  const finding: Finding = { code: 'COMPANION_MISSING', detail: `the signer says that a signature with ${stripped} stands beside it, and none does` };
  return { ...candidate, counts: false, passed: candidate.passed.filter((check) => check !== 'companions'), failed: { check: 'companions', finding } };
}

function nearestMiss(facts: ProvenFacts, candidates: readonly FlagCandidate[], requirement: FlagRequirement): Finding {
  const left = facts.places.reduce((sum, place) => sum + (place.left ?? 0), 0);
  if (left > 0) return { code: 'TOO_MANY', detail: `${left} more were not looked at` };
  const [nearest] = candidates;
  if (nearest?.failed) return nearest.failed.finding;
  const [unreadable] = facts.unreadable;
  if (unreadable) return { code: unreadable.code, detail: unreadable.detail };
  return {
    code: 'NO_SIGNATURE',
    detail: `every place that may hold ${requirement.role === 'attestation' ? 'an attestation' : 'a signature'} answered, and none does`,
  };
}
