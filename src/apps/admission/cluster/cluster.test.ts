/** What the webhook reads and writes in its cluster, against an API server over HTTPS, with no more rights than it needs. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it, type TestContext } from 'node:test';
import { KubernetesClient } from '../../../clients/kubernetes/index.ts';
import type { JsonObject, JsonValue } from '../../../core/encoding/index.ts';
import type { SealwardError } from '../../../core/errors.ts';
import { ClusterServer, FixedClock } from '../../../testing/index.ts';
import { bundleOf, type Lives, parseState } from '../certificates/authority-state.ts';
import { SelfMadeCertificates } from '../certificates/self-made.ts';
import { configMapMembers, lookAround } from '../../../sdk/agent/index.ts';
import { pullCredentials } from './pull-credentials.ts';
import { configuredCalls } from './configured-calls.ts';
import { webhookPublisher } from './patch-webhooks.ts';
import { RunningDigests } from './running-digests.ts';
import { secretKeeper } from './secret-keeper.ts';

const SECRET = { namespace: 'sealward-system', name: 'sealward-authority' };
const LIVES: Lives = { lifeMs: 7 * 86_400_000, authorityLifeMs: 365 * 86_400_000, settleMs: 600_000 };
const DAY = 86_400_000;
const START = Date.UTC(2026, 10, 27);

/** As narrow as the reference says. */
const RULES: readonly { readonly namespace?: string; readonly rule: JsonValue }[] = [
  { namespace: SECRET.namespace, rule: { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'update'], resourceNames: [SECRET.name] } },
  { namespace: SECRET.namespace, rule: { apiGroups: [''], resources: ['secrets'], verbs: ['create'] } },
  { namespace: SECRET.namespace, rule: { apiGroups: [''], resources: ['configmaps'], verbs: ['get'] } },
  {
    rule: {
      apiGroups: ['admissionregistration.k8s.io'],
      resources: ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'],
      verbs: ['get', 'patch'],
      resourceNames: ['sealward', 'later'],
    },
  },
  { rule: { apiGroups: [''], resources: ['namespaces'], verbs: ['list', 'watch'] } },
  { rule: { apiGroups: ['sealward.dev'], resources: ['imagepolicies'], verbs: ['list', 'watch'] } },
];

const CRD: JsonObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'imagepolicies.sealward.dev' },
  spec: {
    group: 'sealward.dev',
    scope: 'Namespaced',
    names: { plural: 'imagepolicies', singular: 'imagepolicy', kind: 'ImagePolicy', listKind: 'ImagePolicyList' },
    versions: [
      { name: 'v1alpha1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } },
    ],
  },
};

const webhooks = (path: string): JsonObject[] =>
  ['pods', 'templates'].map((name) => ({
    name: `${name}.sealward.dev`,
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    clientConfig: { service: { namespace: SECRET.namespace, name: 'sealward', path } },
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
  }));
const PATHS = {
  Validating: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
  Mutating: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
};

let server: ClusterServer;
let client: KubernetesClient;
before(async () => {
  server = await ClusterServer.start();
  client = new KubernetesClient(server.access(server.addUser({ name: 'system:serviceaccount:sealward-system:sealward', rules: RULES })));
  for (const name of [SECRET.namespace, 'shop'])
    await server.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { tier: name } } });
  await server.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', CRD);
});
after(async () => {
  client.close();
  await server.close();
});

const configured = async (name: string): Promise<void> => {
  for (const [kind, path] of Object.entries(PATHS))
    await server.request('POST', path, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: `${kind}WebhookConfiguration`,
      metadata: { name },
      webhooks: webhooks(`/${kind === 'Validating' ? 'validate' : 'mutate'}`),
    });
};
const clientConfigs = async (name: string): Promise<JsonObject[]> => {
  const found: JsonObject[] = [];
  for (const path of Object.values(PATHS)) {
    const { body } = await server.request('GET', `${path}/${name}`);
    for (const { clientConfig } of body['webhooks'] as { clientConfig: JsonObject }[]) found.push(clientConfig);
  }
  return found;
};

