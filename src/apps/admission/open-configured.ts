/** From a configuration to a webhook that answers: trust, evidence, registries, cluster, certificates, the decision log, and the end of all of them. */
import type { Logger } from 'pino';
import { readBounded } from '../../clients/files/index.ts';
import { parseProxyEnvironment } from '../../clients/http/index.ts';
import { problemLog } from '../../clients/operations/index.ts';
import { clusterOf, KubernetesClient } from '../../clients/kubernetes/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { anonymous, RegistryClient } from '../../clients/registry/index.ts';
import { type Agent, configMapMembers, lookAround, openAgent, type OpenedAgent, type Surroundings } from '../../sdk/agent/index.ts';
import { certificateOf } from './certificates/issue.ts';
import { webhookPublisher } from './cluster/patch-webhooks.ts';
import { configuredCalls } from './cluster/configured-calls.ts';
import { pullCredentials } from './cluster/pull-credentials.ts';
import { RunningDigests } from './cluster/running-digests.ts';
import { secretKeeper } from './cluster/secret-keeper.ts';
import type { AdmissionConfig } from './config.ts';
import { type Credentials, openCredentials } from './credentials.ts';
import { type AdmissionMetrics, createAdmissionMetrics } from './metrics.ts';
import { openAdmission } from './open-admission.ts';
import { openDecisions } from './open-decisions.ts';
import type { PullsWith } from './question.ts';
import { type Call, SelfProbe } from './self-probe.ts';

export interface OpenConfiguredOptions {
  readonly config: AdmissionConfig;
  readonly version: string;
  /** Proxies, and where the cluster is; nothing here reads the environment of the process. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

export interface OpenConfigured {
  readonly port: number;
  readonly operationsPort: number;
  /** Why nobody would be answered, as the webhook found when it asked itself. */
  readonly unanswered: string | undefined;
  close(): Promise<void>;
}

const PRUNE_MS = 3_600_000;
/** Pods choose names of secrets. */
const MOST_REGISTRIES = 256;

