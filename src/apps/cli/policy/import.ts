/** `sealward policy import`: policies of other tools, carried over, with a line for what became of each part. */
import { readPolicyFiles } from '../../../clients/policies/index.ts';
import { ERRORS, SealwardError } from '../../../core/errors.ts';
import { type ImportLine, type ImportOutcome, loadPolicyImporter } from '../../../core/policy/index.ts';
import type { Terminal } from '../terminal.ts';
import { visible, visibleJson, visibleLines } from '../visible.ts';
import type { PolicyAsked } from './asked.ts';
import { problemText } from './check.ts';

export async function importFiles({ terminal, flags, arguments: [, ...paths] }: PolicyAsked): Promise<number> {
  if (paths.length === 0)
    throw new SealwardError('ERR_USAGE', 'no policies are named', {
      hint: 'Name the files of the other tool; those that belong together, such as a policy and its TrustRoot, together.',
    });
  const { importPolicies } = await loadPolicyImporter();
  const result = importPolicies(readPolicyFiles(paths));
  if (!result.ok) {
    if (flags.output === 'json') terminal.print(visibleJson({ ok: false, problems: result.problems }));
    else for (const problem of result.problems) terminal.print(problemText(problem, terminal));
    return ERRORS.ERR_POLICY_INVALID.exit;
  }
  const { documents, report, text } = result;
  // YAML also into a pipe: what comes out is a file of policies.
  if (flags.output === 'json') terminal.print(visibleJson({ ok: true, documents, report }));
  else {
    // The documents alone go to stdout, so that they can be piped into a file.
    terminal.print(visibleLines(text.trimEnd()));
    for (const line of report) terminal.say(reportText(line, terminal.styleError.bind(terminal)));
    terminal.say(summary(documents.length, report));
  }
  return flags.strict && report.some(({ outcome }) => outcome === 'not-mapped') ? 1 : 0;
}

const COLOURS = { mapped: 'green', different: 'yellow', 'not-mapped': 'red' } as const satisfies Readonly<Record<ImportOutcome, string>>;
const WORDS = { mapped: 'mapped', different: 'mapped with a difference', 'not-mapped': 'not mapped' } as const satisfies Readonly<
  Record<ImportOutcome, string>
>;

/** @param style of where it is printed. */
export function reportText({ source, line, path, outcome, detail }: ImportLine, style: Terminal['style']): string {
  const what = `${visible(`${source}:${line}`)} ${visible(path)}: ${style(COLOURS[outcome], WORDS[outcome])}`;
  return detail === undefined ? what : `${what}: ${visible(detail)}`;
}

function summary(documents: number, report: readonly ImportLine[]): string {
  const count = (outcome: ImportOutcome): number => report.filter((line) => line.outcome === outcome).length;
  return `${documents} ${documents === 1 ? 'document' : 'documents'}; ${count('mapped')} mapped, ${count('different')} with a difference, ${count('not-mapped')} not mapped. What could not be carried over denies.`;
}
