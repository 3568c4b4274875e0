/** Reports of scanners, as they come, to cosign's scan record, and what a record says in numbers. */
import type { JsonObject, JsonValue } from '../../encoding/index.ts';
import { SealwardError } from '../../errors.ts';
import { COSIGN_VULN } from '../predicate-types.ts';
import { checkPredicate, type Predicate } from './check-predicate.ts';
import { grype } from './grype.ts';
import { fitting, readDocument } from './read-predicate.ts';
import { type DocumentName, recognize } from './recognize.ts';
import { sarif } from './sarif.ts';
import type { ScannedVulnerability, Scanner, ScanSummary } from './scanner.ts';
import { Shape } from './shape.ts';
import { formatTime } from './time.ts';
import { trivy } from './trivy.ts';

const SCANNERS: Readonly<Partial<Record<DocumentName, Scanner>>> = { trivy, grype, sarif };

/** Who ran the scan, where that is known; all of it is optional in the record. */
export interface ScanInvocation {
  /** The page of the run. */
  readonly uri?: string;
  readonly eventId?: string;
  readonly builderId?: string;
}

export interface ScanOptions {
  /** When the scan ended, in milliseconds since 1970, for a report that does not say. */
  readonly scannedAt?: number;
  readonly invocation?: ScanInvocation;
}

export interface ScanPredicate {
  readonly predicate: Predicate;
  /** Whether the report itself says when the scan ran; else `scannedAt` was taken. */
  readonly dated: boolean;
}

/**
 * The scan record for a report: JSON of Trivy or Grype, SARIF of any scanner, or a record that is one already
 * (`trivy --format cosign-vuln`). The report itself stands in it unchanged, as scanner.result.
 * Throws ERR_PREDICATE_INVALID, with what the file is instead where its shape is known, ERR_TOO_LARGE or ERR_JSON_INVALID.
 */
export function predicateFromScan(bytes: Uint8Array, options: ScanOptions = {}): ScanPredicate {
  const report = readDocument(bytes, 'the report');
  const found = recognize(report);
  if (found?.name === 'cosign-vuln') return { predicate: fitting(checkPredicate('vuln', report)), dated: true };
  const scanner = found && SCANNERS[found.name];
  if (!scanner) {
    throw new SealwardError(
      'ERR_PREDICATE_INVALID',
      found ? `the file is ${found.what}, not a scan report that is read` : 'the file is not a report of a scanner that is known',
      {
        hint:
          found?.hint ??
          'Reports of Trivy and Grype are read in their own JSON, those of every other scanner as SARIF; anything else needs --type and --predicate.',
      },
    );
  }
  const { uri, version, db, startedOn, finishedOn } = scanner.describe(new Shape(found.what, report));
  const finished = finishedOn ?? startedOn ?? options.scannedAt;
  if (finished === undefined) {
    throw new SealwardError('ERR_PREDICATE_INVALID', `${found.what} does not say when the scan ran, and nothing else does`, {
      hint: 'Say when the scan ended; a record without a time is worth nothing to a policy about its age.',
    });
  }
  const { invocation = {} } = options;
  const predicate = {
    invocation: { parameters: null, uri: invocation.uri ?? '', event_id: invocation.eventId ?? '', 'builder.id': invocation.builderId ?? '' },
    scanner: { uri, version, db, result: report },
    metadata: { scanStartedOn: formatTime(startedOn ?? finished), scanFinishedOn: formatTime(finished) },
  };
  return { predicate: fitting(checkPredicate('vuln', predicate)), dated: startedOn !== undefined || finishedOn !== undefined };
}

/**
 * Counts what a scan record found. Undefined when the report in it is of a scanner that is not known: that nothing
 * was counted must not look like "nothing was found". Throws ERR_PREDICATE_INVALID for a report that is damaged.
 */
export function summarizeScan(predicate: JsonValue): ScanSummary | undefined {
  const known = reportIn(predicate);
  return known?.scanner.summarize(known.report);
}

/** Every finding of a scan record; undefined and errors as for `summarizeScan`. */
export function listVulnerabilities(predicate: JsonValue): ScannedVulnerability[] | undefined {
  const known = reportIn(predicate);
  return known?.scanner.list(known.report);
}

function reportIn(predicate: JsonValue): { readonly scanner: Scanner; readonly report: Shape } | undefined {
  const { scanner } = checkPredicate(COSIGN_VULN, predicate).predicate as { scanner: JsonObject };
  const result = scanner.result ?? null;
  const found = recognize(result);
  const reader = found && SCANNERS[found.name];
  return found && reader && { scanner: reader, report: new Shape(found.what, result, 'scanner.result') };
}
