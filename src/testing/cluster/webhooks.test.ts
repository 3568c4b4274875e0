import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ReviewServer, startReviewServer } from '../../../test/review-server.ts';
import type { JsonObject, JsonValue } from '../../core/encoding/index.ts';
import { createTlsAuthority } from '../tls-identity.ts';
import { listAt, objectAt, textAt } from './members.ts';
import { type ClusterOptions, ClusterServer } from './server.ts';
import { warningHeaders } from './webhooks.ts';

interface Scene {
  readonly cluster: ClusterServer;
  readonly webhook: ReviewServer;
  /** Registers a webhook that is the review server. */
  readonly register: (kind: 'Validating' | 'Mutating', name: string, more?: JsonObject) => Promise<void>;
}

const PODS = { operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] };

async function scene(t: TestContext, options: ClusterOptions = {}): Promise<Scene> {
  const webhook = await startReviewServer();
  const cluster = await ClusterServer.start({ ...options, services: { 'guard/webhook': webhook.address } });
  t.after(async () => {
    await cluster.close();
    await webhook.close();
  });
  const register: Scene['register'] = async (kind, name, more = {}) => {
    const settings = {
      name: `${name}.sealward.dev`,
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      clientConfig: { caBundle: webhook.caBundle, service: { namespace: 'guard', name: 'webhook', path: `/${name}` } },
      rules: [PODS],
      ...more,
    };
    const body = { apiVersion: 'admissionregistration.k8s.io/v1', kind: `${kind}WebhookConfiguration`, metadata: { name }, webhooks: [settings] };
    const { status, body: answer } = await cluster.request('POST', `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}webhookconfigurations`, body);
    assert.equal(status, 201, textAt(answer, 'message'));
  };
  return { cluster, webhook, register };
}

const podBody = (name: string, more: JsonObject = {}): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...more },
  spec: { containers: [{ name: 'app', image: 'a.example/app:1' }] },
});

const createPod = (cluster: ClusterServer, name: string, more: JsonObject = {}, query = ''): ReturnType<ClusterServer['request']> =>
  cluster.request('POST', `/api/v1/namespaces/default/pods${query}`, podBody(name, more));

