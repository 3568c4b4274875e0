/**
 * The judge's second half: what the facts are worth under a requirement. Pure comparison; it verifies nothing, fetches
 * nothing and keeps nothing. Windows and the clock come in here, and only here.
 */
import { entityRole } from '../bundle/index.ts';
import { wasValidAt } from '../crypto/index.ts';
import { inWindow } from '../trust/index.ts';
import { type Candidate, CHECKS, type Check, type Decision } from './decision.ts';
import type { EntryFact, Facts, Finding, SignatureFacts, SignerFact, TimeFact } from './facts.ts';
import { checkClaims, checkIdentity, type IdentityMatch, requiredAlgorithms } from './match.ts';
import type { Requirement } from './requirement.ts';

export interface Request {
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function decide(facts: Facts, requirement: Requirement, request: Request): Decision {
  const candidates = facts.signatures
    .filter(({ entity }) => requirement.role === 'any' || entityRole(entity) === requirement.role || entity.claim.kind === 'unknown')
    .map((signature) => judge(signature, requirement, request))
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

/**
 * A signature whose signed statement says that others belong to it (post-quantum beside classical) counts only together
 * with those of them that the trusted keys can vouch for: so neither can be stripped without notice.
 */
function withCompanions(candidate: Candidate, all: readonly Candidate[], { signer }: Requirement): Candidate {
  if (!candidate.counts) return candidate;
  const required = requiredAlgorithms(candidate.facts).filter((id) => signer.algorithms?.includes(id));
  const stripped = required.find(
    (id) => !all.some(({ counts, facts }) => counts && facts.signers[0]?.algorithm.id === id && requiredAlgorithms(facts).includes(id)),
  );
  if (stripped === undefined) return candidate;
  const finding: Finding = { code: 'COMPANION_MISSING', detail: `the signer says that a signature with ${stripped} stands beside it, and none does` };
  return { ...candidate, counts: false, passed: candidate.passed.filter((check) => check !== 'companions'), failed: { check: 'companions', finding } };
}

function nearestMiss(facts: Facts, candidates: readonly Candidate[], requirement: Requirement): Finding {
  const left = facts.places.reduce((sum, place) => sum + (place.left ?? 0), 0);
  if (left > 0) return { code: 'TOO_MANY', detail: `${left} more were not looked at` };
  const [nearest] = candidates;
  if (nearest?.failed) return nearest.failed.finding;
  const [unreadable] = facts.unreadable;
  if (unreadable?.unreadable) return unreadable.unreadable;
  return {
    code: 'NO_SIGNATURE',
    detail: `every place that may hold ${requirement.role === 'attestation' ? 'an attestation' : 'a signature'} answered, and none does`,
  };
}

/** One signature against the requirement: the checks in their order, until the first that fails. */
function judge(facts: SignatureFacts, requirement: Requirement, request: Request): Candidate {
  const [signer] = facts.signers;
  const times = trustedTimes(facts);
  const identity: IdentityMatch = {};
  const checks: Record<Check, () => Finding | undefined> = {
    readable: () => undefined,
    type: () => checkType(facts, requirement),
    subject: () => checkSubject(facts),
    signer: () => checkSigner(facts, signer, requirement),
    unbroken: () => facts.broken[0],
    log: () => checkLogs(facts, times, requirement, request),
    time: () => checkTime(facts, signer, times, requirement),
    certificate: () => checkCertificate(signer, times, requirement, request),
    'certificate-log': () => checkCertificateLog(signer, requirement),
    identity: () => checkIdentity(signer, requirement, identity),
    claims: () => checkClaims(facts, requirement),
    // Judged when all candidates are known: withCompanions.
    companions: () => undefined,
  };
  const passed: Check[] = [];
  const span = times.length > 0 ? { time: { from: Math.min(...times.map(({ from }) => from)), to: Math.min(...times.map(({ to }) => to)) } } : {};
  for (const check of CHECKS) {
    const finding = checks[check]();
    if (finding) return { facts, counts: false, passed, failed: { check, finding }, ...span, ...identity };
    passed.push(check);
  }
  return { facts, counts: true, passed, ...span, ...identity };
}

function checkType({ entity }: SignatureFacts, { role, predicateTypes }: Requirement): Finding | undefined {
  if (entity.claim.kind === 'unknown') return { code: 'FORMAT_UNSUPPORTED', detail: `its payload is of the type ${entity.claim.payloadType.slice(0, 100)}` };
  if (role === 'signature' || !predicateTypes || entity.claim.kind !== 'statement') return undefined;
  const { predicateType } = entity.claim.statement;
  return predicateTypes.includes(predicateType)
    ? undefined
    : { code: 'PREDICATE_TYPE_MISMATCH', detail: `its predicate is of the type ${predicateType.slice(0, 200)}` };
}

/** Binding: what is signed must contain the digest asked about. */
function checkSubject({ about, findings, broken }: SignatureFacts): Finding | undefined {
  if (about !== undefined) return undefined;
  return (
    [...findings, ...broken].find(({ code }) => code === 'DIGEST_MISMATCH' || code === 'FORMAT_UNSUPPORTED') ?? {
      code: 'DIGEST_MISMATCH',
      detail: 'it is not about this digest',
    }
  );
}

function checkSigner({ broken, findings }: SignatureFacts, signer: SignerFact | undefined, { signer: wanted }: Requirement): Finding | undefined {
  if (!signer) {
    const why = [...broken, ...findings].find(({ code }) => code === 'SIGNATURE_INVALID' || code === 'KEY_MISMATCH' || code === 'ALGORITHM_REFUSED');
    if (why) return why;
    return wanted.kind === 'certificate'
      ? { code: 'CERTIFICATE_MISSING', detail: 'it was made with a bare key, and an identity was asked for' }
      : { code: 'SIGNATURE_INVALID', detail: 'no key that is trusted made it' };
  }
  if (wanted.kind === 'key') return signer.anchor ? undefined : { code: 'KEY_MISMATCH', detail: 'its certificate holds another key' };
  if (!signer.certificate) return { code: 'CERTIFICATE_MISSING', detail: 'it was made with a bare key, and an identity was asked for' };
  return signer.certificate.findings.find(({ code }) => code === 'CERTIFICATE_UNTRUSTED' || code === 'CERTIFICATE_PURPOSE');
}

/**
 * Times that count: stated by a party that was trusted at that time. Windows are inclusive at both ends
 * (sigstore common.proto, TimeRange).
 */
function trustedTimes({ times }: SignatureFacts): TimeFact[] {
  return times.filter(({ anchor, at }) => inWindow(anchor.window, at));
}

/** Counting is per independent party, never per entry (CVE-2026-49834). */
function principals(facts: readonly { readonly anchor: { readonly id: string; readonly operator?: string }; readonly principal?: string }[]): number {
  return new Set(facts.map(({ anchor, principal }) => anchor.operator ?? principal ?? anchor.id)).size;
}

function checkLogs(facts: SignatureFacts, times: readonly TimeFact[], { logs }: Requirement, { now }: Request): Finding | undefined {
  if (logs === 0) return undefined;
  const counted = facts.entries.filter((entry) => entryInWindow(entry, times, now));
  if (principals(counted) >= logs) return undefined;
  if (counted.length > 0) return { code: 'THRESHOLD_NOT_MET', detail: `${principals(counted)} of ${logs} independent logs hold it` };
  const [outside] = facts.entries;
  if (outside) return { code: 'LOG_OUTSIDE_WINDOW', detail: `${outside.anchor.name} is not trusted for that time` };
  return facts.findings.find(({ code }) => code.startsWith('LOG_')) ?? { code: 'LOG_ENTRY_MISSING', detail: 'it carries no log entry' };
}

/** A promise is judged at the time it states; an entry without one at the times that others state, or as of now. */
function entryInWindow({ anchor, promisedAt }: EntryFact, times: readonly TimeFact[], now: number): boolean {
  if (promisedAt !== undefined) return inWindow(anchor.window, promisedAt);
  if (times.length === 0) return inWindow(anchor.window, now);
  return times.some(({ at }) => inWindow(anchor.window, at));
}

function checkTime(
  facts: SignatureFacts,
  signer: SignerFact | undefined,
  times: readonly TimeFact[],
  { timestamps, undated, signer: wanted }: Requirement,
): Finding | undefined {
  const dated = times.filter(({ anchor }) => anchor.kind === 'timestamp-authority');
  // Not "fewer than": a threshold that is no number at all must not be met by anything (CVE-2026-23992).
  if (!(principals(dated) >= timestamps)) {
    return { code: 'THRESHOLD_NOT_MET', detail: `${principals(dated)} of ${timestamps} independent timestamp authorities dated it` };
  }
  // A bare key has no window unless somebody gave it one, so nothing has to date its signatures.
  if (wanted.kind === 'key' || !signer?.certificate || times.length > 0 || undated === 'now') return undefined;
  const [outside] = facts.times;
  if (outside) {
    return {
      code: outside.anchor.kind === 'log' ? 'LOG_OUTSIDE_WINDOW' : 'TIMESTAMP_OUTSIDE_WINDOW',
      detail: `${outside.anchor.name} is not trusted for ${new Date(outside.at).toISOString()}`,
    };
  }
  return (
    facts.findings.find(({ code }) => code.startsWith('TIMESTAMP_')) ?? {
      code: 'TIME_MISSING',
      detail: 'neither a log nor a timestamp authority states a time',
    }
  );
}

/**
 * Every certificate of the chain, and the authority's own window, must hold at every proven time (CVE-2026-24122); of a
 * key that is trusted by itself, its window (CVE-2026-54787).
 */
function checkCertificate(signer: SignerFact | undefined, times: readonly TimeFact[], { signer: wanted }: Requirement, { now }: Request): Finding | undefined {
  // verification.md, Time: the upper end of the interval is compared, so that an inexact clock cannot extend a validity.
  const moments = times.length > 0 ? times.map(({ to }) => to) : [now];
  if (wanted.kind === 'key') return checkKeyWindow(signer?.anchor, moments);
  if (!signer?.certificate) return undefined;
  const valid = signer.certificate.issuers.some(({ anchor, chain }) => moments.every((moment) => inWindow(anchor.window, moment) && wasValidAt(chain, moment)));
  if (valid) return undefined;
  const { leaf } = signer.certificate;
  const at = new Date(moments[0] as number).toISOString();
  return {
    code: 'CERTIFICATE_EXPIRED',
    detail: `it is dated ${at}; the certificate is valid from ${new Date(leaf.notBefore).toISOString()} to ${new Date(leaf.notAfter).toISOString()}`,
  };
}

function checkKeyWindow(anchor: SignerFact['anchor'], moments: readonly number[]): Finding | undefined {
  const outside = anchor && moments.find((moment) => !inWindow(anchor.window, moment));
  return outside === undefined ? undefined : { code: 'KEY_OUTSIDE_WINDOW', detail: `${anchor?.name} is not trusted for ${new Date(outside).toISOString()}` };
}

function checkCertificateLog(signer: SignerFact | undefined, { certificateLog, signer: wanted }: Requirement): Finding | undefined {
  if (!certificateLog || wanted.kind === 'key' || !signer?.certificate) return undefined;
  const { loggedBy, findings } = signer.certificate;
  if (loggedBy.some(({ anchor, at }) => inWindow(anchor.window, at))) return undefined;
  return (
    findings.find(({ code }) => code === 'SCT_MISSING' || code === 'SCT_INVALID') ?? {
      code: 'SCT_INVALID',
      detail: 'the certificate log was not trusted at that time',
    }
  );
}
