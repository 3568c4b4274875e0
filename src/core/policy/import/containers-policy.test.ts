/** What becomes of a policy.json of podman, CRI-O and skopeo, field by field: the whole document, and every line of the report. */
import { describe, it } from 'node:test';
import { OTHER, PEM, same } from '../../../../test/imports.ts';
import { encodeBase64, utf8 } from '../../encoding/index.ts';

const b64 = (text: string): string => encodeBase64(utf8(text));
const docker = (scopes: object, rest: object = { default: [{ type: 'reject' }] }): string => JSON.stringify({ ...rest, transports: { docker: scopes } });
const one = (requirement: object, scope = 'r.test/a'): string => docker({ [scope]: [requirement] });
const signed = (more: object = {}): object => ({ type: 'sigstoreSigned', keyData: b64(PEM), ...more });

describe('containers policy.json: scopes and keys', () => {
  it('a default that takes everything', () => {
    same([JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] })], { default: { action: 'allow' } }, ['mapped default']);
  });
  it('a default that asks for signatures leaves out every scope', () => {
    same(
      [
        JSON.stringify({
          default: [signed()],
          transports: { docker: { 'r.test': [{ type: 'insecureAcceptAnything' }], '*.r.test': [signed()] }, atomic: {}, oci: { '': [] } },
          more: 1,
        }),
      ],
      {
        'scope-r.test': {
          match: { images: ['*.r.test/**', '*.r.test:*/**'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        'scope-default': {
          match: { images: ['**'], exclude: ['r.test/**', '*.r.test/**', '*.r.test:*/**'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
      },
      [
        'mapped *.r.test[0].keyData default[0].keyData',
        'not-mapped transports.atomic: only images of registries come into a cluster',
        'not-mapped transports.oci: only images of registries come into a cluster',
        'not-mapped r.test: without a policy the default rule decides about these images; an ImageException lets them in, until a day',
        'not-mapped more: Sealward knows no such member',
      ],
    );
  });
  it('the default of the transport stands before the one of the file', () => {
    same([docker({ '': [{ type: 'insecureAcceptAnything' }] })], { default: { action: 'allow' } }, ['mapped ']);
  });
  it('the default of the transport may ask for signatures', () => {
    same(
      [docker({ '': [signed()], 'r.test': [{ type: 'reject' }] })],
      {
        'scope-default': {
          match: { images: ['**'], exclude: ['r.test/**'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        'scope-r.test': { match: { images: ['r.test/**'] }, refuse: 'This policy could not be carried over: every image is rejected.' },
      },
      ['mapped [0].keyData r.test[0]'],
    );
  });
  it('a default that lets nothing through, whatever else it asks for', () => {
    same(
      [JSON.stringify({ default: [{ type: 'reject' }, signed()] })],
      { 'scope-default': { match: { images: ['**'] }, refuse: 'This policy could not be carried over: every image is rejected.' } },
      ['mapped default[0] default[1].keyData'],
    );
  });
  it('a default of nothing', () => {
    same(
      [JSON.stringify({ default: [], transports: { docker: {} } })],
      { 'scope-default': { match: { images: ['**'] }, refuse: 'This policy could not be carried over: it asks for nothing.' } },
      [],
    );
  });
  it('a scope of nothing', () => {
    same(
      [docker({ 'r.test/a': [] })],
      {
        'scope-r.test-a': { match: { images: ['r.test/a', 'r.test/a/**'] }, refuse: 'This policy could not be carried over: it asks for nothing.' },
        default: { action: 'deny' },
      },
      ['mapped default'],
    );
  });
  it('all of the requirements of a scope, and each by any of its keys', () => {
    same(
      [
        docker({
          'r.test/a:v1': [signed({ keyData: undefined, keyDatas: [b64(PEM), b64(OTHER)], keyPath: '/a.pub' }), { type: 'insecureAcceptAnything' }, signed()],
        }),
      ],
      {
        'scope-r.test-a-v1': {
          match: { images: ['r.test/a:v1'] },
          authorities: [
            { name: 'signer-0-0', key: { file: '/a.pub' } },
            { name: 'signer-0-1', key: { pem: PEM } },
            { name: 'signer-0-2', key: { pem: OTHER } },
            { name: 'signer-2', key: { pem: PEM } },
          ],
          signatures: { allOf: [{ anyOf: ['signer-0-0', 'signer-0-1', 'signer-0-2'] }, 'signer-2'] },
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        default: { action: 'deny' },
      },
      ['mapped r.test/a:v1[0].keyPath r.test/a:v1[0].keyDatas r.test/a:v1[1] r.test/a:v1[2].keyData default'],
    );
  });
  it('a log that one of them must be in', () => {
    same(
      [docker({ 'r.test': [signed({ rekorPublicKeyDatas: ['x'], rekorPublicKeyPath: '/x' }), signed()] })],
      {
        'scope-r.test': {
          match: { images: ['r.test/**'] },
          authorities: [
            { name: 'signer-0', key: { pem: PEM } },
            { name: 'signer-1', key: { pem: PEM } },
          ],
          signatures: { allOf: ['signer-0', 'signer-1'] },
          strictness: { dated: { logs: 1 }, repositoryClaim: { rule: 'exact', tag: true } },
        },
        default: { action: 'deny' },
      },
      [
        'mapped r.test[0].keyData r.test[1].keyData default',
        'different r.test[0].rekorPublicKeyPath: any log of the trust state counts, not this one alone',
        'different r.test[0].rekorPublicKeyDatas: any log of the trust state counts, not this one alone',
      ],
    );
  });
  it('scopes within scopes', () => {
    same(
      [
        docker({
          'r.test': [signed()],
          'r.test/a': [signed()],
          'r.test/a/b': [signed()],
          'r.test/ab': [signed()],
          'r.test/a:v1': [signed()],
          'r.test:5000': [signed()],
          'r.test.other': [signed()],
        }),
      ],
      {
        'scope-r.test': {
          match: {
            images: ['r.test/**'],
            exclude: ['r.test/a', 'r.test/a/**', 'r.test/a/b', 'r.test/a/b/**', 'r.test/ab', 'r.test/ab/**', 'r.test/a:v1', 'r.test:5000/**'],
          },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'], exclude: ['r.test/a/b', 'r.test/a/b/**', 'r.test/a:v1'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        'scope-r.test-a-b': {
          match: { images: ['r.test/a/b', 'r.test/a/b/**'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        'scope-r.test-ab': {
          match: { images: ['r.test/ab', 'r.test/ab/**'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        'scope-r.test-a-v1': {
          match: { images: ['r.test/a:v1'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        'scope-r.test-5000': {
          match: { images: ['r.test:5000/**'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        'scope-r.test.other': {
          match: { images: ['r.test.other/**'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        default: { action: 'deny' },
      },
      [
        'mapped r.test[0].keyData r.test/a[0].keyData r.test/a/b[0].keyData r.test/ab[0].keyData r.test/a:v1[0].keyData r.test:5000[0].keyData r.test.other[0].keyData default',
      ],
    );
  });
  it('wildcards within wildcards', () => {
    same(
      [docker({ '*.test': [signed()], '*.r.test': [signed()], 'r.test/a': [signed()], test: [signed()] })],
      {
        'scope-test': {
          match: { images: ['*.test/**', '*.test:*/**'], exclude: ['*.r.test/**', '*.r.test:*/**', 'r.test/a', 'r.test/a/**'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        'scope-r.test': {
          match: { images: ['*.r.test/**', '*.r.test:*/**'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        'scope-test-2': {
          match: { images: ['test/**'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        default: { action: 'deny' },
      },
      ['mapped *.test[0].keyData *.r.test[0].keyData r.test/a[0].keyData test[0].keyData default'],
    );
  });
  it('requirements that claim differently', () => {
    same(
      [docker({ 'r.test/a': [signed(), signed({ signedIdentity: { type: 'matchRepository' } })] })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse: 'This policy could not be carried over: its requirements differ in the identity that a signature must claim.',
        },
        default: { action: 'deny' },
      },
      ['mapped r.test/a[0].keyData r.test/a[1].keyData r.test/a[1].signedIdentity default'],
    );
  });
  it('a requirement that rejects among others', () => {
    same(
      [docker({ 'r.test/a': [signed(), { type: 'reject' }] })],
      {
        'scope-r.test-a': { match: { images: ['r.test/a', 'r.test/a/**'] }, refuse: 'This policy could not be carried over: every image is rejected.' },
        default: { action: 'deny' },
      },
      ['mapped r.test/a[0].keyData r.test/a[1] default'],
    );
  });
  it('GPG', () => {
    same(
      [one({ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/x' })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse: 'This policy could not be carried over: transports.docker.r.test/a[0]: signatures of GPG are not read.',
        },
        default: { action: 'deny' },
      },
      ['mapped default', 'not-mapped r.test/a[0]: signatures of GPG are not read'],
    );
  });
  it('a type that is not known', () => {
    same(
      [one({ type: 'other' })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse: 'This policy could not be carried over: transports.docker.r.test/a[0]: a requirement of this type is not known.',
        },
        default: { action: 'deny' },
      },
      ['mapped default', 'not-mapped r.test/a[0]: a requirement of this type is not known'],
    );
  });
  it('a member that is not known', () => {
    same(
      [one(signed({ subject: 'x' }))],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse: 'This policy could not be carried over: transports.docker.r.test/a[0].subject: Sealward knows no such member.',
        },
        default: { action: 'deny' },
      },
      ['mapped r.test/a[0].keyData default', 'not-mapped r.test/a[0].subject: Sealward knows no such member'],
    );
  });
  it('a key that is none', () => {
    same(
      [one(signed({ keyData: b64('none') }))],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse: 'This policy could not be carried over: transports.docker.r.test/a[0]: it names no public key that is read.',
        },
        default: { action: 'deny' },
      },
      ['mapped r.test/a[0].keyData default', 'not-mapped r.test/a[0]: it names no public key that is read'],
    );
  });
  it('a key that is not in base64', () => {
    same(
      [one(signed({ keyData: '!' }))],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse: 'This policy could not be carried over: transports.docker.r.test/a[0]: it names no public key that is read.',
        },
        default: { action: 'deny' },
      },
      ['mapped r.test/a[0].keyData default', 'not-mapped r.test/a[0]: it names no public key that is read'],
    );
  });
  it('no key', () => {
    same(
      [one({ type: 'sigstoreSigned' })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse: 'This policy could not be carried over: transports.docker.r.test/a[0]: it names no public key that is read.',
        },
        default: { action: 'deny' },
      },
      ['mapped default', 'not-mapped r.test/a[0]: it names no public key that is read'],
    );
  });
});
