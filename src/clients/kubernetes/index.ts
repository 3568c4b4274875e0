export { KubernetesClient, type ClientOptions, type ObjectList, type Patch, type Selection } from './client.ts';
export type { Cluster, ClusterSources } from './cluster.ts';
export { LeaderElection, type LeaderOptions } from './leader.ts';
export { EventRecorder, type ObjectEvent } from './events.ts';
export { fixedCredential } from './credential.ts';
export { clusterOf } from './find-cluster.ts';
export type { ClusterObject } from './object.ts';
export { type ObjectName, type Resource, RESOURCES } from './resource.ts';
export type { WatchEvent } from './watch.ts';
export { type Change, WatchList, type WatchListOptions } from './watch-list.ts';
/** @public */
export { keyOf } from './watch-list.ts';
