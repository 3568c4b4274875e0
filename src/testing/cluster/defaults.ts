/** What the API server fills in before anybody sees an object, and what it refuses afterwards, as far as images and pods go. */
import { isDeepStrictEqual } from 'node:util';
import type { JsonObject, JsonValue } from '../../core/encoding/index.ts';
import { kindKey, type ServedKind } from './kinds.ts';
import { isObject, listAt, objectAt, textAt, valueAt } from './members.ts';
import { labelsOf, matchesSelector } from './selectors.ts';
import { type ApiFailure, badRequest, invalid } from './statuses.ts';

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

const SUBDOMAIN_WORDS =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** Throws 422 for the first thing that is wrong, or 400 where a member is not of its type. */
export function validate(kind: ServedKind, object: JsonObject, before?: JsonObject, subresource = ''): void {
  const name = textAt(object, 'metadata', 'name');
  const refuse = (field: string, message: string): ApiFailure => invalid(kind, name, field, message);
  if (name === '') throw refuse('metadata.name', 'Required value: name or generateName is required');
  // RBAC names are free path segments ("system:node").
  if (kind.group !== 'rbac.authorization.k8s.io' && !SUBDOMAIN.test(name)) {
    throw refuse('metadata.name', `Invalid value: "${name}": ${SUBDOMAIN_WORDS}`);
  }
  for (const [label, value] of Object.entries(labelsOf(object))) {
    if (typeof value !== 'string' || !/^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/.test(value) || value.length > 63 || label === '')
      throw refuse('metadata.labels', `Invalid value: ${JSON.stringify(value)}: ${LABEL}`);
  }
  const key = kindKey(kind);
  if (key === 'leases.coordination.k8s.io') validateLease(kind, object, refuse);
  if (key === 'events') validateEvent(object, refuse);
  if (key === 'configmaps') checkTexts(kind, object, 'data');
  if (key === 'secrets') validateSecret(kind, object, before, refuse);
  if (key === 'pods') validatePod(object, before, subresource, refuse);
  if (/^(?:validating|mutating)webhookconfigurations/.test(key))
    for (const [i, webhook] of listAt(object, 'webhooks').entries()) validateWebhook(webhook, i, refuse);
  if (
    /^(?:deployments|replicasets)\.apps$/.test(key) &&
    !matchesSelector(valueAt(object, 'spec', 'selector'), objectAt(object, 'spec', 'template', 'metadata', 'labels'))
  ) {
    const labels = JSON.stringify(valueAt(object, 'spec', 'template', 'metadata', 'labels') ?? {});
    throw refuse('spec.template.metadata.labels', `Invalid value: ${labels}: \`selector\` does not match template \`labels\``);
  }
  if (
    before &&
    /^(?:deployments|replicasets)\.apps$/.test(key) &&
    !isDeepStrictEqual(objectAt(object, 'spec', 'selector'), objectAt(before, 'spec', 'selector'))
  ) {
    throw refuse('spec.selector', 'Invalid value: field is immutable');
  }
}

type Refuse = (field: string, message: string) => ApiFailure;

/** Times of these are MicroTime: with six digits, or they are none. */
function validateLease(kind: ServedKind, lease: JsonObject, refuse: Refuse): void {
  for (const member of ['acquireTime', 'renewTime']) checkMicroTime(kind, valueAt(lease, 'spec', member));
  const seconds = valueAt(lease, 'spec', 'leaseDurationSeconds');
  if (typeof seconds === 'number' && seconds <= 0) throw refuse('spec.leaseDurationSeconds', `Invalid value: ${seconds}: must be greater than 0`);
}

function checkMicroTime(kind: ServedKind, time: JsonValue | undefined): void {
  if (time === undefined || time === null || (typeof time === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(?:Z|[+-]\d\d:\d\d)$/.test(time))) return;
  const rest = typeof time === 'string' ? time.slice('2006-01-02T15:04:05'.length) : '';
  const said = `parsing time ${JSON.stringify(time)} as "2006-01-02T15:04:05.000000Z07:00": cannot parse ${JSON.stringify(rest)} as ".000000"`;
  throw badRequest(`${kind.kind} in version "${kind.versions[0]}" cannot be handled as a ${kind.kind}: ${said}`);
}