const first = async (): Promise<JsonObject> => {
  const [config] = await clientConfigs('sealward');
  assert.ok(config);
  return config;
};

describe('the authority of the webhook in its cluster', () => {
  beforeEach(async () => {
    await server.request('DELETE', `/api/v1/namespaces/${SECRET.namespace}/secrets/${SECRET.name}`);
    for (const path of Object.values(PATHS)) await server.request('DELETE', `${path}/sealward`);
  });

  const replica = (secretPath = true): SelfMadeCertificates =>
    new SelfMadeCertificates({
      ...LIVES,
      keeper: secretKeeper(client, SECRET),
      publisher: webhookPublisher(client, { configurations: ['sealward'], secretPath }),
      names: ['a'],
    });
  const kept = async () => parseState((await secretKeeper(client, SECRET).load())?.text ?? '');

  it('is one for all replicas, whoever comes first', async () => {
    const [a, b, c] = [replica(), replica(), replica()];
    await Promise.all([a.tick(START), b.tick(START), c.tick(START)]);
    assert.deepEqual([b.secrets(), c.secrets()], [a.secrets(), a.secrets()]);
    assert.deepEqual(a.secrets(), [(await kept()).current.secret]);
  });

  it('is told to every entry of both configurations, with the path; and again when somebody writes over it', async () => {
    await configured('sealward');
    const one = replica();
    await one.tick(START);
    const { current } = await kept();
    const caBundle = Buffer.from(bundleOf(await kept())).toString('base64');
    const wanted = (path: string) => ({ service: { namespace: SECRET.namespace, name: 'sealward', path: `/${current.secret}/${path}` }, caBundle });
    const said = (await clientConfigs('sealward')).map(({ caBundle: bundle, service }) => ({ caBundle: bundle, path: (service as JsonObject)['path'] }));
    assert.deepEqual(
      said,
      ['validate', 'validate', 'mutate', 'mutate'].map((path) => ({ caBundle, path: wanted(path).service.path })),
    );
    server.forget();
    await one.tick(START + 1000);
    assert.deepEqual(
      server.journal.filter(({ method }) => method !== 'GET'),
      [],
      'what is known is not written again',
    );
    await server.request('PATCH', `${PATHS.Validating}/sealward`, [{ op: 'replace', path: '/webhooks/1/clientConfig/caBundle', value: '' }], {
      contentType: 'application/json-patch+json',
    });
    await one.tick(START + 2000);
    assert.equal((await clientConfigs('sealward'))[1]?.['caBundle'], caBundle);
  });

  it('is what the webhook then asks itself by, as every entry of both configurations has it', async () => {
    assert.deepEqual(await configuredCalls(client, ['sealward']), []);
    await configured('sealward');
    const named = (entry: string, kind: string, refuses: boolean) => ({ by: `${entry} of the ${kind}WebhookConfiguration sealward`, refuses });
    const call = { name: 'sealward.sealward-system.svc', authorities: '' };
    assert.deepEqual(await configuredCalls(client, ['sealward']), [
      { ...named('pods.sealward.dev', 'Validating', true), ...call, path: '/validate' },
      { ...named('templates.sealward.dev', 'Validating', true), ...call, path: '/validate' },
      { ...named('pods.sealward.dev', 'Mutating', false), ...call, path: '/mutate' },
      { ...named('templates.sealward.dev', 'Mutating', false), ...call, path: '/mutate' },
    ]);
    const one = replica();
    await one.tick(START);
    const told = await configuredCalls(client, ['sealward']);
    const { current } = await kept();
    assert.deepEqual(
      told.map(({ authorities, path }) => [authorities, path]),
      ['validate', 'validate', 'mutate', 'mutate'].map((path) => [current.cert, `/${current.secret}/${path}`]),
    );
    const put = (i: number, clientConfig: JsonObject): Promise<unknown> =>
      server.request('PATCH', `${PATHS.Validating}/sealward`, [{ op: 'replace', path: `/webhooks/${i}/clientConfig`, value: clientConfig }], {
        contentType: 'application/json-patch+json',
      });
    await put(0, { url: 'https://10.0.0.7:9443/check/validate', caBundle: Buffer.from([0xff, 0xfe]).toString('base64') });
    await put(1, { url: 'https://[fd00::7]/validate' });
    assert.deepEqual(
      (await configuredCalls(client, ['sealward'])).slice(0, 2).map(({ name, path, authorities }) => [name, path, authorities]),
      [
        ['10.0.0.7', '/check/validate', '-'],
        ['fd00::7', '/validate', ''],
      ],
    );
  });

  it('leaves the path alone where it proves nobody', async () => {
    await configured('sealward');
    await replica(false).tick(START);
    assert.deepEqual(
      (await clientConfigs('sealward')).map(({ service }) => (service as JsonObject)['path']),
      ['/validate', '/validate', '/mutate', '/mutate'],
    );
  });

  it('turns: both authorities are told of first, then the new one is used, by a path of its own', async () => {
    await configured('sealward');
    const [a, b] = [replica(), replica()];
    await a.tick(START);
    const due = START + 244 * DAY;
    await a.tick(due);
    const before = await kept();
    assert.ok(before.next?.publishedAt);
    const told = Buffer.from((await first())['caBundle'] as string, 'base64').toString();
    assert.equal(told, before.current.cert + before.next.cert);
    await b.tick(due + LIVES.settleMs);
    const turned = await kept();
    assert.equal(turned.current.secret, before.next.secret);
    await a.tick(due + LIVES.settleMs + 1000);
    assert.deepEqual(a.secrets(), [before.next.secret, before.current.secret], 'who still calls by the old path is known');
    assert.equal(((await first())['service'] as JsonObject)['path'], `/${before.next.secret}/validate`);
  });

  it('goes on with what it has while the API server is away', async () => {
    const impatient = new KubernetesClient(server.access(), { clock: new FixedClock({ skipSleep: true }) });
    const one = new SelfMadeCertificates({ ...LIVES, keeper: secretKeeper(impatient, SECRET), publisher: { publish: async () => {} }, names: ['a'] });
    await one.tick(START);
    const shown = one.current();
    server.fault({ path: '/secrets/', drop: 'before' });
    try {
      await assert.rejects(one.tick(START + DAY), { code: 'ERR_CLUSTER_UNAVAILABLE' });
      assert.deepEqual(one.current(), shown);
      await assert.rejects(one.tick(START + 5 * DAY), { code: 'ERR_CLUSTER_UNAVAILABLE' });
      assert.notEqual(one.current().cert, shown.cert, 'renewed below the authority that it knows');
    } finally {
      server.clearFaults();
      impatient.close();
    }
  });

  it('in a Secret that somebody made is made anew there, and all else in it stays theirs', async () => {
    const theirs = { labels: { team: 'platform' }, annotations: { 'argocd.argoproj.io/sync-options': 'Prune=false' } };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: SECRET.name, ...theirs }, type: 'example.com/shared', data: { note: 'aGk=' } };
    await server.request('POST', `/api/v1/namespaces/${SECRET.namespace}/secrets`, secret);
    await replica().tick(START);
    assert.equal((await kept()).former.length, 0);
    const { body } = await server.request('GET', `/api/v1/namespaces/${SECRET.namespace}/secrets/${SECRET.name}`);
    const { labels, annotations } = body['metadata'] as JsonObject;
    assert.deepEqual([{ labels, annotations }, body['type'], (body['data'] as JsonObject)['note']], [theirs, 'example.com/shared', 'aGk=']);
  });
});

