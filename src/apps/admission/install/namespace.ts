import type { JsonObject } from '../../../core/encoding/index.ts';

/** Where Sealward runs. The API server holds its pods to the strictest of the pod security standards, which they meet. */
export function namespaceObject(name: string): JsonObject {
  const labels = { 'app.kubernetes.io/name': 'sealward', 'pod-security.kubernetes.io/enforce': 'restricted' };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}