export async function openConfigured(options: OpenConfiguredOptions): Promise<OpenConfigured> {
  const { config, version, environment, logger } = options;
  // In the order in which they were opened; closed the other way round.
  const open: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const end of open.splice(0).reverse()) await end();
  };
  try {
    const metrics = createAdmissionMetrics();
    const userAgent = `sealward/${version}`;
    const cluster = needsCluster(config) ? new KubernetesClient(await clusterOf({ environment, readFile: readBounded }), { userAgent }) : undefined;
    if (cluster) open.push(() => cluster.close());
    const inCluster = (): KubernetesClient => {
      if (!cluster) throw new SealwardError('ERR_CLUSTER_MISSING', 'nothing says which cluster is meant');
      return cluster;
    };
    const opened = openJudge(options, metrics, inCluster);
    open.push(() => opened.close());
    const { agent } = opened;
    const credentials = await openCredentials({
      ...config,
      secretKeeper: (secret) => secretKeeper(inCluster(), secret),
      publisher: publisherFor(config, cluster),
      logger,
      now: Date.now,
    });
    open.push(() => credentials.close());
    const probe = new SelfProbe({
      proof: credentials.caller.kind,
      own: () => ownCall(credentials),
      configured: async () => (cluster ? configuredCalls(cluster, config.tls.configurations) : []),
      logger,
    });
    open.push(() => probe.close());
    const started = agent.start();
    agent.onChange(({ inForce: { trust, policies } }) =>
      logger.info({ trust: trust.digest, policies: policies.digest, versions: trust.versions }, 'trust moved'),
    );
    const surroundings = cluster ? watchCluster(config, cluster, agent, logger) : undefined;
    if (surroundings) open.push(() => surroundings.close());
    const running = config.watch.runningPods ? new RunningDigests(inCluster(), problemLog(logger)) : undefined;
    if (running) open.push(() => running.close());
    const missing = (): string | undefined => surroundings?.missing() ?? (running && !running.isSynced ? 'the Pods of the cluster' : undefined);
    const decisions = await openLog(config, logger, open);
    const admission = await openAdmission({
      ...config,
      judge: {
        clock: agent.clock,
        judge: (image, asked) => agent.judge(image, asked),
        recall: (image, asked) => agent.recall(image, asked),
        // What namespaces ask for besides is asked for from the first review on.
        inForce: () => (missing() === undefined ? agent.inForce() : undefined),
      },
      certificate: credentials.certificate,
      caller: credentials.caller,
      metrics,
      logger,
      probe,
      registryFor: registriesOf(config, opened, inCluster),
      ...(running ? { runs: (namespace: string, digest: string) => running.has(namespace, digest) } : {}),
      ...(surroundings ? { labelsOf: (namespace: string) => surroundings.labels(namespace) } : {}),
      ...(decisions ? { log: decisions } : {}),
    });
    credentials.keep((certificate) => {
      admission.renew(certificate);
      logger.info({ notAfter: new Date(credentials.notAfter()).toISOString() }, 'another certificate is shown from now on');
    });
    metrics.gauge(
      'sealward_admission_certificate_left_seconds',
      'Until the certificate of the webhook ends',
      () => (credentials.notAfter() - Date.now()) / 1000,
    );
    metrics.gauge('sealward_admission_certificate_failing', '1 while the certificate cannot be renewed or told of', () => (credentials.failure() ? 1 : 0));
    open.push(() => admission.close());
    await probe.start({ host: config.listen.host, port: admission.port });
    // What was remembered is in force at once; whoever gives trust is waited for by nobody.
    void started.then(() => {
      const { failure, problems } = agent.status().trust;
      if (!agent.inForce())
        logger.error({ code: failure?.code, hint: failure?.hint, problems }, `there is no trust yet: ${failure?.message ?? 'its policies cannot be used'}`);
      else if (failure) logger.warn({ code: failure.code, hint: failure.hint }, `trust is what was remembered: ${failure.message}`);
    });
    return { port: admission.port, operationsPort: admission.operationsPort, unanswered: probe.unready(), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function openJudge({ config, version, environment, logger }: OpenConfiguredOptions, metrics: AdmissionMetrics, inCluster: () => KubernetesClient): OpenedAgent {
  const { held } = config;
  const opened = openAgent(config, {
    userAgent: `sealward/${version}`,
    proxy: parseProxyEnvironment(environment),
    observe: ({ host, status, error, milliseconds }) => metrics.registry(host, status, error?.code, milliseconds / 1000),
    onProblem: ({ path, why }) => logger.warn({ path, why }, 'the evidence store has a problem'),
    environment,
    configMap: (name) => configMapMembers(inCluster(), name),
    ...(config.decisions ? { recordsKeptMs: config.decisions.keepMs ?? Number.POSITIVE_INFINITY } : {}),
    heldDigests: held.digests,
    heldBytes: held.bytes,
    prefetch: { seen: true },
  });
  const { agent, limits } = opened;
  metrics.gauge('sealward_held_digests', 'Digests whose facts are in memory', () => agent.status().held.digests);
  metrics.gauge('sealward_held_bytes', 'About how many bytes these take', () => agent.status().held.bytes);
  metrics.gauge('sealward_gatherings_under_way', 'Digests that registries are being asked for', () => agent.status().held.gathering);
  metrics.gauge('sealward_trust_update_failures', 'Updates of trust that failed since one succeeded', () => agent.status().trust.failures);
  metrics.gauge('sealward_trust_policies_refused', 'Policies of namespaces that are not in force', () => agent.status().trust.refused.length);
  metrics.gauge(
    'sealward_registries_broken',
    'Hosts that are not asked for a while, because they failed',
    () => limits.states.filter(({ breaker }) => breaker.state !== 'closed').length,
  );
  return opened;
}

/** By whatever name its certificate holds for; it must hold for one, and now. */
function ownCall({ certificate, caller }: Credentials): Call {
  const named = certificateOf(certificate).subjectAlternativeNames.find(({ type }) => type === 'dns' || type === 'ip');
  const secret = caller.kind === 'path-secret' ? `/${caller.secrets()[0]}` : '';
  const name = named?.value.replace('*', 'self-probe') ?? '';
  return { by: 'the webhook itself', name, authorities: certificate.cert, path: `${secret}/validate`, refuses: true };
}

function needsCluster({ tls, trust, watch, pullSecretsOf }: AdmissionConfig): boolean {
  const told = tls.configurations.length > 0 || (tls.kind === 'self-made' && 'secret' in tls.keptIn);
  return told || trust.configMap !== undefined || watch.namespaceLabels || watch.namespacedPolicies || watch.runningPods || pullSecretsOf.size > 0;
}

function publisherFor({ tls, caller }: AdmissionConfig, cluster: KubernetesClient | undefined) {
  if (tls.kind !== 'self-made' || tls.configurations.length === 0 || !cluster) return { publish: async () => {} };
  return webhookPublisher(cluster, { configurations: tls.configurations, secretPath: caller.kind === 'path-secret' && caller.secretFile === undefined });
}

/** Clients with credentials of their own, kept for the Pods that come after; what they bring is evidence for everybody. */
function registriesOf({ pullSecretsOf }: AdmissionConfig, { connection }: OpenedAgent, inCluster: () => KubernetesClient) {
  const known = new Map<string, RegistryClient>();
  return (namespace: string, pulls: PullsWith): RegistryClient | undefined => {
    if (!pullSecretsOf.has(namespace)) return undefined;
    const key = JSON.stringify([namespace, pulls]);
    const registry =
      known.get(key) ?? new RegistryClient({ ...connection, credentials: pullCredentials(inCluster(), namespace, pulls, connection.credentials ?? anonymous) });
    // The one that was used last goes to the end, and the oldest goes first.
    known.delete(key);
    known.set(key, registry);
    for (const old of known.keys()) if (known.size > MOST_REGISTRIES) known.delete(old);
    return registry;
  };
}

function watchCluster({ watch }: AdmissionConfig, cluster: KubernetesClient, agent: Agent, logger: Logger): Surroundings {
  return lookAround(cluster, { ...watch, setNamespaced: (policies) => agent.setNamespaced(policies), report: problemLog(logger) });
}

async function openLog({ decisions, cluster = 'cluster' }: AdmissionConfig, logger: Logger, open: (() => Promise<void> | void)[]) {
  if (!decisions) return undefined;
  const failed = (error: SealwardError): void => logger.fatal({ code: error.code, hint: error.hint, err: error.cause }, error.message);
  const { log, origin, verifierKey } = await openDecisions({ ...decisions, cluster, failed });
  open.push(() => log.close());
  logger.info({ origin, verifierKey }, 'decisions are kept');
  const { keepMs } = decisions;
  if (keepMs !== undefined) {
    const prune = async (): Promise<void> => {
      await log.prune(Date.now() - keepMs).catch((error: unknown) => logger.error({ err: error }, 'old decisions could not be let go'));
    };
    const timer = setInterval(() => void prune(), PRUNE_MS).unref();
    open.push(() => clearInterval(timer));
  }
  return { decisions: log, mode: decisions.mode };
}
