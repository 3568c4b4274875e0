/** What the API server serves, and under which path (Kubernetes API concepts, "Resource URIs"). */
import { quoted } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';

export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** As it stands in paths: "pods". */
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

const resource = (group: string, version: string, plural: string, kind: string, namespaced = true): Resource => ({ group, version, plural, kind, namespaced });

/** The resources that Sealward itself asks for. */
export const RESOURCES = {
  pods: resource('', 'v1', 'pods', 'Pod'),
  nodes: resource('', 'v1', 'nodes', 'Node', false),
  namespaces: resource('', 'v1', 'namespaces', 'Namespace', false),
  secrets: resource('', 'v1', 'secrets', 'Secret'),
  serviceAccounts: resource('', 'v1', 'serviceaccounts', 'ServiceAccount'),
  configMaps: resource('', 'v1', 'configmaps', 'ConfigMap'),
  events: resource('', 'v1', 'events', 'Event'),
  deployments: resource('apps', 'v1', 'deployments', 'Deployment'),
  statefulSets: resource('apps', 'v1', 'statefulsets', 'StatefulSet'),
  replicaSets: resource('apps', 'v1', 'replicasets', 'ReplicaSet'),
  daemonSets: resource('apps', 'v1', 'daemonsets', 'DaemonSet'),
  jobs: resource('batch', 'v1', 'jobs', 'Job'),
  replicationControllers: resource('', 'v1', 'replicationcontrollers', 'ReplicationController'),
  leases: resource('coordination.k8s.io', 'v1', 'leases', 'Lease'),
  validatingWebhooks: resource('admissionregistration.k8s.io', 'v1', 'validatingwebhookconfigurations', 'ValidatingWebhookConfiguration', false),
  mutatingWebhooks: resource('admissionregistration.k8s.io', 'v1', 'mutatingwebhookconfigurations', 'MutatingWebhookConfiguration', false),
  policyReports: resource('wgpolicyk8s.io', 'v1alpha2', 'policyreports', 'PolicyReport'),
  imagePolicies: resource('sealward.dev', 'v1alpha1', 'imagepolicies', 'ImagePolicy'),
} as const satisfies Record<string, Resource>;

export interface ObjectName {
  /** Left out for what belongs to no namespace. */
  readonly namespace?: string;
  readonly name: string;
}

/** RFC 1123 subdomains, and what some kinds allow besides ("system:node:a"): a path segment that cannot lead elsewhere. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._:-]{1,253}$/;

export function segment(text: string, what: string): string {
  if (!SEGMENT.test(text))
    throw new SealwardError('ERR_CLUSTER_REFUSED', `${quoted(text)} cannot be ${what}`, { hint: 'Names are letters, digits, dots and dashes.' });
  return text;
}

export const apiVersionOf = ({ group, version }: Resource): string => (group === '' ? version : `${group}/${version}`);

/** The path of all objects (of a namespace, or of all), relative to the server. */
export function collectionPath(of: Resource, namespace?: string): string {
  const root = of.group === '' ? `api/${of.version}` : `apis/${of.group}/${of.version}`;
  return namespace === undefined || !of.namespaced ? `${root}/${of.plural}` : `${root}/namespaces/${segment(namespace, 'a namespace')}/${of.plural}`;
}

export function objectPath(of: Resource, { namespace, name }: ObjectName, subresource?: string): string {
  if (of.namespaced && namespace === undefined) throw new SealwardError('ERR_INVARIANT', `a ${of.kind} is in a namespace, and none was named`);
  const path = `${collectionPath(of, namespace)}/${segment(name, `the name of a ${of.kind}`)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** "the Pod shop/web", for messages. */
export function nameOf(of: Resource, { namespace, name }: ObjectName): string {
  return `the ${of.kind} ${of.namespaced && namespace !== undefined ? `${namespace}/` : ''}${name}`;
}
