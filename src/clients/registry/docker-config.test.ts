import assert from 'node:assert/strict';
import { chmod, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SealwardError } from '../../core/errors.ts';
import { FixedClock } from '../../testing/index.ts';
import { askHelper, type HelperAnswer, type HelperRunner, runHelper } from './credential-helper.ts';
import type { Credentials } from './credentials.ts';
import { dockerConfig } from './docker-config.ts';
import { explicitCredentials, firstOf } from './index.ts';

let folder: string;
let count = 0;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealward-config-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function write(config: unknown): Promise<string> {
  const path = join(folder, `config-${count++}.json`);
  await writeFile(path, typeof config === 'string' ? config : JSON.stringify(config));
  return path;
}
const query = (registry: string, repository = 'team/app') => ({ registry, repository, deadline: Number.POSITIVE_INFINITY });
const find = async (config: unknown, registry: string, repository?: string): Promise<Credentials | undefined> =>
  dockerConfig(await write(config)).find(query(registry, repository));
const auth = (text: string): { auth: string } => ({ auth: Buffer.from(text).toString('base64') });
const password = (username: string, secret: string): Credentials => ({ kind: 'password', username, password: secret });

test('auths: the host must be the very host', async () => {
  const config = { auths: { 'a.example.com': auth('u:p'), 'example.com:5000': auth('v:q') } };
  assert.deepEqual(await find(config, 'a.example.com'), password('u', 'p'));
  assert.deepEqual(await find(config, 'example.com:5000'), password('v', 'q'));
  for (const other of ['example.com', 'b.example.com', 'xa.example.com', 'a.example.com.evil', 'a.example.com:5000', 'example.com:50', 'example.com:50001']) {
    assert.equal(await find(config, other), undefined, other);
  }
});

test('auths: the forms that Docker wrote over the years', async () => {
  assert.deepEqual(await find({ auths: { 'https://index.docker.io/v1/': auth('u:p') } }, 'docker.io'), password('u', 'p'));
  assert.deepEqual(await find({ auths: { 'docker.io': auth('u:p') } }, 'docker.io'), password('u', 'p'));
  assert.deepEqual(await find({ auths: { 'https://Registry.example.com/v2/': auth('u:p') } }, 'registry.example.com'), password('u', 'p'));
  assert.deepEqual(await find({ auths: { 'registry.example.com/v1/': auth('u:p') } }, 'registry.example.com'), password('u', 'p'));
  assert.deepEqual(await find({ auths: { h: auth('u:p:with:colons') } }, 'h'), password('u', 'p:with:colons'));
  assert.deepEqual(await find({ auths: { h: auth('u:p\0\0') } }, 'h'), password('u', 'p'));
  assert.deepEqual(await find({ auths: { h: { username: 'u', password: 'p' } } }, 'h'), password('u', 'p'));
  assert.deepEqual(await find({ auths: { h: { ...auth('u:p'), identitytoken: 'T' } } }, 'h'), { kind: 'identity-token', token: 'T' });
  assert.deepEqual(await find({ auths: { h: { registrytoken: 'T' } } }, 'h'), { kind: 'registry-token', token: 'T' });
  assert.equal(await find({ auths: { h: {} } }, 'h'), undefined);
  assert.equal(await find({ auths: {} }, 'h'), undefined);
  assert.equal(await find({}, 'h'), undefined);
});

test('auth.json of the containers tools: the most exact namespace counts, and only for what is below it', async () => {
  const config = { auths: { 'h.example': auth('host:1'), 'h.example/team': auth('team:2'), 'h.example/team/app': auth('app:3') } };
  assert.deepEqual(await find(config, 'h.example', 'team/app'), password('app', '3'));
  assert.deepEqual(await find(config, 'h.example', 'team/other'), password('team', '2'));
  assert.deepEqual(await find(config, 'h.example', 'teammates/x'), password('host', '1'));
  assert.equal(await find({ auths: { 'h.example/team': auth('team:2') } }, 'h.example', 'other/app'), undefined);
});

