/** What the verify commands print: one sentence for each artifact, JSON, or with --explain everything that was looked at. */
import type { SignedEntity } from '../../core/bundle/index.ts';
import { describeKey } from '../../core/crypto/index.ts';
import type { JsonValue } from '../../core/encoding/index.ts';
import { documentationAnchor, ERRORS, FINDINGS, type SealwardError } from '../../core/errors.ts';
import type { Check, Finding, FlagCandidate, FlagDecision, FlagRequirement, Place } from '../../core/verify/index.ts';
import type { Answer } from './outcome.ts';
import { describeSigner, describeTime, isoTime } from './signer-words.ts';
import type { Style, Terminal } from './terminal.ts';
import { visible } from './visible.ts';

/** What came out for one artifact. */
export interface Verified extends Answer {
  /** As the user named it. */
  readonly name: string;
  /** `sha256:hex`, once it is known. */
  readonly digest?: string;
  /** `host/repository`, of images. */
  readonly repository?: string;
  readonly decision?: FlagDecision;
  /** What was asked for it. */
  readonly requirement: FlagRequirement;
  /** Instead of a decision: what kept it from being made. */
  readonly error?: SealwardError;
}

const OUTCOME_STYLE: Readonly<Record<Answer['outcome'], Style>> = { verified: 'green', rejected: 'red', inconclusive: 'yellow' };

/** Why it is not verified, and what to do. */
export interface Reason {
  readonly message: string;
  readonly hint: string;
}

export function reasonOf({ decision, error, outcome }: Verified): Reason | undefined {
  if (outcome === 'verified') return undefined;
  if (error) return { message: error.message, hint: error.hint };
  const silent = decision?.places.filter(({ cause }) => cause !== undefined) ?? [];
  if (outcome === 'inconclusive') {
    const [first] = silent;
    const seen = decision?.finding ? `; what was found does not count: ${findingText(decision.finding)}` : '';
    return {
      message: `it could not be found out: ${silent.map(({ where, cause }) => `${where}: ${cause?.message}`).join('; ')}${seen}`,
      hint: first?.cause?.hint ?? ERRORS.ERR_REGISTRY_FAILED.hint,
    };
  }
  return decision?.finding ? { message: findingText(decision.finding), hint: FINDINGS[decision.finding.code].hint } : undefined;
}

function findingText({ code, detail }: Finding): string {
  const { meaning } = FINDINGS[code];
  // Of nothing there is nothing more to say.
  return detail === '' || code === 'NO_SIGNATURE' ? meaning : `${meaning.replace(/\.$/, '')}: ${detail}`;
}

/** `host/repository:tag@sha256:...`: what was asked, and what it stood for. */
function fullName({ name, digest }: Verified): string {
  return digest === undefined || name.includes('@') || name.startsWith('sha256:') ? name : `${name}@${digest}`;
}

export function sentence(result: Verified, terminal: Terminal): string {
  const head = `${terminal.style(OUTCOME_STYLE[result.outcome], result.outcome.padEnd(8))}  ${visible(fullName(result))}`;
  if (result.outcome === 'verified') {
    const counted = result.decision?.candidates.filter(({ counts }) => counts) ?? [];
    const first = counted[0];
    const more = counted.length > 1 ? `, and ${counted.length - 1} more` : '';
    const says = first ? `\n          signed by ${visible(describeSigner(first))}${visible(describeTime(first))}${more}` : '';
    return `${head}${says}${first ? claimsOf(first) : ''}`;
  }
  const reason = reasonOf(result);
  return `${head}\n          ${visible(reason?.message ?? result.code)}\n          ${terminal.style('dim', `${result.code}  hint: ${visible(reason?.hint ?? '')}`)}`;
}

