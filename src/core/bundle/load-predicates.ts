/** The checks and converters of predicates, loaded when they are needed: verifying needs none of them. */
import type * as Predicates from './predicates/index.ts';

export type {
  Environment,
  Predicate,
  ProvenanceOptions,
  ResolvedDependency,
  ScannedVulnerability,
  ScanInvocation,
  ScanOptions,
  ScanPredicate,
  ScanSummary,
  Severity,
  SeverityCounts,
} from './predicates/index.ts';

export function loadPredicates(): Promise<typeof Predicates> {
  return import('./predicates/index.ts');
}
