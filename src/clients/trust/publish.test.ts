import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTestKey, createTestSigstore, type TestKey } from '../../testing/index.ts';
import { listedKey } from '../../../test/trust-repository.ts';
import { DAY, NOW } from '../../../test/tuf-repository.ts';
import { utf8 } from '../../core/encoding/index.ts';
import type { ErrorCode } from '../../core/errors.ts';
import {
  currentNames,
  DENIALS_FILE,
  encodeDenials,
  encodeKeyList,
  KEYS_FILE,
  type ListedDenial,
  readRepository,
  type RepositoryFiles,
  SIGNING_ROLES,
  type SignerKeys,
  type SigningRole,
  signingProgress,
  STAGED_ROLES,
  type StagedRole,
  stageTrust,
  type TrustChain,
  type TrustPlan,
} from '../../core/trust/index.ts';
import { foundTrust, type MetadataSigner, publishTrust, signStaged } from './publish.ts';

const refuses = (by: Promise<unknown>, code: ErrorCode): Promise<void> => assert.rejects(by, { code });
const signerOf = (key: TestKey): MetadataSigner => ({ publicKey: () => key.publicKey, algorithm: key.algorithm, sign: async (message) => key.sign(message) });

const [alice, bob, carol, online] = [createTestKey(), createTestKey('ed25519'), createTestKey('ecdsa-p384'), createTestKey()];
const people = [alice, bob, carol].map((key, i): SignerKeys['keys'][number] => ({ key: key.publicKey, holder: ['alice', 'bob', 'carol'][i] as string }));

function planned(change: Partial<Record<SigningRole, SignerKeys>> = {}, files: [string, Uint8Array][] = []): TrustPlan {
  const two: SignerKeys = { keys: people, threshold: 2 };
  const one: SignerKeys = { keys: [{ key: online.publicKey }], threshold: 1 };
  const signers = Object.fromEntries(
    SIGNING_ROLES.map((role) => [role, role === 'timestamp' || role === 'snapshot' ? one : role === 'deny' ? { ...two, threshold: 1 } : two]),
  );
  const content: [string, Uint8Array][] = [
    [KEYS_FILE, encodeKeyList([listedKey()])],
    [DENIALS_FILE, encodeDenials([])],
    ['policy/a.yaml', utf8('a: 1')],
    ...files,
  ];
  return { signers: { ...signers, ...change } as TrustPlan['signers'], files: new Map(content), lifetime: { root: 365 * DAY, roles: 100 * DAY } };
}

const options = { now: NOW, lease: DAY };
const all = [alice, bob, carol, online].map(signerOf);

class Published {
  readonly served = new Map<string, Uint8Array>();
  chain: TrustChain | undefined;
  static async of(plan = planned()): Promise<Published> {
    const published = new Published();
    published.take(await foundTrust(plan, all, options));
    return published;
  }
  take({ files, chain }: { files: RepositoryFiles; chain: TrustChain }): void {
    for (const [name, bytes] of files) this.served.set(name, bytes);
    this.chain = chain;
  }
  stage(plan: TrustPlan, staged = new Map<StagedRole, Uint8Array>(), renew: StagedRole[] = []): Map<StagedRole, Uint8Array> {
    return stageTrust(this.chain, plan, staged, NOW, renew);
  }
}

