/** An exception lifts what it names, where that is certain, and nothing else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EVERYWHERE, exception, policy, text } from '../../../test/hand-made.ts';
import { exceptionsFor } from './exceptions.ts';
import { imageGlob } from './image-glob.ts';
import type { ImageException } from './policy.ts';
import type { AskedImage, Place } from './scope.ts';

const IMAGE: AskedImage = { repository: 'r.test/app', tag: '1', digest: `sha256:${'1'.repeat(64)}` };
const PLACE: Place = { cluster: 'eu', environment: 'prod', namespace: 'shop', namespaceLabels: { tier: 'web' } };
const asked = policy([], { name: 'p' });
const lifts = (more: Partial<ImageException>, place: Place = PLACE, image = IMAGE): boolean =>
  exceptionsFor([exception(more)], asked, image, place).length === 1;
const scope = (more: Partial<ImageException['scope']>) => ({ scope: { ...EVERYWHERE, ...more } });

describe('an exception', () => {
  it('is for the policies, digests and images that it names, or for all where it names none', () => {
    assert.ok(lifts({}));
    assert.ok(lifts({ policies: ['p'] }) && lifts({ policies: ['x', 'p'] }) && !lifts({ policies: ['x'] }));
    assert.ok(lifts({ digests: [IMAGE.digest] }) && lifts({ digests: ['sha256:x', IMAGE.digest] }) && !lifts({ digests: ['sha256:x'] }));
    assert.ok(lifts(scope({ images: [imageGlob('r.test/**')] })) && !lifts(scope({ images: [imageGlob('x.test/**')] })));
    assert.ok(!lifts(scope({ images: [imageGlob('r.test/**')], exclude: [imageGlob('r.test/app')] })));
    assert.ok(!lifts({ ...scope({ images: [imageGlob('x.test/**')] }), digests: [IMAGE.digest] }), 'of both, not of either');
  });

  it('is for the places that it names', () => {
    assert.ok(lifts(scope({ clusters: [text('eu')] })) && !lifts(scope({ clusters: [text('us')] })));
    assert.ok(lifts(scope({ environments: [text('prod')] })) && !lifts(scope({ environments: [text('test')] })));
    assert.ok(lifts(scope({ namespaces: [text('shop')] })) && !lifts(scope({ namespaces: [text('bank')] })));
    const label = (value: string) => scope({ namespaceLabels: [{ key: 'tier', operator: 'In', values: [value] }] });
    assert.ok(lifts(label('web')) && !lifts(label('db')));
  });

  it('lifts nothing where it is not known whether it holds', () => {
    const { cluster: _c, ...noCluster } = PLACE;
    const { environment: _e, ...noEnvironment } = PLACE;
    const { namespace: _n, ...noNamespace } = PLACE;
    const { namespaceLabels: _l, ...noLabels } = PLACE;
    for (const [named, unknown] of [
      [scope({ clusters: [text('eu')] }), noCluster],
      [scope({ environments: [text('prod')] }), noEnvironment],
      [scope({ namespaces: [text('shop')] }), noNamespace],
      [scope({ namespaceLabels: [{ key: 'tier', operator: 'In', values: ['web'] }] }), noLabels],
      [scope({ namespaceLabels: [{ key: 'exempt', operator: 'DoesNotExist', values: [] }] }), noLabels],
    ] as const) {
      assert.ok(lifts(named), 'where it is known');
      assert.ok(!lifts(named, unknown), 'where it is not');
    }
    for (const unknown of [noCluster, noEnvironment, noNamespace, noLabels, {}]) assert.ok(lifts({}, unknown), 'what it does not name need not be known');
  });

  it('of several those that lift are given by name, in whatever order they were written', () => {
    const all = ['c', 'a', 'b', 'x'].map((name) => exception({ name, policies: [name === 'x' ? 'other' : 'p'] }));
    for (const order of [all, [...all].reverse(), [...all.slice(2), ...all.slice(0, 2)]])
      assert.deepEqual(
        exceptionsFor(order, asked, IMAGE, PLACE).map(({ name }) => name),
        ['a', 'b', 'c'],
      );
    assert.deepEqual(exceptionsFor([], asked, IMAGE, PLACE), []);
  });
});
