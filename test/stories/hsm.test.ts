/** An HSM's life with us: a token in software, its PIN, its keys, and everything that goes wrong with it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openPublicKey, openSigner } from '../../src/clients/signers/index.ts';
import { encodePublicKeyPem, generateKeyPair, publicKeyOf, verifySignature } from '../../src/core/crypto/index.ts';
import { utf8 } from '../../src/core/encoding/index.ts';
import { SealwardError } from '../../src/core/errors.ts';
import { buildImage, MemoryRegistry, pushArtifact } from '../../src/testing/index.ts';
import { RegistryClient } from '../../src/clients/registry/index.ts';
import { sealward } from '../cli.ts';
import { addon, PIN, requireToken, type SoftToken, softModule, softToken } from '../soft-token.ts';
import { inCI } from '../vectors.ts';

const folder = mkdtempSync(join(tmpdir(), 'sealward-hsm-'));
const token = await softToken();
const { privateKey, publicKey } = generateKeyPair('ecdsa-p256');
await token?.add('release', privateKey);
after(() => {
  token?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const here = (): SoftToken => token as SoftToken;
const release = (): string => here().reference('release');
const withoutPin = (): Record<string, string> => {
  const { COSIGN_PKCS11_PIN: _, ...rest } = here().environment;
  return rest;
};

function fails(code: string, words: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof SealwardError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(`${error.message} ${error.hint}`, words);
    assert.doesNotMatch(`${error.message} ${error.hint}`, /\b1234\b|9999/, 'no PIN in any message');
    return true;
  };
}

test('an image is signed with a key on a token, and verified with its public key', async (t) => {
  if (!requireToken(t)) return;
  const registry = await MemoryRegistry.start();
  t.after(() => registry.close());
  const image = `${registry.host}/app:1`;
  await pushArtifact(new RegistryClient(), { registry: registry.host, repository: 'app' }, buildImage({ 'a.txt': 'A.\n' }), '1');
  const env = { ...here().environment, HOME: folder };
  const signed = await sealward(['sign', '--key', release(), image], { env });
  assert.equal(signed.code, 0, signed.stderr);
  const shown = await sealward(['public-key', '--key', release()], { env: { ...withoutPin(), HOME: folder } });
  assert.equal(shown.stdout, encodePublicKeyPem(publicKey), 'for the public key no PIN is needed');
  const path = join(folder, 'release.pub');
  writeFileSync(path, shown.stdout);
  for (const key of [path, release()]) {
    const { code, stderr } = await sealward(['verify', '--key', key, '--insecure-ignore-tlog', image], { env });
    assert.equal(code, 0, stderr);
  }
});

test('the PIN comes from a file, from the environment, or from whoever is asked', async (t) => {
  if (!requireToken(t)) return;
  const pinFile = join(folder, 'pin');
  writeFileSync(pinFile, `${PIN}\n`);
  const asked: string[] = [];
  const secret = async ({ kind, of }: { kind: string; of: string }): Promise<string> => {
    asked.push(`${kind} of ${of}`);
    return PIN;
  };
  for (const [reference, options] of [
    [`${release()}?pin-source=${pinFile}`, { environment: { ...withoutPin(), COSIGN_PKCS11_PIN: '9999' } }],
    [`${release()}?pin-source=file://${pinFile}`, { environment: withoutPin() }],
    [release(), { environment: here().environment }],
    [release(), { environment: withoutPin(), secret }],
  ] as const) {
    const signer = await openSigner(reference, options);
    await signer.sign(utf8('x'));
    await signer.close();
  }
  assert.deepEqual(asked, [`PIN of the token "${here().label}"`]);
  await assert.rejects(openSigner(release(), { environment: withoutPin() }), fails('ERR_KEY_PASSWORD', /needs a PIN/));
});

test('a wrong PIN is tried once, and the refusal does not repeat it', async (t) => {
  if (!requireToken(t)) return;
  const environment = { ...here().environment, COSIGN_PKCS11_PIN: '9999' };
  await assert.rejects(openSigner(release(), { environment }), fails('ERR_KEY_DENIED', /CKR_PIN_INCORRECT.*once and no more/));
  const signer = await openSigner(release(), { environment: here().environment });
  await signer.close();
});

test('a PIN in the URI is refused before anything is loaded, and not repeated', async () => {
  const uri = 'pkcs11:token=x;object=y?module-path=/nowhere.so&pin-value=1234';
  await assert.rejects(openSigner(uri), fails('ERR_KEY_REFERENCE', /holds the PIN itself.*pin-source=FILE/));
  await assert.rejects(openSigner('pkcs11:object=y;pin-value=1234'), fails('ERR_KEY_REFERENCE', /holds the PIN itself/));
  const { code, stderr } = await sealward(['sign', '--key', uri, 'registry.example/app:1'], { env: { HOME: folder } });
  assert.equal(code, 2);
  assert.doesNotMatch(stderr, /1234/);
});

test('what the URI names must be there, and only once', async (t) => {
  if (!requireToken(t)) return;
  const { environment } = here();
  await here().tool('--keypairgen', '--key-type', 'EC:prime256v1', '--id', 'a1', '--label', 'twin');
  await here().tool('--keypairgen', '--key-type', 'EC:prime256v1', '--id', 'a2', '--label', 'twin');
  const twin = here().reference('twin');
  await assert.rejects(openSigner(twin, { environment }), fails('ERR_KEY_REFERENCE', /holds 2 private keys of that name.*Add id=/));
  await assert.rejects(openPublicKey(twin, { environment }), fails('ERR_KEY_REFERENCE', /holds 2 public keys of that name/));
  for (const id of ['%a1', '%A2']) {
    const signer = await openSigner(`${twin};id=${id}`, { environment });
    await signer.sign(utf8('x'));
    await signer.close();
  }
  await assert.rejects(openSigner(here().reference('nobody'), { environment }), fails('ERR_KEY_NOT_FOUND', /no private key of that name/));
  await assert.rejects(openSigner('pkcs11:token=nobody;object=release', { environment }), fails('ERR_KEY_NOT_FOUND', /no token in any slot fits/));
  await assert.rejects(openSigner(`${release()};slot-id=77`, { environment }), fails('ERR_KEY_NOT_FOUND', /no token in any slot fits/));
});

test('two tokens that fit are refused: a PIN is not tried on the wrong one', async (t) => {
  if (!requireToken(t)) return;
  const twins = (await softToken('twins')) as SoftToken;
  t.after(() => twins.remove());
  await twins.add('release', privateKey);
  const env = { ...process.env, ...twins.environment };
  execFileSync('softhsm2-util', ['--init-token', '--free', '--label', 'twins', '--pin', '7777', '--so-pin', '5678'], { env, stdio: 'ignore' });
  const list = execFileSync('softhsm2-util', ['--show-slots'], { env, encoding: 'utf8' });
  const serials = Array.from(list.matchAll(/Serial number:[ \t]+([0-9a-f]+)/g), ([, serial = '']) => serial);
  assert.equal(serials.length, 2);
  await assert.rejects(openSigner(twins.reference('release'), { environment: twins.environment }), fails('ERR_KEY_REFERENCE', /2 tokens fit the URI.*serial=/));
  const { COSIGN_PKCS11_PIN: _, ...environment } = twins.environment;
  const opened = await Promise.allSettled(serials.map((serial) => openPublicKey(`pkcs11:serial=${serial};object=release`, { environment })));
  assert.deepEqual(opened.map(({ status }) => status).sort(), ['fulfilled', 'rejected'], 'the serial number tells them apart');
});

test('a key that wants its PIN for every signature gets it', async (t) => {
  if (!requireToken(t)) return;
  await here().tool('--keypairgen', '--key-type', 'EC:prime256v1', '--id', 'b1', '--label', 'careful', '--always-auth');
  const signer = await openSigner(here().reference('careful'), { environment: here().environment });
  for (const text of ['one', 'two']) assert.ok(verifySignature(signer.publicKey(), signer.algorithm, { bytes: utf8(text) }, await signer.sign(utf8(text))));
  await signer.close();
});

test('an HSM that is pulled while it is in use: a coded error, and nothing of it in the parent', async (t) => {
  if (!requireToken(t)) return;
  const other = (await softToken('pulled')) as SoftToken;
  await other.add('release', privateKey);
  const signer = await openSigner(other.reference('release'), { environment: other.environment });
  await signer.sign(utf8('before'));
  other.remove();
  await assert.rejects(signer.sign(utf8('after')), fails('ERR_KEY_UNAVAILABLE', /the token failed with .*CKR_/));
  await signer.close();
  await assert.rejects(openSigner(other.reference('release'), { environment: other.environment }), (error: unknown) => {
    assert.ok(error instanceof SealwardError);
    assert.ok(['ERR_KEY_UNAVAILABLE', 'ERR_KEY_NOT_FOUND'].includes(error.code), error.message);
    return true;
  });
});

test('a signer that was closed signs no more, and says so', async (t) => {
  if (!requireToken(t)) return;
  const signer = await openSigner(release(), { environment: here().environment });
  await signer.close();
  await signer.close();
  await assert.rejects(signer.sign(utf8('x')), fails('ERR_KEY_UNAVAILABLE', /crashed its process|ended its process|does not listen/));
});

test('modules and the package that are not there are told apart', async (t) => {
  const at = (module: string, more: Record<string, string> = {}): Parameters<typeof openSigner>[1] => ({
    environment: { COSIGN_PKCS11_MODULE_PATH: module, SEALWARD_PKCS11JS: addon, ...more },
  });
  await assert.rejects(
    openSigner('pkcs11:object=x', { environment: {} }),
    fails('ERR_KEY_PROVIDER_MISSING', /which PKCS#11 module.*COSIGN_PKCS11_MODULE_PATH/),
  );
  await assert.rejects(openSigner('pkcs11:object=x', at('/nowhere/module.so')), fails('ERR_KEY_PROVIDER_MISSING', /no PKCS#11 module at \/nowhere\/module.so/));
  await assert.rejects(
    openSigner('pkcs11:object=x?module-name=no-such-module', { environment: {} }),
    fails('ERR_KEY_PROVIDER_MISSING', /no PKCS#11 module "no-such-module"/),
  );
  await assert.rejects(openSigner('pkcs11:object=x', at('module.so')), fails('ERR_KEY_REFERENCE', /absolute path/));
  const text = join(folder, 'text.so');
  writeFileSync(text, 'this is no library');
  await assert.rejects(
    openSigner('pkcs11:object=x', at(text, { SEALWARD_PKCS11JS: join(folder, 'nowhere') })),
    fails('ERR_KEY_PROVIDER_MISSING', /the package pkcs11js.*build:pkcs11/),
  );
  if (!requireToken(t)) return;
  await assert.rejects(openSigner('pkcs11:object=x', at(text)), fails('ERR_KEY_PROVIDER_MISSING', /cannot be loaded/));
});

/** A module as small as can be: its only working function is the one that misbehaves. */
function badModule(name: string, body: string): string | undefined {
  const source = join(folder, `${name}.c`);
  writeFileSync(
    source,
    `#include <stdlib.h>
#include <unistd.h>
typedef unsigned long CK_RV;
static CK_RV initialize(void *arguments) { ${body} }
static CK_RV nothing(void) { return 0x54; }
static struct { unsigned char version[2]; CK_RV (*functions[70])(); } list = { { 2, 40 } };
CK_RV C_GetFunctionList(void **out) {
  for (int i = 0; i < 70; i++) list.functions[i] = nothing;
  list.functions[0] = initialize;
  *out = &list;
  return 0;
}
`,
  );
  try {
    execFileSync('gcc', ['-shared', '-fPIC', '-w', '-o', join(folder, `${name}.so`), source]);
  } catch (error) {
    if (inCI) throw error;
    return undefined;
  }
  return join(folder, `${name}.so`);
}

