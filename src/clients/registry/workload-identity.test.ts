import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { digestOf, formatDigest, parseReference } from '../../core/artifact/index.ts';
import { encodeBase64, utf8 } from '../../core/encoding/index.ts';
import { fails } from '../../../test/loopback.ts';
import { FakeInternet, type Host, type HostAsked } from '../../../test/fakes/internet.ts';
import { FixedClock } from '../../testing/index.ts';
import { HttpClient, parseProxyEnvironment } from '../http/index.ts';
import { type Cloud, RegistryClient, workloadIdentity } from './index.ts';

const ECR = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const OTHER_ECR = '444455556666.dkr.ecr.eu-west-1.amazonaws.com';
const digest = formatDigest(digestOf(utf8('manifest')));
const CANARIES = ['canary', encodeBase64(utf8('AWS:canary-ecr'))];

/** A registry behind the names that a cloud gives, which knows one Authorization header. */
const registry =
  (challenge: string, wanted: string): Host =>
  ({ headers }) =>
    headers.authorization === wanted
      ? { status: 200, body: '', headers: { 'docker-content-digest': digest } }
      : { status: 401, body: '', headers: { 'www-authenticate': challenge } };

const basic = (user: string, password: string): string => `Basic ${encodeBase64(utf8(`${user}:${password}`))}`;

