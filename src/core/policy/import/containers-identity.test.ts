/** What becomes of a policy.json of podman, CRI-O and skopeo, field by field: the whole document, and every line of the report. */
import { describe, it } from 'node:test';
import { AUTHORITY, FINGERPRINT, PEM, same } from '../../../../test/imports.ts';
import { encodeBase64, utf8 } from '../../encoding/index.ts';

const b64 = (text: string): string => encodeBase64(utf8(text));
const docker = (scopes: object, rest: object = { default: [{ type: 'reject' }] }): string => JSON.stringify({ ...rest, transports: { docker: scopes } });
const one = (requirement: object, scope = 'r.test/a'): string => docker({ [scope]: [requirement] });
const signed = (more: object = {}): object => ({ type: 'sigstoreSigned', keyData: b64(PEM), ...more });
const claiming = (signedIdentity: object, scope?: string): string => one(signed({ signedIdentity }), scope);

describe('containers policy.json: authorities, identities and places', () => {
  it('Fulcio with its certificates', () => {
    same(
      [
        one({
          type: 'sigstoreSigned',
          fulcio: { caData: b64(AUTHORITY), oidcIssuer: 'https://i.test', subjectEmail: 'a@i.test' },
          rekorPublicKeyPaths: ['/x'],
        }),
      ],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          authorities: [
            {
              name: 'signer-0',
              keyless: {
                identities: [{ issuer: { exact: 'https://i.test' }, subject: { exact: 'a@i.test' } }],
                authorities: [FINGERPRINT],
                certificateLog: false,
              },
            },
          ],
          signatures: 'signer-0',
          strictness: { dated: { logs: 1 }, repositoryClaim: { rule: 'exact', tag: true } },
        },
        default: { action: 'deny' },
      },
      [
        'mapped default',
        'different r.test/a[0].fulcio: its certificates come from the trust state: add them with `sealward trust anchor add`',
        'different r.test/a[0].rekorPublicKeyPaths: any log of the trust state counts, not this one alone',
      ],
    );
  });
  it('Fulcio with certificates in a file', () => {
    same(
      [one({ type: 'sigstoreSigned', fulcio: { caPath: '/ca.pem', oidcIssuer: 'https://i.test', subjectEmail: 'a@i.test' }, rekorPublicKeyData: 'x' })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          authorities: [
            { name: 'signer-0', keyless: { identities: [{ issuer: { exact: 'https://i.test' }, subject: { exact: 'a@i.test' } }], certificateLog: false } },
          ],
          signatures: 'signer-0',
          strictness: { dated: { logs: 1 }, repositoryClaim: { rule: 'exact', tag: true } },
        },
        default: { action: 'deny' },
      },
      [
        'mapped default',
        'different r.test/a[0].fulcio: its certificates come from the trust state: add them with `sealward trust anchor add`',
        'different r.test/a[0].rekorPublicKeyData: any log of the trust state counts, not this one alone',
      ],
    );
  });
  it('Fulcio with certificates that are none', () => {
    same(
      [one({ type: 'sigstoreSigned', fulcio: { caData: 'AAAA', oidcIssuer: 'https://i.test', subjectEmail: 'a@i.test' }, rekorPublicKeyData: 'x' })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse: 'This policy could not be carried over: transports.docker.r.test/a[0].fulcio.caData: it holds no certificates.',
        },
        default: { action: 'deny' },
      },
      [
        'mapped default',
        'different r.test/a[0].fulcio: its certificates come from the trust state: add them with `sealward trust anchor add`',
        'not-mapped r.test/a[0].fulcio.caData: it holds no certificates',
        'different r.test/a[0].rekorPublicKeyData: any log of the trust state counts, not this one alone',
      ],
    );
  });
  it('Fulcio without a name', () => {
    same(
      [one({ type: 'sigstoreSigned', fulcio: { caPath: '/ca.pem', oidcIssuer: 'https://i.test' } })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse: 'This policy could not be carried over: exactly one of exact and regex must be given; this text must have between 1 and 512 characters.',
        },
        default: { action: 'deny' },
      },
      [
        'mapped default',
        'different r.test/a[0].fulcio: its certificates come from the trust state: add them with `sealward trust anchor add`',
        'not-mapped the document: exactly one of exact and regex must be given; this text must have between 1 and 512 characters',
      ],
    );
  });
  it('Fulcio without an issuer', () => {
    same(
      [one({ type: 'sigstoreSigned', fulcio: { caPath: '/ca.pem', subjectEmail: 'a@i.test' } })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse: 'This policy could not be carried over: exactly one of exact and regex must be given; this text must have between 1 and 512 characters.',
        },
        default: { action: 'deny' },
      },
      [
        'mapped default',
        'different r.test/a[0].fulcio: its certificates come from the trust state: add them with `sealward trust anchor add`',
        'not-mapped the document: exactly one of exact and regex must be given; this text must have between 1 and 512 characters',
      ],
    );
  });
  it('a private authority, with an intermediate that does not end its line', () => {
    same(
      [one({ type: 'sigstoreSigned', pki: { caRootsData: b64(AUTHORITY), caIntermediatesData: b64(AUTHORITY.trimEnd()), subjectHostname: 'sign.test' } })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          authorities: [{ name: 'signer-0', certificate: { pem: `${AUTHORITY}${AUTHORITY}`, names: [{ exact: 'sign.test' }] } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        default: { action: 'deny' },
      },
      ['mapped r.test/a[0].pki default'],
    );
  });
  it('a private authority in a file', () => {
    same(
      [one({ type: 'sigstoreSigned', pki: { caRootsPath: '/ca.pem', subjectEmail: 'a@i.test' } })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          authorities: [{ name: 'signer-0', certificate: { file: '/ca.pem', names: [{ exact: 'a@i.test' }] } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        default: { action: 'deny' },
      },
      ['mapped r.test/a[0].pki default'],
    );
  });
  it('a private authority for nobody', () => {
    same(
      [one({ type: 'sigstoreSigned', pki: { caRootsPath: '/ca.pem' } })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse: 'This policy could not be carried over: transports.docker.r.test/a[0].pki: it names nobody.',
        },
        default: { action: 'deny' },
      },
      ['mapped default', 'not-mapped r.test/a[0].pki: it names nobody'],
    );
  });
  it('a private authority for two names', () => {
    same(
      [one({ type: 'sigstoreSigned', pki: { caRootsPath: '/ca.pem', subjectEmail: 'a@i.test', subjectHostname: 'sign.test' } })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse: 'This policy could not be carried over: transports.docker.r.test/a[0].pki: two names of one certificate cannot be asked for.',
        },
        default: { action: 'deny' },
      },
      ['mapped default', 'not-mapped r.test/a[0].pki: two names of one certificate cannot be asked for'],
    );
  });
  it('a private authority that is none', () => {
    same(
      [one({ type: 'sigstoreSigned', pki: { caRootsData: 'x', subjectEmail: 'a@i.test' } })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse: 'This policy could not be carried over: exactly one of pem and file must be given; this text must have between 1 and 65536 characters.',
        },
        default: { action: 'deny' },
      },
      [
        'mapped r.test/a[0].pki default',
        'not-mapped the document: exactly one of pem and file must be given; this text must have between 1 and 65536 characters',
      ],
    );
  });
  it('identity: as it was asked for', () => {
    same(
      [claiming({ type: 'matchExact' })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        default: { action: 'deny' },
      },
      ['mapped r.test/a[0].keyData default', 'different r.test/a[0].signedIdentity: here an image that is named by digest matches by its repository'],
    );
  });
  it('identity: by digest or as it was asked for', () => {
    same(
      [claiming({ type: 'matchRepoDigestOrExact' })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        default: { action: 'deny' },
      },
      ['mapped r.test/a[0].keyData r.test/a[0].signedIdentity default'],
    );
  });
  it('identity: the repository', () => {
    same(
      [claiming({ type: 'matchRepository' })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact' } },
        },
        default: { action: 'deny' },
      },
      ['mapped r.test/a[0].keyData r.test/a[0].signedIdentity default'],
    );
  });
  it('identity: another prefix', () => {
    same(
      [claiming({ type: 'remapIdentity', prefix: 'r.test', signedPrefix: 'o.test' }, 'r.test')],
      {
        'scope-r.test': {
          match: { images: ['r.test/**'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', mirrors: [{ from: 'r.test', to: 'o.test' }], tag: true } },
        },
        default: { action: 'deny' },
      },
      ['mapped r.test[0].keyData r.test[0].signedIdentity default'],
    );
  });
  it('identity: a prefix without another', () => {
    same(
      [claiming({ type: 'remapIdentity', prefix: 'r.test' })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse: 'This policy could not be carried over: this text must have between 1 and 512 characters.',
        },
        default: { action: 'deny' },
      },
      ['mapped r.test/a[0].keyData r.test/a[0].signedIdentity default', 'not-mapped the document: this text must have between 1 and 512 characters'],
    );
  });
  it('identity: the other repository of one', () => {
    same(
      [claiming({ type: 'exactRepository', dockerRepository: 'o.test:5000/b' })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', mirrors: [{ from: 'r.test/a', to: 'o.test:5000/b' }] } },
        },
        default: { action: 'deny' },
      },
      ['mapped r.test/a[0].keyData r.test/a[0].signedIdentity default'],
    );
  });
  it('identity: the other repository of one tag', () => {
    same(
      [claiming({ type: 'exactRepository', dockerRepository: 'o.test/b' }, 'r.test:5000/a:v1')],
      {
        'scope-r.test-5000-a-v1': {
          match: { images: ['r.test:5000/a:v1'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', mirrors: [{ from: 'r.test:5000/a', to: 'o.test/b' }] } },
        },
        default: { action: 'deny' },
      },
      ['mapped r.test:5000/a:v1[0].keyData r.test:5000/a:v1[0].signedIdentity default'],
    );
  });
  it('identity: one reference for its own tag', () => {
    same(
      [claiming({ type: 'exactReference', dockerReference: 'o.test/b:v1' }, 'r.test/a:v1')],
      {
        'scope-r.test-a-v1': {
          match: { images: ['r.test/a:v1'] },
          authorities: [{ name: 'signer-0', key: { pem: PEM } }],
          signatures: 'signer-0',
          strictness: { repositoryClaim: { rule: 'exact', mirrors: [{ from: 'r.test/a', to: 'o.test/b' }], tag: true } },
        },
        default: { action: 'deny' },
      },
      ['mapped r.test/a:v1[0].keyData r.test/a:v1[0].signedIdentity default'],
    );
  });
  it('identity: one reference for every tag would let others through', () => {
    same(
      [claiming({ type: 'exactReference', dockerReference: 'o.test/b:v1' })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse:
            'This policy could not be carried over: transports.docker.r.test/a[0].signedIdentity: it can be carried over for one repository, and with the tag of the scope, alone.',
        },
        default: { action: 'deny' },
      },
      [
        'mapped r.test/a[0].keyData default',
        'not-mapped r.test/a[0].signedIdentity: it can be carried over for one repository, and with the tag of the scope, alone',
      ],
    );
  });
  it('identity: one reference for another tag', () => {
    same(
      [claiming({ type: 'exactReference', dockerReference: 'o.test/b:v1' }, 'r.test/a:v2')],
      {
        'scope-r.test-a-v2': {
          match: { images: ['r.test/a:v2'] },
          refuse:
            'This policy could not be carried over: transports.docker.r.test/a:v2[0].signedIdentity: it can be carried over for one repository, and with the tag of the scope, alone.',
        },
        default: { action: 'deny' },
      },
      [
        'mapped r.test/a:v2[0].keyData default',
        'not-mapped r.test/a:v2[0].signedIdentity: it can be carried over for one repository, and with the tag of the scope, alone',
      ],
    );
  });
  it('identity: a reference by digest', () => {
    same(
      [claiming({ type: 'exactReference', dockerReference: `o.test/b@sha256:${'0'.repeat(64)}` }, `r.test/a@sha256:${'0'.repeat(64)}`)],
      {
        'scope-r.test-a-sha256-0000000000000000000000000000000000000000000000000000000000000000': {
          match: { images: ['r.test/a@sha256:0000000000000000000000000000000000000000000000000000000000000000'] },
          refuse:
            'This policy could not be carried over: transports.docker.r.test/a@sha256:0000000000000000000000000000000000000000000000000000000000000000[0].signedIdentity: it can be carried over for one repository, and with the tag of the scope, alone.',
        },
        default: { action: 'deny' },
      },
      [
        'mapped r.test/a@sha256:0000000000000000000000000000000000000000000000000000000000000000[0].keyData default',
        'not-mapped r.test/a@sha256:0000000000000000000000000000000000000000000000000000000000000000[0].signedIdentity: it can be carried over for one repository, and with the tag of the scope, alone',
      ],
    );
  });
  it('identity: one repository for a whole registry', () => {
    same(
      [claiming({ type: 'exactRepository', dockerRepository: 'o.test/b' }, 'r.test')],
      {
        'scope-r.test': {
          match: { images: ['r.test/**'] },
          refuse:
            'This policy could not be carried over: transports.docker.r.test[0].signedIdentity: it can be carried over for one repository, and with the tag of the scope, alone.',
        },
        default: { action: 'deny' },
      },
      [
        'mapped r.test[0].keyData default',
        'not-mapped r.test[0].signedIdentity: it can be carried over for one repository, and with the tag of the scope, alone',
      ],
    );
  });
  it('identity: no repository', () => {
    same(
      [claiming({ type: 'exactRepository', dockerReference: 'o.test/b' })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse:
            'This policy could not be carried over: transports.docker.r.test/a[0].signedIdentity: it can be carried over for one repository, and with the tag of the scope, alone.',
        },
        default: { action: 'deny' },
      },
      [
        'mapped r.test/a[0].keyData default',
        'not-mapped r.test/a[0].signedIdentity: it can be carried over for one repository, and with the tag of the scope, alone',
      ],
    );
  });
  it('identity: not known', () => {
    same(
      [claiming({ type: 'other' })],
      {
        'scope-r.test-a': {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse: 'This policy could not be carried over: transports.docker.r.test/a[0].signedIdentity: this identity is not known.',
        },
        default: { action: 'deny' },
      },
      ['mapped r.test/a[0].keyData default', 'not-mapped r.test/a[0].signedIdentity: this identity is not known'],
    );
  });
  it('registries.d', () => {
    same(
      [
        JSON.stringify({
          'default-docker': { lookaside: 'x', 'sigstore-staging': 'x' },
          docker: { 'r.test': { 'use-sigstore-attachments': true, 'lookaside-staging': 'x', sigstore: 'x' } },
        }),
      ],
      {},
      [
        'mapped docker.r.test.use-sigstore-attachments',
        'not-mapped default-docker.lookaside: signatures of GPG on a web server are not read',
        'not-mapped default-docker.sigstore-staging: signatures of GPG on a web server are not read',
        'not-mapped docker.r.test.lookaside-staging: signatures of GPG on a web server are not read',
        'not-mapped docker.r.test.sigstore: signatures of GPG on a web server are not read',
      ],
    );
  });
  it('registries.d without a default', () => {
    same([JSON.stringify({ docker: { 'r.test': { lookaside: 'x' } } })], {}, [
      'not-mapped docker.r.test.lookaside: signatures of GPG on a web server are not read',
    ]);
  });
});