test('a file that cannot be used is an error that shows nothing of it', async () => {
  assert.equal(await dockerConfig(join(folder, 'not-there.json')).find(query('h')), undefined);
  const bad: [unknown, string][] = [
    ['{"auths": {"h": {"auth": "hunter2hunter2', 'ERR_CONFIG_INVALID'],
    ['[]', 'ERR_CONFIG_INVALID'],
    [{ auths: { h: { auth: '!hunter2!' } } }, 'ERR_CONFIG_INVALID'],
    [{ auths: { h: auth('hunter2') } }, 'ERR_CONFIG_INVALID'],
    [{ auths: { h: auth(':hunter2') } }, 'ERR_CONFIG_INVALID'],
    [{ auths: { h: 'hunter2' } }, 'ERR_CONFIG_INVALID'],
    [{ credHelpers: { h: '../../bin/sh' } }, 'ERR_CONFIG_INVALID'],
    [{ credHelpers: { h: '-c' } }, 'ERR_CONFIG_INVALID'],
    [{ credsStore: 'a b' }, 'ERR_CONFIG_INVALID'],
    [{ credsStore: 7 }, 'ERR_CONFIG_INVALID'],
  ];
  for (const [config, code] of bad) {
    await assert.rejects(find(config, 'h'), (error) => {
      assert.ok(error instanceof SealwardError && error.code === code, String(error));
      assert.ok(!JSON.stringify([error.message, error.hint, String(error.cause)]).includes('hunter2'));
      return true;
    });
    // A registry that the broken entry is not about is not affected by it, unless the whole file is broken.
    if (typeof config === 'object' && !('credsStore' in (config as object))) assert.equal(await find(config, 'other.example'), undefined);
  }
  const folderAsFile = dockerConfig(folder);
  await assert.rejects(folderAsFile.find(query('h')), { code: 'ERR_FILE_UNREADABLE' });
});

test('helpers: the one for the host, then the store, then the file', async () => {
  const asked: string[] = [];
  const run: HelperRunner = async (program, server) => {
    asked.push(`${program} ${server}`);
    const known: Record<string, HelperAnswer> = {
      'docker-credential-one h.example': { status: 0, stdout: Buffer.from('{"ServerURL":"h.example","Username":"u","Secret":"s"}') },
      'docker-credential-store https://index.docker.io/v1/': { status: 0, stdout: Buffer.from('{"Username":"<token>","Secret":"refresh"}') },
    };
    return known[`${program} ${server}`] ?? { status: 1, stdout: Buffer.from('credentials not found in native keychain\n') };
  };
  const path = await write({
    credHelpers: { 'h.example': 'one', 'i.example': 'one' },
    credsStore: 'store',
    auths: { 'j.example': auth('u:p'), 'i.example': auth('no:no') },
  });
  const source = dockerConfig(path, { runHelper: run });
  const both = await Promise.all([source.find(query('h.example')), source.find(query('h.example', 'other/app'))]);
  assert.deepEqual(both, [password('u', 's'), password('u', 's')]);
  assert.deepEqual(asked, ['docker-credential-one h.example'], 'asked once for all who wait');
  assert.deepEqual(await source.find(query('docker.io')), { kind: 'identity-token', token: 'refresh' });
  assert.deepEqual(await source.find(query('j.example')), password('u', 'p'), 'the file knows what the store does not');
  assert.equal(await source.find(query('i.example')), undefined, 'whoever names a helper for a host wants that helper');
  assert.equal(await source.find(query('example')), undefined);
});

test('helpers: what goes wrong is an error without secrets', async () => {
  const answers: [HelperAnswer, RegExp][] = [
    [{ status: 2, stdout: Buffer.from('hunter2 leaked') }, /exit 2/],
    [{ status: 0, stdout: Buffer.from('hunter2') }, /strict JSON/],
    [{ status: 0, stdout: Buffer.from('{"Username":"u"}') }, /user name and secret/],
    [{ status: 0, stdout: Buffer.from('{"Username":7,"Secret":"hunter2"}') }, /user name and secret/],
  ];
  for (const [answer, words] of answers) {
    await assert.rejects(
      askHelper(async () => answer, 'x', 'h', query('h')),
      (error) =>
        error instanceof SealwardError && error.code === 'ERR_REGISTRY_UNAUTHENTICATED' && words.test(error.message) && !error.message.includes('hunter2'),
    );
  }
});

