/**
 * What is done about an image that runs and must not. Nothing by default but to say what would be done; nothing ever about
 * what could only not be found out; and never more in a minute than is allowed, so that a mistake in a policy can be seen
 * before it has reached everything. What the limit or a budget holds back is done later, if it is still to be done then.
 */
import type { Clock } from '../../clients/http/index.ts';
import { type KubernetesClient, RESOURCES } from '../../clients/kubernetes/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { JudgedName } from '../../sdk/agent/index.ts';
import type { Held } from './inventory.ts';
import { type ObjectReference, type RunningPod, VERDICT } from './running-pod.ts';
import { findWorkload, isWorkload, scaleToZero } from './scale-to-zero.ts';

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
  /** By which a minute is counted. */
  readonly clock: Clock;
  readonly rules: readonly ContainmentRule[];
  /** Only says what would be done. */
  readonly dryRun: boolean;
  readonly perMinute: number;
  /** Namespaces that are never touched. */
  readonly exempt: ReadonlySet<string>;
  /** Asked before each act: whoever leads no more does nothing more. */
  readonly leads: () => boolean;
  /** What is known of each image of a Pod that runs; nothing of one that is gone. */
  readonly imagesOf: (pod: RunningPod) => readonly Held[];
  readonly done: (what: ContainmentDone) => void;
  readonly report: (problem: SealwardError) => void;
}

export interface ContainmentDone {
  readonly action: Containment;
  readonly held: Held;
  readonly about: ObjectReference;
  readonly dryRun: boolean;
  /** `cleared`: a label was taken away. Or why nothing was done: a budget, a kind of which it cannot be done, what is gone, the limit of this minute. */
  readonly result: 'done' | 'cleared' | 'blocked' | 'unsupported' | 'gone' | 'limited';
}

/** What is to be done about one Pod, as it was looked at just now. */
interface Act {
  readonly action: Containment;
  readonly held: Held;
  readonly about: ObjectReference;
  /** Absent when it comes to nothing, and `result` says why. */
  readonly run?: () => Promise<ContainmentDone['result']>;
  readonly result?: 'unsupported' | 'gone';
}

const MINUTE = 60_000;

