/** The chart and what is made of it: valid, narrow, closed when it fails, and the same by Helm as by our own renderer. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { parse, parseAllDocuments, stringify } from 'yaml';
import packageJson from '../package.json' with { type: 'json' };
import { parseAdmissionConfig } from '../src/apps/admission/config.ts';
import { parseControllerConfig } from '../src/apps/controller/config.ts';
import { chartFiles } from '../src/apps/admission/install/chart-files.ts';
import { renderChart, valuesSchema } from '../src/apps/admission/install/chart.ts';
import { checkValues } from '../src/apps/admission/install/values-schema.ts';
import type { JsonObject, JsonValue } from '../src/core/encoding/index.ts';
import { checkShape } from './kubernetes-shapes.ts';
import { peerPath, requirePeers } from './peers.ts';
import { repositoryRoot } from './vectors.ts';

const CHART = join(repositoryRoot, 'deploy', 'chart', 'sealward');
const CHART_FILES = chartFiles();
const NAMESPACE = 'sealward-system';
const NEEDED = { image: { repository: 'registry.example/sealward' }, trust: { from: 'https://trust.example/sealward', root: '{"signed": {}}\n' } };

/** Each turns on something that is off otherwise. */
const SETS: Readonly<Record<string, JsonObject>> = {
  'as it is': {},
  'a digest and a tag': { image: { tag: '9.9.9', digest: `sha256:${'ab'.repeat(32)}`, pullSecrets: ['one', 'two'], pullPolicy: 'Always' } },
  'a path that the webhook makes': { caller: { proof: 'path-secret' } },
  'a path secret': { caller: { proof: 'path-secret', pathSecret: 'ab'.repeat(32) }, tls: { certManager: { enabled: true } } },
  'trust in a ConfigMap': { trust: { from: '', configMap: 'sealward-trust', root: '{}' } },
  'nothing watched': { watch: { namespaceLabels: false, namespacedPolicies: false, runningPods: false } },
  'mutual TLS': {
    caller: { proof: 'mtls', authorities: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', names: ['kube-apiserver', 'system:x'] },
  },
  'cert-manager': { tls: { certManager: { enabled: true } } },
  'cert-manager with an issuer': { tls: { certManager: { enabled: true, issuerRef: { kind: 'ClusterIssuer', name: 'ours' } } } },
  'registries of all kinds': {
    registries: {
      allowed: ['registry.example', 'registry.example:5000'],
      mirrors: { 'registry.example': ['mirror.example/a', 'b.example'], 'a.example': ['c.example'] },
      privateHosts: { 'registry.example': ['10.0.0.9'] },
      credentialsSecret: 'pull',
      authorities: 'PEM\n',
    },
    cluster: 'east',
    environment: 'production',
    customKinds: [{ kind: 'argoproj.io/Rollout', podSpecs: ['spec.template.spec'] }],
  },
  'pull secrets, and the identity of the pods': {
    pullSecretsOf: ['shop', 'blog'],
    registries: { workloadIdentity: ['aws', 'google'], metadataService: true },
    podLabels: { 'example.com/identity': 'true' },
    serviceAccountAnnotations: { 'example.com/role': 'reader' },
  },
  'no controller': { controller: { enabled: false } },
  'a controller that does all it can': {
    controller: {
      replicas: 1,
      policyReports: true,
      containment: {
        dryRun: false,
        rules: [{ action: 'evict', policies: ['release'], namespaces: ['shop'] }, { action: 'label' }, { action: 'scale-to-zero', namespaces: ['blog'] }],
      },
      canary: { namespace: 'sealward-canary', images: [{ name: 'unsigned', image: 'registry.example/canary:1' }] },
    },
  },
  'not asked yet': { webhooks: { enabled: false } },
  'open when it fails': { webhooks: { failurePolicy: 'Ignore', exemptNamespaces: ['kube-system', 'gatekeeper'], validatingTimeoutSeconds: 7 } },
  'custom rules': {
    webhooks: {
      customRules: [{ apiGroups: ['argoproj.io'], apiVersions: ['*'], operations: ['CREATE', 'UPDATE'], resources: ['rollouts'], scope: 'Namespaced' }],
    },
  },
  'one small replica': {
    replicas: 1,
    spread: 'hard',
    storage: { size: '1Gi', storageClassName: 'fast' },
    decisions: { mode: 'async', keep: '' },
    drainSeconds: 30,
  },
  'a picky cluster': {
    nodeSelector: { pool: 'system' },
    tolerations: [{ key: 'system', operator: 'Exists' }],
    podAnnotations: { 'example.com/team': 'platform' },
    extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy.example:3128' }],
    resources: { requests: { cpu: '1' } },
    networkPolicy: { apiServers: ['10.0.0.1/32', '10.0.0.2/32'], metricsNamespaces: [], egressPorts: [443, 5000] },
    logLevel: 'debug',
  },
  'no network policy': { networkPolicy: { enabled: false } },
};

/** Text, and in YAML something else where no quotes stand around it: in version 1.1, which Helm and kubectl read, or in 1.2. */
const ODD_TEXTS = ['off', '0777', '123', '1e3', 'null', '2001-01-01'];

/** Whatever may be any text is this one. */
const allOf = (word: string): JsonObject => ({
  image: { repository: word, tag: word, pullSecrets: [word] },
  trust: { from: word, tier: word },
  cluster: word,
  environment: word,
  registries: { allowed: [word], mirrors: { [word]: [word] }, privateHosts: { [word]: [word] }, credentialsSecret: word },
  pullSecretsOf: [word],
  webhooks: { exemptNamespaces: [word], customRules: [{ apiGroups: [word], resources: [word] }] },
  customKinds: [{ kind: `${word}/A`, podSpecs: [word] }],
  caller: { proof: 'mtls', authorities: word, names: [word] },
  tls: { certManager: { enabled: true, issuerRef: { name: word } } },
  storage: { storageClassName: word },
  priorityClassName: word,
  nodeSelector: { [word]: word },
  tolerations: [{ key: word, value: word }],
  podAnnotations: { [word]: word },
  podLabels: { [word]: word },
  serviceAccountAnnotations: { [word]: word },
  extraEnv: [{ name: word, value: word }],
  networkPolicy: { apiServers: [word], metricsNamespaces: [word] },
  controller: {
    containment: { rules: [{ action: 'evict', policies: [word], namespaces: [word] }] },
    canary: { namespace: word, images: [{ name: word, image: word }] },
  },
});
function withNeeded(values: JsonObject): JsonObject {
  return { ...NEEDED, ...values, image: { ...NEEDED.image, ...(values['image'] as JsonObject | undefined) } };
}
const render = (values: JsonObject): readonly JsonObject[] => renderChart(CHART_FILES, { namespace: NAMESPACE, values: withNeeded(values) });

function at(value: JsonValue | undefined, ...path: readonly (string | number)[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>((inner, key) => (inner as Record<string | number, JsonValue> | null | undefined)?.[key], value);
}
const text = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '');
const list = (value: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(value) ? value : []);
const keyOf = (object: JsonObject): string =>
  `${text(object['kind'])} ${text(at(object, 'metadata', 'namespace') ?? '')}/${text(at(object, 'metadata', 'name'))}`;
const find = (objects: readonly JsonObject[], kind: string, name = 'sealward'): JsonObject | undefined =>
  objects.find((object) => object['kind'] === kind && at(object, 'metadata', 'name') === name);

for (const [name, values] of Object.entries(SETS)) {
  test(`values: ${name}: every object has the shape of its kind`, () => {
    const objects = render(values);
    for (const object of objects) checkShape(object);
    assert.equal(new Set(objects.map(keyOf)).size, objects.length, 'each once');
  });

  test(`values: ${name}: the webhook reads its configuration`, () => {
    const objects = render(values);
    const configuration = text(at(find(objects, 'ConfigMap', 'sealward'), 'data', 'admission.yaml'));
    const config = parseAdmissionConfig('/etc/sealward/files/admission.yaml', configuration);
    const pod = at(find(objects, 'StatefulSet'), 'spec', 'template', 'spec');
    // It is told to end once, and killed when that time is over.
    assert.ok(Number(at(pod, 'terminationGracePeriodSeconds')) * 1000 >= config.drainMs + 20_000);
    assert.ok(config.drainMs >= 15_000, 'API servers keep their connections');
    for (const hook of hooksOf(objects)) {
      const [expression] = list(at(hook, 'namespaceSelector', 'matchExpressions'));
      assert.deepEqual(new Set(list(at(expression, 'values'))), config.exemptNamespaces, 'what is not asked about is not judged, and nothing else');
    }
    // Every file that it names lies in something that is mounted, or on the volume that may be written.
    const mounts = list(at(pod, 'containers', 0, 'volumeMounts')).map((mount) => text(at(mount, 'mountPath')));
    for (const path of configuration.match(/\/(?:etc|var)\/[\w./-]+/g) ?? [])
      assert.ok(
        mounts.some((mount) => path.startsWith(`${mount}/`)),
        path,
      );
    for (const path of configuration.match(/\/etc\/sealward\/files\/[\w.-]+/g) ?? []) {
      assert.ok(at(find(objects, 'ConfigMap', 'sealward'), 'data', path.split('/').at(-1) ?? '') !== undefined, path);
    }
  });
}

/** The same in both, whatever the two words are; configurations as they are read. */
function anonymous(value: JsonValue, words: readonly string[]): JsonValue {
  if (typeof value === 'string') {
    if (/^(?:listen|operations): /.test(value)) return anonymous(parse(value) as JsonValue, words);
    if (/^[0-9a-f]{64}$/.test(value)) return 'a checksum';
    return words.reduce((text, word) => text.replaceAll(word, 'WORD'), value);
  }
  if (Array.isArray(value)) return value.map((one) => anonymous(one, words));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [anonymous(key, words) as string, anonymous(inner, words)]));
}

