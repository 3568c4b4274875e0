/** Which cluster, and who we are there: the service account of a pod, or a kubeconfig with a token or a client certificate. */
import { dirname, isAbsolute, join } from 'node:path';
import { decodeBase64, decodeUtf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { TlsSettings } from '../http/index.ts';
import { serviceUrl } from './key-service.ts';
import type { ProviderContext } from './provider.ts';

export interface Cluster {
  readonly server: URL;
  readonly tls: TlsSettings;
  readonly token?: string;
  readonly proxy?: string;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const MAX_FILE_BYTES = 1024 * 1024;

type Entry = Readonly<Record<string, unknown>>;

export async function clusterOf(context: ProviderContext): Promise<Cluster> {
  const { environment } = context;
  const [host, port] = [environment['KUBERNETES_SERVICE_HOST'], environment['KUBERNETES_SERVICE_PORT']];
  // As in kubectl: an explicit file comes before the pod's own account.
  if (!environment['KUBECONFIG'] && host && port) return inCluster(context, host, port);
  const home = environment['HOME'] ?? environment['USERPROFILE'];
  const paths = (environment['KUBECONFIG'] || (home ? join(home, '.kube', 'config') : ''))
    .split(process.platform === 'win32' ? ';' : ':')
    .filter((path) => path !== '');
  if (paths.length === 0) throw noCluster(context);
  return fromKubeconfig(context, paths);
}

function noCluster({ name }: ProviderContext, cause?: unknown): SealwardError {
  return new SealwardError('ERR_KEY_PROVIDER_MISSING', `nothing says in which cluster ${name} is`, {
    hint: 'Set KUBECONFIG, or run in a pod with a service account.',
    cause,
  });
}

function inCluster({ readFile }: ProviderContext, host: string, port: string): Cluster {
  const read = (name: string): string => decodeUtf8(readFile(join(SERVICE_ACCOUNT, name), MAX_FILE_BYTES, 'the service account'), 'the service account').trim();
  const server = serviceUrl(`https://${host.includes(':') ? `[${host}]` : host}:${port}`, 'KUBERNETES_SERVICE_HOST');
  return { server, tls: { ca: [read('ca.crt')] }, token: read('token') };
}

interface Named {
  readonly entry: Entry;
  /** The folder of the file that it came from; paths in it are relative to that. */
  readonly folder: string;
}

/** Several files become one as in kubectl: the first that names a thing wins. */
async function fromKubeconfig(context: ProviderContext, paths: readonly string[]): Promise<Cluster> {
  const { parse } = await import('yaml');
  const found = { clusters: new Map<string, Named>(), users: new Map<string, Named>(), contexts: new Map<string, Named>() };
  let current = '';
  for (const path of paths) {
    let text: string;
    try {
      text = decodeUtf8(context.readFile(path, MAX_FILE_BYTES, 'the kubeconfig'), path);
    } catch (cause) {
      if (paths.length > 1) continue;
      throw noCluster(context, cause);
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
  return fromEntries(context, cluster, found.users.get(String(chosen?.['user'])));
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

function fromEntries(context: ProviderContext, cluster: Named, user: Named | undefined): Cluster {
  const refuse = (why: string, hint: string): never => {
    throw new SealwardError('ERR_CONFIG_INVALID', `the kubeconfig ${why}`, { hint });
  };
  const { entry } = cluster;
  if (entry['insecure-skip-tls-verify'] === true)
    refuse('asks to skip the verification of TLS, and a key is not fetched that way', 'Give certificate-authority-data.');
  for (const name of ['exec', 'auth-provider', 'username'] as const) {
    if (user?.entry[name] !== undefined)
      refuse(`authenticates with ${name}, which is not supported`, 'Make a context with a token: `kubectl create token`, or with a client certificate.');
  }
  const ca = content(context, cluster, 'certificate-authority');
  const cert = content(context, user, 'client-certificate');
  const key = content(context, user, 'client-key');
  const token = textIn(user, 'token') ?? fileIn(context, user, 'tokenFile')?.trim();
  const serverName = textIn(cluster, 'tls-server-name');
  const proxy = textIn(cluster, 'proxy-url');
  const tls = {
    ...(ca === undefined ? {} : { ca: [ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { serverName }),
  };
  const server = serviceUrl(textIn(cluster, 'server') ?? '', 'the server of the kubeconfig');
  return { server, tls, ...(token === undefined ? {} : { token }), ...(proxy === undefined ? {} : { proxy }) };
}

const isEntry = (value: unknown): value is Entry => value !== null && typeof value === 'object' && !Array.isArray(value);

function textIn(named: Named | undefined, member: string): string | undefined {
  const value = named?.entry[member];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function fileIn(context: ProviderContext, named: Named | undefined, member: string): string | undefined {
  const path = textIn(named, member);
  if (path === undefined || !named) return undefined;
  return decodeUtf8(context.readFile(isAbsolute(path) ? path : join(named.folder, path), MAX_FILE_BYTES, `the ${member} of the kubeconfig`), path);
}

/** MEMBER-data in base64 comes before the file that MEMBER names. */
function content(context: ProviderContext, named: Named | undefined, member: string): string | undefined {
  const inline = textIn(named, `${member}-data`);
  if (inline === undefined) return fileIn(context, named, member);
  return decodeUtf8(decodeBase64(inline.replace(/\s/g, ''), `${member}-data`), `${member}-data`);
}
