import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { predicateFile } from '../../../../test/predicates.ts';
import { APPROVAL, COSIGN_VULN, CYCLONEDX, loadPredicates, OPENVEX, SLSA_V1, SLSA_V02, SPDX, type Statement, TEST_RESULT } from '../../bundle/index.ts';
import { type JsonValue, LIMITS, utf8 } from '../../encoding/index.ts';
import { type Condition, excuse, loadAppraiser, type TextPattern } from '../index.ts';
import { regexText } from '../regex-text.ts';

const { appraise, excuses } = await loadAppraiser();
const { predicateFromScan } = await loadPredicates();

const DIGEST = 'ab'.repeat(32);

function statement(predicate: unknown, predicateType = 'https://example.test/any', name = 'registry.test/team/app'): Statement {
  return { version: 'v1', subjects: [{ name, digest: { sha256: DIGEST } }], predicateType, predicate: predicate as JsonValue };
}

const is = (text: string): TextPattern => ({ text, matches: (value) => value === text });
type Without<K> = K extends unknown ? Omit<K, 'id' | 'text'> : never;
const condition = (rest: Without<Condition>): Condition => ({ id: 'sha256:0', text: 'it', ...rest });

describe('SLSA provenance', () => {
  const v1 = (builder: string, externalParameters: unknown, resolvedDependencies?: unknown): Statement =>
    statement(
      { buildDefinition: { buildType: 'https://b.test/t', externalParameters, resolvedDependencies }, runDetails: { builder: { id: builder } } },
      SLSA_V1,
    );
  const workflow = { workflow: { repository: 'https://github.com/acme/app', ref: 'refs/heads/main', path: '.github/workflows/x.yml' } };
  const slsa = (rest: Partial<Extract<Condition, { kind: 'slsa' }>>): Condition => condition({ kind: 'slsa', builders: [], ...rest });
  const good = v1('https://b.test/builder', workflow);

  it('holds for the builder, the repository and the ref that are wanted', () => {
    const wanted = slsa({ builders: [{ id: is('https://b.test/builder') }], sourceRepository: is('https://github.com/acme/app'), ref: is('refs/heads/main') });
    assert.deepEqual(appraise(good, wanted), { value: 'holds' });
  });
  const cases: readonly (readonly [what: string, statement: Statement, wanted: Condition, says: RegExp])[] = [
    ['another builder', good, slsa({ builders: [{ id: is('https://b.test/other') }] }), /which is no trusted builder/],
    ['another repository', good, slsa({ sourceRepository: is('https://github.com/acme/other') }), /source repository is https:\/\/github.com\/acme\/app/],
    ['another ref', good, slsa({ ref: is('refs/heads/release') }), /source ref is refs\/heads\/main/],
    ['no source at all', v1('https://b.test/builder', {}), slsa({ sourceRepository: is('x') }), /not stated/],
    [
      'two sources, and nobody says which',
      v1('b:x', {}, [{ uri: 'git+https://a.test/a' }, { uri: 'git+https://a.test/b' }]),
      slsa({ sourceRepository: is('https://a.test/a') }),
      /not stated/,
    ],
    ['a level that the builder does not have', good, slsa({ level: 2 }), /SLSA Build level 1/],
    ['no builder', v1('', workflow), slsa({}), /names no builder/],
  ];
  for (const [what, one, wanted, says] of cases) {
    it(`fails: ${what}`, () => {
      const appraisal = appraise(one, wanted);
      assert.match(appraisal.value === 'fails' ? appraisal.detail : '', says);
    });
  }
  it('takes the level from whoever vouches for the builder, or from what builders are known for', () => {
    assert.equal(appraise(good, slsa({ builders: [{ id: is('https://b.test/builder'), level: 3 }], level: 3 })).value, 'holds');
    const known = v1('https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml@refs/tags/v2.0.0', workflow);
    assert.equal(appraise(known, slsa({ level: 3 })).value, 'holds');
  });
  it('reads v0.2, and sources in all their spellings', () => {
    const v02 = statement(
      { builder: { id: 'https://b.test/x' }, invocation: { configSource: { uri: 'git+https://github.com/acme/app@refs/tags/v1' } } },
      SLSA_V02,
    );
    assert.equal(appraise(v02, slsa({ sourceRepository: is('https://github.com/acme/app'), ref: is('refs/tags/v1') })).value, 'holds');
    for (const source of ['git+https://u@git.test/acme/app.git@refs/heads/main', { uri: 'https://u@git.test/acme/app@refs/heads/main' }]) {
      assert.equal(appraise(v1('b:x', { source }), slsa({ sourceRepository: is('https://u@git.test/acme/app'), ref: is('refs/heads/main') })).value, 'holds');
    }
  });
  it('is not judged from another type of predicate', () => assert.equal(appraise(statement({}, SPDX), slsa({})).value, 'inconclusive'));
});

