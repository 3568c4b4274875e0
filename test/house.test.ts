/** The plan of the house, held: who may import whom, no circles, rooms entered by their front door, and a core that is pure. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTree, scan } from './source.ts';
import { repositoryRoot } from './vectors.ts';

const CORE = ['errors', 'encoding', 'crypto', 'artifact', 'tlog', 'bundle', 'trust', 'policy', 'verify', 'contract'].map((room) => `core/${room}`);
const SERVICES = ['store', 'keys', 'authority', 'identity', 'log', 'timestamp', 'trust', 'approvals', 'audit', 'monitor', 'incidents'].map(
  (room) => `services/${room}`,
);
const GUARDS = ['apps/cli', 'apps/admission', 'apps/controller', 'apps/node-verifier'];

/** Room (or `floor/*`, for the rooms of that floor that no other row names) to what it may import; `floor/*` there means all of the floor. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  ...Object.fromEntries(CORE.map((room, i) => [room, CORE.slice(0, i)])),
  // Files are written durably in one room (docs/decisions/0026).
  'clients/*': ['core/*', 'clients/http', 'clients/files'],
  'clients/http': ['core/*'],
  'clients/files': ['core/*'],
  'clients/journal': ['core/*'],
  // Keys in Secrets are read through the one client of the Kubernetes API (docs/decisions/0025).
  'clients/signers': ['core/*', 'clients/http', 'clients/files', 'clients/kubernetes', 'clients/cloud'],
  // The identity of a workload opens keys and registries alike (docs/decisions/0026).
  'clients/registry': ['core/*', 'clients/http', 'clients/files', 'clients/cloud'],
  sdk: ['core/*', 'clients/*'],
  // What runs in a cluster, and what the command line need not load for each command. It stands inside the sdk, and sees all of it.
  'sdk/agent': ['core/*', 'clients/*', 'sdk'],
  ...Object.fromEntries(SERVICES.map((room) => [room, ['core/*', 'clients/*', 'services/store']])),
  'services/store': ['core/*'],
  'services/operations': ['core/*', ...SERVICES],
  'services/api': ['core/*', ...SERVICES, 'services/operations'],
  ...Object.fromEntries(GUARDS.map((room) => [room, ['core/*', 'clients/*', 'sdk', 'sdk/agent']])),
  'apps/server': ['core/*', 'clients/*', 'services/*'],
  testing: ['core/*', 'clients/*', 'services/*'],
  'apps/quickstart': ['core/*', 'clients/*', 'sdk', 'sdk/agent', 'services/*', 'apps/*', 'testing'],
};

/** What core may take from outside; every other room may take what package.json lists (knip holds that). */
const PACKAGES: Record<string, readonly string[]> = {
  'core/crypto': ['node:crypto', '@noble/curves'],
  'core/policy': ['yaml', 're2js', '@bufbuild/cel', '@bufbuild/protobuf'],
};

/** The world outside, by every name that reaches it without an import. A member such as `a.process` is another thing. */
const IMPURE = new RegExp(
  [
    String.raw`(?<![.\w$])(?:fetch|process|fs|console|globalThis|performance|eval|Function|WebSocket|EventSource|XMLHttpRequest)(?![\w$])`,
    String.raw`(?<![.\w$])(?:set|clear)(?:Timeout|Interval|Immediate)(?![\w$])`,
    String.raw`(?<![.\w$])(?:Date\.now|Math\.random|import\.meta|crypto\.(?:subtle|getRandomValues|randomUUID))(?![\w$])`,
    String.raw`(?<![.\w$])new Date(?![\w$])(?:\s*\(\s*\)|(?!\s*\())`,
    String.raw`(?<![.\w$]|new )Date\s*\(`,
  ].join('|'),
);

const isTest = (path: string): boolean => path.endsWith('.test.ts');

/** `src/core/bundle/statement.ts` stands in the room `core/bundle`; `core/errors.ts` is a room of one file. */
function roomOf(path: string): string | undefined {
  if (path === 'src/core/errors.ts' || path === 'src/core/findings.ts' || path === 'src/core/errors.test.ts') return 'core/errors';
  return /^src\/(sdk\/agent(?=\/)|(?:sdk|testing)(?=\/)|(?:core|clients|services|apps)\/[\w-]+(?=\/))/.exec(path)?.[1];
}

function mayImport(from: string, to: string): boolean {
  const row = MAY_IMPORT[from] ?? MAY_IMPORT[from.replace(/\/.*/, '/*')] ?? [];
  return from === to || row.includes(to) || row.includes(to.replace(/\/.*/, '/*'));
}

