import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { publicKeyOf } from '../../core/crypto/index.ts';
import { encodePem } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { importKey, openKeyFile, parsePrivateKeyPem, sealKeyFile } from './index.ts';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ed25519 = generateKeyPairSync('ed25519').privateKey;
const unasked = async (): Promise<string> => assert.fail('nobody is to be asked for a password');
const pem = (key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1' = 'pkcs8'): string => key.export({ format: 'pem', type });

const PARAMETERS = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
const forms: readonly (readonly [string, KeyObject, string])[] = [
  ['PKCS#8, EC', ec, pem(ec)],
  ['PKCS#8, RSA', rsa, pem(rsa)],
  ['PKCS#8, Ed25519', ed25519, pem(ed25519)],
  ['PKCS#1', rsa, pem(rsa, 'pkcs1')],
  ['SEC 1', ec, pem(ec, 'sec1')],
  ['SEC 1 below its parameters, as openssl ecparam -genkey writes it', ec, PARAMETERS + pem(ec, 'sec1')],
  ['text around the key', ec, `Bag Attributes\n    friendlyName: release\n${pem(ec)}`],
];
for (const [name, key, text] of forms) {
  test(`a key in ${name} comes into a key file`, async () => {
    const opened = await openKeyFile(await importKey(text, 'new', unasked), 'new');
    assert.equal(publicKeyOf(opened).fingerprint, publicKeyOf(key).fingerprint);
  });
}

test('an encrypted PKCS#8 key is opened with the password that it has', async () => {
  const text = ec.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'old' });
  assert.equal(publicKeyOf(await parsePrivateKeyPem(text, 'it', async () => 'old')).fingerprint, publicKeyOf(ec).fingerprint);
  await assert.rejects(
    parsePrivateKeyPem(text, 'it', async () => 'new'),
    (error: unknown) => error instanceof SealwardError && error.code === 'ERR_KEY_PASSWORD' && /under which the key was encrypted/.test(error.hint),
  );
});

function pemOf(made: { readonly privateKey: KeyObject }): string {
  return pem(made.privateKey);
}

const encryptedSec1 = ec.export({ format: 'pem', type: 'sec1', cipher: 'aes-128-cbc', passphrase: 'old' });
const refused: readonly (readonly [string, string, RegExp])[] = [
  ['a public key', 'PUBLIC KEY', /is a "PUBLIC KEY".*needs no import/],
  ['a certificate', 'CERTIFICATE', /is a "CERTIFICATE".*belongs to the certificate/],
  ['a key of OpenSSH', 'OPENSSH PRIVATE KEY', /is a "OPENSSH PRIVATE KEY".*ssh-keygen/],
  ['a key of DSA', 'DSA PRIVATE KEY', /is a "DSA PRIVATE KEY".*new key/],
  ['a request', 'CERTIFICATE REQUEST', /is a "CERTIFICATE REQUEST"/],
  ['bytes that are no key', 'PRIVATE KEY', /"PRIVATE KEY" that cannot be read/],
].map(([name = '', label = '', words]) => [name as string, encodePem(label as string, Uint8Array.of(0x30, 0)), words as RegExp]);
const kinds: readonly (readonly [string, string, RegExp])[] = [
  ...refused,
  ["OpenSSL's old encryption", encryptedSec1, /old form.*openssl pkcs8/],
  ['RSA of 1024 bits', pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 })), /1024 bits/],
  ['RSA-PSS', pemOf(generateKeyPairSync('rsa-pss', { modulusLength: 2048 })), /kind or curve/],
  ['a curve of Bitcoin', pemOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' })), /kind or curve/],
  ['X25519, which does not sign', pemOf(generateKeyPairSync('x25519')), /kind or curve/],
  ['Ed448', pemOf(generateKeyPairSync('ed448')), /kind or curve/],
  ['two keys', pem(ec) + pem(rsa), /2 PEM blocks/],
  ['nothing', '', /0 PEM blocks/],
  ['a key file already', await sealKeyFile(ec, 'x'), /key file already/],
];
for (const [name, text, words] of kinds) {
  test(`refused by name: ${name}`, async () => {
    await assert.rejects(importKey(text, 'new', unasked), (error: unknown) => {
      assert.ok(error instanceof SealwardError, String(error));
      assert.equal(error.code, 'ERR_KEY_INVALID', error.message);
      assert.match(`${error.message} ${error.hint}`, words);
      assert.equal(error.cause, undefined, 'no cause that speaks of secret bytes');
      return true;
    });
  });
}

test('a key under the label of another form is refused', async () => {
  const der = ec.export({ format: 'der', type: 'pkcs8' });
  await assert.rejects(importKey(encodePem('RSA PRIVATE KEY', der), 'new'), /says "RSA PRIVATE KEY" and holds a key of another kind/);
  await assert.rejects(importKey(' '.repeat(70_000), 'new'), (error: unknown) => error instanceof SealwardError && error.code === 'ERR_TOO_LARGE');
});
