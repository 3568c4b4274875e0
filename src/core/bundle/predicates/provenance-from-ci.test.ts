import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ciCases, predicateFile } from '../../../../test/predicates.ts';
import { SealwardError } from '../../errors.ts';
import { loadPredicates } from '../index.ts';
import { CI_SYSTEMS } from './ci-systems.ts';

const { provenanceFromCi, scanInvocationFromCi } = await loadPredicates();
/** Stands in the vectors wherever a CI system keeps a secret, or may. */
const SECRET = 'not-to-be-copied';

for (const { name, environment, now, predicate, code, says } of ciCases) {
  test(`${name}: ${predicate ? 'the provenance says what the job says, and nothing else' : 'is refused'}`, () => {
    if (predicate) {
      const made = provenanceFromCi(environment, Date.parse(now));
      assert.deepEqual(made, { predicateType: 'https://slsa.dev/provenance/v1', predicate });
      assert.ok(Object.values(environment).some((value) => value.includes(SECRET)));
      assert.ok(!JSON.stringify(made).includes(SECRET));
      return;
    }
    assert.throws(
      () => provenanceFromCi(environment, Date.parse(now)),
      (error) => {
        assert.ok(error instanceof SealwardError);
        assert.deepEqual([error.code, error.message.includes(says ?? '?')], [code, true], error.message);
        assert.ok(!`${error.message}${error.hint}`.includes(SECRET), error.message);
        return true;
      },
    );
  });
}

test('outside of a CI system the hint says what was looked for', () => {
  for (const { name, sign } of CI_SYSTEMS) {
    assert.throws(
      () => provenanceFromCi({}, 0),
      (error) => error instanceof SealwardError && error.hint.includes(sign) && error.hint.includes(name),
    );
  }
  assert.equal(scanInvocationFromCi({}), undefined);
});

test('what else went into the build is stated beside the source', () => {
  const { environment } = ciCases.find(({ name }) => name === 'tekton.json') ?? assert.fail();
  const base = { uri: 'pkg:docker/base@12', digest: { sha256: 'ab'.repeat(32) } };
  const { predicate } = provenanceFromCi(environment, 0, { dependencies: [base] });
  const definition = predicate['buildDefinition'] as { resolvedDependencies: unknown[] };
  assert.deepEqual(definition.resolvedDependencies[1], base);
  assert.throws(() => provenanceFromCi(environment, 0, { dependencies: [{ uri: base.uri, digest: { sha256: 'HEAD' } }] }), {
    message: /resolvedDependencies\[1\]\.digest\.sha256 must be a digest/,
  });
});

test('a clock that is behind that of the CI system makes no build that ended before it began', () => {
  const { environment } = ciCases.find(({ name }) => name === 'gitlab-branch.json') ?? assert.fail();
  const { predicate } = provenanceFromCi(environment, 0);
  const { metadata } = predicate['runDetails'] as { metadata: { startedOn: string; finishedOn: string } };
  assert.equal(metadata.finishedOn, metadata.startedOn);
});

test('the record of a scan names the run of the CI system', () => {
  const { environment } = ciCases.find(({ name }) => name === 'circleci.json') ?? assert.fail();
  assert.deepEqual(scanInvocationFromCi(environment), {
    uri: 'https://circleci.com/gh/example/cart/91',
    eventId: 'https://circleci.com/gh/example/cart/91',
    builderId: 'https://circleci.com',
  });
});

/** What the page of the documentation lists is what is read: the allow-list, in words. */
test('every variable that is read stands in the documentation', async () => {
  const { readFileSync } = await import('node:fs');
  const page = readFileSync(new URL('../../../../docs/reference/build-types.md', import.meta.url), 'utf8');
  const source = readFileSync(new URL('./ci-systems.ts', import.meta.url), 'utf8');
  const names = new Set(Array.from(source.matchAll(/'((?:GITHUB|RUNNER|CI|BUILDKITE|CIRCLE|TEKTON)_\w+)'/g), (match) => match[1] ?? ''));
  assert.ok(names.size > 50);
  for (const name of names) assert.ok(page.includes(name), name);
  for (const { buildType } of ciCases.flatMap(({ predicate }) => (predicate ? [predicate['buildDefinition'] as { buildType: string }] : [])))
    assert.ok(page.includes(buildType), buildType);
  assert.ok(predicateFile('README.md').length > 0);
});

test('whatever the variables hold, the answer is provenance or a coded error, and no secret is in either', () => {
  const environments = ciCases.filter(({ predicate }) => predicate).map(({ environment }) => environment);
  const value = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '',
      'HEAD',
      'file:///x',
      'https://',
      `https://${SECRET}@host.example/x`,
      `https://u:${SECRET}@host.example/x?t=${SECRET}#${SECRET}`,
      'x'.repeat(5000),
    ),
  );
  fc.assert(
    fc.property(fc.constantFrom(...environments), fc.nat(), value, (environment, choice, put) => {
      const names = Object.keys(environment);
      const name = names[choice % names.length] as string;
      try {
        const made = JSON.stringify(provenanceFromCi({ ...environment, [name]: put }, 0));
        // A name of a branch or job may be any text; where a URL is expected, its credentials go.
        if (/_URL$|_REPO$/.test(name)) assert.ok(!made.includes(SECRET), made);
      } catch (error) {
        assert.ok(error instanceof SealwardError && error.family === 'InputError', String(error));
        assert.ok(!error.message.includes(SECRET), error.message);
      }
    }),
    { numRuns: 1000 },
  );
});
