import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createTestKey, createTestSigstore } from '../../testing/index.ts';
import { listedKey, release, TrustRepository } from '../../../test/trust-repository.ts';
import { DAY, NOW, sign } from '../../../test/tuf-repository.ts';
import { type JsonObject, LIMITS, utf8 } from '../encoding/index.ts';
import type { ErrorCode } from '../errors.ts';
import type { ListedDenial, ListedKey } from './documents.ts';
import { KEY_TRANSITIONS, mayBecome } from './key-states.ts';
import { advanceTrust, digestState, type TrustChain } from './next.ts';
import type { KeyState, TrustState } from './state.ts';
import { startTrust } from './tuf/trusted-metadata.ts';

const refuses = (by: () => unknown, code: ErrorCode, message?: RegExp): void => assert.throws(by, { code, ...(message ? { message } : {}) });

const denial = (rest: object, id = 'd1'): ListedDenial => ({ id, reason: 'because', addedAt: NOW, ...rest }) as ListedDenial;

/** What a client that follows a repository has after each change. */
function follow(...changes: ((repository: TrustRepository) => Parameters<TrustRepository['publishTrust']>[0] | void)[]): TrustChain {
  const repository = new TrustRepository();
  let chain = repository.first();
  for (const change of changes) chain = advanceTrust(chain, repository.publishTrust(change(repository) ?? {}), NOW);
  return chain;
}