/** Every rule of the house that the sources (path to text) break, one sentence each. */
export function violations(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [path, text] of files) {
    const room = roomOf(path);
    if (room === undefined || !(room in MAY_IMPORT || room.startsWith('clients/'))) {
      found.push(`${path} stands in no room of the plan`);
      continue;
    }
    const { imports, code } = scan(text);
    const core = room.startsWith('core/') && !isTest(path);
    if (core) for (const line of code.split('\n')) if (IMPURE.test(line)) found.push(`${path} is not pure: ${line.trim()}`);
    const targets: string[] = [];
    for (const specifier of imports) {
      if (specifier === null) found.push(`${path} imports a computed path`);
      else if (!specifier.startsWith('.')) {
        const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '';
        if (core && !PACKAGES[room]?.includes(name)) found.push(`${path} imports ${specifier}, which core may not`);
      } else {
        const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
        const to = roomOf(target);
        if (isTest(path) && (/^(?:test|src\/testing)\//.test(target) || target === 'package.json')) continue;
        if (target === 'package.json' && room.startsWith('apps/')) continue; // an app tells its version
        if (!files.has(target)) found.push(`${path} imports ${specifier}, which is no file of src`);
        else if (to === undefined || !mayImport(room, to)) found.push(`${path} imports ${target}: ${room} may not import ${to}`);
        else if (to !== room && !room.startsWith(`${to}/`) && target !== 'src/core/errors.ts' && target !== `src/${to}/index.ts`) {
          found.push(`${path} imports ${target}: a room is entered by its index.ts`);
        }
        if (isTest(target)) found.push(`${path} imports the test ${target}`);
        targets.push(target);
      }
    }
    graph.set(path, targets);
  }
  return [...found, ...circles(graph)];
}

function circles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) found.push(`a circle: ${[...trail.slice(trail.indexOf(path)), path].join(' -> ')}`);
    if (trail.includes(path) || done.has(path)) return;
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

const house = readTree(repositoryRoot, 'src');

test('the house stands as the plan says', () => {
  assert.ok(house.size >= 8, 'the sources were found');
  assert.deepEqual(violations(house), []);
});

test('files are named by nouns and verbs of the field, and none has outgrown its story', () => {
  for (const [path, text] of house) {
    assert.match(path, /^src(?:\/[a-z0-9]+(?:-[a-z0-9]+)*)+(?:\.test)?\.ts$/, 'kebab-case');
    // A credential helper is what Docker calls the program that keeps credentials.
    assert.doesNotMatch(path, /\b(?:utils?|(?<!credential-)helpers?|common|managers?|misc|info|handlers?|processors?|lib)\b/);
    assert.ok(text.split('\n').length <= 500, `${path} has over 500 lines: which second story moved in?`);
  }
});

