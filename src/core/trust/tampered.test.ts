import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TrustRepository } from '../../../test/trust-repository.ts';
import { NOW } from '../../../test/tuf-repository.ts';
import { copyBytes } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { advanceTrust, type TrustOffer } from './next.ts';
import { startTrust } from './tuf/trusted-metadata.ts';

const repository = new TrustRepository();
repository.texts.set('policy/a.yaml', 'a: 1\n');
repository.denials = [{ id: 'd', kind: 'run', run: 'x', reason: 'r', addedAt: NOW }];
const offer = repository.publishTrust();
const root = repository.metadata.get('1.root.json') as Uint8Array;
const good = advanceTrust(startTrust(root), offer, NOW).state;

/** Every document of a repository, and how the offer looks with another in its place. */
const places: readonly (readonly [Uint8Array, (bytes: Uint8Array) => TrustOffer])[] = [
  [offer.timestamp, (timestamp) => ({ ...offer, timestamp })],
  [offer.snapshot, (snapshot) => ({ ...offer, snapshot })],
  ...[...offer.roles].map(([role, bytes]) => [bytes, (other: Uint8Array) => ({ ...offer, roles: new Map([...offer.roles, [role, other]]) })] as const),
  ...[...offer.files].map(([path, bytes]) => [bytes, (other: Uint8Array) => ({ ...offer, files: new Map([...offer.files, [path, other]]) })] as const),
];

/** What is accepted is what was signed: it says the same, or it is refused as a value. */
function isRefusedOrTheSame(by: () => TrustOffer): void {
  let state: unknown;
  try {
    state = advanceTrust(startTrust(root), by(), NOW).state;
  } catch (error) {
    assert.ok(error instanceof SealwardError && error.family === 'InputError', String(error));
    return;
  }
  assert.deepEqual(state, good);
}

test('a changed byte anywhere is refused, or changes nothing that was signed', () => {
  fc.assert(
    fc.property(fc.nat({ max: places.length - 1 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (which, at, flip) => {
      const [bytes, put] = places[which] as (typeof places)[number];
      const other = copyBytes(bytes);
      other[at % other.length] = (other[at % other.length] as number) ^ flip;
      isRefusedOrTheSame(() => put(other));
    }),
    { numRuns: 400 },
  );
});

test('so is one that is cut off, doubled, or in the place of another', () => {
  for (const [bytes, put] of places) {
    for (const other of [
      bytes.subarray(0, -1),
      bytes.subarray(0, bytes.length >> 1),
      new Uint8Array(),
      Uint8Array.of(...bytes, ...bytes),
      ...places.map(([of]) => of),
    ])
      isRefusedOrTheSame(() => put(other));
  }
});

test('a changed root is no root', () => {
  fc.assert(
    fc.property(fc.nat({ max: root.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const other = copyBytes(root);
      other[at] = (other[at] as number) ^ flip;
      try {
        assert.deepEqual(advanceTrust(startTrust(other), offer, NOW).state, good);
      } catch (error) {
        assert.ok(error instanceof SealwardError && error.family === 'InputError', String(error));
      }
    }),
    { numRuns: 200 },
  );
});
