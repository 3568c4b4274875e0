/** Scan records: what counts as worse, what is left out, how it is told, and how many may be excused one by one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { COSIGN_VULN, loadPredicates, type Statement } from '../../bundle/index.ts';
import { utf8 } from '../../encoding/index.ts';
import { excuse, loadAppraiser } from '../index.ts';
import type { Condition } from '../policy.ts';

const { appraise } = await loadAppraiser();
const { predicateFromScan } = await loadPredicates();
type Scan = Extract<Condition, { kind: 'scan' }>;

interface Found {
  readonly id: string;
  readonly severity: string;
  readonly fixed?: string;
  readonly component?: string;
  readonly aliases?: readonly string[];
}

function scanned(...all: readonly Found[]): Statement {
  const Vulnerabilities = all.map(({ id, severity, fixed, component, aliases = [] }) => ({
    VulnerabilityID: id,
    VendorIDs: [...aliases],
    Severity: severity,
    ...(fixed === undefined ? {} : { FixedVersion: fixed }),
    ...(component === undefined ? {} : { PkgIdentifier: { PURL: component } }),
  }));
  const report = { SchemaVersion: 2, ArtifactName: 'x', CreatedAt: '2026-03-04T10:20:07Z', Results: [{ Target: 't', Vulnerabilities }] };
  return {
    version: 'v1',
    subjects: [],
    predicateType: COSIGN_VULN,
    predicate: predicateFromScan(utf8(JSON.stringify(report))).predicate.predicate,
  };
}

const judge = (condition: Partial<Scan>, ...all: readonly Found[]) =>
  appraise(scanned(...all), { id: 'sha256:0', text: 'it', kind: 'scan', maximum: 'medium', fixableOnly: false, vex: [], ignored: [], ...condition });

describe('a scan', () => {
  it('fails by what is worse than allowed, and an unknown severity is the worst', () => {
    const order = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const;
    const allowed = ['low', 'medium', 'high', 'critical'] as const;
    for (const [i, maximum] of allowed.entries())
      for (const [j, severity] of order.entries())
        assert.equal(judge({ maximum }, { id: 'CVE-1', severity }).value, j > i ? 'fails' : 'holds', `${severity} of ${maximum}`);
    assert.equal(judge({ maximum: 'high' }, { id: 'CVE-1', severity: 'UNKNOWN' }).value, 'fails');
    assert.equal(judge({ maximum: 'critical' }, { id: 'CVE-1', severity: 'UNKNOWN' }).value, 'holds');
    assert.equal(judge({}).value, 'holds');
  });

  it('may leave out what nobody can mend, and what is named, by any of its names and in any case', () => {
    const open = { id: 'CVE-1', severity: 'HIGH', aliases: ['GHSA-x'] };
    assert.equal(judge({ fixableOnly: true }, open).value, 'holds');
    assert.equal(judge({ fixableOnly: true }, { ...open, fixed: '1.2' }).value, 'fails');
    assert.equal(judge({ fixableOnly: false }, open).value, 'fails');
    assert.equal(judge({ ignored: ['cve-1'] }, open).value, 'holds');
    assert.equal(judge({ ignored: ['CVE-9', 'ghsa-X'] }, open).value, 'holds');
    assert.equal(judge({ ignored: ['CVE-10'] }, open).value, 'fails');
    assert.equal(judge({ ignored: ['CVE-1'] }, open, { id: 'CVE-2', severity: 'HIGH' }).value, 'fails');
  });

  it('tells the first three with severity and component, and how many more there are', () => {
    const detail = (count: number) => {
      const found = judge(
        {},
        ...Array.from({ length: count }, (_, at) => ({ id: `CVE-${at}`, severity: 'HIGH', ...(at === 0 ? { component: 'pkg:npm/a@1' } : {}) })),
      );
      return found.value === 'fails' ? found.detail : '';
    };
    assert.equal(detail(1), 'it lists CVE-0 (high in pkg:npm/a@1)');
    assert.equal(detail(3), 'it lists CVE-0 (high in pkg:npm/a@1), CVE-1 (high), CVE-2 (high)');
    assert.equal(detail(5), 'it lists CVE-0 (high in pkg:npm/a@1), CVE-1 (high), CVE-2 (high) and 2 more');
  });

  it('says when it was made, whether it holds or not', () => {
    const at = Date.UTC(2026, 2, 4, 10, 20, 7);
    for (const found of [judge({}), judge({}, { id: 'CVE-1', severity: 'HIGH' })]) assert.equal((found as { statedAt?: number }).statedAt, at);
  });

  it('is excused finding by finding, by name and component, and not at all beyond a thousand', () => {
    const not = (names: string[], components: string[] = []) => ({ names, status: 'not_affected', components }) as const;
    const found = judge({}, { id: 'CVE-1', severity: 'HIGH', component: 'pkg:npm/a@1', aliases: ['GHSA-x'] }, { id: 'CVE-2', severity: 'HIGH' });
    assert.ok(found.value === 'fails');
    const left = (...excuses: ReturnType<typeof not>[]) => {
      const after = excuse(found, excuses);
      return after.value === 'fails' ? after.detail : after.value;
    };
    assert.equal(left(not(['CVE-1']), not(['CVE-2'])), 'holds');
    assert.equal(left(not(['ghsa-x', 'cve-2'])), 'holds');
    assert.match(left(not(['CVE-1'])), /CVE-2/);
    assert.equal(left(not(['CVE-1'], ['pkg:npm/a@1']), not(['CVE-2'])), 'holds');
    assert.equal(left(not(['CVE-1'], ['pkg:npm/a']), not(['CVE-2'])), 'holds', 'of every version');
    assert.match(left(not(['CVE-1'], ['pkg:npm/b']), not(['CVE-2'])), /CVE-1/);
    assert.match(left(not(['CVE-1']), not(['CVE-2'], ['pkg:npm/a'])), /CVE-2/, 'one without a component is none of these');
    const many = (count: number) => judge({}, ...Array.from({ length: count }, () => ({ id: 'CVE-1', severity: 'HIGH' })));
    assert.equal(excuse(many(1000), [not(['CVE-1'])]).value, 'holds');
    assert.equal(excuse(many(1001), [not(['CVE-1'])]).value, 'fails');
  });
});
