import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SealwardError } from '../errors.ts';
import { formatReference, normalHost, parseReference, parseRepository, pinned } from './index.ts';

const HEX = '0123456789abcdef'.repeat(4);

function refused(text: string): void {
  assert.throws(
    () => parseReference(text),
    (error) => error instanceof SealwardError && error.code === 'ERR_REFERENCE_INVALID' && error.message.length < 600,
    text.slice(0, 200),
  );
}

test('references get the defaults of Docker Hub', () => {
  const cases: Record<string, string> = {
    alpine: 'docker.io/library/alpine:latest',
    'alpine:3.20': 'docker.io/library/alpine:3.20',
    'bitnami/redis': 'docker.io/bitnami/redis:latest',
    'docker.io/alpine': 'docker.io/library/alpine:latest',
    'index.docker.io/alpine': 'docker.io/library/alpine:latest',
    'localhost/app': 'localhost/app:latest',
    'localhost:5000/app:v1': 'localhost:5000/app:v1',
    'LOCALHOST:5000/app': 'localhost:5000/app:latest',
    'Example.COM/app': 'example.com/app:latest',
    'example.com:443/a/b/c:v1.2_3-x': 'example.com:443/a/b/c:v1.2_3-x',
    '127.0.0.1:5000/a__b/c---d/e.f': '127.0.0.1:5000/a__b/c---d/e.f:latest',
    '[::1]:5000/app:v1': '[::1]:5000/app:v1',
    '[fd00::1]/app': '[fd00::1]/app:latest',
    '[::ffff:127.0.0.1]/app': '[::ffff:127.0.0.1]/app:latest',
    [`ghcr.io/o/r@sha256:${HEX}`]: `ghcr.io/o/r@sha256:${HEX}`,
    [`ghcr.io/o/r:v1@sha256:${HEX}`]: `ghcr.io/o/r:v1@sha256:${HEX}`,
    [`alpine@sha256:${HEX}`]: `docker.io/library/alpine@sha256:${HEX}`,
  };
  for (const [text, normal] of Object.entries(cases)) {
    assert.equal(formatReference(parseReference(text)), normal);
    assert.deepEqual(parseReference(normal), parseReference(text));
  }
});

test('a tag beside a digest is kept, and the digest is what counts', () => {
  const reference = parseReference(`ghcr.io/o/r:v1@sha256:${HEX}`);
  assert.deepEqual(reference, { registry: 'ghcr.io', repository: 'o/r', tag: 'v1', digest: { algorithm: 'sha256', hex: HEX } });
  assert.deepEqual(pinned(reference, { algorithm: 'sha256', hex: HEX }), { registry: 'ghcr.io', repository: 'o/r', digest: { algorithm: 'sha256', hex: HEX } });
});

test('what is not a reference is refused', () => {
  const bad = [
    '',
    ':v1',
    '/app',
    'app/',
    'a//b',
    'App',
    'example.com/App',
    'example.com/',
    'example.com:0/app',
    'example.com:65536/app',
    'example.com:05/app',
    'example.com:/app',
    'exa mple.com/app',
    '-example.com/app',
    'example-.com/app',
    'example..com/app',
    'https://example.com/app',
    'user@example.com/app',
    'user:pass@example.com/app',
    'example.com/app:',
    'example.com/app:.v1',
    `example.com/app:${'a'.repeat(129)}`,
    'example.com/app@',
    'example.com/app@sha256:abc',
    `example.com/app@sha256:${HEX}@sha256:${HEX}`,
    `example.com/app@sha256:${HEX.toUpperCase()}`,
    'example.com/../app',
    'example.com/a/../../b',
    'example.com/app%2f',
    'example.com/app?x',
    'example.com/app#x',
    'example.com/a___b',
    'example.com/a..b',
    'example.com/_a',
    'example.com/\u0430pp',
    'example.com/app\n',
    'example.com/app\0',
    '[::1/app',
    '[::1]5000/app',
    '[g::1]/app',
    `${'a'.repeat(64)}.com/app`,
    `example.com/${'a'.repeat(256)}`,
    'a/'.repeat(2_000_000),
    'Example/app',
    'oci:',
    'oci:a\0b',
  ];
  for (const text of bad) refused(text);
});

test('one over each bound of a reference', () => {
  assert.equal(parseRepository(`example.com/${'a'.repeat(255)}`).repository.length, 255);
  refused(`example.com/${'a'.repeat(256)}`);
  assert.equal(parseReference(`example.com/a:${'t'.repeat(128)}`).tag?.length, 128);
  refused(`example.com/a:${'t'.repeat(129)}`);
  const label = 'a'.repeat(61);
  const host253 = `${label}.${label}.${label}.${label}.${'a'.repeat(5)}`;
  assert.equal(host253.length, 253);
  assert.equal(normalHost(host253), host253);
  assert.equal(normalHost(`${host253}a`), undefined);
});

test('a folder is named by oci:PATH', () => {
  assert.deepEqual(parseReference('oci:/data/image'), { registry: 'oci:', repository: '/data/image' });
  assert.deepEqual(parseReference('oci:../Img Dir:v1'), { registry: 'oci:', repository: '../Img Dir', tag: 'v1' });
  const full = parseReference(`oci:./x:v1@sha256:${HEX}`);
  assert.equal(formatReference(full), `oci:./x:v1@sha256:${HEX}`);
  assert.deepEqual(parseReference(formatReference(full)), full);
});

test('law: a normal form parses to itself', () => {
  const component = fc.stringMatching(/^[a-z0-9]{1,8}(?:(?:\.|_|__|-)[a-z0-9]{1,8})?$/);
  const host = fc.constantFrom('docker.io', 'ghcr.io', 'localhost', 'localhost:5000', '[::1]:80', '10.0.0.1', 'a-b.example:65535');
  const tag = fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/), { nil: undefined });
  const hex = fc.option(fc.stringMatching(/^[0-9a-f]{64}$/), { nil: undefined });
  fc.assert(
    fc.property(host, fc.array(component, { minLength: 1, maxLength: 4 }), tag, hex, (registry, parts, tagText, hexText) => {
      const text = `${registry}/${parts.join('/')}${tagText === undefined ? '' : `:${tagText}`}${hexText === undefined ? '' : `@sha256:${hexText}`}`;
      const parsed = parseReference(text);
      assert.deepEqual(parseReference(formatReference(parsed)), parsed);
      assert.equal(parsed.digest?.hex, hexText);
      assert.equal(parsed.tag, tagText ?? (hexText === undefined ? 'latest' : undefined));
    }),
  );
});

test('law: any text is a reference or an InputError, never a crash', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...'ab0:@/.[]-_A'.split('')), maxLength: 40 })), (text) => {
      try {
        const parsed = parseReference(text);
        assert.deepEqual(parseReference(formatReference(parsed)), parsed);
      } catch (error) {
        if (!(error instanceof SealwardError) || error.code !== 'ERR_REFERENCE_INVALID') throw error;
      }
    }),
  );
});