const patchOf = (...operations: JsonValue[]): JsonObject => ({ patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') });

test('a review says what the API server says, with the defaults filled in', async (t) => {
  const { cluster, webhook, register } = await scene(t);
  await register('Validating', 'judge', { timeoutSeconds: 7 });
  await cluster.request('POST', '/api/v1/namespaces/default/pods?dryRun=All&fieldManager=me', podBody('web'));
  const [{ url, review, request } = assert.fail()] = webhook.seen;
  assert.equal(url, '/judge?timeout=7s');
  assert.deepEqual([review['apiVersion'], review['kind']], ['admission.k8s.io/v1', 'AdmissionReview']);
  const { uid: _, object, ...rest } = request;
  assert.match(textAt(request, 'uid'), /^[0-9a-f-]{36}$/);
  assert.deepEqual(rest, {
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    requestKind: { group: '', version: 'v1', kind: 'Pod' },
    requestResource: { group: '', version: 'v1', resource: 'pods' },
    name: 'web',
    namespace: 'default',
    operation: 'CREATE',
    userInfo: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
    oldObject: null,
    dryRun: true,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'me' },
  });
  assert.equal(textAt(object, 'spec', 'serviceAccountName'), 'default');
  assert.equal(textAt(listAt(object, 'spec', 'containers')[0], 'imagePullPolicy'), 'IfNotPresent');
  assert.deepEqual(cluster.objects('pods'), []);
  assert.equal(cluster.webhookCalls[0]?.dryRun, true);
});

test('a denial is told in the words of the API server, with the code of the webhook, and nothing is kept', async (t) => {
  const { cluster, webhook, register } = await scene(t);
  await register('Validating', 'judge');
  for (const [status, code, message] of [
    [{ code: 403, reason: 'Forbidden', message: 'not signed' }, 403, 'admission webhook "judge.sealward.dev" denied the request: not signed'],
    [{ code: 200, reason: 'Because' }, 400, 'admission webhook "judge.sealward.dev" denied the request: Because'],
    [undefined, 400, 'admission webhook "judge.sealward.dev" denied the request without explanation'],
  ] as const) {
    webhook.answer = () => ({ allowed: false, ...(status ? { status } : {}) });
    const answer = await createPod(cluster, 'web');
    assert.deepEqual([answer.status, answer.body['message'], answer.body['status']], [code, message, 'Failure']);
  }
  assert.deepEqual(cluster.objects('pods'), []);
  webhook.answer = () => ({ allowed: true, status: { code: 403, message: 'this is not looked at' } });
  assert.equal((await createPod(cluster, 'web')).status, 201);
  assert.deepEqual(
    cluster.webhookCalls.map(({ outcome }) => outcome),
    ['denied', 'denied', 'denied', 'allowed'],
  );
});

const broken: readonly (readonly [what: string, answer: JsonObject | string, words: string, kind?: 'Mutating'])[] = [
  ['that is no JSON', '<html>', 'json parse error'],
  ['of another kind', '{"apiVersion":"v1","kind":"Pod"}', 'no kind "Pod" is registered for version "v1" in scheme'],
  [
    'of an older version',
    '{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview"}',
    'converting (v1beta1.AdmissionReview) to (v1.AdmissionReview): unknown conversion',
  ],
  ['without a response', '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}', 'webhook response was absent'],
  ['with another uid', { uid: 'x', allowed: true }, 'expected response.uid='],
  ['with a patch of a judge', { allowed: true, ...patchOf() }, 'validating webhook may not return response.patch'],
  ['with the type of a patch of a judge', { allowed: true, patchType: 'JSONPatch' }, 'validating webhook may not return response.patchType'],
  ['with a patch and no type', { allowed: true, patch: 'W10=' }, 'webhook returned response.patch but not response.patchType', 'Mutating'],
  ['with a type and no patch', { allowed: true, patchType: 'JSONPatch' }, 'webhook returned response.patchType but not response.patch', 'Mutating'],
  [
    'with a patch of another type',
    { allowed: true, ...patchOf({ op: 'add', path: '/metadata/labels', value: {} }), patchType: 'MergePatch' },
    'invalid value of patchType',
    'Mutating',
  ],
  [
    'with a patch that is no base64',
    { allowed: true, patch: '!', patchType: 'JSONPatch' },
    'failed to call webhook: illegal base64 data at input byte 0',
    'Mutating',
  ],
  ['with a patch that is no list', { allowed: true, patch: 'e30=', patchType: 'JSONPatch' }, 'received undecodable patch in webhook response', 'Mutating'],
  ['that says yes in words', { allowed: 'yes' }, 'cannot unmarshal string into Go struct field AdmissionResponse.response.allowed of type bool'],
];

for (const [what, answer, words, kind = 'Validating'] of broken) {
  test(`an answer ${what} is a failed call: 500 with Fail, admitted with Ignore`, async (t) => {
    const { cluster, webhook, register } = await scene(t);
    webhook.answer = () => answer;
    await register(kind, 'fail');
    const { status, body } = await createPod(cluster, 'web');
    assert.equal(status, 500);
    assert.match(textAt(body, 'message'), /^Internal error occurred: failed calling webhook "fail\.sealward\.dev": (?:received|failed)/);
    assert.ok(textAt(body, 'message').includes(words), textAt(body, 'message'));
    await cluster.request('DELETE', `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}webhookconfigurations/fail`);
    await register(kind, 'ignore', { failurePolicy: 'Ignore' });
    assert.equal((await createPod(cluster, 'web')).status, 201);
    assert.deepEqual(
      cluster.webhookCalls.map(({ outcome }) => outcome),
      ['failed', 'failed open'],
    );
  });
}

test('a webhook that cannot be reached, is too slow, refuses, or shows the wrong certificate', async (t) => {
  const { cluster, webhook, register } = await scene(t);
  const stranger = Buffer.from(createTlsAuthority().ca).toString('base64');
  const says = async (words: string): Promise<void> => {
    const { status, body } = await createPod(cluster, 'web');
    assert.equal(status, 500);
    assert.ok(textAt(body, 'message').includes(words), textAt(body, 'message'));
    await cluster.request('DELETE', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/judge');
  };
  const at = (more: JsonObject): JsonObject => ({ clientConfig: { caBundle: webhook.caBundle, service: { namespace: 'guard', name: 'webhook' }, ...more } });
  await register('Validating', 'judge', at({ service: { namespace: 'guard', name: 'nobody' } }));
  await says(
    'failed calling webhook "judge.sealward.dev": failed to call webhook: Post "https://nobody.guard.svc:443/?timeout=10s": service "nobody" not found',
  );
  await register('Validating', 'judge', at({ caBundle: stranger }));
  await says('x509: certificate signed by unknown authority');
  cluster.services.set('guard/other', webhook.address);
  await register('Validating', 'judge', at({ service: { namespace: 'guard', name: 'other' } }));
  await says('x509: certificate is not valid for this name');
  webhook.status = 401;
  await register('Validating', 'judge');
  await says('failed to call webhook: the server has asked for the client to provide credentials');
  webhook.status = 500;
  webhook.answer = () => 'out of order';
  await register('Validating', 'judge');
  await says('an error on the server ("unknown") has prevented the request from succeeding');
  webhook.status = 429;
  await register('Validating', 'judge');
  await says('the server has received too many requests and has asked us to try again later');
  webhook.status = 503;
  await register('Validating', 'judge');
  await says('the server is currently unable to handle the request');
  webhook.answer = () => undefined;
  await register('Validating', 'judge', { timeoutSeconds: 1 });
  await says('?timeout=1s": context deadline exceeded');
  cluster.services.set('guard/webhook', '127.0.0.1:1');
  await register('Validating', 'judge');
  await says('connect: connection refused');
});

test('mutating webhooks are asked in sequence, and again where another one changed the object after them', async (t) => {
  const { cluster, webhook, register } = await scene(t);
  webhook.answer = ({ url, request }) => {
    const annotations = objectAt(request['object'], 'metadata', 'annotations');
    const name = url.slice(1, 2);
    const times = Number(annotations[name] ?? 0) + 1;
    return { allowed: true, ...patchOf({ op: 'add', path: '/metadata/annotations', value: { ...annotations, [name]: String(times) } }) };
  };
  await register('Mutating', 'a', { reinvocationPolicy: 'IfNeeded' });
  await register('Mutating', 'b');
  await register('Mutating', 'c', { reinvocationPolicy: 'IfNeeded' });
  const { body } = await createPod(cluster, 'web');
  assert.deepEqual(objectAt(body, 'metadata', 'annotations'), { a: '2', b: '1', c: '2' });
  assert.deepEqual(
    cluster.webhookCalls.map(({ configuration, round }) => `${configuration}${round}`),
    ['a0', 'b0', 'c0', 'a1', 'c1'],
  );
  assert.equal(objectAt(webhook.seen[1]?.request['object'], 'metadata', 'annotations')['a'], '1', 'each sees what the one before did');
});

test('a webhook with IfNeeded that says nothing new is not asked again; validating ones see the end of it', async (t) => {
  const { cluster, webhook, register } = await scene(t);
  webhook.answer = ({ url }) =>
    url.startsWith('/pin') ? { allowed: true, ...patchOf({ op: 'replace', path: '/spec/containers/0/image', value: 'a@sha256:1' }) } : { allowed: true };
  await register('Validating', 'judge');
  await register('Mutating', 'pin', { reinvocationPolicy: 'IfNeeded' });
  const { body } = await createPod(cluster, 'web');
  assert.equal(textAt(listAt(body, 'spec', 'containers')[0], 'image'), 'a@sha256:1');
  assert.deepEqual(
    webhook.seen.map(({ url, request }) => [url, textAt(listAt(request['object'], 'spec', 'containers')[0], 'image')]),
    [
      ['/pin?timeout=10s', 'a.example/app:1'],
      ['/judge?timeout=10s', 'a@sha256:1'],
    ],
  );
});

test('a patch that does not fit is the fault of the webhook, whatever its failurePolicy', async (t) => {
  const { cluster, webhook, register } = await scene(t);
  webhook.answer = () => ({ allowed: true, ...patchOf({ op: 'remove', path: '/spec/nothing' }) });
  await register('Mutating', 'pin', { failurePolicy: 'Ignore' });
  assert.equal((await createPod(cluster, 'web')).status, 500);
});

const DEPLOYMENT = {
  kind: 'Deployment',
  metadata: { name: 'web', labels: { app: 'web' } },
  spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'app', image: 'a' }] } } },
};

