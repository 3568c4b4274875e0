/** What is read as plain is read as the whole parser reads it: nodes, values and places. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml';
import { LIMITS } from '../encoding/index.ts';
import { readPlain } from './plain-yaml.ts';

const RUNS = process.env['SEALWARD_TORTURE'] ? 500_000 : 5000;

/** Kind, place and value of every node. */
function shown(node: unknown): unknown {
  const at = (node as Node | null)?.range?.[0];
  if (isScalar(node)) return [at, node.value];
  if (isSeq(node)) return [at, 'list', node.items.map(shown)];
  if (isMap(node)) return [at, 'map', node.items.map(({ key, value }) => [shown(key), shown(value)])];
  return ['foreign', String(node)];
}

function parsed(text: string): { readonly roots?: readonly unknown[]; readonly lines: readonly number[] } {
  const lines = new LineCounter();
  const found = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false, schema: 'core', version: '1.2', merge: false });
  const documents = Array.isArray(found) ? found : [];
  if (documents.some(({ errors, warnings }) => errors.length + warnings.length > 0)) return { lines: lines.lineStarts };
  const said = documents.map(({ contents }) => contents).filter((contents) => contents !== null && !(isScalar(contents) && contents.value === null));
  return { roots: said.map(shown), lines: lines.lineStarts };
}

/** Whether the text is plain; if so, that the parser agrees. */
function isPlain(text: string): boolean {
  const lines = new LineCounter();
  const plain = readPlain(text, lines);
  if (!plain) {
    assert.deepEqual(lines.lineStarts, [], 'the parser counts them itself');
    return false;
  }
  const whole = parsed(text);
  assert.deepEqual(plain.map(shown), whole.roots, text);
  const positions = Array.from({ length: text.length }, (_, at) => lines.linePos(at));
  const others = new LineCounter();
  for (const at of whole.lines) others.addNewLine(at);
  assert.deepEqual(
    positions,
    Array.from({ length: text.length }, (_, at) => others.linePos(at)),
    text,
  );
  return true;
}

const POLICY = `# What team shop runs.
apiVersion: sealward.dev/v1alpha1
kind: ImagePolicy
metadata:
  name: shop   # for people
  labels: {team: shop, "a/b": 'c d'}
spec:
  match:
    images:
    - registry.example/shop/**
    - "*/x: y"

    namespaces: [shop, 'shop-*']
  authorities:
    - name: ci
      keyless:
        identities:
          -   issuer: https://token.example
              subject: https://github.com/shop/app/.github/workflows/release.yml@refs/heads/main
              sourceRepositoryId: "7"
    - name: manager
      key: { fingerprint: "00" }
      validUntil: 2027-12-31T23:59:59Z
  signatures: {atLeast: 2, of: [ci, manager]}
  attestations:
    - name: own
      type: https://example.test/own/v1
      maxAge: 7d
      condition: predicate.stage == "done" && size(predicate.list) > 3 # a: comment
      latest: true
  message: >-
    Ask, s’il vous plaît
    # the team: 'shop'

  contact: |
    a
    b

---
- - a
  - b: c#d
    e: 007
- []
- {}
---
# nothing
`;

const NOT_PLAIN = String.raw`  d: &x e
  d: *x
  d: !!str e
  d: |
  d: >-
  d: |+
    e
  d: |2
    e
  d:
  d
  d: e: f
  d: e:
 d: e
   d: e
  ? d
  d : e
  "d": e
  d: "e
  d: 'e''f'
  d: "e" f
  d: 'e' f
  d: "\u0041"
  d: "\x41"
  d: ~
  d: null
  d: True
  d: 1.5
  d: 0x10
  d: 0o7
  d: 1e3
  d: 1.
  d: -1
  d: .5
  d: 1234567890123456
  d: @e
  d: %e
  d: ? e
  true: e
  null: e
  <<: e
  d: [e
  d: [e,]
  d: [,e]
  d: [e f]
  d: [e: f]
  d: {e}
  d: {e:f}
  d: {e: }
  d: {e: f,}
  d: {1: f}
  d: {'e':f}
  d: {"a" :f}
  d: {a: f}}
  d: [e]f
  d: [e] [f]
  d: [[e]
  d: [#e]
  - e
- e
...
--- e
--- # e
%YAML 1.2`.split('\n');

