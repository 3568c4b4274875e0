/** One suite over every way to reach a key: what a signer promises holds wherever the key is kept. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type OpenedSigner, openPublicKey, openSigner } from '../../src/clients/signers/index.ts';
import { generateKeyPair, type KeyKind, parseEcdsaSignature, publicKeyOf, verifySignature } from '../../src/core/crypto/index.ts';
import { utf8 } from '../../src/core/encoding/index.ts';
import { SealwardError } from '../../src/core/errors.ts';
import { FixedClock } from '../../src/testing/index.ts';
import { requireToken } from '../soft-token.ts';
import { digestOf, signDigestRaw } from '../fakes/signing.ts';
import { fails } from './refusals.ts';
import { KEEPERS, type Keeper, type Kept, keyOf, type Scope, sharedToken } from './key-keepers.ts';

const MESSAGES: Readonly<Record<string, Uint8Array>> = {
  'an empty message': new Uint8Array(),
  'a short message': utf8('DSSEv1 28 application/vnd.in-toto+json 2 {}'),
  'a message of a MiB': new Uint8Array(1024 * 1024).map((_, i) => i * 31),
};

function scopeOf(t: TestContext): Scope {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-signers-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, after: (end) => t.after(end) };
}

async function kept(t: TestContext, keeper: Keeper, kind: KeyKind): Promise<Kept | undefined> {
  if (keeper.name === 'pkcs11:' && !requireToken(t)) return undefined;
  return keeper.keep(kind, scopeOf(t));
}

async function opened(t: TestContext, { reference, options }: Kept): Promise<OpenedSigner> {
  const signer = await openSigner(reference, options);
  t.after(() => signer.close());
  return signer;
}

for (const keeper of KEEPERS) {
  for (const kind of keeper.kinds) {
    test(`${keeper.name} with ${kind}: what it signs verifies, and says which key it was`, async (t) => {
      const place = await kept(t, keeper, kind);
      if (!place) return;
      const signer = await opened(t, place);
      assert.equal(signer.publicKey().fingerprint, place.publicKey.fingerprint);
      assert.equal((await openPublicKey(place.reference, place.options)).fingerprint, place.publicKey.fingerprint);
      if (place.version) assert.match(signer.keyVersion ?? '', place.version);
      assert.ok(signer.describe().startsWith(place.reference), signer.describe());
      for (const [name, message] of Object.entries(MESSAGES)) {
        if (signer.algorithm.hash === undefined && keeper.longestMessage !== undefined && message.length > keeper.longestMessage) {
          await assert.rejects(signer.sign(message), fails('ERR_TOO_LARGE', /signs at most \d+ bytes/), name);
          continue;
        }
        const before = Uint8Array.from(message);
        const signature = await signer.sign(message);
        assert.ok(verifySignature(place.publicKey, signer.algorithm, { bytes: message }, signature), name);
        assert.ok(!verifySignature(place.publicKey, signer.algorithm, { bytes: utf8('another message') }, signature), name);
        if (place.publicKey.kind === 'ec') assert.ok(parseEcdsaSignature(signature), 'in DER');
        assert.deepEqual(message, before, 'the message is left as it was');
      }
    });
  }

  test(`${keeper.name}: several signatures at once`, async (t) => {
    const place = await kept(t, keeper, 'ecdsa-p256');
    if (!place) return;
    const signer = await opened(t, place);
    const messages = Array.from({ length: 5 }, (_, i) => utf8(`message ${i}`));
    const signatures = await Promise.all(messages.map((message) => signer.sign(message)));
    for (const [i, message] of messages.entries())
      assert.ok(verifySignature(place.publicKey, signer.algorithm, { bytes: message }, signatures[i] as Uint8Array));
  });

  test(`${keeper.name}: who has gone gets no signature`, async (t) => {
    const place = await kept(t, keeper, 'ecdsa-p256');
    if (!place) return;
    const stop = new AbortController();
    const signer = await opened(t, { ...place, options: { ...place.options, signal: stop.signal } });
    stop.abort('SIGINT');
    await assert.rejects(signer.sign(utf8('x')), fails('ERR_INTERRUPTED', /a signature by /));
  });
}

const remote = KEEPERS.filter(({ name }) => /^(?:awskms|gcpkms|azurekms|hashivault|openbao):/.test(name));

for (const keeper of remote) {
  const other = generateKeyPair('ecdsa-p256').privateKey;
  const digest = (hash: 'sha256' | 'sha384', sent: Uint8Array): Uint8Array => (sent.length === (hash === 'sha256' ? 32 : 48) ? sent : digestOf(hash, sent));

  test(`${keeper.name}: a signature as r || s becomes DER`, async (t) => {
    const place = (await kept(t, keeper, 'ecdsa-p384')) as Kept;
    const { server } = place;
    assert.ok(server);
    server.tamper = (_, sent) => signDigestRaw(keyOf('ecdsa-p384'), digest('sha384', sent));
    const signer = await opened(t, place);
    const signature = await signer.sign(utf8('x'));
    assert.ok(parseEcdsaSignature(signature));
    assert.ok(verifySignature(place.publicKey, signer.algorithm, { bytes: utf8('x') }, signature));
  });

  const answers: Readonly<Record<string, readonly [RegExp, (signature: Uint8Array, sent: Uint8Array) => Uint8Array | undefined]>> = {
    'by another key': [/does not verify/, (_, sent) => signDigestRaw(other, digest('sha256', sent))],
    'that was altered': [/does not verify/, (signature) => signature.map((byte, i) => (i === 20 ? byte ^ 1 : byte))],
    'that is cut short': [/does not verify/, (signature) => signature.subarray(0, -1)],
    'that is garbage': [/does not verify/, (signature) => signature.map((_, i) => i * 7)],
    'that is endless': [/of 6000 bytes|damaged|cannot be used/, () => new Uint8Array(6000)],
    'that is empty': [/has no|without a signature|not of the form/, () => new Uint8Array()],
    'that is missing': [/has no/, () => undefined],
  };
  for (const [name, [words, change]] of Object.entries(answers)) {
    test(`${keeper.name}: a signature ${name} is refused`, async (t) => {
      const place = (await kept(t, keeper, 'ecdsa-p256')) as Kept;
      const { server } = place;
      assert.ok(server);
      const signer = await opened(t, place);
      server.tamper = change;
      await assert.rejects(signer.sign(utf8('x')), fails('ERR_KEY_ANSWER', words));
      server.tamper = (signature) => signature;
      await signer.sign(utf8('x')); // the untampered twin
    });
  }

  test(`${keeper.name}: an RSA signature of another length is refused`, async (t) => {
    const place = (await kept(t, keeper, 'rsa2048')) as Kept;
    const { server } = place;
    assert.ok(server);
    const signer = await opened(t, place);
    server.tamper = (signature) => signature.subarray(1);
    await assert.rejects(signer.sign(utf8('x')), fails('ERR_KEY_ANSWER', /of 255 bytes, where its key makes 256/));
  });

  const place = keeper.name.startsWith('awskms')
    ? { open: 'TrentService.GetPublicKey', sign: 'TrentService.Sign' }
    : { open: 'key', sign: keeper.name.startsWith('gcpkms') ? ':asymmetricSign' : keeper.name.startsWith('azure') ? '/sign' : '/sign/' };

  test(`${keeper.name}: a service that never answers ends at the deadline, when opening and when signing`, async (t) => {
    const where = (await kept(t, keeper, 'ecdsa-p256')) as Kept;
    const clock = new FixedClock();
    const patient = { ...where.options, clock, callMilliseconds: 5000 };
    const opening = where.server?.fault({ kind: 'silent' }, place.open);
    const open = assert.rejects(openSigner(where.reference, patient), fails('ERR_DEADLINE', /the deadline passed before/));
    await opening;
    clock.advance(5000);
    await open;
    const signer = await opened(t, { ...where, options: patient });
    const signing = where.server?.fault({ kind: 'silent' }, place.sign);
    const sign = assert.rejects(signer.sign(utf8('x')), fails('ERR_DEADLINE', /the deadline passed before a signature by .* had arrived/));
    await signing;
    clock.advance(5000);
    await sign;
  });

  test(`${keeper.name}: an interrupted signature ends at once`, async (t) => {
    const where = (await kept(t, keeper, 'ecdsa-p256')) as Kept;
    const stop = new AbortController();
    const signer = await opened(t, { ...where, options: { ...where.options, signal: stop.signal } });
    const asked = where.server?.fault({ kind: 'silent' }, place.sign);
    const sign = assert.rejects(signer.sign(utf8('x')), fails('ERR_INTERRUPTED'));
    await asked;
    stop.abort('SIGINT');
    await sign;
  });

  const refusals: readonly (readonly [string, Parameters<typeof fails>[0], number, unknown, RegExp])[] = [
    ['that throttles', 'ERR_KEY_UNAVAILABLE', 429, {}, /slow down/],
    ['that is down', 'ERR_KEY_UNAVAILABLE', 500, '<html>Bad Gateway</html>', /answered the request for a signature by .* with 500/],
    ['that forbids it', 'ERR_KEY_DENIED', 403, {}, /with 403/],
    ['that wants other credentials', 'ERR_KEY_DENIED', 401, {}, /with 401/],
    ['that speaks no JSON', 'ERR_KEY_ANSWER', 200, 'OK', /is not JSON/],
    ['that answers with a list', 'ERR_KEY_ANSWER', 200, [], /not a JSON object/],
    ['that answers with an empty object', 'ERR_KEY_ANSWER', 200, {}, /has no|does not say|another key/],
    ['that answers with endless bytes', 'ERR_KEY_ANSWER', 200, ' '.repeat(4 * 1024 * 1024 + 1), /larger than/],
    ['that redirects', 'ERR_KEY_ANSWER', 307, '', /redirects a POST request/],
  ];
  for (const [name, code, status, body, words] of refusals) {
    test(`${keeper.name}: a service ${name} is ${code}`, async (t) => {
      const where = (await kept(t, keeper, 'ecdsa-p256')) as Kept;
      const signer = await opened(t, { ...where, options: { ...where.options, clock: new FixedClock({ skipSleep: true }) } });
      const headers = status === 307 ? { headers: { location: 'https://other.example/' } } : {};
      for (let i = 0; i < 25; i++) void where.server?.fault({ kind: 'answer', status, body, ...headers }, place.sign);
      await assert.rejects(signer.sign(utf8('x')), fails(code, words));
    });
  }

  test(`${keeper.name}: throttled once or twice, or a connection that breaks, is nothing`, async (t) => {
    const where = (await kept(t, keeper, 'ecdsa-p256')) as Kept;
    const signer = await opened(t, { ...where, options: { ...where.options, clock: new FixedClock({ skipSleep: true }) } });
    void where.server?.fault({ kind: 'answer', status: 429, body: {}, headers: { 'retry-after': '1' } }, place.sign);
    void where.server?.fault({ kind: 'drop' }, place.sign);
    void where.server?.fault({ kind: 'answer', status: 503, body: {} }, place.sign);
    await signer.sign(utf8('x'));
  });

  test(`${keeper.name}: nobody listens`, async (t) => {
    const where = (await kept(t, keeper, 'ecdsa-p256')) as Kept;
    await where.server?.close();
    await assert.rejects(openSigner(where.reference, { ...where.options, clock: new FixedClock({ skipSleep: true }) }), (error: unknown) => {
      assert.ok(error instanceof SealwardError);
      assert.ok(['ERR_KEY_UNAVAILABLE', 'ERR_DEADLINE'].includes(error.code), `${error.code} ${error.message}`);
      return true;
    });
  });

  test(`${keeper.name}: a server with a certificate of somebody else gets nothing`, async (t) => {
    const where = (await kept(t, keeper, 'ecdsa-p256')) as Kept;
    const { tls: _, ...untrusting } = where.options;
    await assert.rejects(openSigner(where.reference, untrusting), fails('ERR_KEY_UNAVAILABLE', /certificate/));
    assert.deepEqual(where.server?.requests, []);
  });
}

test('a public key that is not the signing key is found out by the first signature', async (t) => {
  const soft = remote[0] as Keeper;
  const place = (await kept(t, soft, 'ecdsa-p256')) as Kept;
  const signer = await opened(t, place);
  const { server } = place;
  assert.ok(server);
  const stranger = generateKeyPair('ecdsa-p256');
  server.tamper = (_, sent) => signDigestRaw(stranger.privateKey, sent);
  await assert.rejects(signer.sign(utf8('x')), fails('ERR_KEY_ANSWER'));
  assert.notEqual(publicKeyOf(stranger.privateKey).fingerprint, place.publicKey.fingerprint);
});

test.after(async () => (await sharedToken())?.remove());