function checkTexts(kind: ServedKind, object: JsonObject, member: string): void {
  const other = Object.values(objectAt(object, member)).find((value) => typeof value !== 'string');
  if (other === undefined) return;
  const type = Array.isArray(other) ? 'array' : typeof other === 'boolean' ? 'bool' : typeof other;
  const said = `json: cannot unmarshal ${type} into Go struct field ${kind.kind}.${member} of type string`;
  throw badRequest(`${kind.kind} in version "v1" cannot be handled as a ${kind.kind}: ${said}`);
}

function validateEvent(event: JsonObject, refuse: Refuse): void {
  const [about, own] = [textAt(event, 'involvedObject', 'namespace'), textAt(event, 'metadata', 'namespace')];
  // What is in no namespace is told of in default.
  if (about !== own && !(about === '' && own === 'default'))
    throw refuse('involvedObject.namespace', `Invalid value: ${JSON.stringify(about)}: does not match event.namespace`);
}

function validateSecret(kind: ServedKind, secret: JsonObject, before: JsonObject | undefined, refuse: Refuse): void {
  for (const value of Object.values(objectAt(secret, 'data'))) {
    const bytes = typeof value === 'string' ? Buffer.from(value, 'base64').toString('base64') : undefined;
    if (bytes !== value) throw badRequest(`${kind.kind} in version "v1" cannot be handled as a ${kind.kind}: illegal base64 data at input byte 0`);
  }
  if (before === undefined) return;
  if (secret['type'] !== before['type']) throw refuse('type', `Invalid value: ${JSON.stringify(secret['type'])}: field is immutable`);
  if (before['immutable'] === true && !isDeepStrictEqual(secret['data'], before['data']))
    throw refuse('data', 'Forbidden: field is immutable when `immutable` is set');
}

function validatePod(pod: JsonObject, before: JsonObject | undefined, subresource: string, refuse: Refuse): void {
  const containers = listAt(pod, 'spec', 'containers');
  const wrong = valueAt(pod, 'spec', 'containers');
  if (typeof wrong === 'string')
    throw badRequest(
      'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container',
    );
  if (containers.length === 0) throw refuse('spec.containers', 'Required value');
  for (const list of ['containers', 'initContainers', 'ephemeralContainers']) {
    for (const [i, container] of listAt(pod, 'spec', list).entries()) {
      for (const member of ['name', 'image']) if (textAt(container, member) === '') throw refuse(`spec.${list}[${i}].${member}`, 'Required value');
    }
  }
  const names = ['containers', 'initContainers', 'ephemeralContainers'].flatMap((list) => listAt(pod, 'spec', list).map((each) => textAt(each, 'name')));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw refuse('spec', `Duplicate value: ${JSON.stringify(twice)}`);
  for (const held of listAt(before, 'spec', 'ephemeralContainers')) {
    const now = listAt(pod, 'spec', 'ephemeralContainers').find((each) => textAt(each, 'name') === textAt(held, 'name'));
    if (subresource === EPHEMERAL && !isDeepStrictEqual(now, held))
      throw refuse(
        'spec.ephemeralContainers',
        `Forbidden: existing ephemeral containers "${textAt(held, 'name')}" may not be ${now === undefined ? 'removed' : 'changed'}`,
      );
  }
  if (before && !isDeepStrictEqual(frozenPart(pod, subresource), frozenPart(before, subresource))) {
    throw refuse(
      'spec',
      'Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
    );
  }
}

const EPHEMERAL = 'ephemeralcontainers';

/** The spec without what may change; ephemeral containers have a way of their own. */
function frozenPart(pod: JsonObject, subresource: string): JsonObject {
  const images = (name: string): JsonValue[] => listAt(pod, 'spec', name).map((each) => ({ ...objectAt(each), image: '' }));
  return {
    ...objectAt(pod, 'spec'),
    nodeName: '',
    activeDeadlineSeconds: 0,
    tolerations: [],
    ephemeralContainers: subresource === EPHEMERAL ? [] : listAt(pod, 'spec', 'ephemeralContainers'),
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