interface Setting {
  readonly clouds?: readonly Cloud[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly metadata?: boolean;
}

async function setting(
  t: TestContext,
  hosts: Readonly<Record<string, Host>>,
  { clouds = ['aws', 'google', 'azure'], environment = {}, files = {}, metadata }: Setting,
) {
  const internet = await new FakeInternet(hosts).start();
  const clock = new FixedClock({ skipSleep: true, start: Date.UTC(2026, 0, 1) });
  const proxied = { ...internet.proxy, ...environment };
  const tls = { ca: [internet.ca] };
  const credentials = workloadIdentity({
    clouds,
    environment: proxied,
    clock,
    tls,
    readFile: (path) => utf8(files[path] ?? assert.fail(`${path} is read`)),
    ...(metadata === undefined ? {} : { metadata }),
  });
  const client = new RegistryClient({ http: new HttpClient({ clock, tls, proxy: parseProxyEnvironment(proxied) }), credentials });
  t.after(() => (client.close(), internet.close()));
  const resolve = async (reference: string): Promise<string> => {
    const found = await client.resolve(parseReference(reference));
    if (found.state === 'unavailable') {
      for (const canary of CANARIES) assert.ok(!`${found.cause.stack} ${found.cause.hint}`.includes(canary), 'nothing secret is told');
      throw found.cause;
    }
    return found.state;
  };
  const find = (host: string) => credentials.find({ registry: host, repository: 'team/app', deadline: clock.now() + 10_000 });
  return { internet, clock, resolve, find };
}

/** STS and ECR, with names of hosts that the real ones have. */
function amazon(): Record<string, Host> {
  const token = encodeBase64(utf8('AWS:canary-ecr'));
  const signed = ({ headers }: HostAsked, service: string, region: string): boolean =>
    new RegExp(`^AWS4-HMAC-SHA256 Credential=AKIDTEMPORARY/20260101/${region}/${service}/aws4_request, `).test(headers.authorization ?? '') &&
    headers['x-amz-security-token'] === 'canary-session';
  const ecr =
    (region: string): Host =>
    (asked) =>
      signed(asked, 'ecr', region) && asked.headers['x-amz-target'] === 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken'
        ? { status: 200, body: { authorizationData: [{ authorizationToken: token, expiresAt: Date.UTC(2026, 0, 1, 12) / 1000 }] } }
        : { status: 400, body: { __type: 'UnrecognizedClientException', message: `no ${asked.headers.authorization}` } };
  const door = registry('Basic realm="https://ecr.example/"', basic('AWS', 'canary-ecr'));
  return {
    'sts.eu-west-1.amazonaws.com': ({ body }) =>
      new URLSearchParams(body).get('WebIdentityToken') === 'canary-web-identity'
        ? {
            status: 200,
            body: {
              AssumeRoleWithWebIdentityResponse: {
                AssumeRoleWithWebIdentityResult: {
                  Credentials: {
                    AccessKeyId: 'AKIDTEMPORARY',
                    SecretAccessKey: 'canary-secret',
                    SessionToken: 'canary-session',
                    Expiration: Date.UTC(2026, 0, 1, 1) / 1000,
                  },
                },
              },
            },
          }
        : { status: 400, body: { Error: { Code: 'InvalidIdentityToken', Message: 'canary' } } },
    'api.ecr.eu-west-1.amazonaws.com': ecr('eu-west-1'),
    'ecr-fips.us-east-1.amazonaws.com': ecr('us-east-1'),
    'api.ecr.cn-north-1.amazonaws.com.cn': ecr('cn-north-1'),
    'api.ecr-public.us-east-1.amazonaws.com': (asked) =>
      signed(asked, 'ecr-public', 'us-east-1') && asked.headers['x-amz-target'] === 'SpencerFrontendService.GetAuthorizationToken'
        ? { status: 200, body: { authorizationData: { authorizationToken: token, expiresAt: Date.UTC(2026, 0, 1, 12) / 1000 } } }
        : { status: 403, body: { __type: 'AccessDeniedException' } },
    [ECR]: door,
    [OTHER_ECR]: door,
    'public.ecr.aws': door,
  };
}
const AWS: Setting = {
  environment: { AWS_REGION: 'eu-west-1', AWS_ROLE_ARN: 'arn:aws:iam::1:role/reader', AWS_WEB_IDENTITY_TOKEN_FILE: '/token' },
  files: { '/token': 'canary-web-identity\n' },
};

describe('Amazon ECR', () => {
  it('is opened by the role of a web identity: one token for a region, for all who wait, until it ends', async (t) => {
    const { internet, clock, resolve } = await setting(t, amazon(), AWS);
    const asked = ['a', 'b', 'c', 'd'].map((name) => resolve(`${ECR}/${name}:1`));
    assert.deepEqual(await Promise.all([...asked, resolve(`${OTHER_ECR}/team/app:1`)]), Array(5).fill('complete'));
    assert.deepEqual([internet.to('sts.eu-west-1.amazonaws.com').length, internet.to('api.ecr.eu-west-1.amazonaws.com').length], [1, 1]);
    clock.advance(12 * 3600_000 - 5 * 60_000 - 1);
    await resolve(`${ECR}/a:1`);
    assert.equal(internet.to('api.ecr.eu-west-1.amazonaws.com').length, 1);
    clock.advance(1);
    await resolve(`${ECR}/a:1`);
    assert.equal(internet.to('api.ecr.eu-west-1.amazonaws.com').length, 2);
  });

  it('has other addresses for FIPS, for China and for what is public', async (t) => {
    const { internet, find } = await setting(t, amazon(), AWS);
    const password = { kind: 'password', username: 'AWS', password: 'canary-ecr' };
    for (const host of ['111122223333.dkr.ecr-fips.us-east-1.amazonaws.com', '111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn', 'public.ecr.aws'])
      assert.deepEqual(await find(host), password, host);
    assert.deepEqual(internet.connected.slice(1), [
      'ecr-fips.us-east-1.amazonaws.com',
      'api.ecr.cn-north-1.amazonaws.com.cn',
      'api.ecr-public.us-east-1.amazonaws.com',
    ]);
  });

  it('is opened by the identity of a pod: the address and the token file that EKS names', async (t) => {
    const agent = createServer(({ url, headers }, response) => {
      const genuine = url === '/v1/credentials' && headers.authorization === 'canary-pod';
      response.writeHead(genuine ? 200 : 401);
      response.end(
        JSON.stringify({ AccessKeyId: 'AKIDTEMPORARY', SecretAccessKey: 'canary-secret', Token: 'canary-session', Expiration: '2026-01-01T06:00:00Z' }),
      );
    });
    await new Promise<void>((listening) => agent.listen(0, '127.0.0.1', listening));
    t.after(() => agent.close());
    const environment = {
      AWS_REGION: 'eu-west-1',
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${(agent.address() as AddressInfo).port}/v1/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/pod',
    };
    const good = await setting(t, amazon(), { environment, files: { '/pod': 'canary-pod\n' } });
    assert.equal(await good.resolve(`${ECR}/team/app:1`), 'complete');
    const bad = await setting(t, amazon(), { environment, files: { '/pod': 'canary-of-another' } });
    await assert.rejects(bad.resolve(`${ECR}/team/app:1`), fails('ERR_REGISTRY_UNAUTHENTICATED'));
  });

  it('says why it stays closed, and nothing that is secret', async (t) => {
    const forged = await setting(t, amazon(), { ...AWS, files: { '/token': 'canary-forged' } });
    await assert.rejects(forged.resolve(`${ECR}/team/app:1`), fails('ERR_REGISTRY_UNAUTHENTICATED'));
    const none = await setting(t, amazon(), { environment: { AWS_REGION: 'eu-west-1' } });
    await assert.rejects(none.resolve(`${ECR}/team/app:1`), fails('ERR_REGISTRY_UNAUTHENTICATED'));
    assert.deepEqual(none.internet.connected, [], 'nor is the metadata service asked, which nobody named');
    const { 'api.ecr.eu-west-1.amazonaws.com': _, ...without } = amazon();
    const down = await setting(t, without, AWS);
    await assert.rejects(down.resolve(`${ECR}/team/app:1`), fails('ERR_REGISTRY_UNREACHABLE'));
    const odd = await setting(t, { ...amazon(), 'api.ecr.eu-west-1.amazonaws.com': () => ({ status: 200, body: { authorizationData: [] } }) }, AWS);
    await assert.rejects(odd.resolve(`${ECR}/team/app:1`), fails('ERR_REGISTRY_FAILED'));
  });
});

const GAR = 'europe-west1-docker.pkg.dev';
const external = {
  type: 'external_account',
  audience: '//iam.googleapis.com/pool',
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  token_url: 'https://sts.googleapis.com/v1/token',
  credential_source: { file: '/subject' },
};

function google(serviceKey?: string): Record<string, Host> {
  const granted = { status: 200, body: { access_token: 'canary-google', expires_in: 3600 } };
  const door: Host = (asked) => {
    if (asked.url.pathname === '/v2/token') {
      const known = asked.headers.authorization === basic('oauth2accesstoken', 'canary-google');
      return known ? { status: 200, body: { token: 'canary-scoped' } } : { status: 403, body: {} };
    }
    return registry(`Bearer realm="https://${asked.host}/v2/token",service="${asked.host}"`, 'Bearer canary-scoped')(asked);
  };
  return {
    'sts.googleapis.com': ({ body }) =>
      new URLSearchParams(body).get('subject_token') === 'canary-subject' ? granted : { status: 400, body: { error: 'invalid_grant' } },
    'oauth2.googleapis.com': ({ body }) => {
      const [header = '', claims = '', signature = ''] = (new URLSearchParams(body).get('assertion') ?? '').split('.');
      const genuine = serviceKey && verify('sha256', Buffer.from(`${header}.${claims}`), createPublicKey(serviceKey), Buffer.from(signature, 'base64url'));
      return genuine ? granted : { status: 400, body: { error: 'invalid_grant' } };
    },
    [GAR]: door,
    'eu.gcr.io': door,
  };
}

describe('Google Artifact Registry', () => {
  it('is opened by a federated identity, and by the key of a service account', async (t) => {
    const files = { '/google.json': JSON.stringify(external), '/subject': 'canary-subject' };
    const environment = { GOOGLE_APPLICATION_CREDENTIALS: '/google.json' };
    const federated = await setting(t, google(), { environment, files });
    assert.equal(await federated.resolve(`${GAR}/project/repo/app:1`), 'complete');
    assert.equal(await federated.resolve('eu.gcr.io/project/app:1'), 'complete');
    assert.equal(federated.internet.to('sts.googleapis.com').length, 1, 'one token for both');
    const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'pem', type: 'pkcs8' });
    const account = { type: 'service_account', client_email: 'reader@p.iam', private_key: key, token_uri: 'https://oauth2.googleapis.com/token' };
    const own = await setting(t, google(key), { environment, files: { '/google.json': JSON.stringify(account) } });
    assert.equal(await own.resolve(`${GAR}/project/repo/app:1`), 'complete');
    const stolen = await setting(t, google(), { environment, files: { ...files, '/subject': 'canary-stolen' } });
    await assert.rejects(stolen.resolve(`${GAR}/project/repo/app:1`), fails('ERR_REGISTRY_UNAUTHENTICATED'));
  });

