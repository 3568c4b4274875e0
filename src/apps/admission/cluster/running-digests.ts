/** Which digests run in which namespaces, as the Pods of the cluster say: what was let in before is known from there, and from no memory of ours. */
import { type ClusterObject, type KubernetesClient, RESOURCES, WatchList } from '../../../clients/kubernetes/index.ts';
import { memberOf, stringOf } from '../../../core/encoding/index.ts';
import type { SealwardError } from '../../../core/errors.ts';
import { runningImages } from '../../../sdk/index.ts';

export class RunningDigests {
  readonly #pods: WatchList<readonly string[]>;
  /** How many Pods run it, by namespace and digest. */
  readonly #counts = new Map<string, number>();

  constructor(client: KubernetesClient, report: (problem: SealwardError) => void) {
    this.#pods = new WatchList(client, RESOURCES.pods, {
      keep: digestsOf,
      report,
      changed: (change) => {
        if (change.type !== 'added') for (const key of change.before) this.#count(key, -1);
        if (change.type !== 'removed') for (const key of change.value) this.#count(key, 1);
      },
    });
  }

  get isSynced(): boolean {
    return this.#pods.isSynced;
  }

  has(namespace: string, digest: string): boolean {
    return this.#counts.has(`${namespace} ${digest}`);
  }

  close(): Promise<void> {
    return this.#pods.close();
  }

  #count(key: string, by: number): void {
    const count = (this.#counts.get(key) ?? 0) + by;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }
}

/** Of a Pod that runs. One that waits was let in, and nobody knows yet whether it ever starts. */
function digestsOf({ namespace, json }: ClusterObject): readonly string[] {
  if (stringOf(memberOf(json['status'], 'phase')) !== 'Running') return [];
  return [...new Set(runningImages(json).flatMap(({ digest }) => (digest === undefined ? [] : [`${namespace} ${digest}`])))];
}
