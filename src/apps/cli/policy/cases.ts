/** The files of `sealward policy test`: which policies, and cases, each with the answer that must come out. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, type YAMLMap } from 'yaml';
import { LAYOUT } from '../../../core/artifact/index.ts';
import { decodeUtf8, LIMITS, parseMoment } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import type { Place } from '../../../core/policy/index.ts';
import { noFile, readBytes } from '../file.ts';
import { visible } from '../visible.ts';

/** The name that Kyverno's users know for such a file, in our own spelling. */
export const CASES_FILE = 'sealward-test.yaml';

const OUTCOMES = ['verified', 'rejected', 'inconclusive'] as const;
const ACTIONS = ['allow', 'warn', 'deny'] as const;

export interface Case {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  /** Undefined: every image that the evidence is about. */
  readonly image?: string;
  /** A folder or an archive; nothing else is asked then. */
  readonly evidence?: string;
  readonly outcome: (typeof OUTCOMES)[number];
  readonly action?: (typeof ACTIONS)[number];
  readonly code?: string;
  readonly place: Place;
  /** Milliseconds since 1970. */
  readonly at?: number;
  readonly admittedBefore: boolean;
}

export interface CasesFile {
  readonly file: string;
  /** Undefined: the policies of the trust state. */
  readonly policies?: readonly string[];
  readonly cases: readonly Case[];
}

const TEXTS = ['name', 'image', 'evidence', 'outcome', 'action', 'code', 'namespace', 'cluster', 'environment', 'at'] as const;
const MEMBERS: readonly string[] = [...TEXTS, 'namespaceLabels', 'admittedBefore'];

/** The files of cases in and below a folder, or the file itself. Throws ERR_FILE_UNREADABLE. */
export function filesOfCases(path: string): string[] {
  if (!existsSync(path)) throw noFile(path);
  try {
    return readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => name === CASES_FILE || name.endsWith(`/${CASES_FILE}`))
      .sort()
      .map((name) => join(path, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return [path];
    throw error;
  }
}

type Refuse = (node: Node | null | undefined, why: string) => never;

/** Throws ERR_POLICY_INVALID for the first mistake, with its line. Paths are taken from the folder of the file. */
export function readCases(file: string): CasesFile {
  const text = decodeUtf8(readBytes(file, LIMITS.documentBytes, 'the file of cases'), `the file of cases ${visible(file)}`);
  const lines = new LineCounter();
  const [document, ...more] = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, schema: 'core', merge: false });
  const refuseAt = (at: number, why: string): never => {
    throw new SealwardError('ERR_POLICY_INVALID', `${visible(file)}:${lines.linePos(at).line}: ${visible(why)}`, {
      hint: `A file of cases has policies: [FILE...], evidence: PLACE where all have the same, and tests: [{ name, image, outcome }...], with ${MEMBERS.slice(4).join(', ')} where they are wanted.`,
    });
  };
  const refuse: Refuse = (node, why) => refuseAt(node?.range?.[0] ?? 0, why);
  const wrong = document && 'errors' in document ? document.errors[0] : undefined;
  if (wrong) return refuseAt(wrong.pos[0], wrong.message.slice(0, 200));
  const root = document && 'contents' in document ? document.contents : null;
  if (more.length > 0 || !isMap(root)) return refuse(null, 'this is no file of cases');
  for (const { key } of root.items as { key: Node }[])
    if (!isScalar(key) || !['policies', 'evidence', 'tests'].includes(String(key.value)))
      refuse(key, `${isScalar(key) ? String(key.value) : 'a key that is no text'} is not known here`);
  const beside = (path: string): string => (isAbsolute(path) ? path : join(dirname(file), path));
  const [policies, evidence, tests] = [root.get('policies', true), root.get('evidence', true), root.get('tests', true)] as (Node | undefined)[];
  if (policies !== undefined && (!isSeq(policies) || policies.items.length === 0)) refuse(policies, 'policies must be a list of files');
  if (!isSeq(tests) || tests.items.length === 0) return refuse(tests ?? root, 'tests must be a list of cases');
  const paths = isSeq(policies) ? policies.items.map((item) => beside(textOf(item as Node, 'a policy is named by its path', refuse))) : undefined;
  const common = evidence === undefined ? undefined : textOf(evidence, 'evidence must be a text', refuse);
  const cases = tests.items.map((item): Case => {
    if (!isMap(item)) return refuse(item as Node, 'a case is a map');
    return readCase(item, { file, line: lines.linePos(item.range?.[0] ?? 0).line, evidence: common }, beside, refuse);
  });
  return { file, ...(paths ? { policies: paths } : {}), cases };
}

