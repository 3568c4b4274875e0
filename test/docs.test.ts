/** Documentation that cannot rot: references are generated, links lead somewhere, commands exist. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { overview } from '../src/apps/cli/help.ts';
import { parseCommand, splitCommand } from '../src/apps/cli/parse.ts';
import { commands } from '../src/apps/cli/table/index.ts';
import { moreCommands } from '../src/apps/quickstart/more-commands.ts';
import { ERRORS, type ErrorCode, FINDINGS, documentationAnchor } from '../src/core/errors.ts';
import { PAGES } from '../tools/generate-reference.ts';
import { commandLines, sealwardArguments } from './documentation.ts';
import { readTree } from './source.ts';
import { repositoryRoot } from './vectors.ts';

const read = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8');
const sources = readTree(repositoryRoot, 'src');
const pages = new Map([
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'].map((path): [string, string] => [path, read(path)]),
  ...readTree(repositoryRoot, 'docs', ['.md']),
]);

for (const [path, page] of Object.entries(PAGES)) {
  test(`${path} is what \`npm run docs\` writes`, () => assert.equal(read(path), page(), 'run `npm run docs` and commit the result'));
}

test('every error code has its anchor in the documentation', () => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const [path = '', fragment] = documentationAnchor(code).split('#');
    assert.ok(read(path).includes(`<a id="${fragment}"></a>\`${code}\``), code);
  }
});

test('the page of errors names every exit code of the table', () => {
  const listed = new Set(Array.from(read('docs/reference/errors.md').matchAll(/^\| (\d+) \|/gm), (match) => Number(match[1])));
  for (const [code, { exit }] of Object.entries(ERRORS)) assert.ok(listed.has(exit), `exit code ${exit} of ${code}`);
});

/** Codes of Node itself, which are compared with and never thrown. */
const OF_NODE = /^ERR_(?:TLS|SSL|STREAM|SOCKET|INVALID|HTTP|PARSE_ARGS)_/;

test('every ERR_ code that the source names is in the table', () => {
  for (const [path, text] of sources) {
    for (const [code] of text.matchAll(/\bERR_[A-Z0-9_]+\b/g)) assert.ok(code in ERRORS || OF_NODE.test(code), `${path} names ${code}`);
  }
});

