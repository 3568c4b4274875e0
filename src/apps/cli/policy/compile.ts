/** `sealward policy compile`: policies in the form of what else asks before an image runs, with a line for what became of each part. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LIMITS } from '../../../core/encoding/index.ts';
import { ERRORS, SealwardError } from '../../../core/errors.ts';
import { type CompiledTo, loadPolicyTargets } from '../../../core/policy/index.ts';
import { NO_ANCHORS, parseTrustedRoot } from '../../../core/trust/index.ts';
import { trustOf } from '../../../sdk/index.ts';
import { fileError, readBytes, replaceFile } from '../file.ts';
import { momentFlag } from '../moment.ts';
import { visible, visibleJson, visibleLines } from '../visible.ts';
import { compileFiles, type PolicyAsked } from './asked.ts';
import { oneTrust } from './asks.ts';
import { problemText } from './check.ts';
import { reportText } from './import.ts';

const OF_ADMISSION = ['exempt-namespace', 'only-warn'] as const;
const OF_CONTAINERS = ['namespace', 'cluster', 'environment', 'at', 'trust', 'trust-root', 'trusted-root', 'strict'] as const;
const EXEMPT = ['kube-system', 'sealward-system'];

export async function compile(invocation: PolicyAsked): Promise<number> {
  const { flags, given, terminal, form } = invocation;
  const { to, out } = flags;
  if (to === undefined) throw new SealwardError('ERR_USAGE', '--to is missing', { hint: 'Say what the policies are to become; see `sealward policy --help`.' });
  const odd = (to === 'containers-policy' ? OF_ADMISSION : OF_CONTAINERS).find((flag) => given.has(flag));
  if (odd !== undefined) throw new SealwardError('ERR_FLAG_CONFLICT', `--${odd} says nothing about --to ${to}`, { hint: 'Leave it out.' });
  if (to === 'validating-admission-policy') return compileAdmission(invocation);
  if (out === undefined)
    throw new SealwardError('ERR_USAGE', '--out is missing', { hint: 'Name the folder for policy.json and registries.d, such as /etc/containers.' });
  oneTrust(given, 'trust');
  const { compiled, state } = await compileFiles(invocation, invocation.arguments.slice(1));
  if (!compiled.ok) {
    if (form === 'json') terminal.print(visibleJson({ ok: false, problems: compiled.problems }));
    else for (const problem of compiled.problems) terminal.print(problemText(problem, terminal));
    return ERRORS.ERR_POLICY_INVALID.exit;
  }
  const { compileContainersPolicy } = await loadPolicyTargets();
  const { namespace, cluster, environment } = flags;
  const root = flags['trusted-root'];
  const trust = state ?? trustOf({ ...NO_ANCHORS, ...(root === undefined ? {} : parseTrustedRoot(readBytes(root, LIMITS.documentBytes, 'the trusted root'))) });
  const result = compileContainersPolicy(compiled.policies, trust, {
    ...(cluster === undefined ? {} : { cluster }),
    ...(environment === undefined ? {} : { environment }),
    ...(namespace === undefined ? {} : { namespace }),
    now: flags.at === undefined ? Date.now() : momentFlag('at', flags.at),
  });
  const written = write(out, result);
  const lost = result.report.filter(({ outcome }) => outcome === 'not-mapped').length;
  if (form === 'json') terminal.print(visibleJson({ ok: true, files: written, report: result.report }));
  else {
    for (const line of result.report) terminal.print(reportText(line, terminal.style.bind(terminal)));
    terminal.print(visible(`written: ${written.join(', ')}; ${lost} of ${result.report.length} parts could not be carried over`));
  }
  return flags.strict && lost > 0 ? 1 : 0;
}

async function compileAdmission({ flags, terminal, form, arguments: [, ...paths] }: PolicyAsked): Promise<number> {
  if (paths.length > 0)
    throw new SealwardError('ERR_USAGE', '--to validating-admission-policy asks for digests alone, and takes no policies', { hint: 'Leave the files out.' });
  const { compileAdmissionPolicy } = await loadPolicyTargets();
  const result = compileAdmissionPolicy(flags['exempt-namespace'].length > 0 ? flags['exempt-namespace'] : EXEMPT, !flags['only-warn']);
  if (flags.out === undefined) terminal.print(visibleLines(result.files.map(({ text }) => text.trimEnd()).join('\n---\n')));
  else {
    const files = write(flags.out, result);
    terminal.print(form === 'json' ? visibleJson({ ok: true, files }) : visible(`written: ${files.join(', ')}`));
  }
  return 0;
}

function write(folder: string, { files }: CompiledTo): string[] {
  return files.map(({ name, text }) => {
    const path = join(folder, name);
    try {
      mkdirSync(dirname(path), { recursive: true });
    } catch (cause) {
      throw fileError('written', dirname(path), cause);
    }
    replaceFile(path, text);
    return path;
  });
}
