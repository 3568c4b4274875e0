/** `sealward policy check`: everything that is wrong with policies, and what is allowed and seldom meant. */
import { ERRORS } from '../../../core/errors.ts';
import { type Lint, lintPolicies, type PolicyProblem, type PolicySet } from '../../../core/policy/index.ts';
import type { Terminal } from '../terminal.ts';
import { visible, visibleJson } from '../visible.ts';
import { compileFiles, type PolicyAsked } from './asked.ts';

export async function check(invocation: PolicyAsked): Promise<number> {
  const { terminal, form, flags } = invocation;
  const { sources, compiled } = await compileFiles(invocation, invocation.arguments.slice(1));
  const problems = compiled.ok ? [] : compiled.problems;
  const lints = compiled.ok ? lintPolicies(compiled.policies) : [];
  if (form === 'json') {
    terminal.print(visibleJson({ ok: compiled.ok, files: sources.length, ...(compiled.ok ? described(compiled.policies) : {}), problems, lints }));
  } else {
    for (const problem of problems) terminal.print(problemText(problem, terminal));
    for (const lint of lints) terminal.print(lintText(lint, terminal));
    terminal.print(
      compiled.ok ? summary(compiled.policies, sources.length, lints.length) : `${counted(problems.length, 'problem')}; nothing of this can be used`,
    );
  }
  if (!compiled.ok) return ERRORS.ERR_POLICY_INVALID.exit;
  return flags.strict && lints.length > 0 ? 1 : 0;
}

function described({ digest, policies, exceptions, defaultRule }: PolicySet) {
  return {
    digest,
    policies: policies.map(({ name, namespace, source, digest: own, mode }) => ({
      name,
      ...(namespace === undefined ? {} : { namespace }),
      source,
      digest: own,
      mode,
    })),
    exceptions: exceptions.map(({ name, source, window }) => ({
      name,
      source,
      from: new Date(window.from).toISOString(),
      until: new Date(window.to).toISOString(),
    })),
    defaultRule,
  };
}

export function problemText({ source, line, column, code, message, hint }: PolicyProblem, terminal: Terminal): string {
  const head = `${terminal.style('bold', visible(`${source}:${line}:${column}`))} ${terminal.style('red', 'error')} ${visible(message)} (${code})`;
  return hint === undefined ? head : `${head}\n  ${visible(hint)}`;
}

function lintText({ rule, source, message, hint }: Lint, terminal: Terminal): string {
  return `${terminal.style('bold', visible(source))} ${terminal.style('yellow', 'warning')} ${visible(message)} (${rule})\n  ${visible(hint)}`;
}

function summary({ digest, policies, exceptions, defaultRule }: PolicySet, files: number, lints: number): string {
  const parts = [
    counted(policies.length, 'policy', 'policies'),
    counted(exceptions.length, 'exception'),
    `default ${defaultRule.action}`,
    counted(lints, 'warning'),
  ];
  return `${parts.join(', ')}, in ${counted(files, 'file')}\n${digest}`;
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
