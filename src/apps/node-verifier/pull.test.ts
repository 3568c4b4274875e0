import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDigest, formatReference } from '../../core/artifact/index.ts';
import { LIMITS, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { parsePull } from './pull.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const OTHER = `sha256:${'b'.repeat(64)}`;
const TYPE = 'application/vnd.oci.descriptor.v1+json';
const descriptor = (digest = DIGEST): Uint8Array =>
  utf8(`${JSON.stringify({ mediaType: 'application/vnd.oci.image.index.v1+json', digest, size: 3, platform: { os: 'linux', architecture: 'amd64' } })}\n`);
const argv = (name: string, digest = DIGEST, type = TYPE): string[] => ['-name', name, '-digest', digest, '-stdin-media-type', type];

test('the question of containerd is read as it is put, and with the spellings that Go programs take for the same', () => {
  const { reference } = parsePull(argv('docker.io/library/nginx:1.27'), descriptor());
  assert.equal(formatReference(reference), `docker.io/library/nginx:1.27@${DIGEST}`);
  const again = parsePull([`--digest=${DIGEST}`, `-stdin-media-type=${TYPE}`, '--name', `r.example/a@${DIGEST}`], descriptor());
  assert.deepEqual([again.reference.registry, again.reference.tag, formatDigest(again.reference.digest)], ['r.example', undefined, DIGEST]);
});

test('what differs from the contract is refused', () => {
  const refused = (given: readonly string[], stdin = descriptor(), code = 'ERR_PULL_INVALID'): void => assert.throws(() => parsePull(given, stdin), { code });
  refused([]);
  refused(argv('r.example/a:1').slice(0, 4));
  refused([...argv('r.example/a:1'), '-name', 'r.example/b:1']);
  refused([...argv('r.example/a:1'), '-more', 'x']);
  refused([...argv('r.example/a:1'), 'x']);
  refused(argv('r.example/a:1').slice(0, 5));
  refused(argv('r.example/a:1', 'latest'));
  refused(argv('r.example/a:1', DIGEST, 'application/json'));
  refused(argv('r.example/a:1'), descriptor(OTHER));
  refused(argv(`r.example/a@${OTHER}`));
  refused(argv('R.example/UPPER'), descriptor(), 'ERR_REFERENCE_INVALID');
  refused(argv('r.example/a:1'), utf8('{'), 'ERR_JSON_INVALID');
  refused(argv('r.example/a:1'), new Uint8Array(), 'ERR_JSON_INVALID');
  refused(argv('r.example/a:1'), utf8('{}'), 'ERR_MANIFEST_INVALID');
  refused(argv('r.example/a:1'), utf8(' '.repeat(LIMITS.documentBytes + 1)), 'ERR_TOO_LARGE');
});

test('law: any words and bytes are a pull or an InputError', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('-name', '-digest', '-stdin-media-type', DIGEST, TYPE))), fc.uint8Array(), (given, stdin) => {
      try {
        parsePull(given, stdin);
      } catch (error) {
        assert.ok(error instanceof SealwardError && error.family === 'InputError', String(error));
      }
    }),
  );
});
