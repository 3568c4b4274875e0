/** From a configuration to a controller at work: every replica watches what runs; the one that leads speaks of it and acts. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { readBounded } from '../../clients/files/index.ts';
import { type Clock, parseProxyEnvironment } from '../../clients/http/index.ts';
import {
  clusterOf,
  EventRecorder,
  KubernetesClient,
  LeaderElection,
  type ObjectEvent,
  type Resource,
  RESOURCES,
  WatchList,
} from '../../clients/kubernetes/index.ts';
import { serveOperations } from '../../clients/operations/index.ts';
import type { SealwardError } from '../../core/errors.ts';
import { configMapMembers, type JudgedName, lookAround, openAgent } from '../../sdk/agent/index.ts';
import { Canary, type CanaryRound } from './canary.ts';
import type { ControllerConfig } from './config.ts';
import { Container, type ContainmentDone } from './contain.ts';
import { type Held, Inventory } from './inventory.ts';
import { inventoryJson } from './inventory-json.ts';
import { createControllerMetrics } from './metrics.ts';
import { readRunningPod, type RunningPod } from './running-pod.ts';
import { ReportWriter } from './write-reports.ts';

export interface OpenControllerOptions {
  readonly config: ControllerConfig;
  readonly version: string;
  /** Proxies, and where the cluster is; nothing here reads the environment of the process. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Of the agent; the system's when missing. */
  readonly clock?: Clock;
  /** How long changes of a report are gathered, in milliseconds. */
  readonly gatherMs?: number;
}

export interface OpenController {
  readonly operationsPort: number;
  close(): Promise<void>;
}

/** Kinds on whose objects Events stand; of others, on the Pod. */
const TOLD: Readonly<Record<string, Resource>> = {
  'apps/v1 ReplicaSet': RESOURCES.replicaSets,
  'apps/v1 StatefulSet': RESOURCES.statefulSets,
  'apps/v1 DaemonSet': RESOURCES.daemonSets,
  'batch/v1 Job': RESOURCES.jobs,
};

export async function openController(options: OpenControllerOptions): Promise<OpenController> {
  const { config, version, environment, logger } = options;
  // In the order in which they were opened; closed the other way round.
  const open: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const end of open.splice(0).reverse()) await end();
  };
  const report = sayOnce(logger);
  try {
    const userAgent = `sealward-controller/${version}`;
    const client = new KubernetesClient(await clusterOf({ environment, readFile: readBounded }), { userAgent, fieldManager: 'sealward-controller' });
    open.push(() => client.close());
    const opened = openAgent(config, {
      userAgent,
      ...(options.clock ? { clock: options.clock } : {}),
      environment,
      proxy: parseProxyEnvironment(environment),
      configMap: (name) => configMapMembers(client, name),
      onProblem: ({ path, why }) => logger.warn({ path, why }, 'the evidence store has a problem'),
    });
    open.push(() => opened.close());
    const { agent } = opened;
    const surroundings = lookAround(client, {
      namespaceLabels: true,
      namespacedPolicies: config.namespacedPolicies,
      setNamespaced: (policies) => agent.setNamespaced(policies),
      report,
    });
    open.push(() => surroundings.close());
    const metrics = createControllerMetrics();
    const identity = `${hostname()}-${randomUUID().slice(0, 8)}`;
    const speaker = openSpeaker(
      options,
      client,
      identity,
      (done) => metrics.contained(done),
      () => inventory.held,
      report,
    );
    open.push(() => speaker.close());
    let leads = config.lease === undefined;
    const inventory = new Inventory({
      judge: agent,
      ready: () => agent.inForce() !== undefined,
      clock: agent.clock,
      place: (namespace) => {
        const labels = surroundings.labels(namespace);
        return {
          namespace,
          ...(labels ? { namespaceLabels: labels } : {}),
          ...(config.cluster === undefined ? {} : { cluster: config.cluster }),
          ...(config.environment === undefined ? {} : { environment: config.environment }),
        };
      },
      changed: (held, before) => {
        if (leads) speaker.changed(held, before);
      },
    });
    open.push(() => inventory.close());
    const pods = new WatchList<RunningPod>(client, RESOURCES.pods, {
      keep: readRunningPod,
      report,
      changed: (change) => {
        const [before, after] = [change.type === 'added' ? undefined : change.before, change.type === 'removed' ? undefined : change.value];
        inventory.podChanged(before, after);
        if (leads) speaker.moved(before?.namespace ?? after?.namespace ?? '');
      },
    });
    open.push(() => pods.close());
    agent.onChange(({ inForce: { trust, policies }, leaseOnly }) => {
      logger.info({ trust: trust.digest, policies: policies.digest }, leaseOnly ? 'the lease was given anew' : 'trust moved: all that runs is judged again');
      void inventory.judgeAll();
    });
    if (config.lease !== undefined) {
      const election = new LeaderElection(client, {
        lease: config.lease,
        identity,
        report,
        lead: (signal) => {
          leads = true;
          logger.info({ identity }, 'this replica leads');
          for (const held of inventory.held) speaker.changed(held, undefined);
          signal.addEventListener('abort', () => {
            leads = false;
            logger.info({ identity }, 'this replica leads no more');
          });
        },
      });
      open.push(() => election.close());
    }
    const canary = openCanary(
      options,
      client,
      (round) => metrics.canary(round),
      () => leads,
    );
    if (canary) {
      open.push(() => canary.close());
      canary.start();
    }
    gauges();
    const unready = (): string | undefined => {
      if (!agent.inForce()) return 'there is no trust material yet';
      return pods.isSynced ? surroundings.missing() : 'the Pods of the cluster were not listed yet';
    };
    const operations = await serveOperations({
      ...config.operations,
      metrics,
      ill: () => undefined,
      unready,
      pages: {
        '/inventory': () => ({ type: 'application/json', body: `${JSON.stringify(inventoryJson(inventory.held, agent.clock.now()), null, 2)}\n` }),
        '/canary': () => ({ type: 'application/json', body: `${JSON.stringify(canary?.last ?? null, null, 2)}\n` }),
      },
    });
    open.push(() => operations.close());
    void agent.start().then(() => {
      const { failure, problems } = agent.status().trust;
      if (!agent.inForce()) logger.error({ code: failure?.code, problems }, `there is no trust yet: ${failure?.message ?? 'its policies cannot be used'}`);
    });
    return { operationsPort: operations.port, close };

    function gauges(): void {
      metrics.inventory(() => inventory.held);
      metrics.gauge('sealward_controller_leads', '1 while this replica speaks and acts', () => (leads ? 1 : 0));
      metrics.gauge('sealward_controller_waiting_images', 'Images that registries are being asked for', () => inventory.waiting);
      metrics.gauge('sealward_controller_report_failures', 'Writes of reports that the cluster did not take', () => speaker.failed);
      metrics.gauge('sealward_controller_pods_heard_seconds', 'Since the API server last spoke of Pods', () => (client.clock.now() - pods.heardAt) / 1000);
      metrics.gauge('sealward_trust_age_seconds', 'Since the trust state was issued', () => (agent.status().trust.age ?? Number.NaN) / 1000);
      metrics.gauge('sealward_trust_update_failures', 'Updates of trust that failed since one succeeded', () => agent.status().trust.failures);
    }
  } catch (error) {
    await close();
    throw error;
  }
}

