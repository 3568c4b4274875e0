import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Targets } from '@tufjs/models';
import fc from 'fast-check';
import { delegates, delegationsFor, delegationTo, matchesPath } from './delegated-path.ts';
import type { Delegation, TargetsMetadata } from './metadata.ts';
import { processorTime } from '../../../../test/processor-time.ts';

const role = (name: string, paths: string[], terminating = false): Delegation => ({ name, paths, terminating, keys: [], threshold: 1 });
const targets = (delegations: Delegation[]): TargetsMetadata => ({
  type: 'targets',
  bytes: new Uint8Array(),
  canonical: new Uint8Array(),
  signatures: [],
  version: 1,
  expires: 0,
  files: new Map(),
  delegations,
});

test('a star and a question mark stay within a segment, and case counts', () => {
  for (const [pattern, path, expected] of [
    ['*', 'a', true],
    ['*', 'a/b', false],
    ['*/*', 'a/b', true],
    ['deny/*', 'deny/denials.json', true],
    ['deny/*', 'deny/', true],
    ['deny/*', 'Deny/x', false],
    ['foo-?.tgz', 'foo-1.tgz', true],
    ['foo-?.tgz', 'foo-12.tgz', false],
    ['?', '/', false],
    ['a*b*c', 'axxbxxbc', true],
    ['a*b*c', 'axxbxxb', false],
    ['[ab]', 'a', false],
    ['', '', true],
  ] as const)
    assert.equal(matchesPath(pattern, path), expected, `${pattern} ${path}`);
});

test('a pattern of stars takes no time to speak of', async () => {
  assert.ok((await processorTime(() => assert.equal(matchesPath(`${'*a'.repeat(250)}b`, 'a'.repeat(512)), false))) < 1000);
});

test('overlapping delegations are asked in their order, and after a terminating one nobody is', () => {
  const names = (delegations: Delegation[], path: string): string[] => delegationsFor(targets(delegations), path).delegations.map(({ name }) => name);
  assert.deepEqual(names([role('a', ['x/*']), role('b', ['*/*']), role('c', ['x/y'])], 'x/y'), ['a', 'b', 'c']);
  assert.deepEqual(names([role('a', ['x/*']), role('b', ['*/*'], true), role('c', ['x/y'])], 'x/y'), ['a', 'b']);
  assert.deepEqual(names([role('b', ['*/*'], true), role('c', ['x'])], 'x'), ['c']);
  // One of its patterns is enough.
  assert.deepEqual(names([role('a', ['y', 'x'])], 'x'), ['a']);
});

test('prefixes of digests choose by the digest of the path', () => {
  const { paths: _, ...bare } = role('a', []);
  // SHA-256 of "a" begins with ca978112.
  assert.equal(delegates({ ...bare, pathHashPrefixes: ['ff', 'ca97'] }, 'a'), true);
  assert.equal(delegates({ ...bare, pathHashPrefixes: ['ff'] }, 'a'), false);
});

test('bins are those of the models of tuf-js (TAP 15)', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 32 }), fc.string(), (bitLength, path) => {
      const other = Targets.fromJSON({
        _type: 'targets',
        spec_version: '1.0.31',
        version: 1,
        expires: '2030-01-01T00:00:00Z',
        targets: {},
        delegations: { keys: {}, succinct_roles: { keyids: [], threshold: 1, bit_length: bitLength, name_prefix: 'bin' } },
      }).delegations;
      const own = { ...targets([]), succinct: { keys: [], threshold: 1, bitLength, namePrefix: 'bin' } };
      const expected = [...(other?.rolesForTarget(path) ?? [])][0]?.role ?? '';
      assert.deepEqual(
        delegationsFor(own, path).delegations.map(({ name }) => name),
        [expected],
      );
      assert.equal(delegationTo(own, expected)?.name, expected);
    }),
  );
  const own = { ...targets([]), succinct: { keys: [], threshold: 1, bitLength: 2, namePrefix: 'bin' } };
  for (const name of ['bin-4', 'bin-01', 'bin-x', 'bin-', 'other-1', 'bin']) assert.equal(delegationTo(own, name), undefined);
});
