/** Where the keys of issuers come from: only from them, seldom, and never by way of another host. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HttpClient } from '../../clients/http/index.ts';
import { createTestTokenIssuer, FixedClock, TEST_NOW } from '../../testing/index.ts';
import { loopbackForTests } from '../../../test/loopback.ts';
import { defineIssuer, IssuerKeys, type IssuerRule } from './index.ts';

const loopback = loopbackForTests();
const tokens = createTestTokenIssuer({ now: () => TEST_NOW });

interface Answers {
  discovery?: unknown;
  keys?: unknown;
  status?: number;
  location?: string;
}

function ask(answers: Answers, clock = new FixedClock({ start: TEST_NOW })): { keys: IssuerKeys; rule: IssuerRule; clock: FixedClock } {
  const url = `http://127.0.0.1:${loopback.port}`;
  loopback.seen = [];
  loopback.listener = (request, response) => {
    if (answers.location !== undefined && request.url?.endsWith('openid-configuration'))
      return void response.writeHead(302, { location: answers.location }).end();
    const body = request.url?.endsWith('openid-configuration')
      ? (answers.discovery ?? { issuer: url, jwks_uri: `${url}/keys` })
      : (answers.keys ?? tokens.keySet());
    response.writeHead(answers.status ?? 200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const http = new HttpClient({ clock, resolver: async () => [{ address: '127.0.0.1', family: 4 }] });
  return { keys: new IssuerKeys(http), rule: defineIssuer({ kind: 'email', url }), clock };
}

const unavailable = { code: 'ERR_SERVICE_UNAVAILABLE' };

describe('the keys of an issuer', () => {
  it('are fetched once, kept, and fetched again when they are old', async () => {
    const { keys, rule, clock } = ask({});
    assert.equal((await keys.find(rule, 'first')).length, 1);
    assert.equal((await keys.find(rule, undefined)).length, 1);
    await Promise.all(Array.from({ length: 20 }, () => keys.find(rule, 'first')));
    assert.equal(loopback.seen.length, 2);
    clock.advance(5 * 60_000);
    await keys.find(rule, 'first');
    assert.equal(loopback.seen.length, 4);
  });

  it('are asked for again for an unknown id, and not for every forged one', async () => {
    const { keys, rule, clock } = ask({});
    for (let i = 0; i < 50; i++) assert.deepEqual(await keys.find(rule, `forged ${i}`), []);
    assert.equal(loopback.seen.length, 2);
    clock.advance(31_000);
    assert.deepEqual(await keys.find(rule, 'forged'), []);
    assert.equal(loopback.seen.length, 4);
  });

  it('are kept for an hour when the issuer is down, and no longer', async () => {
    const answers: Answers = {};
    const { keys, rule, clock } = ask(answers);
    await keys.find(rule, 'first');
    answers.status = 404;
    clock.advance(59 * 60_000);
    assert.equal((await keys.find(rule, 'first')).length, 1);
    clock.advance(2 * 60_000);
    await assert.rejects(keys.find(rule, 'first'), unavailable);
  });

  it('are not taken from a document of another issuer, another host, or an address of the inside', async () => {
    const elsewhere = `http://127.0.0.1:${loopback.port}`;
    const bad: Answers[] = [
      { discovery: { issuer: 'https://evil.test', jwks_uri: `${elsewhere}/keys` } },
      { discovery: { issuer: elsewhere, jwks_uri: 'http://evil.test/keys' } },
      { discovery: { issuer: elsewhere, jwks_uri: 'https://169.254.169.254/keys' } },
      { discovery: { issuer: elsewhere, jwks_uri: 'https://[::1]/keys' } },
      { discovery: { issuer: elsewhere, jwks_uri: 'file:///etc/passwd' } },
      { discovery: { issuer: elsewhere } },
      { discovery: [] },
      { keys: { keys: 'none' } },
      { keys: { keys: Array.from({ length: 101 }, () => ({})) } },
      { keys: { keys: [], more: 'x'.repeat(300_000) } },
      { location: `http://localhost:${loopback.port}/keys` },
      { location: 'https://evil.test/' },
    ];
    for (const answers of bad) {
      const { keys, rule } = ask(answers);
      await assert.rejects(keys.find(rule, 'first'), unavailable, JSON.stringify(answers).slice(0, 100));
    }
  });
});
