/** How far the replicas are, and in words why they are no further. */
import { type KubernetesClient, RESOURCES } from '../../../clients/kubernetes/index.ts';
import { type JsonValue, memberOf, stringOf } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { STATEFUL_SETS } from './resources.ts';

export const NAME = 'sealward';
const WEBHOOK_PODS = 'app.kubernetes.io/name=sealward,app.kubernetes.io/component=webhook';

export interface Replica {
  readonly name: string;
  readonly ready: boolean;
  /** RFC 3339; empty before it was started. */
  readonly startedAt: string;
  /** By digest where the node says so. */
  readonly image: string;
  /** Why it is not ready, where its node says so. */
  readonly trouble?: string;
}

export interface Replicas {
  readonly wanted: number;
  /** Of the newest kind. */
  readonly ready: number;
  readonly pods: readonly Replica[];
}

interface Asking {
  readonly deadline: number;
  readonly signal: AbortSignal;
}

/** Undefined when nothing is installed there. */
export async function findReplicas(client: KubernetesClient, namespace: string, asking: Asking): Promise<Replicas | undefined> {
  const set = await client.get(STATEFUL_SETS, { namespace, name: NAME }, asking);
  if (!set) return undefined;
  const status = set.json['status'];
  const wanted = numberOf(memberOf(set.json['spec'], 'replicas')) ?? 1;
  const [generation, seen] = [numberOf(memberOf(set.json['metadata'], 'generation')) ?? 0, numberOf(memberOf(status, 'observedGeneration')) ?? 0];
  const [ready, updated] = [numberOf(memberOf(status, 'readyReplicas')) ?? 0, numberOf(memberOf(status, 'updatedReplicas')) ?? 0];
  const { objects } = await client.list(RESOURCES.pods, { namespace, labelSelector: WEBHOOK_PODS }, asking);
  // Before the controller has seen the change, what it says is about the old one.
  return { wanted, ready: seen < generation ? 0 : Math.min(ready, updated), pods: objects.map(({ name, json }) => replicaOf(name, json['status'])) };
}

function replicaOf(name: string, status: JsonValue | undefined): Replica {
  const [container] = listOf(memberOf(status, 'containerStatuses'));
  const condition = (type: string): JsonValue | undefined => listOf(memberOf(status, 'conditions')).find((one) => stringOf(memberOf(one, 'type')) === type);
  const ready = stringOf(memberOf(condition('Ready'), 'status')) === 'True';
  const state = memberOf(container, 'state');
  const why = memberOf(state, 'waiting') ?? memberOf(state, 'terminated') ?? (ready ? undefined : condition('PodScheduled'));
  const trouble = [stringOf(memberOf(why, 'reason')), stringOf(memberOf(why, 'message'))].filter((text) => text).join(': ');
  return {
    name,
    ready,
    startedAt: stringOf(memberOf(memberOf(state, 'running'), 'startedAt')) ?? '',
    image: stringOf(memberOf(container, 'imageID')) || (stringOf(memberOf(container, 'image')) ?? ''),
    ...(ready || trouble === '' ? {} : { trouble }),
  };
}

const POLL_MS = 1000;
/** The last look may take this long past the deadline: what it finds says more than that time is over. */
const LAST_LOOK_MS = 10_000;

/** For each look while something is waited for. */
export function looking(client: KubernetesClient, { deadline, signal }: Asking): Asking {
  return { deadline: Math.max(deadline, client.clock.now() + LAST_LOOK_MS), signal };
}

/** Until all are ready. Throws ERR_DEADLINE with what keeps them. */
export async function waitForReplicas(client: KubernetesClient, namespace: string, asking: Asking, report: (line: string) => void): Promise<Replicas> {
  let said = '';
  for (;;) {
    const found = await findReplicas(client, namespace, looking(client, asking));
    if (found && found.ready >= found.wanted) return found;
    const line = found ? stateOf(found) : 'there are no replicas yet';
    if (line !== said) report(line);
    said = line;
    if (client.clock.now() + POLL_MS >= asking.deadline)
      throw new SealwardError('ERR_DEADLINE', `the webhook is not ready: ${line}`, {
        hint: `Nothing asks it yet, or what ran before still answers. Look with kubectl -n ${namespace} describe pods and logs, mend it, and run the same command again.`,
      });
    await client.clock.sleep(POLL_MS, asking.signal);
  }
}

export function stateOf({ wanted, ready, pods }: Replicas): string {
  const troubles = pods.flatMap(({ name, trouble }) => (trouble === undefined ? [] : [`${name}: ${trouble}`]));
  return [`${ready} of ${wanted} replicas are ready`, ...troubles].join('; ');
}

export function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function numberOf(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
