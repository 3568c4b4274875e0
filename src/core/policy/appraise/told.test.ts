/** What is told of an attestation: exact where it is short, cut where somebody made it long, and named where nothing is there. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { APPROVAL, CYCLONEDX, SLSA_V1, SLSA_V02, SPDX, type Statement, TEST_RESULT } from '../../bundle/index.ts';
import { type JsonValue, LIMITS } from '../../encoding/index.ts';
import { type Condition, loadAppraiser, type TextPattern } from '../index.ts';
import { inconclusive } from './appraisal.ts';
import { withoutVersion } from './sbom.ts';

const { appraise } = await loadAppraiser();
const is = (text: string): TextPattern => ({ text, matches: (value) => value === text });
type Without<K> = K extends unknown ? Omit<K, 'id' | 'text'> : never;

function told(predicateType: string, predicate: unknown, rest: Without<Condition>): string {
  const statement: Statement = { version: 'v1', subjects: [], predicateType, predicate: predicate as JsonValue };
  const appraisal = appraise(statement, { id: 'sha256:0', text: 'it', ...rest });
  return appraisal.value === 'holds' ? 'holds' : appraisal.detail;
}

describe('provenance', () => {
  const slsa = (rest: Partial<Extract<Condition, { kind: 'slsa' }>> = {}): Without<Condition> => ({ kind: 'slsa', builders: [], ...rest });
  const v1 = (builder: unknown, externalParameters: unknown = {}, resolvedDependencies?: unknown): unknown => ({
    buildDefinition: { externalParameters, resolvedDependencies },
    runDetails: { builder: { id: builder } },
  });
  const source = (uri: unknown): unknown => v1('b', { source: uri });
  const from = (repository: string, ref?: string): Without<Condition> =>
    slsa({ sourceRepository: is(repository), ...(ref === undefined ? {} : { ref: is(ref) }) });

  it('of a builder with a long name', () => {
    const builders = [{ id: is('other') }];
    assert.equal(told(SLSA_V1, v1('b'.repeat(201)), slsa({ builders })), `it was built by ${'b'.repeat(200)}, which is no trusted builder`);
    assert.equal(told(SLSA_V1, v1(undefined), slsa()), 'it names no builder');
    assert.equal(told(SLSA_V02, {}, slsa()), 'it names no builder');
  });
  it('of a level', () => {
    assert.equal(told(SLSA_V1, v1('https://gitlab.com/acme'), slsa({ level: 3 })), 'its builder stands for SLSA Build level 2, wanted was 3');
    assert.equal(told(SLSA_V1, v1('https://gitlab.com/acme'), slsa({ level: 2 })), 'holds');
  });
  it('of a source', () => {
    assert.equal(told(SLSA_V1, source(`git+https://h/${'r'.repeat(200)}`), from('x')), `its source repository is https://h/${'r'.repeat(190)}, wanted was x`);
    assert.equal(told(SLSA_V1, source('git+https://h/o/r.git'), from('https://h/o/r')), 'holds');
    assert.equal(told(SLSA_V1, source('git+https://h/o/r.git'), from('https://h/o/r', 'v1')), 'its source ref is not stated, wanted was v1');
    assert.equal(told(SLSA_V1, source('git+https://h/o/r.git@'), from('https://h/o/r', 'v1')), 'its source ref is not stated, wanted was v1');
    assert.equal(told(SLSA_V1, source({ uri: 'git+https://h/o/r@v1' }), from('https://h/o/r', 'v1')), 'holds');
    assert.equal(told(SLSA_V1, source('https://u@h/o/r'), from('https://u@h/o/r')), 'holds', 'the @ of a user');
    assert.equal(told(SLSA_V1, source('@v1'), from('@v1')), 'holds');
    assert.equal(told(SLSA_V1, source('a@v1'), from('a', 'v1')), 'holds');
    assert.equal(
      told(SLSA_V1, v1('b', { workflow: { repository: 'https://h/o/r' } }), from('https://h/o/r', 'v1')),
      'its source ref is not stated, wanted was v1',
    );
  });
  it('of the only dependency that is a source', () => {
    const one = [{ uri: 'pkg:npm/a' }, { uri: 'git+https://h/o/r@v1' }, {}];
    assert.equal(told(SLSA_V1, v1('b', {}, one), from('https://h/o/r', 'v1')), 'holds');
    assert.equal(
      told(SLSA_V1, v1('b', {}, [...one, { uri: 'git+https://h/o/s@v1' }]), from('https://h/o/r')),
      'its source repository is not stated, wanted was https://h/o/r',
    );
    assert.equal(
      told(SLSA_V1, v1('b', {}, { uri: 'git+https://h/o/r' }), from('https://h/o/r')),
      'its source repository is not stated, wanted was https://h/o/r',
    );
    const v02 = (more: object): unknown => ({ builder: { id: 'b' }, ...more });
    assert.equal(told(SLSA_V02, v02({ materials: one }), from('https://h/o/r', 'v1')), 'holds');
    assert.equal(told(SLSA_V02, v02({ materials: one, invocation: { configSource: { uri: 'git+https://h/o/t' } } }), from('https://h/o/t')), 'holds');
  });
});

describe('an SBOM', () => {
  const sbom = (rest: Partial<Extract<Condition, { kind: 'sbom' }>> = {}): Without<Condition> => ({ kind: 'sbom', formats: [], ...rest });
  const cyclone = (...components: unknown[]): unknown => ({ bomFormat: 'CycloneDX', components });
  const long = 'n'.repeat(201);
  const unknown = (rule: 'allow' | 'deny'): Without<Condition> => sbom({ licences: { allowed: ['MIT'], denied: [], unknown: rule } });

  it('of a component with a long name, or a long licence', () => {
    const denied = sbom({ components: { required: [], denied: [is('pkg:x')] } });
    assert.equal(told(CYCLONEDX, cyclone({ name: long, purl: 'pkg:x' }), denied), `it lists ${'n'.repeat(200)}, which is not allowed`);
    const excess = 'n'.repeat(LIMITS.matchedLength + 1);
    assert.equal(
      told(CYCLONEDX, cyclone({ name: excess }), denied),
      `it lists ${'n'.repeat(200)}, whose name is longer than 1024 characters: no rule can be held against it`,
    );
    assert.equal(told(CYCLONEDX, cyclone({ name: excess.slice(1) }), denied), 'holds');
    assert.equal(told(CYCLONEDX, cyclone({ name: excess }), sbom({ components: { required: [], denied: [] } })), 'holds');
    assert.equal(
      told(CYCLONEDX, cyclone({ name: long, licenses: [{ license: { name: 'l'.repeat(201) } }] }), unknown('deny')),
      `${'n'.repeat(200)} has the licence ${'l'.repeat(200)}, which is not allowed`,
    );
    assert.equal(told(CYCLONEDX, cyclone({ name: long }), unknown('deny')), `the licence of ${'n'.repeat(200)} is not known`);
  });
  it('of several licences: one that is not allowed, one that is not known', () => {
    const choice = (...names: string[]): unknown => cyclone({ name: 'a', licenses: names.map((id) => (id === '' ? {} : { license: { id } })) });
    assert.equal(told(CYCLONEDX, choice('MIT', 'GPL'), unknown('allow')), 'a has the licence MIT, GPL, which is not allowed');
    assert.equal(told(CYCLONEDX, choice('MIT', ''), unknown('deny')), 'the licence of a is not known');
    assert.equal(told(CYCLONEDX, choice('MIT', ''), unknown('allow')), 'holds');
    assert.equal(told(CYCLONEDX, choice('MIT', 'MIT'), unknown('deny')), 'holds');
  });
  it('of what is required: each by one of the components', () => {
    const required = sbom({ components: { required: [is('a@1'), is('b')], denied: [] } });
    assert.equal(told(CYCLONEDX, cyclone({ name: 'a', version: '1' }, { name: 'b', version: '' }), required), 'holds');
    assert.equal(told(CYCLONEDX, cyclone({ name: 'a', version: '1' }, { name: 'c' }), required), 'it does not list b');
  });
  it('of packages that are no list, and of components that are nested', () => {
    assert.equal(told(SPDX, { spdxVersion: 'SPDX-2.3', packages: {} }, sbom()), 'it lists no component');
    const denied = sbom({ components: { required: [], denied: [is('inner')] } });
    const nested = (levels: number): unknown => {
      let component: object = { name: 'inner' };
      for (let level = 0; level < levels; level++) component = { name: 'outer', components: [component] };
      return cyclone(component);
    };
    assert.equal(told(CYCLONEDX, nested(LIMITS.jsonDepth), denied), 'it lists inner, which is not allowed');
  });
  it('names without their version', () => {
    for (const [id, bare] of [
      ['pkg:npm/a@1.0', 'pkg:npm/a'],
      ['pkg:npm/%40acme/a@1.0?arch=x#sub@2', 'pkg:npm/%40acme/a'],
      ['pkg:npm/@acme/a', 'pkg:npm/@acme/a'],
      ['pkg:npm/a?x=y@1', 'pkg:npm/a'],
      ['@a', '@a'],
      ['a@1', 'a'],
      ['a', 'a'],
    ] as const)
      assert.equal(withoutVersion(id), bare, id);
  });
});

describe('tests and approvals', () => {
  const tests = { kind: 'tests', required: ['unit'] } as const;
  const approval = { kind: 'approval', environment: 'production' } as const;
  it('of results', () => {
    assert.equal(told(TEST_RESULT, { result: 'F'.repeat(41) }, tests), `the result of the tests is ${'F'.repeat(40)}`);
    assert.equal(told(TEST_RESULT, {}, tests), 'the result of the tests is not stated');
    assert.equal(told(TEST_RESULT, { result: 'PASSED' }, tests), 'the test unit is not among those that passed');
    assert.equal(told(TEST_RESULT, { result: 'PASSED', passedTests: ['unit'] }, tests), 'holds');
    assert.equal(told(TEST_RESULT, { result: 'WARNED' }, { kind: 'tests', required: [] }), 'the tests passed with warnings');
  });
  it('of approvals', () => {
    assert.equal(told(APPROVAL, { decision: 'd'.repeat(41) }, approval), `its decision is ${'d'.repeat(40)}`);
    assert.equal(told(APPROVAL, {}, approval), 'its decision is not stated');
    assert.equal(told(APPROVAL, { decision: 'approved' }, approval), 'it is for no environment, wanted was production');
    assert.equal(told(APPROVAL, { decision: 'approved', environment: 'e'.repeat(101) }, approval), `it is for ${'e'.repeat(100)}, wanted was production`);
  });
  it('of what nobody can say', () => {
    assert.deepEqual(inconclusive('why'), { value: 'inconclusive', code: 'ERR_CONDITION_FAILED', detail: 'why' });
    assert.equal(told(SPDX, {}, tests), 'it is no test result that is read');
  });
});
