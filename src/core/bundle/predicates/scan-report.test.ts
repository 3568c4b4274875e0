import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { changed, predicateFile, scanCases } from '../../../../test/predicates.ts';
import { type JsonObject, type JsonValue, utf8 } from '../../encoding/index.ts';
import { SealwardError } from '../../errors.ts';
import { loadPredicates } from '../index.ts';

const { predicateFromScan, summarizeScan } = await loadPredicates();

for (const { file, scannedAt, scanner, metadata, summary } of scanCases) {
  test(`${file} becomes a scan record that says what the report says`, () => {
    const bytes = predicateFile(file);
    const { predicate, dated } = predicateFromScan(bytes, scannedAt === undefined ? {} : { scannedAt: Date.parse(scannedAt) });
    assert.deepEqual(predicate, {
      predicateType: 'https://cosign.sigstore.dev/attestation/vuln/v1',
      predicate: {
        invocation: { parameters: null, uri: '', event_id: '', 'builder.id': '' },
        scanner: { ...scanner, result: JSON.parse(bytes.toString()) },
        metadata,
      },
    });
    assert.equal(dated, scannedAt === undefined);
    assert.deepEqual(summarizeScan(predicate.predicate), summary);
  });
}

test('the time of the report wins over the time that is given', () => {
  const { predicate } = predicateFromScan(predicateFile('reports/trivy-clean.json'), { scannedAt: 0 });
  assert.deepEqual(predicate.predicate['metadata'], { scanStartedOn: '2026-03-04T10:20:07Z', scanFinishedOn: '2026-03-04T10:20:07Z' });
});

test('whoever ran the scan is named where that is known', () => {
  const invocation = { uri: 'https://build.example/runs/8', eventId: '8', builderId: 'https://build.example/hosted' };
  const { predicate } = predicateFromScan(predicateFile('reports/trivy-clean.json'), { invocation });
  assert.deepEqual(predicate.predicate['invocation'], {
    parameters: null,
    uri: invocation.uri,
    event_id: invocation.eventId,
    'builder.id': invocation.builderId,
  });
});

test('a scan record that is one already is left as it is', () => {
  const bytes = predicateFile('valid/vuln.json');
  const { predicate, dated } = predicateFromScan(bytes);
  assert.deepEqual([predicate.predicate, dated], [JSON.parse(bytes.toString()), true]);
  // Nobody knows how to count what this scanner found, and that is not "nothing was found".
  assert.equal(summarizeScan(predicate.predicate), undefined);
});

const DAMAGED: readonly (readonly [file: string, member: string, value: JsonValue | undefined, says: RegExp])[] = [
  ['reports/trivy.json', 'SchemaVersion', 3, /SchemaVersion must be 2, and it is 3/],
  ['reports/trivy.json', 'CreatedAt', 'today', /CreatedAt must be an RFC 3339 time/],
  ['reports/trivy.json', 'Results', {}, /Results must be a list, and it is an object/],
  ['reports/trivy.json', 'Results/0/Vulnerabilities', 'none', /Results\[0\]\.Vulnerabilities must be a list/],
  ['reports/trivy.json', 'Results/0/Vulnerabilities/1', null, /Results\[0\]\.Vulnerabilities\[1\] must be an object/],
  [
    'reports/trivy.json',
    'Results/0/Vulnerabilities/1/VulnerabilityID',
    undefined,
    /Vulnerabilities\[1\]\.VulnerabilityID must be the name of the vulnerability/,
  ],
  ['reports/grype.json', 'descriptor/name', 'syft', /descriptor\.name must be one of grype/],
  ['reports/grype.json', 'matches/0/vulnerability', undefined, /matches\[0\]\.vulnerability must be an object, and it is missing/],
  ['reports/sarif.json', 'version', '2.0.0', /version must be one of 2\.1\.0/],
  ['reports/sarif.json', 'runs', [], /runs must be at least one run/],
  ['reports/sarif.json', 'runs/0/tool/driver/name', undefined, /runs\[0\]\.tool\.driver\.name must be the name of the tool/],
  ['reports/sarif.json', 'runs/0/results', null, /runs\[0\]\.results must be a list of findings/],
  ['reports/sarif.json', 'runs/0/invocations/0/endTimeUtc', 'late', /endTimeUtc must be an RFC 3339 time/],
];
for (const [file, member, value, says] of DAMAGED) {
  test(`${file} with ${JSON.stringify(value)} at ${member} is refused, and not counted`, () => {
    const report = changed(JSON.parse(predicateFile(file).toString()) as JsonValue, member.split('/'), value);
    const read = () => predicateFromScan(utf8(JSON.stringify(report)), { scannedAt: 0 });
    assert.throws(read, { code: 'ERR_PREDICATE_INVALID', message: says });
  });
}

test('a scan of SARIF that ended before it began is refused', () => {
  const report = changed(
    JSON.parse(predicateFile('reports/sarif.json').toString()) as JsonValue,
    ['runs', '0', 'invocations', '0', 'endTimeUtc'],
    '2026-03-04T10:00:00Z',
  );
  assert.throws(() => predicateFromScan(utf8(JSON.stringify(report))), {
    code: 'ERR_PREDICATE_INVALID',
    message: /scanFinishedOn must be a time not before scanStartedOn/,
  });
});

test('a damaged report inside of a record is refused where it is counted', () => {
  const { predicate } = predicateFromScan(predicateFile('reports/trivy.json')).predicate;
  assert.throws(() => summarizeScan(changed(predicate, ['scanner', 'result', 'Results'], 'none')), { message: /scanner\.result\.Results must be a list/ });
  assert.throws(() => summarizeScan({}), { code: 'ERR_PREDICATE_INVALID' });
});

test('any change of a report leaves one that is read and counted, or is refused with a code', () => {
  const reports = scanCases.map(({ file }) => JSON.parse(predicateFile(file).toString()) as JsonObject);
  const words = fc.constantFrom<JsonValue[]>(null, 0, '', 'constructor', '__proto__', [], {}, [null], { name: 1 }, -1, 1e9, true);
  fc.assert(
    fc.property(fc.constantFrom(...reports), fc.array(fc.nat(), { minLength: 2, maxLength: 12 }), words, (report, choices, put) => {
      const path: string[] = [];
      let at: JsonValue = report;
      for (const choice of choices) {
        if (at === null || typeof at !== 'object' || Object.keys(at).length === 0) break;
        const keys = Object.keys(at);
        path.push(keys[choice % keys.length] as string);
        at = (at as JsonObject)[path.at(-1) as string] as JsonValue;
      }
      try {
        const { predicate } = predicateFromScan(utf8(JSON.stringify(changed(report, path, put))), { scannedAt: 0 }).predicate;
        const summary = summarizeScan(predicate);
        const counted = Object.values(summary?.found ?? {});
        assert.equal(
          counted.reduce((sum, count) => sum + count, 0),
          summary?.total ?? 0,
        );
      } catch (error) {
        assert.ok(error instanceof SealwardError && error.family === 'InputError', String(error));
      }
    }),
    { numRuns: 1000 },
  );
});