  it('is opened by the metadata service of the machine where that is switched on, and only there', async (t) => {
    let asked = 0;
    const metadata = createServer(({ headers }, response) => {
      asked++;
      const known = headers['metadata-flavor'] === 'Google';
      response.writeHead(known ? 200 : 403).end(JSON.stringify({ access_token: 'canary-google', expires_in: 3600 }));
    });
    await new Promise<void>((listening) => metadata.listen(0, '127.0.0.1', listening));
    t.after(() => metadata.close());
    const environment = { GCE_METADATA_HOST: `127.0.0.1:${(metadata.address() as AddressInfo).port}` };
    const off = await setting(t, google(), { environment });
    await assert.rejects(off.resolve(`${GAR}/project/repo/app:1`), fails('ERR_REGISTRY_UNAUTHENTICATED'));
    assert.equal(asked, 0);
    const on = await setting(t, google(), { environment, metadata: true });
    assert.equal(await on.resolve(`${GAR}/project/repo/app:1`), 'complete');
    assert.equal(asked, 1);
  });
});

const ACR = 'contoso.azurecr.io';
const jwt = (claims: object): string => ['e30', Buffer.from(JSON.stringify(claims)).toString('base64url'), 'canary-signature'].join('.');

function azure(refresh: string): Record<string, Host> {
  const door: Host = (asked) => {
    const form = new URLSearchParams(asked.body);
    if (asked.url.pathname === '/oauth2/exchange') {
      const known = form.get('grant_type') === 'access_token' && form.get('service') === asked.host && form.get('access_token') === 'canary-entra';
      return known ? { status: 200, body: { refresh_token: refresh } } : { status: 401, body: {} };
    }
    if (asked.url.pathname === '/oauth2/token')
      return form.get('refresh_token') === refresh && form.get('scope') === 'repository:team/app:pull'
        ? { status: 200, body: { access_token: 'canary-scoped' } }
        : { status: 401, body: {} };
    return registry(`Bearer realm="https://${asked.host}/oauth2/token",service="${asked.host}"`, 'Bearer canary-scoped')(asked);
  };
  return {
    'login.microsoftonline.com': ({ url, body }) => {
      const form = new URLSearchParams(body);
      const known =
        url.pathname === '/tenant/oauth2/v2.0/token' &&
        form.get('client_assertion') === 'canary-federated' &&
        form.get('scope') === 'https://containerregistry.azure.net/.default';
      return known ? { status: 200, body: { access_token: 'canary-entra', expires_in: 3600 } } : { status: 401, body: { error: 'invalid_client' } };
    },
    [ACR]: door,
    'fabrikam-x1.azurecr.io': door,
  };
}
const AZURE: Setting = {
  environment: { AZURE_TENANT_ID: 'tenant', AZURE_CLIENT_ID: 'client', AZURE_FEDERATED_TOKEN_FILE: '/token' },
  files: { '/token': 'canary-federated\n' },
};