test('a text is a text wherever it stands, also one that YAML reads otherwise without quotes', () => {
  for (const word of ODD_TEXTS) {
    const words = [word, 'plainly'];
    const [odd, plain] = [word, 'plainly'].map((one) => anonymous([...render(allOf(one))], words));
    assert.deepEqual(odd, plain, word);
  }
});

test('the controller reads its configuration, and stands for the same election as it has a Lease for', () => {
  for (const values of Object.values(SETS)) {
    const objects = render(values);
    const configuration = at(find(objects, 'ConfigMap'), 'data', 'controller.yaml');
    const deployment = find(objects, 'Deployment', 'sealward-controller');
    assert.equal(configuration === undefined, deployment === undefined);
    if (configuration === undefined) continue;
    const { lease, exemptNamespaces } = parseControllerConfig('/etc/sealward/files/controller.yaml', text(configuration));
    assert.equal(at(find(objects, 'Lease', lease?.name), 'metadata', 'namespace'), lease?.namespace);
    const webhook = parseAdmissionConfig('/etc/sealward/files/admission.yaml', text(at(find(objects, 'ConfigMap'), 'data', 'admission.yaml')));
    assert.deepEqual(exemptNamespaces, webhook.exemptNamespaces);
  }
  const all = SETS['a controller that does all it can'] ?? {};
  const { containment, canary } = parseControllerConfig('controller.yaml', text(at(find(render(all), 'ConfigMap'), 'data', 'controller.yaml')));
  assert.deepEqual([containment.dryRun, containment.rules.length, canary?.images.length], [false, 3, 1]);
});