function textOf(node: Node | undefined, why: string, refuse: Refuse): string {
  return isScalar(node) && typeof node.value === 'string' && node.value !== '' ? node.value : refuse(node, why);
}

function readCase(
  item: YAMLMap,
  { file, line, evidence: common }: { readonly file: string; readonly line: number; readonly evidence: string | undefined },
  beside: (path: string) => string,
  refuse: Refuse,
): Case {
  for (const { key } of item.items as { key: Node }[])
    if (!isScalar(key) || !MEMBERS.includes(String(key.value)))
      refuse(key, `${isScalar(key) ? String(key.value) : 'a key that is no text'} is not known in a case`);
  const node = (name: string): Node | undefined => item.get(name, true);
  const text = (name: (typeof TEXTS)[number]): string | undefined => (item.has(name) ? textOf(node(name), `${name} must be a text`, refuse) : undefined);
  const choice = <T extends string>(name: (typeof TEXTS)[number], values: readonly T[]): T | undefined => {
    const given = text(name);
    return given === undefined ? undefined : (values.find((one) => one === given) ?? refuse(node(name), `${name} must be one of ${values.join(', ')}`));
  };
  const [image, evidence] = [text('image'), text('evidence') ?? common];
  if (image === undefined && evidence === undefined) refuse(item, 'image is missing, and so is evidence whose images are meant');
  const isLayout = image?.startsWith(LAYOUT) === true;
  if (isLayout && item.has('evidence')) refuse(node('evidence'), 'an image in a folder is there itself: it takes no evidence');
  const at = text('at');
  const moment = at === undefined ? undefined : (parseMoment(at) ?? refuse(node('at'), 'at is not a time, as in 2026-01-31T12:00:00Z'));
  const [code, action, namespace, cluster, environment] = [text('code'), choice('action', ACTIONS), text('namespace'), text('cluster'), text('environment')];
  const admitted = node('admittedBefore');
  if (admitted !== undefined && !(isScalar(admitted) && typeof admitted.value === 'boolean')) refuse(admitted, 'admittedBefore must be true or false');
  const labels = labelsOf(node('namespaceLabels'), refuse);
  return {
    file,
    line,
    name: text('name') ?? image ?? evidence ?? '',
    ...(image === undefined ? {} : { image: isLayout ? `${LAYOUT}${beside(image.slice(LAYOUT.length))}` : image }),
    ...(evidence === undefined || isLayout ? {} : { evidence: beside(evidence) }),
    outcome: choice('outcome', OUTCOMES) ?? refuse(item, `outcome must be one of ${OUTCOMES.join(', ')}`),
    ...(action === undefined ? {} : { action }),
    ...(code === undefined ? {} : { code }),
    place: {
      ...(namespace === undefined ? {} : { namespace }),
      ...(cluster === undefined ? {} : { cluster }),
      ...(environment === undefined ? {} : { environment }),
      ...(labels ? { namespaceLabels: labels } : {}),
    },
    ...(moment === undefined ? {} : { at: moment }),
    admittedBefore: isScalar(admitted) && admitted.value === true,
  };
}

function labelsOf(node: Node | undefined, refuse: Refuse): Readonly<Record<string, string>> | undefined {
  if (node === undefined) return undefined;
  if (!isMap(node)) return refuse(node, 'namespaceLabels must be a map of texts');
  return Object.fromEntries(
    (node.items as { key: Node; value: Node | null }[]).map(({ key, value }) => [
      textOf(key, 'a label is a text', refuse),
      isScalar(value) && typeof value.value === 'string' ? value.value : refuse(value ?? key, 'the value of a label must be a text'),
    ]),
  );
}
