import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify, SignJWT } from 'jose';
import { keySigner } from '../../clients/signers/index.ts';
import type { ServiceRoute } from '../../core/contract/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { createTestKey, TEST_NOW } from '../../testing/index.ts';
import { type Asked, askRoute } from '../../../test/routes.ts';
import { createTokenMint, hashPassword, issuerRoutes, type LocalUser } from './index.ts';

const ISSUER = 'https://sign.acme.test/oidc';
const REDIRECT = 'http://localhost:4711/auth/callback';
const VERIFIER = 'v'.repeat(50);
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');
const PASSWORD = 'correct horse battery';
const runner = createTestKey();
let alice: LocalUser;

before(async () => {
  alice = { name: 'alice', email: 'alice@acme.test', passwordHash: await hashPassword(PASSWORD) };
});

function issuer(): {
  routes: ServiceRoute[];
  clock: { now: number };
  ask: (method: 'GET' | 'POST', path: string, form?: Record<string, string>) => Promise<Asked>;
} {
  const clock = { now: TEST_NOW };
  const now = (): number => clock.now;
  const mint = createTokenMint({ issuer: ISSUER, audience: 'sigstore', signer: keySigner(createTestKey('ecdsa-p256').privateKey), now });
  const workloads = [{ id: 'runner', subject: 'https://acme.test/runners/1', key: runner.publicKey }];
  const routes = issuerRoutes({ issuer: ISSUER, clientId: 'sigstore', mint, users: [alice], workloads, now });
  return { routes, clock, ask: (method, path, form) => askRoute(routes, method, `/oidc${path}`, form) };
}

const query = (more: Record<string, string> = {}): string =>
  new URLSearchParams({
    client_id: 'sigstore',
    response_type: 'code',
    redirect_uri: REDIRECT,
    state: 'the state',
    nonce: 'the nonce',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    ...more,
  }).toString();
const loginOf = ({ text }: Asked): string => /name="login" value="([^"]+)"/.exec(text)?.[1] ?? assert.fail('the page has no form');

async function codeOf(ask: ReturnType<typeof issuer>['ask']): Promise<string> {
  const login = loginOf(await ask('GET', `/auth?${query()}`));
  const { status, headers } = await ask('POST', '/auth', { login, username: 'alice', password: PASSWORD });
  assert.equal(status, 303);
  const target = new URL(headers['location'] ?? '');
  assert.deepEqual([target.origin + target.pathname, target.searchParams.get('state')], [REDIRECT, 'the state']);
  return target.searchParams.get('code') ?? '';
}
const exchange = { grant_type: 'authorization_code', client_id: 'sigstore', redirect_uri: REDIRECT, code_verifier: VERIFIER };