function hooksOf(objects: readonly JsonObject[]): readonly JsonValue[] {
  return ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'].flatMap((kind) => list(at(find(objects, kind), 'webhooks')));
}

test('its pods meet the strictest pod security standard, write nothing but their volume, and are spread', () => {
  const set = find(render({}), 'StatefulSet');
  const pod = at(set, 'spec', 'template', 'spec');
  const beside = at(find(render({}), 'Deployment', 'sealward-controller'), 'spec', 'template', 'spec');
  assert.deepEqual({ ...(at(beside, 'securityContext') as JsonObject), fsGroupChangePolicy: 'OnRootMismatch' }, at(pod, 'securityContext'));
  assert.deepEqual(at(beside, 'containers', 0, 'securityContext'), at(pod, 'containers', 0, 'securityContext'));
  assert.deepEqual(at(pod, 'securityContext'), {
    runAsNonRoot: true,
    runAsUser: 65532,
    runAsGroup: 65532,
    fsGroup: 65532,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  });
  const [container, ...others] = list(at(pod, 'containers'));
  assert.equal(others.length, 0);
  assert.deepEqual(at(container, 'securityContext'), { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
  const writable = list(at(container, 'volumeMounts')).filter((mount) => at(mount, 'readOnly') !== true);
  assert.deepEqual(
    writable.map((mount) => at(mount, 'mountPath')),
    ['/var/lib/sealward'],
  );
  for (const member of ['hostNetwork', 'hostPID', 'hostIPC', 'initContainers']) assert.equal(at(pod, member), undefined);
  assert.equal(at(pod, 'priorityClassName'), 'system-cluster-critical');
  assert.equal(at(container, 'resources', 'limits', 'cpu'), undefined);
  assert.equal(at(set, 'spec', 'replicas'), 3);
  assert.equal(at(find(render({}), 'PodDisruptionBudget'), 'spec', 'minAvailable'), 2);
  assert.equal(at(find(render({ replicas: 1 }), 'PodDisruptionBudget'), 'spec', 'minAvailable'), 0);
  const hard = at(find(render({ spread: 'hard' }), 'StatefulSet'), 'spec', 'template', 'spec', 'affinity', 'podAntiAffinity');
  assert.ok(list(at(hard, 'requiredDuringSchedulingIgnoredDuringExecution')).length === 1);
});

test('the API server asks about everything that starts something, and lets nothing pass when nobody answers', () => {
  const objects = render({});
  const hooks = hooksOf(objects);
  assert.deepEqual(
    hooks.map((hook) => [at(hook, 'name'), at(hook, 'timeoutSeconds'), at(hook, 'reinvocationPolicy') ?? 'none']),
    [
      ['pin.sealward.dev', 5, 'IfNeeded'],
      ['pods.sealward.dev', 10, 'none'],
      ['templates.sealward.dev', 10, 'none'],
    ],
  );
  for (const hook of hooks) {
    assert.deepEqual(at(hook, 'admissionReviewVersions'), ['v1']);
    assert.equal(at(hook, 'failurePolicy'), 'Fail');
    assert.equal(at(hook, 'matchPolicy'), 'Equivalent');
    assert.equal(at(hook, 'sideEffects'), 'None');
    // Whoever makes an object chooses its labels, and conditions can be met on purpose.
    for (const member of ['objectSelector', 'matchConditions']) assert.equal(at(hook, member), undefined);
    assert.deepEqual(at(hook, 'namespaceSelector'), {
      matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: [NAMESPACE, 'kube-system'] }],
    });
  }
  const resources = (hook: JsonValue | undefined): readonly string[] =>
    list(at(hook, 'rules')).flatMap((rule) => {
      assert.deepEqual(at(rule, 'operations'), ['CREATE', 'UPDATE']);
      return list(at(rule, 'apiGroups')).flatMap((group) => list(at(rule, 'resources')).map((resource) => `${text(group)}/${text(resource)}`));
    });
  const pods = ['/pods', '/pods/ephemeralcontainers'];
  const templates = [
    '/replicationcontrollers',
    '/podtemplates',
    'apps/deployments',
    'apps/replicasets',
    'apps/statefulsets',
    'apps/daemonsets',
    'batch/jobs',
    'batch/cronjobs',
  ];
  assert.deepEqual(hooks.map(resources), [[...pods, ...templates], pods, templates]);
});

