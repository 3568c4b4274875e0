/** The workload above a Pod, and how it is brought to zero: in one write that also says what it was, and is for that very object. */
import { type KubernetesClient, type Resource, RESOURCES } from '../../clients/kubernetes/index.ts';
import { memberOf } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { controllerOf, type ObjectReference, type RunningPod } from './running-pod.ts';

const SCALABLE: Readonly<Record<string, Resource>> = {
  'apps/v1 Deployment': RESOURCES.deployments,
  'apps/v1 StatefulSet': RESOURCES.statefulSets,
  'apps/v1 ReplicaSet': RESOURCES.replicaSets,
  'v1 ReplicationController': RESOURCES.replicationControllers,
};
const BEFORE = 'sealward.dev/replicas-before';
/** Whoever owns a workload writes its status all the time. */
const ATTEMPTS = 5;

export interface Workload {
  readonly namespace: string;
  readonly about: ObjectReference;
  readonly resource: Resource;
  readonly resourceVersion: string;
  readonly replicas: number;
  /** What owns it, if anything does. */
  readonly above?: ObjectReference;
}

/**
 * The Deployment above a ReplicaSet, as what it owns would be scaled back by it at once; else what owns the Pod.
 * @returns a reference where there are no replicas, or nobody here knows how to say so; undefined when it is gone.
 */
export async function findWorkload(client: KubernetesClient, { namespace, owner }: RunningPod): Promise<Workload | ObjectReference | undefined> {
  const direct = await lookAt(client, namespace, owner);
  if (!direct || !isWorkload(direct) || direct.resource !== RESOURCES.replicaSets || !direct.above) return direct;
  return lookAt(client, namespace, direct.above);
}

async function lookAt(client: KubernetesClient, namespace: string, about: ObjectReference): Promise<Workload | ObjectReference | undefined> {
  const resource = SCALABLE[`${about.apiVersion} ${about.kind}`];
  if (!resource) return about;
  const found = await client.get(resource, { namespace, name: about.name });
  if (found?.uid !== about.uid) return undefined;
  const replicas = memberOf(found.json['spec'], 'replicas');
  const above = controllerOf(found.json);
  return {
    namespace,
    about,
    resource,
    resourceVersion: found.resourceVersion,
    // One when nothing is said, as the API has it.
    replicas: typeof replicas === 'number' ? replicas : 1,
    ...(above ? { above } : {}),
  };
}

export function isWorkload(found: Workload | ObjectReference): found is Workload {
  return 'resource' in found;
}

/** Throws ERR_OBJECT_CONFLICT when it changes faster than one can look. */
export async function scaleToZero(client: KubernetesClient, first: Workload, options: { readonly dryRun: boolean }): Promise<'done' | 'gone'> {
  let workload = first;
  for (let attempt = 1; ; attempt++) {
    const { namespace, about, resource, resourceVersion, replicas } = workload;
    // With the version, so that the note is of what it is now; and with the uid, because another one may have its name.
    const metadata = { uid: about.uid, resourceVersion, annotations: { [BEFORE]: String(replicas) } };
    try {
      await client.patch(resource, { namespace, name: about.name }, { type: 'merge', patch: { metadata, spec: { replicas: 0 } } }, options);
      return 'done';
    } catch (error) {
      if (!(error instanceof SealwardError)) throw error;
      if (error.code === 'ERR_OBJECT_NOT_FOUND') return 'gone';
      if (error.code !== 'ERR_OBJECT_CONFLICT' || attempt === ATTEMPTS) throw error;
      const again = await lookAt(client, namespace, about);
      if (!again || !isWorkload(again)) return 'gone';
      if (again.replicas === 0) return 'done';
      workload = again;
    }
  }
}
