import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultAlgorithm, generateKeyPair, type KeyKind, publicKeyOf, verifySignature } from '../../core/crypto/index.ts';
import { decodeUtf8, encodePem, parsePemBlock, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { createKeyPairFiles, KEY_FILE_LABEL, KEY_FILE_MAX_BYTES, keySigner, OLD_KEY_FILE_LABEL, openKeyFile, sealKeyFile } from './index.ts';
import { writeNewFiles } from '../files/index.ts';

const PASSWORD = 'correct horse, pässword 🔑';
const pair = generateKeyPair('ecdsa-p256');
const sealed = await sealKeyFile(pair.privateKey, PASSWORD);

interface Body {
  kdf: { name: string; params: { N: number; r: number; p: number }; salt: string };
  cipher: { name: string; nonce: string };
  ciphertext: string;
}

function changed(change: (body: Body) => void, label = KEY_FILE_LABEL): string {
  const body = JSON.parse(decodeUtf8(parsePemBlock(sealed, [KEY_FILE_LABEL], 'it').bytes, 'it')) as Body;
  change(body);
  return encodePem(label, utf8(JSON.stringify(body)));
}

function refuses(code: string) {
  return (error: unknown): boolean => error instanceof SealwardError && error.code === code;
}

test('what is sealed opens with the same password and gives the same key', async () => {
  assert.equal(publicKeyOf(await openKeyFile(sealed, PASSWORD)).fingerprint, pair.publicKey.fingerprint);
  assert.equal(
    publicKeyOf(
      await openKeyFile(
        changed(() => undefined, OLD_KEY_FILE_LABEL),
        PASSWORD,
      ),
    ).fingerprint,
    pair.publicKey.fingerprint,
  );
  assert.notEqual(await sealKeyFile(pair.privateKey, PASSWORD), sealed, 'salt and nonce are new each time');
});

test('an empty password is a password', async () => {
  const file = await sealKeyFile(pair.privateKey, '');
  assert.equal(publicKeyOf(await openKeyFile(file, '')).fingerprint, pair.publicKey.fingerprint);
  await assert.rejects(openKeyFile(file, ' '), refuses('ERR_KEY_PASSWORD'));
});

test('a wrong password and a changed box are the same refusal', async () => {
  await assert.rejects(openKeyFile(sealed, `${PASSWORD}\n`), refuses('ERR_KEY_PASSWORD'));
  const flipped = changed((body) => {
    body.ciphertext = `${body.ciphertext.startsWith('A') ? 'B' : 'A'}${body.ciphertext.slice(1)}`;
  });
  await assert.rejects(openKeyFile(flipped, PASSWORD), refuses('ERR_KEY_PASSWORD'));
  // A cost that is accepted, but is not the one that the box was made with.
  await assert.rejects(
    openKeyFile(
      changed((body) => void (body.kdf.params.N = 32_768)),
      PASSWORD,
    ),
    refuses('ERR_KEY_PASSWORD'),
  );
});

const refusedBodies: readonly (readonly [string, (body: Body) => void])[] = [
  ['a cost of half the lowest', (body) => void (body.kdf.params.N = 16_384)],
  ['a cost of twice the highest', (body) => void (body.kdf.params.N = 262_144)],
  ['another r', (body) => void (body.kdf.params.r = 16)],
  ['another p', (body) => void (body.kdf.params.p = 2)],
  ['another derivation', (body) => void (body.kdf.name = 'argon2id')],
  ['another cipher', (body) => void (body.cipher.name = 'aes-256-gcm')],
  ['a salt of 16 bytes', (body) => void (body.kdf.salt = Buffer.alloc(16).toString('base64'))],
  ['a nonce of 12 bytes', (body) => void (body.cipher.nonce = Buffer.alloc(12).toString('base64'))],
  ['a ciphertext that is only a tag', (body) => void (body.ciphertext = Buffer.alloc(16).toString('base64'))],
  ['a ciphertext beyond its bound', (body) => void (body.ciphertext = Buffer.alloc(16 * 1024 + 1).toString('base64'))],
  ['a member more', (body) => void Object.assign(body, { note: 'x' })],
  ['a member less', (body) => void Reflect.deleteProperty(body, 'ciphertext')],
  ['a list for an object', (body) => void Object.assign(body, { kdf: [] })],
];
for (const [name, change] of refusedBodies) {
  test(`a key file is refused with ${name}`, async () => {
    await assert.rejects(openKeyFile(changed(change), PASSWORD), refuses('ERR_KEY_INVALID'));
  });
}

test('documents that are no such key file say what they are', async () => {
  const plain = pair.privateKey.export({ format: 'pem', type: 'pkcs8' });
  await assert.rejects(openKeyFile(plain, PASSWORD), (error: unknown) => {
    assert.ok(error instanceof SealwardError);
    assert.equal(error.code, 'ERR_KEY_INVALID');
    assert.match(error.message, /"PRIVATE KEY", and not an encrypted key file/);
    assert.match(error.hint, /import-key-pair/);
    return true;
  });
  const publicPem = pair.publicKey.object.export({ format: 'pem', type: 'spki' });
  await assert.rejects(openKeyFile(publicPem, PASSWORD), /public key where a private key is expected/);
  await assert.rejects(openKeyFile('', PASSWORD), refuses('ERR_KEY_INVALID'));
  await assert.rejects(openKeyFile(sealed + sealed, PASSWORD), refuses('ERR_KEY_INVALID'));
  await assert.rejects(openKeyFile(' '.repeat(KEY_FILE_MAX_BYTES + 1), PASSWORD), refuses('ERR_TOO_LARGE'));
  await assert.rejects(openKeyFile(sealed.slice(0, 200), PASSWORD), refuses('ERR_PEM_INVALID'));
  await assert.rejects(openKeyFile(sealed.replace('A', '*'), PASSWORD), (error) => error instanceof SealwardError);
  await assert.rejects(openKeyFile(encodePem(KEY_FILE_LABEL, utf8('{"kdf":1,"kdf":2}')), PASSWORD), refuses('ERR_JSON_INVALID'));
});

for (const kind of ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'rsa2048', 'ed25519', 'ml-dsa-65'] satisfies KeyKind[]) {
  test(`a signer with a key of kind ${kind} signs what its public key verifies`, async () => {
    const made = generateKeyPair(kind);
    const signer = keySigner(made.privateKey);
    const message = utf8('a message');
    const signature = await signer.sign(message);
    assert.equal(signer.publicKey().fingerprint, made.publicKey.fingerprint);
    assert.equal(signer.algorithm, defaultAlgorithm(made.publicKey));
    assert.ok(verifySignature(made.publicKey, signer.algorithm, { bytes: message }, signature));
    assert.ok(!verifySignature(made.publicKey, signer.algorithm, { bytes: utf8('another') }, signature));
  });
}

