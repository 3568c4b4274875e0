/** Grype's own JSON, of the vulnerability databases of version 5 and before, and of version 6. */
import type { Scanner, ScannerNames, ScanSummary } from './scanner.ts';
import { severityOf, Tally } from './scanner.ts';
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
    checkDescriptor(report);
    const [found, fixable] = [new Tally(), new Tally()];
    for (const match of matches(report, 'matches')) {
      const vulnerability = match.at('vulnerability');
      const severity = severityOf(vulnerability.at('severity'));
      found.add(severity);
      vulnerability.maybe('fix', (fix) => {
        if (fix.at('state').value === 'fixed') fixable.add(severity);
      });
    }
    const suppressed = report.at('ignoredMatches').absent ? 0 : report.at('ignoredMatches').list().length;
    return { scanner: 'grype', found: found.counts, fixable: fixable.counts, total: found.total, suppressed };
  },
};

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