describe('what the webhook sees of its cluster', () => {
  const report = (): void => undefined;
  async function looking(t: TestContext, taken: (policies: readonly { namespace: string; name: string; text: string }[]) => void) {
    const around = lookAround(client, { namespaceLabels: true, namespacedPolicies: true, setNamespaced: async (policies) => taken(policies), report });
    t.after(() => around.close());
    return around;
  }
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise((resolve) => setImmediate(resolve));
  };

  it('are the labels of namespaces and the policies in them, and it is not ready before both are there', async (t) => {
    let policies: readonly { namespace: string; name: string; text: string }[] = [];
    const around = await looking(t, (taken) => (policies = taken));
    assert.equal(around.missing(), 'the policies of namespaces');
    await until(() => around.missing() === undefined);
    assert.deepEqual(around.labels('shop'), { tier: 'shop', 'kubernetes.io/metadata.name': 'shop' });
    assert.equal(around.labels('nowhere'), undefined);
    const path = '/apis/sealward.dev/v1alpha1/namespaces/shop/imagepolicies';
    await server.request('POST', path, { apiVersion: 'sealward.dev/v1alpha1', kind: 'ImagePolicy', metadata: { name: 'more' }, spec: { refuse: 'no' } });
    await until(() => policies.length === 1);
    assert.deepEqual(
      [policies[0]?.namespace, policies[0]?.name, (JSON.parse(policies[0]?.text ?? '') as JsonObject)['spec']],
      ['shop', 'more', { refuse: 'no' }],
    );
    let deep: JsonValue = 'x';
    for (let i = 0; i < 200; i++) deep = { a: deep };
    await server.request('PUT', `${path}/more`, { apiVersion: 'sealward.dev/v1alpha1', kind: 'ImagePolicy', metadata: { name: 'more' }, spec: { deep } });
    await until(() => policies[0]?.text === 'nested too deep to be read');
    await server.request('DELETE', `${path}/more`);
    await until(() => policies.length === 0);
  });

  it('a list that cannot be had keeps it from being ready, and is told', async (t) => {
    const told: SealwardError[] = [];
    const stranger = new KubernetesClient(server.access(server.addUser({ name: 'stranger', rules: [] })));
    t.after(() => stranger.close());
    const around = lookAround(stranger, {
      namespaceLabels: true,
      namespacedPolicies: false,
      setNamespaced: async () => {},
      report: (problem) => told.push(problem),
    });
    t.after(() => around.close());
    await until(() => told.length > 0);
    assert.deepEqual([told[0]?.code, around.missing(), around.labels('shop')], ['ERR_CLUSTER_DENIED', 'the namespaces of the cluster', undefined]);
  });

  it('members of a ConfigMap are bytes, however they are written', async () => {
    const named = { namespace: SECRET.namespace, name: 'trust' };
    await assert.rejects(configMapMembers(client, named), { code: 'ERR_OBJECT_NOT_FOUND' });
    await server.request('POST', `/api/v1/namespaces/${SECRET.namespace}/configmaps`, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'trust' },
      data: { 'a.json': '{}' },
      binaryData: { b: Buffer.from([0, 255]).toString('base64') },
    });
    const members = await configMapMembers(client, named);
    assert.deepEqual(
      [...members].map(([key, bytes]) => [key, ...bytes]),
      [
        ['a.json', 123, 125],
        ['b', 0, 255],
      ],
    );
  });
});

