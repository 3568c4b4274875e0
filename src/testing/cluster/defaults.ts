/** What the API server fills in before anybody sees an object, and what it refuses afterwards, as far as images and pods go. */
import { isDeepStrictEqual } from 'node:util';
import type { JsonObject, JsonValue } from '../../core/encoding/index.ts';
import { kindKey, type ServedKind } from './kinds.ts';
import { isObject, listAt, objectAt, textAt } from './members.ts';
import { type ApiFailure, invalid } from './statuses.ts';

/** Where a kind keeps its pod template; the Pod is one itself. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  replicationcontrollers: ['spec', 'template'],
  podtemplates: ['template'],
  'deployments.apps': ['spec', 'template'],
  'replicasets.apps': ['spec', 'template'],
  'statefulsets.apps': ['spec', 'template'],
  'daemonsets.apps': ['spec', 'template'],
  'jobs.batch': ['spec', 'template'],
  'cronjobs.batch': ['spec', 'jobTemplate', 'spec', 'template'],
};

export function withDefaults(kind: ServedKind, object: JsonObject): JsonObject {
  const key = kindKey(kind);
  const template = TEMPLATES[key];
  if (template) {
    const filled = inPlace(object, [...template, 'spec'], podDefaults);
    return kind.scale ? inPlace(filled, ['spec'], (spec) => ({ replicas: 1, ...spec })) : filled;
  }
  if (key === 'pods') {
    // Of the ServiceAccount admission plugin, which comes before webhooks.
    const filled = inPlace(object, ['spec'], (spec) => ({ serviceAccountName: 'default', ...podDefaults(spec) }));
    return { status: { phase: 'Pending' }, ...filled };
  }
  if (key === 'secrets') return secretDefaults(object);
  if (key === 'validatingwebhookconfigurations.admissionregistration.k8s.io' || key === 'mutatingwebhookconfigurations.admissionregistration.k8s.io') {
    return { ...object, webhooks: listAt(object, 'webhooks').map((webhook) => webhookDefaults(objectAt(webhook), key.startsWith('mutating'))) };
  }
  return object;
}

function inPlace(object: JsonObject, path: readonly string[], change: (inner: JsonObject) => JsonObject): JsonObject {
  const [name, ...rest] = path;
  if (name === undefined) return change(object);
  const inner = object[name];
  return isObject(inner) ? { ...object, [name]: inPlace(inner, rest, change) } : object;
}

function podDefaults(spec: JsonObject): JsonObject {
  const lists = ['containers', 'initContainers', 'ephemeralContainers'].filter((name) => Array.isArray(spec[name]));
  const filled = Object.fromEntries(lists.map((name) => [name, listAt(spec, name).map((each) => (isObject(each) ? containerDefaults(each) : each))]));
  return {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    terminationGracePeriodSeconds: 30,
    schedulerName: 'default-scheduler',
    securityContext: {},
    ...spec,
    ...filled,
  };
}

function containerDefaults(container: JsonObject): JsonObject {
  const image = textAt(container, 'image');
  const last = image.slice(image.lastIndexOf('/') + 1);
  const latest = !image.includes('@') && (!last.includes(':') || last.endsWith(':latest'));
  return {
    imagePullPolicy: latest ? 'Always' : 'IfNotPresent',
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    resources: {},
    ...container,
  };
}

function secretDefaults({ stringData, ...object }: JsonObject): JsonObject {
  const plain = Object.entries(objectAt(stringData)).map(([name, value]): [string, JsonValue] => [
    name,
    Buffer.from(typeof value === 'string' ? value : '').toString('base64'),
  ]);
  return { type: 'Opaque', ...object, ...(plain.length > 0 ? { data: { ...objectAt(object, 'data'), ...Object.fromEntries(plain) } } : {}) };
}

function webhookDefaults(webhook: JsonObject, mutating: boolean): JsonObject {
  const rules = listAt(webhook, 'rules').map((rule) => ({ scope: '*', ...objectAt(rule) }));
  const service = objectAt(webhook, 'clientConfig', 'service');
  const clientConfig = { ...objectAt(webhook, 'clientConfig'), ...('name' in service ? { service: { port: 443, ...service } } : {}) };
  return {
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
    ...(mutating ? { reinvocationPolicy: 'Never' } : {}),
    ...webhook,
    clientConfig,
    rules,
  };
}

const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

/** Throws 422 for the first thing that is wrong. */
export function validate(kind: ServedKind, object: JsonObject, before?: JsonObject): void {
  const name = textAt(object, 'metadata', 'name');
  const refuse = (field: string, message: string): ApiFailure => invalid(kind, name, field, message);
  // RBAC names are free path segments ("system:node").
  if (kind.group !== 'rbac.authorization.k8s.io' && !SUBDOMAIN.test(name)) {
    throw refuse('metadata.name', `Invalid value: "${name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'`);
  }
  const key = kindKey(kind);
  if (key === 'pods') validatePod(object, before, refuse);
  if (/^(?:validating|mutating)webhookconfigurations/.test(key))
    for (const [i, webhook] of listAt(object, 'webhooks').entries()) validateWebhook(webhook, i, refuse);
  if (
    before &&
    /^(?:deployments|replicasets)\.apps$/.test(key) &&
    !isDeepStrictEqual(objectAt(object, 'spec', 'selector'), objectAt(before, 'spec', 'selector'))
  ) {
    throw refuse('spec.selector', 'Invalid value: field is immutable');
  }
}

