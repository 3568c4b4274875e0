/** What the kubelet mounts into every pod: a token that rotates, and the authority of the API server. */
import { join } from 'node:path';
import { decodeUtf8 } from '../../core/encoding/index.ts';
import { type Cluster, type ClusterSources, serverUrl } from './cluster.ts';
import { bearerToken, rotatingCredential } from './credential.ts';

export const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const MAX_FILE_BYTES = 1024 * 1024;

export function clusterOfPod(readFile: ClusterSources['readFile'], host: string, port: string, folder: string): Cluster {
  const read = (name: string): string => decodeUtf8(readFile(join(folder, name), MAX_FILE_BYTES, 'the service account'), 'the service account').trim();
  const server = serverUrl(`https://${host.includes(':') ? `[${host}]` : host}:${port}`, 'KUBERNETES_SERVICE_HOST');
  const credential = rotatingCredential(() => bearerToken(read('token'), 'the service account'));
  return { server, tls: { ca: [read('ca.crt')] }, credential };
}