describe('pull secrets of a namespace', () => {
  const docker = (host: string, username: string): string => Buffer.from(JSON.stringify({ auths: { [host]: { username, password: 'p' } } })).toString('base64');
  const secret = async (name: string, host: string, username: string): Promise<void> => {
    await server.request('DELETE', `/api/v1/namespaces/shop/secrets/${name}`);
    await server.request('POST', '/api/v1/namespaces/shop/secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': docker(host, username) },
    });
  };
  const clock = new FixedClock({ skipSleep: true });
  let shop: KubernetesClient;
  before(async () => {
    const rule = (resources: string, verbs: string): JsonValue => ({ apiGroups: [''], resources: [resources], verbs: [verbs] });
    const rules = [rule('secrets', 'get'), rule('serviceaccounts', 'get')].map((one) => ({ namespace: 'shop', rule: one }));
    shop = new KubernetesClient(server.access(server.addUser({ name: 'opted-in', rules })), { clock });
    await secret('own', 'r.example', 'ann');
    await secret('shared', 'r.example', 'everybody');
    const path = '/api/v1/namespaces/shop/serviceaccounts';
    await server.request('POST', path, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'web' },
      imagePullSecrets: [{ name: 'shared' }, { name: 'gone' }],
    });
  });
  after(() => shop.close());

  const asked = async (source: ReturnType<typeof pullCredentials>, registry = 'r.example'): Promise<unknown> => {
    const found = await source.find({ registry, repository: 'app', deadline: clock.now() + 10_000 });
    return found?.kind === 'password' ? found.username : found;
  };

  it('are those that the Pod names, or else those of its service account, to exact hosts', async () => {
    const named = pullCredentials(shop, 'shop', { secrets: ['gone', 'own'], serviceAccount: 'web' });
    assert.deepEqual([await asked(named), await asked(named, 'other.example'), await asked(named, 'r.example.evil.example')], ['ann', undefined, undefined]);
    assert.equal(await asked(pullCredentials(shop, 'shop', { secrets: [], serviceAccount: 'web' })), 'everybody');
    assert.equal(await asked(pullCredentials(shop, 'shop', { secrets: [], serviceAccount: 'nobody' })), undefined);
    const others = { find: async () => ({ kind: 'password', username: 'mounted', password: 'p' }) as const };
    assert.equal(await asked(pullCredentials(shop, 'shop', { secrets: [], serviceAccount: 'nobody' }, others)), 'mounted');
    await assert.rejects(asked(pullCredentials(shop, 'default', { secrets: ['own'], serviceAccount: 'web' })), { code: 'ERR_CLUSTER_DENIED' });
  });

  it('are read when a registry is asked, and again after a minute', async () => {
    server.forget();
    const source = pullCredentials(shop, 'shop', { secrets: ['own'], serviceAccount: 'web' });
    assert.equal(server.journal.length, 0);
    assert.deepEqual([await asked(source), await asked(source)], ['ann', 'ann']);
    assert.equal(server.journal.length, 1);
    await secret('own', 'r.example', 'bob');
    assert.equal(await asked(source), 'ann');
    clock.advance(60_000);
    assert.equal(await asked(source), 'bob');
    await secret('own', 'r.example', 'ann');
  });
});

