/** Bad input at every door of a server: a code and a sentence, no certificate, no entry, and others do not notice. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { signBytes } from '../../src/core/crypto/index.ts';
import { encodeBase64, encodePem, utf8 } from '../../src/core/encoding/index.ts';
import { createTestKey, createTestTokenIssuer } from '../../src/testing/index.ts';
import { type OwnServer, startOwnServer, WORKLOAD } from '../own-server.ts';
import { processorTime } from '../processor-time.ts';

type Body = Record<string, unknown>;
const JSON_TYPE = { 'content-type': 'application/json' };

describe('a server that is asked wrongly', () => {
  let server: OwnServer;
  /** CI jobs of one organisation, as the server is told of them. */
  let ci: ReturnType<typeof createTestTokenIssuer>;
  before(async () => {
    server = await startOwnServer({
      configure: (yaml) =>
        yaml.replace(
          '  issuers: []',
          `  issuers:\n    - { kind: github, url: 'https://ci.sealward.test', algorithms: [ES256], jwksUri: 'https://ci.sealward.test/keys', where: { repository: [acme/*] } }`,
        ),
    });
    ci = createTestTokenIssuer({ url: 'https://ci.sealward.test', now: Date.now });
  });
  after(() => server.stop());

  async function ask(
    method: string,
    path: string,
    body?: string | Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; text: string }> {
    const answer = await fetch(server.url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : Buffer.from(body) }),
    });
    return { status: answer.status, text: await answer.text() };
  }
  async function counts(): Promise<unknown> {
    const status = (await (await fetch(`${server.operations}/status`)).json()) as { requests: { issued?: number }; parts: { log: { entries: string } } };
    return [status.requests.issued ?? 0, status.parts.log.entries];
  }
  /** Refused with a code of ours and a status of the 400s, and nothing was made. */
  async function refuses(what: string, answered: Promise<{ status: number; text: string }>, code?: RegExp): Promise<void> {
    const before = await counts();
    const { status, text } = await answered;
    assert.ok(status >= 400 && status < 500, `${what}: ${status} ${text.slice(0, 200)}`);
    assert.match(text, code ?? /ERR_[A-Z_]+/, what);
    assert.deepEqual(await counts(), before, what);
    assert.equal((await fetch(`${server.operations}/readyz`)).status, 200);
  }

  function signingRequest(token: string, subject = WORKLOAD): Body {
    const key = createTestKey('ecdsa-p256');
    return {
      credentials: { oidcIdentityToken: token },
      publicKeyRequest: {
        publicKey: { algorithm: 'ECDSA', content: encodePem('PUBLIC KEY', key.publicKey.spki) },
        proofOfPossession: encodeBase64(signBytes(key.privateKey, key.algorithm, utf8(subject))),
      },
    };
  }

  /** Every member of a body left out, null, and of another type, one at a time. */
  function* damaged(body: unknown): Generator<readonly [string, unknown]> {
    if (body === null || typeof body !== 'object' || Array.isArray(body)) return;
    for (const [name, value] of Object.entries(body)) {
      for (const [how, other] of [
        ['null', null],
        ['a number', 7],
        ['a list', []],
        ['an object', { x: 1 }],
        ['an empty text', ''],
      ] as const) {
        yield [`${name} as ${how}`, { ...body, [name]: other }];
      }
      const { [name]: _gone, ...without } = body as Body;
      yield [`without ${name}`, without];
      yield [`${name} under a strange name too`, { ...body, [`x${name}`]: value }];
      for (const [what, inner] of damaged(value)) yield [`${name}: ${what}`, { ...body, [name]: inner }];
    }
  }

  it('for a certificate, with a body that is not one', async () => {
    const whole = signingRequest(await server.token());
    const post = (body: string | Uint8Array, headers = JSON_TYPE) => ask('POST', '/api/v2/signingCert', body, headers);
    // `algorithm` is a hint that upstream does not read either: it may be anything.
    for (const [what, body] of damaged(whole))
      if (!/^publicKeyRequest: publicKey: (?:algorithm as|without algorithm)/.test(what)) await refuses(what, post(JSON.stringify(body)));
    for (const body of ['', '{', '[]', 'null', '"x"', '{"a":1,"a":2}', `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`])
      await refuses(body.slice(0, 20), post(body));
    await refuses(
      'ten megabytes of dots',
      post(JSON.stringify({ ...whole, credentials: { oidcIdentityToken: '.'.repeat(10 * 1024 * 1024) } })),
      /ERR_TOO_LARGE/,
    );
    await refuses('another type', post(JSON.stringify(whole), { 'content-type': 'text/plain' }), /ERR_CONTENT_TYPE/);
    await refuses('two tokens', ask('POST', '/api/v2/signingCert', JSON.stringify(whole), { ...JSON_TYPE, authorization: 'Bearer a.b.c' }), /two tokens/);
    await refuses('another method', ask('DELETE', '/api/v2/signingCert'), /ERR_METHOD_NOT_ALLOWED/);
    const { status } = await post(JSON.stringify(whole));
    assert.equal(status, 200, 'the untampered twin');
  });

  it('for a certificate, with a token that is no good, quickly, and it stands in the ledger', async () => {
    const seconds = Math.floor(Date.now() / 1000);
    const good = { iss: `${server.url}/oidc`, aud: 'sigstore', sub: WORKLOAD };
    const forged = createTestTokenIssuer({ url: `${server.url}/oidc`, now: Date.now });
    const [head = '', payload = '', signature = ''] = (await server.token()).split('.');
    const swapped = (header: unknown): string => `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}.${signature}`;
    const tokens: readonly (readonly [string, string | Promise<string>])[] = [
      ['of another key', forged.token(WORKLOAD)],
      ['for another audience', forged.token(WORKLOAD, { claims: { ...good, aud: 'registry' } })],
      ['that has ended', forged.token(WORKLOAD, { claims: { ...good, iat: seconds - 900, exp: seconds - 300 } })],
      ['of an issuer that is not known', createTestTokenIssuer({ url: 'https://evil.test', now: Date.now }).token(WORKLOAD)],
      ['with alg none', forged.unsignedToken(WORKLOAD, { claims: good })],
      ['with a jwk in its header', swapped({ alg: 'ES256', jwk: { kty: 'EC' } })],
      ['under another algorithm', swapped({ alg: 'HS256', kid: JSON.parse(Buffer.from(head, 'base64url').toString()).kid as string })],
      ['cut off', `${head}.${payload}.`],
    ];
    for (const [what, token] of tokens) {
      const body = JSON.stringify(signingRequest(await token));
      const refused = (): Promise<unknown> => refuses(what, ask('POST', '/api/v2/signingCert', body, JSON_TYPE), /ERR_TOKEN_INVALID|ERR_ISSUER_UNKNOWN/);
      assert.ok((await processorTime(refused)) < 2000, what);
    }
    const { requests } = (await (await fetch(`${server.operations}/status`)).json()) as { requests: { refused: number } };
    assert.ok(requests.refused >= tokens.length);
    await refuses(
      'a proof over another subject',
      ask('POST', '/api/v2/signingCert', JSON.stringify(signingRequest(await server.token(), 'somebody else')), JSON_TYPE),
      /ERR_PROOF_INVALID/,
    );
  });

  it('with a token of CI whose keys cannot be had: unavailable, not accepted', async () => {
    const before = await counts();
    const token = await ci.token('repo:acme/app:ref:refs/heads/main', { claims: { repository: 'acme/app' } });
    const { status, text } = await ask('POST', '/api/v2/signingCert', JSON.stringify(signingRequest(token)), JSON_TYPE);
    assert.equal(status, 503, text);
    assert.deepEqual(await counts(), before);
  });

  it('for a timestamp, an entry, a token or a file', async () => {
    const query = { 'content-type': 'application/timestamp-query' };
    for (const bytes of [[], [0x30, 0x00], [0x30, 0x82, 0xff, 0xff], [0x02, 0x01, 0x01], Array<number>(2000).fill(0x30)]) {
      const { status, headers } = await fetch(`${server.url}/api/v1/timestamp`, { method: 'POST', headers: query, body: Uint8Array.from(bytes) });
      assert.ok(status >= 400 && status < 500, String(status));
      assert.ok(headers.get('content-type'));
    }
    await refuses('a timestamp as text', ask('POST', '/api/v1/timestamp', '{}', { 'content-type': 'text/plain' }), /ERR_CONTENT_TYPE/);
    for (const body of ['{}', '[]', '{"artifactHash":7,"hashAlgorithm":"sha256"}', 'x'.repeat(5000)])
      await refuses('a timestamp as JSON', ask('POST', '/api/v1/timestamp', body, JSON_TYPE));
    const key = createTestKey('ecdsa-p256');
    const digest = new Uint8Array(32);
    const entry = {
      hashedRekordRequestV002: {
        digest: encodeBase64(digest),
        signature: {
          // Over something else: the log vouches for nothing that nobody said.
          content: encodeBase64(signBytes(key.privateKey, key.algorithm, utf8('something else'))),
          verifier: { keyDetails: 'PKIX_ECDSA_P256_SHA_256', publicKey: { rawBytes: encodeBase64(key.publicKey.spki) } },
        },
      },
    };
    const post = (body: unknown) => ask('POST', '/api/v2/log/entries', JSON.stringify(body), JSON_TYPE);
    await refuses('an entry that does not verify', post(entry));
    for (const [what, body] of damaged(entry)) await refuses(what, post(body));
    await refuses('an entry without end', ask('POST', '/api/v2/log/entries', 'x'.repeat(60 * 1024 * 1024), JSON_TYPE), /ERR_TOO_LARGE|ERR_JSON_INVALID/);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    for (const body of ['', 'grant_type=password', 'grant_type=client_credentials', 'grant_type=authorization_code&code=x', '%'.repeat(100)]) {
      const { status, text } = await ask('POST', '/oidc/token', body, form);
      assert.ok(status >= 400 && status < 500, text);
      assert.doesNotMatch(text, /id_token/);
    }
    for (const path of ['/api/v1/signingCert', '/api/v2/', '/tile/0/x', '/tile/0/9999999', '/trust/none.json', '/api/v1/log/entries'])
      await refuses(path, ask('GET', path));
  });
});
