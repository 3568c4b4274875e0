import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { formatDigest, parseReference } from '../../core/artifact/index.ts';
import { encodeBase64, LIMITS, utf8 } from '../../core/encoding/index.ts';
import { fails } from '../../../test/loopback.ts';
import { buildImage, FixedClock, MemoryRegistry, type MemoryRegistryOptions } from '../../testing/index.ts';
import { HttpClient } from '../http/index.ts';
import { type Credentials, explicitCredentials, firstOf, type PullSecret, pullSecrets, RegistryClient } from './index.ts';

const auth = (user: string, secret: string): { auth: string } => ({ auth: encodeBase64(utf8(`${user}:${secret}`)) });
const password = (username: string, secret: string): Credentials => ({ kind: 'password', username, password: secret });
const json = (name: string, auths: unknown): PullSecret => ({
  name: `team/${name}`,
  type: 'kubernetes.io/dockerconfigjson',
  body: utf8(JSON.stringify({ auths })),
});
const cfg = (name: string, auths: unknown): PullSecret => ({ name: `team/${name}`, type: 'kubernetes.io/dockercfg', body: utf8(JSON.stringify(auths)) });
const find = (secrets: readonly PullSecret[], registry: string, repository = 'team/app', refused: readonly Credentials[] = []) =>
  pullSecrets(secrets).find({ registry, repository, deadline: Number.POSITIVE_INFINITY, refused });

describe('pull secrets', () => {
  it('are read in both forms', async () => {
    assert.deepEqual(await find([json('a', { 'registry.example': auth('u', 'p') })], 'registry.example'), password('u', 'p'));
    assert.deepEqual(await find([cfg('a', { 'registry.example': { ...auth('u', 'p'), email: 'x' } })], 'registry.example'), password('u', 'p'));
    assert.deepEqual(await find([cfg('a', { 'https://index.docker.io/v1/': { username: 'u', password: 'p' } })], 'docker.io'), password('u', 'p'));
    const opaque: PullSecret = { name: 'a', type: 'Opaque', body: utf8('not even JSON') };
    assert.equal(await find([opaque], 'registry.example'), undefined);
    assert.deepEqual(await find([{ ...opaque, type: 'kubernetes.io/dockerconfigjson', body: utf8('{}') }], 'registry.example'), undefined);
  });

  it('come in the order of the kubelet: the most exact key, then the secret that is named first', async () => {
    const secrets = [
      json('first', { 'registry.example': auth('first', 'host') }),
      cfg('second', { 'registry.example/team': auth('second', 'path'), 'registry.example': auth('second', 'host') }),
      json('third', { 'https://registry.example/v2/team/app': auth('third', 'exact'), 'registry.example/team/': auth('third', 'path') }),
    ];
    const order = [password('third', 'exact'), password('second', 'path'), password('third', 'path'), password('first', 'host'), password('second', 'host')];
    for (const [n, expected] of order.entries()) assert.deepEqual(await find(secrets, 'registry.example', 'team/app', order.slice(0, n)), expected);
    assert.equal(await find(secrets, 'registry.example', 'team/app', order), undefined);
    assert.deepEqual(await find(secrets, 'registry.example', 'other'), password('first', 'host'));
  });

  it('are for whole hosts with their ports, and whole parts of paths', async () => {
    const secrets = [json('a', { 'example.com:5000': auth('u', 'p'), 'registry.example/team': auth('v', 'q'), '*.example.org': auth('w', 'r') })];
    for (const [registry, repository] of [
      ['example.com', 'team/app'],
      ['example.com:50000', 'team/app'],
      ['a.example.com:5000', 'team/app'],
      ['registry.example', 'team-b/app'],
      ['registry.example', 'other/team'],
      ['registry.example.evil', 'team/app'],
      ['a.example.org', 'team/app'],
    ] as const)
      assert.equal(await find(secrets, registry, repository), undefined, `${registry}/${repository}`);
    assert.deepEqual(await find(secrets, 'registry.example', 'team'), password('v', 'q'));
  });

  it('that cannot be read are an error that names them, and shows nothing of them', async () => {
    const refused = async (secrets: readonly PullSecret[]): Promise<string> => {
      let message = '';
      await assert.rejects(find(secrets, 'registry.example'), (error: Error) => {
        message = error.message;
        return fails('ERR_CONFIG_INVALID')(error);
      });
      assert.doesNotMatch(message, /canary/);
      return message;
    };
    const body = utf8('{"auths": canary');
    assert.match(await refused([{ ...json('broken', {}), body }]), /team\/broken/);
    assert.match(await refused([{ ...json('large', {}), body: new Uint8Array(LIMITS.pullSecretBytes + 1).fill(0x20) }]), /team\/large/);
    assert.match(await refused([json('a', ['canary'])]), /team\/a/);
    assert.match(await refused([json('a', { 'registry.example': { auth: 'canary!' } })]), /team\/a.*registry\.example/);
    const many = (count: number): PullSecret[] => Array.from({ length: count }, (_, n) => json(`${n}`, {}));
    assert.match(await refused(many(LIMITS.pullSecrets + 1)), /65 pull secrets/);
    assert.equal(await find(many(LIMITS.pullSecrets), 'registry.example'), undefined);
  });
});

