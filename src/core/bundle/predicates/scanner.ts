/** What is asked of each scanner's report. */
import type { Shape } from './shape.ts';

export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'negligible', 'unknown'] as const;
export type Severity = (typeof SEVERITIES)[number];
export type SeverityCounts = Readonly<Record<Severity, number>>;

export interface ScanSummary {
  /** The scanner as it calls itself: Trivy, grype, or the driver of a SARIF run. */
  readonly scanner: string;
  /** Findings by severity, each as often as the report lists it; one that fits no severity is `unknown`. */
  readonly found: SeverityCounts;
  /** Of those, what the report says to be mended in a newer version; undefined where the format cannot say. */
  readonly fixable?: SeverityCounts;
  readonly total: number;
  /** Findings that the scanner was told to leave out, by rules or VEX; they are not in the other numbers. */
  readonly suppressed: number;
}

/** As cosign's scan record names a scanner. */
export interface ScannerNames {
  readonly uri: string;
  readonly version: string;
  readonly db: { readonly uri: string; readonly version: string };
  /** Milliseconds since 1970. */
  readonly startedOn?: number;
  readonly finishedOn?: number;
}

/** One finding of a report. */
export interface ScannedVulnerability {
  /** The name by which the scanner calls it, and the other names that it knows. */
  readonly names: readonly string[];
  readonly severity: Severity;
  /** The package URL of what is vulnerable, or its name and version; absent where the format does not say. */
  readonly component?: string;
  /** Whether a newer version mends it; undefined where the format cannot say. */
  readonly fixable?: boolean;
}

export interface Scanner {
  describe(report: Shape): ScannerNames;
  summarize(report: Shape): ScanSummary;
  /** Every finding that is in the numbers of the summary, as often as the report lists it. */
  list(report: Shape): ScannedVulnerability[];
}

/** The numbers of a list of findings. */
export function summarizeFindings(scanner: string, findings: readonly ScannedVulnerability[], suppressed: number, knowsFixes = true): ScanSummary {
  const [found, fixable] = [new Tally(), new Tally()];
  for (const { severity, fixable: mends } of findings) {
    found.add(severity);
    if (mends) fixable.add(severity);
  }
  return { scanner, found: found.counts, ...(knowsFixes ? { fixable: fixable.counts } : {}), total: found.total, suppressed };
}

class Tally {
  readonly #counts: Record<Severity, number> = { critical: 0, high: 0, medium: 0, low: 0, negligible: 0, unknown: 0 };

  add(severity: Severity): void {
    this.#counts[severity]++;
  }
  get counts(): SeverityCounts {
    return { ...this.#counts };
  }
  get total(): number {
    return SEVERITIES.reduce((sum, severity) => sum + this.#counts[severity], 0);
  }
}

/** A severity as a scanner writes it, in any case of letters; what is not known counts as unknown, never as harmless. */
export function severityOf(name: Shape): Severity {
  const word = typeof name.value === 'string' ? name.value.toLowerCase() : '';
  return SEVERITIES.find((severity) => severity === word) ?? 'unknown';
}
