/** A kubeconfig, or several: the current context, with a token or a client certificate. What would run programs is refused. */
import { dirname, isAbsolute, join } from 'node:path';
import { decodeBase64, decodeUtf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { type Cluster, type ClusterSources, clusterMissing, serverUrl } from './cluster.ts';
import { bearerToken, fixedCredential, rotatingCredential } from './credential.ts';

const MAX_FILE_BYTES = 1024 * 1024;

type Entry = Readonly<Record<string, unknown>>;

interface Named {
  readonly entry: Entry;
  /** The folder of the file that it came from; paths in it are relative to that. */
  readonly folder: string;
}

/** Several files become one as in kubectl: the first that names a thing wins. */
export async function clusterOfKubeconfig(sources: ClusterSources, paths: readonly string[]): Promise<Cluster> {
  const { parse } = await import('yaml');
  const found = { clusters: new Map<string, Named>(), users: new Map<string, Named>(), contexts: new Map<string, Named>() };
  let current = '';
  for (const path of paths) {
    let text: string;
    try {
      text = decodeUtf8(sources.readFile(path, MAX_FILE_BYTES, 'the kubeconfig'), path);
    } catch (cause) {
      if (paths.length > 1) continue;
      throw clusterMissing(cause);
    }
    const file = parseYaml(parse, text, path);
    if (current === '' && typeof file['current-context'] === 'string') current = file['current-context'];
    for (const [list, inner] of [
      ['clusters', 'cluster'],
      ['users', 'user'],
      ['contexts', 'context'],
    ] as const) {
      for (const item of Array.isArray(file[list]) ? (file[list] as unknown[]) : []) {
        const name = isEntry(item) ? item['name'] : undefined;
        const entry = isEntry(item) ? item[inner] : undefined;
        if (typeof name === 'string' && isEntry(entry) && !found[list].has(name)) found[list].set(name, { entry, folder: dirname(path) });
      }
    }
  }
  const chosen = found.contexts.get(current)?.entry;
  const cluster = found.clusters.get(String(chosen?.['cluster']));
  if (!cluster)
    throw new SealwardError('ERR_CONFIG_INVALID', 'the kubeconfig has no current context with a cluster', {
      hint: 'Choose one with `kubectl config use-context`.',
    });
  return fromEntries(sources, cluster, found.users.get(String(chosen?.['user'])));
}

function parseYaml(parse: (text: string) => unknown, text: string, path: string): Entry {
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new SealwardError('ERR_CONFIG_INVALID', `the kubeconfig ${path} is not YAML`, { cause });
  }
  if (!isEntry(value)) throw new SealwardError('ERR_CONFIG_INVALID', `the kubeconfig ${path} is not a mapping`);
  return value;
}

function fromEntries(sources: ClusterSources, cluster: Named, user: Named | undefined): Cluster {
  const refuse = (why: string, hint: string): never => {
    throw new SealwardError('ERR_CONFIG_INVALID', `the kubeconfig ${why}`, { hint });
  };
  const { entry } = cluster;
  if (entry['insecure-skip-tls-verify'] === true)
    refuse('asks to skip the verification of TLS, and credentials do not travel that way', 'Give certificate-authority-data.');
  for (const name of ['exec', 'auth-provider', 'username'] as const) {
    if (user?.entry[name] !== undefined)
      refuse(`authenticates with ${name}, which is not supported`, 'Make a context with a token: `kubectl create token`, or with a client certificate.');
  }
  const ca = content(sources, cluster, 'certificate-authority');
  const cert = content(sources, user, 'client-certificate');
  const key = content(sources, user, 'client-key');
  const credential = credentialOf(sources, user);
  const serverName = textIn(cluster, 'tls-server-name');
  const proxy = textIn(cluster, 'proxy-url');
  const tls = {
    ...(ca === undefined ? {} : { ca: [ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { serverName }),
  };
  const server = serverUrl(textIn(cluster, 'server') ?? '', 'the server of the kubeconfig');
  return { server, tls, ...(credential === undefined ? {} : { credential }), ...(proxy === undefined ? {} : { proxy }) };
}

/** client-go reads the file first where there are both; a token in a file is read again, for those who rotate it. */
function credentialOf(sources: ClusterSources, user: Named | undefined): Cluster['credential'] {
  if (textIn(user, 'tokenFile') !== undefined) {
    return rotatingCredential(() => bearerToken(fileIn(sources, user, 'tokenFile') ?? '', 'the kubeconfig'));
  }
  const token = textIn(user, 'token');
  return token === undefined ? undefined : fixedCredential(bearerToken(token, 'the kubeconfig'));
}

const isEntry = (value: unknown): value is Entry => value !== null && typeof value === 'object' && !Array.isArray(value);

function textIn(named: Named | undefined, member: string): string | undefined {
  const value = named?.entry[member];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function fileIn(sources: ClusterSources, named: Named | undefined, member: string): string | undefined {
  const path = textIn(named, member);
  if (path === undefined || !named) return undefined;
  return decodeUtf8(sources.readFile(isAbsolute(path) ? path : join(named.folder, path), MAX_FILE_BYTES, `the ${member} of the kubeconfig`), path);
}

/** MEMBER-data in base64 comes before the file that MEMBER names. */
function content(sources: ClusterSources, named: Named | undefined, member: string): string | undefined {
  const inline = textIn(named, `${member}-data`);
  if (inline === undefined) return fileIn(sources, named, member);
  return decodeUtf8(decodeBase64(inline.replace(/\s/g, ''), `${member}-data`), `${member}-data`);
}
