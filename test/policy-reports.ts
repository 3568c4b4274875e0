/** The kind PolicyReport, as much of its definition as an API server of the tests needs. */
import type { JsonObject } from '../src/core/encoding/index.ts';

export function policyReportDefinition(): JsonObject {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'policyreports.wgpolicyk8s.io' },
    spec: {
      group: 'wgpolicyk8s.io',
      scope: 'Namespaced',
      names: { plural: 'policyreports', singular: 'policyreport', kind: 'PolicyReport', listKind: 'PolicyReportList' },
      versions: [{ name: 'v1alpha2', served: true, storage: true, schema }],
    },
  };
}
