/** VEX documents: which statement counts of several, about which vulnerability, of which product. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { COSIGN_VULN, OPENVEX, type Statement } from '../../bundle/index.ts';
import type { JsonValue } from '../../encoding/index.ts';
import { excuse, loadAppraiser } from '../index.ts';
import type { Appraisal, Excuse } from './appraisal.ts';
import { describeFindings } from './scan.ts';

const { appraise, excuses } = await loadAppraiser();
const DIGEST = 'ab'.repeat(32);

function vex(statements: readonly object[], more: object = {}, predicateType = OPENVEX): Statement {
  const predicate = {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': 'https://v.test/1',
    author: 'a',
    timestamp: '2026-03-05T00:00:00Z',
    version: 1,
    statements,
    ...more,
  };
  return { version: 'v1', subjects: [{ name: 'r.test/team/app:v1', digest: { sha256: DIGEST } }], predicateType, predicate: predicate as unknown as JsonValue };
}

const not = { status: 'not_affected', justification: 'component_not_present' };
const affected = { status: 'affected', action_statement: 'update' };
const looked = { status: 'under_investigation' };

/** What is excused, as `names status components`. */
function excused(...statements: object[]): readonly string[] {
  const said = excuses(vex(statements));
  assert.ok(said.value === 'holds' && said.excuses);
  return said.excuses.map(({ names, status, components }) => [names.join('/'), status, ...components].join(' '));
}

describe('a VEX document', () => {
  it('says by which names, with which status, of which components', () => {
    assert.deepEqual(
      excused(
        { vulnerability: { name: 'CVE-1', '@id': 'https://nvd.test/vuln/CVE-01', aliases: ['GHSA-1', 5] }, ...not },
        { vulnerability: { '@id': 'CVE-2' }, status: 'fixed', products: [{ '@id': 'pkg:oci/app', subcomponents: [{ '@id': 'pkg:npm/a' }, 'pkg:npm/b', {}] }] },
      ).toSorted(),
      ['CVE-1/CVE-01/GHSA-1 not_affected', 'CVE-2 fixed pkg:npm/a pkg:npm/b'],
    );
  });

  it('says when it was written, where it does', () => {
    const at = (more: object): number | undefined => {
      const said = excuses(vex([{ vulnerability: { name: 'CVE-1' }, ...not }], more));
      return said.value === 'holds' ? said.statedAt : undefined;
    };
    assert.equal(at({}), Date.UTC(2026, 2, 5));
  });

  const one = { vulnerability: { name: 'CVE-1' } };
  const late = { timestamp: '2026-03-06T00:00:00Z' };
  const LATEST: readonly (readonly [what: string, statements: readonly object[], said: readonly string[]])[] = [
    [
      'of one time the one that stands last: excused',
      [
        { ...one, ...affected },
        { ...one, ...not },
      ],
      ['CVE-1 not_affected'],
    ],
    [
      'of one time the one that stands last: not excused',
      [
        { ...one, ...not },
        { ...one, ...affected },
      ],
      [],
    ],
    [
      'a later one before an earlier one',
      [
        { ...one, ...looked, ...late },
        { ...one, ...not },
      ],
      [],
    ],
    [
      'an earlier one before a later one',
      [
        { ...one, ...looked },
        { ...one, ...not, ...late },
      ],
      ['CVE-1 not_affected'],
    ],
    [
      'both say the same',
      [
        { ...one, ...not },
        { ...one, ...not },
      ],
      ['CVE-1 not_affected', 'CVE-1 not_affected'],
    ],
    [
      'a later one about something else',
      [
        { ...one, ...not },
        { vulnerability: { name: 'CVE-2' }, ...affected },
      ],
      ['CVE-1 not_affected'],
    ],
    [
      'a later one by another name',
      [
        { vulnerability: { name: 'CVE-1', aliases: ['GHSA-1'] }, ...not },
        { vulnerability: { name: 'x', aliases: ['ghsa-1'] }, ...affected },
      ],
      [],
    ],
    ['a later one about another component', [with_('pkg:npm/a', not), with_('pkg:npm/b', affected)], ['CVE-1 not_affected pkg:npm/a']],
    ['a later one about the same component and others', [with_('pkg:npm/a', not), with_('pkg:npm/b', affected, 'pkg:npm/a')], []],
    ['a later one about the whole image', [with_('pkg:npm/a', not), { ...one, ...affected }], []],
    ['a later one about a component of what was said of the whole', [{ ...one, ...not }, with_('pkg:npm/a', affected)], []],
  ];
  function with_(component: string, status: object, ...more: string[]): object {
    return {
      vulnerability: { name: 'CVE-1' },
      products: [{ '@id': 'pkg:oci/app', subcomponents: [component, ...more].map((id) => ({ '@id': id })) }],
      ...status,
    };
  }
  for (const [what, statements, said] of LATEST) it(`counts the latest: ${what}`, () => assert.deepEqual(excused(...statements), said));

  const PRODUCTS: readonly (readonly [what: string, product: unknown, isIt: boolean])[] = [
    ['its digest among others', { '@id': 'x', identifiers: { purl: 'pkg:oci/x', cpe23: `x${DIGEST}` } }, true],
    ['its digest among hashes', { '@id': 'x', hashes: { 'sha-512': 'y', 'sha-256': DIGEST } }, true],
    ['another digest among hashes', { '@id': 'x', hashes: { 'sha-256': 'cd'.repeat(32) } }, false],
    ['hashes that are no texts', { '@id': 'x', hashes: { 'sha-256': { [DIGEST]: DIGEST } } }, false],
    ['hashes in a list', { '@id': 'x', hashes: [DIGEST] }, false],
    ['its name', { identifiers: { purl: 'pkg:oci/app?tag=v1' } }, true],
    ['its name and another', { '@id': 'pkg:oci/other', identifiers: { purl: 'pkg:oci/app' } }, true],
    ['its name with a digest that is not its own', { '@id': `pkg:oci/app@sha256:${'cd'.repeat(32)}` }, false],
    ['its name as another kind of package', { '@id': 'pkg:npm/app' }, false],
    ['the beginning of its name', { '@id': 'pkg:oci/ap' }, false],
  ];
  for (const [what, product, isIt] of PRODUCTS)
    it(`${isIt ? 'is' : 'is not'} about the image: ${what}`, () =>
      assert.deepEqual(excused({ ...one, ...not, products: [product] }), isIt ? ['CVE-1 not_affected'] : []));
  it('is about the image when one of the products is', () =>
    assert.deepEqual(excused({ ...one, ...not, products: [{ '@id': 'pkg:oci/x' }, { '@id': 'pkg:oci/app' }] }), ['CVE-1 not_affected']));
  it('is about each of several subjects, by the digest or name of any', () => {
    const several = {
      ...vex([{ ...one, ...not, products: [{ '@id': 'pkg:oci/app' }] }]),
      subjects: [{ digest: { sha256: 'cd'.repeat(32) } }, { name: 'r.test/app@sha256:x', digest: { sha256: DIGEST, sha512: 'ef'.repeat(64) } }],
    };
    const said = excuses(several);
    assert.equal(said.value === 'holds' && said.excuses?.length, 1);
  });

  it('is read in each version of its type, and in no other', () => {
    const statements = [{ ...one, ...not }];
    assert.equal(excuses(vex(statements, {}, `${OPENVEX}/v0.2.0`)).value, 'holds');
    for (const type of [`${OPENVEX}x`, `x/${OPENVEX}/`, COSIGN_VULN])
      assert.deepEqual(excuses(vex(statements, {}, type)), { value: 'inconclusive', code: 'ERR_CONDITION_FAILED', detail: 'it is no OpenVEX document' }, type);
  });
  it('that is damaged says what is wrong, in at most 300 characters', () => {
    const damaged = excuses(vex([{ ...one, status: 'x'.repeat(500) }]));
    assert.ok(damaged.value === 'inconclusive' && damaged.detail.length <= 300 && damaged.detail.length > 20, JSON.stringify(damaged));
  });
});

