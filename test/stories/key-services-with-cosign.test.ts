/**
 * The fakes of key services, and the references of keys, held against cosign: its clients are others' code, so a fake
 * that serves them as well as ours is one that we did not make up. (The program at
 * hand was built with the client for AWS and with no other cloud's.)
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { sealKeyFile } from '../../src/clients/signers/index.ts';
import { encodePublicKeyPem, generateKeyPair } from '../../src/core/crypto/index.ts';
import { startSealward } from '../cli.ts';
import { HONEST_PLUGIN, writePlugin } from '../conformance/key-keepers.ts';
import { AWS_ACCESS, FakeAwsKms } from '../fakes/aws-kms.ts';
import { fakeAuthority } from '../fakes/key-server.ts';
import { FakeKubernetes, KUBERNETES_TOKEN } from '../fakes/kubernetes-api.ts';
import { requirePeers } from '../peers.ts';
import { Workshop } from './workshop.ts';

const workshop = new Workshop();
const [aws, kubernetes] = [await new FakeAwsKms().start(), await new FakeKubernetes().start()];
after(async () => {
  workshop.remove();
  for (const server of [aws, kubernetes]) await server.close();
});

const { privateKey, publicKey } = generateKeyPair('ecdsa-p256');
aws.add('12345678-1234-1234-1234-123456789012', privateKey, 'alias/release');
kubernetes.secrets.set('ci/release', { 'cosign.key': await sealKeyFile(privateKey, 'x'), 'cosign.password': 'x', 'cosign.pub': encodePublicKeyPem(publicKey) });
const keyFile = workshop.file('key.pem', privateKey.export({ format: 'pem', type: 'pkcs8' }));
const cluster = { server: kubernetes.url, 'certificate-authority-data': Buffer.from(fakeAuthority).toString('base64') };
const kubeconfig = {
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'a',
  clusters: [{ name: 'a', cluster }],
  users: [{ name: 'a', user: { token: KUBERNETES_TOKEN } }],
  contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
};
const authority = workshop.file('authority.pem', fakeAuthority);

const environment = {
  ...AWS_ACCESS,
  KUBECONFIG: workshop.file('kubeconfig', JSON.stringify(kubeconfig)),
  // Go's way, and Node's, to trust the authority of the fakes.
  SSL_CERT_FILE: authority,
  NODE_EXTRA_CA_CERTS: authority,
  ...writePlugin(workshop.folder, 'honest', HONEST_PLUGIN),
};

const references: Readonly<Record<string, string>> = {
  'a key of AWS KMS': `awskms://${aws.host}/alias/release`,
  'a key in a Secret': 'k8s://ci/release',
  'a key of a plugin': `honest:/${keyFile}`,
};

for (const [name, reference] of Object.entries(references)) {
  test(`${name} signs for cosign 3 and for us, and each verifies the other`, async (t) => {
    if (!requirePeers(t, 'cosign3')) return;
    const { signing } = await workshop.offline();
    const blob = workshop.file('blob', 'the blob');
    const pub = workshop.file('release.pub', encodePublicKeyPem(publicKey));
    assert.equal(await workshop.must('cosign3', ['public-key', '--key', reference], environment), encodePublicKeyPem(publicKey));
    const theirs = workshop.path('theirs.json');
    await workshop.must('cosign3', ['sign-blob', '--yes', ...signing, '--key', reference, '--bundle', theirs, blob], environment);
    const ours = workshop.path('ours.json');
    const run = (...args: string[]) => startSealward(args, { ...workshop.environment, ...environment }, workshop.folder).finished;
    const signed = await run('sign-blob', '--key', reference, '--bundle', ours, blob);
    assert.equal(signed.code, 0, signed.stderr);
    for (const bundle of [theirs, ours]) {
      await workshop.must('cosign3', ['verify-blob', '--insecure-ignore-tlog=true', '--key', pub, '--bundle', bundle, blob], environment);
      const verified = await run('verify-blob', '--insecure-ignore-tlog', '--key', reference, '--bundle', bundle, blob);
      assert.equal(verified.code, 0, verified.stderr);
    }
    assert.notEqual(readFileSync(theirs, 'utf8'), readFileSync(ours, 'utf8'));
    writeFileSync(blob, 'another blob');
    assert.equal((await run('verify-blob', '--insecure-ignore-tlog', '--key', reference, '--bundle', ours, blob)).code === 0, false);
  });
}