test('what proves the caller stands in the path that the API server asks, and nowhere else', () => {
  const given = { caller: { proof: 'path-secret', pathSecret: 'cd'.repeat(32) }, tls: { certManager: { enabled: true } } };
  const objects = render(given);
  const pathsOf = (made: readonly JsonObject[]): readonly (JsonValue | undefined)[] => hooksOf(made).map((hook) => at(hook, 'clientConfig', 'service', 'path'));
  assert.deepEqual(pathsOf(objects), [`/${'cd'.repeat(32)}/mutate`, `/${'cd'.repeat(32)}/validate`, `/${'cd'.repeat(32)}/validate`]);
  const holders = objects.filter((object) => JSON.stringify(object).includes('cd'.repeat(32))).map(({ kind }) => kind);
  assert.deepEqual(new Set(holders), new Set(['MutatingWebhookConfiguration', 'Secret', 'ValidatingWebhookConfiguration']));
  assert.throws(() => render({ ...given, caller: { proof: 'path-secret' } }), { code: 'ERR_CONFIG_INVALID', message: /caller\.pathSecret is missing/ });
  // What the webhook writes itself is not named, so that nobody who applies these objects again writes over it.
  assert.deepEqual(pathsOf(render({ caller: { proof: 'path-secret' } })), [undefined, undefined, undefined]);
  assert.deepEqual(pathsOf(render({})), ['/mutate', '/validate', '/validate']);
  assert.equal(at(find(render({}), 'Secret', 'sealward-authority'), 'data'), undefined);
  for (const hook of hooksOf(render({}))) assert.equal(at(hook, 'clientConfig', 'caBundle'), undefined);
});

