/**
 * Which members the objects that we write may have, after the API reference of Kubernetes 1.31: a misspelled one is dropped
 * by the API server with a warning at most, and then protects nobody. A kind or member that is not here is refused.
 */
import assert from 'node:assert/strict';
import type { JsonObject, JsonValue } from '../src/core/encoding/index.ts';

/** A type of JSON, a list of one shape, a map of any keys, or members, of which those with ! must be there. */
type Shape = 'string' | 'number' | 'boolean' | 'scalar' | readonly [Shape] | { readonly each: Shape } | { readonly [member: string]: Shape };

const texts = ['string'] as const;
const labels = { each: 'string' } as const;
const metadata = { 'name!': 'string', namespace: 'string', labels, annotations: labels } as const;
const selector = { matchLabels: labels, matchExpressions: [{ 'key!': 'string', 'operator!': 'string', values: texts }] } as const;
const policyRule = { 'apiGroups!': texts, 'resources!': texts, resourceNames: texts, 'verbs!': texts } as const;
const role = { 'metadata!': metadata, 'rules!': [policyRule] } as const;
const binding = {
  'metadata!': metadata,
  'roleRef!': { 'apiGroup!': 'string', 'kind!': 'string', 'name!': 'string' },
  'subjects!': [{ 'kind!': 'string', 'name!': 'string', namespace: 'string' }],
} as const;
const probe = { 'httpGet!': { 'path!': 'string', 'port!': 'scalar' }, periodSeconds: 'number', failureThreshold: 'number' } as const;
const affinityTerm = { 'topologyKey!': 'string', 'labelSelector!': selector } as const;

const container = {
  'name!': 'string',
  'image!': 'string',
  imagePullPolicy: 'string',
  args: texts,
  env: [{ 'name!': 'string', value: 'string' }],
  ports: [{ name: 'string', 'containerPort!': 'number' }],
  securityContext: { allowPrivilegeEscalation: 'boolean', readOnlyRootFilesystem: 'boolean', capabilities: { drop: texts } },
  resources: { requests: { each: 'scalar' }, limits: { each: 'scalar' } },
  startupProbe: probe,
  readinessProbe: probe,
  livenessProbe: probe,
  volumeMounts: [{ 'name!': 'string', 'mountPath!': 'string', readOnly: 'boolean' }],
} as const;

const pod = {
  serviceAccountName: 'string',
  automountServiceAccountToken: 'boolean',
  enableServiceLinks: 'boolean',
  priorityClassName: 'string',
  terminationGracePeriodSeconds: 'number',
  imagePullSecrets: [{ 'name!': 'string' }],
  securityContext: {
    runAsNonRoot: 'boolean',
    runAsUser: 'number',
    runAsGroup: 'number',
    fsGroup: 'number',
    fsGroupChangePolicy: 'string',
    seccompProfile: { 'type!': 'string' },
  },
  nodeSelector: labels,
  tolerations: [{ key: 'string', operator: 'string', value: 'string', effect: 'string' }],
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [affinityTerm],
      preferredDuringSchedulingIgnoredDuringExecution: [{ 'weight!': 'number', 'podAffinityTerm!': affinityTerm }],
    },
  },
  topologySpreadConstraints: [{ 'maxSkew!': 'number', 'topologyKey!': 'string', 'whenUnsatisfiable!': 'string', labelSelector: selector }],
  'containers!': [container],
  volumes: [
    {
      'name!': 'string',
      emptyDir: { sizeLimit: 'string' },
      configMap: { 'name!': 'string' },
      secret: { 'secretName!': 'string', items: [{ 'key!': 'string', 'path!': 'string' }] },
    },
  ],
} as const;

const hook = {
  'name!': 'string',
  'admissionReviewVersions!': texts,
  'clientConfig!': { 'service!': { 'namespace!': 'string', 'name!': 'string', port: 'number', path: 'string' } },
  failurePolicy: 'string',
  matchPolicy: 'string',
  'sideEffects!': 'string',
  timeoutSeconds: 'number',
  namespaceSelector: selector,
  'rules!': [{ 'apiGroups!': texts, 'apiVersions!': texts, 'operations!': texts, 'resources!': texts, scope: 'string' }],
} as const;