function claimsOf({ facts: { entity, claimed, annotations } }: FlagCandidate): string {
  const parts: string[] = [];
  if (entity.claim.kind === 'statement' && !entity.claim.statement.predicateType.startsWith('https://sigstore.dev/cosign/sign/'))
    parts.push(`attests ${entity.claim.statement.predicateType}`);
  if (claimed) parts.push(`for ${claimed.repository}`);
  for (const [key, value] of Object.entries(annotations)) parts.push(`${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return parts.length === 0 ? '' : `\n          ${visible(parts.join(', '))}`;
}

/** One element of the JSON document. `critical` and `optional` stand where scripts made for cosign look, and only when it is verified. */
export function resultJson(result: Verified, explain: boolean): Record<string, unknown> {
  const counted = result.decision?.candidates.filter(({ counts }) => counts) ?? [];
  const reason = reasonOf(result);
  return {
    name: result.name,
    ...(result.digest === undefined ? {} : { digest: result.digest }),
    outcome: result.outcome,
    code: result.code,
    ...(reason ? { reason: reason.message, hint: reason.hint } : {}),
    ...(result.error ? { docs: documentationAnchor(result.error.code) } : {}),
    ...(result.outcome === 'verified' && result.repository !== undefined ? cosignForm(result, counted[0]) : {}),
    signatures: counted.map((candidate) => candidateJson(candidate, result.requirement)),
    ...(explain || result.outcome !== 'verified'
      ? { others: result.decision?.candidates.filter(({ counts }) => !counts).map((candidate) => candidateJson(candidate, result.requirement)) ?? [] }
      : {}),
    ...(result.decision ? { places: result.decision.places.map(placeJson) } : {}),
  };
}

function cosignForm(result: Verified, first: FlagCandidate | undefined): Record<string, unknown> {
  const entity = first?.facts.entity;
  const type = entity?.claim.kind === 'statement' ? entity.claim.statement.predicateType : 'cosign container image signature';
  return {
    critical: {
      identity: { 'docker-reference': first?.facts.claimed?.repository ?? result.repository },
      image: { 'docker-manifest-digest': result.digest },
      type,
    },
    optional: first?.facts.annotations ?? {},
  };
}

function candidateJson(candidate: FlagCandidate, requirement: FlagRequirement): Record<string, unknown> {
  const { facts, failed, passed, time, names } = candidate;
  const { document, place, entity, signers, entries, about, claimed, annotations } = facts;
  const [signer] = signers;
  const certificate = signer?.certificate;
  return {
    counts: candidate.counts,
    ...(failed ? { failed: { check: failed.check, code: failed.finding.code, detail: failed.finding.detail } } : {}),
    passed: passed.filter((check) => isAsked(check, requirement)),
    document,
    place,
    format: entity.format,
    ...(about === undefined ? {} : { subject: about }),
    ...(signer ? { key: { kind: describeKey(signer), sha256: signer.key, algorithm: signer.algorithm } } : {}),
    ...(certificate
      ? {
          certificate: {
            identity: candidate.identity ?? null,
            serial: certificate.serial,
            sha256: certificate.fingerprint,
            claims: certificate.claims,
          },
        }
      : {}),
    ...(time ? { time: { from: isoTime(time.from), to: isoTime(time.to), datedBy: names.times } } : {}),
    log: entries.map(({ index, included }, at) => ({ name: names.entries[at], index, included })),
    ...(claimed ? { repository: claimed.repository } : {}),
    annotations,
    ...statementJson(entity),
  };
}

function statementJson(entity: SignedEntity): Record<string, JsonValue> {
  if (entity.claim.kind !== 'statement') return {};
  const { predicateType, predicate } = entity.claim.statement;
  return { predicateType, predicate };
}

function placeJson({ name, state, cause, left }: Place): Record<string, unknown> {
  return { name, state, ...(cause ? { code: cause.code, cause: cause.message } : {}), ...(left === undefined ? {} : { left }) };
}

const CHECK_WORDS: Readonly<Record<Check, string>> = {
  readable: 'it can be read',
  type: 'it is of the type that was asked for',
  subject: 'it is about this digest',
  denied: 'nothing denies it',
  signer: 'a trusted signer made it',
  unbroken: 'nothing in it was changed',
  strength: 'its algorithm is allowed',
  log: 'the log holds it',
  time: 'its time is known',
  certificate: 'its certificate was valid then',
  'key-state': 'its key was good then',
  'certificate-log': 'a certificate log saw the certificate',
  identity: 'the signer is who was asked for',
  age: 'it has the age that was asked for',
  claims: 'it says what was asked for',
  companions: 'what was signed beside it is there',
};

/** Whether a check stood for something: one that nobody asked for is passed by everything, and is not worth a line. */
function isAsked(check: Check, { signer, logs, timestamps, certificateLog, annotations, repository }: FlagRequirement): boolean {
  switch (check) {
    case 'log':
      return logs > 0;
    case 'time':
      return timestamps > 0 || signer.kind === 'certificate';
    case 'certificate':
    case 'identity':
      return signer.kind === 'certificate';
    case 'certificate-log':
      return certificateLog;
    case 'companions':
      return signer.algorithms !== undefined;
    case 'claims':
      return annotations !== undefined || repository?.rule === 'exact';
    default:
      return true;
  }
}

/** The whole story, for --explain. */
export function explanation(result: Verified, question: string, terminal: Terminal): string {
  const lines = [terminal.style('bold', visible(fullName(result))), `  asked for   ${visible(question)}`];
  for (const [at, place] of (result.decision?.places ?? []).entries()) {
    const state = { complete: 'answered', absent: 'holds nothing', unavailable: 'did not answer', 'not-asked': 'was not asked: it was not needed' }[
      place.state
    ];
    const found = result.decision?.candidates.filter(({ facts }) => facts.place === place.name).length ?? 0;
    const count = place.state === 'complete' ? ` (${found} ${found === 1 ? 'signature' : 'signatures'})` : '';
    const cause = place.cause ? `: ${visible(place.cause.message)}` : '';
    const left = place.left === undefined ? '' : `; ${place.left} more were not looked at`;
    lines.push(`  ${at === 0 ? 'places    ' : '          '}  ${place.where} ${state}${count}${cause}${left}`);
  }
  for (const [at, candidate] of (result.decision?.candidates ?? []).entries())
    lines.push('', ...candidateLines(candidate, at + 1, result.requirement, terminal));
  const reason = reasonOf(result);
  lines.push('', `  ${terminal.style(OUTCOME_STYLE[result.outcome], result.outcome)}${reason ? `: ${visible(reason.message)}` : ''}`);
  if (reason) lines.push(`  what to do  ${visible(reason.hint)}`, `  code        ${result.code}`);
  return lines.join('\n');
}

function candidateLines(candidate: FlagCandidate, number: number, requirement: FlagRequirement, terminal: Terminal): string[] {
  const { facts, failed, passed, counts, names } = candidate;
  const mark = counts ? terminal.style('green', 'counts') : terminal.style('red', 'does not count');
  const lines = [
    `  ${number}. ${mark}: ${facts.entity.format} ${visible(facts.document)} in ${facts.place}`,
    `     signed by  ${visible(describeSigner(candidate))}${visible(describeTime(candidate))}`,
  ];
  for (const [at, entry] of facts.entries.entries())
    lines.push(`     logged in  ${visible(names.entries[at] ?? '')}, entry ${entry.index}${entry.included ? ', with proof of inclusion' : ', by promise'}`);
  lines.push(...passed.filter((check) => isAsked(check, requirement)).map((check) => `     ${terminal.style('green', 'passed')}     ${CHECK_WORDS[check]}`));
  if (failed) {
    lines.push(
      `     ${terminal.style('red', 'failed')}     ${CHECK_WORDS[failed.check]}: ${visible(findingText(failed.finding))}`,
      `     what to do ${FINDINGS[failed.finding.code].hint}`,
    );
  }
  // The rest of the findings may be what a person is looking for.
  const others = [...facts.broken, ...facts.findings].filter((finding) => finding !== failed?.finding);
  if (!counts) lines.push(...others.map((finding) => `     noticed    ${visible(findingText(finding))}`));
  return lines;
}
