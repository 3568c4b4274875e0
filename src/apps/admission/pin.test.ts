import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../core/encoding/index.ts';
import { imagesOf, podSpecsOf } from './images.ts';
import { type PinOperation, pinImages } from './pin.ts';

const imagesIn = (kind: string, object: JsonObject) => imagesOf(kind, podSpecsOf(kind, object));

const DIGEST = `sha256:${'a'.repeat(64)}`;
const pod = (): JsonObject => ({
  spec: {
    containers: [{ image: 'r.example:5000/web:1' }, { image: `r.example/api:2@${DIGEST}` }, { image: 'r.example/unjudged:1' }],
    initContainers: [{ image: 'r.example/init' }],
    ephemeralContainers: [{ image: 'r.example/debug:1' }],
    volumes: [{ name: 'a' }, { name: 'model', image: { reference: 'r.example/model:3' } }],
  },
});
const judged = new Map(
  ['r.example:5000/web:1', `r.example/api:2@${DIGEST}`, 'r.example/init', 'r.example/debug:1', 'r.example/model:3'].map((image) => [image, DIGEST]),
);

function apply(object: JsonObject, patch: readonly PinOperation[]): JsonObject {
  for (const { op, path, value } of patch) {
    const members = path.split('/').slice(1);
    const last = members.pop() ?? '';
    const parent = members.reduce<JsonObject>((at, member) => at[member] as JsonObject, object);
    assert.ok(Object.hasOwn(parent, last), `${path} is there`);
    if (op === 'test') assert.equal(parent[last], value);
    else parent[last] = value;
  }
  return object;
}

test('a tag is pinned to its digest wherever an image stands, and keeps its tag for the reader', () => {
  const pinned = apply(pod(), pinImages(imagesIn('/Pod', pod()), judged));
  assert.deepEqual(
    imagesIn('/Pod', pinned).map(({ image }) => image),
    [
      `r.example:5000/web:1@${DIGEST}`,
      `r.example/api:2@${DIGEST}`,
      'r.example/unjudged:1',
      `r.example/init@${DIGEST}`,
      `r.example/debug:1@${DIGEST}`,
      `r.example/model:3@${DIGEST}`,
    ],
  );
});

test('what was pinned is not pinned again: the second patch is empty', () => {
  const pinned = apply(pod(), pinImages(imagesIn('/Pod', pod()), judged));
  const images = imagesIn('/Pod', pinned);
  assert.deepEqual(
    pinImages(images, new Map([...judged, ...images.filter(({ image }) => image.includes('@')).map(({ image }): [string, string] => [image, DIGEST])])),
    [],
  );
});

test('a patch for another object does not apply (kyverno: a patch that fails must not pass)', () => {
  const patch = pinImages(imagesIn('/Pod', pod()), judged);
  assert.throws(() => apply({ spec: { containers: [{ image: 'r.example/evil:1' }] } }, patch), assert.AssertionError);
});
