/**
 * What a condition says of a statement. A value of its own between proving and deciding: it needs no policy but the
 * condition, no clock and no network, so it can be kept under the digests of statement and condition and the version of
 * the engine.
 */

/** Changes whenever the same statement and condition could give another value than before. @public */
export const APPRAISER_VERSION = 2;

/** Something that a scan found and that is worse than allowed; a VEX statement may excuse it. */
export interface ScanFinding {
  /** As the scanner names it, and its other names: CVE-2026-1, GHSA-…. */
  readonly names: readonly string[];
  readonly severity: string;
  /** Package URL or name of what is vulnerable, where the report says. */
  readonly component?: string;
}

/** That a vulnerability does not matter here, by OpenVEX. */
export interface Excuse {
  readonly names: readonly string[];
  readonly status: 'not_affected' | 'fixed';
  /** Identifiers of the components that it is about; of an empty list the whole image. */
  readonly components: readonly string[];
}

export type Appraisal =
  | {
      readonly value: 'holds';
      /** Of a VEX document. */
      readonly excuses?: readonly Excuse[];
      /** When the signer says that what is attested was done (a scan ended), in milliseconds since 1970. */
      readonly statedAt?: number;
    }
  | {
      readonly value: 'fails';
      /** What is wrong, for people; shortened, not escaped. */
      readonly detail: string;
      /** Of a scan: everything that is worse than allowed, for VEX to excuse. */
      readonly findings?: readonly ScanFinding[];
      readonly statedAt?: number;
    }
  /** Nobody can say: never taken for true. */
  | { readonly value: 'inconclusive'; readonly code: 'ERR_CONDITION_COST' | 'ERR_CONDITION_FAILED'; readonly detail: string };

export const HOLDS = { value: 'holds' } as const satisfies Appraisal;

export function fails(detail: string): Extract<Appraisal, { value: 'fails' }> {
  return { value: 'fails', detail };
}

export function inconclusive(detail: string): Appraisal {
  return { value: 'inconclusive', code: 'ERR_CONDITION_FAILED', detail };
}