describe('the trust state', () => {
  it('is all that is signed, as one value', () => {
    const sigstore = createTestSigstore();
    const repository = new TrustRepository();
    repository.files.push({ path: 'trusted_root.json', bytes: utf8(JSON.stringify(sigstore.trustedRoot)) });
    repository.files.push({
      path: 'trust.json',
      bytes: utf8('{"apiVersion":"sealward.dev/v1alpha1","kind":"TrustSettings","tiers":[{"name":"edge","seconds":60}]}'),
    });
    repository.files.push({ path: 'of-others.txt', bytes: utf8('x') });
    repository.texts.set('policy/b.yaml', 'b: 1').set('policy/a.yaml', 'a: 1').set('exceptions/x.yml', 'x: 1');
    repository.principals = [{ name: 'release team', keys: ['release'], identities: [{ issuer: 'https://i', subject: 's' }] }];
    repository.denials = [denial({ kind: 'digest', digest: `sha256:${'a'.repeat(64)}` })];
    repository.publishTrust();
    repository.keys = [listedKey({ operator: 'us' })];
    repository.publishTrust();
    const { state, files } = repository.first();
    assert.equal(state.anchors.keys[0]?.operator, 'us');
    assert.deepEqual(state.versions, { root: 1, timestamp: 3, snapshot: 3, targets: 3, policy: 3, keys: 3, deny: 3, exceptions: 3 });
    assert.deepEqual(state.lease, { issuedAt: NOW, endsAt: NOW + DAY });
    assert.deepEqual(state.tiers, [{ name: 'edge', duration: 60_000 }]);
    assert.deepEqual(
      [state.anchors.authorities.length, state.anchors.keys.map(({ id, name }) => [id, name])],
      [1, [[release.publicKey.fingerprint, 'release/1']]],
    );
    assert.deepEqual(state.keys, [
      { name: 'release', version: 1, role: 'artifact', state: 'active', anchor: release.publicKey.fingerprint, window: { from: NOW - 1000 }, operator: 'us' },
    ]);
    assert.deepEqual([state.denials, state.principals], [repository.denials, repository.principals]);
    assert.deepEqual(
      state.policies.map(({ path, text }) => [path, text]),
      [
        ['policy/a.yaml', 'a: 1'],
        ['policy/b.yaml', 'b: 1'],
      ],
    );
    assert.deepEqual(
      state.exceptions.map(({ path }) => path),
      ['exceptions/x.yml'],
    );
    assert.equal(files.has('of-others.txt'), false);
  });

  it('has a digest that every part of it changes', () => {
    const { digest, ...content } = new TrustRepository().first().state;
    assert.equal(digestState(content), digest);
    const changes: Partial<TrustState>[] = [
      { versions: { ...content.versions, keys: 9 } },
      { lease: { ...content.lease, endsAt: 1 } },
      { tiers: [{ name: 'x', duration: 1 }] },
      { anchors: { ...content.anchors, keys: [] } },
      { anchors: { ...content.anchors, keys: content.anchors.keys.map((key) => ({ ...key, operator: 'us' })) } },
      { anchors: { ...content.anchors, keys: content.anchors.keys.map((key) => ({ ...key, window: { ...key.window, to: NOW } })) } },
      { anchors: { ...content.anchors, keys: content.anchors.keys.map((key) => ({ ...key, window: { from: Number.NEGATIVE_INFINITY } })) } },
      { keys: [] },
      { denials: [denial({ kind: 'run', run: 'x' }) as never] },
      { principals: [{ name: 'x', keys: [], identities: [] }] },
      { policies: [{ path: 'policy/x.yaml', digest: 'sha256:0', text: '' }] },
      { exceptions: [{ path: 'policy/x.yaml', digest: 'sha256:0', text: '' }] },
    ];
    const digests = changes.map((change) => digestState({ ...content, ...change }));
    assert.equal(new Set([digest, ...digests]).size, changes.length + 1);
  });

  it('of a stock repository of Sigstore is its trusted root, and a lease from when it was seen', () => {
    const repository = new TrustRepository();
    repository.delegated.clear();
    repository.files = [{ path: 'trusted_root.json', bytes: utf8(JSON.stringify(createTestSigstore().trustedRoot)) }];
    repository.versions.snapshot = repository.versions.timestamp = repository.versions.targets = 0;
    repository.publish();
    const { signed } = JSON.parse(Buffer.from(repository.metadata.get('timestamp.json') as Uint8Array).toString()) as { signed: JsonObject };
    delete signed['x-sealward-issued'];
    repository.metadata.set('timestamp.json', sign(signed, repository.roles.timestamp.keys));
    const start = startTrust(repository.metadata.get('1.root.json') as Uint8Array);
    const { state } = advanceTrust(start, repository.offer(), NOW + 1000);
    assert.deepEqual(state.lease, { issuedAt: NOW + 1000, endsAt: NOW + DAY });
    assert.deepEqual([state.anchors.logs.length, state.keys, state.policies, state.versions['keys']], [2, [], [], undefined]);
  });

  it('is refused whole when a file is missing, changed, or of no kind that is read in a role of ours', () => {
    const repository = new TrustRepository();
    repository.texts.set('policy/a.yaml', 'a: 1');
    const offer = repository.publishTrust();
    const chain = repository.first();
    const start = startTrust(repository.metadata.get('1.root.json') as Uint8Array);
    const files = new Map(offer.files);
    files.delete('policy/a.yaml');
    refuses(() => advanceTrust(start, { ...offer, files }, NOW), 'ERR_TRUST_MISMATCH');
    refuses(() => advanceTrust(start, { ...offer, files: files.set('policy/a.yaml', utf8('a: 2')) }, NOW), 'ERR_TRUST_MISMATCH');
    for (const path of ['policy/../x.yaml', 'policy/.yaml', 'policy/%2e%2e.txt', 'policy/a/b.yaml', 'policy/\0.yaml']) {
      repository.texts = new Map([[path, 'x']]);
      refuses(() => advanceTrust(chain, repository.publishTrust(), NOW), 'ERR_TRUST_INVALID');
    }
    const names = ['keys/keys.json', 'deny/denials.json'];
    for (const path of names) {
      const own = new TrustRepository();
      own.targets.set(path, utf8('{}'));
      refuses(() => own.first(), 'ERR_TRUST_MISMATCH');
    }
  });

  it('under a new timestamp is the same with another lease, and nothing is read again', () => {
    const repository = new TrustRepository();
    const chain = repository.first();
    repository.expires.timestamp = NOW + 2 * DAY;
    repository.publishTimestamp();
    const next = advanceTrust(chain, { ...repository.offer(), files: new Map() }, NOW);
    const { digest, ...content } = next.state;
    assert.equal(digest, digestState(content));
    assert.notEqual(digest, chain.state.digest);
    assert.deepEqual([content.lease.endsAt, content.versions['timestamp']], [NOW + 2 * DAY, 2]);
    assert.equal(content.keys, chain.state.keys);
    // The same as one who comes now finds.
    repository.targets.forEach((bytes, path) => assert.equal(chain.files.has(path) && bytes.length > 0, true));
    assert.deepEqual(next.state, repository.first().state);
  });

  it('is not signed for by one role in the place of another', () => {
    const repository = new TrustRepository();
    (repository.delegated.get('policy') as { paths: string[] }).paths = ['keys/*'];
    repository.texts.set('policy/a.yaml', 'a: 1');
    refuses(() => advanceTrust(repository.first(), repository.publishTrust(), NOW), 'ERR_TRUST_INVALID');
    const [one, two] = repository.people;
    const other = new TrustRepository();
    // One person denies alone, and does not list keys alone; strangers do neither.
    const chain = other.first();
    refuses(() => advanceTrust(chain, other.publishTrust({ keys: [one, two] }), NOW), 'ERR_TRUST_SIGNATURE');
    refuses(() => advanceTrust(chain, other.publishTrust({ keys: [other.people[0]] }), NOW), 'ERR_TRUST_SIGNATURE');
    assert.ok(advanceTrust(chain, other.publishTrust({ deny: [other.people[0]] }), NOW));
  });
});

