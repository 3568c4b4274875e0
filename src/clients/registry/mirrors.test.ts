import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Descriptor, type Lookup, parseReference } from '../../core/artifact/index.ts';
import { utf8 } from '../../core/encoding/index.ts';
import { buildImage, buildReferrer, type Fault, FixedClock, gate, MemoryRegistry, pushArtifact } from '../../testing/index.ts';
import { HttpClient } from '../http/index.ts';
import { RegistryClient, type RegistryClientOptions } from './index.ts';

const open: { close(): unknown }[] = [];
after(async () => {
  for (const one of open) await one.close();
});
const image = buildImage({ 'hello.txt': 'hello' });
const moved = buildImage({ 'hello.txt': 'moved' });

function connect(options: RegistryClientOptions = {}, clock = new FixedClock({ skipSleep: true })): RegistryClient {
  const client = new RegistryClient({ http: new HttpClient({ clock, random: () => 0.5 }), ...options });
  open.push(client);
  return client;
}
async function start(repository = 'team/app', built = image): Promise<MemoryRegistry> {
  const registry = await MemoryRegistry.start();
  open.push(registry);
  await pushArtifact(connect(), { registry: registry.host, repository }, built, 'v1');
  registry.forget();
  return registry;
}
const codeOf = (lookup: Lookup<unknown>): string => (lookup.state === 'unavailable' ? lookup.cause.code : lookup.state);

test('mirrors are asked in their order, before the registry itself', async () => {
  const origin = await start();
  const first = await start('cache/hub/team/app');
  const second = await start();
  const client = connect({ mirrors: { [origin.host]: [`${first.host}/cache/hub`, second.host] } });
  const at = parseReference(`${origin.host}/team/app:v1`);
  assert.equal((await client.resolve(at)).state, 'complete');
  assert.equal((await client.manifest(at, image.descriptor.digest)).state, 'complete');
  assert.equal((await client.blob(at, image.blobs[0]?.digest as Descriptor['digest'], { maxBytes: 1000 })).state, 'complete');
  assert.equal(first.count('/v2/cache/hub/team/app/'), 3);
  assert.equal(second.journal.length + origin.journal.length, 0);
  assert.equal((await client.tags({ ...at, registry: second.host })).state, 'complete');
  assert.equal(second.journal.length, 1, 'mirrors belong to one registry');
});

test('whatever is wrong with a mirror, the next one is asked', async () => {
  const faults: Omit<Fault, 'path'>[] = [
    { status: 404 },
    { status: 401 },
    { status: 403 },
    { status: 429 },
    { status: 500 },
    { drop: 'before' },
    { body: utf8('other bytes') },
    { truncateAfter: 3 },
    { headers: { 'content-encoding': 'gzip' } },
    { status: 302, headers: { location: 'http://169.254.169.254/' } },
  ];
  for (const fault of faults) {
    const origin = await start();
    const mirror = await start();
    mirror.fault({ path: '/v2/', ...fault });
    const client = connect({ mirrors: { [origin.host]: [mirror.host, '127.0.0.1:1'] } });
    const at = parseReference(`${origin.host}/team/app:v1`);
    const found = await client.manifest(at, image.descriptor.digest);
    assert.ok(found.state === 'complete', JSON.stringify(fault));
    assert.ok(mirror.journal.length > 0 && origin.journal.length > 0);
  }
});

test('a mirror never has the last word on absent, and the registry’s own error is the error', async () => {
  const origin = await start();
  const mirror = await MemoryRegistry.start();
  open.push(mirror);
  const client = connect({ mirrors: { [origin.host]: [mirror.host] } });
  const at = parseReference(`${origin.host}/team/app:v9`);
  assert.equal(codeOf(await client.resolve(at)), 'absent');
  assert.equal(origin.journal.length, 1);
  origin.fault({ path: '/v2/', status: 500 });
  assert.equal(codeOf(await client.resolve(at)), 'ERR_REGISTRY_FAILED');
});

test('an empty list of a mirror is not an answer', async () => {
  const origin = await start();
  const mirror = await start();
  const built = buildReferrer({ artifactType: 'application/x', subject: image.descriptor, payload: utf8('x') });
  await connect().attach({ registry: origin.host, repository: 'team/app' }, { manifest: built.manifest, blobs: built.blobs });
  const client = connect({ mirrors: { [origin.host]: [mirror.host] } });
  const at = parseReference(`${origin.host}/team/app`);
  const found = await client.referrers(at, image.descriptor.digest);
  assert.ok(found.api.state === 'complete' && found.api.value.length === 1);
  assert.equal(mirror.count('/referrers/'), 1);
  mirror.forget();
  await client.referrers(at, image.descriptor.digest, { places: 'all' });
  assert.equal(mirror.journal.length, 0, 'who wants all places asks the registry itself');
});

test('a mirror may lag behind: whoever wants the newest asks the registry itself', async () => {
  const origin = await start('team/app', moved);
  const mirror = await start();
  const client = connect({ mirrors: { [origin.host]: [mirror.host] } });
  const at = parseReference(`${origin.host}/team/app:v1`);
  const stale = await client.resolve(at);
  assert.deepEqual(stale.state === 'complete' && stale.value.digest, image.descriptor.digest);
  const fresh = await client.resolve(at, { originOnly: true });
  assert.deepEqual(fresh.state === 'complete' && fresh.value.digest, moved.descriptor.digest);
});

test('a mirror that does not answer leaves time for those after it', async () => {
  const origin = await start();
  const mirror = await start();
  const clock = new FixedClock();
  const hold = gate();
  mirror.fault({ path: '/v2/', before: hold });
  const client = connect({ mirrors: { [origin.host]: [mirror.host] } }, clock);
  const asked = client.resolve(parseReference(`${origin.host}/team/app:v1`), { deadline: clock.now() + 10_000 });
  await hold.reached;
  clock.advance(5_000);
  assert.equal((await asked).state, 'complete');
});

test('credentials of a registry do not go to its mirror', async () => {
  const origin = await start();
  const mirror = await MemoryRegistry.start({ auth: { kind: 'basic', users: { u: 'canary' } } });
  open.push(mirror);
  const asked: string[] = [];
  const client = connect({
    mirrors: { [origin.host]: [mirror.host] },
    credentials: {
      find: async ({ registry }) => {
        asked.push(registry);
        return registry === origin.host ? { kind: 'password', username: 'u', password: 'canary' } : undefined;
      },
    },
  });
  assert.equal((await client.resolve(parseReference(`${origin.host}/team/app:v1`))).state, 'complete');
  assert.ok(asked.includes(mirror.host), 'the mirror may have credentials of its own');
  assert.ok(mirror.journal.every(({ authorization }) => authorization === undefined));
});

test('writing goes to the registry itself', async () => {
  const origin = await start();
  const mirror = await start();
  const client = connect({ mirrors: { [origin.host]: [mirror.host] } });
  await pushArtifact(client, { registry: origin.host, repository: 'team/app' }, moved, 'v2');
  assert.equal(mirror.journal.length, 0);
});

test('a mirror that is none is an error of the configuration', async () => {
  for (const bad of ['', 'http://x', 'a b', 'x:99999']) {
    const found = await connect({ mirrors: { 'registry.example': [bad] } }).resolve(parseReference('registry.example/app:v1'));
    assert.equal(codeOf(found), 'ERR_CONFIG_INVALID', bad);
  }
});