describe('an SBOM', () => {
  const cyclone = statement(
    {
      bomFormat: 'CycloneDX',
      components: [
        { name: 'left-pad', version: '1.3.0', purl: 'pkg:npm/left-pad@1.3.0', licenses: [{ license: { id: 'MIT' } }] },
        {
          name: 'lib',
          version: '2',
          licenses: [{ expression: 'Apache-2.0 OR GPL-3.0-only' }],
          components: [{ name: 'inner', licenses: [{ license: { name: 'Own' } }] }],
        },
      ],
    },
    CYCLONEDX,
  );
  const spdx = statement(
    {
      spdxVersion: 'SPDX-2.3',
      packages: [
        {
          name: 'a',
          versionInfo: '1',
          licenseConcluded: 'NOASSERTION',
          licenseDeclared: 'MIT AND BSD-3-Clause',
          externalRefs: [{ referenceType: 'purl', referenceLocator: 'pkg:deb/debian/a@1?arch=x' }],
        },
      ],
    },
    SPDX,
  );
  const sbom = (rest: Partial<Extract<Condition, { kind: 'sbom' }>>): Condition => condition({ kind: 'sbom', formats: [], ...rest });
  const licences = (allowed: readonly string[], denied: readonly string[] = [], unknown: 'allow' | 'deny' = 'deny'): Condition =>
    sbom({ licences: { allowed, denied, unknown } });

  const cases: readonly (readonly [what: string, statement: Statement, condition: Condition, value: 'holds' | RegExp])[] = [
    ['is there', cyclone, sbom({}), 'holds'],
    ['is in the format that is wanted', spdx, sbom({ formats: ['spdx'] }), 'holds'],
    ['is in another format', spdx, sbom({ formats: ['cyclonedx'] }), /it is in spdx/],
    ['lists nothing', statement({ bomFormat: 'CycloneDX', components: [] }, CYCLONEDX), sbom({}), /lists no component/],
    ['lists a denied component', cyclone, sbom({ components: { required: [], denied: [is('pkg:npm/left-pad')] } }), /lists left-pad@1.3.0/],
    ['lists a denied version', cyclone, sbom({ components: { required: [], denied: [is('pkg:npm/left-pad@1.3.0')] } }), /lists left-pad@1.3.0/],
    ['lists another version than the denied one', cyclone, sbom({ components: { required: [], denied: [is('pkg:npm/left-pad@1.2.0')] } }), 'holds'],
    ['lists an inner component that is denied', cyclone, sbom({ components: { required: [], denied: [is('inner')] } }), /lists inner/],
    [
      'lists a denied component under a name of excess length',
      statement({ bomFormat: 'CycloneDX', components: [{ name: 'left-pad', purl: `pkg:npm/left-pad@1?a=${'a'.repeat(LIMITS.matchedLength)}` }] }, CYCLONEDX),
      sbom({ components: { required: [], denied: [regexText('pkg:npm/left-pad@.*')] } }),
      /lists left-pad, whose name is longer than 1024 characters/,
    ],
    ['lists what is required', spdx, sbom({ components: { required: [is('pkg:deb/debian/a')], denied: [] } }), 'holds'],
    ['does not list what is required', spdx, sbom({ components: { required: [is('pkg:deb/debian/b')], denied: [] } }), /does not list pkg:deb\/debian\/b/],
    ['has licences that are allowed, one side of OR and both of AND', spdx, licences(['MIT', 'BSD-3-Clause']), 'holds'],
    ['has a licence in an AND that is not allowed', spdx, licences(['MIT']), /a@1 has the licence MIT AND BSD-3-Clause/],
    ['has a licence that is not known', cyclone, licences(['MIT', 'Apache-2.0', 'Own']), 'holds'],
    ['has a licence outside the list', cyclone, licences(['MIT', 'Apache-2.0']), /inner has the licence Own/],
    ['has a licence that is denied', cyclone, licences([], ['MIT']), /left-pad@1.3.0 has the licence MIT/],
    ['has no licence at all', statement({ spdxVersion: 'SPDX-2.3', packages: [{ name: 'b' }] }, SPDX), licences(['MIT']), /licence of b is not known/],
    ['has no licence, which may be', statement({ spdxVersion: 'SPDX-2.3', packages: [{ name: 'b' }] }, SPDX), licences(['MIT'], [], 'allow'), 'holds'],
  ];
  for (const [what, one, wanted, value] of cases) {
    it(what, () => {
      const appraisal = appraise(one, wanted);
      if (value === 'holds') assert.deepEqual(appraisal, { value });
      else assert.match(appraisal.value === 'fails' ? appraisal.detail : appraisal.value, value);
    });
  }
  it('is inconclusive when it is none', () => assert.equal(appraise(statement({ spdxVersion: 3 }), sbom({})).value, 'inconclusive'));
});