describe('what runs', () => {
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise((resolve) => setImmediate(resolve));
  };
  const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
  const path = '/api/v1/namespaces/shop/pods';
  const started = async (name: string, image: string, imageID: string, phase = 'Running'): Promise<void> => {
    await server.request('POST', path, { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [{ name: 'a', image }] } });
    const status = { phase, containerStatuses: [{ name: 'a', image, imageID, ready: true, restartCount: 0, containerID: 'containerd://1' }] };
    const { status: answered } = await server.request('PATCH', `${path}/${name}/status`, { status }, { contentType: 'application/merge-patch+json' });
    assert.equal(answered, 200);
  };

  it('is what Pods of the namespace have started, as long as one of them runs', async (t) => {
    await started('one', 'r.example/app:1', `r.example/app@${digest('a')}`);
    const pods = new KubernetesClient(
      server.access(server.addUser({ name: 'looks on', rules: [{ rule: { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] } }] })),
    );
    const running = new RunningDigests(pods, () => undefined);
    t.after(async () => {
      await running.close();
      pods.close();
    });
    assert.deepEqual([running.isSynced, running.has('shop', digest('a'))], [false, false]);
    await until(() => running.isSynced);
    assert.deepEqual([running.has('shop', digest('a')), running.has('default', digest('a'))], [true, false]);
    await started('two', `r.example/app@${digest('a')}`, '');
    await started('waits', `r.example/app@${digest('b')}`, '', 'Pending');
    await started('three', 'r.example/app:3', `r.example/app@${digest('c')}`);
    await until(() => running.has('shop', digest('c')));
    assert.equal(running.has('shop', digest('b')), false, 'what waits may never start');
    await server.request('DELETE', `${path}/one`);
    await server.request('DELETE', `${path}/three`);
    await until(() => !running.has('shop', digest('c')));
    assert.equal(running.has('shop', digest('a')), true, 'another Pod of it runs');
    await server.request('DELETE', `${path}/two`);
    await until(() => !running.has('shop', digest('a')));
  });
});
