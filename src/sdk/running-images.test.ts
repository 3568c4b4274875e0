import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../core/encoding/index.ts';
import { runningImages } from './running-images.ts';

const D = `sha256:${'a'.repeat(64)}`;
const E = `sha256:${'b'.repeat(64)}`;
const named = (pod: JsonObject): (readonly [string, string, string | undefined])[] =>
  runningImages(pod).map(({ container, name, digest }) => [container, name, digest]);
const pod = (image: string, imageID?: string): JsonObject => ({
  spec: { containers: [{ name: 'c', image }] },
  status: { containerStatuses: imageID === undefined ? [] : [{ name: 'c', imageID }] },
});

test('what runs is named with the digest that the runtime says, whichever it is', () => {
  for (const id of [`docker.io/library/nginx@${D}`, `docker-pullable://nginx@${D}`])
    assert.deepEqual(named(pod('nginx:1', id)), [['c', `docker.io/library/nginx:1@${D}`, D]]);
  assert.deepEqual(named(pod(`r.example/a:1@${E}`, `r.example/a@${D}`)), [['c', `r.example/a:1@${E}`, E]], 'what is named by digest is started by it');
});

test('where nobody knows a digest of a manifest there is none', () => {
  for (const id of [undefined, '', D, `docker://${D}`, 'nginx@sha256:zz', `nginx@${D}x`])
    assert.deepEqual(named(pod('r.example/a:1', id)), [['c', 'r.example/a:1', undefined]]);
  assert.deepEqual(named(pod('NOT A NAME', `x@${D}`)), [['c', 'NOT A NAME', undefined]]);
});

test('every place of a Pod is read, and statuses are those of the same kind of container', () => {
  const whole: JsonObject = {
    spec: {
      containers: [{ name: 'a', image: 'r.example/a:1' }],
      initContainers: [{ name: 'a', image: 'r.example/b:1' }],
      ephemeralContainers: [{ name: 'e', image: 'r.example/e:1' }],
      volumes: [
        { name: 'v', image: { reference: `r.example/v@${D}` } },
        { name: 'w', emptyDir: {} },
      ],
    },
    status: {
      containerStatuses: [{ name: 'a', imageID: `r.example/a@${D}` }],
      initContainerStatuses: [{ name: 'a', imageID: `r.example/b@${E}` }],
      ephemeralContainerStatuses: [{ name: 'e', imageID: `r.example/e@${D}` }],
    },
  };
  assert.deepEqual(named(whole), [
    ['a', `r.example/a:1@${D}`, D],
    ['a', `r.example/b:1@${E}`, E],
    ['e', `r.example/e:1@${D}`, D],
    ['v', `r.example/v@${D}`, D],
  ]);
});

test('law: no object makes it crash', () => {
  fc.assert(
    fc.property(
      fc.object({ key: fc.constantFrom('spec', 'status', 'containers', 'containerStatuses', 'volumes', 'image', 'name', 'imageID') }),
      (any) => void runningImages(any as JsonObject),
    ),
  );
});