test('a key cannot be asked to sign in a way that does not fit it', () => {
  assert.throws(() => keySigner(pair.privateKey, defaultAlgorithm(generateKeyPair('ed25519').publicKey)), refuses('ERR_KEY_INVALID'));
});

function folder(t: { after(done: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'sealward-keys-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test('a new key pair lies in two files, the private one for its owner alone', async (t) => {
  const prefix = join(folder(t), 'release');
  const { privatePath, publicPath, publicKey } = await createKeyPairFiles(prefix, 'ecdsa-p256', 'x');
  assert.equal(statSync(privatePath).mode & 0o777, 0o600);
  assert.equal(publicKeyOf(await openKeyFile(readFileSync(privatePath, 'utf8'), 'x')).fingerprint, publicKey.fingerprint);
  assert.match(readFileSync(publicPath, 'utf8'), /^-----BEGIN PUBLIC KEY-----\n/);
});

test('a key pair never replaces a file, and leaves neither half nor temporary file behind', async (t) => {
  const where = folder(t);
  for (const taken of ['k.key', 'k.pub']) {
    writeFileSync(join(where, taken), 'mine');
    await assert.rejects(createKeyPairFiles(join(where, 'k'), 'ecdsa-p256', 'x'), refuses('ERR_FILE_EXISTS'));
    assert.equal(readFileSync(join(where, taken), 'utf8'), 'mine');
    assert.deepEqual(readdirSync(where), [taken]);
    rmSync(join(where, taken));
  }
  await assert.rejects(createKeyPairFiles(join(where, 'missing', 'k'), 'ecdsa-p256', 'x'), refuses('ERR_FILE_UNREADABLE'));
  assert.deepEqual(readdirSync(where), []);
});

test('when the second file cannot be written, the first is taken back', (t) => {
  const where = folder(t);
  const file = (name: string) => ({ path: join(where, name), content: 'x', mode: 0o600 });
  assert.throws(() => writeNewFiles([file('a'), file('no-such-folder/b')]), refuses('ERR_FILE_UNREADABLE'));
  // Both have the same name, so giving the second one its name fails after the first has it.
  assert.throws(() => writeNewFiles([file('same'), file('same')]), refuses('ERR_FILE_EXISTS'));
  assert.deepEqual(readdirSync(where), []);
});

test('an abort before the files are written leaves nothing', async (t) => {
  const where = folder(t);
  await assert.rejects(createKeyPairFiles(join(where, 'k'), 'ecdsa-p256', 'x', AbortSignal.abort('SIGINT')));
  assert.deepEqual(readdirSync(where), []);
});