describe('from one state to the next', () => {
  it('a role does not vanish, a key is not forgotten, a denial is not taken back', () => {
    refuses(() => follow((r) => void (r.keys = [])), 'ERR_TRUST_TRANSITION', /the key release\/1 is gone/);
    const deny = (r: TrustRepository): void => void (r.denials = [denial({ kind: 'run', run: 'x' })]);
    refuses(() => follow(deny, (r) => void (r.denials = [])), 'ERR_TRUST_TRANSITION', /the denial d1 is gone/);
    assert.equal(follow(deny, (r) => void r.denials.push(denial({ kind: 'run', run: 'y' }, 'd2'))).state.denials.length, 2);
  });

  it('a role does not vanish from the delegations while its metadata stays', () => {
    const repository = new TrustRepository();
    const chain = repository.first();
    const held = repository.delegated.get('deny');
    repository.delegated.delete('deny');
    repository.publishTargets();
    repository.delegated.set('deny', held as never);
    repository.publishSnapshot();
    repository.publishTimestamp();
    refuses(() => advanceTrust(chain, repository.offer(), NOW), 'ERR_TRUST_TRANSITION', /the role deny is gone/);
  });

  it('a denial may grow, and not shrink or change', () => {
    const window = (from: number, to?: number): object => ({ window: to === undefined ? { from } : { from, to } });
    const pairs: [object, object, boolean][] = [
      [{ kind: 'identity', issuer: 'i', subject: 's', ...window(10_000, 20_000) }, { kind: 'identity', issuer: 'i', subject: 's', ...window(9_000) }, true],
      [
        { kind: 'identity', issuer: 'i', subject: 's', ...window(10_000, 20_000) },
        { kind: 'identity', issuer: 'i', subject: 's', ...window(11_000, 20_000) },
        false,
      ],
      [{ kind: 'identity', issuer: 'i', subject: 's', ...window(10_000) }, { kind: 'identity', issuer: 'i', subject: 's', ...window(10_000, 90_000) }, false],
      [
        { kind: 'identity', issuer: 'i', subject: 's', ...window(10_000, 20_000) },
        { kind: 'identity', issuer: 'i', subject: 's', ...window(10_000, 19_000) },
        false,
      ],
      [{ kind: 'identity', issuer: 'i', subject: 's', ...window(10_000) }, { kind: 'identity', issuer: 'i', subject: 'other', ...window(10_000) }, false],
      [{ kind: 'log', anchor: 'a'.repeat(64), fromIndex: '10' }, { kind: 'log', anchor: 'a'.repeat(64), fromIndex: '9' }, true],
      [{ kind: 'log', anchor: 'a'.repeat(64), fromIndex: '10' }, { kind: 'log', anchor: 'a'.repeat(64) }, true],
      [{ kind: 'log', anchor: 'a'.repeat(64) }, { kind: 'log', anchor: 'a'.repeat(64), fromIndex: '0' }, false],
      [{ kind: 'log', anchor: 'a'.repeat(64), fromIndex: '9' }, { kind: 'log', anchor: 'a'.repeat(64), fromIndex: '10' }, false],
      [
        { kind: 'identity', issuer: 'i', subject: 's', ...window(10_000, 20_000) },
        { kind: 'identity', issuer: 'i', subject: 's', ...window(10_000, 20_000) },
        true,
      ],
      [{ kind: 'log', anchor: 'a'.repeat(64), fromIndex: '9' }, { kind: 'log', anchor: 'a'.repeat(64), fromIndex: '9' }, true],
      [{ kind: 'run', run: 'x' }, { kind: 'run', run: 'x', reason: 'another' }, true],
      [{ kind: 'run', run: 'x' }, { kind: 'run', run: 'y' }, false],
      [{ kind: 'key', key: 'a'.repeat(64) }, { kind: 'certificate', certificate: 'a'.repeat(64) }, false],
    ];
    for (const [before, after, good] of pairs) {
      const run = (): unknown =>
        follow(
          (r) => void (r.denials = [denial(before)]),
          (r) => void (r.denials = [denial(after)]),
        );
      if (good) assert.ok(run());
      else refuses(run, 'ERR_TRUST_TRANSITION');
    }
  });

  const inState = (state: ListedKey['state']): ListedKey =>
    listedKey({
      state,
      ...(state === 'retired' ? { retiredAt: NOW } : {}),
      ...(state === 'superseded' || state === 'compromised' ? { invalidFrom: NOW } : {}),
    });

  it('a key goes only where its state allows, in as many steps as were missed', () => {
    const states = Object.keys(KEY_TRANSITIONS).filter((state) => state !== 'suspended') as ListedKey['state'][];
    for (const from of states) {
      for (const to of states) {
        const repository = new TrustRepository();
        repository.keys = [inState(from)];
        repository.publishTrust();
        const chain = repository.first();
        repository.keys = [inState(to)];
        const offer = repository.publishTrust();
        if (mayBecome(from, to)) assert.equal(advanceTrust(chain, offer, NOW).state.keys[0]?.state, to, `${from} to ${to}`);
        else refuses(() => advanceTrust(chain, offer, NOW), 'ERR_TRUST_TRANSITION');
      }
    }
    assert.deepEqual(
      (Object.keys(KEY_TRANSITIONS) as KeyState[]).filter((state) => mayBecome(state, 'active')),
      ['pre-active', 'active', 'suspended'],
    );
  });

  it('dates of a revocation only move earlier', () => {
    const moved = (before: Partial<ListedKey>, after: Partial<ListedKey>): unknown => {
      const repository = new TrustRepository();
      repository.keys = [listedKey(before)];
      repository.publishTrust();
      const chain = repository.first();
      repository.keys = [listedKey(after)];
      return advanceTrust(chain, repository.publishTrust(), NOW);
    };
    for (const state of ['superseded', 'compromised'] as const) {
      assert.ok(moved({ state, invalidFrom: NOW }, { state, invalidFrom: NOW - 1000 }));
      refuses(() => moved({ state, invalidFrom: NOW }, { state, invalidFrom: NOW + 1000 }), 'ERR_TRUST_TRANSITION');
    }
    refuses(() => moved({ state: 'superseded', invalidFrom: NOW }, { state: 'compromised', invalidFrom: NOW + 1000 }), 'ERR_TRUST_TRANSITION');
    assert.ok(moved({ state: 'compromised', invalidFrom: NOW }, { state: 'revoked-all' }));
    assert.ok(moved({ state: 'retired', retiredAt: NOW }, { state: 'retired', retiredAt: NOW - 1000 }));
    refuses(() => moved({ state: 'retired', retiredAt: NOW }, { state: 'retired', retiredAt: NOW + 1000 }), 'ERR_TRUST_TRANSITION');
    assert.ok(moved({ state: 'retired', retiredAt: NOW }, { state: 'compromised', invalidFrom: NOW }));
    refuses(() => moved({ state: 'retired', retiredAt: NOW }, { state: 'compromised', invalidFrom: NOW + 1000 }), 'ERR_TRUST_TRANSITION');
    refuses(() => moved({ state: 'retired', retiredAt: NOW }, { state: 'retired', retiredAt: NOW, acceptUndatedUntil: NOW }), 'ERR_TRUST_TRANSITION');
    assert.ok(
      moved({ state: 'retired', retiredAt: NOW, acceptUndatedUntil: NOW + 2000 }, { state: 'retired', retiredAt: NOW, acceptUndatedUntil: NOW + 1000 }),
    );
    refuses(() => moved({ window: { from: NOW } }, { window: { from: NOW - 1000 } }), 'ERR_TRUST_TRANSITION');
    assert.ok(moved({ state: 'pre-active', window: { from: NOW + 1000 } }, { state: 'active', window: { from: NOW } }));
    refuses(() => moved({}, { key: createTestKey().publicKey }), 'ERR_TRUST_TRANSITION');
    refuses(() => moved({ state: 'pre-active', destroyedAt: NOW }, {}), 'ERR_TRUST_TRANSITION');
    assert.ok(moved({ state: 'retired', retiredAt: NOW, destroyedAt: NOW }, { state: 'compromised', retiredAt: NOW, invalidFrom: NOW, destroyedAt: NOW }));
  });

  const suspended = (by: TrustRepository['people'][number], id = 's1', at = NOW): ListedDenial =>
    denial({ kind: 'suspension', name: 'release', version: 1, at, by: by.publicKey.fingerprint }, id);
  const suspends = (r: TrustRepository) => {
    r.denials = [suspended(r.people[0])];
    return { deny: [r.people[0]] };
  };
  const lifts = (r: TrustRepository): void => void (r.keys = [listedKey({ lifted: ['s1'] })]);

  it('one person suspends, two others lift, and a second suspension stands by itself', () => {
    const [key] = follow(suspends).state.keys;
    assert.deepEqual([key?.state, key?.suspendedAt, key?.reason], ['suspended', NOW, 'because']);
    assert.equal(follow(suspends, lifts).state.keys[0]?.state, 'active');
    refuses(
      () =>
        follow(suspends, (r) => {
          lifts(r);
          return { keys: [r.people[0], r.people[1]] };
        }),
      'ERR_TRUST_TRANSITION',
      /lifted by 1 of the 2 others/,
    );
    const again = follow(suspends, lifts, (r) => void r.denials.push(suspended(r.people[1], 's2', NOW + 5000)));
    assert.deepEqual([again.state.keys[0]?.state, again.state.keys[0]?.suspendedAt], ['suspended', NOW + 5000]);
    refuses(() => follow(suspends, lifts, (r) => void (r.keys = [listedKey()])), 'ERR_TRUST_TRANSITION');
    refuses(() => follow((r) => void (r.keys = [listedKey({ lifted: ['none'] })])), 'ERR_TRUST_TRANSITION');
    refuses(() => follow(suspends, (r) => void (r.denials = [suspended(r.people[0], 's1', NOW + 1000)])), 'ERR_TRUST_TRANSITION');
  });

  it('nobody suspends in the name of another', () => {
    refuses(
      () =>
        follow((r) => {
          r.denials = [suspended(r.people[1])];
          return { deny: [r.people[0]] };
        }),
      'ERR_TRUST_TRANSITION',
      /names somebody who did not sign it/,
    );
  });

  it('one person revokes, from the activation of the key on, and nobody gives it back', () => {
    const revokes = (r: TrustRepository) => {
      r.denials = [denial({ kind: 'revocation', name: 'release', version: 1 })];
      return { deny: [r.people[2]] };
    };
    const [key] = follow(revokes).state.keys;
    assert.deepEqual([key?.state, key?.invalidFrom, key?.reason], ['compromised', NOW - 1000, 'because']);
    // Whatever the two others say of it afterwards.
    for (const rest of [{}, { state: 'compromised', invalidFrom: NOW + 5000 }] as Partial<ListedKey>[])
      assert.equal(follow(revokes, (r) => void (r.keys = [listedKey(rest)])).state.keys[0]?.invalidFrom, NOW - 1000);
    assert.equal(follow(revokes, (r) => void (r.keys = [listedKey({ state: 'revoked-all' })])).state.keys[0]?.state, 'revoked-all');
  });

  it('never changes the anchor of a key, and never lowers what denials and states deny, whatever is signed', () => {
    const rank = (state: KeyState): number => Object.keys(KEY_TRANSITIONS).filter((other) => mayBecome(state, other as KeyState)).length;
    const change = fc.record({ state: fc.constantFrom(...(Object.keys(KEY_TRANSITIONS) as KeyState[])), deny: fc.boolean(), drop: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
        const repository = new TrustRepository();
        let chain = repository.first();
        for (const { state, deny, drop } of changes) {
          if (state !== 'suspended') repository.keys = [inState(state)];
          if (deny) repository.denials.push(denial({ kind: 'run', run: 'x' }, `d${repository.denials.length}`));
          if (drop) repository.denials.pop();
          const offer = repository.publishTrust();
          const held = chain;
          try {
            chain = advanceTrust(chain, offer, NOW);
          } catch {
            continue;
          }
          assert.ok(rank(chain.state.keys[0]?.state as KeyState) <= rank(held.state.keys[0]?.state as KeyState));
          assert.ok(held.denials.every(({ id }) => chain.denials.some((one) => one.id === id)));
          assert.ok(Object.entries(held.state.versions).every(([role, version]) => (chain.state.versions[role] as number) >= version));
        }
      }),
      { numRuns: 12 },
    );
  });

  it('holds each key against itself, by name and version', () => {
    const [second, other] = [createTestKey().publicKey, createTestKey().publicKey];
    const keys = (rest: Partial<ListedKey>): ListedKey[] => [listedKey({ name: 'ci', ...rest }, other), listedKey(), listedKey({ version: 2 }, second)];
    const repository = new TrustRepository();
    repository.keys = keys({});
    repository.publishTrust();
    const chain = repository.first();
    repository.keys = keys({ state: 'retired', retiredAt: NOW });
    assert.deepEqual(
      advanceTrust(chain, repository.publishTrust(), NOW).state.keys.map(({ state }) => state),
      ['retired', 'active', 'active'],
    );
    repository.keys = repository.keys.map((key) => (key.version === 2 ? listedKey({ version: 2 }, createTestKey().publicKey) : key));
    refuses(() => advanceTrust(chain, repository.publishTrust(), NOW), 'ERR_TRUST_TRANSITION', /release\/2 is another key/);
  });

  it('has bounds', () => {
    const repository = new TrustRepository();
    const file = LIMITS.documentBytes + 1;
    repository.texts.set('policy/a.yaml', ' '.repeat(file));
    repository.publishTrust();
    refuses(() => repository.first(), 'ERR_TOO_LARGE');
    repository.texts.set('policy/a.yaml', ' '.repeat(file - 1));
    repository.publishTrust();
    assert.ok(repository.first());
    const texts = (count: number): void => void (repository.texts = new Map(Array.from({ length: count }, (_, i) => [`policy/${i}.yaml`, ''])));
    texts(LIMITS.trustedTexts - 3);
    repository.publishTrust();
    assert.ok(repository.first());
    texts(LIMITS.trustedTexts - 2);
    repository.publishTrust();
    refuses(() => repository.first(), 'ERR_TOO_LARGE');
  });
});
