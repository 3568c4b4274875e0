/** Everything about one requirement: what was asked, what was found, and of each candidate the one reason why it does not count. */
import { inCombination, type ImagePolicy, type Requirement } from '../policy/index.ts';
import type { Dated } from './asked.ts';
import type { CandidateJudgement, RequirementJudgement } from './decision.ts';
import { type Counted, countedAs, describeCombination, type Hearing, judgeRequirement, judgeStatement, latestOf, nearestOf } from './judge-requirement.ts';

export function explainRequirement(requirement: Requirement, policy: ImagePolicy, hearing: Hearing): RequirementJudgement {
  const missed = judgeRequirement(requirement, policy, hearing);
  return {
    name: requirement.name,
    outcome: !missed ? 'verified' : missed.status === 'unknown' ? 'inconclusive' : 'rejected',
    wanted: describeRequirement(requirement),
    code: missed?.code ?? 'VERIFIED',
    ...(missed ? { detail: missed.detail() } : {}),
    candidates: candidatesOf(requirement, policy, hearing),
  };
}

function describeRequirement(requirement: Requirement): string {
  switch (requirement.kind) {
    case 'signatures':
      return describeCombination(requirement.combination);
    case 'attestation': {
      const { predicateTypes, from, atLeast, conditions } = requirement;
      const says = conditions.length === 0 ? '' : `, so that ${conditions.map(({ text }) => text).join(' and ')}`;
      return `${predicateTypes.join(' or ')} by ${atLeast > 1 ? `${atLeast} of ` : ''}${from.map(({ name }) => name).join(', ')}${says}`;
    }
    case 'refusal':
      return 'no image of this name';
    case 'image':
      return 'names and labels of the image';
  }
}

function candidatesOf(requirement: Requirement, policy: ImagePolicy, hearing: Hearing): CandidateJudgement[] {
  if (requirement.kind !== 'signatures' && requirement.kind !== 'attestation') return [];
  const role = requirement.kind === 'signatures' ? 'signature' : 'attestation';
  const authorities = requirement.kind === 'signatures' ? inCombination(requirement.combination) : requirement.from;
  const types = requirement.kind === 'attestation' ? requirement.predicateTypes : undefined;
  const counted = authorities.flatMap((authority) => countedAs(authority, role, policy, hearing, types));
  const latest =
    requirement.kind === 'attestation'
      ? new Set(
          authorities
            .flatMap((authority) =>
              latestOf(
                counted.filter((one) => one.authority === authority),
                requirement.atLeast > 1,
              ),
            )
            .map(({ dated }) => dated),
        )
      : undefined;
  const judged = hearing.dated
    .filter(({ facts }) => facts.role === role || facts.role === 'unknown')
    .map((dated): CandidateJudgement => {
      const one = counted.find((candidate) => candidate.dated === dated);
      if (!one) {
        const near = nearestOf(dated, authorities, role, policy, hearing, types);
        return { ...about(dated), counts: false, ...(near ? { authority: near.authority.name, code: near.miss.code, detail: near.miss.detail() } : {}) };
      }
      const named = { ...about(dated), authority: one.authority.name, principal: one.principal };
      if (latest && !latest.has(dated)) return { ...named, counts: false, code: 'NOT_THE_LATEST', detail: 'a later one takes its place' };
      return { ...named, ...saidBy(one, requirement, policy, hearing) };
    });
  return judged.sort((a, b) => Number(b.counts) - Number(a.counts) || (`${a.document} ${a.signer}` < `${b.document} ${b.signer}` ? -1 : 1));
}

function saidBy(one: Counted, requirement: Requirement, policy: ImagePolicy, hearing: Hearing): Pick<CandidateJudgement, 'counts' | 'code' | 'detail'> {
  const missed = requirement.kind === 'attestation' ? judgeStatement(one, requirement, policy, hearing) : undefined;
  return missed ? { counts: false, code: missed.code, detail: missed.detail() } : { counts: true };
}

function about({ facts: { document, place, predicateType, signers }, times }: Dated): Omit<CandidateJudgement, 'counts'> {
  const [signer] = signers;
  const certificate = signer?.certificate;
  const words = certificate
    ? `${certificate.names[0] ?? certificate.subject}${certificate.claims.issuer === undefined ? '' : ` (${certificate.claims.issuer})`}`
    : signer
      ? `the key ${signer.key.slice(0, 16)}`
      : 'somebody who is not trusted';
  return { document, place, ...(predicateType === undefined ? {} : { predicateType }), signer: words, ...datedAt(times) };
}

function datedAt(times: Dated['times']): Pick<CandidateJudgement, 'datedAt'> {
  return times.length === 0 ? {} : { datedAt: Math.min(...times.map(({ to }) => to)) };
}