describe('several credentials for one registry', () => {
  const image = buildImage({ 'hello.txt': 'hello' });
  const clock = new FixedClock({ skipSleep: true });
  const open: { close(): unknown }[] = [];
  after(async () => {
    for (const one of open) await one.close();
  });
  async function start(authentication: NonNullable<MemoryRegistryOptions['auth']>) {
    const registry = await MemoryRegistry.start({ auth: authentication });
    const store = registry.repository('team/app');
    for (const { digest, bytes } of image.blobs) store.blobs.set(formatDigest(digest), bytes);
    store.putManifest(image.manifest, image.descriptor.mediaType, 'v1');
    const reference = parseReference(`${registry.host}/team/app:v1`);
    const connect = (secrets: readonly PullSecret[]): RegistryClient => {
      const client = new RegistryClient({ http: new HttpClient({ clock }), credentials: pullSecrets(secrets) });
      open.push(client);
      return client;
    };
    open.push(registry);
    return { registry, reference, connect };
  }
  const users = { right: 'canary-right' };

  for (const kind of ['token', 'basic'] as const) {
    it(`are tried one after the other, and the one that was taken is used from then on (${kind})`, async () => {
      const { registry, reference, connect } = await start({ kind, users });
      const key = registry.host;
      const secrets = ['wrong', 'stale', 'right'].map((user) => json(user, { [key]: auth(user, `canary-${user}`) }));
      const client = connect(secrets);
      assert.equal((await client.resolve(reference)).state, 'complete');
      registry.forget();
      const again = await Promise.all([1, 2, 3].map(() => client.describe(reference)));
      assert.deepEqual(
        again.map(({ state }) => state),
        ['complete', 'complete', 'complete'],
      );
      assert.equal(registry.count(''), 3, 'no detour any more');
    });

    it(`are all refused: it is said so, and the next time begins with the first (${kind})`, async () => {
      const { registry, reference, connect } = await start({ kind, users });
      const client = connect(['one', 'two'].map((user) => json(user, { [registry.host]: auth(user, `canary-${user}`) })));
      const asked: number[] = [];
      for (let i = 0; i < 2; i++) {
        const found = await client.resolve(reference);
        assert.ok(found.state === 'unavailable');
        fails('ERR_REGISTRY_UNAUTHENTICATED')(found.cause);
        assert.doesNotMatch(found.cause.message, /canary/);
        asked.push(registry.count(''));
        registry.forget();
      }
      assert.ok((asked[1] ?? 0) >= 2 && (asked[0] ?? 0) <= 6, asked.join());
    });
  }

  it('of one namespace are never used for another', async () => {
    const { registry, reference, connect } = await start({ kind: 'token', users });
    const mine = connect([json('mine', { [registry.host]: auth('right', 'canary-right') })]);
    const other = connect([]);
    assert.equal((await mine.resolve(reference)).state, 'complete');
    registry.forget();
    assert.equal((await other.resolve(reference)).state, 'unavailable');
    assert.ok(registry.journal.every(({ status }) => status >= 400));
  });

  it('that changed bring a token of their own', async () => {
    const { registry, reference } = await start({ kind: 'token', users: { ...users, next: 'canary-next' } });
    let current = password('right', 'canary-right');
    const client = new RegistryClient({ http: new HttpClient({ clock }), credentials: { find: async () => current } });
    open.push(client);
    await client.resolve(reference);
    await client.resolve(reference);
    assert.equal(registry.count('/token'), 1);
    current = password('next', 'canary-next');
    assert.equal((await client.resolve(reference)).state, 'complete');
    assert.equal(registry.count('/token'), 2);
  });

  it('are asked of the next source when those of the first were refused', async () => {
    const { registry, reference } = await start({ kind: 'basic', users });
    const sources = firstOf(
      explicitCredentials(password('wrong', 'x'), [registry.host]),
      pullSecrets([json('a', { [registry.host]: auth('right', 'canary-right') })]),
    );
    const client = new RegistryClient({ http: new HttpClient({ clock }), credentials: sources });
    open.push(client);
    assert.equal((await client.resolve(reference)).state, 'complete');
  });
});
