/** What is particular to each key service: versions, rotation, states of keys, the words of its refusals. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { openPublicKey, openSigner } from '../../src/clients/signers/index.ts';
import { generateKeyPair, publicKeyOf, verifySignature } from '../../src/core/crypto/index.ts';
import { utf8 } from '../../src/core/encoding/index.ts';
import { FixedClock } from '../../src/testing/index.ts';
import { AWS_ACCESS, FakeAwsKms } from '../fakes/aws-kms.ts';
import { AZURE_CLIENT, FakeAzureKeyVault } from '../fakes/azure-key-vault.ts';
import { FakeGoogleKms, GOOGLE_TOKEN } from '../fakes/google-kms.ts';
import { fakeAuthority, type KeyServer } from '../fakes/key-server.ts';
import { FakeVault, VAULT_TOKEN } from '../fakes/vault-transit.ts';
import { fails } from './refusals.ts';

const tls = { ca: [fakeAuthority] };
const [first, second] = [generateKeyPair('ecdsa-p256'), generateKeyPair('ecdsa-p256')];
const message = utf8('a message');

async function started<S extends KeyServer>(t: TestContext, server: S): Promise<S> {
  await server.start();
  t.after(() => server.close());
  return server;
}

const ID = '12345678-1234-1234-1234-123456789012';
const OTHER_ID = 'mrk-0123456789abcdef0123456789abcdef';

async function aws(t: TestContext): Promise<{ server: FakeAwsKms; options: { environment: Record<string, string>; tls: typeof tls; clock: FixedClock } }> {
  const server = await started(t, new FakeAwsKms());
  server.add(ID, first.privateKey, 'alias/release');
  server.add(OTHER_ID, second.privateKey);
  return { server, options: { environment: { ...AWS_ACCESS, AWS_ENDPOINT_URL_KMS: server.url }, tls, clock: new FixedClock({ skipSleep: true }) } };
}

test('AWS: a key by its ID, its alias, and the ARN of either, at the endpoint of the environment', async (t) => {
  const { options } = await aws(t);
  const account = 'arn:aws:kms:eu-west-1:111122223333:';
  for (const name of [ID, 'alias/release', `${account}key/${ID}`, `${account}alias/release`]) {
    assert.equal((await openPublicKey(`awskms:///${name}`, options)).fingerprint, first.publicKey.fingerprint, name);
  }
  assert.equal((await openPublicKey(`awskms:///${account}key/${OTHER_ID}`, options)).fingerprint, second.publicKey.fingerprint, 'of several regions');
});

test('AWS: an alias that moves while we sign does not change who signs', async (t) => {
  const { server, options } = await aws(t);
  const signer = await openSigner('awskms:///alias/release', options);
  server.aliases.set('alias/release', OTHER_ID);
  assert.ok(verifySignature(first.publicKey, signer.algorithm, { bytes: message }, await signer.sign(message)));
  assert.match(signer.keyVersion ?? '', new RegExp(`key/${ID}$`));
});

test('AWS: what it says with status 400 is told apart by its type', async (t) => {
  const { server, options } = await aws(t);
  const signer = await openSigner('awskms:///alias/release', options);
  await assert.rejects(openSigner('awskms:///alias/nobody', options), fails('ERR_KEY_NOT_FOUND', /NotFoundException.*does not exist/));
  const answer = (type: string, times = 1): void => {
    for (let i = 0; i < times; i++)
      void server.fault({ kind: 'answer', status: 400, body: { __type: type, message: `about ${AWS_ACCESS.AWS_SECRET_ACCESS_KEY}` } }, 'TrentService.Sign');
  };
  answer('AccessDeniedException');
  await assert.rejects(signer.sign(message), fails('ERR_KEY_DENIED', /AccessDeniedException/, AWS_ACCESS.AWS_SECRET_ACCESS_KEY));
  answer('com.amazonaws.kms#KMSInternalException');
  await assert.rejects(signer.sign(message), fails('ERR_KEY_UNAVAILABLE', /KMSInternalException/));
  answer('ValidationException');
  await assert.rejects(signer.sign(message), fails('ERR_KEY_ANSWER', /ValidationException/));
  answer('ThrottlingException', 2);
  await signer.sign(message);
  answer('ThrottlingException', 4);
  await assert.rejects(signer.sign(message), fails('ERR_KEY_UNAVAILABLE', /slow down/));
  server.disabled.add(ID);
  await assert.rejects(signer.sign(message), fails('ERR_KEY_NOT_FOUND', /is disabled/));
});

test('AWS: a secret that does not fit is denied, and not repeated', async (t) => {
  const { options } = await aws(t);
  const environment = { ...options.environment, AWS_SECRET_ACCESS_KEY: 'another secret' };
  await assert.rejects(
    openSigner('awskms:///alias/release', { ...options, environment }),
    fails('ERR_KEY_DENIED', /InvalidSignatureException/, 'another secret'),
  );
});

const RING = 'projects/p/locations/global/keyRings/r/cryptoKeys/';

async function google(t: TestContext): Promise<{ server: FakeGoogleKms; options: { environment: Record<string, string>; tls: typeof tls } }> {
  const server = await started(t, new FakeGoogleKms());
  return { server, options: { environment: { GOOGLE_OAUTH_ACCESS_TOKEN: GOOGLE_TOKEN, CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS: server.url }, tls } };
}

test('Google: one version when it is named, in either spelling, and the newest that is enabled otherwise', async (t) => {
  const { server, options } = await google(t);
  server.add(`${RING}release`, first.privateKey);
  server.add(`${RING}release`, second.privateKey);
  const key = async (reference: string): Promise<string> => (await openPublicKey(`gcpkms://${RING}release${reference}`, options)).fingerprint;
  assert.equal(await key('/cryptoKeyVersions/1'), first.publicKey.fingerprint);
  assert.equal(await key('/versions/1'), first.publicKey.fingerprint);
  assert.equal(await key(''), second.publicKey.fingerprint);
  server.setState(`${RING}release`, 2, 'DISABLED');
  assert.equal(await key(''), first.publicKey.fingerprint);
  await assert.rejects(key('/cryptoKeyVersions/2'), fails('ERR_KEY_NOT_FOUND', /not enabled/));
  await assert.rejects(key('/cryptoKeyVersions/9'), fails('ERR_KEY_NOT_FOUND', /not found/));
  server.setState(`${RING}release`, 1, 'DESTROYED');
  await assert.rejects(key(''), fails('ERR_KEY_NOT_FOUND', /no version that is enabled/));
});

test('Google: a rotation while we sign does not change who signs', async (t) => {
  const { server, options } = await google(t);
  server.add(`${RING}release`, first.privateKey);
  const signer = await openSigner(`gcpkms://${RING}release`, options);
  server.add(`${RING}release`, second.privateKey);
  assert.ok(verifySignature(first.publicKey, signer.algorithm, { bytes: message }, await signer.sign(message)));
  assert.equal(signer.keyVersion, '1');
});

test('Google: a key that is made for PSS signs with PSS', async (t) => {
  const { server, options } = await google(t);
  const { privateKey } = generateKeyPair('rsa3072');
  server.add(`${RING}pss`, privateKey, 'RSA_SIGN_PSS_3072_SHA256');
  const signer = await openSigner(`gcpkms://${RING}pss`, options);
  assert.equal(signer.algorithm.id, 'rsa3072-pss-sha256');
  assert.ok(verifySignature(publicKeyOf(privateKey), signer.algorithm, { bytes: message }, await signer.sign(message)));
});

test('Google: kinds that do not sign here are refused, and so is an answer that contradicts itself', async (t) => {
  const { server, options } = await google(t);
  server.add(`${RING}secret`, first.privateKey, 'GOOGLE_SYMMETRIC_ENCRYPTION');
  await assert.rejects(openSigner(`gcpkms://${RING}secret`, options), fails('ERR_KEY_INVALID', /GOOGLE_SYMMETRIC_ENCRYPTION/));
  server.add(`${RING}odd`, first.privateKey, 'EC_SIGN_P384_SHA384');
  await assert.rejects(openSigner(`gcpkms://${RING}odd`, options), fails('ERR_KEY_ANSWER', /not of its own kind/));
});

test('Google: damage on the way is found, there and back', async (t) => {
  const { server, options } = await google(t);
  server.add(`${RING}release`, first.privateKey);
  const signer = await openSigner(`gcpkms://${RING}release`, options);
  server.damaged = true;
  await assert.rejects(signer.sign(message), fails('ERR_KEY_ANSWER', /does not say that it got what was sent/));
  server.damaged = false;
  const whole = { name: `${RING}release/cryptoKeyVersions/1`, verifiedDigestCrc32c: true, signature: 'AAAA', signatureCrc32c: '1' };
  void server.fault({ kind: 'answer', status: 200, body: whole }, ':asymmetricSign');
  await assert.rejects(signer.sign(message), fails('ERR_KEY_ANSWER', /damaged on its way/));
  void server.fault({ kind: 'answer', status: 200, body: { ...whole, name: `${RING}release/cryptoKeyVersions/2` } }, ':asymmetricSign');
  await assert.rejects(signer.sign(message), fails('ERR_KEY_ANSWER', /another version/));
});

test('Google: a token that is refused is not repeated', async (t) => {
  const { server, options } = await google(t);
  server.add(`${RING}release`, first.privateKey);
  const environment = { ...options.environment, GOOGLE_OAUTH_ACCESS_TOKEN: 'ya29.somebody-elses' };
  await assert.rejects(openSigner(`gcpkms://${RING}release`, { ...options, environment }), fails('ERR_KEY_DENIED', /UNAUTHENTICATED/, 'ya29.somebody-elses'));
});

async function azure(t: TestContext): Promise<{ server: FakeAzureKeyVault; options: { environment: Record<string, string>; tls: typeof tls } }> {
  const server = await started(t, new FakeAzureKeyVault());
  return { server, options: { environment: { ...AZURE_CLIENT, AZURE_AUTHORITY_HOST: server.url }, tls } };
}

test('Azure: one version when it is named, the newest otherwise, and the same one to the end', async (t) => {
  const { server, options } = await azure(t);
  server.hsm = true; // kinds are told as EC-HSM then
  const version = server.add('release', first.privateKey);
  const signer = await openSigner(`azurekms://${server.host}/release`, options);
  server.add('release', second.privateKey);
  assert.ok(verifySignature(first.publicKey, signer.algorithm, { bytes: message }, await signer.sign(message)));
  assert.equal(signer.keyVersion, version);
  assert.equal((await openPublicKey(`azurekms://${server.host}/release/${version}`, options)).fingerprint, first.publicKey.fingerprint);
  assert.equal((await openPublicKey(`azurekms://${server.host}/release`, options)).fingerprint, second.publicKey.fingerprint);
});

test('Azure: a key that is disabled or not there, and a version that is not the one asked for', async (t) => {
  const { server, options } = await azure(t);
  server.add('release', first.privateKey);
  const signer = await openSigner(`azurekms://${server.host}/release`, options);
  server.disable('release');
  await assert.rejects(signer.sign(message), fails('ERR_KEY_NOT_FOUND', /disabled key/));
  await assert.rejects(openSigner(`azurekms://${server.host}/nobody`, options), fails('ERR_KEY_NOT_FOUND', /KeyNotFound/));
  void server.fault({ kind: 'answer', status: 200, body: { kid: `https://${server.host}/keys/release/another`, value: 'AAAA' } }, '/sign');
  await assert.rejects(signer.sign(message), fails('ERR_KEY_ANSWER', /signed with version another/));
  void server.fault({ kind: 'answer', status: 200, body: { kid: `https://elsewhere.example/keys/stranger/1`, value: 'AAAA' } }, '/sign');
  await assert.rejects(signer.sign(message), fails('ERR_KEY_ANSWER', /names no version of it/));
});

async function vault(t: TestContext): Promise<{ server: FakeVault; options: { environment: Record<string, string>; tls: typeof tls } }> {
  const server = await started(t, new FakeVault());
  server.add('release', first.privateKey);
  return { server, options: { environment: { VAULT_ADDR: server.url, VAULT_TOKEN }, tls } };
}

test('Vault: a rotation while we sign does not change who signs', async (t) => {
  const { server, options } = await vault(t);
  const signer = await openSigner('hashivault://release', options);
  server.add('release', second.privateKey);
  assert.ok(verifySignature(first.publicKey, signer.algorithm, { bytes: message }, await signer.sign(message)));
  assert.equal(signer.keyVersion, '1');
  server.ignoresVersion = true;
  await assert.rejects(signer.sign(message), fails('ERR_KEY_ANSWER', /signed with version 2, where version 1 was asked for/));
});

test('Vault: sealed, forbidden, missing, and a key that encrypts', async (t) => {
  const { server, options } = await vault(t);
  await assert.rejects(openSigner('hashivault://nobody', options), fails('ERR_KEY_NOT_FOUND'));
  server.symmetric.add('aes');
  await assert.rejects(openSigner('hashivault://aes', options), fails('ERR_KEY_INVALID', /not a key for signing/));
  const environment = { ...options.environment, VAULT_TOKEN: 'hvs.somebody-elses' };
  await assert.rejects(openSigner('hashivault://release', { ...options, environment }), fails('ERR_KEY_DENIED', /permission denied/, 'hvs.somebody-elses'));
  server.sealed = true;
  await assert.rejects(
    openSigner('hashivault://release', { ...options, clock: new FixedClock({ skipSleep: true }) }),
    fails('ERR_KEY_UNAVAILABLE', /Vault is sealed/),
  );
});

test('Vault: a token file, a namespace, and the variables of OpenBao', async (t) => {
  const { server, options } = await vault(t);
  const readFile = (path: string): Uint8Array => {
    assert.equal(path, '/users/me/.vault-token');
    return utf8(`${VAULT_TOKEN}\n`);
  };
  await openPublicKey('hashivault://release', { ...options, environment: { VAULT_ADDR: server.url, HOME: '/users/me', VAULT_NAMESPACE: 'team' }, readFile });
  assert.equal(server.requests.at(-1)?.headers['x-vault-namespace'], 'team');
  await openPublicKey('openbao://release', {
    ...options,
    environment: { BAO_ADDR: server.url, BAO_TOKEN: VAULT_TOKEN, VAULT_ADDR: 'https://elsewhere.example', VAULT_TOKEN: 'another' },
  });
  await assert.rejects(
    openPublicKey('hashivault://release', { ...options, environment: { VAULT_ADDR: server.url } }),
    fails('ERR_KEY_DENIED', /no token was given.*VAULT_TOKEN/),
  );
});

test('Vault: its token goes nowhere but there, and nowhere in the clear', async (t) => {
  const { server, options } = await vault(t);
  const elsewhere = await started(t, new FakeVault());
  void server.fault({ kind: 'answer', status: 307, body: '', headers: { location: `${elsewhere.url}/v1/transit/keys/release` } });
  await assert.rejects(openPublicKey('hashivault://release', options), fails('ERR_KEY_DENIED'));
  for (const { headers } of elsewhere.requests)
    assert.deepEqual([headers.authorization, headers['x-vault-token']], [undefined, undefined], 'a redirect leaves the token behind');
  for (const address of ['http://vault.example:8200', 'https://me:password@vault.example', 'ftp://vault.example', '::'])
    await assert.rejects(
      openPublicKey('hashivault://release', { ...options, environment: { VAULT_ADDR: address, VAULT_TOKEN } }),
      fails('ERR_CONFIG_INVALID', /VAULT_ADDR/, 'password'),
    );
});