describe('Azure Container Registry', () => {
  it('is opened by the federated token of a workload: exchanged once for each registry until that ends', async (t) => {
    const refresh = jwt({ exp: Date.UTC(2026, 0, 1, 3) / 1000 });
    const { internet, clock, resolve } = await setting(t, azure(refresh), AZURE);
    const exchanged = (): number => internet.asked.filter(({ url }) => url.pathname === '/oauth2/exchange').length;
    assert.deepEqual(await Promise.all([1, 2, 3].map((n) => resolve(`${ACR}/team/app:${n}`))), Array(3).fill('complete'));
    assert.equal(exchanged(), 1);
    assert.equal(await resolve('fabrikam-x1.azurecr.io/team/app:1'), 'complete');
    assert.deepEqual([exchanged(), internet.to('login.microsoftonline.com').length], [2, 1]);
    clock.advance(3 * 3600_000 - 5 * 60_000);
    await resolve(`${ACR}/team/app:1`);
    assert.equal(exchanged(), 3);
  });

  it('takes an hour for granted where a token does not say when it ends', async (t) => {
    const { internet, clock, resolve } = await setting(t, azure('canary-opaque'), AZURE);
    await resolve(`${ACR}/team/app:1`);
    clock.advance(3600_000 - 5 * 60_000);
    await resolve(`${ACR}/team/app:1`);
    assert.equal(internet.asked.filter(({ url }) => url.pathname === '/oauth2/exchange').length, 2);
  });

  it('stays closed for a token that Entra does not take', async (t) => {
    const { internet, resolve } = await setting(t, azure('x'), { ...AZURE, files: { '/token': 'canary-stolen' } });
    await assert.rejects(resolve(`${ACR}/team/app:1`), fails('ERR_REGISTRY_UNAUTHENTICATED'));
    assert.deepEqual(internet.to(ACR), []);
  });
});

