import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { foundTrust, type MetadataSigner, readPublished, writeRepository } from '../../clients/trust/index.ts';
import { DENIALS_FILE, encodeDenials, encodeKeyList, KEYS_FILE, type SignerKeys, SIGNING_ROLES, type SigningRole } from '../../core/trust/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { createTestKey, TEST_NOW, type TestKey } from '../../testing/index.ts';
import { TrustLease, trustRoutes } from './index.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const folder = mkdtempSync(join(tmpdir(), 'sealward-lease-'));
after(() => rmSync(folder, { recursive: true }));
const signerOf = (key: TestKey): MetadataSigner => ({ publicKey: () => key.publicKey, algorithm: key.algorithm, sign: async (message) => key.sign(message) });
const [people, online] = [createTestKey(), createTestKey()];
let made = 0;

async function published(): Promise<string> {
  const by = (key: TestKey): SignerKeys => ({ keys: [{ key: key.publicKey }], threshold: 1 });
  const signers = Object.fromEntries(SIGNING_ROLES.map((role) => [role, by(role === 'timestamp' || role === 'snapshot' ? online : people)])) as Record<
    SigningRole,
    SignerKeys
  >;
  const files = new Map([
    [KEYS_FILE, encodeKeyList([])],
    [DENIALS_FILE, encodeDenials([])],
  ]);
  const plan = { signers, files, lifetime: { root: 300 * DAY, roles: 100 * DAY } };
  const repository = join(folder, `repository-${made++}`);
  await writeRepository(repository, (await foundTrust(plan, [signerOf(people), signerOf(online)], { now: TEST_NOW, lease: DAY })).files);
  return repository;
}

function lease(repository: string, key = online): { lease: TrustLease; clock: { now: number } } {
  const clock = { now: TEST_NOW };
  return { lease: new TrustLease({ repository, signer: signerOf(key), leaseMs: DAY, now: () => clock.now, signedAt: () => clock.now }), clock };
}

describe('the lease of a trust repository', () => {
  it('is given anew when a quarter of it is over, and says nothing new', async () => {
    const repository = await published();
    const { lease: given, clock } = lease(repository);
    await given.renewIfDue();
    const before = readFileSync(join(repository, 'timestamp.json'));
    clock.now += 5 * HOUR;
    await given.renewIfDue();
    assert.deepEqual(readFileSync(join(repository, 'timestamp.json')), before);
    clock.now += 2 * HOUR;
    await given.renewIfDue();
    const chain = await readPublished(repository);
    assert.deepEqual([chain?.state.versions['timestamp'], chain?.state.versions['snapshot'], chain?.state.lease.endsAt], [2, 1, clock.now + DAY]);
    assert.equal(given.endsAt, clock.now + DAY);
  });

  it('ends at a whole second, whenever it began: go-tuf could not verify another one', async () => {
    const repository = await published();
    const { lease: given, clock } = lease(repository);
    clock.now += 7 * HOUR + 120;
    await given.renewIfDue();
    const { signed } = JSON.parse(readFileSync(join(repository, 'timestamp.json'), 'utf8')) as { signed: { expires: string } };
    assert.match(signed.expires, /T\d\d:\d\d:\d\dZ$/);
  });

  it('is not given anew by a clock that cannot be believed, and ends in its own time', async () => {
    const repository = await published();
    const before = readFileSync(join(repository, 'timestamp.json'));
    const clock = { now: TEST_NOW + 30 * DAY, believed: false };
    const signedAt = (): number => {
      if (clock.believed) return clock.now;
      throw new SealwardError('ERR_CLOCK_REFUSED', 'nothing is dated: the clock jumped by 2592000.0 s');
    };
    const jumped = new TrustLease({ repository, signer: signerOf(online), leaseMs: DAY, now: () => clock.now, signedAt });
    await assert.rejects(jumped.renewIfDue(), { code: 'ERR_CLOCK_REFUSED' });
    assert.deepEqual(readFileSync(join(repository, 'timestamp.json')), before);
    assert.match(jumped.problem() ?? '', /ended: nothing is dated: the clock jumped/);
    Object.assign(clock, { now: TEST_NOW + 7 * HOUR, believed: true });
    await jumped.renewIfDue();
    assert.deepEqual([jumped.problem(), jumped.endsAt], [undefined, TEST_NOW + 7 * HOUR + DAY]);
  });

  it('renews the snapshot, too, before it ends', async () => {
    const repository = await published();
    const { lease: given, clock } = lease(repository);
    clock.now += 60 * DAY;
    await given.renewIfDue();
    const chain = await readPublished(repository);
    assert.deepEqual([chain?.state.versions['timestamp'], chain?.state.versions['snapshot']], [2, 2]);
  });

  it('ends, and says why, when it cannot be given anew: a key of others, a repository that is damaged or gone', async () => {
    const repository = await published();
    const foreign = lease(repository, createTestKey());
    await foreign.lease.renewIfDue();
    foreign.clock.now += 7 * HOUR;
    await assert.rejects(foreign.lease.renewIfDue());
    assert.equal(foreign.lease.problem(), undefined, 'the lease holds for a while');
    foreign.clock.now += DAY;
    assert.match(foreign.lease.problem() ?? '', /^the lease of the trust repository ended: /);
    const { lease: given, clock } = lease(repository);
    const before = readFileSync(join(repository, '1.keys.json'));
    writeFileSync(join(repository, '1.keys.json'), '{}');
    clock.now += 7 * HOUR;
    await assert.rejects(given.renewIfDue());
    assert.equal(readFileSync(join(repository, 'timestamp.json'), 'utf8').includes('"version":2'), false);
    writeFileSync(join(repository, '1.keys.json'), before);
    await given.renewIfDue();
    await assert.rejects(lease(join(folder, 'nothing')).lease.renewIfDue(), { code: 'ERR_STATE_INVALID' });
  });
});

describe('the files of a trust repository', () => {
  it('are served by their names, and nothing else is', async () => {
    const [route] = trustRoutes(await published(), '/trust');
    assert.ok(route);
    const ask = (name: string) =>
      route.answer({
        params: { '*': name },
        query: new URLSearchParams(),
        headers: {},
        body: new Uint8Array(),
        remote: '',
        signal: new AbortController().signal,
      });
    assert.equal((await ask('timestamp.json')).headers['cache-control'], 'no-cache');
    assert.match((await ask('1.root.json')).headers['cache-control'] ?? '', /immutable/);
    for (const name of [
      '',
      '.',
      '..',
      '../secret',
      'a/../b',
      '/etc/passwd',
      'targets',
      '.hidden',
      'a/.b',
      'a\\b',
      'a%2fb',
      `${'a/'.repeat(9)}b`,
      'x'.repeat(3000),
    ]) {
      await assert.rejects(ask(name), { code: 'ERR_NOT_FOUND' }, name);
    }
    writeFileSync(join(folder, 'large.json'), Buffer.alloc(4 * 1024 * 1024 + 1));
    const [wide] = trustRoutes(folder, '/trust');
    await assert.rejects(
      wide?.answer({
        params: { '*': 'large.json' },
        query: new URLSearchParams(),
        headers: {},
        body: new Uint8Array(),
        remote: '',
        signal: new AbortController().signal,
      }) ?? Promise.resolve(),
      { code: 'ERR_SERVICE_UNAVAILABLE' },
    );
  });
});
