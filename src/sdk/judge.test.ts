import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { by, one, policy, set, signedBy, trust, A, NOW } from '../../test/hand-made.ts';
import type { Registry } from '../clients/registry/index.ts';
import { absent, complete, type Descriptor, digestOf, type Lookup, parseReference, parseRepository, unavailable } from '../core/artifact/index.ts';
import { LIMITS, utf8 } from '../core/encoding/index.ts';
import { SealwardError } from '../core/errors.ts';
import { judgeImage } from './judge.ts';

const image = digestOf(utf8('image'));
const reference = parseReference('registry.test/app:1');
const down: Lookup<never> = unavailable(new SealwardError('ERR_REGISTRY_FAILED', 'it is down'));
type Listing = Lookup<readonly Descriptor[]>;

/** A registry behind a mirror: what the mirror says, and then what it says itself; once for signatures, once for attestations. */
function mirrored(mirror: readonly Listing[], own: readonly Listing[], asked: string[] = []): Registry {
  const left = { first: [...mirror], all: [...own] };
  const registry: Partial<Registry> = {
    resolve: async () => complete({ digest: image }),
    referrers: async ({ repository }, _digest, options) => {
      asked.push(repository);
      return options?.places === 'all'
        ? { api: left.all.shift() ?? down, fallbackTag: absent }
        : { api: left.first.shift() ?? down, fallbackTag: { state: 'not-asked' } };
    },
    manifest: async () => absent,
    attachment: async ({ repository }) => {
      asked.push(repository);
      return absent;
    },
    isMirrored: () => true,
  };
  return registry as Registry;
}

async function judged(registry: Registry, more: Partial<Parameters<typeof judgeImage>[0]> = {}) {
  const policies = set([policy([signedBy(one(by(A)))])]);
  const { decision } = await judgeImage({ registry, reference, policies, trust: trust(), place: {}, now: NOW, ...more });
  return [decision.outcome, decision.code];
}

const none: Listing = complete([]);

describe('judging an image', () => {
  it('takes the word of the registry where only its mirror was down', async () => {
    assert.deepEqual(await judged(mirrored([down, down], [none, none])), ['rejected', 'NO_SIGNATURE']);
  });

  it('is inconclusive where either listing could not be had', async () => {
    for (const own of [
      [down, none],
      [none, down],
    ])
      assert.deepEqual(await judged(mirrored([down, down], own)), ['inconclusive', 'ERR_REGISTRY_FAILED']);
  });

  it('forgets nothing that either listing left unread', async () => {
    const many = complete(
      Array.from({ length: LIMITS.signaturesFetched + 1 }, (_, i): Descriptor => ({ mediaType: 'a/b', digest: digestOf(utf8(`${i}`)), size: 1 })),
    );
    assert.deepEqual(await judged(mirrored([many, none], [none, none])), ['rejected', 'NO_SIGNATURE'], 'the registry itself lists none');
    for (const own of [
      [many, none],
      [none, many],
    ])
      assert.deepEqual(await judged(mirrored([none, none], own)), ['rejected', 'TOO_MANY']);
  });

  it('looks where signatures lie, and nowhere else', async () => {
    const asked: string[] = [];
    await judged(mirrored([none, none], [none, none], asked), { signatureRepository: parseRepository('registry.test/signatures') });
    assert.deepEqual([...new Set(asked)], ['signatures']);
  });
});
