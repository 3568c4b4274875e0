/** What an installation is made of, in the order in which it is made; it is taken away the other way round. */
import { stringify } from 'yaml';
import { type Resource, RESOURCES } from '../../../clients/kubernetes/index.ts';
import { type JsonObject, memberOf, stringOf } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';

const of = (group: string, plural: string, kind: string, namespaced = true): Resource => ({ group, version: 'v1', plural, kind, namespaced });

export const STATEFUL_SETS: Resource = of('apps', 'statefulsets', 'StatefulSet');
/** What makes the API server ask. */
export const HOOKS: readonly Resource[] = [RESOURCES.mutatingWebhooks, RESOURCES.validatingWebhooks];
/** What outlives an installation: policies of namespaces, and where the evidence lies. */
const LASTING: readonly Resource[] = [RESOURCES.namespaces, of('apiextensions.k8s.io', 'customresourcedefinitions', 'CustomResourceDefinition', false)];

/** Without those that make the API server ask: they come last, and go first. */
export const PARTS: readonly Resource[] = [
  RESOURCES.serviceAccounts,
  RESOURCES.secrets,
  RESOURCES.configMaps,
  RESOURCES.leases,
  of('rbac.authorization.k8s.io', 'clusterroles', 'ClusterRole', false),
  of('rbac.authorization.k8s.io', 'clusterrolebindings', 'ClusterRoleBinding', false),
  of('rbac.authorization.k8s.io', 'roles', 'Role'),
  of('rbac.authorization.k8s.io', 'rolebindings', 'RoleBinding'),
  of('', 'services', 'Service'),
  of('networking.k8s.io', 'networkpolicies', 'NetworkPolicy'),
  of('policy', 'poddisruptionbudgets', 'PodDisruptionBudget'),
  of('cert-manager.io', 'issuers', 'Issuer'),
  of('cert-manager.io', 'certificates', 'Certificate'),
  RESOURCES.deployments,
  STATEFUL_SETS,
];

const ALL: readonly Resource[] = [...LASTING, ...PARTS, ...HOOKS];

export interface Placed {
  readonly of: Resource;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly object: JsonObject;
}

/** In the order in which they are to be made. */
export function placed(objects: readonly JsonObject[]): readonly Placed[] {
  const found = objects.map((object): Placed => {
    const kind = stringOf(object['kind']) ?? '';
    const group = /^(.+)\//.exec(stringOf(object['apiVersion']) ?? '')?.[1] ?? '';
    const resource = ALL.find((one) => one.kind === kind && one.group === group);
    if (!resource) throw new SealwardError('ERR_INVARIANT', `the chart makes a ${kind} of ${group}, which is not installed here`);
    const metadata = object['metadata'];
    return { of: resource, namespace: stringOf(memberOf(metadata, 'namespace')), name: stringOf(memberOf(metadata, 'name')) ?? '', object };
  });
  return found.sort((a, b) => ALL.indexOf(a.of) - ALL.indexOf(b.of));
}

/** For kubectl and Helm, which read YAML 1.1: there `off`, `no` and `1:30` are text only in quotes. */
export function clusterYaml(object: JsonObject): string {
  return stringify(object, { lineWidth: 0, version: '1.1' });
}

/** "StatefulSet sealward-system/sealward" */
export function titleOf({ of: { kind }, namespace, name }: Pick<Placed, 'of' | 'namespace' | 'name'>): string {
  return `${kind} ${namespace === undefined || namespace === '' ? '' : `${namespace}/`}${name}`;
}