const selections: readonly (readonly [what: string, settings: JsonObject, asked: boolean])[] = [
  ['its rule', { rules: [PODS] }, true],
  ['all resources', { rules: [{ ...PODS, resources: ['*'] }] }, true],
  ['the pods and what is under them', { rules: [{ ...PODS, resources: ['pods/*'] }] }, true],
  ['everything there is', { rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }] }, true],
  ['subresources alone', { rules: [{ ...PODS, resources: ['pods/status'] }] }, false],
  ['another operation', { rules: [{ ...PODS, operations: ['DELETE'] }] }, false],
  ['another group', { rules: [{ ...PODS, apiGroups: ['apps'] }] }, false],
  ['another version', { rules: [{ ...PODS, apiVersions: ['v2'] }] }, false],
  ['what is in namespaces', { rules: [{ ...PODS, scope: 'Namespaced' }] }, true],
  ['what is in none', { rules: [{ ...PODS, scope: 'Cluster' }] }, false],
  ['this namespace', { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } } }, true],
  [
    'all but this namespace',
    { namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['default'] }] } },
    false,
  ],
  ['objects with a label', { objectSelector: { matchLabels: { app: 'web' } } }, true],
  ['objects without it', { objectSelector: { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] } }, false],
];

for (const [what, settings, asked] of selections) {
  test(`a webhook for ${what} is ${asked ? '' : 'not '}asked about a Pod`, async (t) => {
    const { cluster, webhook, register } = await scene(t);
    await register('Validating', 'judge', settings);
    assert.equal((await createPod(cluster, 'web', { labels: { app: 'web' } })).status, 201);
    assert.equal(webhook.seen.length, asked ? 1 : 0);
  });
}

