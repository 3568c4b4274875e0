/** Patterns over names of images: what is written out, and what each that can match nothing is told, with its hint. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SealwardError } from '../errors.ts';
import { imageGlob } from './image-glob.ts';

/** The pattern with its defaults written out, or why there is none. */
function read(written: string): string {
  try {
    return imageGlob(written).text;
  } catch (error) {
    if (!(error instanceof SealwardError)) throw error;
    const [, why = error.message] = error.message.split(' cannot be used: ');
    return `${why} (${error.hint})`;
  }
}

describe('patterns over images', () => {
  it('defaults', () => {
    assert.deepEqual(
      [
        'alpine',
        'alpine:3',
        'team/*',
        'team/app:v*',
        'docker.io/alpine',
        'docker.io/team/app',
        'docker.io/**',
        'docker.io/**x',
        'docker.io/*',
        'index.docker.io/alpine',
        'index.docker.io/team/a',
        'index.docker.io.test/a',
        'localhost/a',
        'localhost:5000/a',
        '[::1]:5000/a',
        'r.test/a',
        'r**/a',
        '**',
        '**/a',
        '**a',
        '*',
        '*/a',
        'a*',
      ].map(read),
      [
        'docker.io/library/alpine',
        'docker.io/library/alpine:3',
        'docker.io/team/*',
        'docker.io/team/app:v*',
        'docker.io/library/alpine',
        'docker.io/team/app',
        'docker.io/**',
        'docker.io/**x',
        'docker.io/library/*',
        'docker.io/library/alpine',
        'docker.io/team/a',
        'index.docker.io.test/a',
        'localhost/a',
        'localhost:5000/a',
        '[::1]:5000/a',
        'r.test/a',
        'r**/a',
        '**',
        '**/a',
        '**a',
        'docker.io/library/*',
        'docker.io/*/a',
        'docker.io/library/a*',
      ],
    );
  });
  it('characters', () => {
    assert.deepEqual(['r.test/a b', 'r.test/ä', 'r.test/a?', '/a', 'r.test//a', 'R.test/a', 'r.test/A', 'r.test/a:V1', 'r.test/***'].map(read), [
      'only letters, digits, . _ - : / @ [ ] and stars can stand in it (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
      'only letters, digits, . _ - : / @ [ ] and stars can stand in it (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
      'only letters, digits, . _ - : / @ [ ] and stars can stand in it (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
      'a part of the name is empty, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
      'a part of the name is empty, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
      'names of registries are compared in lower case, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
      'names of repositories are in lower case, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
      'r.test/a:V1',
      'three stars mean nothing (Write ** for anything, * for anything but a slash.)',
    ]);
  });
  it('digests', () => {
    assert.deepEqual(
      [
        `r.test/a@sha256:${'a'.repeat(64)}`,
        `r.test/a@sha384:${'a'.repeat(96)}`,
        `r.test/a@sha512:${'a'.repeat(128)}`,
        `r.test/a@sha256:${'a'.repeat(63)}`,
        `r.test/a@sha256:${'A'.repeat(64)}`,
        `r.test/a@md5:${'a'.repeat(64)}`,
        `r.test/a@sha512:${'a'.repeat(64)}`,
        'r.test/a@*',
        'r.test/a@sha256:*',
        'r.test/a@',
        'r.test/a@*@*',
        'r.test/a@*/b',
        `r.test/a:v1@sha256:${'a'.repeat(64)}`,
        `r.test:5000/a@sha256:${'a'.repeat(64)}`,
      ].map(read),
      [
        'r.test/a@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
        'r.test/a@sha384:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
        'r.test/a@sha512:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
        'its digest is none, so that it can match nothing (A digest is sha256: and 64 digits in lower-case hexadecimal.)',
        'its digest is none, so that it can match nothing (A digest is sha256: and 64 digits in lower-case hexadecimal.)',
        'its digest is none, so that it can match nothing (A digest is sha256: and 64 digits in lower-case hexadecimal.)',
        'its digest is none, so that it can match nothing (A digest is sha256: and 64 digits in lower-case hexadecimal.)',
        'r.test/a@*',
        'r.test/a@sha256:*',
        'its digest is none, so that it can match nothing (A digest is sha256: and 64 digits in lower-case hexadecimal.)',
        'its digest is none, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
        'its digest is none, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
        'it has both a tag and a digest, so that it can match nothing (Where a digest is asked for, the tag says nothing: leave it out.)',
        'r.test:5000/a@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
      ],
    );
  });
  it('tags', () => {
    assert.deepEqual(
      ['r.test/a:v1', 'r.test/a:', 'r.test/a:.x', 'r.test/a:-x', 'r.test/a:*', 'r.test/a:_x', 'r.test:5000/a', 'a:5000', 'r.test/a:b:c', 'r.test/a:b/c'].map(
        read,
      ),
      [
        'r.test/a:v1',
        'its tag or digest is none, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
        'its tag or digest is none, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
        'its tag or digest is none, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
        'r.test/a:*',
        'r.test/a:_x',
        'r.test:5000/a',
        'docker.io/library/a:5000',
        'no repository has such a name, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
        'no repository has such a name, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
      ],
    );
  });
  it('parts of repositories', () => {
    assert.deepEqual(['r.test/a.', 'r.test/-a', 'r.test/a/.b', 'r.test/a-/b', 'r.test/a[b]', 'r.test/a.b/c-d', 'r.test/.', 'r.test/a_'].map(read), [
      'no part of a repository begins or ends with . or -, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
      'no part of a repository begins or ends with . or -, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
      'no part of a repository begins or ends with . or -, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
      'no part of a repository begins or ends with . or -, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
      'no repository has such a name, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
      'r.test/a.b/c-d',
      'no part of a repository begins or ends with . or -, so that it can match nothing (In patterns * stands for anything but a slash, ** for anything; docs/reference/policy.md has examples.)',
      'r.test/a_',
    ]);
  });
  it('registries', () => {
    assert.deepEqual(['r.test', 'r.test/', 'r.test/a/', 'localhost:5000', '**.test', 'r.test/**', '**/'].map(read), [
      'docker.io/library/r.test',
      'it ends with a slash, so that it can match nothing (Write "r.test/**" for all that is below.)',
      'it ends with a slash, so that it can match nothing (Write "r.test/a/**" for all that is below.)',
      'docker.io/library/localhost:5000',
      '**.test',
      'r.test/**',
      'it ends with a slash, so that it can match nothing (Write "**/**" for all that is below.)',
    ]);
  });
});
