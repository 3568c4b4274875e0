/** From a configuration to a controller at work: every replica watches what runs; the one that leads speaks of it and acts. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { readBounded } from '../../clients/files/index.ts';
import { type Clock, parseProxyEnvironment } from '../../clients/http/index.ts';
import { clusterOf, KubernetesClient, LeaderElection, RESOURCES, WatchList } from '../../clients/kubernetes/index.ts';
import { problemLog, serveOperations } from '../../clients/operations/index.ts';
import type { Place } from '../../core/policy/index.ts';
import { configMapMembers, lookAround, openAgent } from '../../sdk/agent/index.ts';
import { Canary, type CanaryRound } from './canary.ts';
import type { ControllerConfig } from './config.ts';
import { FirstRuns } from './first-runs.ts';
import { Inventory } from './inventory.ts';
import { inventoryJson } from './inventory-json.ts';
import { createControllerMetrics } from './metrics.ts';
import { readRunningPod, type RunningPod } from './running-pod.ts';
import { openSpeaker } from './speaker.ts';

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

export async function openController(options: OpenControllerOptions): Promise<OpenController> {
  const { config, version, environment, logger } = options;
  // In the order in which they were opened; closed the other way round.
  const open: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const end of open.splice(0).reverse()) await end();
  };
  const report = problemLog(logger);
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
      labelled: (namespace) => void inventory.judgeNamespace(namespace),
    });
    open.push(() => surroundings.close());
    const metrics = createControllerMetrics();
    const identity = `${hostname()}-${randomUUID().slice(0, 8)}`;
    let leads = config.lease === undefined;
    // What is not known yet is not said to be gone.
    let knowsAll = false;
    const speaker = openSpeaker({
      ...options,
      client,
      clock: agent.clock,
      instance: identity,
      leads: () => leads && knowsAll,
      inventory: {
        get held() {
          return inventory.held;
        },
        of: (pod) => inventory.of(pod),
      },
      contained: (done) => metrics.contained(done),
      report,
    });
    open.push(() => speaker.close());
    const firstRuns = new FirstRuns({ counts: () => leads && knowsAll, told: (seconds) => metrics.firstRun(seconds) });
    const inventory: Inventory = new Inventory({
      judge: agent,
      ready: () => agent.inForce() !== undefined,
      clock: agent.clock,
      place: (namespace) => {
        const labels = surroundings.labels(namespace);
        return labels && { namespace, namespaceLabels: labels, ...whereOf(config) };
      },
      changed: (held, before) => {
        firstRuns.judged(held);
        speaker.changed(held, before);
      },
      joined: (_held, pod) => speaker.joined(pod),
      report,
    });
    open.push(() => inventory.close());
    const pods = new WatchList<RunningPod>(client, RESOURCES.pods, {
      keep: readRunningPod,
      report,
      changed: (change) => {
        const [before, after] = [change.type === 'added' ? undefined : change.before, change.type === 'removed' ? undefined : change.value];
        inventory.podChanged(before, after);
        speaker.moved(before?.namespace ?? after?.namespace ?? '');
      },
    });
    open.push(() => pods.close());
    const trusted = Promise.withResolvers<void>();
    agent.onChange(({ inForce: { trust, policies }, leaseOnly }) => {
      logger.info({ trust: trust.digest, policies: policies.digest }, leaseOnly ? 'the lease was given anew' : 'trust moved: all that runs is judged again');
      void inventory.judgeAll();
      trusted.resolve();
    });
    void Promise.all([pods.synced, surroundings.complete, trusted.promise])
      .then(() => inventory.judgeAll())
      .then(() => {
        firstRuns.known(inventory.held);
        knowsAll = true;
        speaker.begin();
      });
    if (config.lease !== undefined) {
      const election = new LeaderElection(client, {
        lease: config.lease,
        identity,
        report,
        lead: (signal) => {
          leads = true;
          logger.info({ identity }, 'this replica leads');
          speaker.begin();
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
        '/canary': () => ({
          type: 'application/json',
          body: `${JSON.stringify(canary?.last ? { ...canary.last, at: new Date(canary.last.at).toISOString() } : null, null, 2)}\n`,
        }),
      },
    });
    open.push(() => operations.close());
    void agent.start().then(() => {
      const { failure, problems } = agent.status().trust;
      if (!agent.inForce())
        logger.error({ code: failure?.code, hint: failure?.hint, problems }, `there is no trust yet: ${failure?.message ?? 'its policies cannot be used'}`);
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

function whereOf({ cluster, environment }: ControllerConfig): Pick<Place, 'cluster' | 'environment'> {
  return { ...(cluster === undefined ? {} : { cluster }), ...(environment === undefined ? {} : { environment }) };
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
