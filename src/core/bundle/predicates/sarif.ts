/** SARIF 2.1.0 (OASIS), which nearly every scanner can write. */
import type { ScannedVulnerability, Scanner, ScannerNames, ScanSummary, Severity } from './scanner.ts';
import { summarizeFindings } from './scanner.ts';
import type { Shape } from './shape.ts';

export const sarif: Scanner = {
  describe(report: Shape): ScannerNames {
    const all = runs(report);
    const driver = (all[0] as Shape).at('tool').at('driver');
    let [uri, version] = ['', ''];
    driver.maybe('informationUri', (it) => (uri = it.uri()));
    // 3.19.12, 3.19.13
    for (const name of ['version', 'semanticVersion']) if (version === '') driver.maybe(name, (it) => (version = it.string()));
    return { uri, version, db: { uri: '', version: '' }, ...span(all) };
  },

  summarize(report: Shape): ScanSummary {
    const all = runs(report);
    const suppressed = all.flatMap((run) => results(run)).filter(({ result }) => isSuppressed(result)).length;
    return summarizeFindings((all[0] as Shape).at('tool').at('driver').at('name').text(), sarif.list(report), suppressed, false);
  },

  list(report: Shape): ScannedVulnerability[] {
    return runs(report)
      .flatMap((run) => results(run))
      .filter(({ result }) => !isSuppressed(result))
      .map(({ result, rule }) => ({ names: namesOf(result, rule), severity: severityOf(result, rule) }));
  },
};

/** The findings of a run with their rules. */
function results(run: Shape): { readonly result: Shape; readonly rule: Shape | undefined }[] {
  const rules = rulesOf(run);
  const all = run.at('results').absent ? [] : run.at('results').list();
  // 3.27.9: only `fail`, the default, `open` and `review` are findings.
  return all
    .filter((result) => !['pass', 'notApplicable', 'informational'].includes((result.at('kind').value ?? 'fail') as string))
    .map((result) => ({ result, rule: ruleOf(result, rules) }));
}

function namesOf(result: Shape, rule: Shape | undefined): string[] {
  const id = result.at('ruleId').value ?? rule?.at('id').value;
  return typeof id === 'string' ? [id] : [];
}

function runs(report: Shape): Shape[] {
  report.at('version').oneOf(['2.1.0']);
  const all = report.at('runs').list();
  if (all.length === 0) report.at('runs').refuse('at least one run');
  // 3.14.6, 3.18.2, 3.19.8
  for (const run of all) {
    run.at('tool').at('driver').at('name').text('the name of the tool');
    // 3.14.23: null means that the tool failed before it could find anything; that is no scan.
    if (run.at('results').value === null) run.at('results').refuse('a list of findings', 'The scanner did not finish: it wrote null for its results.');
    run.maybe('results', (it) => {
      for (const result of it.list()) result.object();
    });
  }
  return all;
}

/** 3.20.7, 3.20.8: the earliest start and the latest end of all invocations that say so. */
function span(all: readonly Shape[]): { startedOn?: number; finishedOn?: number } {
  const starts: number[] = [];
  const ends: number[] = [];
  for (const run of all) {
    run.maybe('invocations', (list) => {
      for (const invocation of list.list()) {
        invocation.maybe('startTimeUtc', (it) => starts.push(it.time()));
        invocation.maybe('endTimeUtc', (it) => ends.push(it.time()));
      }
    });
  }
  const least = starts.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const most = ends.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return { ...(starts.length > 0 ? { startedOn: least } : {}), ...(ends.length > 0 ? { finishedOn: most } : {}) };
}

function isSuppressed(result: Shape): boolean {
  const { value } = result.at('suppressions');
  if (!Array.isArray(value) || value.length === 0) return false;
  // 3.35.3: a suppression counts when it is accepted, or says nothing of its state.
  return result
    .at('suppressions')
    .list()
    .every((one) => (one.at('status').value ?? 'accepted') === 'accepted');
}

interface Rules {
  readonly byIndex: readonly Shape[];
  readonly byId: ReadonlyMap<string, Shape>;
}

function rulesOf(run: Shape): Rules {
  const rules = run.at('tool').at('driver').at('rules');
  const byIndex = rules.absent ? [] : rules.list();
  const byId = new Map<string, Shape>();
  for (const rule of byIndex) {
    const id = rule.at('id').value;
    if (typeof id === 'string') byId.set(id, rule);
  }
  return { byIndex, byId };
}

/** 3.27.5, 3.27.6: a result names its rule by its place in the list, by its id, or by both. */
function ruleOf(result: Shape, { byIndex, byId }: Rules): Shape | undefined {
  const index = result.at('ruleIndex').value;
  if (typeof index === 'number' && index >= 0) return byIndex[index];
  const id = result.at('ruleId').value;
  return typeof id === 'string' ? byId.get(id) : undefined;
}

/**
 * `security-severity` of the rule or the result, a CVSS score in the bands that code hosts show it in; without one, the
 * level, whose default is the rule's and then "warning" (3.27.10).
 */
function severityOf(result: Shape, rule: Shape | undefined): Severity {
  const score = scoreOf(result) ?? (rule && scoreOf(rule));
  if (score !== undefined) return score >= 9 ? 'critical' : score >= 7 ? 'high' : score >= 4 ? 'medium' : score > 0 ? 'low' : 'negligible';
  const configured = rule?.at('defaultConfiguration');
  const level = result.at('level').value ?? (configured === undefined || configured.absent ? undefined : configured.at('level').value) ?? 'warning';
  return LEVELS.get(level) ?? 'unknown';
}

const LEVELS: ReadonlyMap<unknown, Severity> = new Map([
  ['error', 'high'],
  ['warning', 'medium'],
  ['note', 'low'],
  ['none', 'negligible'],
]);

function scoreOf(holder: Shape): number | undefined {
  const properties = holder.at('properties');
  if (properties.absent) return undefined;
  const { value } = properties.at('security-severity');
  const score = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof score === 'number' && score >= 0 && score <= 10 ? score : undefined;
}