test('the same thing under an older version is the same thing, unless the policy is Exact', async (t) => {
  const { cluster, webhook, register } = await scene(t);
  const rules = [{ operations: ['CREATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] }];
  await register('Validating', 'equivalent', { rules });
  await register('Validating', 'exact', { rules, matchPolicy: 'Exact' });
  const path = '/apis/apps/v1beta1/namespaces/default/deployments';
  assert.equal((await cluster.request('POST', path, { apiVersion: 'apps/v1beta1', ...DEPLOYMENT })).status, 201);
  const [{ url, request } = assert.fail(), more] = webhook.seen;
  assert.deepEqual([url, more], ['/equivalent?timeout=10s', undefined]);
  assert.deepEqual(request['kind'], { group: 'apps', version: 'v1', kind: 'Deployment' });
  assert.deepEqual(request['requestKind'], { group: 'apps', version: 'v1beta1', kind: 'Deployment' });
  assert.equal(textAt(request['object'], 'apiVersion'), 'apps/v1');
});

test('subresources are asked about by their name: ephemeral containers, scale, eviction', async (t) => {
  const { cluster, webhook, register } = await scene(t);
  await createPod(cluster, 'web');
  await cluster.request('POST', '/apis/apps/v1/namespaces/default/deployments', { apiVersion: 'apps/v1', ...DEPLOYMENT });
  const rules = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['pods/ephemeralcontainers', 'deployments/scale', 'pods/eviction'] }];
  await register('Validating', 'judge', { rules });
  const strategic = { contentType: 'application/strategic-merge-patch+json' };
  const debug = { spec: { ephemeralContainers: [{ name: 'debug', image: 'busybox' }] } };
  const { body } = await cluster.request('PATCH', '/api/v1/namespaces/default/pods/web/ephemeralcontainers', debug, strategic);
  assert.equal(textAt(listAt(body, 'spec', 'ephemeralContainers')[0], 'image'), 'busybox');
  await cluster.request('PATCH', '/apis/apps/v1/namespaces/default/deployments/web/scale', { spec: { replicas: 2 } }, strategic);
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web' } };
  await cluster.request('POST', '/api/v1/namespaces/default/pods/web/eviction', eviction);
  assert.deepEqual(
    webhook.seen.map(({ request }) => [request['operation'], objectAt(request['kind'])['kind'], request['subResource'], textAt(request['object'], 'kind')]),
    [
      ['UPDATE', 'Pod', 'ephemeralcontainers', 'Pod'],
      ['UPDATE', 'Scale', 'scale', 'Scale'],
      ['CREATE', 'Eviction', 'eviction', 'Eviction'],
    ],
  );
});

test('a webhook that locks everything out can still be taken away', async (t) => {
  const { cluster, register } = await scene(t);
  cluster.services.clear();
  await register('Validating', 'wall', { rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }] });
  assert.equal((await createPod(cluster, 'web')).status, 500);
  assert.equal((await cluster.request('DELETE', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/wall')).status, 200);
  assert.equal((await createPod(cluster, 'web')).status, 201);
});

test('the API server shows its client certificate where it was given one', async (t) => {
  const authority = createTlsAuthority('front-proxy');
  const webhook = await startReviewServer('webhook.guard.svc', authority.ca);
  t.after(() => webhook.close());
  for (const [options, caller] of [
    [{}, undefined],
    [{ webhookIdentity: authority.issue('kube-apiserver') }, 'kube-apiserver'],
  ] as const) {
    const { cluster, register } = await scene(t, options);
    cluster.services.set('guard/webhook', webhook.address);
    await register('Validating', 'judge', { clientConfig: { caBundle: webhook.caBundle, service: { namespace: 'guard', name: 'webhook' } } });
    assert.equal((await createPod(cluster, 'web')).status, 201);
    assert.equal(webhook.seen.pop()?.caller, caller);
  }
});

test('configurations that the API server would not take are refused', async (t) => {
  const { cluster, register } = await scene(t);
  for (const [settings, words] of [
    [{ sideEffects: 'Some' }, /sideEffects: Unsupported value/],
    [{ timeoutSeconds: 31 }, /between 1 and 30/],
    [{ admissionReviewVersions: [] }, /admissionReviewVersions: Required/],
    [{ name: 'short' }, /at least three segments/],
    [{ clientConfig: {} }, /exactly one of url or service/],
    [{ matchConditions: [{ name: 'a', expression: 'true' }] }, /evaluates no match conditions/],
  ] as [JsonObject, RegExp][]) {
    await assert.rejects(register('Validating', 'judge', settings), words);
  }
  assert.deepEqual(cluster.objects('validatingwebhookconfigurations.admissionregistration.k8s.io'), []);
});

test('audit annotations stand behind the name of the webhook, and bad keys are lost', async (t) => {
  const { cluster, webhook, register } = await scene(t);
  webhook.answer = () => ({ allowed: true, auditAnnotations: { decision: 'abc', 'a/b': 'lost', '': 'lost', n: 1 } });
  await register('Validating', 'judge');
  await createPod(cluster, 'web');
  assert.deepEqual(cluster.webhookCalls[0]?.auditAnnotations, { 'judge.sealward.dev/decision': 'abc' });
});

test('warnings are headers: none twice, none that is not printable, cut when there is too much of them', () => {
  assert.deepEqual(warningHeaders(['a', 'a', '', 'b\nc', 'say "x"']), ['299 - "a"', '299 - "say \\"x\\""']);
  const long = Array.from({ length: 5 }, (_, i) => String(i).repeat(1000));
  assert.deepEqual(
    warningHeaders(long).map(({ length }) => length),
    long.map(() => '299 - ""'.length + 256),
  );
  const many = Array.from({ length: 40 }, (_, i) => `${i} `.repeat(200).slice(0, 300));
  assert.equal(warningHeaders(many).length, 16);
});