describe('plain YAML', () => {
  it('is what people write, and JSON', () => {
    assert.ok(isPlain(POLICY));
    for (const { contents } of parseAllDocuments(POLICY) as { contents: { toJSON: () => unknown } | null }[]) {
      if (!contents || contents.toJSON() === null) continue;
      const [short, long] = [JSON.stringify(contents), JSON.stringify(contents, null, 2)];
      assert.ok(isPlain(short) && isPlain(long) && isPlain(`\n  ${long}\n\n`), long);
    }
    assert.ok(isPlain(String.raw`{"a":"\"\\\/\b\f\n\r\t"}`) && isPlain('') && isPlain('# nothing\n') && isPlain('---\n---\na: 1\n---'));
  });

  it('is nothing else: one such line, and the parser has the whole text', () => {
    const before = 'a:\n  b: c\n';
    const lines = [
      ...NOT_PLAIN,
      '  d:\te',
      '\td: e',
      '  d: e\r',
      '  d: e\u0085',
      '  d: e\u00a0',
      '  d: e\u2028f',
      '  d: \ufeffe',
      `  d: ${'e'.repeat(5000)}`,
      `  ${'d'.repeat(200)}: e`,
      '  d: [e #f\n  ]',
      '  d: {e: f\n  }',
    ];
    for (const line of lines) assert.ok(!isPlain(`${before}${line}\n`), line);
    for (const text of [
      'a',
      '"a": b',
      '[a]: b',
      '- a\nb: c',
      'a: b\n- c',
      ' a: b\nc: d',
      '- a\n - b',
      '-a: b',
      '-',
      '- ',
      '{"a":1} b',
      '{"a":1}\n---\n',
      '[a\n---\n]',
    ])
      assert.ok(!isPlain(text), text);
  });

  it('is as deep as JSON may be, and no deeper', () => {
    const nested = (depth: number): string[] => [
      `${'['.repeat(depth)}${']'.repeat(depth)}`,
      `${'{"a": '.repeat(depth)}1${'}'.repeat(depth)}`,
      `${'[ "]", '.repeat(depth)}1${']'.repeat(depth)}`,
      `${'- '.repeat(depth)}a`,
      Array.from({ length: depth }, (_, at) => `${' '.repeat(at)}a:${at === depth - 1 ? ' b' : ''}`).join('\n'),
    ];
    for (const text of nested(LIMITS.jsonDepth)) assert.ok(isPlain(text), text);
    for (const text of nested(LIMITS.jsonDepth + 1)) assert.ok(!isPlain(text), text);
    for (const text of nested(5000)) assert.equal(readPlain(text, new LineCounter()), undefined);
  });

  it('has no lines that are read otherwise by the parser, whatever stands in them', () => {
    const word = fc.constantFrom(
      'a',
      'b',
      'a/b',
      'a.b',
      'true',
      'null',
      '7',
      '7d',
      '1e3',
      '0x1',
      '2027-01-01T00:00:00Z',
      'https://x/y',
      'a b',
      'é ü',
      '7’',
      'a #b',
      'a: b',
      "it's",
      '"q"',
    );
    const mark = fc.constantFrom(
      ': ',
      ':',
      '- ',
      '-',
      ' ',
      '  ',
      ' #',
      '#',
      "'",
      '"',
      '[',
      ']',
      '{',
      '}',
      ', ',
      ',',
      '\n',
      '\\',
      '\\n',
      '*',
      '&',
      '!',
      '?',
      '|',
      '~',
      '',
    );
    const scrap = fc.array(fc.oneof(word, mark), { maxLength: 6 }).map((parts) => parts.join(''));
    const value = fc.oneof(
      { weight: 4, arbitrary: word },
      {
        weight: 2,
        arbitrary: fc.constantFrom(
          "'a'",
          '"b"',
          "'it: #'",
          '"x\\n"',
          '[a, b]',
          '{a: b}',
          '|',
          '>-',
          '>',
          '|-',
          '[]',
          '{}',
          '[[a], {b: c}]',
          '{"a":1, b: "c"}',
          '',
        ),
      },
      { weight: 1, arbitrary: scrap },
    );
    const line = fc
      .tuple(
        fc.constantFrom(0, 0, 0, 2, 2, 2, 4, 4, 1, 3),
        fc.constantFrom('', '', '', '- ', '- ', '-   ', '- - '),
        fc.oneof({ weight: 5, arbitrary: fc.constantFrom('a: ', 'b: ', 'c/d: ', 'e:', 'e:', 'true: ', '') }, { weight: 1, arbitrary: scrap }),
        value,
        fc.constantFrom('', '', '', ' ', ' # c', '#', ' #'),
      )
      .map(([indentation, dash, key, held, end]) => `${' '.repeat(indentation)}${dash}${key}${held}${end}`);
    const block = fc.array(fc.oneof({ weight: 12, arbitrary: line }, { weight: 1, arbitrary: fc.constantFrom('---', '', '# c', '  # c', '...') }), {
      minLength: 1,
      maxLength: 6,
    });
    const json = fc
      .tuple(fc.json({ maxDepth: 3 }), fc.nat(), scrap)
      .map(([text, at, more]) => `${text.slice(0, at % (text.length + 1))}${more}${text.slice(at % (text.length + 1))}`);
    let plain = 0;
    const edited = fc
      .array(fc.tuple(fc.nat(), fc.nat(3), fc.oneof(scrap, fc.constantFrom('\n', ' ', '  ', '\n  ', '- '))), { minLength: 1, maxLength: 3 })
      .map((edits) => edits.reduce((text, [at, less, more]) => `${text.slice(0, at % text.length)}${more}${text.slice((at % text.length) + less)}`, POLICY));
    const paragraph = fc
      .tuple(
        fc.constantFrom('a: |', 'a: >', 'a: |-', 'a: >-', '- |', 'a:\n  b: >-', 'a:\n- >', '- a: |'),
        fc.array(
          fc.constantFrom(
            '  x',
            '  x',
            '  # x',
            '  x: y',
            '',
            ' ',
            '  ',
            '    ',
            '    x',
            '  x ',
            ' x',
            '# x',
            ' # x',
            '    # x',
            'b: c',
            '- x',
            '  b: c',
            '    b: c',
            '---',
          ),
          { maxLength: 5 },
        ),
        fc.constantFrom('\n', ''),
      )
      .map(([header, found, end]) => [header, ...found].join('\n') + end);
    const texts = fc.oneof(
      { weight: 2, arbitrary: paragraph },
      { weight: 2, arbitrary: edited },
      { weight: 6, arbitrary: block.map((lines) => lines.join('\n')) },
      { weight: 1, arbitrary: json },
      { weight: 1, arbitrary: scrap },
    );
    fc.assert(
      fc.property(texts, (text) => {
        if (isPlain(text)) plain++;
      }),
      { numRuns: RUNS },
    );
    assert.ok(plain > RUNS / 20, `${plain} were plain`);
  });
});
