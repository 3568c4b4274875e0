/** How many requests a verification costs that succeeds on its first place. Every one is a round trip that somebody waits for. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { HttpClient } from '../../src/clients/http/index.ts';
import { anonymous, explicitCredentials, RegistryClient } from '../../src/clients/registry/index.ts';
import { keySigner } from '../../src/clients/signers/index.ts';
import { formatDigest, parseReference, type Reference } from '../../src/core/artifact/index.ts';
import { generateKeyPair } from '../../src/core/crypto/index.ts';
import { keyAnchor, NO_ANCHORS } from '../../src/core/trust/index.ts';
import type { FlagRequirement } from '../../src/core/verify/index.ts';
import { type ImageVerification, signImage, verifyImage, type VerifyImageOptions } from '../../src/sdk/index.ts';
import { buildReferrer, MemoryRegistry, type MemoryRegistryOptions, pushArtifact } from '../../src/testing/index.ts';
import { anImage } from './registries.ts';
import { Workshop } from './workshop.ts';

const BY_KEY: FlagRequirement = { role: 'signature', signer: { kind: 'key' }, logs: 0, timestamps: 0, certificateLog: false, undated: 'refuse' };
const LOGIN = { username: 'maria', password: 'secret' };

interface Setting {
  readonly registry: MemoryRegistry;
  /** An image of its own, signed, by tag and by digest. */
  readonly signed: (name: string) => Promise<{ tagged: Reference; byDigest: Reference }>;
  readonly verify: (reference: Reference, options?: Partial<VerifyImageOptions>) => Promise<ImageVerification>;
  /** What was asked since the last time, without what differs from image to image. */
  readonly asked: () => string[];
}

async function setting(t: TestContext, options: MemoryRegistryOptions = {}): Promise<Setting> {
  const registry = await MemoryRegistry.start(options);
  const login = explicitCredentials({ kind: 'password', ...LOGIN }, [registry.host]);
  const connect = (): RegistryClient => new RegistryClient({ http: new HttpClient({}), credentials: options.auth ? login : anonymous, settleMs: 0 });
  const { privateKey, publicKey } = generateKeyPair('ecdsa-p256');
  // One client writes and another reads, so that the reader knows nothing but what it asked.
  const [writer, reader] = [connect(), connect()];
  t.after(async () => {
    writer.close();
    reader.close();
    await registry.close();
  });
  return {
    registry,
    async signed(name) {
      const tagged = parseReference(`${registry.host}/team/app:${name}`);
      const { digest } = await pushArtifact(writer, tagged, anImage(name), name);
      await signImage({ registry: writer, reference: tagged, signer: keySigner(privateKey) });
      return { tagged, byDigest: parseReference(`${registry.host}/team/app@${formatDigest(digest)}`) };
    },
    verify: (reference, more = {}) =>
      verifyImage({ registry: reader, reference, anchors: { ...NO_ANCHORS, keys: [keyAnchor(publicKey)] }, requirement: BY_KEY, ...more }),
    asked() {
      const short = registry.journal.map(({ method, url, status }) => `${method} ${url.replaceAll(/[0-9a-f]{64}/g, 'HEX')} ${status}`);
      registry.forget();
      return short;
    },
  };
}

const LISTED = 'GET /v2/team/app/referrers/sha256:HEX 200';
const NO_API = 'GET /v2/team/app/referrers/sha256:HEX 404';
const INDEX = 'GET /v2/team/app/manifests/sha256-HEX 200';
const MANIFEST = 'GET /v2/team/app/manifests/sha256:HEX 200';
const BLOB = 'GET /v2/team/app/blobs/sha256:HEX 200';

