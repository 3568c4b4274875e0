/** What the server serves by itself. Custom kinds come and go with their CustomResourceDefinitions. */

export interface ServedKind {
  /** Empty for the core group. */
  readonly group: string;
  /** The preferred one first; one object can be read in each of them. */
  readonly versions: readonly string[];
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames?: readonly string[];
  /** Status is written apart, under /status. */
  readonly status?: boolean;
  /** /scale. */
  readonly scale?: boolean;
  readonly custom?: boolean;
}

const core = (plural: string, kind: string, more: Partial<ServedKind> = {}): ServedKind => ({
  group: '',
  versions: ['v1'],
  plural,
  kind,
  namespaced: true,
  ...more,
});
const of = (group: string, plural: string, kind: string, more: Partial<ServedKind> = {}): ServedKind => ({ ...core(plural, kind, more), group });

/** Clusters of today serve apps/v1 alone; the older ones are here because webhooks must hold for every version of a thing. */
const APPS: Partial<ServedKind> = { versions: ['v1', 'v1beta2', 'v1beta1'], status: true };

export const BUILT_IN: readonly ServedKind[] = [
  core('pods', 'Pod', { shortNames: ['po'], status: true }),
  core('namespaces', 'Namespace', { shortNames: ['ns'], namespaced: false, status: true }),
  core('nodes', 'Node', { shortNames: ['no'], namespaced: false, status: true }),
  core('secrets', 'Secret'),
  core('configmaps', 'ConfigMap', { shortNames: ['cm'] }),
  core('serviceaccounts', 'ServiceAccount', { shortNames: ['sa'] }),
  core('services', 'Service', { shortNames: ['svc'], status: true }),
  core('events', 'Event', { shortNames: ['ev'] }),
  core('replicationcontrollers', 'ReplicationController', { shortNames: ['rc'], status: true, scale: true }),
  core('podtemplates', 'PodTemplate'),
  of('apps', 'deployments', 'Deployment', { ...APPS, shortNames: ['deploy'], scale: true }),
  of('apps', 'replicasets', 'ReplicaSet', { ...APPS, shortNames: ['rs'], scale: true }),
  of('apps', 'statefulsets', 'StatefulSet', { ...APPS, shortNames: ['sts'], scale: true }),
  of('apps', 'daemonsets', 'DaemonSet', { ...APPS, shortNames: ['ds'] }),
  of('batch', 'jobs', 'Job', { status: true }),
  of('batch', 'cronjobs', 'CronJob', { shortNames: ['cj'], status: true }),
  of('coordination.k8s.io', 'leases', 'Lease'),
  of('policy', 'poddisruptionbudgets', 'PodDisruptionBudget', { shortNames: ['pdb'], status: true }),
  of('networking.k8s.io', 'networkpolicies', 'NetworkPolicy', { shortNames: ['netpol'] }),
  of('scheduling.k8s.io', 'priorityclasses', 'PriorityClass', { shortNames: ['pc'], namespaced: false }),
  of('rbac.authorization.k8s.io', 'roles', 'Role'),
  of('rbac.authorization.k8s.io', 'rolebindings', 'RoleBinding'),
  of('rbac.authorization.k8s.io', 'clusterroles', 'ClusterRole', { namespaced: false }),
  of('rbac.authorization.k8s.io', 'clusterrolebindings', 'ClusterRoleBinding', { namespaced: false }),
  of('admissionregistration.k8s.io', 'validatingwebhookconfigurations', 'ValidatingWebhookConfiguration', { namespaced: false }),
  of('admissionregistration.k8s.io', 'mutatingwebhookconfigurations', 'MutatingWebhookConfiguration', { namespaced: false }),
  of('apiextensions.k8s.io', 'customresourcedefinitions', 'CustomResourceDefinition', { shortNames: ['crd', 'crds'], namespaced: false, status: true }),
];

export const kindKey = ({ group, plural }: Pick<ServedKind, 'group' | 'plural'>): string => (group === '' ? plural : `${plural}.${group}`);

export const apiVersion = (group: string, version: string): string => (group === '' ? version : `${group}/${version}`);

/** Subresources that are objects of another kind: [path, kind, group, version]. */
export function subresources(kind: ServedKind): readonly (readonly [name: string, kind: string, group: string, version: string])[] {
  const own = [kind.kind, kind.group, kind.versions[0] ?? ''] as const;
  return [
    ...(kind.status ? [['status', ...own] as const] : []),
    ...(kind.scale ? [['scale', 'Scale', 'autoscaling', 'v1'] as const] : []),
    ...(kindKey(kind) === 'pods' ? [['ephemeralcontainers', ...own] as const, ['eviction', 'Eviction', 'policy', 'v1'] as const] : []),
  ];
}
