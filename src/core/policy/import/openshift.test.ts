/** What becomes of OpenShift's image policies, field by field: the whole document, and every line of the report. */
import { describe, it } from 'node:test';
import { AUTHORITY, FINGERPRINT, PEM, same } from '../../../../test/imports.ts';
import { encodeBase64, utf8 } from '../../encoding/index.ts';

const b64 = (text: string): string => encodeBase64(utf8(text));
const key = { policyType: 'PublicKey', publicKey: { keyData: b64(PEM) } };
const policy = (scopes: readonly string[], rootOfTrust: object = key, signedIdentity?: object, metadata: object = { name: 'p' }): string =>
  JSON.stringify({
    apiVersion: 'config.openshift.io/v1',
    kind: 'namespace' in metadata ? 'ImagePolicy' : 'ClusterImagePolicy',
    metadata,
    spec: { scopes, policy: { rootOfTrust, signedIdentity } },
  });
const subject = { oidcIssuer: 'https://i.test', signedEmail: 'a@i.test' };

describe("OpenShift's image policies, field by field", () => {
  it('nobody in a namespace takes images out of a policy of the whole cluster', () => {
    same(
      [policy(['r.test'], key, undefined, { name: 'cluster' }), policy(['r.test/a'], key, undefined, { name: 'more', namespace: 'shop' })],
      {
        cluster: {
          match: { images: ['r.test/**'] },
          authorities: [{ name: 'key', key: { pem: PEM } }],
          signatures: 'key',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        more: {
          match: { images: ['r.test/a', 'r.test/a/**'], namespaces: [{ exact: 'shop' }] },
          authorities: [{ name: 'key', key: { pem: PEM } }],
          signatures: 'key',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
      },
      ['mapped spec.scopes spec.policy.rootOfTrust.publicKey.keyData spec.scopes spec.policy.rootOfTrust.publicKey.keyData'],
    );
  });
  it('the cluster takes its images out of a policy of a namespace, and so does the namespace itself', () => {
    same(
      [
        policy(['r.test/a'], key, undefined, { name: 'cluster' }),
        policy(['r.test'], key, undefined, { name: 'wide', namespace: 'shop' }),
        policy(['r.test/b'], key, undefined, { name: 'narrow', namespace: 'shop' }),
        policy(['r.test/c'], key, undefined, { name: 'narrow', namespace: 'other' }),
      ],
      {
        cluster: {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          authorities: [{ name: 'key', key: { pem: PEM } }],
          signatures: 'key',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        wide: {
          match: { images: ['r.test/**'], exclude: ['r.test/a', 'r.test/a/**', 'r.test/b', 'r.test/b/**'], namespaces: [{ exact: 'shop' }] },
          authorities: [{ name: 'key', key: { pem: PEM } }],
          signatures: 'key',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        narrow: {
          match: { images: ['r.test/b', 'r.test/b/**'], namespaces: [{ exact: 'shop' }] },
          authorities: [{ name: 'key', key: { pem: PEM } }],
          signatures: 'key',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        'narrow-2': {
          match: { images: ['r.test/c', 'r.test/c/**'], namespaces: [{ exact: 'other' }] },
          authorities: [{ name: 'key', key: { pem: PEM } }],
          signatures: 'key',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
      },
      [
        'mapped spec.scopes spec.policy.rootOfTrust.publicKey.keyData spec.scopes spec.policy.rootOfTrust.publicKey.keyData spec.scopes spec.policy.rootOfTrust.publicKey.keyData spec.scopes spec.policy.rootOfTrust.publicKey.keyData',
      ],
    );
  });
  it('scopes of one policy are not taken out of each other', () => {
    same(
      [policy(['r.test', 'r.test/a', 'o.test/x'], key, undefined, { name: 'p' }), policy(['r.test/a/b', 'o.test/x/y'], key, undefined, { name: 'q' })],
      {
        p: {
          match: {
            images: ['r.test/**', 'r.test/a', 'r.test/a/**', 'o.test/x', 'o.test/x/**'],
            exclude: ['r.test/a/b', 'r.test/a/b/**', 'o.test/x/y', 'o.test/x/y/**'],
          },
          authorities: [{ name: 'key', key: { pem: PEM } }],
          signatures: 'key',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
        q: {
          match: { images: ['r.test/a/b', 'r.test/a/b/**', 'o.test/x/y', 'o.test/x/y/**'] },
          authorities: [{ name: 'key', key: { pem: PEM } }],
          signatures: 'key',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
      },
      ['mapped spec.scopes spec.policy.rootOfTrust.publicKey.keyData spec.scopes spec.policy.rootOfTrust.publicKey.keyData'],
    );
  });
  it('no scope', () => {
    same([policy([])], { p: { refuse: 'This policy could not be carried over: it names no scope.' } }, [
      'mapped spec.scopes spec.policy.rootOfTrust.publicKey.keyData',
    ]);
  });
  it('a key that must be in a log', () => {
    same(
      [policy(['r.test'], { publicKey: { keyData: b64(PEM), rekorKeyData: 'x' } })],
      {
        p: {
          match: { images: ['r.test/**'] },
          authorities: [{ name: 'key', key: { pem: PEM } }],
          signatures: 'key',
          strictness: { dated: { logs: 1 }, repositoryClaim: { rule: 'exact', tag: true } },
        },
      },
      [
        'mapped spec.scopes spec.policy.rootOfTrust.publicKey.keyData',
        'different spec.policy.rootOfTrust.publicKey.rekorKeyData: any log of the trust state counts, not this one alone',
      ],
    );
  });
  it('a key that is none', () => {
    same(
      [policy(['r.test'], { publicKey: { keyData: b64('none') } })],
      {
        p: {
          match: { images: ['r.test/**'] },
          refuse: 'This policy could not be carried over: spec.policy.rootOfTrust.publicKey.keyData: it is no public key that is read.',
        },
      },
      ['mapped spec.scopes', 'not-mapped spec.policy.rootOfTrust.publicKey.keyData: it is no public key that is read'],
    );
  });
  it('Fulcio', () => {
    same(
      [policy(['r.test'], { fulcioCAWithRekor: { fulcioCAData: b64(AUTHORITY), rekorKeyData: 'x', fulcioSubject: subject } })],
      {
        p: {
          match: { images: ['r.test/**'] },
          authorities: [
            {
              name: 'signer',
              keyless: {
                identities: [{ issuer: { exact: 'https://i.test' }, subject: { exact: 'a@i.test' } }],
                authorities: [FINGERPRINT],
                certificateLog: false,
              },
            },
          ],
          signatures: 'signer',
          strictness: { dated: { logs: 1 }, repositoryClaim: { rule: 'exact', tag: true } },
        },
      },
      [
        'mapped spec.scopes',
        'different spec.policy.rootOfTrust.fulcioCAWithRekor: its certificates and log come from the trust state: add them with `sealward trust anchor add`',
      ],
    );
  });
  it('Fulcio without certificates', () => {
    same(
      [policy(['r.test'], { fulcioCAWithRekor: { rekorKeyData: 'x', fulcioSubject: subject } })],
      {
        p: {
          match: { images: ['r.test/**'] },
          refuse: 'This policy could not be carried over: spec.policy.rootOfTrust.fulcioCAWithRekor.fulcioCAData: it holds no certificates.',
        },
      },
      ['mapped spec.scopes', 'not-mapped spec.policy.rootOfTrust.fulcioCAWithRekor.fulcioCAData: it holds no certificates'],
    );
  });
  it('Fulcio for nobody', () => {
    same(
      [policy(['r.test'], { fulcioCAWithRekor: { fulcioCAData: b64(AUTHORITY), rekorKeyData: 'x' } })],
      {
        p: {
          match: { images: ['r.test/**'] },
          refuse:
            'This policy could not be carried over: exactly one of exact and regex must be given; this text must have between 1 and 512 characters; exactly one of exact and regex must be given; this text must have between 1 and 512 characters.',
        },
      },
      [
        'mapped spec.scopes',
        'different spec.policy.rootOfTrust.fulcioCAWithRekor: its certificates and log come from the trust state: add them with `sealward trust anchor add`',
        'not-mapped the document: exactly one of exact and regex must be given; this text must have between 1 and 512 characters; exactly one of exact and regex must be given; this text must have between 1 and 512 characters',
      ],
    );
  });
  it('a private authority, by the name of a host', () => {
    same(
      [policy(['r.test'], { pki: { caRootsData: b64(AUTHORITY), caIntermediatesData: b64(AUTHORITY), pkiCertificateSubject: { hostname: 'sign.test' } } })],
      {
        p: {
          match: { images: ['r.test/**'] },
          authorities: [{ name: 'signer', certificate: { pem: `${AUTHORITY}\n${AUTHORITY}`, names: [{ exact: 'sign.test' }] } }],
          signatures: 'signer',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
      },
      ['mapped spec.scopes spec.policy.rootOfTrust.pki'],
    );
  });
  it('a private authority, by an e-mail address', () => {
    same(
      [policy(['r.test'], { pki: { caRootsData: b64(AUTHORITY), pkiCertificateSubject: { email: 'a@i.test' } } })],
      {
        p: {
          match: { images: ['r.test/**'] },
          authorities: [{ name: 'signer', certificate: { pem: AUTHORITY, names: [{ exact: 'a@i.test' }] } }],
          signatures: 'signer',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
      },
      ['mapped spec.scopes spec.policy.rootOfTrust.pki'],
    );
  });
  it('a private authority for nobody', () => {
    same(
      [policy(['r.test'], { pki: { caRootsData: b64(AUTHORITY) } })],
      { p: { match: { images: ['r.test/**'] }, refuse: 'This policy could not be carried over: spec.policy.rootOfTrust.pki: it names nobody.' } },
      ['mapped spec.scopes', 'not-mapped spec.policy.rootOfTrust.pki: it names nobody'],
    );
  });
  it('a root of trust that is not known', () => {
    same(
      [policy(['r.test'], { policyType: 'Other' })],
      { p: { match: { images: ['r.test/**'] }, refuse: 'This policy could not be carried over: spec.policy.rootOfTrust: this root of trust is not known.' } },
      ['mapped spec.scopes', 'not-mapped spec.policy.rootOfTrust: this root of trust is not known'],
    );
  });
  it('identity: by digest or as it was asked for', () => {
    same(
      [policy(['r.test'], key, { matchPolicy: 'MatchRepoDigestOrExact' })],
      {
        p: {
          match: { images: ['r.test/**'] },
          authorities: [{ name: 'key', key: { pem: PEM } }],
          signatures: 'key',
          strictness: { repositoryClaim: { rule: 'exact', tag: true } },
        },
      },
      ['mapped spec.scopes spec.policy.rootOfTrust.publicKey.keyData spec.policy.signedIdentity'],
    );
  });
  it('identity: the repository', () => {
    same(
      [policy(['r.test'], key, { matchPolicy: 'MatchRepository' })],
      {
        p: {
          match: { images: ['r.test/**'] },
          authorities: [{ name: 'key', key: { pem: PEM } }],
          signatures: 'key',
          strictness: { repositoryClaim: { rule: 'exact' } },
        },
      },
      ['mapped spec.scopes spec.policy.rootOfTrust.publicKey.keyData spec.policy.signedIdentity'],
    );
  });
  it('identity: another prefix', () => {
    same(
      [policy(['r.test'], key, { matchPolicy: 'RemapIdentity', remapIdentity: { prefix: 'r.test', signedPrefix: 'o.test' } })],
      {
        p: {
          match: { images: ['r.test/**'] },
          authorities: [{ name: 'key', key: { pem: PEM } }],
          signatures: 'key',
          strictness: { repositoryClaim: { rule: 'exact', mirrors: [{ from: 'r.test', to: 'o.test' }], tag: true } },
        },
      },
      ['mapped spec.scopes spec.policy.rootOfTrust.publicKey.keyData spec.policy.signedIdentity'],
    );
  });
  it('identity: no prefix', () => {
    same(
      [policy(['r.test'], key, { matchPolicy: 'RemapIdentity' })],
      {
        p: {
          match: { images: ['r.test/**'] },
          refuse: 'This policy could not be carried over: this text must have between 1 and 512 characters; this text must have between 1 and 512 characters.',
        },
      },
      [
        'mapped spec.scopes spec.policy.rootOfTrust.publicKey.keyData spec.policy.signedIdentity',
        'not-mapped the document: this text must have between 1 and 512 characters; this text must have between 1 and 512 characters',
      ],
    );
  });
  it('identity: the other repository of one', () => {
    same(
      [policy(['r.test/a'], key, { matchPolicy: 'ExactRepository', exactRepository: { repository: 'o.test/b' } })],
      {
        p: {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          authorities: [{ name: 'key', key: { pem: PEM } }],
          signatures: 'key',
          strictness: { repositoryClaim: { rule: 'exact', mirrors: [{ from: 'r.test/a', to: 'o.test/b' }] } },
        },
      },
      ['mapped spec.scopes spec.policy.rootOfTrust.publicKey.keyData spec.policy.signedIdentity'],
    );
  });
  it('identity: one repository for two scopes', () => {
    same(
      [policy(['r.test/a', 'r.test/b'], key, { matchPolicy: 'ExactRepository', exactRepository: { repository: 'o.test/b' } })],
      {
        p: {
          match: { images: ['r.test/a', 'r.test/a/**', 'r.test/b', 'r.test/b/**'] },
          refuse:
            'This policy could not be carried over: spec.policy.signedIdentity: it can be carried over for one repository, and with the tag of the scope, alone.',
        },
      },
      [
        'mapped spec.scopes spec.policy.rootOfTrust.publicKey.keyData',
        'not-mapped spec.policy.signedIdentity: it can be carried over for one repository, and with the tag of the scope, alone',
      ],
    );
  });
  it('identity: no repository', () => {
    same(
      [policy(['r.test/a'], key, { matchPolicy: 'ExactRepository' })],
      {
        p: {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse:
            'This policy could not be carried over: spec.policy.signedIdentity: it can be carried over for one repository, and with the tag of the scope, alone.',
        },
      },
      [
        'mapped spec.scopes spec.policy.rootOfTrust.publicKey.keyData',
        'not-mapped spec.policy.signedIdentity: it can be carried over for one repository, and with the tag of the scope, alone',
      ],
    );
  });
  it('identity: not known', () => {
    same(
      [policy(['r.test/a'], key, { matchPolicy: 'Other' })],
      {
        p: {
          match: { images: ['r.test/a', 'r.test/a/**'] },
          refuse: 'This policy could not be carried over: spec.policy.signedIdentity: this way to match is not known.',
        },
      },
      ['mapped spec.scopes spec.policy.rootOfTrust.publicKey.keyData', 'not-mapped spec.policy.signedIdentity: this way to match is not known'],
    );
  });
});
