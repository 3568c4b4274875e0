/**
 * What is done about an image that runs and must not. Nothing by default but to say what would be done; nothing ever about
 * what could only not be found out; and never more in a minute than is allowed, so that a mistake in a policy stops at that.
 */
import { type KubernetesClient, type ObjectName, type Resource, RESOURCES } from '../../clients/kubernetes/index.ts';
import { type JsonObject, memberOf, stringOf } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { JudgedName } from '../../sdk/agent/index.ts';
import type { Held } from './inventory.ts';
import type { ObjectReference, RunningPod } from './running-pod.ts';

export const CONTAINMENTS = ['label', 'scale-to-zero', 'evict'] as const;
export type Containment = (typeof CONTAINMENTS)[number];

export interface ContainmentRule {
  readonly action: Containment;
  /** Policies whose refusal leads here; of any when empty. Denials of the trust state always do. */
  readonly policies: readonly string[];
  /** Namespaces where it holds; everywhere when empty. */
  readonly namespaces: readonly string[];
}

export interface ContainOptions {
  readonly client: KubernetesClient;
  readonly rules: readonly ContainmentRule[];
  /** Only says what would be done. */
  readonly dryRun: boolean;
  readonly perMinute: number;
  /** Namespaces that are never touched. */
  readonly exempt: ReadonlySet<string>;
  readonly done: (what: ContainmentDone) => void;
  readonly report: (problem: SealwardError) => void;
}

export interface ContainmentDone {
  readonly action: Containment;
  readonly held: Held;
  readonly about: ObjectReference;
  readonly dryRun: boolean;
  /** `done`, or why nothing was: a budget, a kind that has no replicas, a Pod that is gone, the limit of this minute. */
  readonly result: 'done' | 'blocked' | 'unsupported' | 'gone' | 'limited';
}

const LABEL = 'sealward.dev/verdict';
const BEFORE = 'sealward.dev/replicas-before';
const SCALABLE: Readonly<Record<string, Resource>> = {
  'apps/v1 Deployment': RESOURCES.deployments,
  'apps/v1 StatefulSet': RESOURCES.statefulSets,
  'apps/v1 ReplicaSet': RESOURCES.replicaSets,
  'v1 ReplicationController': RESOURCES.replicationControllers,
};

export class Container {
  readonly #options: ContainOptions;
  #work: Promise<void> = Promise.resolve();
  #spent: number[] = [];
  #closed = false;

  constructor(options: ContainOptions) {
    this.#options = options;
  }

  /** Called for each answer that is another than before. */
  judged(held: Held): void {
    const rule = this.#ruleFor(held);
    if (!rule) return;
    this.#work = this.#work.then(async () => {
      if (this.#closed) return;
      await this.#contain(rule, held).catch((error: unknown) => {
        this.#options.report(
          error instanceof SealwardError
            ? error
            : new SealwardError('ERR_INVARIANT', `${held.name} could not be contained: ${String(error)}`, { cause: error }),
        );
      });
    });
  }

  #ruleFor({ namespace, judged, confirmed }: Held): ContainmentRule | undefined {
    const { rules, exempt } = this.#options;
    if (!judged || !confirmed || judged.action !== 'deny' || judged.outcome !== 'rejected' || exempt.has(namespace)) return undefined;
    return rules.find(
      ({ namespaces, policies }) => (namespaces.length === 0 || namespaces.includes(namespace)) && (policies.length === 0 || concerns(judged, policies)),
    );
  }

  async #contain({ action }: ContainmentRule, held: Held): Promise<void> {
    const done = new Set<string>();
    for (const pod of held.pods.values()) {
      const about = action === 'scale-to-zero' ? await this.#workloadOf(pod) : podReference(pod);
      if (done.has(about.uid)) continue;
      done.add(about.uid);
      const { dryRun } = this.#options;
      const result = this.#mayAct() ? await this.#act(action, held, pod, about) : 'limited';
      this.#options.done({ action, held, about, dryRun, result });
    }
  }

  /** Dry runs count, too: what is tried out must show how far it would come. */
  #mayAct(): boolean {
    const now = this.#options.client.clock.now();
    this.#spent = this.#spent.filter((at) => now - at < 60_000);
    if (this.#spent.length >= this.#options.perMinute) return false;
    this.#spent.push(now);
    return true;
  }

  async #act(action: Containment, { judged }: Held, pod: RunningPod, about: ObjectReference): Promise<ContainmentDone['result']> {
    const { client, dryRun } = this.#options;
    const name: ObjectName & { readonly uid: string } = { namespace: pod.namespace, name: about.name, uid: about.uid };
    switch (action) {
      case 'label': {
        const metadata: JsonObject = { uid: pod.uid, labels: { [LABEL]: judged?.code ?? 'REJECTED' } };
        try {
          await client.patch(RESOURCES.pods, name, { type: 'merge', patch: { metadata } }, { dryRun });
          return 'done';
        } catch (error) {
          if (error instanceof SealwardError && ['ERR_OBJECT_NOT_FOUND', 'ERR_OBJECT_CONFLICT'].includes(error.code)) return 'gone';
          throw error;
        }
      }
      case 'evict': {
        const result = await client.evict(name, { dryRun });
        return result === 'evicted' ? 'done' : result;
      }
      case 'scale-to-zero':
        return this.#scale(about, pod.namespace);
    }
  }

  async #scale(about: ObjectReference, namespace: string): Promise<ContainmentDone['result']> {
    const { client, dryRun } = this.#options;
    const resource = SCALABLE[`${about.apiVersion} ${about.kind}`];
    if (!resource) return 'unsupported';
    const name = { namespace, name: about.name };
    const had = await client.scale(resource, name, 0, { dryRun });
    // So that whoever has looked at it can put it back.
    if (had > 0) await client.patch(resource, name, { type: 'merge', patch: { metadata: { annotations: { [BEFORE]: String(had) } } } }, { dryRun });
    return 'done';
  }

  /** The Deployment above a ReplicaSet: to scale what it owns would be undone by it at once. */
  async #workloadOf({ namespace, owner }: RunningPod): Promise<ObjectReference> {
    if (owner.kind !== 'ReplicaSet') return owner;
    const set = await this.#options.client.get(RESOURCES.replicaSets, { namespace, name: owner.name });
    const owners = memberOf(set?.json['metadata'], 'ownerReferences');
    const above = Array.isArray(owners) ? owners.find((one) => memberOf(one, 'controller') === true) : undefined;
    const [apiVersion, kind, name, uid] = ['apiVersion', 'kind', 'name', 'uid'].map((member) => stringOf(memberOf(above, member)));
    return apiVersion !== undefined && kind !== undefined && name !== undefined && uid !== undefined ? { apiVersion, kind, name, uid } : owner;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#work;
  }
}

function concerns({ code, decision }: JudgedName, policies: readonly string[]): boolean {
  if (code === 'DENIED') return true;
  return (decision?.policies ?? []).some(({ policy, action, outcome }) => action === 'deny' && outcome === 'rejected' && policies.includes(policy));
}

function podReference({ name, uid }: RunningPod): ObjectReference {
  return { apiVersion: 'v1', kind: 'Pod', name, uid };
}
