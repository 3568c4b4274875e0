/** Key files travel between the real programs and this one, both ways. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { createKeyPairFiles, keySigner, openKeyFile } from '../../src/clients/signers/index.ts';
import { encodePublicKeyPem, parsePublicKeyPem, verifySignature } from '../../src/core/crypto/index.ts';
import { decodeBase64, utf8 } from '../../src/core/encoding/index.ts';
import { type Peer, peerPath, requirePeers } from '../peers.ts';

const run = promisify(execFile);
const PASSWORD = 'a pass phrase of several words';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'sealward-key-files-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

/** A home folder of its own, so that the program neither reads nor leaves anything of the user's. */
async function peer(cwd: string, name: Peer, ...args: string[]): Promise<string> {
  const { stdout } = await run(peerPath(name), args, {
    cwd,
    env: { ...process.env, HOME: cwd, TUF_ROOT: join(cwd, 'tuf'), COSIGN_PASSWORD: PASSWORD },
    timeout: 60_000,
  });
  return stdout;
}

async function assertOpens(privatePath: string, publicPath: string): Promise<void> {
  const signer = keySigner(await openKeyFile(readFileSync(privatePath, 'utf8'), PASSWORD));
  assert.equal(encodePublicKeyPem(signer.publicKey()), encodePublicKeyPem(parsePublicKeyPem(readFileSync(publicPath, 'utf8'))));
  await assert.rejects(openKeyFile(readFileSync(privatePath, 'utf8'), `${PASSWORD} `), { code: 'ERR_KEY_PASSWORD' });
}

for (const cosign of ['cosign2', 'cosign3'] as const) {
  test(`a key pair that ${cosign} made opens here`, async (t) => {
    if (!requirePeers(t, cosign)) return;
    const where = folder(t);
    await peer(where, cosign, 'generate-key-pair', '--output-key-prefix', 'k');
    await assertOpens(join(where, 'k.key'), join(where, 'k.pub'));
  });

  test(`${cosign} reads a key pair that was made here`, async (t) => {
    if (!requirePeers(t, cosign)) return;
    const where = folder(t);
    for (const kind of ['ecdsa-p256', 'ecdsa-p384', 'rsa3072', 'ed25519'] as const) {
      const { privatePath, publicPath } = await createKeyPairFiles(join(where, kind), kind, PASSWORD);
      assert.equal(await peer(where, cosign, 'public-key', '--key', privatePath), readFileSync(publicPath, 'utf8'), kind);
    }
  });
}

test('cosign2 signs a blob with a key that was made here, and the signature verifies', async (t) => {
  if (!requirePeers(t, 'cosign2')) return;
  const where = folder(t);
  const { privatePath, publicKey } = await createKeyPairFiles(join(where, 'k'), 'ecdsa-p256', PASSWORD);
  writeFileSync(join(where, 'blob'), 'the blob');
  const signature = await peer(where, 'cosign2', 'sign-blob', '--yes', '--tlog-upload=false', '--key', privatePath, 'blob');
  const { algorithm } = keySigner(await openKeyFile(readFileSync(privatePath, 'utf8'), PASSWORD));
  assert.ok(verifySignature(publicKey, algorithm, { bytes: utf8('the blob') }, decodeBase64(signature.trim())));
});

test('cosign3 signs a blob with a key that was made here, and accepts it with the public key', async (t) => {
  if (!requirePeers(t, 'cosign3')) return;
  const where = folder(t);
  const { privatePath, publicPath, publicKey } = await createKeyPairFiles(join(where, 'k'), 'ecdsa-p256', PASSWORD);
  writeFileSync(join(where, 'blob'), 'the blob');
  await peer(where, 'cosign3', 'signing-config', 'create', '--out', 'none.json');
  await peer(where, 'cosign3', 'sign-blob', '--yes', '--signing-config', 'none.json', '--key', privatePath, '--bundle', 'blob.json', 'blob');
  const bundle = JSON.parse(readFileSync(join(where, 'blob.json'), 'utf8')) as { messageSignature: { signature: string } };
  const { algorithm } = keySigner(await openKeyFile(readFileSync(privatePath, 'utf8'), PASSWORD));
  assert.ok(verifySignature(publicKey, algorithm, { bytes: utf8('the blob') }, decodeBase64(bundle.messageSignature.signature)));
  await peer(where, 'cosign3', 'verify-blob', '--insecure-ignore-tlog=true', '--key', publicPath, '--bundle', 'blob.json', 'blob');
});

test('a key pair that skopeo made opens here, under its older label', async (t) => {
  if (!requirePeers(t, 'skopeo')) return;
  const where = folder(t);
  writeFileSync(join(where, 'pass'), PASSWORD);
  await peer(where, 'skopeo', 'generate-sigstore-key', '--output-prefix', 'k', '--passphrase-file', 'pass');
  assert.match(readFileSync(join(where, 'k.private'), 'utf8'), /ENCRYPTED COSIGN PRIVATE KEY/);
  await assertOpens(join(where, 'k.private'), join(where, 'k.pub'));
});
