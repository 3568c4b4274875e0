import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodePublicKeyPem, generateKeyPair } from '../../core/crypto/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { isFileReference, openPublicKey, openSigner, sealKeyFile } from './index.ts';

const pair = generateKeyPair('ecdsa-p256');
const sealed = await sealKeyFile(pair.privateKey, 'secret');

function fails(code: string, words: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof SealwardError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(`${error.message} ${error.hint}`, words);
    return true;
  };
}

const refused: readonly (readonly [string, string, RegExp])[] = [
  ['', 'ERR_KEY_REFERENCE', /is empty/],
  ['x'.repeat(3000), 'ERR_KEY_REFERENCE', /too long/],
  ['a\0b', 'ERR_KEY_REFERENCE', /NUL/],
  ['https://example.com/cosign.pub', 'ERR_KEY_REFERENCE', /not read from https:\/\/example.com\/cosign.pub.*Download the key/],
  ['HTTP://example.com/cosign.pub', 'ERR_KEY_REFERENCE', /Download the key/],
  ['github://owner/repository', 'ERR_KEY_REFERENCE', /cannot be read back/],
  ['gitlab://owner/project', 'ERR_KEY_REFERENCE', /env:\/\//],
  ['env://', 'ERR_KEY_REFERENCE', /environment variable/],
  ['env://A-B', 'ERR_KEY_REFERENCE', /environment variable/],
  ['env://MISSING', 'ERR_KEY_NOT_FOUND', /variable MISSING is not set/],
  ['k8s://only-a-namespace', 'ERR_KEY_REFERENCE', /k8s:\/\/NAMESPACE\/SECRET/],
  ['k8s://ci/Release', 'ERR_KEY_REFERENCE', /k8s:\/\/NAMESPACE\/SECRET/],
  ['k8s://ci/a/../b', 'ERR_KEY_REFERENCE', /k8s:\/\/NAMESPACE\/SECRET/],
  ['k8s://ci/release', 'ERR_KEY_PROVIDER_MISSING', /KUBECONFIG/],
  ['awskms://alias/release', 'ERR_KEY_REFERENCE', /awskms:\/\/\/alias/],
  ['awskms:///alias/', 'ERR_KEY_REFERENCE', /awskms/],
  ['awskms:///not-an-id', 'ERR_KEY_REFERENCE', /awskms/],
  ['awskms://user:password@host/alias/a', 'ERR_KEY_REFERENCE', /awskms/],
  ['awskms:///alias/release', 'ERR_KEY_PROVIDER_MISSING', /AWS_REGION/],
  ['gcpkms://projects/p/keyRings/r/cryptoKeys/k', 'ERR_KEY_REFERENCE', /gcpkms:\/\/projects/],
  ['gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/0', 'ERR_KEY_REFERENCE', /gcpkms/],
  ['azurekms://vault.example', 'ERR_KEY_REFERENCE', /azurekms/],
  ['azurekms://vault.example/key/version/more', 'ERR_KEY_REFERENCE', /azurekms/],
  ['hashivault://', 'ERR_KEY_REFERENCE', /hashivault:\/\/KEY/],
  ['hashivault://a/b', 'ERR_KEY_REFERENCE', /hashivault:\/\/KEY/],
  ['hashivault://..', 'ERR_KEY_REFERENCE', /hashivault:\/\/KEY/],
  ['hashivault://release', 'ERR_KEY_PROVIDER_MISSING', /VAULT_ADDR/],
  ['openbao://release', 'ERR_KEY_PROVIDER_MISSING', /BAO_ADDR/],
  ['my-hsm://key', 'ERR_KEY_PROVIDER_MISSING', /no program sigstore-kms-my-hsm on PATH/],
  ['pkcs11:', 'ERR_KEY_REFERENCE', /names no key/],
  ['/nowhere/cosign.key', 'ERR_FILE_UNREADABLE', /\/nowhere\/cosign.key/],
];
for (const [reference, code, words] of refused) {
  test(`${JSON.stringify(reference.slice(0, 60))} is ${code}, for signing and for verifying`, async () => {
    await assert.rejects(openSigner(reference, { environment: {} }), fails(code, words));
    await assert.rejects(openPublicKey(reference, { environment: {} }), fails(code, words));
  });
}

test('what a reference hides does not come out in messages', async () => {
  for (const reference of [
    'my-hsm://user:hunter2@host/key',
    'pkcs11:object=a;pin-value=hunter2',
    'pkcs11:object=a?pin-value=hunter2',
    'pkcs11:object=a%zz?pin-source=hunter2',
  ]) {
    await assert.rejects(openSigner(reference), (error: unknown) => {
      assert.ok(error instanceof SealwardError);
      assert.doesNotMatch(`${error.message} ${error.hint}`, /hunter2/);
      return true;
    });
  }
  await assert.rejects(
    openSigner('/nowhere/\u001b[2Jkey'),
    (error: unknown) => error instanceof SealwardError && !error.message.includes('the key file /nowhere/\u001b'),
  );
});

test('a file may hold a public key, a private key with its password, and nothing else', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-open-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const [key, pub, other] = [file('k.key', sealed), file('k.pub', encodePublicKeyPem(pair.publicKey)), file('k.txt', 'hello')];
  const asked: string[] = [];
  const secret = async ({ kind, of }: { kind: string; of: string }): Promise<string> => {
    asked.push(`${kind} of ${of}`);
    return 'secret';
  };
  for (const path of [key, pub]) assert.equal((await openPublicKey(path, { secret })).fingerprint, pair.publicKey.fingerprint);
  assert.deepEqual(asked, [`password of ${key}`], 'for a public key nobody is asked anything');
  await assert.rejects(openSigner(key), fails('ERR_KEY_PASSWORD', /needs a password, and none was given/));
  await assert.rejects(openSigner(pub, { secret }), fails('ERR_KEY_INVALID', /public key where a private key is expected/));
  await assert.rejects(openSigner(other, { secret }), fails('ERR_KEY_INVALID', /0 PEM blocks/));
  await assert.rejects(openPublicKey(file('big', ' '.repeat(70_000))), fails('ERR_TOO_LARGE', /larger than 65536/));
  assert.equal(asked.length, 1, 'nobody is asked for the password of what is no key file');
});

test('only paths are files', () => {
  assert.deepEqual(
    ['cosign.key', './a', String.raw`C:\keys\a.key`, 'a:b', 'env://A', 'pkcs11:object=a', 'AWSKMS:///alias/a'].map((text) => isFileReference(text)),
    [true, true, true, true, false, false, false],
  );
});