describe('the identity of a workload', () => {
  it('goes to the exact hosts of the clouds that were named, and to none that only looks alike', async (t) => {
    const everything = { ...amazon(), ...google(), ...azure('x') };
    const files = { ...AWS.files, '/google.json': JSON.stringify(external), '/subject': 'canary-subject' };
    const all = await setting(t, everything, {
      environment: { ...AWS.environment, ...AZURE.environment, GOOGLE_APPLICATION_CREDENTIALS: '/google.json' },
      files,
    });
    const alike = [
      `${ECR}.evil.example`,
      `evil.${ECR}`,
      `${ECR}:8443`,
      '1111.dkr.ecr.eu-west-1.amazonaws.com',
      '111122223333.dkr.ecr.eu-west-1.amazonaws.com.cn',
      '111122223333.dkr.ecr.cn-north-1.amazonaws.com',
      '111122223333.dkr.ecr.eu-west-1.evil.amazonaws.com',
      '111122223333xdkr.ecr.eu-west-1.amazonaws.com',
      'public.ecr.aws.evil.example',
      'notpublic.ecr.aws',
      'docker.pkg.dev',
      'evil.europe-west1-docker.pkg.dev',
      'europe-west1-docker.pkg.dev.evil.example',
      'europe-west1-docker-pkg.dev',
      'evilgcr.io',
      'xx.gcr.io',
      'gcr.io.evil.example',
      'azurecr.io',
      'a.b.azurecr.io',
      'contoso.azurecr.io.evil.example',
      'contosoazurecr.io',
      'contoso.azurecr.io:5000',
      'registry.example',
    ];
    for (const host of alike) assert.equal(await all.find(host), undefined, host);
    assert.deepEqual(all.internet.connected, []);
    const some = await setting(t, everything, { ...AWS, clouds: ['google'] });
    for (const host of [ECR, 'public.ecr.aws', ACR]) assert.equal(await some.find(host), undefined, host);
    assert.deepEqual(some.internet.connected, []);
  });

  it('keeps tokens for no more hosts than a bound, whatever pods name', async (t) => {
    const hosts = Array.from({ length: 65 }, (_, n) => `r${n}.azurecr.io`);
    const door = azure('canary-opaque')[ACR] as Host;
    const { internet, find } = await setting(t, { ...azure('x'), ...Object.fromEntries(hosts.map((host) => [host, door])) }, AZURE);
    for (const host of hosts) assert.ok(await find(host));
    assert.ok(await find(hosts[0] ?? ''));
    assert.equal(internet.to('r0.azurecr.io').length, 2, 'the first one was forgotten');
  });
});
