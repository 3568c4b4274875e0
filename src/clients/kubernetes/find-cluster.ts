/** Which cluster is meant: the one of this pod, or that of a kubeconfig. */
import { join } from 'node:path';
import { type Cluster, type ClusterSources, clusterMissing } from './cluster.ts';
import { clusterOfKubeconfig } from './kubeconfig.ts';
import { clusterOfPod, SERVICE_ACCOUNT } from './service-account.ts';

/**
 * As in kubectl: an explicit file comes before the pod's own account, and that before the file in the home folder.
 * Throws ERR_CLUSTER_MISSING where nothing says which cluster is meant, and ERR_CONFIG_INVALID.
 */
export async function clusterOf(sources: ClusterSources): Promise<Cluster> {
  const { environment } = sources;
  const [host, port] = [environment['KUBERNETES_SERVICE_HOST'], environment['KUBERNETES_SERVICE_PORT']];
  if (!environment['KUBECONFIG'] && host && port) return clusterOfPod(sources.readFile, host, port, sources.serviceAccount ?? SERVICE_ACCOUNT);
  const home = environment['HOME'] ?? environment['USERPROFILE'];
  const paths = (environment['KUBECONFIG'] || (home ? join(home, '.kube', 'config') : ''))
    .split(process.platform === 'win32' ? ';' : ':')
    .filter((path) => path !== '');
  if (paths.length === 0) throw clusterMissing();
  return clusterOfKubeconfig(sources, paths);
}
