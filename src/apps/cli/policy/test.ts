/** `sealward policy test`: cases in YAML, each an image in a place and the answer that it must get. */
import { utf8 } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { heldImages } from '../evidence/held-images.ts';
import { openEvidence } from '../evidence/registry.ts';
import { replaceFile } from '../file.ts';
import { visible, visibleJson } from '../visible.ts';
import { type Case, CASES_FILE, type CasesFile, filesOfCases, readCases } from './cases.ts';
import { judgeByPolicy, type JudgedByPolicy } from './judged.ts';
import { type Question, stateQuestion, triedQuestion, type PolicyInvocation } from './question.ts';

type Asked = PolicyInvocation & { readonly flags: { readonly junit: string | undefined; readonly trust: string | undefined } };

interface Ran {
  readonly test: Case;
  readonly judged: readonly JudgedByPolicy[];
  /** What is wrong with the answer. */
  readonly failure?: string;
}

export async function testPolicies(invocation: Asked): Promise<number> {
  const { terminal, form, flags } = invocation;
  const files = [...new Set(invocation.arguments.slice(1).flatMap(filesOfCases))].map(readCases);
  if (files.length === 0)
    throw new SealwardError('ERR_USAGE', `there is no ${CASES_FILE}`, {
      hint: `Name files of cases, or folders with a ${CASES_FILE}; see \`sealward policy --help\`.`,
    });
  const ran: Ran[] = [];
  for (const file of files) {
    const question = await questionFor(invocation, file);
    for (const test of file.cases) {
      const judged = await judgeCase(invocation, question, test);
      const failure = failureOf(test, judged);
      ran.push({ test, judged, ...(failure === undefined ? {} : { failure }) });
    }
  }
  const failed = ran.filter(({ failure }) => failure !== undefined);
  if (flags.junit !== undefined) replaceFile(flags.junit, utf8(junit(ran)));
  if (form === 'json') terminal.print(visibleJson(ran.map(rowOf)));
  else {
    for (const { test, failure } of ran)
      terminal.print(
        `${failure === undefined ? terminal.style('green', 'pass') : terminal.style('red', 'FAIL')} ${visible(test.name)}${failure === undefined ? '' : ` (${visible(`${test.file}:${test.line}`)}): ${visible(failure)}`}`,
      );
    terminal.print(`${ran.length - failed.length} of ${ran.length} passed`);
  }
  return failed.length > 0 ? 1 : 0;
}

async function questionFor(invocation: Asked, { file, policies }: CasesFile): Promise<Question> {
  if (policies) return triedQuestion(invocation, policies);
  const { trust } = invocation.flags;
  if (trust === undefined)
    throw new SealwardError('ERR_USAGE', `${visible(file)} names no policies`, { hint: 'Name them there, or give --trust PLACE for those that are in force.' });
  return stateQuestion(invocation, trust);
}

/** A case stands for itself: its own place, time and evidence. */
async function judgeCase(invocation: Asked, asked: Question, { image, evidence, place, at, admittedBefore }: Case): Promise<JudgedByPolicy[]> {
  const own = evidence === undefined ? invocation : { ...invocation, flags: { ...invocation.flags, evidence, offline: true } };
  const images = image !== undefined ? [image] : heldImages(openEvidence(evidence ?? '', invocation, false));
  return judgeByPolicy(own, { ...asked, place, ...(at === undefined ? {} : { now: at }), admittedBefore }, images);
}

/** Of several images the first whose answer is another. */
function failureOf({ outcome, code, action, image, evidence }: Case, judged: readonly JudgedByPolicy[]): string | undefined {
  if (judged.length === 0) return `nothing is held in ${evidence ?? ''}`;
  for (const one of judged) {
    const [said, which] = [one.decision?.message ?? one.error?.message ?? '', image === undefined ? `${one.name}: ` : ''];
    if (one.outcome !== outcome) return `${which}it is ${one.outcome} (${one.code}) and not ${outcome}: ${said}`;
    if (code !== undefined && one.code !== code) return `${which}its code is ${one.code} and not ${code}: ${said}`;
    const done = one.decision?.action ?? 'deny';
    if (action !== undefined && done !== action) return `${which}the answer is ${done} and not ${action}: ${said}`;
  }
  return undefined;
}

function rowOf({ test, judged, failure }: Ran): object {
  const worst = judged.find(({ outcome }) => outcome !== test.outcome) ?? judged[0];
  return {
    name: test.name,
    file: test.file,
    line: test.line,
    image: test.image ?? judged.map(({ name }) => name),
    outcome: worst?.outcome ?? null,
    code: worst?.code ?? null,
    passed: failure === undefined,
    ...(failure === undefined ? {} : { failure }),
  };
}

/** The form that CI systems read (llg.cubic.org/docs/junit). */
function junit(ran: readonly Ran[]): string {
  const escaped = (text: string): string => visible(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
  const failed = ran.filter(({ failure }) => failure !== undefined).length;
  const cases = ran.map(({ test, failure }) => {
    const head = `    <testcase classname="${escaped(test.file)}" name="${escaped(test.name)}" file="${escaped(test.file)}" line="${test.line}"`;
    return failure === undefined ? `${head}/>` : `${head}>\n      <failure message="${escaped(failure)}"/>\n    </testcase>`;
  });
  const counts = `tests="${ran.length}" failures="${failed}" errors="0"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${counts}>\n  <testsuite name="sealward policy test" ${counts}>\n${cases.join('\n')}\n  </testsuite>\n</testsuites>\n`;
}