test('rows of the tables read alike: sentences with a full stop', () => {
  for (const [code, row] of [...Object.entries(ERRORS), ...Object.entries(FINDINGS)]) {
    for (const sentence of [row.meaning, row.hint]) assert.match(sentence, /^[A-Z`].*[.]$/, code);
  }
});

/** The anchors of a page: those set by hand and those that a renderer makes of headings. */
function anchors(page: string): Set<string> {
  const found = new Set(Array.from(page.matchAll(/<a id="([^"]+)">/g), (match) => match[1] ?? ''));
  for (const [, heading = ''] of page.matchAll(/^#+ (.+)$/gm)) {
    found.add(
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );
  }
  return found;
}

test('every link inside the documentation leads somewhere', () => {
  for (const [path, page] of pages) {
    for (const [, target = ''] of page.replace(/```[^]*?```/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file = '', fragment] = target.split('#');
      const to = file === '' ? path : normalize(join(dirname(path), file));
      assert.ok(existsSync(join(repositoryRoot, to)), `${path} links to ${target}`);
      if (fragment !== undefined) assert.ok(anchors(read(to)).has(fragment), `${path} links to ${target}`);
    }
  }
});

test('the index of the documentation names every page', () => {
  const index = pages.get('docs/README.md') ?? '';
  for (const path of pages.keys()) {
    if (path.startsWith('docs/') && path !== 'docs/README.md') assert.ok(index.includes(`](${path.slice('docs/'.length)})`), path);
  }
});

const scripts = (JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts;

test('every npm command in the documentation names a script that exists', () => {
  assert.deepEqual(commandLines(read('README.md')).slice(0, 2), ['npm ci && npm start', 'npm ci && npm test'], 'README begins with the two commands');
  for (const [path, page] of pages) {
    for (const line of commandLines(page)) {
      for (const [, run, short] of line.matchAll(/\bnpm (?:run ([\w:-]+)|(\w+))/g)) {
        const script = run ?? short ?? '';
        if (run === undefined && ['ci', 'install', 'exec', 'pack'].includes(script)) continue;
        assert.ok(script in scripts, `${path}: ${line}`);
      }
    }
  }
});

test('every sealward command in the documentation is one that the program understands', () => {
  let seen = 0;
  for (const [path, page] of pages) {
    for (const line of commandLines(page)) {
      const argv = sealwardArguments(line);
      if (argv === undefined) continue;
      const { name, rest } = splitCommand(argv);
      const spec = [...commands, ...moreCommands].find((command) => command.spec.name === name)?.spec;
      assert.ok(spec, `${path}: ${line}`);
      assert.deepEqual(parseCommand(spec, rest).warnings, [], `${path}: ${line}`);
      seen++;
    }
  }
  assert.ok(seen > 5);
});

test('the help and the reference name the same exit codes', () => {
  const help = overview([], 100, (text) => text);
  const listed = (text: string, row: RegExp): string[] => Array.from(text.matchAll(row), (match) => match[1] ?? '');
  const page = listed(read('docs/reference/errors.md'), /^\| (\d+) \|/gm);
  assert.deepEqual(
    listed(help, /^ {2}(\d+) /gm).filter((exit) => !page.includes(exit)),
    [],
  );
});

test('npm scripts name files that exist', () => {
  for (const [name, line] of Object.entries(scripts)) {
    for (const [path] of line.matchAll(/\b(?:src|tools|test|bench)\/[\w./-]+\.(?:ts|cjs)\b/g))
      assert.ok(existsSync(join(repositoryRoot, path)), `${name}: ${path}`);
  }
});

// Several are written side by side and arrive in any order, so a number may be missing for a while; none may stand twice.
test('decision records are numbered, each with a number of its own, and have the same parts', () => {
  const records = readdirSync(join(repositoryRoot, 'docs', 'decisions')).sort();
  const numbers = records.map((name) => /^(\d{4})-[a-z0-9-]+\.md$/.exec(name)?.[1]);
  assert.ok(!numbers.includes(undefined), records.join());
  assert.equal(new Set(numbers).size, records.length);
  for (const name of records) {
    const page = read(`docs/decisions/${name}`);
    for (const part of [/^# \d+\. /m, /^Status: (?:accepted|replaced by \[)/m, /^## Why$/m, /^## Decision$/m, /^## Consequences$/m])
      assert.match(page, part, name);
  }
});

test('the changelog has a place for what is not released yet', () => {
  assert.match(read('CHANGELOG.md'), /^## \[Unreleased\]$/m);
});

test('no tracked file names a folder of one machine, or a host that packages come from', (t) => {
  const list = spawnSync('git', ['ls-files', '-z'], { cwd: repositoryRoot, encoding: 'utf8' });
  if (list.status !== 0) return t.skip('this is not a git work tree');
  // Put together here, so that this file does not name them itself.
  const folders = ['home', 'root', 'Users', 'work', 'tmp'].join('|');
  const hosts = [
    ['registry', 'npmjs'],
    ['registry', 'yarnpkg'],
    ['deb', 'debian', 'org'],
    ['pypi', 'org'],
    ['proxy', 'golang'],
  ]
    .map((parts) => parts.join('\\.'))
    .join('|');
  const forbidden = new RegExp(`(?<![\\w.}*-])/(?:${folders})/[\\w.]|\\b(?:${hosts})\\b`);
  for (const path of list.stdout.split('\0').filter((name) => name !== '' && existsSync(join(repositoryRoot, name)))) {
    const line = read(path)
      .split('\n')
      .find((text) => forbidden.test(text));
    assert.equal(line, undefined, `${path}: ${line?.slice(0, 200)}`);
  }
});

test('every error and every finding of the tables is used', () => {
  const code = [...sources].filter(([path]) => path !== 'src/core/errors.ts' && !path.endsWith('.test.ts')).map(([, text]) => text);
  const names = [...Object.keys(ERRORS), ...Object.keys(FINDINGS)].filter((name) => name !== 'ERR_INVARIANT'); // thrown by `invariant` itself
  const unused = names.filter((name) => !code.some((text) => text.includes(`'${name}'`)));
  assert.deepEqual(unused, [], 'remove the row, or use it');
});
