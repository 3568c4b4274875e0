/** Trivy's own JSON, schema version 2 (trivy 0.20 and later). Times since 0.48, the version of the program since 0.69. */
import type { ScannedVulnerability, Scanner, ScannerNames, ScanSummary } from './scanner.ts';
import { severityOf, summarizeFindings } from './scanner.ts';
import type { Shape } from './shape.ts';

export const trivy: Scanner = {
  describe(report: Shape): ScannerNames {
    checkVersion(report);
    for (const result of results(report)) findings(result);
    let version = '';
    report.maybe('Trivy', (it) => it.maybe('Version', (at) => (version = at.string())));
    let finishedOn: number | undefined;
    report.maybe('CreatedAt', (it) => (finishedOn = it.time()));
    return {
      // As Trivy names itself in its own `--format cosign-vuln`.
      uri: version === '' ? 'pkg:github/aquasecurity/trivy' : `pkg:github/aquasecurity/trivy@${version}`,
      version,
      // The report does not say which database was used.
      db: { uri: '', version: '' },
      ...(finishedOn === undefined ? {} : { finishedOn }),
    };
  },

  summarize(report: Shape): ScanSummary {
    const found = trivy.list(report);
    let suppressed = 0;
    for (const result of results(report)) {
      result.maybe('ExperimentalModifiedFindings', (it) => (suppressed += it.list().filter((one) => one.at('Type').value === 'vulnerability').length));
    }
    return summarizeFindings('Trivy', found, suppressed);
  },

  list(report: Shape): ScannedVulnerability[] {
    checkVersion(report);
    return results(report).flatMap((result) =>
      findings(result).map((finding) => {
        const fixed = finding.at('FixedVersion').value;
        const component = componentOf(finding);
        return {
          names: [finding.at('VulnerabilityID').text(), ...otherNames(finding)],
          severity: severityOf(finding.at('Severity')),
          ...(component === undefined ? {} : { component }),
          fixable: typeof fixed === 'string' && fixed !== '',
        };
      }),
    );
  },
};

/** `VendorIDs`, of advisories such as GHSA and RHSA. */
function otherNames(finding: Shape): string[] {
  const { value } = finding.at('VendorIDs');
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
}

function componentOf(finding: Shape): string | undefined {
  const identifier = finding.at('PkgIdentifier');
  const purl = identifier.absent ? undefined : identifier.at('PURL').value;
  if (typeof purl === 'string') return purl;
  const [name, version] = [finding.at('PkgName').value, finding.at('InstalledVersion').value];
  return typeof name === 'string' ? `${name}${typeof version === 'string' ? `@${version}` : ''}` : undefined;
}

function checkVersion(report: Shape): void {
  if (report.at('SchemaVersion').value !== 2) report.at('SchemaVersion').refuse('2', 'Scan again with a current Trivy.');
}

/** A report that found nothing may leave the list out. */
function results(report: Shape): Shape[] {
  return report.at('Results').absent ? [] : report.at('Results').list();
}

function findings(result: Shape): Shape[] {
  if (result.at('Vulnerabilities').absent) return [];
  const list = result.at('Vulnerabilities').list();
  for (const finding of list) finding.at('VulnerabilityID').text('the name of the vulnerability');
  return list;
}
