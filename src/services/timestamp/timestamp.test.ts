import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keySigner } from '../../clients/signers/index.ts';
import {
  encodeTimestampRequest,
  generateKeyPair,
  hash,
  type HashName,
  parseCertificate,
  parseTimestampToken,
  type TimestampRequest,
  verifyTimestampToken,
} from '../../core/crypto/index.ts';
import { derChildren, derSequence, encodeBase64, parseDer, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { createTestTimestampAuthority, TEST_NOW } from '../../testing/index.ts';
import { createTimestampAuthority, Serials, type TimestampAuthority, timestampRoutes } from './index.ts';

const MESSAGE = utf8('what is dated');
const made = createTestTimestampAuthority({ now: () => TEST_NOW });
const chain = made.chain.map((der) => parseCertificate(der));
const signer = keySigner(made.signer.key.privateKey);
let counter = 0n;
const serials = (): Serials => new Serials(async (count) => (counter += BigInt(count)) - BigInt(count));
const authority = (now: () => number = () => TEST_NOW): TimestampAuthority => createTimestampAuthority({ signer, chain, clock: { now }, serials: serials() });
const request = (more: Partial<TimestampRequest> = {}, name: HashName = 'sha256'): Uint8Array =>
  encodeTimestampRequest({ hash: name, digest: hash(name, MESSAGE), certificates: true, ...more });
const refuses = (bytes: Uint8Array, code: string, by = authority()): Promise<void> => assert.rejects(by.answer(bytes), { code });

describe('a timestamp', () => {
  it('dates each hash, returns the nonce, and verifies', async () => {
    for (const name of ['sha256', 'sha384', 'sha512'] as const) {
      const token = parseTimestampToken(await authority().answer(request({ nonce: 0xfeedn }, name)));
      assert.deepEqual([token.statement.nonce, token.statement.policy, token.statement.time], ['00feed', '1.3.6.1.4.1.57264.2', TEST_NOW]);
      const verdict = verifyTimestampToken(token, MESSAGE, chain);
      assert.ok(verdict.ok);
      assert.deepEqual([verdict.from, verdict.to], [TEST_NOW - 1000, TEST_NOW + 1000]);
    }
  });

  it('carries certificates only when they are asked for', async () => {
    for (const certificates of [true, false]) {
      const token = parseTimestampToken(await authority().answer(request({ certificates })));
      assert.equal(token.unverifiedCertificates.length, certificates ? 2 : 0);
      assert.ok(verifyTimestampToken(token, MESSAGE, chain).ok);
    }
  });

  it('is given under the policy that was asked for, or not at all', async () => {
    assert.ok(await authority().answer(request({ policy: '1.3.6.1.4.1.57264.2' })));
    await refuses(request({ policy: '1.2.3' }), 'ERR_REQUEST_INVALID');
  });

  it('has a serial of its own, also when many ask at once and after a restart', async () => {
    const seen = new Set<string>();
    for (const one of [authority(), authority()]) {
      for (const response of await Promise.all(Array.from({ length: 60 }, () => one.answer(request()))))
        seen.add(parseTimestampToken(response).statement.serial);
    }
    assert.equal(seen.size, 120);
  });

  it('is not given when its serial cannot be reserved', async () => {
    const failing = createTimestampAuthority({
      signer,
      chain,
      clock: { now: () => TEST_NOW },
      serials: new Serials(() => Promise.reject(new SealwardError('ERR_STATE_INVALID', 'the disk is full'))),
    });
    await refuses(request(), 'ERR_STATE_INVALID', failing);
  });

  it('is not given outside the validity of the certificate', () =>
    refuses(
      request(),
      'ERR_CLOCK_REFUSED',
      authority(() => Date.UTC(2050, 1)),
    ));

  it('is given with the key of the certificate and by a certificate for timestamps alone', () => {
    const create = (given: Partial<Parameters<typeof createTimestampAuthority>[0]>): TimestampAuthority =>
      createTimestampAuthority({ signer, chain, clock: { now: () => TEST_NOW }, serials: serials(), ...given });
    const refused = { code: 'ERR_STATE_INVALID' };
    assert.throws(() => create({ signer: keySigner(generateKeyPair('ecdsa-p256').privateKey) }), refused);
    assert.throws(() => create({ chain: [] }), refused);
    assert.throws(() => create({ chain: chain.slice(1) }), refused);
    assert.throws(
      () => create({ chain: [chain[0] as (typeof chain)[0], parseCertificate(createTestTimestampAuthority({ now: () => TEST_NOW }).chain[1] as Uint8Array)] }),
      refused,
    );
  });
});

describe('a timestamp request', () => {
  it('cut or extended anywhere, or with any byte changed, is refused or dates what it says', async () => {
    const good = request({ nonce: 5n });
    const by = authority();
    for (let at = 0; at < good.length; at++) {
      await refuses(good.subarray(0, at), 'ERR_TIMESTAMP_INVALID', by);
      const changed = Uint8Array.from(good, (octet, i) => (i === at ? octet ^ 0x11 : octet));
      const answer = await by.answer(changed).catch((error: unknown) => (assert.ok(error instanceof SealwardError), error.code));
      if (typeof answer === 'string') assert.ok(['ERR_TIMESTAMP_INVALID', 'ERR_REQUEST_INVALID'].includes(answer), answer);
    }
    await refuses(Uint8Array.from([...good, 0]), 'ERR_TIMESTAMP_INVALID', by);
    await refuses(new Uint8Array(1025), 'ERR_TOO_LARGE', by);
  });

  it('with a digest of another length, a foreign hash or a huge nonce is refused', async () => {
    await refuses(request({ digest: new Uint8Array(31) }), 'ERR_TIMESTAMP_INVALID');
    await refuses(request({ nonce: 1n << 256n }), 'ERR_TIMESTAMP_INVALID');
    const sha1 = Uint8Array.from(Buffer.from(request()).toString('hex').replace('608648016503040201', '608648016503040204').match(/../g) ?? [], (hex) =>
      Number.parseInt(hex, 16),
    );
    await refuses(sha1, 'ERR_TIMESTAMP_INVALID');
  });

  it('that is refused over HTTP gets a response of RFC 3161 with its reason', async () => {
    const [post, plain, get] = timestampRoutes(authority());
    const ask = (body: Uint8Array) =>
      (post as NonNullable<typeof post>).answer({
        body,
        params: {},
        query: new URLSearchParams(),
        headers: {},
        remote: '',
        signal: new AbortController().signal,
      });
    const refused = await ask(utf8('no request'));
    assert.equal(refused.status, 400);
    const [status] = derSequence(parseDer(refused.body as Uint8Array), 'the response');
    assert.deepEqual(Array.from(derChildren(status as NonNullable<typeof status>)[0]?.value ?? []), [2]);
    // What speaks RFC 3161 and no more wants 200.
    assert.equal(plain?.path, '/timestamp');
    const granted = await ask(request());
    assert.deepEqual([granted.status, granted.headers['content-type']], [201, 'application/timestamp-reply']);
    const pem = await (get as NonNullable<typeof get>).answer({
      body: new Uint8Array(),
      params: {},
      query: new URLSearchParams(),
      headers: {},
      remote: '',
      signal: new AbortController().signal,
    });
    assert.equal(String(pem.body).match(/BEGIN CERTIFICATE/g)?.length, 2);
  });

  it('may be JSON, as Sigstore’s client for JavaScript sends it, and is then as strict', async () => {
    const [post] = timestampRoutes(authority());
    const ask = async (body: unknown): Promise<{ readonly status: number; readonly body: Uint8Array }> => {
      const answer = await (post as NonNullable<typeof post>).answer({
        body: utf8(JSON.stringify(body)),
        params: {},
        query: new URLSearchParams(),
        headers: { 'content-type': 'application/json' },
        remote: '',
        signal: new AbortController().signal,
      });
      return { status: answer.status, body: answer.body as Uint8Array };
    };
    const digest = hash('sha256', utf8('what is dated'));
    const whole = { artifactHash: encodeBase64(digest), hashAlgorithm: 'sha256' };
    const { statement } = parseTimestampToken((await ask({ ...whole, nonce: 4660, certificates: true })).body, 'the answer');
    assert.deepEqual([statement.digest, statement.nonce], [digest, '1234']);
    for (const change of [
      { hashAlgorithm: 'sha1' },
      { hashAlgorithm: 'toString' },
      { hashAlgorithm: 'sha512' },
      { artifactHash: 7 },
      { artifactHash: '' },
      { nonce: 1.5 },
      { nonce: -1 },
      { nonce: '1' },
      { certificates: 1 },
      { tsaPolicyOID: '9.9' },
      { tsaPolicyOID: 7 },
      { other: 1 },
    ]) {
      await assert.rejects(ask({ ...whole, ...change }), { code: 'ERR_TIMESTAMP_INVALID' }, JSON.stringify(change));
    }
    await assert.rejects(ask({ ...whole, tsaPolicyOID: '1.2.3' }), { code: 'ERR_REQUEST_INVALID' });
    await assert.rejects(ask({ ...whole, artifactHash: 'x'.repeat(1100) }), { code: 'ERR_TOO_LARGE' });
    await assert.rejects(ask([]), { code: 'ERR_JSON_INVALID' });
  });
});
