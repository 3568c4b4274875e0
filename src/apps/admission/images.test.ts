import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JsonObject, LIMITS } from '../../core/encoding/index.ts';
import { imagesOf, newImages, podSpecsOf } from './images.ts';

const imagesIn = (kind: string, object: JsonObject, custom?: ReadonlyMap<string, readonly string[]>) => imagesOf(kind, podSpecsOf(kind, object, custom));

const SPEC: JsonObject = {
  nodeSelector: { image: 'ssd' },
  topologySpreadConstraints: [{ labelSelector: { matchLabels: { image: 'x' } } }],
  affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ podAffinityTerm: { labelSelector: { matchLabels: { image: 'x' } } } }] } },
  containers: [{ name: 'a', image: 'r.example/a:1', resources: { limits: { image: '1' } } }],
  initContainers: [{ name: 'b', image: 'r.example/b:1' }],
  ephemeralContainers: [{ name: 'c', image: 'r.example/c:1' }],
  volumes: [
    { name: 'v', image: { reference: 'r.example/v:1', pullPolicy: 'Always' } },
    { name: 'w', rbd: { image: 'disk' } },
    { name: 'x', csi: { volumeAttributes: { image: 'x' } } },
  ],
};
const IMAGES = ['a', 'b', 'c', 'v'].map((name) => `r.example/${name}:1`);
const TEMPLATE = { spec: { template: { spec: SPEC } } };
const KINDS: readonly (readonly [kind: string, object: JsonObject])[] = [
  ['/Pod', { spec: SPEC }],
  ['/PodTemplate', { template: { spec: SPEC } }],
  ['batch/CronJob', { spec: { jobTemplate: TEMPLATE } }],
  ...['/ReplicationController', 'apps/ReplicaSet', 'apps/Deployment', 'apps/StatefulSet', 'apps/DaemonSet', 'batch/Job'].map(
    (kind) => [kind, TEMPLATE] as const,
  ),
];

for (const [kind, object] of KINDS) {
  test(`every place of a ${kind} that names an image is read, and nothing that only looks like one`, () => {
    assert.deepEqual(
      imagesIn(kind, object)
        .map(({ image }) => image)
        .sort(),
      IMAGES,
    );
  });
}

const refused = (kind: string, object: JsonObject, message: RegExp): void =>
  assert.throws(() => imagesIn(kind, object), { code: 'ERR_IMAGES_UNREADABLE', message });

test('an image field that is not known is refused by its name', () => {
  const pod = (more: JsonObject): JsonObject => ({ spec: { ...SPEC, ...more } });
  refused('/Pod', pod({ sidecars: [{ name: 'x', image: 'r.example/x' }] }), /spec\.sidecars\[0\]\.image/);
  refused('/Pod', pod({ volumes: [{ name: 'x', oci: { image: { reference: 'r.example/x' } } }] }), /oci\.image\.reference/);
  refused('/Pod', pod({ more: { matchLabels: { image: 'r.example/x' } } }), /more\.matchLabels\.image/);
  refused('/Pod', pod({ more: { nodeSelector: { image: 'r.example/x' } } }), /more\.nodeSelector\.image/);
  refused('apps/Deployment', { spec: { template: { spec: { image: 'r.example/x' } } } }, /template\.spec\.image/);
});

test('a Pod that names no image, or a container that names none, is refused; a template may leave it open', () => {
  const open = { containers: [{ name: 'a', image: 'r.example/a' }, { name: 'b' }] };
  refused('/Pod', { spec: open }, /containers\[1\] names no image/);
  refused('/Pod', { spec: {} }, /names no image/);
  refused('/Pod', {}, /names no image/);
  refused('/Pod', { spec: { containers: { image: 'x' } } }, /no list/);
  refused('/Pod', { spec: { containers: [{ image: 7 }] } }, /no text/);
  refused('/Pod', { spec: 'x' }, /no object/);
  assert.equal(imagesIn('apps/Deployment', { spec: { template: { spec: open } } }).length, 1);
});

test('custom kinds are read at the paths that are configured, and refused without', () => {
  refused('argoproj.io/Rollout', TEMPLATE, /nothing says where/);
  refused('constructor', TEMPLATE, /nothing says where/);
  const custom = new Map([['argoproj.io/Rollout', ['spec.template.spec', 'spec.other.spec']]]);
  assert.deepEqual(
    imagesIn('argoproj.io/Rollout', TEMPLATE, custom)
      .map(({ image }) => image)
      .sort(),
    IMAGES,
  );
});

test('one image over the bound is refused', () => {
  const pod = (count: number): JsonObject => ({ spec: { containers: Array.from({ length: count }, (_, i) => ({ image: `r.example/a:${i}` })) } });
  assert.equal(imagesIn('/Pod', pod(LIMITS.imagesPerPod)).length, LIMITS.imagesPerPod);
  assert.throws(() => imagesIn('/Pod', pod(LIMITS.imagesPerPod + 1)), { code: 'ERR_TOO_LARGE' });
});

test('an update starts what stood nowhere before, and tags in more places than before; order and place do not matter', () => {
  const named = (...images: string[]) => images.map((image, i) => ({ path: `${i}`, image }));
  const fresh = (before: string[], after: string[]) => newImages(named(...before), named(...after)).map(({ image }) => image);
  assert.deepEqual(fresh(['a', 'b'], ['b', 'a']), []);
  assert.deepEqual(fresh(['a', 'b'], ['a']), []);
  assert.deepEqual(fresh(['a'], ['a', 'b']), ['b']);
  assert.deepEqual(fresh(['a'], ['a', 'a']), ['a', 'a'], 'the tag may have moved since');
  assert.deepEqual(fresh(['a@sha256:1'], ['a@sha256:1', 'a@sha256:1']), []);
});
