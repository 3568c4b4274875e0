/**
 * `npm run docs` writes the reference pages that are made from tables in the source, and the script of the CI systems. A test fails when what is
 * committed differs from what these functions give.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { commandHelp } from '../src/apps/cli/help.ts';
import { commands } from '../src/apps/cli/table/index.ts';
import { moreCommands } from '../src/apps/quickstart/more-commands.ts';
import { LIMITS } from '../src/core/encoding/index.ts';
import { imagePolicyDefinition } from '../src/core/policy/custom-resource.ts';
import { policyJsonSchema } from '../src/core/policy/json-schema.ts';
import { documentationAnchor, ERRORS, type ErrorCode, type ErrorFamily, type ErrorRow, FINDINGS, type FindingRow } from '../src/core/errors.ts';
import { clusterYaml } from '../src/apps/admission/install/resources.ts';
import { manifests } from './generate-manifests.ts';

const GENERATED = '<!-- Written by `npm run docs` from the tables in the source; edits here are lost. -->';

const FAMILIES: Record<ErrorFamily, string> = {
  InputError: 'The caller can fix it.',
  AccessError: 'Who you are is not enough.',
  UnavailableError: 'It could not be found out; try again.',
  InternalError: 'A bug of ours.',
};

const EXITS: readonly (readonly [exit: string, meaning: string])[] = [
  ['0', 'Verified, or done as asked.'],
  ['1', 'Rejected: it was looked at, and no signature on it is one that was asked for.'],
  ['2', 'Cannot be asked: the command line, a file or a document is not usable.'],
  ['3', 'Access refused: the registry wants other credentials.'],
  ['4', 'Inconclusive: a place that may hold a signature did not answer. Nothing is said about the signature.'],
  ['10', 'Rejected: every place answered, and none holds a signature.'],
  ['11', 'Rejected: the tag, digest or repository is not there.'],
  ['13', 'Rejected: an identity was asked for, and no signature carries a certificate.'],
  ['70', 'A bug of ours.'],
  ['130', 'Interrupted by Ctrl-C (143 by SIGTERM, 129 by SIGHUP); nothing is left half-written.'],
];

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The anchor is set by hand, so that a link stays good whatever a renderer makes of headings. */
function anchored(anchor: string, code: string): string {
  return `<a id="${anchor}"></a>\`${code}\``;
}

export function errorsPage(): string {
  const errors = Object.entries(ERRORS) as [ErrorCode, ErrorRow][];
  const findings = Object.entries<FindingRow>(FINDINGS);
  const sections = (Object.keys(FAMILIES) as ErrorFamily[]).map((family) => {
    const rows = errors.filter(([, row]) => row.family === family);
    const cells = rows.map(([code, row]) => [
      anchored(documentationAnchor(code).split('#')[1] ?? '', code),
      row.meaning,
      row.hint,
      String(row.exit),
      String(row.http),
      row.retryable ? 'yes' : 'no',
    ]);
    return `### ${family}\n\n${FAMILIES[family]}\n\n${table(['code', 'meaning', 'what to do', 'exit', 'HTTP', 'try again'], cells)}`;
  });
  return `${GENERATED}

# Errors, findings and exit codes

Every answer of Sealward is one of three outcomes, in the command line and everywhere else:

- **verified**: a signature that was asked for is there, and it is about this very artifact.
- **rejected**: it was looked at and is not good. "Unsigned" is said only when every place that may hold a signature answered.
- **inconclusive**: it could not be found out, because a registry throttled, failed or did not answer in time.

## Exit codes

${table(
  ['exit', 'meaning'],
  EXITS.map(([exit, meaning]) => [exit, meaning]),
)}

With several images it is 0 only when all are verified. When all the others end with the same code, it is that one; else 1 when at least
one was rejected, and 4 when some could only not be found out.

## Errors

An error says that a question could not be asked or answered. It has a code, a sentence with the value at fault, and a hint.

${sections.join('\n\n')}

## Findings

A finding says why one candidate (a signature, a log entry or a timestamp) did not count. Findings are part of an answer,
never errors: another candidate may still verify. \`sealward verify --explain\` shows them all.

${table(
  ['finding', 'meaning', 'what to do'],
  findings.map(([code, row]) => [anchored(code.toLowerCase(), code), row.meaning, row.hint]),
)}
`;
}

/** Bytes in the largest unit that divides them; other bounds are plain counts. */
function bound(name: string, value: number): string {
  if (!name.endsWith('Bytes')) return value.toLocaleString('en');
  return value % 2 ** 20 === 0 ? `${value / 2 ** 20} MiB` : `${value / 2 ** 10} KiB`;
}

