/** An agent as its settings describe it: the store on the disk, the registries with their credentials and limits, trust from its place. */
import { mkdirSync } from 'node:fs';
import { FolderStore, type StoreProblem } from '../../clients/evidence/index.ts';
import { readBounded } from '../../clients/files/index.ts';
import { type Clock, HostLimits, HttpClient, type HttpObserver, type ProxyConfig } from '../../clients/http/index.ts';
import { anonymous, dockerConfig, firstOf, RegistryClient, type RegistryClientOptions, workloadIdentity } from '../../clients/registry/index.ts';
import { parseCertificatesPem } from '../../core/crypto/index.ts';
import { decodeUtf8, LIMITS } from '../../core/encoding/index.ts';
import { invariant, SealwardError } from '../../core/errors.ts';
import { Agent, type AgentOptions } from './agent.ts';
import type { AgentSettings, ClusterName } from './settings.ts';

export interface OpenAgentOptions extends Pick<AgentOptions, 'heldDigests' | 'heldBytes' | 'patience' | 'clock' | 'prefetch' | 'recordsKeptMs'> {
  readonly userAgent: string;
  readonly proxy?: ProxyConfig;
  readonly observe?: HttpObserver;
  /** Told of each file of the store that is not what it claims to be. */
  readonly onProblem?: (problem: StoreProblem) => void;
  /** Roles, token files and addresses that a cloud put there; needed where its registries are opened by the identity of the workload. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Reads a ConfigMap of the cluster; needed where trust lies in one. */
  readonly configMap?: (name: ClusterName) => Promise<ReadonlyMap<string, Uint8Array>>;
}

export interface OpenedAgent {
  readonly agent: Agent;
  readonly store: FolderStore;
  /** How registries are asked, for who asks them with other credentials. Mirrors and hosts are held against the agent's list. */
  readonly connection: RegistryClientOptions;
  /** How every host that is asked fares. */
  readonly limits: HostLimits;
  close(): Promise<void>;
}

/** Asks nobody yet: `agent.start` does. Throws ERR_FILE_UNREADABLE, ERR_TOO_LARGE, ERR_PEM_INVALID, ERR_EVIDENCE_STORE. */
export function openAgent({ trust, evidenceFolder, registries }: AgentSettings, options: OpenAgentOptions): OpenedAgent {
  const { userAgent, proxy, observe, onProblem, configMap, environment = {}, ...held } = options;
  const timed: { readonly clock?: Clock } = held.clock ? { clock: held.clock } : {};
  const limits = new HostLimits(timed);
  const { authoritiesFile, credentialsFile, allowHttp, mirrors, privateHosts, clouds, metadata } = registries;
  const authorities = authoritiesFile === undefined ? undefined : authoritiesIn(authoritiesFile);
  const http = new HttpClient({
    ...timed,
    userAgent,
    gate: limits,
    ...(proxy ? { proxy } : {}),
    ...(observe ? { observe } : {}),
    ...(authorities === undefined ? {} : { tls: { ca: [authorities] } }),
  });
  const connection: RegistryClientOptions = {
    http,
    credentials: firstOf(
      credentialsFile === undefined ? anonymous : dockerConfig(credentialsFile),
      clouds.length === 0 ? anonymous : workloadIdentity({ clouds, environment, metadata, readFile: readBounded, gate: limits, ...timed }),
    ),
    allowHttp,
    mirrors,
    privateHosts,
  };
  const allowed: RegistryClientOptions = { ...connection, allowRegistry: (host) => agent.allows(host) };
  makeFolder(evidenceFolder);
  const store = new FolderStore(evidenceFolder, onProblem ? { onProblem } : {});
  const agent: Agent = new Agent({
    ...held,
    store,
    registry: new RegistryClient(allowed),
    trust: {
      from: trust.from,
      ...(trust.rootFile === undefined ? {} : { root: readBounded(trust.rootFile, LIMITS.tufRootBytes, 'the trusted root') }),
      ...(trust.memory === undefined ? {} : { memory: trust.memory }),
      http: () => http,
      // Whoever wrote the settings named this one; the list of registries is about images.
      registry: () => new RegistryClient(connection),
      configMap: async () => {
        invariant(configMap && trust.configMap, 'whoever reads ConfigMaps is there where trust lies in one');
        return configMap(trust.configMap);
      },
    },
    trustEvery: trust.everyMs,
    ...(trust.tier === undefined ? {} : { tier: trust.tier }),
    ...(registries.allowed ? { registries: registries.allowed } : {}),
    mirrors,
  });
  return {
    agent,
    store,
    connection: allowed,
    limits,
    async close() {
      await agent.close();
      http.close();
    },
  };
}

/** PEM. A file without a certificate would be taken for one that adds none, and every registry of it would be a stranger. */
function authoritiesIn(path: string): string {
  const text = decodeUtf8(readBounded(path, LIMITS.documentBytes, 'the authorities of registries'), `the file ${path}`);
  parseCertificatesPem(text, `the file of authorities ${path}`);
  return text;
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new SealwardError('ERR_EVIDENCE_STORE', `the evidence store ${path} cannot be made: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
}
