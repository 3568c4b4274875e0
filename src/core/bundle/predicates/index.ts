export { checkPredicate, type Predicate } from './check-predicate.ts';
export type { Environment } from './ci-variables.ts';
export { provenanceFromCi, type ProvenanceOptions, type ResolvedDependency, scanInvocationFromCi } from './provenance-from-ci.ts';
export { readPredicate } from './read-predicate.ts';
export { predicateFromSbom } from './sbom.ts';
export { listVulnerabilities, predicateFromScan, type ScanInvocation, type ScanOptions, type ScanPredicate, summarizeScan } from './scan-report.ts';
export type { ScannedVulnerability, ScanSummary, Severity, SeverityCounts } from './scanner.ts';
export { parseTime } from './time.ts';
