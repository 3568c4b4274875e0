import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SealwardError } from '../../core/errors.ts';
import { parseChallenges } from './challenge.ts';

const plain = (headers: string[]): unknown => parseChallenges(headers).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test('one challenge and several, in one header and in several', () => {
  assert.deepEqual(plain(['Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"']), [
    ['bearer', { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:a/b:pull,push' }],
  ]);
  assert.deepEqual(plain(['Basic realm="x", Bearer realm = "y" , service=z']), [
    ['basic', { realm: 'x' }],
    ['bearer', { realm: 'y', service: 'z' }],
  ]);
  assert.deepEqual(plain(['Basic realm="x"', 'bearer realm="y"']), [
    ['basic', { realm: 'x' }],
    ['bearer', { realm: 'y' }],
  ]);
  assert.deepEqual(plain(['Negotiate, Basic realm="x"']), [
    ['negotiate', {}],
    ['basic', { realm: 'x' }],
  ]);
  assert.deepEqual(plain(['Negotiate YWJj==, Basic realm="x"']), [
    ['negotiate', {}],
    ['basic', { realm: 'x' }],
  ]);
  assert.deepEqual(plain([',, Basic realm="a\\"b\\\\c",']), [['basic', { realm: 'a"b\\c' }]]);
  assert.deepEqual(plain(['BEARER REALM="x"']), [['bearer', { realm: 'x' }]]);
  assert.deepEqual(plain(['Bearer realm=']), [['bearer', {}]], 'by the grammar a token68, and no parameter');
  assert.deepEqual(plain([]), []);
  assert.deepEqual(plain(['']), []);
});

test('what cannot be read is refused, and never half-read', () => {
  for (const header of [
    'Bearer realm="x',
    'Bearer realm="x"service="y"',
    'Bearer realm="x" service="y"',
    'Bearer realm="a",realm="b"',
    'Bearer realm="a",REALM="b"',
    'Bearer realm="a\u0001b"',
    'Bearer realm="a\u00e9"',
    '"Bearer" realm="x"',
    'realm="x"',
    '=x',
    `Bearer realm="${'a'.repeat(9000)}"`,
  ]) {
    assert.throws(() => parseChallenges([header]), { code: 'ERR_CONTENT_REFUSED' }, header.slice(0, 60));
  }
});

test('law: any header is challenges or a coded error, in linear time', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[A-Za-z=", \\]{0,60}$/)), (header) => {
      try {
        parseChallenges([header]);
      } catch (error) {
        if (!(error instanceof SealwardError) || error.code !== 'ERR_CONTENT_REFUSED') throw error;
      }
    }),
  );
});
