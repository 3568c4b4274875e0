/** The clusters that stories run in: the one of src/testing always, and a real API server where SEALWARD_KUBE_BIN names one. */
import type { Cluster } from '../src/clients/kubernetes/index.ts';
import type { JsonObject, JsonValue } from '../src/core/encoding/index.ts';
import { ClusterServer, type ClusterUser } from '../src/testing/index.ts';
import { kubeBin, RealCluster } from './real-cluster.ts';

export interface TestCluster {
  /** With the administrator's token, or another. */
  kubeconfig(token?: string, namespace?: string): string;
  access(token?: string): Cluster;
  request(
    method: string,
    path: string,
    body?: JsonValue,
    options?: { readonly contentType?: string },
  ): Promise<{ readonly status: number; readonly body: JsonObject }>;
  /** The objects that are kept, by their kind: "pods", "deployments.apps". */
  objects(kind: string, namespace?: string): JsonObject[] | Promise<JsonObject[]>;
  /** Where a service is that webhook configurations name: "namespace/name", "127.0.0.1:8443". */
  serve(service: string, address: string): void | Promise<void>;
  /** A token of a service account that exists, whose rights are these rules; a real API server finds those by itself. */
  account(namespace: string, name: string, rules: NonNullable<ClusterUser['rules']>): string | Promise<string>;
  close(): Promise<void>;
}

export interface ClusterKind {
  readonly name: string;
  readonly start: () => Promise<TestCluster>;
}

export const CLUSTERS: readonly ClusterKind[] = [
  {
    name: 'the API server of src/testing',
    start: async () => {
      const cluster = await ClusterServer.start();
      return Object.assign(cluster, {
        serve: (service: string, address: string) => void cluster.services.set(service, address),
        account: (namespace: string, name: string, rules: NonNullable<ClusterUser['rules']>) =>
          cluster.addUser({ name: `system:serviceaccount:${namespace}:${name}`, rules }),
      });
    },
  },
  ...(kubeBin === undefined ? [] : [{ name: 'a real API server', start: () => RealCluster.start() }]),
];
