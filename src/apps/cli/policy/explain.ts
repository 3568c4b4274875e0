/** A decision as a tree: which policies hold here, which do not and why, each requirement, each signature and the one reason why it does not count. */
import { whyNotSelected } from '../../../core/policy/index.ts';
import type { CandidateJudgement, PolicyJudgement, RequirementJudgement } from '../../../core/verify/index.ts';
import type { Terminal } from '../terminal.ts';
import { visible } from '../visible.ts';
import { type JudgedByPolicy, policySentence } from './judged.ts';
import type { Question } from './question.ts';

const NOT_ABOUT = {
  image: 'its patterns do not match the image',
  excluded: 'the image is excluded from it',
  cluster: 'it is for other clusters',
  environment: 'it is for other environments',
  namespace: 'it is for other namespaces',
  'namespace-labels': 'the labels of the namespace are others',
} as const;

export function decisionTree(judged: JudgedByPolicy, { policies }: Question, terminal: Terminal): string {
  const { decision, request } = judged;
  const lines = [policySentence(judged, terminal)];
  if (!decision || !request) return lines.join('\n');
  if (decision.byDefault)
    lines.push(
      `  no policy is about it: the default rule decides (${policies.defaultRule.action}${policies.defaultRule.stated ? '' : ', because none is stated'})`,
    );
  for (const policy of decision.policies) lines.push(...policyLines(policy, terminal));
  for (const policy of policies.policies) {
    const why = whyNotSelected(policy, request, request.place);
    if (why) lines.push(`  ${terminal.style('dim', 'not asked')} policy ${visible(policy.name)} (${visible(policy.source)}): ${NOT_ABOUT[why]}`);
  }
  if (Number.isFinite(decision.until)) lines.push(`  this could change by time alone at ${new Date(decision.until).toISOString()}`);
  return lines.join('\n');
}

const MARK = { verified: 'green', rejected: 'red', inconclusive: 'yellow' } as const;

function policyLines(
  { policy, source, mode, outcome, exception, requirements, owner, contact, runbook, message }: PolicyJudgement,
  terminal: Terminal,
): string[] {
  const lifted = exception === undefined ? '' : `, let through by the exception ${exception}`;
  const people = [owner && `owner ${owner}`, contact && `ask ${contact}`, runbook, message].filter((part) => part);
  return [
    `  ${terminal.style(MARK[outcome], outcome)} policy ${visible(policy)} (${visible(source)}, ${mode}${visible(lifted)})`,
    ...requirements.flatMap((requirement) => requirementLines(requirement, terminal)),
    ...(outcome === 'verified' || people.length === 0 ? [] : [`      ${visible(people.join('; '))}`]),
  ];
}

function requirementLines({ name, outcome, wanted, code, detail, candidates }: RequirementJudgement, terminal: Terminal): string[] {
  const why = outcome === 'verified' ? '' : `: ${code}${detail === undefined ? '' : `, ${detail}`}`;
  return [
    `    ${terminal.style(MARK[outcome], outcome)} ${visible(name)}: wanted ${visible(wanted)}${visible(why)}`,
    ...candidates.map((candidate) => candidateLine(candidate, terminal)),
  ];
}

function candidateLine({ document, place, signer, counts, authority, principal, code, detail }: CandidateJudgement, terminal: Terminal): string {
  const which = `${document.slice(0, 19)}… in ${place}, by ${signer}`;
  return counts
    ? `      ${terminal.style('green', 'counts')} ${visible(which)}${authority === undefined ? '' : visible(` as ${authority}`)}${principal === undefined ? '' : visible(` (${principal.slice(0, 60)})`)}`
    : `      ${terminal.style('dim', 'does not count')} ${visible(which)}: ${code ?? ''}${detail === undefined ? '' : visible(`, ${detail}`)}`;
}