describe('signing in with a browser', () => {
  it('gives a token that verifies with the published keys', async () => {
    const { ask } = issuer();
    const discovery = (await ask('GET', '/.well-known/openid-configuration')).json();
    assert.deepEqual([discovery['issuer'], discovery['jwks_uri']], [ISSUER, `${ISSUER}/keys`]);
    const answer = await ask('POST', '/token', { ...exchange, code: await codeOf(ask) });
    assert.equal(answer.status, 200);
    const keys = (await ask('GET', '/keys')).json() as unknown as JSONWebKeySet;
    assert.ok(!JSON.stringify(keys).includes('"d"'), 'no private part is published');
    const options = { issuer: ISSUER, audience: 'sigstore', currentDate: new Date(TEST_NOW) };
    const { payload } = await jwtVerify(String(answer.json()['id_token']), createLocalJWKSet(keys), options);
    assert.deepEqual([payload.sub, payload['email'], payload['email_verified'], payload['nonce']], ['alice', 'alice@acme.test', true, 'the nonce']);
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 300);
  });

  it('takes a code once, soon, from who began, with the verifier', async () => {
    const { ask, clock } = issuer();
    const code = await codeOf(ask);
    assert.equal((await ask('POST', '/token', { ...exchange, code })).status, 200);
    assert.equal((await ask('POST', '/token', { ...exchange, code })).json()['error'], 'invalid_grant');
    for (const wrong of [{ code_verifier: 'w'.repeat(50) }, { code_verifier: '' }, { client_id: 'other' }, { redirect_uri: `${REDIRECT}/more` }]) {
      assert.equal((await ask('POST', '/token', { ...exchange, code: await codeOf(ask), ...wrong })).json()['error'], 'invalid_grant', JSON.stringify(wrong));
    }
    const late = await codeOf(ask);
    clock.now += 61_000;
    assert.equal((await ask('POST', '/token', { ...exchange, code: late })).json()['error'], 'invalid_grant');
  });

  it('sends a code to this machine alone, and to no program without PKCE and state', async () => {
    const { ask } = issuer();
    const wrong: Record<string, string>[] = [
      ...[
        'https://evil.test/',
        'http://evil.test/',
        'http://localhost.evil.test/',
        'http://localhost@evil.test/',
        'javascript:alert(1)',
        '',
        'https://localhost/',
      ].map((redirect_uri) => ({ redirect_uri })),
      { client_id: 'other' },
      { response_type: 'token' },
      { code_challenge: '' },
      { code_challenge_method: 'plain' },
      { code_challenge: VERIFIER },
      { state: '' },
    ];
    for (const one of wrong) {
      const { status, headers } = await ask('GET', `/auth?${query(one)}`);
      assert.deepEqual([status, headers['location']], [400, undefined], JSON.stringify(one));
    }
    assert.equal((await ask('GET', `/auth?${query()}&state=twice`)).status, 400);
  });

  it('wants the right password, and says no more about a wrong name than about a wrong password', async () => {
    const { ask } = issuer();
    const login = loginOf(await ask('GET', `/auth?${query()}`));
    const [a, b] = [
      await ask('POST', '/auth', { login, username: 'alice', password: 'wrong' }),
      await ask('POST', '/auth', { login, username: 'nobody', password: PASSWORD }),
    ];
    assert.deepEqual([a.status, b.status, a.text === b.text], [401, 401, true]);
    assert.equal((await ask('POST', '/auth', { login, username: 'alice', password: PASSWORD })).status, 303);
    assert.equal((await ask('POST', '/auth', { login, username: 'alice', password: PASSWORD })).status, 401, 'the page is used up');
    assert.equal((await ask('POST', '/auth', { login: 'made up', username: 'alice', password: PASSWORD })).status, 401);
  });

  it('shows pages without scripts, and text as text', async () => {
    const { ask } = issuer();
    const { text, headers } = await ask('GET', `/device?user_code=${encodeURIComponent('"><img src=x>')}`);
    assert.ok(!text.includes('<img') && !text.includes('<script'));
    assert.match(headers['content-security-policy'] ?? '', /default-src 'none'.*frame-ancestors 'none'/);
  });
});

describe('signing in with another device', () => {
  const begin = { client_id: 'sigstore', code_challenge: CHALLENGE, code_challenge_method: 'S256' };
  const poll = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', client_id: 'sigstore', code_verifier: VERIFIER };

  it('waits for a person, and gives one token', async () => {
    const { ask, clock } = issuer();
    const { device_code, user_code } = (await ask('POST', '/device/code', begin)).json() as Record<string, string>;
    const asks = async (): Promise<Record<string, unknown>> => (
      (clock.now += 2_000), (await ask('POST', '/token', { ...poll, device_code: device_code ?? '' })).json()
    );
    assert.equal((await asks())['error'], 'authorization_pending');
    assert.equal((await ask('POST', '/token', { ...poll, device_code: device_code ?? '' })).json()['error'], 'slow_down');
    const typed = (user_code ?? '').toLowerCase().replace('-', ' ');
    assert.equal((await ask('POST', '/device', { user_code: typed, username: 'alice', password: 'wrong', answer: 'yes' })).status, 401);
    assert.equal((await ask('POST', '/device', { user_code: typed, username: 'alice', password: PASSWORD, answer: 'yes' })).status, 200);
    const { id_token } = await asks();
    assert.equal(decodeJwt(String(id_token))['email'], 'alice@acme.test');
    assert.equal((await asks())['error'], 'expired_token');
    assert.equal((await ask('POST', '/device', { user_code: typed, username: 'alice', password: PASSWORD, answer: 'yes' })).status, 400);
  });

  it('gives nothing when the person says no, when nobody comes, or without the verifier', async () => {
    const { ask, clock } = issuer();
    const one = (await ask('POST', '/device/code', begin)).json() as Record<string, string>;
    await ask('POST', '/device', { user_code: one['user_code'] ?? '', username: 'alice', password: PASSWORD, answer: 'no' });
    assert.equal((await ask('POST', '/token', { ...poll, device_code: one['device_code'] ?? '' })).json()['error'], 'access_denied');
    const two = (await ask('POST', '/device/code', begin)).json() as Record<string, string>;
    assert.equal(
      (await ask('POST', '/token', { ...poll, device_code: two['device_code'] ?? '', code_verifier: 'w'.repeat(50) })).json()['error'],
      'invalid_grant',
    );
    clock.now += 601_000;
    assert.equal((await ask('POST', '/token', { ...poll, device_code: two['device_code'] ?? '' })).json()['error'], 'expired_token');
    assert.equal((await ask('POST', '/device/code', { client_id: 'other' })).status, 401);
  });
});