describe('publishing a trust repository', () => {
  it('writes what it read: a first publication comes back from its files', async () => {
    const published = await Published.of();
    const back = readRepository((name) => published.served.get(name));
    assert.deepEqual(back?.state, published.chain?.state);
    assert.deepEqual([...published.served.keys()].at(-1), 'timestamp.json');
    assert.deepEqual(
      back?.state.policies.map(({ text }) => text),
      ['a: 1'],
    );
    assert.equal(
      readRepository(() => undefined),
      undefined,
    );
    for (const name of published.served.keys()) {
      if (name !== '1.root.json')
        assert.throws(() => readRepository((other) => (other === name ? undefined : published.served.get(other))), { code: 'ERR_TRUST_MISMATCH' });
    }
  });

  it('stages what changed and nothing else, and keeps signatures on what still says the same', async () => {
    const published = await Published.of();
    assert.deepEqual([...published.stage(planned()).keys()], []);
    const changed = planned({}, [['policy/b.yaml', utf8('b: 1')]]);
    const first = published.stage(changed);
    assert.deepEqual([...first.keys()], ['policy']);
    const { staged, signed } = await signStaged(published.chain, changed, first, [signerOf(bob)]);
    assert.deepEqual(signed, ['policy']);
    const progress = (of: ReadonlyMap<StagedRole, Uint8Array>) => signingProgress(published.chain, changed, 'policy', of.get('policy') as Uint8Array);
    assert.deepEqual(
      [progress(staged).complete, progress(staged).sets[0]?.signed.map(({ holder }) => holder), progress(staged).sets[0]?.missing.length],
      [false, ['bob'], 2],
    );
    // A day later it still waits, with the signature of Bob.
    const later = stageTrust(published.chain, changed, staged, NOW + DAY);
    assert.deepEqual(later.get('policy'), staged.get('policy'));
    await refuses(publishTrust(published.chain, changed, later, [signerOf(online)], options), 'ERR_TRUST_SIGNATURE');
    const both = await signStaged(published.chain, changed, later, [signerOf(alice), signerOf(online)]);
    assert.equal(progress(both.staged).complete, true);
    published.take(await publishTrust(published.chain, changed, both.staged, [signerOf(online)], options));
    assert.deepEqual(published.chain?.state.versions, { root: 1, timestamp: 2, snapshot: 2, targets: 1, policy: 2, keys: 1, deny: 1, exceptions: 1 });
    // Said otherwise in the meantime, a signature is worth nothing any more.
    const other = published.stage(planned({}, [['policy/b.yaml', utf8('b: 2')]]), staged);
    assert.equal(Buffer.from(other.get('policy') as Uint8Array).includes('"sig"'), false);
  });

  it('one person denies alone, and not more than that', async () => {
    const published = await Published.of();
    const denial: ListedDenial = { id: 'd', kind: 'run', run: 'x', reason: 'r', addedAt: NOW };
    const plan = planned({}, [[DENIALS_FILE, encodeDenials([denial])]]);
    const { staged } = await signStaged(published.chain, plan, published.stage(plan), [signerOf(carol)]);
    published.take(await publishTrust(published.chain, plan, staged, [signerOf(online)], options));
    assert.equal(published.chain?.state.denials.length, 1);
    const back = planned();
    const undone = await signStaged(published.chain, back, published.stage(back), all);
    await refuses(publishTrust(published.chain, back, undone.staged, all, options), 'ERR_TRUST_TRANSITION');
  });

  it('gives the lease anew with the timestamp alone, and a snapshot when the old one nears its end', async () => {
    const published = await Published.of();
    const renewed = await publishTrust(published.chain, planned(), new Map(), [signerOf(online)], { now: NOW + DAY, lease: 2 * DAY });
    assert.deepEqual([[...renewed.files.keys()], renewed.chain.state.lease], [['timestamp.json'], { issuedAt: NOW + DAY, endsAt: NOW + 3 * DAY }]);
    const late = await publishTrust(published.chain, planned(), new Map(), [signerOf(online)], { now: NOW + 60 * DAY, lease: DAY });
    assert.deepEqual([...late.files.keys()], ['2.snapshot.json', 'timestamp.json']);
    await refuses(publishTrust(published.chain, planned(), new Map(), [signerOf(alice)], options), 'ERR_TRUST_SIGNATURE');
  });

  it('rotates a root with the keys before it and its own, and signs anew what the new people must sign', async () => {
    const published = await Published.of();
    const dora = createTestKey();
    const without = { keys: [...people.slice(1), { key: dora.publicKey, holder: 'dora' }], threshold: 2 };
    const plan = planned({ root: without, keys: { ...without, keys: without.keys.slice(1) } });
    const stagedFirst = published.stage(plan);
    // Bob's and Alice's signatures on the keys no longer suffice.
    assert.deepEqual([...stagedFirst.keys()], ['root', 'targets', 'keys']);
    const some = await signStaged(published.chain, plan, stagedFirst, [signerOf(bob), signerOf(carol), signerOf(alice)], ['targets', 'root']);
    await refuses(publishTrust(published.chain, plan, some.staged, [signerOf(online)], options), 'ERR_TRUST_SIGNATURE');
    // The root is signed by those before it and by its own, and each of the two is said.
    const onlyNew = await signStaged(published.chain, plan, stagedFirst, [signerOf(dora)]);
    const { sets, complete } = signingProgress(published.chain, plan, 'root', onlyNew.staged.get('root') as Uint8Array);
    assert.deepEqual(
      [sets.map(({ threshold, signed }) => [threshold, signed.map(({ holder }) => holder)]), complete],
      [
        [
          [2, []],
          [2, ['dora']],
        ],
        false,
      ],
    );
    const { staged } = await signStaged(published.chain, plan, some.staged, [signerOf(dora), signerOf(carol)]);
    published.take(await publishTrust(published.chain, plan, staged, [signerOf(online)], options));
    assert.deepEqual([published.chain?.state.versions['root'], published.chain?.state.versions['keys']], [2, 2]);
    assert.deepEqual(readRepository((name) => published.served.get(name))?.state, published.chain?.state);
  });

  it('signs again what is renewed although it says the same', async () => {
    const published = await Published.of();
    const asked = published.stage(planned(), new Map(), ['root']);
    assert.deepEqual([...asked.keys()], ['root']);
    // It stays asked for until it is published.
    assert.deepEqual([...published.stage(planned(), asked).keys()], ['root']);
    const { staged } = await signStaged(published.chain, planned(), asked, all);
    published.take(await publishTrust(published.chain, planned(), staged, all, options));
    assert.deepEqual([[...published.stage(planned(), staged).keys()], published.chain?.metadata.root.version], [[], 2]);
  });

  it('carries what stock clients look for under the names and with the members that they want', async () => {
    const root = utf8(JSON.stringify(createTestSigstore().trustedRoot));
    const published = await Published.of(
      planned({}, [
        ['trusted_root.json', root],
        ['signing_config.v0.2.json', utf8('{}')],
      ]),
    );
    const files = published.chain?.metadata.targets.get('targets')?.files;
    assert.deepEqual(
      [...(files ?? [])].map(([path, { custom }]) => [path, custom]),
      [
        ['signing_config.v0.2.json', { sigstore: { status: 'Active', usage: 'Unknown' } }],
        ['trusted_root.json', { sigstore: { status: 'Active', usage: 'Unknown' } }],
      ],
    );
    assert.equal(published.chain?.state.anchors.authorities.length, 1);
  });

  it('refuses roles that nobody could sign for, and keys that sign otherwise', async () => {
    const [one] = people as [SignerKeys['keys'][number]];
    for (const signers of [
      { keys: [one], threshold: 2 },
      { keys: [one], threshold: 0 },
      { keys: [one, one], threshold: 2 },
      { keys: [], threshold: 1 },
      { keys: [{ key: createTestKey('ml-dsa-44').publicKey }], threshold: 1 },
      { keys: [one, { key: createTestKey('ml-dsa-44').publicKey }], threshold: 1 },
    ])
      assert.throws(() => stageTrust(undefined, planned({ policy: signers }), new Map(), NOW), { code: 'ERR_TRUST_PLAN' });
    const rsa = createTestKey('rsa2048');
    await refuses(foundTrust(planned({ policy: { keys: [{ key: rsa.publicKey }], threshold: 1 } }), [...all, signerOf(rsa)], options), 'ERR_KEY_INVALID');
    const other = { ...signerOf(alice), algorithm: carol.algorithm };
    await refuses(foundTrust(planned(), [other, ...all.slice(1)], options), 'ERR_KEY_INVALID');
  });

  it('post-quantum keys sign the root beside the others, and both kinds must', async () => {
    const quantum = createTestKey('ml-dsa-65');
    const plan = planned({ root: { keys: [...people, { key: quantum.publicKey, holder: 'later' }], threshold: 2 } });
    await refuses(foundTrust(plan, all, options), 'ERR_TRUST_SIGNATURE');
    const { chain } = await foundTrust(plan, [...all, signerOf(quantum)], options);
    assert.equal(chain.metadata.root.postQuantum.root?.keys[0]?.holder, 'later');
    assert.equal(STAGED_ROLES.length, 6);
  });

  it('cut off after any file is read as what was before, and done again becomes what was meant', async () => {
    const published = await Published.of();
    const plan = planned({ root: { keys: [...people].reverse(), threshold: 2 } }, [['policy/b.yaml', utf8('b: 1')]]);
    const { staged } = await signStaged(published.chain, plan, published.stage(plan), all);
    const next = await publishTrust(published.chain, plan, staged, all, options);
    const before = published.chain?.state;
    const written = new Map(published.served);
    for (const [name, bytes] of next.files) {
      const { versions, policies } = readRepository((other) => written.get(other))?.state ?? {};
      assert.deepEqual([versions?.['timestamp'], policies], [1, before?.policies], `before ${name}`);
      written.set(name, bytes);
    }
    assert.deepEqual(readRepository((name) => written.get(name))?.state, next.chain.state);
    // Done again from what was there before, with the signatures that were given.
    const again = await publishTrust(published.chain, plan, staged, all, options);
    for (const [name, bytes] of again.files) written.set(name, bytes);
    assert.deepEqual(readRepository((name) => written.get(name))?.state.versions, next.chain.state.versions);
  });

  it('names what a client needs who comes now, and leaves out what is past', async () => {
    const published = await Published.of();
    for (const text of ['b: 1', 'b: 2']) {
      const plan = planned({}, [['policy/b.yaml', utf8(text)]]);
      const { staged } = await signStaged(published.chain, plan, published.stage(plan, new Map(), ['root']), all);
      published.take(await publishTrust(published.chain, plan, staged, all, options));
    }
    const names = currentNames(published.chain as TrustChain);
    assert.deepEqual(names.slice(-4), ['1.root.json', '2.root.json', '3.root.json', 'timestamp.json']);
    assert.ok(names.length < published.served.size);
    assert.deepEqual(readRepository((name) => (names.includes(name) ? published.served.get(name) : undefined))?.state, published.chain?.state);
  });
});
