/** Tokens that are no good: no certificate, no entry in the log, quickly, and the refusal stands in the ledger. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { LIMITS } from '../../core/encoding/index.ts';
import { createTestTokenIssuer, TEST_NOW, type TokenOptions } from '../../testing/index.ts';
import { bench, MAINTAINER, requestFor } from '../../../test/certificate-authority.ts';
import { processorTime } from '../../../test/processor-time.ts';

const seconds = TEST_NOW / 1000;

async function refuses(token: string, code: string, by = bench()): Promise<void> {
  await assert.rejects(by.authority.issue(requestFor(token)), { code });
  assert.equal(by.shown(), 0, 'nothing is logged');
  assert.deepEqual([by.ledger.length, by.ledger[0]?.outcome, by.ledger[0]?.code], [1, 'refused', code]);
}

describe('an identity token', () => {
  const wrong: readonly [name: string, options: TokenOptions][] = [
    ['for another audience', { claims: { aud: 'registry' } }],
    ['for several audiences', { claims: { aud: ['sigstore', 'registry'] } }],
    ['for nobody', { claims: { aud: undefined } }],
    ['that has ended', { claims: { exp: seconds } }],
    ['without an end', { claims: { exp: undefined } }],
    ['with an end that is no number', { claims: { exp: '9999999999' } }],
    ['without a beginning', { claims: { iat: undefined } }],
    ['from the future', { claims: { iat: seconds + 61 } }],
    ['that is not valid yet', { claims: { nbf: seconds + 61 } }],
    ['that is too old, whatever it says of its end', { claims: { iat: seconds - 3601, exp: seconds + 1_000_000 } }],
  ];
  for (const [name, { claims, header }] of wrong) {
    it(`${name} is refused`, async () => {
      const by = bench();
      await refuses(await by.tokens.token('user 7', { claims: { ...MAINTAINER, ...claims }, ...(header ? { header } : {}) }), 'ERR_TOKEN_INVALID', by);
    });
  }

  it('at the very edge of its times is taken', async () => {
    for (const claims of [{ exp: seconds + 1 }, { iat: seconds + 60 }, { nbf: seconds + 60 }, { iat: seconds - 3600 }, { aud: ['sigstore'] }]) {
      const { authority, tokens } = bench();
      assert.ok(await authority.issue(requestFor(await tokens.token('user 7', { claims: { ...MAINTAINER, ...claims } }))));
    }
  });

  it('of another issuer is refused before anything is asked, however alike its name', async () => {
    for (const iss of [
      'https://evil.test',
      'https://accounts.sealward.test/',
      'https://accounts.sealward.test.evil.test',
      'https://evil.test/?x=https://accounts.sealward.test',
      7,
      undefined,
    ]) {
      const by = bench();
      await refuses(await by.tokens.token('user 7', { claims: { ...MAINTAINER, iss } }), 'ERR_ISSUER_UNKNOWN', by);
    }
  });

  it('signed by nobody, or by another issuer under the same name, is refused', async () => {
    const by = bench();
    await refuses(by.tokens.unsignedToken('user 7', { claims: MAINTAINER }), 'ERR_TOKEN_INVALID', by);
    const other = createTestTokenIssuer({ now: () => TEST_NOW });
    await refuses(await other.token('user 7', { claims: MAINTAINER }), 'ERR_TOKEN_INVALID');
    // alg none with a signature in its place.
    await refuses(`${other.unsignedToken('user 7', { claims: MAINTAINER })}AAAA`, 'ERR_TOKEN_INVALID');
  });

  it('that brings its own key is refused', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    for (const member of [{ jwk }, { jku: 'https://evil.test/keys' }, { x5u: 'https://evil.test/chain' }, { x5c: ['MIIB'] }, { crit: ['exp'] }]) {
      const payload = { iss: 'https://accounts.sealward.test', aud: 'sigstore', sub: 'user 7', iat: seconds, exp: seconds + 600, ...MAINTAINER };
      const header = { alg: 'ES256', kid: 'first', ...member } as unknown as { alg: string };
      const token =
        'crit' in member
          ? await bench()
              .tokens.token('user 7')
              .then((good) => swapHeader(good, header))
          : await new SignJWT(payload).setProtectedHeader(header).sign(privateKey);
      await refuses(token, 'ERR_TOKEN_INVALID');
    }
  });

  it('under another algorithm than its issuer signs with is refused, also with the public key as a secret', async () => {
    const by = bench();
    const [key] = by.tokens.keySet().keys;
    const payload = { iss: by.tokens.url, aud: 'sigstore', sub: 'user 7', iat: seconds, exp: seconds + 600, ...MAINTAINER };
    const secret = new TextEncoder().encode(JSON.stringify(key));
    await refuses(await new SignJWT(payload).setProtectedHeader({ alg: 'HS256', kid: 'first' }).sign(secret), 'ERR_TOKEN_INVALID', by);
    const pinned = bench({ algorithms: ['RS256'] });
    await refuses(await pinned.tokens.token('user 7', { claims: MAINTAINER }), 'ERR_TOKEN_INVALID', pinned);
  });

  it('with any character changed is refused', async () => {
    const by = bench();
    const token = await by.tokens.token('user 7', { claims: MAINTAINER });
    for (let at = 0; at < token.length; at += 7) {
      const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
      await assert.rejects(by.authority.issue(requestFor(changed)));
    }
    assert.equal(by.shown(), 0);
  });

  it('of ten megabytes of dots, or one byte over the bound, is refused at once', async () => {
    const dots = '.'.repeat(10 * 1024 * 1024);
    assert.ok((await processorTime(() => refuses(dots, 'ERR_TOO_LARGE'))) < 1000);
    await refuses('a'.repeat(LIMITS.jwtBytes + 1), 'ERR_TOO_LARGE');
    for (const text of ['', '.', '..', '...', 'a.b', 'a.b.c.d', 'a b.c.d', 'e30.e30.AA', 'e30.W10.AA', `${'x'.repeat(100)}.e30.AA`]) {
      const by = bench();
      await assert.rejects(by.authority.issue(requestFor(text)));
      assert.equal(by.ledger[0]?.outcome, 'refused');
    }
  });

  it('whose payload says a thing twice is refused', async () => {
    const by = bench();
    const [head = '', , signature = ''] = (await by.tokens.token('user 7', { claims: MAINTAINER })).split('.');
    const payload = Buffer.from(`{"iss":"${by.tokens.url}","iss":"https://evil.test"}`).toString('base64url');
    await refuses(`${head}.${payload}.${signature}`, 'ERR_TOKEN_INVALID', by);
  });
});

function swapHeader(token: string, header: unknown): string {
  return `${Buffer.from(JSON.stringify(header)).toString('base64url')}${token.slice(token.indexOf('.'))}`;
}
