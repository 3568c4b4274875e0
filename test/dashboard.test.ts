/** The Grafana dashboard and the alarms of Prometheus ask for nothing that the webhook and the controller do not tell. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { readTree } from './source.ts';
import { repositoryRoot } from './vectors.ts';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const dashboard = JSON.parse(readFileSync(join(repositoryRoot, 'deploy', 'grafana', 'sealward.json'), 'utf8')) as {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
};
const source = [...readTree(repositoryRoot, 'src/apps/admission'), ...readTree(repositoryRoot, 'src/apps/controller')]
  .filter(([path]) => !path.endsWith('.test.ts'))
  .map(([, text]) => text)
  .join('\n');

/** Every metric that is made, with its labels. A gauge has none. */
function told(): ReadonlyMap<string, readonly string[]> {
  const metrics = new Map<string, readonly string[]>();
  for (const [, name = '', rest = ''] of source.matchAll(/name: '(sealward_\w+)',([^}]*)\}/g)) {
    const labels = rest.includes('stages:') ? "'stage'" : (/labelNames: \[([^\]]*)\]/.exec(rest)?.[1] ?? '');
    metrics.set(
      name,
      [...labels.matchAll(/'(\w+)'/g)].map(([, label = '']) => label),
    );
  }
  for (const [, name = ''] of source.matchAll(/gauge\(\s*'(sealward_\w+)'/g)) metrics.set(name, []);
  return metrics;
}

test('every metric and label of the dashboard is one that somebody tells', () => {
  const metrics = told();
  assert.ok(metrics.size >= 15, [...metrics.keys()].join(' '));
  const targets = dashboard.panels.flatMap(({ title, targets: own = [] }) => own.map((target) => ({ title, ...target })));
  assert.ok(targets.length > 20);
  for (const { title, expr, legendFormat } of targets) {
    const named = [...expr.matchAll(/sealward_\w+/g)].map(([name]) => name.replace(/_bucket$/, ''));
    assert.ok(named.length > 0, title);
    for (const name of named) assert.ok(metrics.has(name), `${title} asks for ${name}`);
    // What Prometheus adds by itself: where it was read.
    const labels = new Set([...named.flatMap((name) => metrics.get(name) ?? []), 'namespace', 'pod', 'le']);
    const used = [
      ...Array.from(expr.matchAll(/by \(([^)]*)\)/g), ([, list = '']) => list.split(/, */)).flat(),
      ...Array.from(expr.matchAll(/(\w+)(?:=~|!=|=)"/g), ([, label = '']) => label),
      ...Array.from(legendFormat.matchAll(/\{\{(\w+)\}\}/g), ([, label = '']) => label),
    ];
    for (const label of used) assert.ok(labels.has(label), `${title} asks for the label ${label}`);
  }
});

test('everything that the webhook and the controller tell of themselves can be seen', () => {
  const shown = JSON.stringify(dashboard);
  for (const name of told().keys()) assert.ok(shown.includes(name), name);
});

test('panels have numbers of their own and do not lie over each other', () => {
  const { panels } = dashboard;
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  for (const [at, { gridPos: a, title }] of panels.entries()) {
    assert.ok(a.x + a.w <= 24, title);
    for (const { gridPos: b, title: other } of panels.slice(at + 1)) {
      const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
      assert.ok(apart, `${title} and ${other}`);
    }
  }
});

interface Alarm {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string };
}

test('every metric, label and outcome of the alarms is one that somebody tells, and each alarm says what is wrong', () => {
  const text = readFileSync(join(repositoryRoot, 'deploy', 'prometheus', 'sealward.rules.yaml'), 'utf8');
  const { groups } = parse(text) as { readonly groups: readonly { readonly rules: readonly Alarm[] }[] };
  const alarms = groups.flatMap(({ rules }) => rules);
  assert.ok(alarms.length >= 12);
  assert.equal(new Set(alarms.map(({ alert }) => alert)).size, alarms.length);
  const metrics = told();
  for (const { alert, expr, for: lasting = '0s', labels, annotations } of alarms) {
    const named = Array.from(expr.matchAll(/sealward_\w+/g), ([name]) => name);
    assert.ok(named.length > 0, alert);
    for (const name of named) assert.ok(metrics.has(name), `${alert} asks for ${name}`);
    const known = new Set([...named.flatMap((name) => metrics.get(name) ?? []), 'pod']);
    for (const [, label = ''] of [
      ...expr.matchAll(/(\w+)(?:=~|!=|=)"/g),
      ...expr.matchAll(/by \((\w+)\)/g),
      ...annotations.summary.matchAll(/\$labels\.(\w+)/g),
    ])
      assert.ok(known.has(label), `${alert} asks for the label ${label}`);
    for (const [, outcomes = ''] of expr.matchAll(/outcome=~?"([^"]+)"/g))
      for (const outcome of outcomes.split('|')) assert.match(source, new RegExp(`'${outcome}'`), `${alert} asks for the outcome ${outcome}`);
    assert.match(lasting, /^\d+[sm]$/, alert);
    assert.match(labels.severity, /^(?:critical|warning)$/, alert);
    assert.match(annotations.summary, /^[A-Z].*\.$/, alert);
  }
});
