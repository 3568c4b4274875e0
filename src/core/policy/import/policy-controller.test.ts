/** What becomes of policy-controller's policies, field by field: the whole document, and every line of the report. */
import { describe, it } from 'node:test';
import { FINGERPRINT, PEM, quotedAuthority, quotedPem, same } from '../../../../test/imports.ts';

const cip = (spec: string, name = 'signed'): string =>
  `{apiVersion: policy.sigstore.dev/v1beta1, kind: ClusterImagePolicy, metadata: {name: ${name}}, spec: {${spec}}}`;
const root = (spec: string): string => `{apiVersion: policy.sigstore.dev/v1alpha1, kind: TrustRoot, metadata: {name: own}, spec: {${spec}}}`;
const about = (authorities: string): string => cip(`images: [{glob: '**'}], authorities: [${authorities}]`);
const key = `{name: k, key: {data: ${quotedPem}}}`;
const byRoot = about('{keyless: {trustRootRef: own, identities: [{issuer: i}]}}');

describe('policy-controller, field by field', () => {
  it('a pattern without a form here is widened to the repository, or to every image', () => {
    same(
      [
        cip(
          `images: [{glob: r.test/a}, {glob: 'r.test/b:v1'}, {glob: 'localhost:5000/a'}, {glob: 'r.test/*'}, {glob: 'R.test/a:v1@sha256:12'}, {glob: 'a b'}, {}], authorities: [${key}]`,
        ),
      ],
      {
        signed: {
          match: { images: ['r.test/a', 'r.test/b:v1', 'localhost:5000/a', 'r.test/*', 'r.test/a', '**', '**'] },
          authorities: [{ name: 'k', key: { pem: PEM } }],
          signatures: 'k',
          strictness: { repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.images[1].glob spec.images[3].glob spec.authorities[0].key',
        'different spec.images[0].glob: here it is about every tag and digest of the repository',
        'different spec.images[2].glob: here it is about every tag and digest of the repository',
        'different spec.images[4].glob: here it is about r.test/a: the pattern "R.test/a:v1@sha256:12" cannot be used: its digest is none, so that it can match nothing',
        'different spec.images[5].glob: here it is about **: the pattern "a b" cannot be used: only letters, digits, . _ - : / @ [ ] and stars can stand in it',
        'different spec.images[6].glob: here it is about **: the pattern "" cannot be used: it is empty',
      ],
    );
  });
  it('a digest is a pattern like any other', () => {
    same(
      [cip(`images: [{glob: 'r.test/c@sha256:${'ab'.repeat(32)}'}], authorities: [${key}]`)],
      {
        signed: {
          match: { images: ['r.test/c@sha256:abababababababababababababababababababababababababababababababab'] },
          authorities: [{ name: 'k', key: { pem: PEM } }],
          signatures: 'k',
          strictness: { repositoryClaim: { rule: 'any' } },
        },
      },
      ['mapped spec.images[0].glob spec.authorities[0].key'],
    );
  });
  it('a policy about no image asks for nothing', () => {
    same([cip(`authorities: [${key}]`)], {}, ['not-mapped the document: it is about no image']);
  });
  it('every member of an authority with a key', () => {
    same(
      [
        cip(
          `mode: warn, match: [{resource: pods}], images: [{glob: '**'}], authorities: [{key: {data: ${quotedPem}, hashAlgorithm: sha512}, ctlog: {url: x}, rfc3161timestamp: {trustRootRef: x}, signatureFormat: bundle, source: [{oci: r.test/signatures, tagPrefix: x, signaturePullSecrets: [{name: y}]}]}]`,
          'Not A Name_',
        ),
      ],
      {
        'not-a-name': {
          match: { images: ['**'] },
          mode: 'warn',
          authorities: [{ name: 'authority-0', key: { pem: PEM } }],
          signatures: 'authority-0',
          strictness: { dated: { logs: 1, timestamps: 1 }, repositoryClaim: { rule: 'any' }, hashes: ['sha512'] },
        },
      },
      [
        'mapped spec.images[0].glob spec.mode spec.authorities[0].key',
        'different spec.match: here it holds for every pod, whatever made it and however it is labelled',
        'not-mapped spec.authorities[0].source[0].oci: signatures are looked for beside the image; what lies elsewhere is not found',
        'not-mapped spec.authorities[0].source[0].tagPrefix: signatures are looked for beside the image; what lies elsewhere is not found',
        'not-mapped spec.authorities[0].source[0].signaturePullSecrets: credentials are given to the webhook, not to a policy',
        'different spec.authorities[0].ctlog: any log of the trust state counts, not this one alone',
        'different spec.authorities[0].rfc3161timestamp: any timestamp authority of the trust state counts, not this one alone',
        'different spec.authorities[0].signatureFormat: every format is read',
      ],
    );
  });
  it('the strictest of several ways to date, and a hash that not all name', () => {
    same(
      [
        about(
          `{keyless: {url: x, identities: [{issuer: i, subject: s}]}, rfc3161timestamp: {trustRootRef: y}}, {name: plain, key: {data: ${quotedPem}, hashAlgorithm: sha256}}`,
        ),
      ],
      {
        signed: {
          match: { images: ['**'] },
          authorities: [
            { name: 'authority-0', keyless: { identities: [{ issuer: { exact: 'i' }, subject: { exact: 's' } }] } },
            { name: 'plain', key: { pem: PEM } },
          ],
          signatures: { anyOf: ['authority-0', 'plain'] },
          strictness: { dated: { logs: 0, timestamps: 1 }, repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.images[0].glob spec.authorities[0].keyless.identities[0].issuer spec.authorities[0].keyless.identities[0].subject spec.authorities[1].key',
        'different spec.authorities[0].keyless.url: any certificate authority of the trust state counts, not this one alone',
        'different spec.authorities[0].rfc3161timestamp: any timestamp authority of the trust state counts, not this one alone',
        'different spec.authorities: how a signature is dated is asked of all authorities alike',
        'different spec.authorities: not all of them name a hash: here every sound one counts',
      ],
    );
  });
  it('one hash that all of them name', () => {
    same(
      [about(`{name: a, key: {data: ${quotedPem}, hashAlgorithm: sha256}}, {name: b, key: {data: ${quotedPem}, hashAlgorithm: sha256}}`)],
      {
        signed: {
          match: { images: ['**'] },
          authorities: [
            { name: 'a', key: { pem: PEM } },
            { name: 'b', key: { pem: PEM } },
          ],
          signatures: { anyOf: ['a', 'b'] },
          strictness: { repositoryClaim: { rule: 'any' }, hashes: ['sha256'] },
        },
      },
      ['mapped spec.images[0].glob spec.authorities[0].key spec.authorities[1].key'],
    );
  });
  it('identities: expressions are over the whole, and what is not understood whole is nobody', () => {
    same(
      [
        about(
          `{keyless: {insecureIgnoreSCT: true, identities: [{issuerRegExp: '^https://i.*$', subjectRegExp: '@acme.test$'}, {subject: a@acme.test}, {issuer: i}, {issuer: i, issuerRegExp: j, subject: s}, {issuer: 5, subject: s}, {}]}}`,
        ),
      ],
      {
        signed: {
          match: { images: ['**'] },
          authorities: [
            {
              name: 'authority-0',
              keyless: {
                identities: [
                  { issuer: { regex: '^https://i.*$' }, subject: { regex: '@acme.test$' } },
                  { issuer: { regex: '.*' }, subject: { exact: 'a@acme.test' } },
                  { issuer: { exact: 'i' } },
                ],
                certificateLog: false,
              },
            },
          ],
          signatures: 'authority-0',
          strictness: { dated: { logs: 1, timestamps: 0 }, repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.images[0].glob spec.authorities[0].keyless.identities[0].issuerRegExp spec.authorities[0].keyless.identities[1].subject spec.authorities[0].keyless.identities[2].issuer spec.authorities[0].keyless.insecureIgnoreSCT',
        'different spec.authorities[0].keyless.identities[0].subjectRegExp: here an expression is over the whole value',
        'different spec.authorities[0].keyless.identities[1]: it names no issuer: whoever issues certificates for that name counts',
        'not-mapped spec.authorities[0].keyless.identities[3]: its issuer is given twice, as a text and as an expression',
        'not-mapped spec.authorities[0].keyless.identities[4]: its issuer is no text',
        'not-mapped spec.authorities[0].keyless.identities[5]: it names nobody',
      ],
    );
  });
  it('a subject alone given twice is nobody, too', () => {
    same(
      [about(`{keyless: {identities: [{issuer: i, subject: s, subjectRegExp: t}]}}`)],
      { signed: { match: { images: ['**'] }, refuse: 'This policy could not be carried over: none of its authorities could be carried over.' } },
      ['mapped spec.images[0].glob', 'not-mapped spec.authorities[0].keyless.identities[0]: its subject is given twice, as a text and as an expression'],
    );
  });
  it('an authority that names nobody', () => {
    same(
      [about('{keyless: {url: x, identities: [{}]}}')],
      { signed: { match: { images: ['**'] }, refuse: 'This policy could not be carried over: none of its authorities could be carried over.' } },
      [
        'mapped spec.images[0].glob',
        'different spec.authorities[0].keyless.url: any certificate authority of the trust state counts, not this one alone',
        'not-mapped spec.authorities[0].keyless.identities[0]: it names nobody',
      ],
    );
  });
  it('an authority in the document, with its certificate log', () => {
    same(
      [about(`{keyless: {ca-cert: {data: ${quotedAuthority}}, insecureIgnoreSCT: false, identities: [{issuer: i}]}}`)],
      {
        signed: {
          match: { images: ['**'] },
          authorities: [{ name: 'authority-0', keyless: { identities: [{ issuer: { exact: 'i' } }], authorities: [FINGERPRINT] } }],
          signatures: 'authority-0',
          strictness: { dated: { logs: 1, timestamps: 0 }, repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.images[0].glob spec.authorities[0].keyless.identities[0].issuer spec.authorities[0].keyless.insecureIgnoreSCT',
        'different spec.authorities[0].keyless.ca-cert: it is named by its fingerprint; add it to the trust state with `sealward trust anchor add`',
      ],
    );
  });
  it('an authority in a Secret', () => {
    same(
      [about('{keyless: {ca-cert: {secretRef: {name: x}}, identities: [{issuer: i}]}}')],
      { signed: { match: { images: ['**'] }, refuse: 'This policy could not be carried over: none of its authorities could be carried over.' } },
      ['mapped spec.images[0].glob', 'not-mapped spec.authorities[0].keyless.ca-cert: its certificates are not in the document'],
    );
  });
  it('a signature by one or attestations by the other become both', () => {
    same(
      [
        about(
          `${key}, {name: ci, keyless: {identities: [{issuer: i}]}, attestations: [{name: sbom, predicateType: spdxjson}, {predicateType: 'https://acme.test/x', policy: {type: cue, data: "// whose\\npredicateType: \\"https://acme.test/x\\""}}]}`,
        ),
      ],
      {
        signed: {
          match: { images: ['**'] },
          authorities: [
            { name: 'k', key: { pem: PEM } },
            { name: 'ci', keyless: { identities: [{ issuer: { exact: 'i' } }] } },
          ],
          signatures: 'k',
          attestations: [
            { name: 'ci-sbom', type: 'spdxjson', from: ['ci'] },
            { name: 'ci-https-acme.test-x', type: 'https://acme.test/x', from: ['ci'], conditions: ['predicateType == "https://acme.test/x"'] },
          ],
          strictness: { dated: { logs: 1, timestamps: 0 }, repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.images[0].glob spec.authorities[0].key spec.authorities[1].keyless.identities[0].issuer spec.authorities[1].attestations[0].predicateType spec.authorities[1].attestations[1].policy spec.authorities[1].attestations[1].predicateType',
        'different spec.authorities: one of them was enough, attestations and signatures alike; here all of it is asked for',
        'different spec.authorities: how a signature is dated is asked of all authorities alike',
      ],
    );
  });
  it('attestations of one authority alone', () => {
    same(
      [about(`{name: k, key: {data: ${quotedPem}}, attestations: [{name: sbom, predicateType: spdxjson}]}`)],
      {
        signed: {
          match: { images: ['**'] },
          authorities: [{ name: 'k', key: { pem: PEM } }],
          attestations: [{ name: 'k-sbom', type: 'spdxjson', from: ['k'] }],
          strictness: { repositoryClaim: { rule: 'any' } },
        },
      },
      ['mapped spec.images[0].glob spec.authorities[0].key spec.authorities[0].attestations[0].predicateType'],
    );
  });
  it('an attestation of no type is not a signature instead', () => {
    same(
      [about(`{name: k, key: {data: ${quotedPem}}, attestations: [{name: sbom}]}`)],
      {
        signed: {
          match: { images: ['**'] },
          refuse: 'This policy could not be carried over: spec.authorities[0].attestations[0]: it names no predicate type.',
        },
      },
      ['mapped spec.images[0].glob spec.authorities[0].key', 'not-mapped spec.authorities[0].attestations[0]: it names no predicate type'],
    );
  });
  it('a policy over the whole', () => {
    same(
      [cip(`images: [{glob: '**'}], policy: {data: x}, authorities: [${key}]`)],
      {
        signed: {
          match: { images: ['**'] },
          refuse: 'This policy could not be carried over: spec.policy: a further policy over the whole is not known here; write it as conditions in CEL.',
        },
      },
      [
        'mapped spec.images[0].glob spec.authorities[0].key',
        'not-mapped spec.policy: a further policy over the whole is not known here; write it as conditions in CEL',
      ],
    );
  });
  it('static fail beside another authority asks for nothing', () => {
    same(
      [about(`{static: {action: fail}}, ${key}`)],
      {
        signed: {
          match: { images: ['**'] },
          authorities: [{ name: 'k', key: { pem: PEM } }],
          signatures: 'k',
          strictness: { repositoryClaim: { rule: 'any' } },
        },
      },
      ['mapped spec.images[0].glob spec.authorities[1].key spec.authorities[0].static'],
    );
  });
  it('static fail alone', () => {
    same(
      [about('{static: {action: fail}}')],
      { signed: { match: { images: ['**'] }, refuse: 'This policy could not be carried over: the policy refuses every image.' } },
      ['mapped spec.images[0].glob spec.authorities[0].static'],
    );
  });
  it('static fail with a message', () => {
    same(
      [about('{static: {action: fail, message: gone}}')],
      { signed: { match: { images: ['**'] }, refuse: 'This policy could not be carried over: gone.' } },
      ['mapped spec.images[0].glob spec.authorities[0].static'],
    );
  });
  it('static pass lets nothing through that something else refuses', () => {
    same(
      [cip(`images: [{glob: '**'}], policy: {type: rego, data: x}, authorities: [{static: {action: pass}}, ${key}]`)],
      {
        signed: {
          match: { images: ['**'] },
          refuse: 'This policy could not be carried over: spec.policy: a rego policy over the whole is not known here; write it as conditions in CEL.',
        },
      },
      [
        'mapped spec.images[0].glob spec.authorities[1].key',
        'not-mapped spec.policy: a rego policy over the whole is not known here; write it as conditions in CEL',
      ],
    );
  });
  it('static pass beside another authority', () => {
    same([about(`${key}, {static: {action: pass}}`)], {}, [
      'mapped spec.images[0].glob',
      'not-mapped spec.authorities[1].static: it lets every image through; without a policy the default rule decides, and an ImageException lets through what must be, until a day',
    ]);
  });
  it('members that nobody knows may ask for something', () => {
    same(
      [cip(`images: [{glob: '**'}], exclusions: [x], authorities: [{name: k, key: {data: ${quotedPem}}, revoked: true}]`)],
      {
        signed: {
          match: { images: ['**'] },
          refuse:
            'This policy could not be carried over: spec.exclusions: Sealward knows no such member; spec.authorities[0].revoked: Sealward knows no such member.',
        },
      },
      [
        'mapped spec.images[0].glob spec.authorities[0].key',
        'not-mapped spec.exclusions: Sealward knows no such member',
        'not-mapped spec.authorities[0].revoked: Sealward knows no such member',
      ],
    );
  });
  it('keys that cannot be read', () => {
    same(
      [about('{key: {data: nothing}}, {key: {kms: x}}')],
      { signed: { match: { images: ['**'] }, refuse: 'This policy could not be carried over: none of its authorities could be carried over.' } },
      [
        'mapped spec.images[0].glob',
        'not-mapped spec.authorities[0].key: it is no public key that is read',
        'not-mapped spec.authorities[1].key: its public key is not in the document: write it into a file with `sealward public-key --key REFERENCE` and name that with key.file',
      ],
    );
  });
  it('policies over attestations that are more than the type', () => {
    same(
      [
        about(
          `{name: k, key: {data: ${quotedPem}}, attestations: [{name: a, predicateType: vuln, policy: {type: rego, data: "predicateType: \\"x\\""}}, {name: b, predicateType: vuln, policy: {type: cue, data: "predicate: x: 1"}}]}`,
        ),
      ],
      {
        signed: {
          match: { images: ['**'] },
          refuse:
            'This policy could not be carried over: spec.authorities[0].attestations[0].policy: its rego policy is not known here; write it as a condition in CEL; spec.authorities[0].attestations[1].policy: its cue policy is not known here; write it as a condition in CEL.',
        },
      },
      [
        'mapped spec.images[0].glob spec.authorities[0].key spec.authorities[0].attestations[0].predicateType spec.authorities[0].attestations[1].predicateType',
        'not-mapped spec.authorities[0].attestations[0].policy: its rego policy is not known here; write it as a condition in CEL',
        'not-mapped spec.authorities[0].attestations[1].policy: its cue policy is not known here; write it as a condition in CEL',
      ],
    );
  });
  it('a TrustRoot with its certificates in PEM', () => {
    same(
      [byRoot, root(`sigstoreKeys: {certificateAuthorities: [{certChain: ${quotedAuthority}}], tLogs: [{}], ctLogs: [{}], timestampAuthorities: [{}]}`)],
      {
        signed: {
          match: { images: ['**'] },
          authorities: [{ name: 'authority-0', keyless: { identities: [{ issuer: { exact: 'i' } }], authorities: [FINGERPRINT] } }],
          signatures: 'authority-0',
          strictness: { dated: { logs: 1, timestamps: 0 }, repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.images[0].glob spec.authorities[0].keyless.identities[0].issuer',
        'different spec.authorities[0].keyless.trustRootRef: its authorities are named by fingerprint; add them to the trust state',
        'different spec.sigstoreKeys.certificateAuthorities[0].certChain: policies name it by its fingerprint; add it to the trust state with `sealward trust anchor add`',
        'not-mapped spec.sigstoreKeys.tLogs: logs and timestamp authorities come from the trust state: add them with `sealward trust anchor add`',
        'not-mapped spec.sigstoreKeys.ctLogs: logs and timestamp authorities come from the trust state: add them with `sealward trust anchor add`',
        'not-mapped spec.sigstoreKeys.timestampAuthorities: logs and timestamp authorities come from the trust state: add them with `sealward trust anchor add`',
      ],
    );
  });
  it('a TrustRoot that is fetched from elsewhere', () => {
    same(
      [byRoot, root('remote: {mirror: x}')],
      { signed: { match: { images: ['**'] }, refuse: 'This policy could not be carried over: none of its authorities could be carried over.' } },
      [
        'mapped spec.images[0].glob',
        'not-mapped spec.authorities[0].keyless.trustRootRef: the TrustRoot is not among the files, or holds no certificates: import it together with this policy',
        'not-mapped spec: it is fetched from elsewhere: add what it holds to the trust state with `sealward trust anchor add`',
      ],
    );
  });
  it('a TrustRoot whose certificates cannot be read', () => {
    same(
      [byRoot, root('sigstoreKeys: {certificateAuthorities: [{certChain: AAAA}]}')],
      { signed: { match: { images: ['**'] }, refuse: 'This policy could not be carried over: none of its authorities could be carried over.' } },
      [
        'mapped spec.images[0].glob',
        'not-mapped spec.authorities[0].keyless.trustRootRef: the TrustRoot is not among the files, or holds no certificates: import it together with this policy',
        'not-mapped spec.sigstoreKeys.certificateAuthorities[0].certChain: it holds no certificates that can be read',
      ],
    );
  });
  it('a TrustRoot without authorities', () => {
    same(
      [byRoot, root('sigstoreKeys: {certificateAuthorities: []}')],
      { signed: { match: { images: ['**'] }, refuse: 'This policy could not be carried over: none of its authorities could be carried over.' } },
      [
        'mapped spec.images[0].glob',
        'not-mapped spec.authorities[0].keyless.trustRootRef: the TrustRoot is not among the files, or holds no certificates: import it together with this policy',
      ],
    );
  });
  it('a TrustRoot that is not there', () => {
    same([byRoot], { signed: { match: { images: ['**'] }, refuse: 'This policy could not be carried over: none of its authorities could be carried over.' } }, [
      'mapped spec.images[0].glob',
      'not-mapped spec.authorities[0].keyless.trustRootRef: the TrustRoot is not among the files, or holds no certificates: import it together with this policy',
    ]);
  });
});
