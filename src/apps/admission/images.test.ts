import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JsonObject, type JsonValue, LIMITS } from '../../core/encoding/index.ts';
import { imagesOf, newImages, podSpecsOf } from './images.ts';

const imagesIn = (kind: string, object: JsonObject, custom?: ReadonlyMap<string, readonly string[]>) => imagesOf(kind, podSpecsOf(kind, object, custom));

/** Under keys that people choose. */
const CHOSEN: JsonObject = { image: 'x', reference: 'x' };

const SPEC: JsonObject = {
  nodeSelector: { image: 'ssd', managedFields: 'x' },
  overhead: { image: '1' },
  topologySpreadConstraints: [{ labelSelector: { matchLabels: CHOSEN } }],
  affinity: {
    podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: CHOSEN }, namespaceSelector: { matchLabels: CHOSEN } }] },
    podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ podAffinityTerm: { labelSelector: { matchLabels: CHOSEN } } }] },
  },
  containers: [{ name: 'a', image: 'r.example/a:1', resources: { limits: { image: '1' }, requests: { image: '1' } } }],
  initContainers: [{ name: 'b', image: 'r.example/b:1' }],
  ephemeralContainers: [{ name: 'c', image: 'r.example/c:1' }],
  volumes: [
    { name: 'v', image: { reference: 'r.example/v:1', pullPolicy: 'Always' } },
    { name: 'w', rbd: { image: 'disk' } },
    { name: 'x', csi: { volumeAttributes: CHOSEN } },
    { name: 'y', flexVolume: { options: CHOSEN } },
    { name: 'z', ephemeral: { volumeClaimTemplate: { metadata: { labels: CHOSEN, annotations: CHOSEN }, spec: { selector: { matchLabels: CHOSEN } } } } },
    { name: 'p', projected: { sources: [{ clusterTrustBundle: { labelSelector: { matchLabels: CHOSEN } } }] } },
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

test('very many fields far below, which look like images, take no longer than others', () => {
  const custom = new Map([['x.example/Thing', ['spec']]]);
  const nested = (value: JsonValue): JsonObject => Array.from({ length: LIMITS.jsonDepth - 6 }).reduce<JsonObject>((inner) => ({ x: inner }), { x: value });
  const found = (one: JsonObject) => imagesIn('x.example/Thing', { spec: nested(Array.from({ length: 50_000 }, () => one)) }, custom);
  for (const one of [{ image: {} }, { image: { reference: {} } }, { labels: { image: {} } }, { matchLabels: {} }, { reference: 'x' }])
    assert.deepEqual(found(one), []);
  for (const one of [{ image: 'x' }, { labels: { image: 'x' } }, { image: { reference: 'x' } }, { managedFields: [] }])
    assert.throws(() => found(one), { code: 'ERR_IMAGES_UNREADABLE' }, JSON.stringify(one));
});

test('a Pod that names no image, or a container that names none, is refused; a template may leave it open', () => {
  const open = { containers: [{ name: 'a', image: 'r.example/a' }, { name: 'b' }] };
  refused('/Pod', { spec: open }, /containers\[1\] names no image/);
  refused('/Pod', { spec: {} }, /names no image/);
  refused('/Pod', {}, /names no image/);
  for (const reference of [null, ''])
    refused('/Pod', { spec: { ...SPEC, volumes: [{ name: 'v', image: { reference } }] } }, /volumes\[0\]\.image\.reference" is empty/);
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

test('an update starts what stood nowhere before, and a tag in another container than before: it may have moved since', () => {
  const specOf = (containers: readonly string[]): JsonObject => ({
    spec: {
      containers: containers.map((one) => {
        const [name = '', image = ''] = one.split('=');
        return { ...(name === '' ? {} : { name }), image };
      }),
    },
  });
  const fresh = (before: string[], after: string[], kind = '/Pod') =>
    newImages(imagesIn(kind, specOf(before)), imagesIn(kind, specOf(after))).map(({ path, image }) => `${path.replace(/\D/g, '')} ${image}`);
  assert.deepEqual(fresh(['x=a', 'y=b'], ['y=b', 'x=a']), [], 'the order does not matter');
  assert.deepEqual(fresh(['x=a', 'y=b'], ['x=a']), []);
  assert.deepEqual(fresh(['x=a'], ['x=a', 'y=b']), ['1 b']);
  assert.deepEqual(fresh(['x=a'], ['x=a', 'y=a']), ['1 a']);
  assert.deepEqual(fresh(['x=a', 'y=b'], ['x=b', 'y=a']), ['0 b', '1 a']);
  assert.deepEqual(fresh(['x=a', 'y=b'], ['x=b', 'y=b']), ['0 b']);
  assert.deepEqual(fresh(['=a', '=b'], ['=a', '=b']), [], 'what has no name has its number');
  assert.deepEqual(fresh(['=a', '=b'], ['=b', '=a']), ['0 b', '1 a']);
  assert.deepEqual(fresh(['x=a', 'x=b'], ['x=b', 'x=b']), ['0 b', '1 b'], 'a name for two is a name for none');
  assert.deepEqual(fresh(['x=a@sha256:1', 'y=b'], ['x=a@sha256:1', 'y=a@sha256:1']), []);
  const moved = (spec: JsonObject): JsonObject => ({ spec: { containers: [{ name: 'x', image: 'x' }], ...spec } });
  const [init, container, volume] = [
    moved({ initContainers: [{ name: 'i', image: 'a' }] }),
    moved({ ephemeralContainers: [{ name: 'i', image: 'a' }] }),
    moved({ volumes: [{ name: 'i', image: { reference: 'a' } }] }),
  ];
  for (const before of [init, container, volume])
    for (const after of [init, container, volume])
      assert.equal(newImages(imagesIn('/Pod', before), imagesIn('/Pod', after)).length, before === after ? 0 : 1, JSON.stringify([before, after]));
});
