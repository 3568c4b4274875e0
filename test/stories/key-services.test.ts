/** The commands of the page about key services, as the real program, against fakes of them and a registry on loopback. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { sealKeyFile } from '../../src/clients/signers/index.ts';
import { RegistryClient } from '../../src/clients/registry/index.ts';
import { encodePublicKeyPem, generateKeyPair, type KeyPair } from '../../src/core/crypto/index.ts';
import { buildImage, MemoryRegistry, pushArtifact } from '../../src/testing/index.ts';
import { sealward, startSealward } from '../cli.ts';
import { commandLines, sealwardArguments } from '../documentation.ts';
import { AWS_ACCESS, FakeAwsKms } from '../fakes/aws-kms.ts';
import { AZURE_CLIENT, FakeAzureKeyVault } from '../fakes/azure-key-vault.ts';
import { FakeGoogleKms, GOOGLE_TOKEN } from '../fakes/google-kms.ts';
import { fakeAuthority, type KeyServer } from '../fakes/key-server.ts';
import { FakeKubernetes, KUBERNETES_TOKEN } from '../fakes/kubernetes-api.ts';
import { FakeVault, VAULT_TOKEN } from '../fakes/vault-transit.ts';
import { repositoryRoot } from '../vectors.ts';

async function started<S extends KeyServer>(t: TestContext, server: S): Promise<S> {
  await server.start();
  t.after(() => server.close());
  return server;
}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-key-services-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Services {
  readonly environment: Record<string, string>;
  readonly azure: FakeAzureKeyVault;
}

/** Every service of the page with the same key under the names of the page. */
async function allServices(t: TestContext, folder: string, { privateKey, publicKey }: KeyPair): Promise<Services> {
  const [aws, google, azure] = [await started(t, new FakeAwsKms()), await started(t, new FakeGoogleKms()), await started(t, new FakeAzureKeyVault())];
  const [vault, kubernetes] = [await started(t, new FakeVault()), await started(t, new FakeKubernetes())];
  aws.add('12345678-1234-1234-1234-123456789012', privateKey, 'alias/release');
  google.add('projects/demo/locations/global/keyRings/ci/cryptoKeys/release', privateKey);
  azure.add('release', privateKey);
  vault.add('release', privateKey);
  kubernetes.secrets.set('ci/release', {
    'cosign.key': await sealKeyFile(privateKey, 'x'),
    'cosign.password': 'x',
    'cosign.pub': encodePublicKeyPem(publicKey),
  });
  const kubeconfig = join(folder, 'kubeconfig');
  const cluster = { server: kubernetes.url, 'certificate-authority-data': Buffer.from(fakeAuthority).toString('base64') };
  const document = {
    'current-context': 'a',
    clusters: [{ name: 'a', cluster }],
    users: [{ name: 'a', user: { token: KUBERNETES_TOKEN } }],
    contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
  };
  writeFileSync(kubeconfig, JSON.stringify(document)); // JSON is YAML
  const authority = join(folder, 'authority.pem');
  writeFileSync(authority, fakeAuthority);
  return {
    azure,
    environment: {
      ...AWS_ACCESS,
      ...AZURE_CLIENT,
      AWS_ENDPOINT_URL_KMS: aws.url,
      AZURE_AUTHORITY_HOST: azure.url,
      CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS: google.url,
      GOOGLE_OAUTH_ACCESS_TOKEN: GOOGLE_TOKEN,
      HOME: folder,
      KUBECONFIG: kubeconfig,
      NODE_EXTRA_CA_CERTS: authority,
      PATH: process.env['PATH'] ?? '',
      VAULT_ADDR: vault.url,
      VAULT_TOKEN,
    },
  };
}

test('the commands of docs/how-to/keys-in-a-kms.md do what it says', async (t) => {
  const folder = folderFor(t);
  const pair = generateKeyPair('ecdsa-p256');
  const { environment, azure } = await allServices(t, folder, pair);
  const registry = await MemoryRegistry.start();
  t.after(() => registry.close());
  await pushArtifact(new RegistryClient(), { registry: registry.host, repository: 'app' }, buildImage({ 'a.txt': 'A.\n' }), '1.2');
  let ran = 0;
  for (const line of commandLines(readFileSync(join(repositoryRoot, 'docs/how-to/keys-in-a-kms.md'), 'utf8'))) {
    const argv = sealwardArguments(line.replace(/^\w+=\S+ /, ''));
    assert.ok(argv, line);
    const here = argv.map((word) => word.replace('registry.example', registry.host).replace('demo.vault.azure.net', azure.host));
    const { code, stdout, stderr } = await startSealward(here, environment, folder).finished;
    assert.equal(code, 0, `${line}\n${stdout}${stderr}`);
    ran++;
  }
  assert.equal(ran, 7);
  assert.equal(readFileSync(join(folder, 'aws.pub'), 'utf8'), encodePublicKeyPem(pair.publicKey));
  const verified = await sealward(['verify', '--key', 'hashivault://release', '--insecure-ignore-tlog', `${registry.host}/app:1.2`], { env: environment });
  assert.notEqual(verified.code, 0, 'this process does not trust the authority of the fakes');
  const { code, stderr } = await startSealward(
    ['verify', '--key', 'k8s://ci/release', '--insecure-ignore-tlog', `${registry.host}/app:1.2`],
    environment,
    folder,
  ).finished;
  assert.equal(code, 0, stderr);
});