for (const [what, body, words] of [
  ['aborts', 'abort();', /crashed its process \(SIGABRT\)/],
  ['reads where nothing is', 'return *(volatile CK_RV *)8;', /crashed its process \(SIGSEGV\)/],
  ['ends the process', '_exit(0);', /ended its process with 0/],
  ['fails', 'return 0x5;', /CKR_GENERAL_ERROR/],
] as const) {
  test(`a module that ${what} takes nobody down`, async (t) => {
    if (!requireToken(t)) return;
    const module = badModule(what.replaceAll(' ', '-'), body);
    if (module === undefined) return t.skip('there is no gcc on this machine');
    await assert.rejects(
      openSigner(`pkcs11:object=x?module-path=${module}`, { environment: { SEALWARD_PKCS11JS: addon } }),
      fails('ERR_KEY_UNAVAILABLE', words),
    );
  });
}

test('a module that never answers ends at the deadline, and by Ctrl-C', async (t) => {
  if (!requireToken(t)) return;
  const module = badModule('sleeps', 'for (;;) sleep(1);');
  if (module === undefined) return t.skip('there is no gcc on this machine');
  const reference = `pkcs11:object=x?module-path=${module}`;
  const environment = { SEALWARD_PKCS11JS: addon };
  await assert.rejects(
    openSigner(reference, { environment, callMilliseconds: 500 }),
    fails('ERR_DEADLINE', /the deadline passed before the key pkcs11:object=x had arrived/),
  );
  const stop = new AbortController();
  const opening = openSigner(reference, { environment, signal: stop.signal });
  setImmediate(() => stop.abort('SIGINT'));
  await assert.rejects(opening, fails('ERR_INTERRUPTED', /interrupted/));
});

test('the module is found by its name in the folders of the system', async (t) => {
  if (!requireToken(t)) return;
  if (!softModule?.startsWith('/usr/lib')) return t.skip('SoftHSM is not in a folder of the system');
  const { COSIGN_PKCS11_MODULE_PATH: _, ...environment } = here().environment;
  const key = await openPublicKey(`${release()}?module-name=softhsm2`, { environment });
  assert.equal(key.fingerprint, publicKeyOf(privateKey).fingerprint);
});