describe('a scan', () => {
  const record = (file: string): Statement => {
    const { predicateType, predicate } = predicateFromScan(predicateFile(`reports/${file}`), { scannedAt: 1_700_000_000_000 }).predicate;
    return statement(predicate, predicateType);
  };
  const scan = (rest: Partial<Extract<Condition, { kind: 'scan' }>>): Condition =>
    condition({ kind: 'scan', maximum: 'none', fixableOnly: false, vex: [], ignored: [], ...rest });
  const names = (one: Statement, wanted: Condition): readonly string[] | string => {
    const appraisal = appraise(one, wanted);
    return appraisal.value === 'fails' ? (appraisal.findings ?? []).map((finding) => finding.names[0] ?? '?') : appraisal.value;
  };

  it('holds when nothing is worse than allowed, and says when it ended', () => {
    const appraisal = appraise(record('trivy-clean.json'), scan({}));
    assert.deepEqual(appraisal, { value: 'holds', statedAt: Date.parse('2026-03-04T10:20:07Z') });
  });
  for (const file of ['trivy.json', 'grype.json', 'sarif.json']) {
    it(`lists what is worse than allowed: ${file}`, () => {
      const all = names(record(file), scan({}));
      assert.ok(Array.isArray(all) && all.length > 0);
      const severe = names(record(file), scan({ maximum: 'medium' }));
      assert.ok(Array.isArray(severe) && severe.length < all.length);
      assert.ok(severe.every((name) => all.includes(name)));
      assert.equal(names(record(file), scan({ ignored: all.map((name: string) => name.toLowerCase()) })), 'holds');
      assert.equal(names(record(file), scan({ maximum: 'critical' })), 'holds');
    });
  }
  it('leaves out what nobody mended yet, where that is asked for', () => {
    const [all, fixable] = [names(record('trivy.json'), scan({})), names(record('trivy.json'), scan({ fixableOnly: true }))];
    assert.ok(Array.isArray(fixable) && fixable.length < all.length && fixable.length > 0);
  });
  it('of a scanner that is not known is inconclusive, not clean', () => {
    const strange = JSON.parse(predicateFile('valid/vuln.json').toString()) as JsonValue;
    assert.equal(appraise(statement(strange, COSIGN_VULN), scan({})).value, 'inconclusive');
  });
  it('that is damaged is inconclusive', () => assert.equal(appraise(statement({ scanner: {} }, COSIGN_VULN), scan({})).value, 'inconclusive'));

  const found = statement(
    predicateFromScan(
      utf8(
        JSON.stringify({
          SchemaVersion: 2,
          ArtifactName: 'x',
          CreatedAt: '2026-03-04T10:20:07Z',
          Results: [
            {
              Target: 't',
              Vulnerabilities: [{ VulnerabilityID: 'CVE-2026-1', VendorIDs: ['GHSA-1'], Severity: 'HIGH', PkgIdentifier: { PURL: 'pkg:npm/a@1.0.0' } }],
            },
          ],
        }),
      ),
    ).predicate.predicate,
    COSIGN_VULN,
  );
  const vex = (statements: readonly object[], timestamp = '2026-03-05T00:00:00Z'): Statement =>
    statement({ '@context': 'https://openvex.dev/ns/v0.2.0', '@id': 'https://v.test/1', author: 'a', timestamp, version: 1, statements }, OPENVEX);
  const saying = (one: Statement): string => {
    const appraisal = excuses(one);
    return excuse(appraise(found, scan({})), appraisal.value === 'holds' ? (appraisal.excuses ?? []) : []).value;
  };
  const not = { status: 'not_affected', justification: 'component_not_present' };
  const CASES: readonly (readonly [what: string, vex: Statement, value: 'holds' | 'fails'])[] = [
    ['not affected', vex([{ vulnerability: { name: 'CVE-2026-1' }, ...not }]), 'holds'],
    ['by another name of it', vex([{ vulnerability: { name: 'ghsa-1' }, ...not }]), 'holds'],
    ['by an alias', vex([{ vulnerability: { name: 'X-1', aliases: ['CVE-2026-1'] }, ...not }]), 'holds'],
    ['fixed', vex([{ vulnerability: 'CVE-2026-1', status: 'fixed' }]), 'holds'],
    ['still looked into', vex([{ vulnerability: { name: 'CVE-2026-1' }, status: 'under_investigation' }]), 'fails'],
    ['affected', vex([{ vulnerability: { name: 'CVE-2026-1' }, status: 'affected', action_statement: 'update' }]), 'fails'],
    ['another vulnerability', vex([{ vulnerability: { name: 'CVE-2026-2' }, ...not }]), 'fails'],
    ['of this image by digest', vex([{ vulnerability: { name: 'CVE-2026-1' }, products: [{ '@id': `pkg:oci/app@sha256%3A${DIGEST}` }], ...not }]), 'holds'],
    [
      'of this image by name',
      vex([{ vulnerability: { name: 'CVE-2026-1' }, products: [{ '@id': 'pkg:oci/app?repository_url=registry.test' }], ...not }]),
      'holds',
    ],
    ['of another digest', vex([{ vulnerability: { name: 'CVE-2026-1' }, products: [{ '@id': `pkg:oci/app@sha256%3A${'cd'.repeat(32)}` }], ...not }]), 'fails'],
    ['of another image', vex([{ vulnerability: { name: 'CVE-2026-1' }, products: [{ '@id': 'pkg:oci/other' }], ...not }]), 'fails'],
    [
      'of the component',
      vex([{ vulnerability: { name: 'CVE-2026-1' }, products: [{ '@id': 'pkg:oci/app', subcomponents: [{ '@id': 'pkg:npm/a' }] }], ...not }]),
      'holds',
    ],
    [
      'of another component',
      vex([{ vulnerability: { name: 'CVE-2026-1' }, products: [{ '@id': 'pkg:oci/app', subcomponents: [{ '@id': 'pkg:npm/b' }] }], ...not }]),
      'fails',
    ],
    [
      'taken back later',
      vex([
        { vulnerability: { name: 'CVE-2026-1' }, ...not },
        { vulnerability: { name: 'CVE-2026-1' }, timestamp: '2026-03-06T00:00:00Z', status: 'affected', action_statement: 'x' },
      ]),
      'fails',
    ],
    [
      'given later',
      vex([
        { vulnerability: { name: 'CVE-2026-1' }, timestamp: '2026-03-06T00:00:00Z', ...not },
        { vulnerability: { name: 'CVE-2026-1' }, status: 'under_investigation' },
      ]),
      'holds',
    ],
  ];
  for (const [what, one, value] of CASES) it(`is ${value === 'holds' ? 'excused' : 'not excused'} by VEX: ${what}`, () => assert.equal(saying(one), value));
  it('is not excused by what is no VEX', () => {
    assert.equal(excuses(statement({}, SPDX)).value, 'inconclusive');
    assert.equal(excuses(statement({ statements: [] }, OPENVEX)).value, 'inconclusive');
  });
});

