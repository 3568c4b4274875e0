/** Where the credentials for key services come from, by the conventions of each cloud; and a Secret of Kubernetes. */
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { type KeyOptions, openPublicKey, openSigner, sealKeyFile } from '../../src/clients/signers/index.ts';
import { encodePublicKeyPem, generateKeyPair } from '../../src/core/crypto/index.ts';
import { utf8 } from '../../src/core/encoding/index.ts';
import { createTlsAuthority, FixedClock } from '../../src/testing/index.ts';
import { AWS_ACCESS, FakeAwsKms } from '../fakes/aws-kms.ts';
import { AZURE_CLIENT, FakeAzureKeyVault } from '../fakes/azure-key-vault.ts';
import { FakeGoogleKms, GOOGLE_TOKEN } from '../fakes/google-kms.ts';
import { fakeAuthority, KeyServer } from '../fakes/key-server.ts';
import { FakeKubernetes, KUBERNETES_TOKEN } from '../fakes/kubernetes-api.ts';
import { fails } from './refusals.ts';

const tls = { ca: [fakeAuthority] };
const { privateKey, publicKey } = generateKeyPair('ecdsa-p256');

async function started<S extends KeyServer>(t: TestContext, server: S): Promise<S> {
  await server.start();
  t.after(() => server.close());
  return server;
}

/** A disk of these files and no others. */
const disk =
  (files: Readonly<Record<string, string>>): NonNullable<KeyOptions['readFile']> =>
  (path) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(`ENOENT ${path}`), { code: 'ENOENT' });
    return utf8(text);
  };

async function aws(
  t: TestContext,
): Promise<{ server: FakeAwsKms; open: (environment: Record<string, string>, files?: Record<string, string>) => Promise<string> }> {
  const server = await started(t, new FakeAwsKms());
  server.add('12345678-1234-1234-1234-123456789012', privateKey, 'alias/release');
  const base = { AWS_ENDPOINT_URL: server.url, AWS_EC2_METADATA_DISABLED: 'true', HOME: '/users/me' };
  return {
    server,
    open: async (environment, files = {}) =>
      (await openPublicKey('awskms:///alias/release', { environment: { ...base, ...environment }, readFile: disk(files), tls })).fingerprint,
  };
}

const { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey } = AWS_ACCESS;

test('AWS: keys and region of a profile, the default one or another', async (t) => {
  const { open } = await aws(t);
  const credentials = `[default]\naws_access_key_id = ${accessKey}\naws_secret_access_key = ${secretKey}\n\n[ci]\naws_access_key_id=X\naws_secret_access_key=Y\n`;
  const config = '[default]\nregion = eu-west-1\ns3 =\n  max_queue_size = 100\n\n[profile ci]\nregion = us-east-1\n';
  const files = { '/users/me/.aws/credentials': credentials, '/users/me/.aws/config': config };
  assert.equal(await open({}, files), publicKey.fingerprint);
  await assert.rejects(open({ AWS_PROFILE: 'ci' }, files), fails('ERR_KEY_DENIED', /InvalidSignature/));
  await assert.rejects(open({ AWS_PROFILE: 'nobody' }, files), fails('ERR_KEY_PROVIDER_MISSING', /AWS_REGION/));
  await assert.rejects(open({ AWS_REGION: 'eu-west-1' }), fails('ERR_KEY_DENIED', /no credentials of AWS were found/));
});

test('AWS: the web identity token of a CI becomes temporary credentials, once until they end', async (t) => {
  const { server, open } = await aws(t);
  const environment = { AWS_REGION: 'eu-west-1', AWS_ROLE_ARN: 'arn:aws:iam::1:role/signer', AWS_WEB_IDENTITY_TOKEN_FILE: '/token' };
  assert.equal(await open(environment, { '/token': `${server.webIdentityToken}\n` }), publicKey.fingerprint);
  assert.equal(server.requests.at(-1)?.headers['x-amz-security-token'], 'a session');
  await assert.rejects(open(environment, { '/token': 'a forged token' }), fails('ERR_KEY_DENIED', /InvalidIdentityToken/, 'a forged token'));
  const signer = await openSigner('awskms:///alias/release', {
    environment: { ...environment, AWS_ENDPOINT_URL: server.url },
    readFile: disk({ '/token': server.webIdentityToken }),
    tls,
  });
  const before = server.requests.length;
  await signer.sign(utf8('one'));
  await signer.sign(utf8('two'));
  assert.equal(server.requests.length - before, 2, 'one request for each signature, and none for credentials');
});