/** All that anything of Sealward may do, whatever is switched on. Whoever adds a line here gives it to whoever takes over a pod. */
const ALLOWED = [
  'shop: /secrets: get',
  'shop: /serviceaccounts: get',
  'blog: /secrets: get',
  'blog: /serviceaccounts: get',
  'cluster: /pods: list watch',
  'cluster: /events: create patch',
  'cluster: wgpolicyk8s.io/policyreports: list create patch delete',
  'cluster: admissionregistration.k8s.io/validatingwebhookconfigurations [sealward]: get',
  'cluster: admissionregistration.k8s.io/mutatingwebhookconfigurations [sealward]: get',
  'cluster: /pods: patch',
  'cluster: /pods/eviction: create',
  ...['deployments', 'replicasets', 'statefulsets'].map((plural) => `cluster: apps/${plural}: get patch`),
  'cluster: /replicationcontrollers: get patch',
  'sealward-system: coordination.k8s.io/leases [sealward-controller]: get update',
  'sealward-canary: /pods: create',
  'cluster: /namespaces: list watch',
  'cluster: sealward.dev/imagepolicies: list watch',
  'cluster: admissionregistration.k8s.io/validatingwebhookconfigurations [sealward]: get patch',
  'cluster: admissionregistration.k8s.io/mutatingwebhookconfigurations [sealward]: get patch',
  'sealward-system: /secrets [sealward-authority]: get update',
  'sealward-system: /configmaps [sealward-trust]: get',
];

test('nothing may do more in the cluster than a short list says', () => {
  const found = new Set<string>();
  for (const values of Object.values(SETS)) {
    for (const object of render(values)) {
      const where = object['kind'] === 'ClusterRole' ? 'cluster' : object['kind'] === 'Role' ? text(at(object, 'metadata', 'namespace')) : undefined;
      if (where === undefined) continue;
      assert.equal(object['aggregationRule'], undefined);
      for (const rule of list(object['rules'])) {
        assert.deepEqual(
          Object.keys(rule as JsonObject).filter((key) => !['apiGroups', 'resources', 'resourceNames', 'verbs'].includes(key)),
          [],
        );
        const names = at(rule, 'resourceNames') === undefined ? '' : ` [${list(at(rule, 'resourceNames')).map(text).join(' ')}]`;
        for (const group of list(at(rule, 'apiGroups')))
          for (const resource of list(at(rule, 'resources')))
            found.add(`${where}: ${text(group)}/${text(resource)}${names}: ${list(at(rule, 'verbs')).map(text).join(' ')}`);
      }
    }
  }
  assert.deepEqual([...found].sort(), [...ALLOWED].sort());
  // With certificates of somebody else there is nothing to write anywhere.
  const foreign = render({ tls: { certManager: { enabled: true } }, controller: { enabled: false } }).filter(
    ({ kind }) => kind === 'ClusterRole' || kind === 'Role',
  );
  assert.doesNotMatch(JSON.stringify(foreign), /patch|update|create|delete|\*/);
});