for (const [how, auth] of [
  ['anonymously', undefined],
  ['with a token', { kind: 'token', users: { maria: 'secret' } }],
  ['with a password', { kind: 'basic', users: { maria: 'secret' } }],
] as const) {
  const options: MemoryRegistryOptions = auth ? { auth } : {};
  const word = (reference: Reference): string => (reference.digest ? 'digest' : 'tag');

  test(`with the referrers API, ${how}: 3 requests by digest and 4 by tag`, async (t) => {
    const { signed, verify, asked } = await setting(t, options);
    const [first, second] = [await signed('v1'), await signed('v2')];
    assert.equal((await verify(first.byDigest)).decision.outcome, 'verified');
    asked();
    for (const reference of [second.byDigest, second.tagged]) {
      assert.equal((await verify(reference)).decision.outcome, 'verified');
      const head = reference.digest ? [] : ['HEAD /v2/team/app/manifests/v2 200'];
      assert.deepEqual(asked(), [...head, LISTED, MANIFEST, BLOB], `by ${word(reference)}`);
    }
  });

  test(`without the referrers API, ${how}: one more, and none once that is known`, async (t) => {
    const { signed, verify, asked } = await setting(t, { ...options, referrersApi: false });
    const [first, second] = [await signed('v1'), await signed('v2')];
    asked();
    assert.equal((await verify(first.byDigest)).decision.outcome, 'verified');
    const cold = asked().filter((line) => !line.endsWith(' 401') && !line.includes('/token'));
    assert.deepEqual(cold, [NO_API, INDEX, MANIFEST, BLOB]);
    for (const reference of [second.byDigest, second.tagged]) {
      assert.equal((await verify(reference)).decision.outcome, 'verified');
      const head = reference.digest ? [] : ['HEAD /v2/team/app/manifests/v2 200'];
      assert.deepEqual(asked(), [...head, INDEX, MANIFEST, BLOB], `by ${word(reference)}`);
    }
  });
}

test('a cold token costs two requests more, once for all who wait', async (t) => {
  const { signed, verify, asked } = await setting(t, { auth: { kind: 'token', users: { maria: 'secret' } } });
  const images = [await signed('v1'), await signed('v2'), await signed('v3')];
  asked();
  for (const { decision } of await Promise.all(images.map(({ byDigest }) => verify(byDigest)))) assert.equal(decision.outcome, 'verified');
  const requests = asked();
  assert.equal(requests.filter((line) => line.startsWith('GET /token')).length, 1);
  // Each of the three may have been turned away once before the first of them had read the challenge.
  assert.ok(requests.length <= 3 * 3 + 3 + 1, requests.join('\n'));
});

test('what others attached to the image is not fetched: attestations, material for other programs', async (t) => {
  for (const referrersApi of [true, false]) {
    const { registry, signed, verify, asked } = await setting(t, { referrersApi });
    const { byDigest, tagged } = await signed('v1');
    const client = new RegistryClient({ settleMs: 0 });
    t.after(() => client.close());
    const subject = await client.describe(tagged);
    assert.equal(subject.state, 'complete');
    for (const [artifactType, predicate] of [
      ['application/vnd.dev.sigstore.bundle.v0.3+json', 'https://slsa.dev/provenance/v1'],
      ['application/spdx+json', undefined],
    ] as const) {
      const annotations = predicate === undefined ? {} : { 'dev.sigstore.bundle.predicateType': predicate };
      const { manifest, blobs } = buildReferrer({ artifactType, subject: subject.value, payload: Buffer.from(`{"of":"${artifactType}"}`), annotations });
      await client.attach(byDigest, { manifest, blobs });
    }
    registry.forget();
    assert.equal((await verify(byDigest)).decision.outcome, 'verified');
    assert.deepEqual(asked(), referrersApi ? [LISTED, MANIFEST, BLOB] : [NO_API, INDEX, MANIFEST, BLOB]);
  }
});

test('the command line asks no more than the library', async (t) => {
  const workshop = new Workshop();
  const registry = await MemoryRegistry.start();
  t.after(async () => {
    workshop.remove();
    await registry.close();
  });
  const keys = await workshop.keys();
  const client = new RegistryClient();
  const { digest } = await pushArtifact(client, parseReference(`${registry.host}/team/app:v1`), anImage('requests'), 'v1');
  client.close();
  assert.equal((await workshop.sign(`${registry.host}/team/app:v1`, keys)).code, 0);
  for (const [name, most] of [
    [`${registry.host}/team/app@${formatDigest(digest)}`, 3],
    [`${registry.host}/team/app:v1`, 4],
  ] as const) {
    registry.forget();
    assert.equal((await workshop.verify(name, keys)).code, 0);
    assert.equal(registry.journal.length, most, name);
  }
});
