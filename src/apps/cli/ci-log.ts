/** How the logs of CI systems mark an answer. What an image or a certificate says is escaped for each of them. */
import type { Environment } from './config.ts';
import { visible } from './visible.ts';

export interface GateAnswer {
  readonly name: string;
  readonly digest: string | undefined;
  readonly outcome: 'verified' | 'rejected' | 'inconclusive';
  readonly code: string;
  /** One sentence, and what to do. */
  readonly reason: string;
  readonly hint: string;
}

export type CiSystem = 'github' | 'gitlab' | 'buildkite' | 'circleci' | 'plain';

export function ciSystem(environment: Environment): CiSystem {
  if (environment['GITHUB_ACTIONS'] === 'true') return 'github';
  if (environment['GITLAB_CI'] === 'true') return 'gitlab';
  if (environment['BUILDKITE'] === 'true') return 'buildkite';
  return environment['CIRCLECI'] === 'true' ? 'circleci' : 'plain';
}

const MARKS = { verified: '✔', rejected: '✘', inconclusive: '?' } as const;

/** The lines for the log, on stderr: stdout stays the result. @param now seconds since 1970, for GitLab's sections. */
export function ciLines(system: CiSystem, answers: readonly GateAnswer[], now: number): string[] {
  const lines = answers.map(plainLine);
  switch (system) {
    case 'github':
      return ['::group::sealward gate', ...lines, '::endgroup::', ...answers.filter(({ outcome }) => outcome !== 'verified').map(githubAnnotation)];
    case 'gitlab':
      return [`\u001b[0Ksection_start:${now}:sealward_gate\r\u001b[0Ksealward gate`, ...lines, `\u001b[0Ksection_end:${now}:sealward_gate\r\u001b[0K`];
    case 'buildkite':
      return [answers.every(({ outcome }) => outcome === 'verified') ? '--- sealward gate' : '+++ sealward gate', ...lines];
    default:
      return lines;
  }
}

function plainLine({ name, digest, outcome, code, reason, hint }: GateAnswer): string {
  const what = digest === undefined || name.includes('@') ? name : `${name}@${digest}`;
  const why = outcome === 'verified' ? '' : `: ${reason} (${code}) ${hint}`;
  // A line must not look like a command to the system that reads it.
  return visible(`${MARKS[outcome]} ${outcome} ${what}${why}`).replace(/^::/, ' ::');
}

/** docs.github.com, "Workflow commands for GitHub Actions": %, CR and LF are escaped, in properties also colon and comma. */
function githubAnnotation({ name, outcome, code, reason, hint }: GateAnswer): string {
  const data = (text: string): string => visible(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
  return `::error title=${property(`${outcome}: ${code}`)}::${data(`${name}: ${reason} ${hint}`)}`;
}

/** Markdown for a job summary. */
export function summaryMarkdown(answers: readonly GateAnswer[]): string {
  const cell = (text: string): string => visible(text).replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('`', "'");
  const rows = answers.map(
    ({ name, digest, outcome, code, reason }) =>
      `| ${MARKS[outcome]} ${outcome} | ${cell(name)} | ${cell(digest ?? '')} | ${cell(outcome === 'verified' ? reason : `${code}: ${reason}`)} |`,
  );
  return ['### Signatures', '', '| outcome | image | digest | why |', '|---|---|---|---|', ...rows, ''].join('\n');
}