export class Container {
  readonly #options: ContainOptions;
  /** Pods that are to be looked at, by uid: soon, or when the limit allows it, or after those, because it failed or a budget was against it. */
  readonly #waiting = new Map<string, RunningPod>();
  readonly #limited = new Map<string, RunningPod>();
  readonly #again = new Map<string, RunningPod>();
  /** Of which it was said that they wait. */
  readonly #told = new Set<string>();
  #spent: number[] = [];
  #work: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(options: ContainOptions) {
    this.#options = options;
  }

  /** This replica leads from now on. Nobody knows what the one before did in the last minute, so this one waits for it to end. */
  begin(): void {
    const { clock, perMinute, dryRun } = this.#options;
    for (const some of [this.#waiting, this.#limited, this.#again, this.#told]) some.clear();
    if (!dryRun) this.#spent = Array.from({ length: perMinute }, () => clock.now());
  }

  /** Called for each answer that is another than before. */
  judged(held: Held): void {
    for (const pod of held.pods.values()) this.joined(pod);
  }

  /** Called for each Pod more of an image that was judged. */
  joined(pod: RunningPod): void {
    if (this.#closed || pod.ending || this.#options.exempt.has(pod.namespace) || this.#options.rules.length === 0) return;
    this.#waiting.set(pod.uid, pod);
    this.#work ??= this.#run();
  }

  async #run(): Promise<void> {
    // What is told of in one go is gathered first: Pods of one workload need one look.
    await Promise.resolve();
    const scaled = new Set<string>();
    for (const [uid, pod] of this.#waiting) {
      if (this.#closed || !this.#options.leads()) break;
      this.#waiting.delete(uid);
      try {
        await this.#perform(await this.#actOn(pod, scaled), pod);
      } catch (error) {
        this.#failed(pod, error);
      }
    }
    this.#work = undefined;
    this.#comeBack();
  }

  /** What waits is looked at again when the limit allows it, and a minute later at the latest. */
  #comeBack(): void {
    if (this.#closed || this.#cancel || this.#limited.size + this.#again.size === 0) return;
    const { clock, perMinute } = this.#options;
    const [first = clock.now()] = this.#spent;
    const wait = this.#spent.length < perMinute ? MINUTE : first + MINUTE - clock.now();
    this.#cancel = clock.after(Math.max(1, wait), () => {
      this.#cancel = undefined;
      for (const [uid, pod] of [...this.#limited, ...this.#again]) this.#waiting.set(uid, pod);
      this.#limited.clear();
      this.#again.clear();
      this.#work ??= this.#run();
    });
  }

  /** Looked at as it is now, however long it waited. @param scaled workloads that were met in this round. */
  async #actOn(waited: RunningPod, scaled: Set<string>): Promise<Act | undefined> {
    const [first] = this.#options.imagesOf(waited);
    const pod = first?.pods.get(`${waited.namespace}/${waited.name}`);
    if (!first || !pod || pod.ending) return undefined;
    const images = this.#options.imagesOf(pod);
    for (const held of images) {
      const rule = this.#ruleFor(held);
      if (rule) return this.#actBy(rule, held, pod, scaled);
    }
    const isWell = images.every(({ judged }) => judged !== undefined && judged.action !== 'deny');
    const isOurs = this.#options.rules.some((rule) => rule.action === 'label' && isMeant(rule, pod.namespace));
    return isWell && isOurs && pod.verdict !== undefined
      ? { action: 'label', held: first, about: podReference(pod), run: () => this.#label(pod, null) }
      : undefined;
  }

  #ruleFor({ namespace, judged, confirmed }: Held): ContainmentRule | undefined {
    if (!judged || !confirmed || judged.action !== 'deny' || judged.outcome !== 'rejected') return undefined;
    return this.#options.rules.find((rule) => isMeant(rule, namespace) && (rule.policies.length === 0 || concerns(judged, rule.policies)));
  }

  async #actBy({ action }: ContainmentRule, held: Held, pod: RunningPod, scaled: Set<string>): Promise<Act | undefined> {
    const about = podReference(pod);
    switch (action) {
      case 'label': {
        const code = held.judged?.code ?? 'REJECTED';
        return pod.verdict === code ? undefined : { action, held, about, run: () => this.#label(pod, code) };
      }
      case 'evict':
        // What a kubelet starts from a file of its own comes back under the same name, whoever evicts it.
        return pod.owner.kind === 'Node' ? { action, held, about, result: 'unsupported' } : { action, held, about, run: () => this.#evict(pod) };
      case 'scale-to-zero': {
        if (scaled.has(pod.owner.uid)) return undefined;
        scaled.add(pod.owner.uid);
        // Nobody is asked about what cannot be done now.
        if (!this.#mayAct()) return { action, held, about: pod.owner, run: async () => 'limited' };
        const { client, dryRun } = this.#options;
        const found = await findWorkload(client, pod);
        if (!found) return { action, held, about: pod.owner, result: 'gone' };
        if (!isWorkload(found)) return { action, held, about: found, result: 'unsupported' };
        if ((found.about.uid !== pod.owner.uid && scaled.has(found.about.uid)) || found.replicas === 0) return undefined;
        scaled.add(found.about.uid);
        return { action, held, about: found.about, run: () => scaleToZero(client, found, { dryRun }) };
      }
    }
  }

  async #perform(act: Act | undefined, pod: RunningPod): Promise<void> {
    if (!act) return void this.#told.delete(pod.uid);
    const { action, held, about, run } = act;
    const result = run ? (this.#spend() ? await run() : 'limited') : (act.result ?? 'gone');
    const waits = result === 'limited' ? this.#limited : result === 'blocked' ? this.#again : undefined;
    if (!waits || !this.#told.has(pod.uid)) this.#options.done({ action, held, about, dryRun: this.#options.dryRun, result });
    waits?.set(pod.uid, pod);
    if (waits) this.#told.add(pod.uid);
    else this.#told.delete(pod.uid);
  }

  #failed(pod: RunningPod, error: unknown): void {
    const what = `the Pod ${pod.namespace}/${pod.name} could not be contained`;
    this.#again.set(pod.uid, pod);
    this.#options.report(error instanceof SealwardError ? error : new SealwardError('ERR_INVARIANT', `${what}: ${String(error)}`, { cause: error }));
  }

  /** Dry runs count, too: what is tried out must show how far it would come. */
  #spend(): boolean {
    if (!this.#mayAct()) return false;
    this.#spent.push(this.#options.clock.now());
    return true;
  }

  #mayAct(): boolean {
    const now = this.#options.clock.now();
    this.#spent = this.#spent.filter((at) => now - at < MINUTE);
    return this.#spent.length < this.#options.perMinute;
  }

  /** @param code null takes it away. */
  async #label(pod: RunningPod, code: string | null): Promise<ContainmentDone['result']> {
    const { client, dryRun } = this.#options;
    try {
      await client.patch(RESOURCES.pods, pod, { type: 'merge', patch: { metadata: { uid: pod.uid, labels: { [VERDICT]: code } } } }, { dryRun });
      return code === null ? 'cleared' : 'done';
    } catch (error) {
      if (error instanceof SealwardError && ['ERR_OBJECT_NOT_FOUND', 'ERR_OBJECT_CONFLICT'].includes(error.code)) return 'gone';
      throw error;
    }
  }

  async #evict(pod: RunningPod): Promise<ContainmentDone['result']> {
    const { client, dryRun } = this.#options;
    const result = await client.evict(pod, { dryRun });
    return result === 'evicted' ? 'done' : result;
  }

  /** Resolves when nothing is looked at any more; what waits for the limit or a budget still waits. */
  async drained(): Promise<void> {
    while (this.#work) await this.#work;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#work;
  }
}

function isMeant({ namespaces }: ContainmentRule, namespace: string): boolean {
  return namespaces.length === 0 || namespaces.includes(namespace);
}

function concerns({ code, decision }: JudgedName, policies: readonly string[]): boolean {
  if (code === 'DENIED') return true;
  return (decision?.policies ?? []).some(({ policy, action, outcome }) => action === 'deny' && outcome === 'rejected' && policies.includes(policy));
}

function podReference({ name, uid }: RunningPod): ObjectReference {
  return { apiVersion: 'v1', kind: 'Pod', name, uid };
}
