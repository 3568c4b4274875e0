/** What becomes of Kyverno's ImageValidatingPolicy, field by field: the whole document, and every line of the report. */
import { describe, it } from 'node:test';
import { PEM, quotedPem, same } from '../../../../test/imports.ts';

const ivp = (spec: string, metadata = 'name: p', kind = 'ImageValidatingPolicy'): string =>
  `{apiVersion: policies.kyverno.io/v1, kind: ${kind}, metadata: {${metadata}}, spec: {${spec}}}`;
const signedBy = (...names: string[]): string =>
  `{expression: 'images.containers.map(image, verifyImageSignatures(image, [${names.join(', ')}])).all(e, e > 0)'}`;
const attested = (what: string, ...names: string[]): string =>
  `{expression: 'images.containers.map(i, verifyAttestationSignatures(i, ${what}, [${names.join(', ')}])).all(n, n > 0)'}`;
const key = `{name: key, cosign: {key: {data: ${quotedPem}}, ctlog: {insecureIgnoreTlog: true}}}`;
const ci = '{name: ci, cosign: {keyless: {identities: [{issuer: i, subject: s}]}}}';
const by = (attestor: string): string => ivp(`attestors: [${attestor}], validations: [${signedBy('attestors.a')}]`);

describe("Kyverno's ImageValidatingPolicy, field by field", () => {
  it('by a key, without a log', () => {
    same(
      [ivp(`attestors: [${key}, ${ci}], validations: [${signedBy('attestors.key')}]`)],
      { p: { authorities: [{ name: 'key', key: { pem: PEM } }], signatures: 'key', strictness: { repositoryClaim: { rule: 'any' } } } },
      [
        'mapped spec.attestors[0].cosign.key spec.attestors[1].cosign.keyless.identities[0].issuer spec.attestors[1].cosign.keyless.identities[0].subject',
        'different spec.attestors[0].cosign.ctlog: any log of the trust state counts, not this one alone',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('each of several validations, and any attestor of one', () => {
    same(
      [ivp(`attestors: [${key}, ${ci}], validations: [${signedBy('attestors.key', 'attestors["ci"]')}, ${signedBy('attestors.ci')}]`)],
      {
        p: {
          authorities: [
            { name: 'key', key: { pem: PEM } },
            { name: 'ci', keyless: { identities: [{ issuer: { exact: 'i' }, subject: { exact: 's' } }] } },
          ],
          signatures: { allOf: [{ anyOf: ['key', 'ci'] }, 'ci'] },
          strictness: { dated: { logs: 1 }, repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.attestors[0].cosign.key spec.attestors[1].cosign.keyless.identities[0].issuer spec.attestors[1].cosign.keyless.identities[0].subject',
        'different spec.attestors[0].cosign.ctlog: any log of the trust state counts, not this one alone',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
        'different spec.validations[1].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('attestations by name, with their types', () => {
    same(
      [
        ivp(
          `attestors: [${key}, ${ci}], attestations: [{name: scan, intoto: {type: acme.test/scan}}, {name: 'sb.om', intoto: {type: 'https://acme.test/sbom'}}], validations: [${attested('attestations.scan', 'attestors.key')}, ${attested('attestations["sb.om"]', 'attestors.ci', 'attestors.key')}]`,
        ),
      ],
      {
        p: {
          authorities: [
            { name: 'key', key: { pem: PEM } },
            { name: 'ci', keyless: { identities: [{ issuer: { exact: 'i' }, subject: { exact: 's' } }] } },
          ],
          attestations: [
            { name: 'scan-0', type: 'https://acme.test/scan', from: ['key'] },
            { name: 'sb.om-1', type: 'https://acme.test/sbom', from: ['ci', 'key'] },
          ],
          strictness: { dated: { logs: 1 }, repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.attestors[0].cosign.key spec.attestors[1].cosign.keyless.identities[0].issuer spec.attestors[1].cosign.keyless.identities[0].subject spec.attestations[1].intoto.type',
        'different spec.attestors[0].cosign.ctlog: any log of the trust state counts, not this one alone',
        'different spec.attestations[0].intoto.type: https:// was put before it: a predicate type is a URI',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
        'different spec.validations[1].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('an attestation that is not there, or is no in-toto', () => {
    same(
      [
        ivp(
          `attestors: [${key}], attestations: [{name: notes, referrer: {type: x}}], validations: [${attested('attestations.other', 'attestors.key')}, ${attested('attestations.notes', 'attestors.key')}]`,
        ),
      ],
      {
        p: {
          refuse:
            'This policy could not be carried over: spec.attestations[0]: only in-toto attestations are known here; spec.validations[0].expression: the attestation other cannot be carried over; spec.validations[1].expression: the attestation notes cannot be carried over.',
        },
      },
      [
        'mapped spec.attestors[0].cosign.key',
        'different spec.attestors[0].cosign.ctlog: any log of the trust state counts, not this one alone',
        'not-mapped spec.attestations[0]: only in-toto attestations are known here',
        'not-mapped spec.validations[0].expression: the attestation other cannot be carried over',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
        'not-mapped spec.validations[1].expression: the attestation notes cannot be carried over',
        'different spec.validations[1].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('an attestor that is not there', () => {
    same(
      [ivp(`attestors: [${key}], validations: [${signedBy('attestors.other')}, ${signedBy('attestors.key', 'attestors["third"]')}]`)],
      {
        p: {
          refuse:
            'This policy could not be carried over: spec.validations[0].expression: there is no attestor other; spec.validations[1].expression: there is no attestor third.',
        },
      },
      [
        'mapped spec.attestors[0].cosign.key',
        'different spec.attestors[0].cosign.ctlog: any log of the trust state counts, not this one alone',
        'not-mapped spec.validations[0].expression: there is no attestor other',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
        'not-mapped spec.validations[1].expression: there is no attestor third',
        'different spec.validations[1].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('expressions that say something else', () => {
    same(
      [
        ivp(
          `attestors: [${key}], validations: [{expression: 'images.containers.map(image, verifyImageSignatures(image, [attestors.key])).all(e, e > 1)'}, {expression: 'images.containers.map(image, verifyImageSignatures(other, [attestors.key])).all(e, e > 0)'}, {expression: 'images.containers.map(image, verifyImageSignatures(image, [attestors.key])).all(e, f > 0)'}, {}]`,
        ),
      ],
      {
        p: {
          refuse:
            'This policy could not be carried over: spec.validations[0].expression: the expression has no form here; write it as attestations with conditions in CEL; spec.validations[1].expression: the expression has no form here; write it as attestations with conditions in CEL; spec.validations[2].expression: the expression has no form here; write it as attestations with conditions in CEL; spec.validations[3].expression: the expression has no form here; write it as attestations with conditions in CEL.',
        },
      },
      [
        'mapped spec.attestors[0].cosign.key',
        'different spec.attestors[0].cosign.ctlog: any log of the trust state counts, not this one alone',
        'not-mapped spec.validations[0].expression: the expression has no form here; write it as attestations with conditions in CEL',
        'not-mapped spec.validations[1].expression: the expression has no form here; write it as attestations with conditions in CEL',
        'not-mapped spec.validations[2].expression: the expression has no form here; write it as attestations with conditions in CEL',
        'not-mapped spec.validations[3].expression: the expression has no form here; write it as attestations with conditions in CEL',
      ],
    );
  });
  it('nothing that is asked for', () => {
    same([ivp(`attestors: [${key}]`)], { p: { refuse: 'This policy could not be carried over: it asks for no signature.' } }, [
      'mapped spec.attestors[0].cosign.key',
      'different spec.attestors[0].cosign.ctlog: any log of the trust state counts, not this one alone',
    ]);
  });
  it('a policy of one namespace', () => {
    same(
      [ivp(`attestors: [${key}], validations: [${signedBy('attestors.key')}]`, 'name: p, namespace: shop', 'NamespacedImageValidatingPolicy')],
      {
        p: {
          match: { namespaces: [{ exact: 'shop' }] },
          authorities: [{ name: 'key', key: { pem: PEM } }],
          signatures: 'key',
          strictness: { repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.attestors[0].cosign.key',
        'different spec.attestors[0].cosign.ctlog: any log of the trust state counts, not this one alone',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('a namespace of a policy that has none is not one', () => {
    same(
      [ivp(`attestors: [${key}], validations: [${signedBy('attestors.key')}]`, 'name: p, namespace: shop')],
      { p: { authorities: [{ name: 'key', key: { pem: PEM } }], signatures: 'key', strictness: { repositoryClaim: { rule: 'any' } } } },
      [
        'mapped spec.attestors[0].cosign.key',
        'different spec.attestors[0].cosign.ctlog: any log of the trust state counts, not this one alone',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('images by patterns and by expressions', () => {
    same(
      [ivp(`matchImageReferences: [{glob: 'r.test/a:*'}, {expression: 'true'}, {glob: ''}], attestors: [${key}], validations: [${signedBy('attestors.key')}]`)],
      {
        p: {
          match: { images: ['r.test/a', '**', '**'] },
          authorities: [{ name: 'key', key: { pem: PEM } }],
          signatures: 'key',
          strictness: { repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.attestors[0].cosign.key',
        'different spec.matchImageReferences[0].glob: here it is about every tag and digest',
        'different spec.matchImageReferences[1]: an expression over names has no form: here it is about every image',
        'not-mapped spec.matchImageReferences[2].glob: variables are not known here',
        'different spec.attestors[0].cosign.ctlog: any log of the trust state counts, not this one alone',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('warns', () => {
    same(
      [ivp(`validationActions: [Audit, Warn], attestors: [${key}], validations: [${signedBy('attestors.key')}]`)],
      { p: { mode: 'warn', authorities: [{ name: 'key', key: { pem: PEM } }], signatures: 'key', strictness: { repositoryClaim: { rule: 'any' } } } },
      [
        'mapped spec.attestors[0].cosign.key spec.validationActions',
        'different spec.attestors[0].cosign.ctlog: any log of the trust state counts, not this one alone',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('audits', () => {
    same(
      [ivp(`validationActions: [Audit], attestors: [${key}], validations: [${signedBy('attestors.key')}]`)],
      { p: { mode: 'audit', authorities: [{ name: 'key', key: { pem: PEM } }], signatures: 'key', strictness: { repositoryClaim: { rule: 'any' } } } },
      [
        'mapped spec.attestors[0].cosign.key spec.validationActions',
        'different spec.attestors[0].cosign.ctlog: any log of the trust state counts, not this one alone',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('enforces when one of the actions does', () => {
    same(
      [ivp(`validationActions: [Warn, Deny], attestors: [${key}], validations: [${signedBy('attestors.key')}]`)],
      { p: { authorities: [{ name: 'key', key: { pem: PEM } }], signatures: 'key', strictness: { repositoryClaim: { rule: 'any' } } } },
      [
        'mapped spec.attestors[0].cosign.key spec.validationActions',
        'different spec.attestors[0].cosign.ctlog: any log of the trust state counts, not this one alone',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('enforces when an action is not known', () => {
    same(
      [ivp(`validationActions: [Audit, 5], attestors: [${key}], validations: [${signedBy('attestors.key')}]`)],
      { p: { authorities: [{ name: 'key', key: { pem: PEM } }], signatures: 'key', strictness: { repositoryClaim: { rule: 'any' } } } },
      [
        'mapped spec.attestors[0].cosign.key spec.validationActions',
        'different spec.attestors[0].cosign.ctlog: any log of the trust state counts, not this one alone',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('what narrows a policy, and credentials', () => {
    same(
      [
        ivp(
          `matchConstraints: {}, matchConditions: [], variables: [], validationConfigurations: {}, credentials: {}, attestors: [${key}], validations: [${signedBy('attestors.key')}]`,
        ),
      ],
      { p: { authorities: [{ name: 'key', key: { pem: PEM } }], signatures: 'key', strictness: { repositoryClaim: { rule: 'any' } } } },
      [
        'mapped spec.attestors[0].cosign.key',
        'different spec.attestors[0].cosign.ctlog: any log of the trust state counts, not this one alone',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
        'different spec.matchConstraints: here it holds for every pod, and digests are always asked for',
        'different spec.matchConditions: here it holds for every pod, and digests are always asked for',
        'different spec.variables: here it holds for every pod, and digests are always asked for',
        'different spec.validationConfigurations: here it holds for every pod, and digests are always asked for',
        'not-mapped spec.credentials: credentials are given to the webhook, not to a policy',
      ],
    );
  });
  it('identities of which one is understood', () => {
    same(
      [
        by(
          '{name: a, cosign: {keyless: {identities: [{issuer: i, subjectRegExp: x*}, {}, {issuer: i, subject: s, subjectRegExp: t}]}, ctlog: {url: x, insecureIgnoreTlog: false, insecureIgnoreSCT: true}}}',
        ),
      ],
      {
        p: {
          authorities: [{ name: 'a', keyless: { identities: [{ issuer: { exact: 'i' }, subject: { regex: 'x*' } }], certificateLog: false } }],
          signatures: 'a',
          strictness: { dated: { logs: 1 }, repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.attestors[0].cosign.keyless.identities[0].issuer',
        'different spec.attestors[0].cosign.ctlog: any log of the trust state counts, not this one alone',
        'different spec.attestors[0].cosign.keyless.identities[0].subjectRegExp: here an expression is over the whole value',
        'not-mapped spec.attestors[0].cosign.keyless.identities[1]: it names nobody',
        'not-mapped spec.attestors[0].cosign.keyless.identities[2]: its subject is given twice, as a text and as an expression',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('identities of which none is understood', () => {
    same(
      [by('{name: a, cosign: {keyless: {identities: [{}]}}}')],
      { p: { refuse: 'This policy could not be carried over: spec.attestors[0].cosign: it names nobody.' } },
      [
        'not-mapped spec.attestors[0].cosign.keyless.identities[0]: it names nobody',
        'not-mapped spec.attestors[0].cosign: it names nobody',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('roots of its own', () => {
    same(
      [by('{name: a, cosign: {keyless: {identities: [{issuer: i}], roots: x}}}')],
      {
        p: {
          refuse: 'This policy could not be carried over: spec.attestors[0].cosign.keyless.roots: add these roots to the trust state, and leave them out here.',
        },
      },
      [
        'mapped spec.attestors[0].cosign.keyless.identities[0].issuer',
        'not-mapped spec.attestors[0].cosign.keyless.roots: add these roots to the trust state, and leave them out here',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('Notation', () => {
    same([by('{name: a, notary: {}}')], { p: { refuse: 'This policy could not be carried over: spec.attestors[0]: signatures of Notation are not read.' } }, [
      'not-mapped spec.attestors[0]: signatures of Notation are not read',
      'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
    ]);
  });
  it('sources', () => {
    same(
      [by('{name: a, cosign: {source: {}}}')],
      { p: { refuse: 'This policy could not be carried over: spec.attestors[0].cosign.source: it has no form here.' } },
      [
        'not-mapped spec.attestors[0].cosign.source: it has no form here',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('roots of TUF', () => {
    same(
      [by('{name: a, cosign: {tuf: {root: x}}}')],
      { p: { refuse: 'This policy could not be carried over: spec.attestors[0].cosign.tuf: it has no form here.' } },
      [
        'not-mapped spec.attestors[0].cosign.tuf: it has no form here',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('a certificate', () => {
    same(
      [by('{name: a, cosign: {certificate: {cert: x}}}')],
      { p: { refuse: 'This policy could not be carried over: spec.attestors[0].cosign.certificate: it has no form here.' } },
      [
        'not-mapped spec.attestors[0].cosign.certificate: it has no form here',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('annotations', () => {
    same(
      [by('{name: a, cosign: {annotations: {a: b}}}')],
      {
        p: {
          refuse:
            'This policy could not be carried over: spec.attestors[0].cosign.annotations: annotations of one attestor have no form here; ask for them with strictness.annotations.',
        },
      },
      [
        'not-mapped spec.attestors[0].cosign.annotations: annotations of one attestor have no form here; ask for them with strictness.annotations',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('a member that is not known', () => {
    same(
      [by('{name: a, cosign: {keyless: {identities: [{issuer: i}]}, threshold: 2}}')],
      { p: { refuse: 'This policy could not be carried over: spec.attestors[0].cosign.threshold: it has no form here.' } },
      [
        'not-mapped spec.attestors[0].cosign.threshold: it has no form here',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('a key in a KMS', () => {
    same(
      [by('{name: a, cosign: {key: {kms: x}}}')],
      { p: { refuse: 'This policy could not be carried over: spec.attestors[0].cosign.key: its public key is not in the document.' } },
      [
        'not-mapped spec.attestors[0].cosign.key: its public key is not in the document',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
  it('a key with a hash', () => {
    same(
      [by(`{name: a, cosign: {key: {data: ${quotedPem}, hashAlgorithm: sha512}}}`)],
      { p: { authorities: [{ name: 'a', key: { pem: PEM } }], signatures: 'a', strictness: { dated: { logs: 1 }, repositoryClaim: { rule: 'any' } } } },
      [
        'mapped spec.attestors[0].cosign.key',
        'different spec.attestors[0].cosign.key.hashAlgorithm: every hash counts; strictness.hashes narrows it',
        'different spec.validations[0].expression: here it is asked of every container, init container, ephemeral container and image volume',
      ],
    );
  });
});