export function limitsPage(): string {
  const words = (name: string): string => name.replace(/Bytes$/, '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return `${GENERATED}

# Limits

What Sealward reads may come from an attacker, so everything has a bound. One more than a bound is refused with
[\`ERR_TOO_LARGE\`](errors.md#err_too_large) or as malformed; too many signatures are answered with
[\`TOO_MANY\`](errors.md#too_many), never with "unsigned". The bounds stand in \`src/core/encoding/limits.ts\`.

${table(
  ['what', 'at most', 'name'],
  Object.entries(LIMITS).map(([name, value]) => [words(name), bound(name, value), `\`${name}\``]),
)}
`;
}

/** A page is as wide as the help on a wide terminal. */
const HELP_COLUMNS = 110;

export function commandsPage(): string {
  const sections = [...commands, ...moreCommands].map(({ spec }) => {
    const help = commandHelp(spec, HELP_COLUMNS, (text) => text).trimEnd();
    return `## sealward ${spec.name}\n\n${spec.summary}.\n\n\`\`\`text\n${help}\n\`\`\``;
  });
  return `${GENERATED}

# Commands

What \`sealward COMMAND --help\` says. The result goes to stdout, everything else to stderr; the exit codes are in
[errors.md](errors.md#exit-codes). Flags are named as cosign names them where the meaning is the same.

${sections.join('\n\n')}
`;
}

interface SchemaNode {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly additionalProperties?: boolean | SchemaNode;
}

/** Every member of every kind of document, by its path. */
export function policyFieldsPage(): string {
  const { $defs } = policyJsonSchema() as unknown as { $defs: Readonly<Record<string, SchemaNode>> };
  const rowsOf = (node: SchemaNode, path: string): string[][] =>
    Object.entries(node.properties ?? {}).flatMap(([name, member]) => {
      const here = path === '' ? name : `${path}.${name}`;
      const { node: inner, suffix } = innermost(member);
      const values = inner.enum ? `one of ${inner.enum.map((value) => `\`${value}\``).join(', ')}` : typeOf(member);
      const description = [member.description, inner === member ? undefined : inner.description].filter((text) => text).join(' ');
      return [[`\`${here}${suffix}\``, values, node.required?.includes(name) ? 'yes' : '', description], ...rowsOf(inner, `${here}${suffix}`)];
    });
  const sections = Object.entries($defs)
    .filter(([kind]) => kind !== 'combination')
    .map(([kind, node]) => `## ${kind}\n\n${node.description ?? ''}\n\n${table(['member', 'value', 'required', 'meaning'], rowsOf(node, ''))}`);
  return `${GENERATED}\n\n# Members of policy documents\n\nWhat they are for is in [policy.md](policy.md); editors complete them with [policy.schema.json](policy.schema.json).\n\n${sections.join('\n\n')}\n`;
}

/** Through lists and maps to what stands in them. */
function innermost(node: SchemaNode): { readonly node: SchemaNode; readonly suffix: string } {
  if (node.items) {
    const inner = innermost(node.items);
    return { node: inner.node, suffix: `[]${inner.suffix}` };
  }
  if (typeof node.additionalProperties === 'object') {
    const inner = innermost(node.additionalProperties);
    return { node: inner.node, suffix: `.*${inner.suffix}` };
  }
  const object = node.anyOf?.find((one) => one.properties && !('regex' in one.properties));
  return { node: object ?? node, suffix: '' };
}

function typeOf(node: SchemaNode): string {
  if (node.$ref) return 'a combination';
  if (node.anyOf) return [...new Set(node.anyOf.map(typeOf))].join(' or ');
  if (node.properties && 'regex' in node.properties) return '`{ exact }` or `{ regex }`';
  if (node.items) return 'list';
  if (node.const !== undefined) return `\`${JSON.stringify(node.const)}\``;
  return node.type === 'object' ? 'map' : (node.type ?? 'text');
}

const root = resolve(import.meta.dirname, '..');
const PIPELINE = 'deploy/ci/pipeline.sh';

/** Everything up to the line that names pipeline.sh, and then its text: systems that cannot bring a file along carry it. */
function carryingPipeline(path: string, key: string, before: readonly string[] = [], after: readonly string[] = []): string {
  const [head = ''] = new RegExp(`^[^]*?^.*out of ${PIPELINE.replaceAll('.', '\\.')}.*\\n`, 'm').exec(readFileSync(join(root, path), 'utf8')) ?? [];
  const indent = /( *)#.*\n$/.exec(head)?.[1] ?? '';
  const script = [...before, ...readFileSync(join(root, PIPELINE), 'utf8').trimEnd().split('\n'), ...after];
  return `${head}${indent}${key} |\n${script.map((line) => (line === '' ? '' : `${indent}  ${line}`)).join('\n')}\n`;
}

export const PAGES: Readonly<Record<string, () => string>> = {
  // Before what is made of the chart.
  'deploy/chart/sealward/crds/imagepolicies.yaml': () =>
    `# Written by \`npm run docs\` from the shapes of policies; edits here are lost.\n${clusterYaml(imagePolicyDefinition())}`,
  ...manifests(),
  'deploy/ci/gitlab/templates/sealward.yml': () => carryingPipeline('deploy/ci/gitlab/templates/sealward.yml', '-', ['('], [')']),
  'deploy/ci/tekton/sealward.yaml': () => carryingPipeline('deploy/ci/tekton/sealward.yaml', 'script:'),
  'docs/reference/cli.md': commandsPage,
  'docs/reference/errors.md': errorsPage,
  'docs/reference/limits.md': limitsPage,
  'docs/reference/policy-fields.md': policyFieldsPage,
  'docs/reference/policy.schema.json': () => `${JSON.stringify(policyJsonSchema(), null, 2)}\n`,
};

if (import.meta.main) {
  for (const [path, page] of Object.entries(PAGES)) writeFileSync(join(root, path), page());
}