describe('findings', () => {
  const finding = (names: string[], component?: string) => ({ names, severity: 'high', ...(component === undefined ? {} : { component }) });
  it('are told with names that are missing, and cut where they are long', () => {
    assert.equal(describeFindings([finding([])]), 'a finding (high)');
    assert.equal(describeFindings([finding(['a'.repeat(401)])]), 'a'.repeat(400));
  });
  it('are excused until they are all, with the time at which the scan ended', () => {
    const failed: Appraisal = { value: 'fails', detail: 'x', findings: [finding(['CVE-1']), finding(['CVE-2', 'GHSA-2'])], statedAt: 5 };
    const by = (...names: string[]): Excuse[] => [{ names, status: 'fixed', components: [] }];
    assert.deepEqual(excuse(failed, by('CVE-1', 'CVE-3')), {
      value: 'fails',
      detail: 'it lists CVE-2 (high)',
      findings: [finding(['CVE-2', 'GHSA-2'])],
      statedAt: 5,
    });
    assert.deepEqual(excuse(failed, by('CVE-1', 'ghsa-2')), { value: 'holds', statedAt: 5 });
    const { statedAt, ...undated } = failed;
    assert.equal(statedAt, 5);
    assert.deepEqual(excuse(undated, by('CVE-1', 'CVE-2')), { value: 'holds' });
    assert.deepEqual(excuse(undated, by('CVE-2')), { value: 'fails', detail: 'it lists CVE-1 (high)', findings: [finding(['CVE-1'])] });
    const other: Appraisal = { value: 'fails', detail: 'x' };
    assert.equal(excuse(other, by('CVE-1')), other);
  });
  it('are kept up to a thousand', () => {
    const scanned = (count: number): Appraisal => {
      const Vulnerabilities = Array.from({ length: count }, () => ({ VulnerabilityID: 'CVE-1', Severity: 'HIGH' }));
      const result = { SchemaVersion: 2, Results: [{ Target: 't', Vulnerabilities }] };
      const time = '2026-03-05T00:00:00Z';
      const predicate = { scanner: { uri: 'trivy', version: '1', db: {}, result }, metadata: { scanStartedOn: time, scanFinishedOn: time } };
      return appraise(
        { version: 'v1', subjects: [], predicateType: COSIGN_VULN, predicate },
        { id: 'sha256:0', text: 'it', kind: 'scan', maximum: 'low', fixableOnly: false, vex: [], ignored: [] },
      );
    };
    const statedAt = Date.UTC(2026, 2, 5);
    const three = 'it lists CVE-1 (high), CVE-1 (high), CVE-1 (high)';
    assert.deepEqual(scanned(1), { value: 'fails', detail: 'it lists CVE-1 (high)', findings: [finding(['CVE-1'])], statedAt });
    assert.deepEqual(scanned(1000), {
      value: 'fails',
      detail: `${three} and 997 more`,
      findings: Array.from({ length: 1000 }, () => finding(['CVE-1'])),
      statedAt,
    });
    assert.deepEqual(scanned(1001), { value: 'fails', detail: `${three} and 998 more`, statedAt });
  });
});
