/** Grype's own JSON, of the vulnerability databases of version 5 and before, and of version 6. */
import type { ScannedVulnerability, Scanner, ScannerNames, ScanSummary } from './scanner.ts';
import { severityOf, summarizeFindings } from './scanner.ts';
import type { Shape } from './shape.ts';

export const grype: Scanner = {
  describe(report: Shape): ScannerNames {
    matches(report, 'matches');
    const descriptor = checkDescriptor(report);
    const version = descriptor.at('version').string();
    let finishedOn: number | undefined;
    // An empty text stands where the user asked for reproducible reports.
    if (descriptor.at('timestamp').value !== '') descriptor.maybe('timestamp', (it) => (finishedOn = it.time()));
    return {
      uri: version === '' ? 'pkg:github/anchore/grype' : `pkg:github/anchore/grype@${version}`,
      version,
      db: database(descriptor.at('db')),
      ...(finishedOn === undefined ? {} : { finishedOn }),
    };
  },

  summarize(report: Shape): ScanSummary {
    const found = grype.list(report);
    return summarizeFindings('grype', found, report.at('ignoredMatches').absent ? 0 : report.at('ignoredMatches').list().length);
  },

  list(report: Shape): ScannedVulnerability[] {
    checkDescriptor(report);
    return matches(report, 'matches').map((match) => {
      const vulnerability = match.at('vulnerability');
      const fix = vulnerability.at('fix');
      const component = componentOf(match);
      return {
        names: [vulnerability.at('id').text(), ...relatedNames(match)],
        severity: severityOf(vulnerability.at('severity')),
        ...(component === undefined ? {} : { component }),
        fixable: !fix.absent && fix.at('state').value === 'fixed',
      };
    });
  },
};

/** The same vulnerability in other databases. */
function relatedNames(match: Shape): string[] {
  const related = match.at('relatedVulnerabilities');
  if (related.absent) return [];
  return related
    .list()
    .map((one) => one.at('id').value)
    .filter((id) => typeof id === 'string');
}

function componentOf(match: Shape): string | undefined {
  const artifact = match.at('artifact');
  if (artifact.absent) return undefined;
  const { value: purl } = artifact.at('purl');
  if (typeof purl === 'string' && purl !== '') return purl;
  const [name, version] = [artifact.at('name').value, artifact.at('version').value];
  return typeof name === 'string' ? `${name}${typeof version === 'string' ? `@${version}` : ''}` : undefined;
}

function checkDescriptor(report: Shape): Shape {
  const descriptor = report.at('descriptor');
  // Its sibling Syft has a descriptor of the same form.
  descriptor.at('name').oneOf(['grype']);
  return descriptor;
}

function matches(report: Shape, name: string): Shape[] {
  const list = report.at(name).list();
  for (const match of list) match.at('vulnerability').at('id').text('the name of the vulnerability');
  return list;
}

/** Up to version 5 the members stand in `db` itself, since version 6 in `db.status`. */
function database(db: Shape): { uri: string; version: string } {
  if (db.absent) return { uri: '', version: '' };
  const status = db.at('status').absent ? db : db.at('status');
  const text = (name: string): string => {
    const { value } = status.at(name);
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  // Where it was downloaded from; older reports name only a folder of the machine that scanned, which says nothing to others.
  const uri = text('from').startsWith('https://') ? text('from') : '';
  const [schema, built] = [text('schemaVersion').replace(/^v/, ''), text('built')];
  return { uri, version: [schema === '' ? '' : `v${schema}`, built].filter((part) => part !== '').join(' ') };
}
