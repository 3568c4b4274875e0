/** `sealward login` and `logout`: credentials are checked, kept where Docker keeps them, and nothing else there is touched. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, utimesSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { type TestContext, test } from 'node:test';
import { MemoryRegistry } from '../../src/testing/index.ts';
import { startSealward } from '../cli.ts';
import { Workshop } from './workshop.ts';

const USERS = { robot: 'the right password', other: 'pa:ss wörd' };

async function scene(t: TestContext, auth: 'basic' | 'token' | 'none' = 'basic'): Promise<{ registry: MemoryRegistry; workshop: Workshop; host: string }> {
  const workshop = new Workshop();
  const registry = await MemoryRegistry.start(auth === 'none' ? {} : { auth: { kind: auth, users: USERS } });
  t.after(async () => {
    workshop.remove();
    await registry.close();
  });
  return { registry, workshop, host: registry.host };
}

const config = (workshop: Workshop): Record<string, unknown> => JSON.parse(workshop.read('docker/config.json')) as Record<string, unknown>;
const encoded = (name: keyof typeof USERS): { auth: string } => ({ auth: Buffer.from(`${name}:${USERS[name]}`).toString('base64') });
const login = (host: string, name: string): string[] => ['login', '--username', name, '--password-stdin', host];

for (const auth of ['basic', 'token'] as const) {
  test(`a login is kept, used, and forgotten, where the registry asks by ${auth}`, async (t) => {
    const { registry, workshop, host } = await scene(t, auth);
    const before = await workshop.sealward(['tree', `${host}/app:v1`]);
    assert.equal(before.code, 3, before.stderr);

    const { code, stdout, stderr } = await workshop.sealward(login(host, 'robot'), { stdin: `${USERS.robot}\n` });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, /^Logged in to 127\.0\.0\.1:\d+; the password is kept unencrypted in .+docker\/config\.json, readable by you alone\.\n$/);
    assert.deepEqual(config(workshop), { auths: { [host]: encoded('robot') } });
    if (process.platform !== 'win32') {
      assert.equal(statSync(workshop.path('docker/config.json')).mode & 0o777, 0o600);
      assert.equal(statSync(workshop.path('docker')).mode & 0o777, 0o700);
    }
    assert.equal(registry.journal.at(-1)?.url, '/v2/');
    // It is not there, and that is known only to who may look.
    assert.equal((await workshop.sealward(['tree', `${host}/app:v1`])).code, 11);

    const out = await workshop.sealward(['logout', host]);
    assert.deepEqual([out.code, out.stdout], [0, '']);
    assert.match(out.stderr, /^Logged out of 127\.0\.0\.1:\d+: removed from .+config\.json\.\n$/);
    assert.deepEqual(config(workshop), { auths: {} });
    assert.equal((await workshop.sealward(['tree', `${host}/app:v1`])).code, 3);
    const again = await workshop.sealward(['logout', host]);
    assert.equal(again.code, 0);
    assert.match(again.stderr, /^Nothing is kept for 127\.0\.0\.1:\d+\.\n$/);
  });

  test(`a wrong password is not kept, nor repeated, where the registry asks by ${auth}`, async (t) => {
    const { workshop, host } = await scene(t, auth);
    for (const [name, password] of [
      ['robot', 'the wrong password'],
      ['nobody', USERS.robot],
    ] as const) {
      const { code, stderr } = await workshop.sealward(login(host, name), { stdin: password });
      assert.equal(code, 3, stderr);
      assert.match(stderr, /code: ERR_REGISTRY_(?:UNAUTHENTICATED|DENIED)/);
      assert.ok(!stderr.includes(password));
    }
    assert.ok(!existsSync(workshop.path('docker')));
  });
}

test('a second login replaces the first in every spelling, and nothing else in the file changes', async (t) => {
  const { workshop, host } = await scene(t);
  const others = {
    auths: { 'registry.example': { auth: 'eDp5' }, [`https://${host}/v1/`]: { auth: 'b2xkOm9sZA==' }, [`${host}/team`]: { auth: 'dGVhbTpwdw==' } },
    HttpHeaders: { 'X-Meta': 'yes' },
    aliases: { builder: 'buildx' },
    'a member of the future': [1, 2.5, null, { deep: true }],
  };
  workshop.file('docker/config.json', JSON.stringify(others));
  chmodSync(workshop.path('docker/config.json'), 0o644);
  for (const name of ['robot', 'other', 'other'] as const) {
    const { code, stderr } = await workshop.sealward(login(host, name), { stdin: USERS[name] });
    assert.equal(code, 0, stderr);
    const { [`https://${host}/v1/`]: _old, ...kept } = others.auths as Record<string, unknown>;
    assert.deepEqual(config(workshop), { ...others, auths: { ...kept, [host]: encoded(name) } });
    assert.equal(Object.keys(config(workshop)).join(), Object.keys(others).join(), 'in the same order');
  }
  if (process.platform !== 'win32') assert.equal(statSync(workshop.path('docker/config.json')).mode & 0o777, 0o600);
  assert.equal((await workshop.sealward(['logout', host])).code, 0);
  assert.deepEqual(Object.keys(config(workshop)['auths'] as object), ['registry.example', `${host}/team`]);
  assert.deepEqual(readdirSync(workshop.path('docker')), ['config.json'], 'no draft is left');
});

test('many logins at once lose nothing, and a draft that was abandoned stops nobody', async (t) => {
  const { workshop } = await scene(t);
  const registries = await Promise.all(Array.from({ length: 8 }, () => MemoryRegistry.start()));
  t.after(() => Promise.all(registries.map((registry) => registry.close())));
  const old = workshop.file('docker/.config.json.sealward', '{');
  utimesSync(old, 0, 0);
  const results = await Promise.all(registries.map(({ host }) => workshop.sealward(login(host, 'robot'), { stdin: 'x' })));
  for (const { code, stderr } of results) assert.equal(code, 0, stderr);
  assert.deepEqual(Object.keys(config(workshop)['auths'] as object).sort(), registries.map(({ host }) => host).sort());
});

test('a link stays a link, REGISTRY_AUTH_FILE is heard, and a file that cannot be read is not overwritten', async (t) => {
  const { workshop, host } = await scene(t);
  workshop.file('elsewhere/real.json', '{}');
  mkdirSync(workshop.path('docker'));
  symlinkSync(workshop.path('elsewhere/real.json'), workshop.path('docker/config.json'));
  assert.equal((await workshop.sealward(login(host, 'robot'), { stdin: USERS.robot })).code, 0);
  assert.deepEqual(JSON.parse(workshop.read('elsewhere/real.json')), { auths: { [host]: encoded('robot') } });

  const env = { REGISTRY_AUTH_FILE: workshop.path('podman/auth.json') };
  assert.equal((await workshop.sealward(login(host, 'other'), { stdin: USERS.other, env })).code, 0);
  assert.deepEqual(JSON.parse(workshop.read('podman/auth.json')), { auths: { [host]: encoded('other') } });

  workshop.file('elsewhere/real.json', '{"auths": {');
  const { code, stderr } = await workshop.sealward(login(host, 'robot'), { stdin: USERS.robot });
  assert.equal(code, 2);
  assert.match(stderr, /code: ERR_CONFIG_INVALID/);
  assert.equal(workshop.read('elsewhere/real.json'), '{"auths": {');
});

test('what cannot be meant is refused before anybody is asked', async (t) => {
  const { registry, workshop, host } = await scene(t);
  for (const [args, stdin, says] of [
    [['login'], '', /`sealward login` needs HOST/],
    [['login', host], '', /needs --username/],
    [['login', '--username', 'robot', host], 'x', /nobody can be asked for the password: stdin is not a terminal/],
    [login(`${host}/app`, 'robot'), 'x', /is not a registry/],
    [login('--password=x', 'robot'), 'x', /unknown flag "--password"[^]*Did you mean --password-stdin\?/],
    [login(host, 'robot'), '', /stdin holds no password/],
    [login(host, 'ro:bot'), 'x', /colon/],
    [login(host, 'robot'), 'x'.repeat(20_000), /the password is larger than 16384 bytes/],
    [['login', '--username', '', host], '', /--username is empty/],
    [['logout'], '', /`sealward logout` needs HOST/],
    [['logout', 'not a host'], '', /is not a registry/],
  ] as const) {
    const { code, stderr } = await workshop.sealward(args, { stdin });
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, says);
  }
  assert.ok(!existsSync(workshop.path('docker')));
  assert.ok(registry.journal.every(({ authorization }) => authorization === undefined || authorization.startsWith('Basic')));
});

test('at a terminal the password is asked for and not shown', async (t) => {
  const { workshop, host } = await scene(t);
  const rawModes: boolean[] = [];
  const keyboard = { steps: [{ sees: `Password of robot at ${host}: `, types: `${USERS.robot}\r` }], rawModes };
  const { sealward } = await import('../cli.ts');
  const { code, stderr } = await sealward(['login', '-u', 'robot', host], { env: workshop.environment, keyboard });
  assert.equal(code, 0, stderr);
  assert.deepEqual(rawModes, [true, false]);
  assert.ok(!stderr.includes(USERS.robot));
  assert.deepEqual(config(workshop), { auths: { [host]: encoded('robot') } });
});

test('a registry that asks nobody says nothing about the password, and one that is not there is said to be', async (t) => {
  const { workshop, host } = await scene(t, 'none');
  const { code, stderr } = await workshop.sealward(login(host, 'robot'), { stdin: 'x' });
  assert.equal(code, 0);
  assert.match(stderr, /did not ask who is there/);
  const gone = await workshop.sealward([...login('127.0.0.1:1', 'robot'), '--timeout', '20s'], { stdin: 'x' });
  assert.equal(gone.code, 4, gone.stderr);
  assert.deepEqual(Object.keys(config(workshop)['auths'] as object), [host]);
});

const HELPER = `#!/bin/sh
verb=$1
case $verb in
  store) cat > "$HOME/kept" ;;
  get) cat > /dev/null; [ -f "$HOME/kept" ] && cat "$HOME/kept" || { echo 'credentials not found in native keychain'; exit 1; } ;;
  erase) cat > "$HOME/erased"; rm "$HOME/kept" 2> /dev/null || { echo 'credentials not found in native keychain'; exit 1; } ;;
esac
`;

for (const how of ['credsStore', 'credHelpers'] as const) {
  test(`the helper of ${how} keeps the password, and the file only the name`, { skip: process.platform === 'win32' }, async (t) => {
    const { workshop, host } = await scene(t);
    const program = workshop.file('bin/docker-credential-story', HELPER);
    chmodSync(program, 0o755);
    const chosen = how === 'credsStore' ? { credsStore: 'story' } : { credHelpers: { [host]: 'story', 'other.example': 'another' } };
    workshop.file('docker/config.json', JSON.stringify(chosen));
    const env = { ...workshop.environment, PATH: `${dirname(program)}${delimiter}${workshop.environment['PATH']}` };
    const run = async (args: readonly string[], input = ''): Promise<{ code: number; stderr: string }> => {
      const { child, finished } = startSealward(args, env, workshop.folder);
      child.stdin.end(input);
      return finished;
    };
    const done = await run(login(host, 'robot'), USERS.robot);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stderr, /kept by docker-credential-story/);
    assert.deepEqual(JSON.parse(workshop.read('kept')), { ServerURL: host, Username: 'robot', Secret: USERS.robot });
    assert.deepEqual(config(workshop), { ...chosen, auths: { [host]: {} } });
    assert.equal((await run(['tree', `${host}/app:v1`])).code, 11);
    for (const second of [false, true]) {
      const out = await run(['logout', host]);
      assert.equal(out.code, 0, `${second}: ${out.stderr}`);
      assert.equal(workshop.read('erased'), host);
      assert.deepEqual(config(workshop), { ...chosen, auths: {} });
    }
    assert.equal((await run(['tree', `${host}/app:v1`])).code, 3);
  });
}

test('a helper that is not installed is named, and nothing is kept', async (t) => {
  const { workshop, host } = await scene(t);
  workshop.file('docker/config.json', '{"credsStore":"that-nobody-has"}');
  const { code, stderr } = await workshop.sealward(login(host, 'robot'), { stdin: USERS.robot });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /docker-credential-that-nobody-has cannot be run: ENOENT/);
  assert.equal(workshop.read('docker/config.json'), '{"credsStore":"that-nobody-has"}');
});