interface Speaker {
  changed(held: Held, before: JudgedName | undefined): void;
  /** Pods of a namespace came or went. */
  moved(namespace: string): void;
  readonly failed: number;
  close(): Promise<void>;
}

/** What only the replica that leads does: reports, Events, containment. */
function openSpeaker(
  { config, logger, gatherMs }: OpenControllerOptions,
  client: KubernetesClient,
  instance: string,
  contained: (done: ContainmentDone) => void,
  held: () => readonly Held[],
  report: (problem: SealwardError) => void,
): Speaker {
  const reports = config.policyReports ? new ReportWriter({ client, held, report, ...(gatherMs === undefined ? {} : { gatherMs }) }) : undefined;
  const events = config.events ? new EventRecorder(client, { component: 'sealward-controller', instance }, report) : undefined;
  const container = new Container({
    client,
    ...config.containment,
    exempt: config.exemptNamespaces,
    report,
    done: (done) => {
      contained(done);
      const { action, held: one, about, dryRun, result } = done;
      logger.warn(
        { action, result, dryRun, namespace: one.namespace, kind: about.kind, name: about.name, image: one.name, code: one.judged?.code },
        'containment',
      );
    },
  });
  return {
    changed(one, before) {
      reports?.touch(one.namespace);
      if (before !== one.judged) for (const event of eventsOf(one, before)) events?.record(event);
      container.judged(one);
    },
    moved: (namespace) => reports?.touch(namespace),
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

function openCanary(
  { config, logger }: OpenControllerOptions,
  client: KubernetesClient,
  told: (round: CanaryRound) => void,
  leads: () => boolean,
): Canary | undefined {
  if (!config.canary) return undefined;
  return new Canary({
    client,
    ...config.canary,
    exempt: config.exemptNamespaces,
    // Every replica counts, and one speaks.
    told: (round) => {
      told(round);
      if (!leads()) return;
      for (const { name, image, result, message } of round.images) {
        if (result === 'admitted') logger.error({ canary: name, image }, `enforcement does not work: ${message}`);
        if (result === 'unknown') logger.warn({ canary: name, image }, `it could not be found out whether enforcement works: ${message}`);
      }
      for (const weakness of round.weaknesses ?? [])
        logger.error({ configuration: config.canary?.configuration }, `the webhook configuration is weak: ${weakness}`);
    },
  });
}

/** The same trouble comes again with each attempt. */
function sayOnce(logger: Logger): (problem: SealwardError) => void {
  const said = new Map<string, number>();
  return ({ code, message }) => {
    if (Date.now() - (said.get(code) ?? 0) < 60_000) return;
    said.set(code, Date.now());
    logger.warn({ code }, message);
  };
}
