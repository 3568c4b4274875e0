/** The part of a configuration that every agent of a cluster has: where trust comes from, what is held, which registries are asked. */
import type { Cloud } from '../../clients/registry/index.ts';
import type { Section } from '../../clients/settings/index.ts';

export interface ClusterName {
  readonly namespace: string;
  readonly name: string;
}

export interface TrustPlace {
  /** A folder, a URL, `registry:HOST/REPOSITORY:TAG` or `configmap:NAMESPACE/NAME`. */
  readonly from: string;
  readonly configMap?: ClusterName;
  readonly rootFile?: string;
  /** Remembers what was seen, so that trust never goes back; without it only this run does not. */
  readonly memory?: string;
  readonly everyMs: number;
  readonly tier?: string;
}

export interface RegistriesSettings {
  /** Hosts that may be contacted, with stars where wanted, instead of those that signed policies speak of. */
  readonly allowed?: readonly string[];
  /** By registry: what is asked before it. */
  readonly mirrors: Readonly<Record<string, readonly string[]>>;
  /** By registry: hosts to which it may send us although they are on private addresses. */
  readonly privateHosts: Readonly<Record<string, readonly string[]>>;
  /** A config.json of Docker with credentials. */
  readonly credentialsFile?: string;
  /** Clouds whose registries are opened by the identity of this workload, and whether the metadata service of the machine may be asked for it. */
  readonly clouds: readonly Cloud[];
  readonly metadata: boolean;
  /** PEM, believed besides the authorities of the system. */
  readonly authoritiesFile?: string;
  readonly allowHttp: boolean;
}

export interface AgentSettings {
  readonly trust: TrustPlace;
  readonly evidenceFolder: string;
  readonly registries: RegistriesSettings;
  readonly cluster?: string;
  readonly environment?: string;
}

const CLOUDS: readonly Cloud[] = ['aws', 'google', 'azure'];
const SECOND = 1000;
const DAY = 24 * 3600 * SECOND;
const HOST_PATTERN = /^[a-z0-9*[](?:[a-z0-9.*:[\]-]{0,252})$/;

/** @param path makes a path of the configuration an absolute one. */
export function readAgentSettings(root: Section, path: (name: string) => string): AgentSettings {
  const [cluster, environment] = [root.optionalText('cluster'), root.optionalText('environment')];
  return {
    trust: readTrust(root, path),
    evidenceFolder: path(root.text('evidence')),
    registries: readRegistries(root, path),
    ...(cluster === undefined ? {} : { cluster }),
    ...(environment === undefined ? {} : { environment }),
  };
}

function readTrust(root: Section, path: (name: string) => string): TrustPlace {
  const section = root.section('trust');
  if (!section) root.refuse('trust', 'is missing: it says where the trust state comes from');
  const from = section?.text('from') ?? '';
  const [rootFile, memory, tier] = [section?.optionalText('root'), section?.optionalText('memory'), section?.optionalText('tier')];
  const isFolder = !/^(?:https?:\/\/|registry:|configmap:)/i.test(from);
  const configMap = section && from.startsWith('configmap:') ? readClusterName(section, 'from', from.slice('configmap:'.length)) : undefined;
  if (section && !isFolder && rootFile === undefined)
    section.refuse('root', 'is missing: the root.json that is trusted, because the place is none of this machine');
  return {
    from: isFolder ? path(from) : from,
    ...(configMap ? { configMap } : {}),
    ...(rootFile === undefined ? {} : { rootFile: path(rootFile) }),
    ...(memory === undefined ? {} : { memory: path(memory) }),
    everyMs: section?.duration('every', SECOND, DAY, '30s') ?? 0,
    ...(tier === undefined ? {} : { tier }),
  };
}

function readRegistries(root: Section, path: (name: string) => string): RegistriesSettings {
  const section = root.section('registries');
  const allowed = section?.texts('allowed') ?? [];
  if (!allowed.every((host) => HOST_PATTERN.test(host)))
    section?.refuse('allowed', 'must be hosts, as in registry.example, registry.example:5000 or *.registry.example');
  const clouds = section?.texts('workloadIdentity') ?? [];
  if (!clouds.every((cloud) => CLOUDS.some((known) => known === cloud))) section?.refuse('workloadIdentity', `must be some of ${CLOUDS.join(', ')}`);
  const [credentials, authorities] = [section?.optionalText('credentialsFile'), section?.optionalText('authoritiesFile')];
  return {
    ...(allowed.length > 0 ? { allowed } : {}),
    mirrors: section?.textLists('mirrors') ?? {},
    privateHosts: section?.textLists('privateHosts') ?? {},
    clouds: CLOUDS.filter((cloud) => clouds.includes(cloud)),
    metadata: section?.flag('metadataService', false) ?? false,
    ...(credentials === undefined ? {} : { credentialsFile: path(credentials) }),
    ...(authorities === undefined ? {} : { authoritiesFile: path(authorities) }),
    allowHttp: section?.choice('http', ['loopback', 'allow'], 'loopback') === 'allow',
  };
}

/** NAMESPACE/NAME */
export function readClusterName(section: Section, member: string, text: string): ClusterName {
  const match = /^([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\/([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)$/.exec(text);
  if (!match) section.refuse(member, 'must name an object of the cluster, as in NAMESPACE/NAME');
  return { namespace: match?.[1] ?? '', name: match?.[2] ?? '' };
}
