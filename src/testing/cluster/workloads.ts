/**
 * What brings workloads to life: Deployments make ReplicaSets, these make Pods, each by a request of its controller that goes
 * through admission; a kubelet of one node says that Pods run. Nothing runs. What is left without its owner is taken away.
 */
import { createHash } from 'node:crypto';
import type { JsonObject, JsonValue } from '../../core/encoding/index.ts';
import type { ApiAnswer } from './api.ts';
import { kindKey, type ServedKind } from './kinds.ts';
import { isObject, listAt, numberAt, objectAt, textAt, valueAt, withMetadata } from './members.ts';
import { runningStatus } from './pod-status.ts';
import { labelsOf } from './selectors.ts';
import type { ClusterStore, StoreChange } from './store.ts';
import type { ClusterUser } from './users.ts';

export interface WorkloadOptions {
  /** The imageID of a container that runs an image ("a.example/app@sha256:..."); the image itself where it names a digest, when missing. */
  readonly imageID?: (image: string) => string | undefined;
}

type Request = (method: string, path: string, body?: JsonValue, options?: { readonly user?: ClusterUser; readonly contentType?: string }) => Promise<ApiAnswer>;

const account = (name: string): ClusterUser => ({
  name: `system:serviceaccount:kube-system:${name}`,
  groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
});
const DEPLOYMENTS = account('deployment-controller');
const REPLICA_SETS = account('replicaset-controller');
const GARBAGE = account('generic-garbage-collector');
const NODE = 'node-1';
const KUBELET: ClusterUser = { name: `system:node:${NODE}`, groups: ['system:nodes', 'system:authenticated'] };

const PATHS: Readonly<Record<string, string>> = { 'deployments.apps': '/apis/apps/v1', 'replicasets.apps': '/apis/apps/v1', pods: '/api/v1' };
const RETRY = { firstMs: 50, longestMs: 5000 } as const;
const merge = { contentType: 'application/merge-patch+json' } as const;

export class Workloads {
  readonly #store: ClusterStore;
  readonly #request: Request;
  readonly #options: WorkloadOptions;
  readonly #unlisten: () => void;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #failures = new Map<string, number>();
  /** What is to be looked at, each once: kind and key. */
  readonly #queue = new Map<string, { readonly kind: string; readonly namespace: string; readonly name: string }>();
  #working: Promise<void> | undefined;
  #closed = false;

  constructor(store: ClusterStore, request: Request, options: WorkloadOptions) {
    this.#store = store;
    this.#request = request;
    this.#options = options;
    this.#unlisten = store.listen((change) => this.#changed(change));
  }

  async start(): Promise<void> {
    await this.#request('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } });
  }

  /** Resolves when there is nothing to do; what was refused and waits to be tried again is no such thing. */
  async settled(): Promise<void> {
    while (this.#working) await this.#working;
  }

  close(): void {
    this.#closed = true;
    this.#unlisten();
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #changed({ type, kind, object }: StoreChange): void {
    const owner = listAt(object, 'metadata', 'ownerReferences').find((each) => objectAt(each)['controller'] === true);
    const namespace = textAt(object, 'metadata', 'namespace');
    if (type === 'DELETED') this.#enqueue('orphans', namespace, textAt(object, 'metadata', 'uid'));
    else if (kindKey(kind) in PATHS) this.#enqueue(kindKey(kind), namespace, textAt(object, 'metadata', 'name'));
    if (textAt(owner, 'kind') === 'ReplicaSet') this.#enqueue('replicasets.apps', namespace, textAt(owner, 'name'));
    if (textAt(owner, 'kind') === 'Deployment') this.#enqueue('deployments.apps', namespace, textAt(owner, 'name'));
  }

  #enqueue(kind: string, namespace: string, name: string): void {
    if (this.#closed) return;
    this.#queue.set(`${kind} ${namespace}/${name}`, { kind, namespace, name });
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    // Let whoever changed something have its answer first.
    await new Promise<void>((resolve) => setImmediate(resolve));
    for (const [key, each] of this.#queue) {
      this.#queue.delete(key);
      if (this.#closed) break;
      if (await this.#reconcile(each.kind, each.namespace, each.name)) this.#failures.delete(key);
      else this.#later(key, each);
    }
    this.#working = undefined;
  }

  #later(key: string, { kind, namespace, name }: { kind: string; namespace: string; name: string }): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    clearTimeout(this.#timers.get(key));
    const wait = Math.min(RETRY.firstMs * 2 ** failures, RETRY.longestMs);
    if (!this.#closed) this.#timers.set(key, setTimeout(() => this.#enqueue(kind, namespace, name), wait).unref());
  }

  #get(kind: string, namespace: string, name: string): JsonObject | undefined {
    return this.#store.get(refOf(kind), namespace, name);
  }

  #ownedBy(kind: string, namespace: string, uid: string): JsonObject[] {
    return this.#store
      .list(refOf(kind), namespace)
      .filter((object) => listAt(object, 'metadata', 'ownerReferences').some((each) => textAt(each, 'uid') === uid));
  }

  /** False when it is to be tried again. */
  async #reconcile(kind: string, namespace: string, name: string): Promise<boolean> {
    if (kind === 'orphans') return this.#collect(namespace, name);
    const object = this.#get(kind, namespace, name);
    if (!object || textAt(object, 'metadata', 'deletionTimestamp') !== '') return true;
    if (kind === 'pods') return this.#run(object);
    return kind === 'deployments.apps' ? this.#deploy(object) : this.#replicate(object);
  }

