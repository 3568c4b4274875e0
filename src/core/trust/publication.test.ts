/** What is written of a trust repository: names, orders, and who has still to sign. The whole of it is followed in clients/trust. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTestKey, type TestKey } from '../../testing/index.ts';
import { listedKey } from '../../../test/trust-repository.ts';
import { DAY, NOW } from '../../../test/tuf-repository.ts';
import { utf8 } from '../encoding/index.ts';
import { encodeDenials, encodeKeyList } from './documents.ts';
import {
  addSignature,
  parseStaged,
  publicationOf,
  SIGNING_ROLES,
  type SigningRole,
  signersFor,
  signingProgress,
  stageTrust,
  targetName,
  type TrustPlan,
} from './publication.ts';
import { DENIALS_FILE, KEYS_FILE } from './repository-files.ts';
import { composeMetadataKey } from './tuf/metadata-key.ts';
import type { SignerKeys } from './tuf/compose.ts';

const [alice, bob, carol] = [createTestKey(), createTestKey(), createTestKey()];
const by = (threshold: number, ...keys: TestKey[]): SignerKeys => ({ keys: keys.map(({ publicKey }) => ({ key: publicKey })), threshold });
const FILES: readonly [string, Uint8Array][] = [
  ['policy/b.yaml', utf8('b: 1')],
  ['policy/a.yaml', utf8('a: 1')],
  [KEYS_FILE, encodeKeyList([listedKey()])],
  [DENIALS_FILE, encodeDenials([])],
];

function planned(change: Partial<Record<SigningRole, SignerKeys>> = {}, files = FILES): TrustPlan {
  const signers = Object.fromEntries(SIGNING_ROLES.map((role) => [role, by(2, alice, bob)])) as TrustPlan['signers'];
  return { signers: { ...signers, ...change }, files: new Map(files), lifetime: { root: 365 * DAY, roles: 100 * DAY } };
}

const staged = (plan: TrustPlan) => stageTrust(undefined, plan, new Map(), NOW);
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const sign = (document: Uint8Array, key: TestKey): Uint8Array => addSignature(document, key.publicKey, key.sign(parseStaged('policy', document).canonical));

describe('a file', () => {
  it('lies beside its older versions, under its digest', () => {
    assert.equal(targetName('policy/a.yaml', { sha256: 'ab' }), 'targets/policy/ab.a.yaml');
    assert.equal(targetName('trusted_root.json', { sha256: 'ab', sha512: 'cd' }), 'targets/ab.trusted_root.json');
    assert.equal(targetName('a/b/c', { sha512: 'cd', other: 'ef' }), 'targets/a/b/cd.c');
    assert.equal(targetName('a', { other: 'ef' }), 'targets/ef.a');
  });
});

describe('what is staged', () => {
  it('does not depend on the order of files, and is for people to read', () => {
    const [one, two] = [staged(planned()), staged(planned({}, [...FILES].reverse()))];
    assert.deepEqual(two, one);
    assert.ok(text(one.get('policy')).indexOf('policy/a.yaml') < text(one.get('policy')).indexOf('policy/b.yaml'));
    assert.match(text(one.get('policy')), /^\{\n "signatures": \[\],\n "signed": \{\n {2}"_type"/);
    assert.ok(text(one.get('policy')).endsWith('}\n'));
  });

  it('ends when its role’s lifetime does, and the root when that of roots does', () => {
    const documents = staged(planned());
    assert.equal(parseStaged('root', documents.get('root') as Uint8Array).expires, NOW + 365 * DAY);
    for (const role of ['targets', 'policy', 'keys', 'deny', 'exceptions'] as const)
      assert.deepEqual(
        [parseStaged(role, documents.get(role) as Uint8Array).expires, parseStaged(role, documents.get(role) as Uint8Array).version],
        [NOW + 100 * DAY, 1],
      );
  });

  it('is refused where nobody could sign it', () => {
    for (const signers of [
      by(0, alice),
      by(2, alice),
      by(1.5, alice, bob),
      by(Number.NaN, alice),
      by(2, alice, alice),
      by(1),
      by(2, alice, createTestKey('ml-dsa-65')),
    ])
      assert.throws(() => staged(planned({ targets: signers })), { code: 'ERR_TRUST_PLAN' });
    assert.throws(() => staged(planned({ policy: by(1, alice, createTestKey('ml-dsa-65')) })), { code: 'ERR_TRUST_PLAN', message: /post-quantum key/ });
    assert.doesNotThrow(() => staged(planned({ targets: by(1, alice, createTestKey('ml-dsa-65')) })));
  });
});

describe('signatures', () => {
  const document = staged(planned()).get('policy') as Uint8Array;
  const ids = (bytes: Uint8Array) => (JSON.parse(text(bytes)) as { signatures: { keyid: string }[] }).signatures.map(({ keyid }) => keyid);
  const idOf = ({ publicKey }: TestKey): string => composeMetadataKey(publicKey).id;

  it('are added one by one, in the order of their keys’ ids, and one of the same key takes its own place', () => {
    const expected = [alice, bob, carol].map(idOf).sort();
    const one = [alice, bob, carol].reduce(sign, document);
    const two = [carol, bob, alice].reduce(sign, document);
    assert.deepEqual([ids(one), ids(two)], [expected, expected]);
    const replaced = addSignature(one, bob.publicKey, utf8('another'));
    assert.deepEqual(ids(replaced), expected);
    assert.ok(text(replaced).includes(Buffer.from('another').toString('hex')));
    assert.deepEqual((JSON.parse(text(one)) as { signed: unknown }).signed, (JSON.parse(text(document)) as { signed: unknown }).signed);
    assert.ok(text(one).endsWith('}\n'));
  });

  it('are told as far as they count: who did, who is missing, and whether that is enough', () => {
    const plan = planned({ policy: by(2, alice, bob, carol) });
    const progress = (...signers: TestKey[]) => {
      const { sets, complete } = signingProgress(undefined, plan, 'policy', signers.reduce(sign, staged(plan).get('policy') as Uint8Array));
      return [complete, sets.map(({ threshold, signed, missing }) => [threshold, signed.length, missing.length])];
    };
    assert.deepEqual(progress(), [false, [[2, 0, 3]]]);
    assert.deepEqual(progress(alice), [false, [[2, 1, 2]]]);
    assert.deepEqual(progress(alice, carol), [true, [[2, 2, 1]]]);
    assert.deepEqual(progress(createTestKey(), alice), [false, [[2, 1, 2]]]);
    const spoilt = addSignature(staged(plan).get('policy') as Uint8Array, alice.publicKey, utf8('no signature'));
    assert.equal(signingProgress(undefined, plan, 'policy', spoilt).sets[0]?.signed.length, 0);
  });

  it('of a root are those of each kind of key that it names, and all must be complete', () => {
    const quantum = createTestKey('ml-dsa-65');
    const plan = planned({ root: by(2, alice, bob, quantum) });
    assert.deepEqual(
      signersFor(undefined, plan, 'root').map(({ threshold, keys }) => [threshold, keys.length]),
      [
        [2, 2],
        [1, 1],
      ],
    );
    const root = staged(plan).get('root') as Uint8Array;
    const signRoot = (bytes: Uint8Array, key: TestKey): Uint8Array => addSignature(bytes, key.publicKey, key.sign(parseStaged('root', bytes).canonical));
    const complete = (...signers: TestKey[]) => signingProgress(undefined, plan, 'root', signers.reduce(signRoot, root)).complete;
    assert.deepEqual([complete(alice, bob), complete(quantum), complete(alice, bob, quantum)], [false, false, true]);
  });

  it('are worth nothing where nothing is published yet and no root is staged', () => {
    const plan = planned();
    assert.throws(() => publicationOf(undefined, plan, new Map(), { snapshot: utf8('x'), timestamp: utf8('x') }, NOW), {
      code: 'ERR_TRUST_PLAN',
      message: 'nothing is published yet, and no root is staged',
    });
  });
});
