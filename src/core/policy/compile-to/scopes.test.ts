/** Image patterns as scopes of policy.json: which scope, how much of it, and which places lie in it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TextPattern } from '../policy.ts';
import { excludedScopes, isLeftOutAt, liesIn, type ScopeOf, scopesOf, takesAll } from './scopes.ts';

const patterns = (...texts: string[]): TextPattern[] => texts.map((text) => ({ text, matches: () => false }));
const of = (...texts: string[]): string[] => scopesOf({ images: patterns(...texts) }).map(({ scope, takes }) => `${takes} ${scope}`);
const scope = (takes: string, name: string): ScopeOf => ({ scope: name, takes: takes as ScopeOf['takes'] });

describe('scopes of policy.json', () => {
  it('of one pattern', () => {
    assert.deepEqual(
      [
        '**',
        'r.test/**',
        'r.test:5000/**',
        'r.test/a/**',
        'r.test/a',
        'r.test/a:v1',
        'r.test:5000/a',
        `r.test/a@sha256:x`,
        '*.r.test/**',
        '*.r.test:*/**',
        '*.r.test:5000/**',
        '*.r*/**',
        'r.test/a*',
        'r.test/a*/b',
        'r.test/a/b*:v1',
        '*/a',
        'r*/a',
        '**/a',
        'r.test/**/a',
        'r.test/a@*',
      ].map((one) => of(one).join()),
      [
        'whole ',
        'whole r.test',
        'whole r.test:5000',
        'below r.test/a',
        'one r.test/a',
        'part r.test/a',
        'one r.test:5000/a',
        'part r.test/a',
        'portless *.r.test',
        'ports *.r.test',
        'part *.r.test',
        'part ',
        'part r.test',
        'part r.test',
        'part r.test/a',
        'part ',
        'part ',
        'part ',
        'part r.test',
        'part r.test/a',
      ],
    );
  });
  it('of no pattern', () => {
    assert.deepEqual(scopesOf({ images: [] }), [{ scope: '', takes: 'whole' }]);
  });
  it('of several patterns: one and all below it are whole, with and without a port, too', () => {
    assert.deepEqual(
      [
        of('r.test/a', 'r.test/a/**'),
        of('r.test/a/**', 'r.test/a'),
        of('*.r.test/**', '*.r.test:*/**'),
        of('*.r.test:*/**', '*.r.test:5000/**'),
        of('r.test/a:v1', 'r.test/a'),
        of('r.test/a:v1', 'r.test/a/**'),
        of('r.test/a:v1', 'r.test/a:v2'),
        of('r.test/a', 'r.test/b'),
        of('r.test/a*', 'r.test/**'),
        of('*.r.test/**', '*.r.test:5000/**'),
      ],
      [
        ['whole r.test/a'],
        ['whole r.test/a'],
        ['whole *.r.test'],
        ['ports *.r.test'],
        ['one r.test/a'],
        ['below r.test/a'],
        ['part r.test/a'],
        ['one r.test/a', 'one r.test/b'],
        ['whole r.test'],
        ['portless *.r.test'],
      ],
    );
  });
  it('of what is left out: whole ones, and the others', () => {
    assert.deepEqual(excludedScopes({ exclude: patterns('r.test/a', 'r.test/a/**', 'r.test/b', 'o.test/**', 'r.test/c*') }), {
      whole: ['r.test/a', 'o.test'],
      kept: [
        { scope: 'r.test/b', takes: 'one' },
        { scope: 'r.test', takes: 'part' },
      ],
    });
  });
  it('places that lie in another', () => {
    assert.deepEqual(
      [
        ['', ''],
        ['r.test', ''],
        ['', 'r.test'],
        ['r.test', 'r.test'],
        ['r.test/a', 'r.test'],
        ['r.test.other', 'r.test'],
        ['r.test:5000', 'r.test'],
        ['a.r.test', '*.r.test'],
        ['a.r.test:5000/x', '*.r.test'],
        ['r.test', '*.r.test'],
        ['.r.test', '*.r.test'],
        ['b.a.r.test/x', '*.r.test'],
        ['ar.test', '*.r.test'],
        ['*.a.r.test', '*.r.test'],
        ['*.r.test', '*.r.test'],
      ].map(([inner, outer]) => liesIn(inner ?? '', outer ?? '')),
      [true, true, false, true, true, false, false, true, true, false, false, true, false, true, true],
    );
  });
  it('scopes that take in all of a place', () => {
    assert.deepEqual(
      ['whole', 'one', 'below', 'portless', 'ports', 'part'].map((takes) => [
        takesAll(scope(takes, 'r.test/a'), 'r.test/a', false),
        takesAll(scope(takes, 'r.test/a'), 'r.test/a', true),
        takesAll(scope(takes, 'r.test/a'), 'r.test/a/b', false),
        takesAll(scope(takes, 'r.test/a'), 'r.test/a/b', true),
      ]),
      [
        [true, true, true, true],
        [false, true, false, false],
        [false, true, true, true],
        [false, true, false, true],
        [false, false, false, false],
        [false, false, false, false],
      ],
    );
  });
  it('places that something is left out of', () => {
    assert.deepEqual(
      ['whole', 'one', 'below', 'portless', 'ports', 'part'].map((takes) =>
        ['r.test/a', 'r.test/a/b', 'r.test', 'r.test/ab'].map((place) => isLeftOutAt(scope(takes, 'r.test/a'), place)),
      ),
      [
        [true, true, false, false],
        [true, false, false, false],
        [true, true, false, false],
        [true, true, false, false],
        [true, true, false, false],
        [true, true, false, false],
      ],
    );
  });
});
