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

export interface Scanner {
  describe(report: Shape): ScannerNames;
  summarize(report: Shape): ScanSummary;
}

export class Tally {
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
