import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMemoryStore, type EvidenceStore } from '../clients/evidence/index.ts';
import type { Registry } from '../clients/registry/index.ts';
import { absent, complete, type Descriptor, digestOf, type Lookup, parseReference, unavailable } from '../core/artifact/index.ts';
import { utf8 } from '../core/encoding/index.ts';
import { SealwardError } from '../core/errors.ts';
import { heldRegistry } from './held-registry.ts';

const repository = parseReference('registry.test/app:1');
const image = digestOf(utf8('image'));
const signature: Descriptor = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf(utf8('signature')), size: 9 };
const down: Lookup<never> = unavailable(new SealwardError('ERR_REGISTRY_FAILED', 'it is down'));

/** A registry of one digest, which counts how often it is asked. */
function fakeRegistry(answer: Lookup<readonly Descriptor[]>, mirrored = false): { registry: Registry; asked: () => number } {
  let asked = 0;
  const registry: Partial<Registry> = {
    referrers: async () => {
      asked++;
      return { api: answer, fallbackTag: answer.state === 'unavailable' ? answer : { state: 'not-asked' } };
    },
    resolve: async () => {
      asked++;
      return answer.state === 'unavailable' ? answer : complete({ digest: image });
    },
    attachment: async () => (answer.state === 'unavailable' ? answer : absent),
    isMirrored: () => mirrored,
  };
  return { registry: registry as Registry, asked: () => asked };
}

async function filled(at: number, answer: Lookup<readonly Descriptor[]> = complete([signature])): Promise<EvidenceStore> {
  const store = createMemoryStore();
  const held = heldRegistry({ store, registry: fakeRegistry(answer).registry, now: () => at });
  await held.referrers(repository, image);
  await held.resolve(repository);
  await held.attachment(repository, image, 'sig');
  return store;
}

describe('a registry that remembers', () => {
  it('answers from what is held when nobody else does, and says when it was asked', async () => {
    const store = await filled(1000);
    for (const registry of [undefined, fakeRegistry(down).registry]) {
      const held = heldRegistry({ store, ...(registry ? { registry } : {}), now: () => 9e9 });
      assert.deepEqual((await held.referrers(repository, image)).api, { ...complete([signature]), askedAt: 1000 });
      assert.deepEqual(await held.resolve(repository), complete({ digest: image }));
      assert.deepEqual(await held.attachment(repository, image, 'sig'), { ...absent, askedAt: 1000 });
    }
  });

  it('never takes what is not held for what is not there', async () => {
    const held = heldRegistry({ store: await filled(1000), now: () => 9e9 });
    const other = digestOf(utf8('another image'));
    for (const lookup of [
      (await held.referrers(repository, other)).api,
      (await held.referrers(repository, other)).fallbackTag,
      await held.attachment(repository, other, 'sig'),
      await held.attachment(repository, image, 'att'),
      await held.manifest(repository, other),
      await held.resolve(parseReference('registry.test/app:2')),
    ])
      assert.deepEqual([lookup.state, lookup.state === 'unavailable' && lookup.cause.code], ['unavailable', 'ERR_EVIDENCE_MISSING']);
  });

  for (const [what, at, asks] of [
    ['young', 1000, 0],
    ['old', -100_000, 1],
    ['of the future', 50_000, 1],
  ] as const) {
    it(`${asks ? 'asks again' : 'does not ask'} where an answer is ${what}`, async () => {
      const store = await filled(at);
      const { registry, asked } = fakeRegistry(complete([]));
      const held = heldRegistry({ store, registry, now: () => 2000, maxAge: 5000 });
      assert.deepEqual((await held.referrers(repository, image)).api.state, 'complete');
      assert.equal(asked(), asks);
      await held.resolve(repository);
      assert.equal(asked(), 2 * asks);
    });
  }

  it('never gives what a mirror said to who asks the registry itself', async () => {
    const store = createMemoryStore();
    const mirror = heldRegistry({ store, registry: fakeRegistry(complete([signature]), true).registry, now: () => 1000 });
    await mirror.referrers(repository, image);
    const held = heldRegistry({ store, now: () => 2000 });
    assert.equal((await held.referrers(repository, image)).api.state, 'complete');
    assert.ok(held.isMirrored(repository), 'so that whoever refuses asks the registry itself');
    assert.equal((await held.referrers(repository, image, { places: 'all' })).api.state, 'unavailable');
    assert.equal((await held.referrers(repository, image, { originOnly: true })).api.state, 'unavailable');
    await mirror.referrers(repository, image, { places: 'all' });
    assert.equal((await held.referrers(repository, image, { places: 'all' })).api.state, 'complete');
  });
});