test('the version of the key that signed stands in the result', async (t) => {
  const folder = folderFor(t);
  const { environment } = await allServices(t, folder, generateKeyPair('ecdsa-p256'));
  const registry = await MemoryRegistry.start();
  t.after(() => registry.close());
  await pushArtifact(new RegistryClient(), { registry: registry.host, repository: 'app' }, buildImage({ 'a.txt': 'A.\n' }), '1.2');
  const { code, stdout, stderr } = await startSealward(
    ['sign', '--output', 'json', '--key', 'hashivault://release', `${registry.host}/app:1.2`],
    environment,
    folder,
  ).finished;
  assert.equal(code, 0, stderr);
  const [signed] = JSON.parse(stdout) as { key: Record<string, string> }[];
  assert.deepEqual([signed?.key['kind'], signed?.key['version']], ['ECDSA P-256', '1']);
});

test('verifying with a key in a file loads nothing of the clients for keys', async (t) => {
  const folder = folderFor(t);
  const path = (name: string): string => join(folder, name);
  const { publicKey } = generateKeyPair('ecdsa-p256');
  writeFileSync(path('a.pub'), encodePublicKeyPem(publicKey));
  writeFileSync(
    path('hook.mjs'),
    `import { registerHooks } from 'node:module';
registerHooks({ load(url, context, next) { process.stderr.write('loaded ' + url + '\\n'); return next(url, context); } });`,
  );
  const loaded = async (key: string): Promise<string[]> => {
    const args = ['verify', '--key', key, '--insecure-ignore-tlog', `oci:${path('no-image')}`];
    const { stderr } = await startSealward(args, { HOME: folder, NODE_OPTIONS: `--import=${path('hook.mjs')}` }, folder).finished;
    return Array.from(stderr.matchAll(/^loaded file:\S+\/src\/(\S+)$/gm), ([, file = '']) => file);
  };
  const withFile = await loaded(path('a.pub'));
  assert.ok(withFile.includes('apps/cli/anchors.ts'), withFile.join(' '));
  assert.deepEqual(
    withFile.filter((file) => file.startsWith('clients/signers/')),
    [],
  );
  assert.ok((await loaded('env://KEY')).includes('clients/signers/local-key.ts'), 'and what is no file does');
});

test('a key service that fails says so in one sentence, and nothing is published', async (t) => {
  const folder = folderFor(t);
  const { environment } = await allServices(t, folder, generateKeyPair('ecdsa-p256'));
  const registry = await MemoryRegistry.start();
  t.after(() => registry.close());
  await pushArtifact(new RegistryClient(), { registry: registry.host, repository: 'app' }, buildImage({ 'a.txt': 'A.\n' }), '1.2');
  registry.forget();
  const run = (key: string, more: Record<string, string> = {}) =>
    startSealward(['sign', '--key', key, `${registry.host}/app:1.2`], { ...environment, ...more }, folder).finished;
  for (const [key, more, code, exit] of [
    ['hashivault://nobody', {}, 'ERR_KEY_NOT_FOUND', 2],
    ['hashivault://release', { VAULT_TOKEN: 'hvs.wrong' }, 'ERR_KEY_DENIED', 3],
    ['awskms:///alias/nobody', {}, 'ERR_KEY_NOT_FOUND', 2],
    ['awskms:///alias/release', { AWS_SECRET_ACCESS_KEY: 'hvs.wrong' }, 'ERR_KEY_DENIED', 3],
    ['nothing://release', {}, 'ERR_KEY_PROVIDER_MISSING', 2],
  ] as const) {
    const result = await run(key, more);
    assert.equal(result.code, exit, result.stderr);
    assert.ok(result.stderr.includes(`code: ${code}`), result.stderr);
    assert.doesNotMatch(result.stderr, /hvs\.wrong|\n {4}at /);
  }
  assert.deepEqual(
    registry.journal.filter(({ method }) => method !== 'GET' && method !== 'HEAD'),
    [],
  );
});

test('import-key-pair makes a pair of files that signs and verifies, and overwrites nothing', async (t) => {
  const folder = folderFor(t);
  const { privateKey, publicKey } = generateKeyPair('ecdsa-p384');
  const path = (name: string): string => join(folder, name);
  writeFileSync(path('plain.pem'), privateKey.export({ format: 'pem', type: 'sec1' }));
  writeFileSync(path('encrypted.pem'), privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'old' }));
  writeFileSync(path('old'), 'old\n');
  const env = { COSIGN_PASSWORD: 'new', HOME: folder };
  const imported = async (key: string, prefix: string, ...more: string[]) =>
    sealward(['import-key-pair', '--key', path(key), '--output-key-prefix', path(prefix), ...more], { env });
  for (const [key, prefix, more] of [
    ['plain.pem', 'a', []],
    ['encrypted.pem', 'b', ['--import-password-file', path('old')]],
  ] as const) {
    const { code, stderr } = await imported(key, prefix, ...more);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /encrypted\..*ECDSA P-384/s);
    assert.equal(readFileSync(path(`${prefix}.pub`), 'utf8'), encodePublicKeyPem(publicKey));
    assert.equal((await sealward(['public-key', '--key', path(`${prefix}.key`)], { env })).stdout, encodePublicKeyPem(publicKey));
  }
  const again = await imported('plain.pem', 'a');
  assert.deepEqual([again.code, /ERR_FILE_EXISTS/.test(again.stderr)], [2, true], again.stderr);
  writeFileSync(path('wrong'), 'wrong');
  const closed = await imported('encrypted.pem', 'c', '--import-password-file', path('wrong'));
  assert.deepEqual([closed.code, /ERR_KEY_PASSWORD/.test(closed.stderr)], [2, true], closed.stderr);
  const kind = await imported('a.pub', 'd');
  assert.match(kind.stderr, /is a "PUBLIC KEY" where a private key is expected/);
});