test('AWS: the address that a container names, with its token', async (t) => {
  const { open } = await aws(t);
  const container = await started(
    t,
    new KeyServer(({ headers }) =>
      headers.authorization === 'the pod'
        ? { status: 200, body: { AccessKeyId: accessKey, SecretAccessKey: secretKey, Token: 'a session', Expiration: '2099-01-01T00:00:00Z' } }
        : { status: 401, body: { message: `no ${headers.authorization}` } },
    ),
  );
  const environment = {
    AWS_REGION: 'eu-west-1',
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${container.url}/v1/credentials`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/token',
  };
  assert.equal(await open(environment, { '/token': 'the pod' }), publicKey.fingerprint);
  await assert.rejects(open(environment, { '/token': 'a stranger' }), fails('ERR_KEY_DENIED', /credentials of this container/, 'a stranger'));
  await assert.rejects(
    open({ ...environment, AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://example.com/' }, { '/token': 'x' }),
    fails('ERR_CONFIG_INVALID', /plain HTTP/),
  );
});

/** The token services of Google: a service account, a user, a workload of another cloud. */
async function google(
  t: TestContext,
): Promise<{ tokens: KeyServer; open: (file: unknown, more?: Record<string, string>) => Promise<string>; serviceKey: string }> {
  const kms = await started(t, new FakeGoogleKms());
  const service = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'pem', type: 'pkcs8' });
  const tokens: KeyServer = await started(
    t,
    new KeyServer(({ url, headers, body }) => {
      const form = new URLSearchParams(body.toString());
      const grant = { status: 200, body: { access_token: GOOGLE_TOKEN, expires_in: 3600 } };
      if (url.pathname === '/impersonate')
        return headers.authorization === 'Bearer federated'
          ? { status: 200, body: { accessToken: GOOGLE_TOKEN, expireTime: '2099-01-01T00:00:00Z' } }
          : { status: 403, body: {} };
      if (url.pathname === '/subject')
        return headers.authorization === 'bearer runner' ? { status: 200, body: { value: 'subject' } } : { status: 401, body: {} };
      if (form.get('grant_type')?.endsWith('token-exchange'))
        return form.get('subject_token') === 'subject'
          ? { status: 200, body: { access_token: 'federated', expires_in: 3600 } }
          : { status: 400, body: { error: 'invalid_grant' } };
      const [header = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.');
      const genuine = verify('sha256', Buffer.from(`${header}.${claims}`), createPublicKey(service), Buffer.from(signature, 'base64url'));
      const { iss, scope } = JSON.parse(Buffer.from(claims, 'base64url').toString() || '{}') as Record<string, unknown>;
      if (genuine && iss === 'signer@p.iam' && scope === 'https://www.googleapis.com/auth/cloud-platform') return grant;
      return { status: 400, body: { error: 'invalid_grant', error_description: `Invalid JWT: ${form.get('assertion')}` } };
    }),
  );
  kms.add('projects/p/locations/l/keyRings/r/cryptoKeys/k', privateKey);
  return {
    tokens,
    serviceKey: service,
    open: async (file, more = {}) => {
      const environment = { GOOGLE_APPLICATION_CREDENTIALS: '/credentials.json', CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS: kms.url };
      const readFile = disk({ '/credentials.json': JSON.stringify(file), ...more });
      return (await openPublicKey('gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k', { environment, readFile, tls })).fingerprint;
    },
  };
}

test('Google: a service account signs for itself', async (t) => {
  const { tokens, open, serviceKey } = await google(t);
  const file = { type: 'service_account', client_email: 'signer@p.iam', private_key_id: '1', private_key: serviceKey, token_uri: `${tokens.url}/token` };
  assert.equal(await open(file), publicKey.fingerprint);
  const strange = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'pem', type: 'pkcs8' });
  await assert.rejects(open({ ...file, private_key: strange }), fails('ERR_KEY_DENIED', /Invalid JWT: \.\.\./));
  await assert.rejects(open({ ...file, private_key: 'none' }), fails('ERR_CONFIG_INVALID', /no usable private key/));
  await assert.rejects(open({ ...file, type: 'gdch_service_account' }), fails('ERR_CONFIG_INVALID', /gdch_service_account/));
});

test('Google: the identity of another cloud or CI is exchanged, from a file or an address', async (t) => {
  const { tokens, open } = await google(t);
  const base = { type: 'external_account', audience: '//iam/pool', subject_token_type: 'urn:ietf:params:oauth:token-type:jwt', token_url: `${tokens.url}/sts` };
  const impersonating = { ...base, service_account_impersonation_url: `${tokens.url}/impersonate` };
  assert.equal(await open({ ...impersonating, credential_source: { file: '/subject' } }, { '/subject': 'subject\n' }), publicKey.fingerprint);
  const fromUrl = { url: `${tokens.url}/subject`, headers: { Authorization: 'bearer runner' }, format: { type: 'json', subject_token_field_name: 'value' } };
  assert.equal(await open({ ...impersonating, credential_source: fromUrl }), publicKey.fingerprint);
  await assert.rejects(open({ ...impersonating, credential_source: { file: '/subject' } }, { '/subject': 'stolen' }), fails('ERR_KEY_DENIED', /invalid_grant/));
  await assert.rejects(open({ ...base, credential_source: { executable: { command: 'rm -rf ~' } } }), fails('ERR_CONFIG_INVALID', /a file and a URL are/));
});

test('Azure: a client secret, or the federated token of a workload', async (t) => {
  const server = await started(t, new FakeAzureKeyVault());
  server.add('release', privateKey);
  const open = (environment: Record<string, string>, files: Record<string, string> = {}): Promise<unknown> =>
    openPublicKey(`azurekms://${server.host}/release`, { environment: { AZURE_AUTHORITY_HOST: server.url, ...environment }, readFile: disk(files), tls });
  const { AZURE_CLIENT_SECRET: _, ...client } = AZURE_CLIENT;
  await open(AZURE_CLIENT);
  await open({ ...client, AZURE_FEDERATED_TOKEN_FILE: '/token' }, { '/token': 'a federated token\n' });
  await assert.rejects(open({ ...AZURE_CLIENT, AZURE_CLIENT_SECRET: 'a wrong secret' }), fails('ERR_KEY_DENIED', /invalid_client/, 'a wrong secret'));
  await assert.rejects(
    open({ ...client, AZURE_FEDERATED_TOKEN_FILE: '/token' }, { '/token': 'a stolen token' }),
    fails('ERR_KEY_DENIED', /invalid_client/, 'a stolen token'),
  );
});

test('Azure: a machine has an identity of its own, and where nothing is found it says what to set', async (t) => {
  const server = await started(t, new FakeAzureKeyVault());
  server.add('release', privateKey);
  const machine = await started(
    t,
    new KeyServer(({ headers, url }) =>
      headers['metadata'] === 'true' && url.searchParams.get('resource') === 'https://vault.azure.net'
        ? { status: 200, body: { access_token: 'an-access-token-of-the-fake', expires_in: '3599' } }
        : { status: 400, body: {} },
    ),
  );
  const open = (environment: Record<string, string>): Promise<unknown> => openPublicKey(`azurekms://${server.host}/release`, { environment, tls });
  const host = { AZURE_POD_IDENTITY_AUTHORITY_HOST: machine.url };
  await open(host);
  await machine.close();
  await assert.rejects(open({ ...host, PATH: '' }), fails('ERR_KEY_DENIED', /no credentials of Azure.*az login/));
});

const PASSWORD = 'a password';
const sealed = await sealKeyFile(privateKey, PASSWORD);

async function cluster(t: TestContext): Promise<FakeKubernetes> {
  const server = await started(t, new FakeKubernetes());
  server.secrets.set('ci/release', { 'cosign.key': sealed, 'cosign.password': PASSWORD, 'cosign.pub': encodePublicKeyPem(publicKey) });
  server.secrets.set('ci/asking', { 'cosign.key': sealed });
  return server;
}

function kubeconfig(server: string, user: string, more = ''): string {
  const authority = Buffer.from(fakeAuthority).toString('base64');
  return `apiVersion: v1
current-context: here
clusters: [{ name: c, cluster: { server: "${server}", certificate-authority-data: ${authority}${more} } }]
users: [{ name: u, user: ${user} }]
contexts: [{ name: here, context: { cluster: c, user: u } }]
`;
}

test('Kubernetes: the service account of a pod', async (t) => {
  const server = await cluster(t);
  const [host = '', port = ''] = server.host.split(':');
  const folder = '/var/run/secrets/kubernetes.io/serviceaccount';
  const readFile = disk({ [`${folder}/token`]: `${KUBERNETES_TOKEN}\n`, [`${folder}/ca.crt`]: fakeAuthority });
  const options = { environment: { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port }, readFile };
  const signer = await openSigner('k8s://ci/release', options);
  await signer.sign(utf8('x'));
  assert.equal((await openPublicKey('k8s://ci/release', options)).fingerprint, publicKey.fingerprint);
});

test('Kubernetes: a password that the Secret does not hold is asked for; what is not there or forbidden is said', async (t) => {
  const server = await cluster(t);
  const readFile = disk({ '/config': kubeconfig(server.url, `{ token: ${KUBERNETES_TOKEN} }`), '/stranger': kubeconfig(server.url, '{ token: a-stranger }') });
  const environment = { KUBECONFIG: '/config' };
  await openSigner('k8s://ci/asking', { environment, readFile, secret: async () => PASSWORD });
  await assert.rejects(openSigner('k8s://ci/asking', { environment, readFile }), fails('ERR_KEY_PASSWORD', /k8s:\/\/ci\/asking needs a password/));
  await assert.rejects(openPublicKey('k8s://ci/asking', { environment, readFile }), fails('ERR_KEY_NOT_FOUND', /holds no cosign.pub/));
  await assert.rejects(openSigner('k8s://ci/nobody', { environment, readFile }), fails('ERR_KEY_NOT_FOUND', /not found/));
  await assert.rejects(openSigner('k8s://forbidden/release', { environment, readFile }), fails('ERR_KEY_DENIED', /cannot get resource/));
  await assert.rejects(
    openSigner('k8s://ci/release', { environment: { KUBECONFIG: '/stranger' }, readFile }),
    fails('ERR_KEY_DENIED', /Unauthorized/, 'a-stranger'),
  );
});

test('Kubernetes: a client certificate, files beside the kubeconfig, several kubeconfigs', async (t) => {
  const authority = createTlsAuthority('clients');
  const { cert, key } = authority.issue('signer');
  const server = await cluster(t);
  const path = (name: string): string => `/users/me/.kube/${name}`;
  const files = {
    [path('config')]: kubeconfig(server.url, '{ client-certificate: client.crt, client-key: client.key, tokenFile: token }'),
    [path('client.crt')]: cert,
    [path('client.key')]: key,
    [path('token')]: `${KUBERNETES_TOKEN}\n`,
    '/other': 'current-context: here\nusers: []\n',
  };
  await openPublicKey('k8s://ci/release', { environment: { HOME: '/users/me' }, readFile: disk(files) });
  await openPublicKey('k8s://ci/release', { environment: { KUBECONFIG: `/missing:/other:${path('config')}` }, readFile: disk(files) });
  await assert.rejects(
    openPublicKey('k8s://ci/release', { environment: { KUBECONFIG: '/other' }, readFile: disk(files) }),
    fails('ERR_CONFIG_INVALID', /no current context/),
  );
  await assert.rejects(
    openPublicKey('k8s://ci/release', { environment: { KUBECONFIG: '/missing' }, readFile: disk({}) }),
    fails('ERR_KEY_PROVIDER_MISSING', /KUBECONFIG/),
  );
});

const refusedUsers: readonly (readonly [string, string, string, RegExp])[] = [
  ['runs a program', '{ exec: { command: aws } }', '', /authenticates with exec/],
  ['asks a provider', '{ auth-provider: { name: oidc } }', '', /authenticates with auth-provider/],
  ['has a password', '{ username: a, password: b }', '', /authenticates with username/],
  ['skips the verification of TLS', '{ token: x }', ', insecure-skip-tls-verify: true', /skip the verification of TLS/],
];
for (const [what, user, more, words] of refusedUsers) {
  test(`Kubernetes: a kubeconfig that ${what} is refused by name`, async () => {
    const readFile = disk({ '/config': kubeconfig('https://127.0.0.1:1', user, more) });
    await assert.rejects(openPublicKey('k8s://ci/release', { environment: { KUBECONFIG: '/config' }, readFile }), fails('ERR_CONFIG_INVALID', words));
  });
}

for (const [what, text] of [
  ['no YAML', '{'],
  ['a list', '[]'],
  ['empty', ''],
  ['a server over plain HTTP', kubeconfig('http://example.com', '{ token: x }')],
] as const) {
  test(`Kubernetes: a kubeconfig that is ${what} is refused`, async () => {
    const readFile = disk({ '/config': text });
    await assert.rejects(
      openPublicKey('k8s://ci/release', { environment: { KUBECONFIG: '/config' }, readFile, clock: new FixedClock() }),
      fails('ERR_CONFIG_INVALID'),
    );
  });
}
