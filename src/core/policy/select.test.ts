import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EVERYWHERE, policy as policyOf, set } from '../../../test/hand-made.ts';
import { imageGlob } from './image-glob.ts';
import type { ImagePolicy, Scope } from './policy.ts';
import type { AskedImage, Place } from './scope.ts';
import { selectPolicies, whyNotSelected } from './select.ts';
import { textGlob } from './text-pattern.ts';

const DIGEST = `sha256:${'1'.repeat(64)}`;
const IMAGE: AskedImage = { repository: 'r.example/team/app', tag: 'v1', digest: DIGEST };

function policy(name: string, scope: Partial<Scope>, rest: Partial<ImagePolicy> = {}): ImagePolicy {
  return policyOf([], { name, source: `${name}.yaml:1`, scope: { ...EVERYWHERE, ...scope }, ...rest });
}

const globs = (...texts: readonly string[]) => texts.map(imageGlob);
const names = (...texts: readonly string[]) => texts.map(textGlob);

function chosen(policies: readonly ImagePolicy[], image = IMAGE, place: Place = {}): string[] {
  return selectPolicies(set(policies), image, place).map(({ policy: { name }, reach }) => `${name} ${reach}`);
}

test('a policy without patterns is about every image, and one with patterns about those that one of them matches', () => {
  const all = [
    policy('every', {}),
    policy('repository', { images: globs('r.example/team/app') }),
    policy('tag', { images: globs('r.example/team/app:v1') }),
    policy('digest', { images: globs(`r.example/team/app@${DIGEST}`) }),
    policy('second', { images: globs('r.example/other', 'r.example/**') }),
    policy('other-tag', { images: globs('r.example/team/app:v2') }),
    policy('other', { images: globs('r.example/team/apps', 'r.example/tea', 'docker.io/**') }),
  ];
  assert.deepEqual(
    chosen(all),
    ['every', 'repository', 'tag', 'digest', 'second'].map((name) => `${name} cluster-wide`),
  );
  assert.deepEqual(
    chosen(all, { repository: IMAGE.repository, digest: DIGEST }),
    ['every', 'repository', 'digest', 'second'].map((name) => `${name} cluster-wide`),
  );
});

test('each part of a scope takes an image out of it, and the answer says which', () => {
  const place: Place = { cluster: 'eu-1', environment: 'production', namespace: 'shop', namespaceLabels: { tier: 'web', stage: 'live' } };
  const term = (operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist', key: string, ...values: string[]) => ({ key, operator, values });
  const cases: [outcome: string | undefined, scope: Partial<Scope>][] = [
    [
      undefined,
      { images: globs('**'), exclude: globs('r.example/team/app:v2'), namespaces: names('shop'), clusters: names('eu-*'), environments: names('production') },
    ],
    ['image', { images: globs('docker.io/**') }],
    ['excluded', { exclude: globs('r.example/team/app:v1') }],
    ['excluded', { images: globs('r.example/**'), exclude: globs('**/app') }],
    ['cluster', { clusters: names('us-*') }],
    ['environment', { environments: names('staging', 'test') }],
    ['namespace', { namespaces: names('shop-*', 'bank') }],
    [undefined, { namespaceLabels: [term('In', 'tier', 'web', 'db'), term('Exists', 'stage'), term('NotIn', 'missing', 'x'), term('DoesNotExist', 'exempt')] }],
    [undefined, { namespaceLabels: [term('NotIn', 'tier', 'db', 'batch')], namespaces: names('bank', 'shop'), clusters: names('us-*', 'eu-*') }],
    ['namespace-labels', { namespaceLabels: [term('In', 'tier', 'db')] }],
    ['namespace-labels', { namespaceLabels: [term('Exists', 'stage'), term('NotIn', 'stage', 'live')] }],
    ['namespace-labels', { namespaceLabels: [term('Exists', 'exempt')] }],
    ['namespace-labels', { namespaceLabels: [term('DoesNotExist', 'tier')] }],
    ['namespace-labels', { namespaceLabels: [term('Exists', 'toString')] }],
  ];
  for (const [outcome, scope] of cases) {
    const one = policy('one', scope);
    assert.equal(whyNotSelected(one, IMAGE, place), outcome, JSON.stringify(scope));
    assert.equal(chosen([one], IMAGE, place).length, outcome === undefined ? 1 : 0);
  }
});

test('not to know the place is no way around a policy, and what speaks of namespaces is told apart', () => {
  const all = [
    policy('everywhere', {}),
    policy('cluster', { clusters: names('eu-1'), environments: names('production') }),
    policy('namespace', { namespaces: names('shop') }),
    policy('labels', { namespaceLabels: [{ key: 'a', operator: 'Exists', values: [] }] }),
    policy('namespaced', {}, { namespace: 'shop' }),
  ];
  assert.deepEqual(chosen(all), [
    'everywhere cluster-wide',
    'cluster cluster-wide',
    'namespace namespace-unknown',
    'labels namespace-unknown',
    'namespaced namespace-unknown',
  ]);
  // A namespace whose labels nobody could look up is in every scope that asks for labels.
  const known = ['everywhere cluster-wide', 'cluster cluster-wide', 'namespace in-namespace', 'labels in-namespace', 'namespaced in-namespace'];
  assert.deepEqual(chosen(all, IMAGE, { namespace: 'shop' }), known);
  assert.deepEqual(chosen(all, IMAGE, { namespace: 'bank' }), ['everywhere cluster-wide', 'cluster cluster-wide', 'labels in-namespace']);
});

test('what is found by the beginnings of patterns is what trying every pattern finds, in any order', () => {
  const part = fc.constantFrom('a', 'b', 'ab', '*', '**', 'a*');
  const pattern = fc
    .tuple(
      fc.constantFrom('r.example', 'r*.example', '**', 'docker.io'),
      fc.array(part, { minLength: 1, maxLength: 3 }),
      fc.constantFrom('', ':v1', ':*', '@*'),
    )
    .map(([host, path, end]) => `${[host, ...path].join('/')}${end}`.replace(/\*{3,}/g, '**'));
  const policies = fc.array(fc.tuple(fc.array(pattern, { maxLength: 3 }), fc.array(pattern, { maxLength: 1 })), { maxLength: 8 });
  const image = fc
    .tuple(fc.constantFrom('r.example', 'rx.example', 'docker.io'), fc.array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([host, path, tagged]): AskedImage => ({ repository: [host, ...path].join('/'), ...(tagged ? { tag: 'v1' } : {}), digest: DIGEST }));
  fc.assert(
    fc.property(policies, image, (written, asked) => {
      const all = written.map(([images, exclude], i) => policy(`p${i}`, { images: globs(...images), exclude: globs(...exclude) }));
      const found = chosen(all, asked);
      assert.deepEqual(
        found,
        all.filter((one) => whyNotSelected(one, asked, {}) === undefined).map(({ name }) => `${name} cluster-wide`),
      );
      assert.deepEqual(chosen(all.toReversed(), asked).toReversed(), found);
    }),
    { numRuns: 500 },
  );
});