describe('tests and approvals', () => {
  const tests = (required: readonly string[]): Condition => condition({ kind: 'tests', required });
  const result = (result: string, passedTests: readonly string[] = []): Statement => statement({ result, configuration: [], passedTests }, TEST_RESULT);
  it('passed', () => {
    assert.equal(appraise(result('PASSED'), tests([])).value, 'holds');
    assert.equal(appraise(result('PASSED', ['unit', 'e2e']), tests(['e2e'])).value, 'holds');
    assert.equal(appraise(result('WARNED', ['e2e']), tests(['e2e'])).value, 'holds');
  });
  it('did not', () => {
    for (const one of [result('FAILED', ['e2e']), result('PASSED', ['unit']), statement({}, TEST_RESULT)])
      assert.equal(appraise(one, tests(['e2e'])).value, 'fails');
    assert.equal(appraise(result('WARNED'), tests([])).value, 'fails');
    assert.equal(appraise(statement({ result: 'PASSED' }), tests([])).value, 'inconclusive');
  });
  it('approved for the environment', () => {
    const approval = (environment?: string): Condition => condition({ kind: 'approval', ...(environment === undefined ? {} : { environment }) });
    const given = statement({ decision: 'approved', environment: 'production' }, APPROVAL);
    assert.equal(appraise(given, approval()).value, 'holds');
    assert.equal(appraise(given, approval('production')).value, 'holds');
    assert.equal(appraise(given, approval('staging')).value, 'fails');
    assert.equal(appraise(statement({ decision: 'rejected' }, APPROVAL), approval()).value, 'fails');
    assert.equal(appraise(statement({ decision: 'approved' }), approval()).value, 'inconclusive');
  });
});