test('no file of tests has hooks that hold for the tests of all others, which run in the same process', () => {
  for (const [path, text] of new Map([...house, ...readTree(repositoryRoot, 'test')])) {
    if (path.endsWith('.test.ts')) assert.doesNotMatch(text, /^(?:before|after)Each\(/m, `${path}: put them into a group`);
  }
});

test('the reader of imports loses its way in no file: brackets balance in what it takes for code', () => {
  for (const [path, text] of new Map([...house, ...readTree(repositoryRoot, 'test')])) {
    const { code } = scan(text);
    for (const [open = '', close = ''] of ['{}', '()', '[]'].map((pair) => pair.split(''))) {
      assert.equal(code.split(open).length, code.split(close).length, `${path}: ${open}${close}`);
    }
  }
});

const ROOMS: Record<string, string> = {
  'src/core/errors.ts': 'export const e = 1;',
  'src/core/encoding/index.ts': "export * from './hex.ts';",
  'src/core/encoding/hex.ts': "import { e } from '../errors.ts';",
  'src/core/crypto/index.ts': "import { verify } from 'node:crypto'; const noble = await import('@noble/curves/p256');",
  'src/core/verify/index.ts': "import type { X } from '../crypto/index.ts';",
  'src/core/policy/index.ts': "import { RE2JS } from 're2js';",
  'src/clients/http/index.ts': "import '../../core/encoding/index.ts'; await fetch(process.env.A);",
  'src/clients/registry/index.ts': "import '../http/index.ts'; import { request } from 'node:https';",
  'src/sdk/index.ts': "export * from '../clients/registry/index.ts';",
  'src/testing/index.ts': "import '../clients/registry/index.ts';",
  'src/apps/cli/main.ts': "import '../../sdk/index.ts'; import pkg from '../../../package.json' with { type: 'json' };",
  'src/apps/quickstart/main.ts': "import '../../testing/index.ts'; import '../../sdk/index.ts';",
};

const PLANTED: readonly [why: RegExp, path: string, text: string][] = [
  [/core\/encoding may not import core\/crypto/, 'src/core/encoding/bad.ts', "import { v } from '../crypto/index.ts';"],
  [/core\/encoding may not import core\/verify/, 'src/core/encoding/bad.ts', "import type { X } from '../verify/index.ts';"],
  [/core\/encoding may not import core\/verify/, 'src/core/encoding/bad.ts', "export function f(x: import('../verify/index.ts').X) {}"],
  [/core\/verify may not import clients\/registry/, 'src/core/verify/bad.ts', "const late = () => import('../../clients/registry/index.ts');"],
  [/core\/verify may not import clients\/http/, 'src/core/verify/bad.ts', "export {\n  request,\n  type Response,\n} from '../../clients/http/index.ts';"],
  [/clients\/oidc may not import clients\/registry/, 'src/clients/oidc/bad.ts', "import '../registry/index.ts';"],
  [/apps\/cli may not import testing/, 'src/apps/cli/bad.ts', "import '../../testing/index.ts';"],
  [/entered by its index/, 'src/core/verify/bad.ts', "import { hex } from '../encoding/hex.ts';"],
  [/a circle: .*b\.ts -> .*a\.ts -> .*b\.ts/, 'src/core/tlog/a.ts', "import './b.ts';"],
  [/no file of src/, 'src/core/tlog/bad.ts', "import './missing.ts';"],
  [/no file of src/, 'src/sdk/bad.ts', "import '../../test/source.ts';"],
  [/imports the test/, 'src/core/tlog/bad.ts', "import './b.test.ts';"],
  [/computed path/, 'src/core/tlog/bad.ts', 'const room = await import(name);'],
  [/computed path/, 'src/core/tlog/bad.ts', 'await import(`../../clients/${name}/index.ts`);'],
  [/node:fs, which core may not/, 'src/core/crypto/bad.ts', "import { readFileSync } from 'node:fs';"],
  [/node:crypto, which core may not/, 'src/core/tlog/bad.ts', "import { createHash } from 'node:crypto';"],
  [/lodash, which core may not/, 'src/core/verify/bad.ts', "import x from 'lodash';"],
  [/re2js, which core may not/, 'src/core/bundle/bad.ts', "import { RE2JS } from 're2js';"],
  [/re2js, which core may not/, 'src/core/verify/bad.ts', "import { RE2JS } from 're2js';"],
  [/stands in no room/, 'src/helpers.ts', ''],
  [/stands in no room/, 'src/core/misc/index.ts', ''],
  ...[
    'Date.now()',
    'new Date()',
    'new Date( )',
    'new Date',
    'Date()',
    'performance.now()',
    'process.env.HOME',
    'fetch(url)',
    'fs.readFileSync(p)',
    'console.log(1)',
    'Math.random()',
    'setTimeout(f, 1)',
    'globalThis["x"]',
    'crypto.randomUUID()',
    '`now: ${Date.now()}`',
    "f('a // b', Date.now())",
    'x / 2; Date.now(); y / 2',
  ].map((code): [RegExp, string, string] => [/is not pure/, 'src/core/verify/bad.ts', `export const a = () => ${code};`]),
];

test('a sound house has no violation, whatever its comments, strings and patterns say', () => {
  const harmless = [
    "// import x from '../verify/index.ts'; Date.now()",
    "/* fetch(process.env) import '../verify/index.ts' */",
    'const text = "import x from \'node:fs\'; Date.now()";',
    "const note = `no fetch, no ${'Date.now()'} and no \\${process} ${`nested ${1} process`} import '../verify/index.ts'`;",
    "const pattern = /'fetch(.*)process`/; const when = new Date(0); const other = a.process + b.fetch + prefetch + Date.UTC(1);",
  ].join('\n');
  assert.deepEqual(violations(new Map(Object.entries({ ...ROOMS, 'src/core/encoding/odd.ts': harmless }))), []);
});

for (const [why, path, text] of PLANTED) {
  test(`a planted fault is found: ${text === '' ? path : text}`, () => {
    const around = { 'src/core/tlog/b.ts': "import './a.ts';", 'src/core/tlog/a.ts': '', 'src/core/tlog/b.test.ts': "import '../../testing/index.ts';" };
    const found = violations(new Map(Object.entries({ ...ROOMS, ...around, [path]: text })));
    assert.equal(found.length, 1, `exactly the planted one: ${found.join('; ')}`);
    assert.match(found[0] ?? '', why);
  });
}
