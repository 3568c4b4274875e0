/** A person signs in with a browser, or by a code: against an issuer that says what the test wants. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { FixedClock } from '../../testing/index.ts';
import { HttpClient } from '../http/index.ts';
import { browserToken, deviceToken, type SignInOptions } from './index.ts';

type Answers = Record<string, { status?: number; body: Record<string, unknown> }[]>;

let issuer = '';
let answers: Answers = {};
let forms: { path: string; form: URLSearchParams }[] = [];
const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
  request.on('end', () => {
    const path = request.url ?? '';
    forms.push({ path, form: new URLSearchParams(body) });
    const list = answers[path] ?? [];
    const { status = 200, body: json } = (list.length > 1 ? list.shift() : list[0]) ?? { status: 404, body: {} };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
  });
});
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.close();
  server.closeAllConnections();
});
/** Within each group: at the top of a file they would hold for the tests of every other file as well. */
function eachAnew(): void {
  beforeEach(() => {
    forms = [];
    answers = {
      '/.well-known/openid-configuration': [
        { body: { issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`, device_authorization_endpoint: `${issuer}/device` } },
      ],
    };
  });
}

const token = (claims: Record<string, unknown>): string => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

function options(more: Partial<SignInOptions> = {}): SignInOptions & { readonly said: string[] } {
  const http = new HttpClient({ clock: new FixedClock({ skipSleep: true }) });
  const said: string[] = [];
  return { issuer, clientId: 'sigstore', audience: 'sigstore', http, deadline: http.clock.now() + 600_000, say: (text) => void said.push(text), said, ...more };
}

/** A browser that comes back with what the issuer would send it. */
function browser(come: (asked: URLSearchParams) => Record<string, string>, nonce?: string): (url: string) => void {
  return (url) => {
    const asked = new URL(url).searchParams;
    answers['/token'] = [{ body: { id_token: token({ nonce: nonce ?? asked.get('nonce') }) } }];
    const back = new URL(asked.get('redirect_uri') ?? '');
    back.hostname = '127.0.0.1';
    back.search = new URLSearchParams(come(asked)).toString();
    void fetch(back);
  };
}

describe('signing in with a browser', () => {
  eachAnew();

  it('exchanges the code that comes back, with the verifier of its challenge', async () => {
    let challenge = '';
    const asked = options({
      open: (url) => {
        challenge = new URL(url).searchParams.get('code_challenge') ?? '';
        browser((query) => ({ code: 'the code', state: query.get('state') ?? '' }))(url);
      },
    });
    assert.match(await browserToken(asked), /^e30\./);
    assert.match(asked.said[0] ?? '', /^Sign in with your browser:\n {2}http/);
    const form = forms.at(-1)?.form;
    assert.deepEqual([form?.get('grant_type'), form?.get('code'), form?.get('client_id')], ['authorization_code', 'the code', 'sigstore']);
    assert.equal(
      createHash('sha256')
        .update(form?.get('code_verifier') ?? '')
        .digest('base64url'),
      challenge,
    );
  });

  const wrong: readonly [what: string, open: (url: string) => void][] = [
    ['for another sign-in', browser(() => ({ code: 'c', state: 'other' }))],
    ['with an error', browser((asked) => ({ error: 'access_denied', state: asked.get('state') ?? '' }))],
    ['with the token of another sign-in', browser((asked) => ({ code: 'c', state: asked.get('state') ?? '' }), 'other')],
  ];
  for (const [what, open] of wrong) it(`refuses an answer ${what}`, () => assert.rejects(browserToken(options({ open })), { code: 'ERR_TOKEN_MISSING' }));

  it('ends when it is interrupted, and when its time is over', async () => {
    const stop = new AbortController();
    await assert.rejects(browserToken(options({ signal: stop.signal, open: () => stop.abort() })), { code: 'ERR_INTERRUPTED' });
    const asked = options();
    await assert.rejects(browserToken({ ...asked, deadline: asked.http.clock.now() + 100 }), { code: 'ERR_DEADLINE' });
  });

  it('asks no issuer that says that it is another one, or that is elsewhere without TLS', async () => {
    answers['/.well-known/openid-configuration'] = [{ body: { issuer: 'https://evil.test' } }];
    await assert.rejects(browserToken(options()), { code: 'ERR_TOKEN_MISSING', message: /of another issuer/ });
    await assert.rejects(browserToken(options({ issuer: 'http://issuer.test' })), { code: 'ERR_USAGE' });
  });
});

describe('signing in by a code', () => {
  eachAnew();

  const device = { body: { device_code: 'of the device', user_code: 'ABCD-EFGH', verification_uri: 'https://issuer.test/device', interval: 1 } };
  it('waits until somebody has typed it', async () => {
    answers['/device'] = [device];
    answers['/token'] = [
      { status: 400, body: { error: 'authorization_pending' } },
      { status: 400, body: { error: 'slow_down' } },
      { body: { id_token: token({}) } },
    ];
    const asked = options();
    assert.match(await deviceToken(asked), /^e30\./);
    assert.match(asked.said[0] ?? '', /https:\/\/issuer\.test\/device[^]*ABCD-EFGH/);
    assert.equal(forms.filter(({ path }) => path === '/token').length, 3);
  });

  it('ends when somebody says no, and when its time is over', async () => {
    answers['/device'] = [device];
    answers['/token'] = [{ status: 400, body: { error: 'access_denied' } }];
    await assert.rejects(deviceToken(options()), { code: 'ERR_TOKEN_MISSING', message: /access_denied/ });
    answers['/token'] = [{ status: 400, body: { error: 'authorization_pending' } }];
    const asked = options();
    await assert.rejects(deviceToken({ ...asked, deadline: asked.http.clock.now() + 500 }), { code: 'ERR_DEADLINE' });
  });
});
