/** Which API server, how it is reached, and who we are there. */
import { SealwardError } from '../../core/errors.ts';
import { bareHost, isLoopbackHost, type TlsSettings } from '../http/index.ts';
import type { Credential } from './credential.ts';

export interface Cluster {
  readonly server: URL;
  readonly tls: TlsSettings;
  readonly credential?: Credential;
  /** URL of the proxy that the kubeconfig names for this cluster. */
  readonly proxy?: string;
}

export interface ClusterSources {
  /** KUBECONFIG, KUBERNETES_SERVICE_HOST and _PORT, HOME; nothing here reads the environment of the process. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Reads a file within a bound; it throws what it likes. */
  readonly readFile: (path: string, maxBytes: number, what: string) => Uint8Array;
  /** The folder of the service account in a pod, where it is not where the kubelet mounts it by itself. */
  readonly serviceAccount?: string;
}

export function clusterMissing(cause?: unknown): SealwardError {
  return new SealwardError('ERR_CLUSTER_MISSING', 'nothing says which cluster is meant', { cause });
}

/** The address of an API server. Credentials travel to it, so plain HTTP is for this machine. Throws ERR_CONFIG_INVALID. */
export function serverUrl(text: string, what: string): URL {
  const url = URL.parse(text.includes('://') ? text : `https://${text}`);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.hostname === '' || url.username !== '' || url.password !== '') {
    // Not shown: addresses with passwords in them are what is refused here.
    throw new SealwardError('ERR_CONFIG_INVALID', `${what} is not the address of a cluster`, { hint: 'Write https://HOST[:PORT], without a user name.' });
  }
  if (url.protocol === 'http:' && !isLoopbackHost(bareHost(url))) {
    throw new SealwardError('ERR_CONFIG_INVALID', `${what} is ${url.origin}, and credentials do not travel over plain HTTP`, { hint: 'Write https://.' });
  }
  return url;
}
