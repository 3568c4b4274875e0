/** `sealward policy test`: cases in YAML, each an image in a place and the answer that it must get. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import { decodeUtf8, LIMITS } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { noFile, readBytes, replaceFile } from '../file.ts';
import { visible, visibleJson } from '../visible.ts';
import { judgeByPolicy, type JudgedByPolicy, type PolicyInvocation, policyQuestion } from './judged.ts';

/** The name that Kyverno's users know for such a file, in our own spelling. */
const FILE = 'sealward-test.yaml';

interface Case {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  readonly image: string;
  readonly policies: readonly string[];
  readonly outcome: 'verified' | 'rejected' | 'inconclusive';
  readonly code?: string;
  readonly place: Readonly<Partial<Record<'namespace' | 'cluster' | 'environment' | 'at', string>>>;
}

interface Ran {
  readonly test: Case;
  readonly judged: JudgedByPolicy;
  /** What is wrong with the answer. */
  readonly failure?: string;
}

const MEMBERS = ['name', 'image', 'outcome', 'code', 'namespace', 'cluster', 'environment', 'at'];

export async function testPolicies(invocation: PolicyInvocation & { readonly flags: { readonly junit: string | undefined } }): Promise<number> {
  const { terminal, form, flags } = invocation;
  const files = invocation.arguments.slice(1).flatMap(filesOf);
  if (files.length === 0)
    throw new SealwardError('ERR_USAGE', `there is no ${FILE}`, { hint: `Name files of cases, or folders with a ${FILE}; see \`sealward policy --help\`.` });
  const cases = files.flatMap(readCases);
  const ran: Ran[] = [];
  for (const test of cases) {
    // A case stands for itself: its own place and time, the same evidence.
    const own = {
      ...invocation,
      flags: {
        ...flags,
        policy: [...test.policies],
        namespace: test.place.namespace,
        cluster: test.place.cluster,
        environment: test.place.environment,
        at: test.place.at ?? flags.at,
      },
    };
    const question = await policyQuestion(own, test.policies);
    const [judged] = await judgeByPolicy(own, question, [test.image]);
    if (judged) ran.push({ test, judged, ...failureOf(test, judged) });
  }
  const failed = ran.filter(({ failure }) => failure !== undefined);
  if (flags.junit !== undefined) replaceFile(flags.junit, new TextEncoder().encode(junit(ran)));
  if (form === 'json')
    terminal.print(
      visibleJson(
        ran.map(({ test, judged, failure }) => ({
          name: test.name,
          file: test.file,
          line: test.line,
          image: test.image,
          outcome: judged.outcome,
          code: judged.code,
          passed: failure === undefined,
          ...(failure === undefined ? {} : { failure }),
        })),
      ),
    );
  else {
    for (const { test, failure } of ran)
      terminal.print(
        `${failure === undefined ? terminal.style('green', 'pass') : terminal.style('red', 'FAIL')} ${visible(test.name)}${failure === undefined ? '' : ` (${visible(`${test.file}:${test.line}`)}): ${visible(failure)}`}`,
      );
    terminal.print(`${ran.length - failed.length} of ${ran.length} passed`);
  }
  return failed.length > 0 ? 1 : 0;
}

function failureOf({ outcome, code }: Case, judged: JudgedByPolicy): { failure?: string } {
  const said = judged.decision?.message ?? judged.error?.message ?? '';
  if (judged.outcome !== outcome) return { failure: `it is ${judged.outcome} (${judged.code}) and not ${outcome}: ${said}` };
  return code !== undefined && judged.code !== code ? { failure: `its code is ${judged.code} and not ${code}: ${said}` } : {};
}