describe('a workload with a registered key', () => {
  const form = (client_assertion: string): Record<string, string> => ({
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion,
  });
  const assertion = (claims: Record<string, unknown> = {}, key = runner): Promise<string> => {
    const at = TEST_NOW / 1000;
    const payload = { iss: 'runner', sub: 'runner', aud: ISSUER, iat: at, exp: at + 60, jti: `${Math.random()}`, ...claims };
    return new SignJWT(payload).setProtectedHeader({ alg: 'ES256' }).sign(key.privateKey);
  };

  it('gets a token for its name', async () => {
    const { ask } = issuer();
    const answer = await ask('POST', '/token', form(await assertion()));
    const claims = decodeJwt(String(answer.json()['access_token']));
    assert.deepEqual([claims.sub, claims.aud, claims['email']], ['https://acme.test/runners/1', 'sigstore', undefined]);
    assert.equal((await ask('POST', '/token', form(await assertion({ aud: `${ISSUER}/token` })))).status, 200);
  });

  it('shows an assertion of its own, for here and now, once', async () => {
    const { ask } = issuer();
    const once = await assertion();
    assert.equal((await ask('POST', '/token', form(once))).status, 200);
    const at = TEST_NOW / 1000;
    const wrong = [
      once,
      await assertion({}, createTestKey()),
      await assertion({ aud: 'https://elsewhere.test' }),
      await assertion({ iss: 'other' }),
      await assertion({ sub: 'other' }),
      await assertion({ exp: at - 61 }),
      await assertion({ iat: at - 400 }),
      await assertion({ jti: undefined }),
      '',
      'a.b.c',
    ];
    for (const one of wrong) {
      const answer = await ask('POST', '/token', form(one));
      assert.deepEqual([answer.status, answer.json()['error']], [401, 'invalid_client']);
    }
    await assert.rejects(ask('POST', '/token', form('a'.repeat(20_000))), (error) => error instanceof SealwardError && error.code === 'ERR_TOO_LARGE');
    assert.equal((await ask('POST', '/token', { grant_type: 'password' })).json()['error'], 'unsupported_grant_type');
  });
});

describe('a password hash', () => {
  it('of another program or another cost is refused when the server starts', () => {
    const mint = createTokenMint({ issuer: ISSUER, audience: 'sigstore', signer: keySigner(createTestKey('ecdsa-p256').privateKey), now: () => TEST_NOW });
    const start = (users: LocalUser[]): unknown => issuerRoutes({ issuer: ISSUER, clientId: 'sigstore', mint, users, workloads: [], now: () => TEST_NOW });
    for (const passwordHash of ['', 'secret', alice.passwordHash.replace('32768', '1024'), `${alice.passwordHash}A`]) {
      assert.throws(() => start([{ ...alice, passwordHash }]), SealwardError);
    }
    assert.throws(() => start([alice, alice]), { code: 'ERR_CONFIG_INVALID' });
  });
});
