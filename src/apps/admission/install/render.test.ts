/** The part of Go's templates that the chart is written in: what each form gives, and that everything else is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../../core/encoding/index.ts';
import { renderChart } from './chart.ts';
import { renderFiles } from './render.ts';

function fill(source: string, root: JsonObject = {}, more: Readonly<Record<string, string>> = {}): string | undefined {
  const files = new Map([...Object.entries(more), ['templates/a.yaml', source]]);
  return renderFiles(files, { root, toYaml: (value) => JSON.stringify(value) }).get('templates/a.yaml');
}

const CASES: readonly (readonly [source: string, root: JsonObject, filled: string])[] = [
  ['a {{ .b.c }} d', { b: { c: 1 } }, 'a 1 d'],
  ['a {{- .b -}} d', { b: 'x' }, 'axd'],
  ['a\n{{- /* says\n"why" */ -}}\nb', {}, 'ab'],
  ['{{ if .a }}1{{ else if .b }}2{{ else }}3{{ end }}', { a: '', b: [0] }, '2'],
  ['{{ if .a }}1{{ else if .b }}2{{ else }}3{{ end }}', { a: 0, b: {} }, '3'],
  ['{{ with .a }}{{ . }}{{ $.b }}{{ else }}none{{ end }}', { a: 'x', b: 'y' }, 'xy'],
  ['{{ with .a }}{{ . }}{{ else }}none{{ end }}', { a: null }, 'none'],
  ['{{ range .a }}[{{ . }}]{{ else }}none{{ end }}', { a: [1, 2] }, '[1][2]'],
  ['{{ range .a }}[{{ . }}]{{ else }}none{{ end }}', { a: [] }, 'none'],
  ['{{ range $k, $v := .a }}{{ $k }}={{ $v }};{{ end }}', { a: { z: 1, b: 2 } }, 'b=2;z=1;'],
  ['{{ range $at, $v := .a }}{{ if $at }}, {{ end }}{{ $v | quote }}{{ end }}', { a: ['x', 'y"'] }, '"x", "y\\""'],
  ['{{ $x := "1" }}{{ if .a }}{{ $x = "2" }}{{ end }}{{ $x }}', { a: true }, '2'],
  ['{{ $x := "1" }}{{ if .a }}{{ $x := "2" }}{{ end }}{{ $x }}', { a: true }, '1'],
  ['{{ default "d" .a }}{{ .b | default "d" }}', { a: '', b: 'x' }, 'dx'],
  ['{{ printf "%s-%d%%" .a 3 }}', { a: 'x' }, 'x-3%'],
  ['{{ and .a .b }}{{ or .c .b }}', { a: 'a', b: 'b', c: '' }, 'bb'],
  ['{{ if and (not .a) (eq .b "x" "y") (ne .b "z") }}yes{{ end }}', { a: false, b: 'y' }, 'yes'],
  ['{{ range list "x" .a }}<{{ . }}>{{ end }}', { a: 'y' }, '<x><y>'],
  ['{{ $x := false }}{{ range .a }}{{ if eq . 2 }}{{ $x = true }}{{ end }}{{ end }}{{ $x }}', { a: [1, 2, 3] }, 'true'],
  ['{{ add 1 2 3 }} {{ sub .a 1 }}', { a: 3 }, '6 2'],
  ['a:{{ toYaml .a | nindent 2 }}', { a: [1] }, 'a:\n  [1]'],
  ['{{ "a" | sha256sum }}', {}, 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'],
  ['{{ .missing }}|{{ `raw "text"` }}', {}, '|raw "text"'],
];

for (const [source, root, filled] of CASES) test(`${JSON.stringify(source)} gives ${JSON.stringify(filled)}`, () => assert.equal(fill(source, root), filled));

test('definitions are filled with what they are given, and their files give nothing of their own', () => {
  const more = { 'templates/_helpers.tpl': '{{ define "x" }}<{{ . }}>{{ end }}' };
  assert.equal(fill('{{ include "x" .a }}', { a: 1 }, more), '<1>');
  assert.equal(renderFiles(new Map(Object.entries(more)), { root: {}, toYaml: String }).size, 0);
});

for (const [source, why] of [
  ['{{ if .a }}', /without an end/],
  ['{{ end }}', /without a beginning/],
  ['{{ tpl "x" . }}', /no function tpl/],
  ['{{ include "x" . }}', /nothing is called "x"/],
  ['{{ $x }}', /was not declared/],
  ['{{ $x = 1 }}', /was not declared/],
  ['{{ .a.b }}', /no \.b in "text"/],
  ['{{ range .a }}{{ end }}', /cannot be gone through/],
  ['{{ (.a }}', /not closed/],
  ['{{ .a ; }}', /what is ";"/],
  ['{{ .a .b }}', /was not expected/],
  ['{{ .a | .b }}', /no function/],
] as const) {
  test(`${JSON.stringify(source)} is refused`, () => assert.throws(() => fill(source, { a: 'text' }), { code: 'ERR_INVARIANT', message: why }));
}

const CHART = {
  'Chart.yaml': 'name: c\nversion: 1.0.0\nappVersion: "2"\n',
  'values.yaml': 'a: {b: 1, c: x}\nresources: {cpu: 1}\nlist: [1]\n',
  'values.schema.json': JSON.stringify({
    additionalProperties: false,
    properties: {
      a: { type: 'object', additionalProperties: false, properties: { b: { type: 'integer', maximum: 9 }, c: { type: 'string' } } },
      resources: { type: 'object' },
      list: { type: 'array' },
    },
  }),
  'templates/o.yaml': 'kind: {{ required "a.c is missing" .Values.a.c }}\nall: {{ .Values | toYaml | nindent 2 }}\n---\n# nothing\n',
};
const values = (given: JsonObject): JsonObject | undefined => renderChart(CHART, { namespace: 'n', values: given })[0];

test('values are merged as Helm does it: maps by key, lists whole, null takes away', () => {
  assert.deepEqual(values({ a: { c: 'y' }, list: [], resources: { memory: 2 } })?.['all'], { a: { b: 1, c: 'y' }, resources: { cpu: 1, memory: 2 }, list: [] });
  assert.deepEqual(values({ a: { b: null } })?.['all'], { a: { c: 'x' }, resources: { cpu: 1 }, list: [1] });
});

test('values that the chart does not have, or not so, are refused by name', () => {
  assert.throws(() => values({ a: { d: 1 } }), { code: 'ERR_CONFIG_INVALID', message: 'the chart has no value "a.d"', hint: 'There are b, c in a.' });
  assert.throws(() => values({ a: 'text' }), { code: 'ERR_CONFIG_INVALID', message: 'the value "a" must be a map' });
  assert.throws(() => values({ list: {} }), { code: 'ERR_CONFIG_INVALID', message: 'the value "list" must be a list' });
  assert.throws(() => values({ a: { b: 10 } }), { code: 'ERR_CONFIG_INVALID', message: 'the value "a.b" must be at most 9' });
  for (const name of ['toString', '__proto__', 'constructor'])
    assert.throws(() => values(JSON.parse(`{"${name}": {"b": 1}}`) as JsonObject), { code: 'ERR_CONFIG_INVALID', message: `the chart has no value "${name}"` });
  assert.throws(() => values({ a: { c: '' } }), { code: 'ERR_CONFIG_INVALID', message: 'a.c is missing' });
  assert.throws(() => values({ a: { c: 'x\n - y: [' } }), { code: 'ERR_CONFIG_INVALID', message: /no YAML with these values/ });
});
