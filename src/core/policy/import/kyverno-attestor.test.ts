/** What becomes of Kyverno's verifyImages rules, field by field: the whole document, and every line of the report. */
import { describe, it } from 'node:test';
import { AUTHORITY, FINGERPRINT, OTHER, PEM, quotedAuthority, quotedPem, same } from '../../../../test/imports.ts';

const policy = (spec: string, { kind = 'ClusterPolicy', metadata = 'name: p' } = {}): string =>
  `{apiVersion: kyverno.io/v1, kind: ${kind}, metadata: {${metadata}}, spec: {${spec}}}`;
const rule = (verify: string, more = ''): string => policy(`validationFailureAction: Enforce, rules: [{name: r, verifyImages: [{${verify}}]${more}}]`);
const entries = (...all: string[]): string => `attestors: [{entries: [${all.join(', ')}]}]`;
const keys = `{keys: {publicKeys: ${quotedPem}, rekor: {ignoreTlog: true}}}`;
const ci = '{keyless: {issuer: i, subject: s}}';

describe("Kyverno's verifyImages: attestors and attestations", () => {
  it('two sets of attestors, of which one knows the same key', () => {
    same(
      [rule(`attestors: [{count: 1, entries: [${keys}, ${ci}]}, {entries: [${keys}]}]`)],
      {
        'p-r-0': {
          authorities: [
            { name: 'attestor-1', key: { pem: PEM } },
            { name: 'attestor-2', keyless: { identities: [{ issuer: { exact: 'i' }, subject: { exact: 's' } }] } },
          ],
          signatures: { allOf: [{ atLeast: 1, of: ['attestor-1', 'attestor-2'] }, 'attestor-1'] },
          strictness: { dated: { logs: 1 }, repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog attestors[0].entries[1].keyless.issuer attestors[0].entries[1].keyless.subject attestors[0].count attestors[1].entries[0].keys.publicKeys attestors[1].entries[0].keys.rekor.ignoreTlog',
      ],
    );
  });
  it('all entries when no count is said', () => {
    same(
      [rule(entries(keys, ci))],
      {
        'p-r-0': {
          authorities: [
            { name: 'attestor-1', key: { pem: PEM } },
            { name: 'attestor-2', keyless: { identities: [{ issuer: { exact: 'i' }, subject: { exact: 's' } }] } },
          ],
          signatures: { atLeast: 2, of: ['attestor-1', 'attestor-2'] },
          strictness: { dated: { logs: 1 }, repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog attestors[0].entries[1].keyless.issuer attestors[0].entries[1].keyless.subject',
      ],
    );
  });
  it('several keys in one entry', () => {
    same(
      [rule(entries(`{keys: {publicKeys: ${JSON.stringify(`${PEM}${OTHER}`)}, signatureAlgorithm: sha256, ctlog: {}, rekor: {url: x, pubkey: y}}}`, ci))],
      {
        'p-r-0': {
          authorities: [
            { name: 'attestor-1', key: { pem: PEM } },
            { name: 'attestor-2', key: { pem: OTHER } },
            { name: 'attestor-3', keyless: { identities: [{ issuer: { exact: 'i' }, subject: { exact: 's' } }] } },
          ],
          signatures: { atLeast: 3, of: ['attestor-1', 'attestor-2', 'attestor-3'] },
          strictness: { dated: { logs: 1 }, repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.ctlog attestors[0].entries[1].keyless.issuer attestors[0].entries[1].keyless.subject',
        'different attestors[0].entries[0].keys.signatureAlgorithm: every algorithm that the key is for counts; strictness.hashes narrows it',
        'different attestors[0].entries[0].keys.rekor.url: any log of the trust state counts, not this one alone',
        'different attestors[0].entries[0].keys.rekor.pubkey: the keys of logs come from the trust state',
      ],
    );
  });
  it('more than there are', () => {
    same(
      [rule(`attestors: [{count: 2, entries: [${ci}]}]`)],
      { 'p-r-0': { refuse: 'This policy could not be carried over: spec.rules[0].verifyImages[0].attestors[0]: so many of its entries cannot be asked for.' } },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keyless.issuer attestors[0].entries[0].keyless.subject attestors[0].count',
        'not-mapped attestors[0]: so many of its entries cannot be asked for',
      ],
    );
  });
  it('fewer than one', () => {
    same(
      [rule(`attestors: [{count: 0, entries: [${ci}]}]`)],
      { 'p-r-0': { refuse: 'This policy could not be carried over: spec.rules[0].verifyImages[0].attestors[0]: so many of its entries cannot be asked for.' } },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keyless.issuer attestors[0].entries[0].keyless.subject attestors[0].count',
        'not-mapped attestors[0]: so many of its entries cannot be asked for',
      ],
    );
  });
  it('a count that is no number', () => {
    same(
      [rule(`attestors: [{count: '1', entries: [${keys}, ${ci}]}]`)],
      { 'p-r-0': { refuse: 'This policy could not be carried over: spec.rules[0].verifyImages[0].attestors[0]: so many of its entries cannot be asked for.' } },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog attestors[0].entries[1].keyless.issuer attestors[0].entries[1].keyless.subject attestors[0].count',
        'not-mapped attestors[0]: so many of its entries cannot be asked for',
      ],
    );
  });
  it('a set without entries', () => {
    same(
      [rule('attestors: [{}]')],
      { 'p-r-0': { refuse: 'This policy could not be carried over: spec.rules[0].verifyImages[0].attestors[0]: so many of its entries cannot be asked for.' } },
      ['mapped spec.validationFailureAction', 'not-mapped attestors[0]: so many of its entries cannot be asked for'],
    );
  });
  it('annotations of the only attestor', () => {
    same(
      [rule(entries(`{annotations: {team: shop, env: prod}, keys: {publicKeys: ${quotedPem}}}`))],
      {
        'p-r-0': {
          authorities: [{ name: 'attestor-1', key: { pem: PEM } }],
          signatures: 'attestor-1',
          strictness: { dated: { logs: 1 }, annotations: { team: { exact: 'shop' }, env: { exact: 'prod' } }, repositoryClaim: { rule: 'any' } },
        },
      },
      ['mapped spec.validationFailureAction attestors[0].entries[0].annotations attestors[0].entries[0].keys.publicKeys'],
    );
  });
  it('annotations of one among several', () => {
    same(
      [rule(entries(`{annotations: {team: shop}, ${keys.slice(1)}`, keys))],
      { 'p-r-0': { refuse: 'This policy could not be carried over: annotations of one attestor among several cannot be asked for.' } },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].annotations attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog attestors[0].entries[1].keys.publicKeys attestors[0].entries[1].keys.rekor.ignoreTlog',
      ],
    );
  });
  it('the same key with and without a log is two', () => {
    same(
      [rule(entries(keys, `{keys: {publicKeys: ${quotedPem}, rekor: {ignoreTlog: false}}}`))],
      {
        'p-r-0': {
          authorities: [
            { name: 'attestor-1', key: { pem: PEM } },
            { name: 'attestor-2', key: { pem: PEM } },
          ],
          signatures: { atLeast: 2, of: ['attestor-1', 'attestor-2'] },
          strictness: { dated: { logs: 1 }, repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog attestors[0].entries[1].keys.publicKeys attestors[0].entries[1].keys.rekor.ignoreTlog',
      ],
    );
  });
  it('keyless, with all that it can say', () => {
    same(
      [
        rule(
          entries(
            `{keyless: {issuerRegExp: '^i$', subject: 's*@acme.test', roots: ${quotedAuthority}, ctlog: {ignoreSCT: true}, rekor: {url: x}, additionalExtensions: {githubWorkflowTrigger: push, BUILDTRIGGER: 'p?sh'}}}`,
          ),
        ),
      ],
      {
        'p-r-0': {
          authorities: [
            {
              name: 'attestor-1',
              keyless: {
                identities: [
                  { issuer: { regex: '^i$' }, subject: { regex: 's.*@acme\\.test' }, workflowTrigger: { exact: 'push' }, buildTrigger: { regex: 'p.sh' } },
                ],
                authorities: [FINGERPRINT],
                certificateLog: false,
              },
            },
          ],
          signatures: 'attestor-1',
          strictness: { dated: { logs: 1 }, repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keyless.additionalExtensions.githubWorkflowTrigger attestors[0].entries[0].keyless.additionalExtensions.BUILDTRIGGER attestors[0].entries[0].keyless.issuerRegExp attestors[0].entries[0].keyless.subject attestors[0].entries[0].keyless.ctlog',
        'different attestors[0].entries[0].keyless.roots: it is named by its fingerprint; add it to the trust state with `sealward trust anchor add`',
        'different attestors[0].entries[0].keyless.rekor.url: any log of the trust state counts, not this one alone',
      ],
    );
  });
  it('keyless, by claims alone', () => {
    same(
      [rule(entries('{keyless: {additionalExtensions: {workflowRef: refs/heads/main, githubworkflowref: refs/heads/main}, ctlog: {ignoreSCT: false}}}'))],
      {
        'p-r-0': {
          refuse:
            'This policy could not be carried over: spec.rules[0].verifyImages[0].attestors[0].entries[0].keyless.additionalExtensions: it names a claim that is not known.',
        },
      },
      [
        'mapped spec.validationFailureAction',
        'not-mapped attestors[0].entries[0].keyless.additionalExtensions.workflowRef: it is no claim that is known here by this name',
      ],
    );
  });
  it('a claim alone, by its name', () => {
    same(
      [rule(entries('{keyless: {additionalExtensions: {githubWorkflowRef: refs/heads/main}, ctlog: {ignoreSCT: false}}}'))],
      {
        'p-r-0': {
          authorities: [{ name: 'attestor-1', keyless: { identities: [{ issuer: { regex: '.*' }, workflowRef: { exact: 'refs/heads/main' } }] } }],
          signatures: 'attestor-1',
          strictness: { dated: { logs: 1 }, repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keyless.additionalExtensions.githubWorkflowRef attestors[0].entries[0].keyless.ctlog',
        'different attestors[0].entries[0].keyless: it names no issuer: whoever issues certificates for that name counts',
      ],
    );
  });
  it('keyless: two forms of one name', () => {
    same(
      [rule(entries('{keyless: {issuer: i, issuerRegExp: j, subject: s}}'))],
      {
        'p-r-0': {
          refuse: 'This policy could not be carried over: spec.rules[0].verifyImages[0].attestors[0].entries[0].keyless: whom it names is not understood.',
        },
      },
      ['mapped spec.validationFailureAction', 'not-mapped attestors[0].entries[0].keyless: its issuer is given twice, as a text and as an expression'],
    );
  });
  it('keyless: a name that is no text', () => {
    same(
      [rule(entries('{keyless: {issuer: i, subject: [s]}}'))],
      {
        'p-r-0': {
          refuse: 'This policy could not be carried over: spec.rules[0].verifyImages[0].attestors[0].entries[0].keyless: whom it names is not understood.',
        },
      },
      ['mapped spec.validationFailureAction', 'not-mapped attestors[0].entries[0].keyless: its subject is no text'],
    );
  });
  it('keyless: roots without certificates', () => {
    same(
      [rule(entries('{keyless: {issuer: i, subject: s, roots: x}}'))],
      {
        'p-r-0': {
          refuse: 'This policy could not be carried over: spec.rules[0].verifyImages[0].attestors[0].entries[0].keyless.roots: it holds no certificates.',
        },
      },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keyless.issuer attestors[0].entries[0].keyless.subject',
        'not-mapped attestors[0].entries[0].keyless.roots: it holds no certificates',
      ],
    );
  });
  it('keys that are somewhere else', () => {
    same(
      [rule(entries('{keys: {kms: x}}', '{keys: {publicKeys: k8s://shop/key}}', `{keys: {publicKeys: ${JSON.stringify('{{ x }}' + PEM)}}}`))],
      {
        'p-r-0': {
          refuse:
            'This policy could not be carried over: spec.rules[0].verifyImages[0].attestors[0].entries[0].keys: its public key is not in the document: write it into a file with `sealward public-key --key REFERENCE`; spec.rules[0].verifyImages[0].attestors[0].entries[1].keys: its public key is not in the document: write it into a file with `sealward public-key --key REFERENCE`; spec.rules[0].verifyImages[0].attestors[0].entries[2].keys: its public key is not in the document: write it into a file with `sealward public-key --key REFERENCE`.',
        },
      },
      [
        'mapped spec.validationFailureAction',
        'not-mapped attestors[0].entries[0].keys: its public key is not in the document: write it into a file with `sealward public-key --key REFERENCE`',
        'not-mapped attestors[0].entries[1].keys: its public key is not in the document: write it into a file with `sealward public-key --key REFERENCE`',
        'not-mapped attestors[0].entries[2].keys: its public key is not in the document: write it into a file with `sealward public-key --key REFERENCE`',
      ],
    );
  });
  it('keys that are none', () => {
    same(
      [
        rule(
          entries("{keys: {publicKeys: '-----BEGIN PUBLIC KEY-----'}}", '{keys: {publicKeys: "-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----"}}'),
        ),
      ],
      {
        'p-r-0': {
          refuse:
            'This policy could not be carried over: spec.rules[0].verifyImages[0].attestors[0].entries[0].keys: it holds no public keys that are read; spec.rules[0].verifyImages[0].attestors[0].entries[1].keys: it holds no public keys that are read.',
        },
      },
      [
        'mapped spec.validationFailureAction',
        'not-mapped attestors[0].entries[0].keys: it holds no public keys that are read',
        'not-mapped attestors[0].entries[1].keys: it holds no public keys that are read',
      ],
    );
  });
  it('one key of two that cannot be read', () => {
    same(
      [rule(entries(`{keys: {publicKeys: ${JSON.stringify(`${PEM}-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----`)}}}`))],
      {
        'p-r-0': {
          refuse: 'This policy could not be carried over: spec.rules[0].verifyImages[0].attestors[0].entries[0].keys: it holds no public keys that are read.',
        },
      },
      ['mapped spec.validationFailureAction', 'not-mapped attestors[0].entries[0].keys: it holds no public keys that are read'],
    );
  });
  it('an authority of certificates, and a certificate alone', () => {
    same(
      [rule(entries(`{certificates: {certChain: ${quotedAuthority}, rekor: {ignoreTlog: true}}}`))],
      {
        'p-r-0': {
          authorities: [{ name: 'attestor-1', certificate: { pem: AUTHORITY, names: [{ regex: '.*' }] } }],
          signatures: 'attestor-1',
          strictness: { repositoryClaim: { rule: 'any' } },
        },
      },
      ['mapped spec.validationFailureAction attestors[0].entries[0].certificates.certChain attestors[0].entries[0].certificates.rekor.ignoreTlog'],
    );
  });
  it('a certificate alone', () => {
    same(
      [rule(entries(`{certificates: {cert: ${quotedAuthority}, certChain: ${quotedAuthority}}}`, '{certificates: {certChain: x}}'))],
      {
        'p-r-0': {
          refuse:
            'This policy could not be carried over: spec.rules[0].verifyImages[0].attestors[0].entries[0].certificates: one certificate alone cannot be trusted here: name its key, or its authority; spec.rules[0].verifyImages[0].attestors[0].entries[1].certificates: it holds no certificates.',
        },
      },
      [
        'mapped spec.validationFailureAction',
        'not-mapped attestors[0].entries[0].certificates: one certificate alone cannot be trusted here: name its key, or its authority',
        'not-mapped attestors[0].entries[1].certificates: it holds no certificates',
      ],
    );
  });
  it('attestors that are nested, elsewhere, or of no kind', () => {
    same(
      [rule(entries('{attestor: {entries: []}}', `{repository: x, ${keys.slice(1)}`, '{}'))],
      {
        'p-r-0': {
          refuse:
            'This policy could not be carried over: spec.rules[0].verifyImages[0].attestors[0].entries[0].attestor: attestors nested in attestors are not known; spec.rules[0].verifyImages[0].attestors[0].entries[1].repository: signatures are looked for beside the image; spec.rules[0].verifyImages[0].attestors[0].entries[2]: it is no attestor that is known here.',
        },
      },
      [
        'mapped spec.validationFailureAction',
        'not-mapped attestors[0].entries[0].attestor: attestors nested in attestors are not known',
        'not-mapped attestors[0].entries[1].repository: signatures are looked for beside the image',
        'not-mapped attestors[0].entries[2]: it is no attestor that is known here',
      ],
    );
  });
  it('attestations by their own attestors and by those of the image', () => {
    same(
      [
        rule(
          `${entries(ci)}, attestations: [{type: 'https://acme.test/x', attestors: [{count: 1, entries: [${keys}, ${ci}]}, {entries: [${keys}]}]}, {name: scan, predicateType: vuln}]`,
        ),
      ],
      {
        'p-r-0': {
          authorities: [
            { name: 'attestor-1', keyless: { identities: [{ issuer: { exact: 'i' }, subject: { exact: 's' } }] } },
            { name: 'attestor-2', key: { pem: PEM } },
          ],
          signatures: 'attestor-1',
          attestations: [
            { name: 'acme.test-x', type: 'https://acme.test/x', from: ['attestor-2', 'attestor-1'] },
            { name: 'acme.test-x-1', type: 'https://acme.test/x', from: ['attestor-2'] },
            { name: 'scan', type: 'vuln', from: ['attestor-1'] },
          ],
          strictness: { dated: { logs: 1 }, repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keyless.issuer attestors[0].entries[0].keyless.subject attestations[0].attestors[0].entries[0].keys.publicKeys attestations[0].attestors[0].entries[0].keys.rekor.ignoreTlog attestations[0].attestors[0].entries[1].keyless.issuer attestations[0].attestors[0].entries[1].keyless.subject attestations[0].attestors[0].count attestations[0].attestors[1].entries[0].keys.publicKeys attestations[0].attestors[1].entries[0].keys.rekor.ignoreTlog attestors[0].entries[0].keyless.issuer attestors[0].entries[0].keyless.subject',
      ],
    );
  });
  it('an attestation by two of two', () => {
    same(
      [rule(`attestations: [{type: vuln, attestors: [{entries: [${keys}, ${ci}]}]}]`)],
      {
        'p-r-0': {
          authorities: [
            { name: 'attestor-1', key: { pem: PEM } },
            { name: 'attestor-2', keyless: { identities: [{ issuer: { exact: 'i' }, subject: { exact: 's' } }] } },
          ],
          attestations: [{ name: 'vuln', type: 'vuln', from: ['attestor-1', 'attestor-2'], atLeast: 2 }],
          strictness: { dated: { logs: 1 }, repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.validationFailureAction attestations[0].attestors[0].entries[0].keys.publicKeys attestations[0].attestors[0].entries[0].keys.rekor.ignoreTlog attestations[0].attestors[0].entries[1].keyless.issuer attestations[0].attestors[0].entries[1].keyless.subject',
      ],
    );
  });
  it('an attestation of no type, and one by nobody', () => {
    same(
      [rule('attestations: [{}, {type: vuln}]')],
      {
        'p-r-0': {
          refuse:
            'This policy could not be carried over: spec.rules[0].verifyImages[0].attestations[0]: it names no predicate type; spec.rules[0].verifyImages[0].attestations[1]: it names no attestor.',
        },
      },
      ['mapped spec.validationFailureAction', 'not-mapped attestations[0]: it names no predicate type', 'not-mapped attestations[1]: it names no attestor'],
    );
  });
  it('a type stands before the older name for it', () => {
    same(
      [rule(`${entries(ci)}, attestations: [{type: vuln, predicateType: other}]`)],
      {
        'p-r-0': {
          authorities: [{ name: 'attestor-1', keyless: { identities: [{ issuer: { exact: 'i' }, subject: { exact: 's' } }] } }],
          signatures: 'attestor-1',
          attestations: [{ name: 'vuln', type: 'vuln', from: ['attestor-1'] }],
          strictness: { dated: { logs: 1 }, repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keyless.issuer attestors[0].entries[0].keyless.subject attestors[0].entries[0].keyless.issuer attestors[0].entries[0].keyless.subject',
      ],
    );
  });
});