test('each role is bound to one account of Sealward, and neither gives out tokens by itself', () => {
  for (const values of Object.values(SETS)) {
    for (const object of render(values)) {
      if (!text(object['kind']).endsWith('RoleBinding')) continue;
      const role = text(at(object, 'roleRef', 'name'));
      assert.equal(role, at(object, 'metadata', 'name'));
      const account = ['sealward-webhook', 'sealward-pull-secrets'].includes(role) ? 'sealward-webhook' : 'sealward-controller';
      assert.deepEqual(object['subjects'], [{ kind: 'ServiceAccount', name: account, namespace: NAMESPACE }]);
    }
  }
  for (const name of ['sealward-webhook', 'sealward-controller'])
    assert.equal(at(find(render({}), 'ServiceAccount', name), 'automountServiceAccountToken'), false);
});

test('the controller may touch what runs only where a rule of containment says so', () => {
  const rights = (rules: readonly JsonObject[]): string =>
    JSON.stringify(find(render({ controller: { containment: { rules: [...rules] } } }), 'ClusterRole', 'sealward-controller')?.['rules']);
  assert.doesNotMatch(rights([]), /eviction|deployments|"pods"\],"verbs":\["patch/);
  assert.match(rights([{ action: 'evict' }]), /pods\/eviction/);
  assert.doesNotMatch(rights([{ action: 'evict' }]), /deployments|"pods"\],"verbs":\["patch/);
  assert.match(rights([{ action: 'label' }]), /"pods"\],"verbs":\["patch/);
  assert.match(rights([{ action: 'scale-to-zero' }]), /deployments/);
});

const schema = valuesSchema(CHART_FILES);

/** As Helm refuses them. */
const WRONG: readonly JsonObject[] = [
  { replicas: 0 },
  { replicas: 101 },
  { replicas: 1.5 },
  { replicas: 'three' },
  { caller: { proof: 'none' } },
  { unknown: 1 },
  { drainSeconds: 5 },
  { webhooks: { failurePolicy: 'fail' } },
  { webhooks: { exemptNamespaces: ['kube-*'] } },
  { webhooks: { enabled: 'maybe' } },
  { image: { tag: 7 } },
  { image: { digest: 'sha256:abc' } },
  { customKinds: [{ kind: 'a/B', podSpecs: [] }] },
  { customKinds: [{ kind: 'a/B' }] },
  { controller: { containment: { rules: 'evict' } } },
  { controller: { containment: { rules: [{ action: 'evict', more: 1 }] } } },
  { networkPolicy: { egressPorts: [70_000] } },
  { decisions: { keep: 'for ever' } },
  { toString: 'x' },
];

test('values that the schema refuses are refused, and no others', () => {
  // Of these Helm only warns, and goes on without them.
  assert.throws(() => render({ caller: [] }), { code: 'ERR_CONFIG_INVALID', message: 'the value "caller" must be a map' });
  const oracle = new Ajv({ strict: true }).compile(schema as JsonObject);
  const defaults = parse(CHART_FILES['values.yaml'] ?? '') as JsonObject;
  for (const values of [...Object.values(SETS), {}]) assert.equal(oracle({ ...defaults, ...values }), true, JSON.stringify(values));
  for (const values of WRONG) {
    const all = { ...defaults, ...values };
    assert.equal(oracle(all), false, JSON.stringify(values));
    assert.throws(() => checkValues(schema, all), { code: 'ERR_CONFIG_INVALID' }, JSON.stringify(values));
    assert.throws(() => render(values), { code: 'ERR_CONFIG_INVALID' }, JSON.stringify(values));
  }
});

test('a schema in a language that is not known here is no schema', () => {
  assert.throws(() => checkValues({ properties: { a: { oneOf: [] } } }, { a: 1 }), { code: 'ERR_INVARIANT', message: /"oneOf" at "a"/ });
  assert.throws(() => checkValues(null, {}), { code: 'ERR_INVARIANT' });
});

/** Paths of the values that a map has; what is empty there, or described as free, has none below it. */
function paths(value: JsonValue | undefined, isLeaf: (value: JsonValue | undefined, path: string) => boolean, prefix = ''): string[] {
  if (isLeaf(value, prefix)) return [prefix];
  return Object.entries(value as JsonObject).flatMap(([key, inner]) => paths(inner, isLeaf, prefix === '' ? key : `${prefix}.${key}`));
}

test('the schema of the values names what values.yaml has, and nothing else', () => {
  const described: string[] = [];
  const describe = (node: JsonValue | undefined, prefix: string): void => {
    const members = at(node, 'properties') as JsonObject | undefined;
    if (members) for (const [key, inner] of Object.entries(members)) describe(inner, prefix === '' ? key : `${prefix}.${key}`);
    else described.push(prefix);
    if (members) assert.equal(at(node, 'additionalProperties'), false, prefix);
  };
  describe(schema, '');
  const has = paths(
    parse(CHART_FILES['values.yaml'] ?? '') as JsonValue,
    (value, path) => path.endsWith('resources') || value === null || typeof value !== 'object' || Array.isArray(value) || Object.keys(value).length === 0,
  );
  assert.deepEqual(has.sort(), described.filter((path) => path !== 'global').sort());
});

test('the shapes refuse what the API server would drop', () => {
  const [set] = render({}).filter(({ kind }) => kind === 'PodDisruptionBudget');
  assert.throws(() => checkShape({ ...set, spec: { ...(set?.['spec'] as JsonObject), minAvailble: 2 } }), /has no member minAvailble/);
  assert.throws(() => checkShape({ ...set, spec: { minAvailable: 2 } }), /needs selector/);
  assert.throws(() => checkShape({ ...set, kind: 'Pdb' }), /shape is not known/);
});

test('the chart has the version of the package', () => {
  const chart = parse(CHART_FILES['Chart.yaml'] ?? '') as Record<string, unknown>;
  assert.equal(chart['version'], packageJson.version);
  assert.equal(chart['appVersion'], packageJson.version);
});

function helm(args: readonly string[], values: JsonObject): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-helm-'));
  try {
    const file = join(folder, 'values.yaml');
    writeFileSync(file, stringify(withNeeded(values), { version: '1.1' }));
    const env = { PATH: process.env['PATH'] ?? '', HOME: folder };
    return execFileSync(peerPath('helm'), [...args, '--values', file], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const ODD_SETS = ODD_TEXTS.map((word) => [`everywhere the text ${word}`, allOf(word)] as const);
for (const [name, values] of [...Object.entries(SETS), ...ODD_SETS]) {
  test(`values: ${name}: Helm makes the same objects as our own renderer`, (t) => {
    if (!requirePeers(t, 'helm')) return;
    const text = helm(['template', 'sealward', CHART, '--namespace', NAMESPACE, '--kube-version', '1.31.0'], values);
    const theirs = parseAllDocuments(text.replaceAll('managed-by: Helm', 'managed-by: sealward'), { version: '1.1' }).map(
      (document) => document.toJS() as JsonObject | null,
    );
    const byKey = (objects: readonly (JsonObject | null)[]): Map<string, JsonObject> =>
      new Map(objects.flatMap((object): [string, JsonObject][] => (object ? [[keyOf(object), object]] : [])).sort(([a], [b]) => (a < b ? -1 : 1)));
    assert.deepEqual(byKey(theirs), byKey(render(values)));
  });
}

test('Helm finds no fault with the chart, and refuses values that it does not have', (t) => {
  if (!requirePeers(t, 'helm')) return;
  assert.match(helm(['lint', '--strict', CHART], {}), /0 chart\(s\) failed/);
  for (const wrong of WRONG) {
    assert.throws(
      () => helm(['template', CHART, '--kube-version', '1.31.0'], wrong),
      /values don't meet the specifications of the schema/,
      JSON.stringify(wrong),
    );
  }
});
