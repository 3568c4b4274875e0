/** What only the replica that leads does: reports, Events, containment. */
import type { Logger } from 'pino';
import type { Clock } from '../../clients/http/index.ts';
import { EventRecorder, type KubernetesClient, type ObjectEvent, type Resource, RESOURCES } from '../../clients/kubernetes/index.ts';
import type { SealwardError } from '../../core/errors.ts';
import type { JudgedName } from '../../sdk/agent/index.ts';
import type { ControllerConfig } from './config.ts';
import { Container, type ContainmentDone } from './contain.ts';
import type { Held } from './inventory.ts';
import type { RunningPod } from './running-pod.ts';
import { ReportWriter } from './write-reports.ts';

export interface SpeakerOptions {
  readonly config: ControllerConfig;
  readonly client: KubernetesClient;
  readonly clock: Clock;
  /** Name of this replica. */
  readonly instance: string;
  /** Whether it leads, and knows what runs. What is said to it otherwise goes nowhere, and is all said again by `begin`. */
  readonly leads: () => boolean;
  readonly inventory: { readonly held: readonly Held[]; of(pod: RunningPod): readonly Held[] };
  readonly contained: (done: ContainmentDone) => void;
  readonly report: (problem: SealwardError) => void;
  readonly logger: Logger;
  readonly gatherMs?: number;
}

export interface Speaker {
  /** It leads from now on. */
  begin(): void;
  changed(held: Held, before: JudgedName | undefined): void;
  /** A Pod more of an image that was judged. */
  joined(pod: RunningPod): void;
  /** Pods of a namespace came or went. */
  moved(namespace: string): void;
  /** Reports that the cluster did not take. */
  readonly failed: number;
  close(): Promise<void>;
}

/** Kinds on whose objects Events stand; of others, on the Pod. */
const TOLD: Readonly<Record<string, Resource>> = {
  'apps/v1 ReplicaSet': RESOURCES.replicaSets,
  'apps/v1 StatefulSet': RESOURCES.statefulSets,
  'apps/v1 DaemonSet': RESOURCES.daemonSets,
  'batch/v1 Job': RESOURCES.jobs,
};

export function openSpeaker(options: SpeakerOptions): Speaker {
  const { config, client, clock, instance, leads, inventory, contained, report, logger, gatherMs } = options;
  const reports = config.policyReports
    ? new ReportWriter({ client, held: () => inventory.held, leads, report, ...(gatherMs === undefined ? {} : { gatherMs }) })
    : undefined;
  const events = config.events ? new EventRecorder(client, { component: 'sealward-controller', instance }, report) : undefined;
  const container = new Container({
    client,
    clock,
    ...config.containment,
    exempt: config.exemptNamespaces,
    leads,
    imagesOf: (pod) => inventory.of(pod),
    report,
    done: (done) => {
      contained(done);
      const { action, held, about, dryRun, result } = done;
      logger.warn(
        { action, result, dryRun, namespace: held.namespace, kind: about.kind, name: about.name, image: held.name, code: held.judged?.code },
        'containment',
      );
    },
  });
  const changed = (held: Held, before: JudgedName | undefined): void => {
    if (!leads()) return;
    reports?.touch(held.namespace);
    if (before !== held.judged) for (const event of eventsOf(held, before)) events?.record(event);
    container.judged(held);
  };
  return {
    begin() {
      if (!leads()) return;
      reports?.begin();
      container.begin();
      for (const held of inventory.held) changed(held, undefined);
    },
    changed,
    joined: (pod) => {
      if (leads()) container.joined(pod);
    },
    moved: (namespace) => {
      if (leads()) reports?.touch(namespace);
    },
    get failed() {
      return reports?.failed ?? 0;
    },
    async close() {
      await Promise.all([reports?.close(), container.close(), events?.drained()]);
    },
  };
}

/** One for each owner. That an image is well is only told where it was not before. */
function eventsOf({ namespace, pods, judged }: Held, before: JudgedName | undefined): ObjectEvent[] {
  if (!judged || (judged.outcome === 'verified' && (before === undefined || before.outcome === 'verified'))) return [];
  const reason = { verified: 'ImageVerified', rejected: 'ImageRejected', inconclusive: 'ImageNotVerifiable' }[judged.outcome];
  const about = new Map(
    [...pods.values()].map(({ owner, name, uid }) => {
      const resource = TOLD[`${owner.apiVersion} ${owner.kind}`];
      return [
        resource ? owner.uid : uid,
        { resource: resource ?? RESOURCES.pods, namespace, name: resource ? owner.name : name, uid: resource ? owner.uid : uid },
      ];
    }),
  );
  const type = judged.outcome === 'verified' ? 'Normal' : 'Warning';
  return [...about.values()].map((one) => ({ about: one, type, reason, message: `${judged.message} (${judged.code})` }));
}