function validatePod(pod: JsonObject, before: JsonObject | undefined, refuse: (field: string, message: string) => ApiFailure): void {
  const containers = listAt(pod, 'spec', 'containers');
  if (containers.length === 0) throw refuse('spec.containers', 'Required value');
  for (const list of ['containers', 'initContainers', 'ephemeralContainers']) {
    for (const [i, container] of listAt(pod, 'spec', list).entries()) {
      for (const member of ['name', 'image']) if (textAt(container, member) === '') throw refuse(`spec.${list}[${i}].${member}`, 'Required value');
    }
  }
  if (before && !isDeepStrictEqual(frozenPart(pod), frozenPart(before))) {
    throw refuse(
      'spec',
      'Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
    );
  }
}

/** The spec without what may change; ephemeral containers have a way of their own. */
function frozenPart(pod: JsonObject): JsonObject {
  const images = (name: string): JsonValue[] => listAt(pod, 'spec', name).map((each) => ({ ...objectAt(each), image: '' }));
  return {
    ...objectAt(pod, 'spec'),
    nodeName: '',
    activeDeadlineSeconds: 0,
    tolerations: [],
    ephemeralContainers: [],
    containers: images('containers'),
    initContainers: images('initContainers'),
  };
}

function validateWebhook(webhook: JsonValue, i: number, refuse: (field: string, message: string) => ApiFailure): void {
  const [at, name] = [`webhooks[${i}]`, textAt(webhook, 'name')];
  if (name.split('.').length < 3) throw refuse(`${at}.name`, `Invalid value: "${name}": should be a domain with at least three segments separated by dots`);
  const effects = textAt(webhook, 'sideEffects');
  if (effects !== 'None' && effects !== 'NoneOnDryRun')
    throw refuse(`${at}.sideEffects`, `Unsupported value: "${effects}": supported values: "None", "NoneOnDryRun"`);
  if (listAt(webhook, 'admissionReviewVersions').length === 0) throw refuse(`${at}.admissionReviewVersions`, 'Required value: must specify one of v1, v1beta1');
  const timeout = objectAt(webhook)['timeoutSeconds'];
  if (typeof timeout !== 'number' || timeout < 1 || timeout > 30)
    throw refuse(`${at}.timeoutSeconds`, `Invalid value: ${JSON.stringify(timeout)}: the timeout value must be between 1 and 30 seconds`);
  const config = objectAt(webhook, 'clientConfig');
  if ('url' in config === 'service' in config) throw refuse(`${at}.clientConfig`, 'Required value: exactly one of url or service is required');
  const conditions = listAt(webhook, 'matchConditions');
  // The real one evaluates CEL here; this one says that it cannot, rather than to let a webhook be called for everything.
  if (conditions.length > 0) throw refuse(`${at}.matchConditions`, 'Forbidden: this server for tests evaluates no match conditions');
}