function filesOf(path: string): string[] {
  if (!existsSync(path)) throw noFile(path);
  try {
    return readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => name === FILE || name.endsWith(`/${FILE}`))
      .sort()
      .map((name) => join(path, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return [path];
    throw error;
  }
}

/** `policies`, relative to the file, and `tests`. Every mistake is said with its line. */
function readCases(file: string): Case[] {
  const text = decodeUtf8(readBytes(file, LIMITS.documentBytes, 'the file of cases'), `the file of cases ${visible(file)}`);
  const lines = new LineCounter();
  const [document, ...more] = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true }) as {
    errors: { message: string; pos: [number, number] }[];
    contents: unknown;
  }[];
  const refuse = (at: number, why: string): never => {
    throw new SealwardError('ERR_POLICY_INVALID', `${visible(file)}:${lines.linePos(at).line}: ${why}`, {
      hint: `A file of cases has policies: [FILE...] and tests: [{ name, image, outcome }...], with ${MEMBERS.slice(3).join(', ')} where they are wanted.`,
    });
  };
  const wrong = document?.errors[0];
  if (wrong) return refuse(wrong.pos[0], wrong.message.slice(0, 200));
  if (more.length > 0 || !isMap(document?.contents)) return refuse(0, 'this is no file of cases');
  const root = document.contents;
  for (const { key } of root.items)
    if (!isScalar(key) || !['policies', 'tests'].includes(String(key.value)))
      refuse((key as { range?: [number] }).range?.[0] ?? 0, `${String((key as { value?: unknown }).value)} is not known here`);
  const [policies, tests] = [root.get('policies', true), root.get('tests', true)];
  if (!isSeq(policies) || policies.items.length === 0) return refuse(root.range?.[0] ?? 0, 'policies must be a list of files');
  if (!isSeq(tests) || tests.items.length === 0) return refuse(root.range?.[0] ?? 0, 'tests must be a list of cases');
  const paths = policies.items.map((item) =>
    isScalar(item) && typeof item.value === 'string'
      ? isAbsolute(item.value)
        ? item.value
        : join(dirname(file), item.value)
      : refuse(policies.range?.[0] ?? 0, 'a policy is named by its path'),
  );
  return tests.items.map((item): Case => {
    if (!isMap(item)) return refuse(tests.range?.[0] ?? 0, 'a case is a map');
    const at = item.range?.[0] ?? 0;
    const values = new Map<string, string>();
    for (const { key, value } of item.items) {
      const name = isScalar(key) ? String(key.value) : '';
      if (!MEMBERS.includes(name)) refuse(at, `${name} is not known in a case`);
      if (!isScalar(value) || typeof value.value !== 'string') refuse(at, `${name} must be a text`);
      else values.set(name, value.value);
    }
    const outcome =
      (['verified', 'rejected', 'inconclusive'] as const).find((one) => one === values.get('outcome')) ??
      refuse(at, 'outcome must be one of verified, rejected, inconclusive');
    const image = values.get('image') ?? refuse(at, 'image is missing');
    const code = values.get('code');
    const place = Object.fromEntries(
      (['namespace', 'cluster', 'environment', 'at'] as const).flatMap((name) => (values.has(name) ? [[name, values.get(name)]] : [])),
    );
    return {
      file,
      line: lines.linePos(at).line,
      name: values.get('name') ?? image,
      image,
      policies: paths,
      outcome,
      ...(code === undefined ? {} : { code }),
      place,
    };
  });
}

/** The form that CI systems read (llg.cubic.org/docs/junit). */
function junit(ran: readonly Ran[]): string {
  const escaped = (text: string): string => visible(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
  const failed = ran.filter(({ failure }) => failure !== undefined).length;
  const cases = ran.map(({ test, failure }) => {
    const head = `    <testcase classname="${escaped(test.file)}" name="${escaped(test.name)}"`;
    return failure === undefined ? `${head}/>` : `${head}>\n      <failure message="${escaped(failure)}"/>\n    </testcase>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n  <testsuite name="sealward policy test" tests="${ran.length}" failures="${failed}">\n${cases.join('\n')}\n  </testsuite>\n</testsuites>\n`;
}