test('helpers: a real program gets the server on stdin and `get` as its argument', async () => {
  const program = join(folder, 'docker-credential-real');
  await writeFile(program, '#!/bin/sh\nread server\nprintf \'{"Username":"%s","Secret":"%s"}\' "$1" "$server"\n');
  await chmod(program, 0o755);
  const answer = await runHelper(program, 'h.example', { timeoutMs: 30_000 });
  assert.deepEqual(JSON.parse(Buffer.from(answer.stdout).toString()), { Username: 'get', Secret: 'h.example' });

  await writeFile(program, '#!/bin/sh\nexec yes\n');
  await assert.rejects(runHelper(program, 'h', { timeoutMs: 30_000 }), 'a helper that never stops talking is stopped');
  await writeFile(program, '#!/bin/sh\nexec sleep 600\n');
  await assert.rejects(runHelper(program, 'h', { timeoutMs: 1 }), 'and so is one that says nothing');
  await assert.rejects(runHelper(join(folder, 'docker-credential-none'), 'h', { timeoutMs: 30_000 }), { code: 'ENOENT' });
  await assert.rejects(
    askHelper(runHelper, 'sealward-test-that-does-not-exist', 'h', query('h')),
    (error) => error instanceof SealwardError && error.code === 'ERR_REGISTRY_UNAUTHENTICATED' && error.hint.includes('PATH'),
  );
});

test('what was given by hand wins, for its registries and no others', async () => {
  const file = dockerConfig(await write({ auths: { 'a.example': auth('file:1'), 'b.example': auth('file:2') } }));
  const source = firstOf(explicitCredentials(password('hand', '0'), ['a.example']), file);
  assert.deepEqual(await source.find(query('a.example')), password('hand', '0'));
  assert.deepEqual(await source.find(query('b.example')), password('file', '2'));
  assert.equal(await source.find(query('c.example')), undefined);
});

test('a file that is followed is read again when it changes, and only then: in place, put in its place, gone, back, broken', async () => {
  const [first, second] = [await write({ auths: { h: auth('u:one') } }), await write({ auths: { h: auth('u:two') } })];
  const link = join(folder, 'mounted.json');
  await symlink(first, link);
  const source = dockerConfig(link, { follow: new FixedClock() });
  const now = (): Promise<Credentials | undefined> => source.find(query('h'));
  assert.deepEqual(await now(), password('u', 'one'));
  await writeFile(first, JSON.stringify({ auths: { h: auth('u:three') } }));
  assert.deepEqual(await now(), password('u', 'three'));
  // As a mounted Secret changes: another folder takes the place of the first.
  await symlink(second, `${link}.new`);
  await rename(`${link}.new`, link);
  assert.deepEqual(await now(), password('u', 'two'));
  await rm(link);
  assert.equal(await now(), undefined);
  await writeFile(link, '{"auths": canary');
  await assert.rejects(now(), { code: 'ERR_CONFIG_INVALID' });
  await assert.rejects(now(), { code: 'ERR_CONFIG_INVALID' });
  await writeFile(link, JSON.stringify({ auths: { h: auth('u:four') } }));
  assert.deepEqual(await Promise.all([now(), now()]), [password('u', 'four'), password('u', 'four')]);
});

test('a helper is asked again after minutes where the file is followed, and once by a command', async () => {
  const path = await write({ credHelpers: { h: 'cloud' } });
  for (const followed of [true, false]) {
    const clock = new FixedClock();
    let asked = 0;
    const helper: HelperRunner = async () => ({ status: 0, stdout: Buffer.from(JSON.stringify({ Username: 'u', Secret: `${++asked}` })) });
    const source = dockerConfig(path, { runHelper: helper, ...(followed ? { follow: clock } : {}) });
    for (let i = 0; i < 3; i++) await source.find(query('h'));
    assert.equal(asked, 1);
    clock.advance(5 * 60_000);
    assert.deepEqual(await source.find(query('h')), password('u', followed ? '2' : '1'));
  }
});