  async #collect(namespace: string, uid: string): Promise<boolean> {
    const answers: ApiAnswer[] = [];
    for (const kind of ['replicasets.apps', 'pods']) {
      for (const object of this.#ownedBy(kind, namespace, uid)) {
        answers.push(await this.#request('DELETE', pathOf(kind, object), undefined, { user: GARBAGE }));
      }
    }
    return answers.every(succeeded);
  }

  async #deploy(deployment: JsonObject): Promise<boolean> {
    const [namespace, uid, replicas] = [
      textAt(deployment, 'metadata', 'namespace'),
      textAt(deployment, 'metadata', 'uid'),
      numberAt(deployment, 'spec', 'replicas') ?? 1,
    ];
    const template = objectAt(deployment, 'spec', 'template');
    const hash = createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10);
    const name = `${textAt(deployment, 'metadata', 'name')}-${hash}`;
    const current = this.#get('replicasets.apps', namespace, name);
    if (!current) {
      const labels = { ...labelsOf(template), 'pod-template-hash': hash };
      const selector = { matchLabels: { ...objectAt(deployment, 'spec', 'selector', 'matchLabels'), 'pod-template-hash': hash } };
      const metadata = { name, labels, ownerReferences: [ownerOf(deployment)] };
      const body = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata, spec: { replicas, selector, template: withMetadata(template, { labels }) } };
      const made = await this.#request('POST', `/apis/apps/v1/namespaces/${namespace}/replicasets`, body, { user: DEPLOYMENTS });
      return succeeded(made) || this.#deployed(deployment, undefined, made);
    }
    const scaled = await this.#scale(current, replicas);
    const ready = numberAt(current, 'status', 'readyReplicas') ?? 0;
    // As a rolling update does: the old Pods stay until the new ones are there.
    const old = ready >= replicas ? this.#ownedBy('replicasets.apps', namespace, uid).filter((each) => textAt(each, 'metadata', 'name') !== name) : [];
    for (const each of old) if (!(await this.#scale(each, 0))) return false;
    return scaled && this.#deployed(deployment, current, undefined);
  }

  async #scale(set: JsonObject, replicas: number): Promise<boolean> {
    if (numberAt(set, 'spec', 'replicas') === replicas) return true;
    return succeeded(await this.#request('PATCH', pathOf('replicasets.apps', set), { spec: { replicas } }, { user: DEPLOYMENTS, ...merge }));
  }

  async #deployed(deployment: JsonObject, set: JsonObject | undefined, refused: ApiAnswer | undefined): Promise<boolean> {
    const [wanted, ready] = [numberAt(deployment, 'spec', 'replicas') ?? 1, numberAt(set, 'status', 'readyReplicas') ?? 0];
    const failure = listAt(set, 'status', 'conditions').find((each) => textAt(each, 'type') === 'ReplicaFailure');
    const conditions: JsonValue[] = [
      { type: 'Available', status: ready >= wanted ? 'True' : 'False', reason: ready >= wanted ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable' },
      { type: 'Progressing', status: 'True', reason: ready >= wanted ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated' },
      ...(failure ? [failure] : []),
      ...(refused ? [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: textAt(refused.body, 'message') }] : []),
    ];
    const replicas = numberAt(set, 'status', 'replicas') ?? 0;
    const observedGeneration = numberAt(deployment, 'metadata', 'generation') ?? 0;
    const status = {
      observedGeneration,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: ready,
      availableReplicas: ready,
      unavailableReplicas: Math.max(0, wanted - ready),
      conditions,
    };
    return succeeded(await this.#write('deployments.apps', deployment, status, DEPLOYMENTS)) && !refused;
  }

  async #replicate(set: JsonObject): Promise<boolean> {
    const [namespace, uid, wanted] = [textAt(set, 'metadata', 'namespace'), textAt(set, 'metadata', 'uid'), numberAt(set, 'spec', 'replicas') ?? 1];
    const mine = (): JsonObject[] => this.#ownedBy('pods', namespace, uid).filter((pod) => textAt(pod, 'metadata', 'deletionTimestamp') === '');
    let refused: ApiAnswer | undefined;
    for (let missing = wanted - mine().length; missing > 0 && !refused; missing--) {
      const template = objectAt(set, 'spec', 'template');
      const { labels, annotations } = objectAt(template, 'metadata');
      const metadata = {
        generateName: `${textAt(set, 'metadata', 'name')}-`,
        ...(labels ? { labels } : {}),
        ...(annotations ? { annotations } : {}),
        ownerReferences: [ownerOf(set)],
      };
      const body = { apiVersion: 'v1', kind: 'Pod', metadata, spec: objectAt(template, 'spec') };
      const answer = await this.#request('POST', `/api/v1/namespaces/${namespace}/pods`, body, { user: REPLICA_SETS });
      if (!succeeded(answer)) refused = answer;
    }
    // The ones that are not ready go first.
    const pods = mine().sort((a, b) => Number(isReady(a)) - Number(isReady(b)));
    for (const pod of pods.slice(0, Math.max(0, pods.length - wanted))) await this.#request('DELETE', pathOf('pods', pod), undefined, { user: REPLICA_SETS });
    const left = mine();
    const ready = left.filter(isReady).length;
    const conditions = refused ? [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: textAt(refused.body, 'message') }] : [];
    const observedGeneration = numberAt(set, 'metadata', 'generation') ?? 0;
    const status = { observedGeneration, replicas: left.length, fullyLabeledReplicas: left.length, readyReplicas: ready, availableReplicas: ready, conditions };
    return succeeded(await this.#write('replicasets.apps', set, status, REPLICA_SETS)) && !refused;
  }

  /** The scheduler and the kubelet. */
  async #run(pod: JsonObject): Promise<boolean> {
    const kind = refOf('pods') as ServedKind;
    const placed = textAt(pod, 'spec', 'nodeName') === '' ? this.#store.put(kind, { ...pod, spec: { ...objectAt(pod, 'spec'), nodeName: NODE } }) : pod;
    const status = runningStatus(placed, this.#options.imageID ?? (() => undefined));
    return status === undefined || succeeded(await this.#write('pods', placed, status, KUBELET));
  }

  async #write(kind: string, object: JsonObject, status: JsonObject, user: ClusterUser): Promise<ApiAnswer> {
    return this.#request('PATCH', `${pathOf(kind, object)}/status`, { status }, { user, ...merge });
  }
}

const refOf = (kind: string): Pick<ServedKind, 'group' | 'plural'> => {
  const [plural = '', group = ''] = kind.split('.');
  return { plural, group };
};

const pathOf = (kind: string, object: JsonObject): string =>
  `${PATHS[kind] ?? ''}/namespaces/${textAt(object, 'metadata', 'namespace')}/${refOf(kind).plural}/${textAt(object, 'metadata', 'name')}`;

/** What is gone, or was changed by somebody meanwhile, is looked at again by the change that made it so. */
const succeeded = ({ status }: ApiAnswer): boolean => status < 300 || status === 404 || status === 409;

function ownerOf(object: JsonObject): JsonObject {
  const { name = '', uid = '' } = objectAt(object, 'metadata');
  return { apiVersion: textAt(object, 'apiVersion'), kind: textAt(object, 'kind'), name, uid, controller: true, blockOwnerDeletion: true };
}

const isReady = (pod: JsonObject): boolean =>
  listAt(pod, 'status', 'conditions').some((each) => isObject(each) && each['type'] === 'Ready' && valueAt(each, 'status') === 'True');