const KINDS: Readonly<Record<string, Shape>> = {
  'v1 Namespace': { 'metadata!': metadata },
  'v1 ConfigMap': { 'metadata!': metadata, data: labels },
  'v1 Secret': { 'metadata!': metadata, 'type!': 'string', stringData: labels },
  'coordination.k8s.io/v1 Lease': { 'metadata!': metadata },
  'v1 ServiceAccount': { 'metadata!': metadata, automountServiceAccountToken: 'boolean' },
  'v1 Service': {
    'metadata!': metadata,
    'spec!': {
      clusterIP: 'string',
      publishNotReadyAddresses: 'boolean',
      selector: labels,
      'ports!': [{ name: 'string', 'port!': 'number', targetPort: 'scalar' }],
    },
  },
  'apps/v1 StatefulSet': {
    'metadata!': metadata,
    'spec!': {
      'serviceName!': 'string',
      replicas: 'number',
      podManagementPolicy: 'string',
      'selector!': selector,
      'template!': { 'metadata!': { labels, annotations: labels }, 'spec!': pod },
      volumeClaimTemplates: [
        {
          'metadata!': { 'name!': 'string' },
          'spec!': { 'accessModes!': texts, storageClassName: 'string', 'resources!': { 'requests!': { 'storage!': 'string' } } },
        },
      ],
    },
  },
  'apps/v1 Deployment': {
    'metadata!': metadata,
    'spec!': { replicas: 'number', 'selector!': selector, 'template!': { 'metadata!': { labels, annotations: labels }, 'spec!': pod } },
  },
  'policy/v1 PodDisruptionBudget': { 'metadata!': metadata, 'spec!': { minAvailable: 'number', unhealthyPodEvictionPolicy: 'string', 'selector!': selector } },
  'networking.k8s.io/v1 NetworkPolicy': {
    'metadata!': metadata,
    'spec!': {
      'podSelector!': selector,
      policyTypes: texts,
      ingress: [{ ports: [{ 'port!': 'scalar', protocol: 'string' }], from: [{ ipBlock: { 'cidr!': 'string' }, namespaceSelector: selector }] }],
      egress: [{ ports: [{ 'port!': 'scalar', protocol: 'string' }] }],
    },
  },
  'rbac.authorization.k8s.io/v1 ClusterRole': role,
  'rbac.authorization.k8s.io/v1 Role': role,
  'rbac.authorization.k8s.io/v1 ClusterRoleBinding': binding,
  'rbac.authorization.k8s.io/v1 RoleBinding': binding,
  'admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration': { 'metadata!': metadata, 'webhooks!': [hook] },
  'admissionregistration.k8s.io/v1 MutatingWebhookConfiguration': { 'metadata!': metadata, 'webhooks!': [{ ...hook, reinvocationPolicy: 'string' }] },
  'cert-manager.io/v1 Issuer': { 'metadata!': metadata, 'spec!': { selfSigned: {} } },
  'cert-manager.io/v1 Certificate': {
    'metadata!': metadata,
    'spec!': {
      'secretName!': 'string',
      dnsNames: texts,
      duration: 'string',
      renewBefore: 'string',
      privateKey: { algorithm: 'string', size: 'number', rotationPolicy: 'string' },
      'issuerRef!': { 'name!': 'string', kind: 'string', group: 'string' },
    },
  },
};

const CLUSTER_WIDE = /^(?:Namespace|Cluster\w+|\w+WebhookConfiguration)$/;

export function checkShape(object: JsonObject): void {
  const { apiVersion, kind, ...rest } = object;
  assert.ok(typeof apiVersion === 'string' && typeof kind === 'string');
  const name = `${apiVersion} ${kind}`;
  const shape = KINDS[name];
  assert.ok(shape, `${name} is a kind whose shape is not known here`);
  check(rest, shape, name);
  const { namespace } = rest['metadata'] as JsonObject;
  assert.equal(namespace === undefined, CLUSTER_WIDE.test(kind), `${name}: what belongs to a namespace says to which`);
}

function check(value: JsonValue | undefined, shape: Shape, place: string): void {
  if (typeof shape === 'string') {
    const fits = shape === 'scalar' ? ['string', 'number'].includes(typeof value) : typeof value === shape;
    assert.ok(fits, `${place} is ${JSON.stringify(value)} and must be a ${shape}`);
  } else if (isList(shape)) {
    assert.ok(Array.isArray(value), `${place} must be a list`);
    for (const [at, item] of value.entries()) check(item, shape[0], `${place}[${at}]`);
  } else {
    assert.ok(value !== null && typeof value === 'object' && !Array.isArray(value), `${place} must be a map`);
    if (isMap(shape)) {
      for (const [key, inner] of Object.entries(value)) check(inner, shape.each, `${place}.${key}`);
      return;
    }
    for (const [key, inner] of Object.entries(value)) {
      const known: Shape | undefined = shape[`${key}!`] ?? shape[key];
      assert.ok(known !== undefined, `${place} has no member ${key}`);
      check(inner, known, `${place}.${key}`);
    }
    for (const key of Object.keys(shape)) if (key.endsWith('!')) assert.ok(Object.hasOwn(value, key.slice(0, -1)), `${place} needs ${key.slice(0, -1)}`);
  }
}

const isList = (shape: Shape): shape is readonly [Shape] => Array.isArray(shape);
const isMap = (shape: object): shape is { readonly each: Shape } => 'each' in shape;
