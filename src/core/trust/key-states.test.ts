import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { listedKey } from '../../../test/trust-repository.ts';
import { NOW } from '../../../test/tuf-repository.ts';
import type { ListedDenial, ListedKey } from './documents.ts';
import { checkKeyTransition, effectiveKey, KEY_TRANSITIONS, mayBecome } from './key-states.ts';
import type { KeyState, KeyVersion } from './state.ts';

const denial = (rest: object, id = 'd'): ListedDenial => ({ id, reason: `of ${id}`, addedAt: NOW, name: 'release', version: 1, ...rest }) as ListedDenial;
const suspension = (at: number, id = 's', rest: object = {}): ListedDenial => denial({ kind: 'suspension', at, by: 'x', ...rest }, id);
const revocation = (rest: object = {}): ListedDenial => denial({ kind: 'revocation', ...rest }, 'r');
const facts = ({ state, suspendedAt, invalidFrom, reason }: KeyVersion): unknown => ({ state, suspendedAt, invalidFrom, reason });
const plain = (key: ListedKey, denials: readonly ListedDenial[] = []): unknown => facts(effectiveKey(key, denials));
const nothing = { suspendedAt: undefined, invalidFrom: undefined, reason: undefined };

describe('what a key is worth', () => {
  it('is what was listed, as long as nobody said otherwise about this version of this name', () => {
    assert.deepEqual(effectiveKey(listedKey({ operator: 'us', protection: 'hardware' }), []), {
      name: 'release',
      version: 1,
      role: 'artifact',
      state: 'active',
      anchor: listedKey().anchor,
      window: { from: NOW - 1000 },
      operator: 'us',
      protection: 'hardware',
    });
    const others = [
      revocation({ version: 2 }),
      revocation({ name: 'other' }),
      suspension(NOW, 's', { version: 2 }),
      suspension(NOW, 't', { name: 'other' }),
      denial({ kind: 'run', run: 'x' }),
    ];
    assert.deepEqual(plain(listedKey(), others), { ...nothing, state: 'active' });
  });

  it('is nothing since its activation once one person revoked it, in whichever state it was', () => {
    const revoked = { ...nothing, state: 'compromised', invalidFrom: NOW - 1000, reason: 'of r' };
    for (const rest of [
      {},
      { state: 'pre-active' },
      { state: 'retired', retiredAt: NOW },
      { state: 'superseded', invalidFrom: NOW },
      { state: 'compromised', invalidFrom: NOW },
    ] as Partial<ListedKey>[])
      assert.deepEqual(plain(listedKey(rest), [suspension(NOW), revocation()]), revoked);
    // The earlier date holds.
    assert.equal(effectiveKey(listedKey({ state: 'compromised', invalidFrom: NOW - 5000 }), [revocation()]).invalidFrom, NOW - 5000);
    assert.equal(effectiveKey(listedKey({ state: 'revoked-all' }), [revocation()]).state, 'revoked-all');
  });

  it('is suspended since the earliest suspension that is not lifted', () => {
    const denials = [suspension(NOW, 'late'), suspension(NOW - 500, 'early')];
    assert.deepEqual(plain(listedKey(), denials), { ...nothing, state: 'suspended', suspendedAt: NOW - 500, reason: 'of late' });
    assert.equal(effectiveKey(listedKey({ lifted: ['early'] }), denials).suspendedAt, NOW);
    assert.equal(effectiveKey(listedKey({ lifted: ['early', 'late'] }), denials).state, 'active');
    assert.equal(effectiveKey(listedKey({ state: 'pre-active' }), denials).state, 'suspended');
    // Two people have resolved it since.
    for (const rest of [{ state: 'retired', retiredAt: NOW }, { state: 'superseded', invalidFrom: NOW }, { state: 'revoked-all' }] as Partial<ListedKey>[])
      assert.equal(effectiveKey(listedKey(rest), denials).state, rest.state);
  });
});

describe('a change of a key', () => {
  const key = (rest: Partial<KeyVersion> = {}): KeyVersion => ({ ...effectiveKey(listedKey(), []), ...rest });
  const passes = (before: KeyVersion, after: KeyVersion): void => checkKeyTransition(before, after);
  const refuses = (before: KeyVersion, after: KeyVersion): void => assert.throws(() => checkKeyTransition(before, after), { code: 'ERR_TRUST_TRANSITION' });

  it('leads back to no more trust, except out of a suspension', () => {
    const table: Record<KeyState, KeyState[]> = {
      'pre-active': ['pre-active', 'active', 'suspended', 'retired', 'superseded', 'compromised', 'revoked-all'],
      active: ['active', 'suspended', 'retired', 'superseded', 'compromised', 'revoked-all'],
      suspended: ['active', 'suspended', 'retired', 'superseded', 'compromised', 'revoked-all'],
      retired: ['retired', 'compromised', 'revoked-all'],
      superseded: ['superseded', 'compromised', 'revoked-all'],
      compromised: ['compromised', 'revoked-all'],
      'revoked-all': ['revoked-all'],
    };
    const states = Object.keys(KEY_TRANSITIONS) as KeyState[];
    for (const from of states)
      assert.deepEqual(
        states.filter((to) => mayBecome(from, to)),
        states.filter((to) => table[from].includes(to)),
        from,
      );
  });

  it('keeps what the key is, and since when', () => {
    passes(key(), key({ window: { from: NOW - 1000, to: NOW } }));
    refuses(key(), key({ anchor: 'another' }));
    refuses(key(), key({ role: 'log' }));
    refuses(key(), key({ window: { from: NOW } }));
    refuses(key(), key({ window: { from: NOW - 2000 } }));
    passes(key({ state: 'pre-active' }), key({ window: { from: NOW } }));
  });

  it('moves the end of what counts to earlier only', () => {
    const [retired, superseded, compromised] = [
      (retiredAt: number) => key({ state: 'retired', retiredAt }),
      (invalidFrom: number) => key({ state: 'superseded', invalidFrom }),
      (invalidFrom: number) => key({ state: 'compromised', invalidFrom }),
    ];
    for (const by of [retired, superseded, compromised]) {
      passes(by(NOW), by(NOW));
      passes(by(NOW), by(NOW - 1));
      refuses(by(NOW), by(NOW + 1));
      passes(by(NOW), compromised(NOW));
      refuses(by(NOW), compromised(NOW + 1));
      passes(by(NOW), key({ state: 'revoked-all' }));
    }
    // Of one that was retired and then revoked, the earlier of its two dates holds.
    refuses(key({ state: 'compromised', retiredAt: NOW - 5, invalidFrom: NOW }), compromised(NOW - 1));
    passes(key({ state: 'compromised', retiredAt: NOW - 5, invalidFrom: NOW }), compromised(NOW - 5));
  });

  it('gives undated signatures of a retired key no more time than they had', () => {
    const retired = (acceptUndatedUntil?: number): KeyVersion =>
      key({ state: 'retired', retiredAt: NOW, ...(acceptUndatedUntil === undefined ? {} : { acceptUndatedUntil }) });
    passes(key(), retired(NOW));
    passes(retired(NOW), retired(NOW));
    passes(retired(NOW), retired(NOW - 1));
    passes(retired(NOW), retired());
    refuses(retired(NOW), retired(NOW + 1));
    refuses(retired(), retired(NOW));
  });

  it('brings no destroyed key back', () => {
    passes(key({ state: 'pre-active' }), key({ state: 'pre-active', destroyedAt: NOW }));
    refuses(key({ state: 'pre-active', destroyedAt: NOW }), key());
    refuses(key({ state: 'retired', retiredAt: NOW, destroyedAt: NOW }), key({ state: 'retired', retiredAt: NOW }));
    passes(key({ state: 'retired', retiredAt: NOW, destroyedAt: NOW }), key({ state: 'compromised', invalidFrom: NOW, destroyedAt: NOW }));
  });

  it('may lift the earlier of two suspensions', () => {
    passes(key({ state: 'suspended', suspendedAt: NOW }), key({ state: 'suspended', suspendedAt: NOW + 5 }));
  });
});
