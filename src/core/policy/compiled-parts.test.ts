/** Small policies and what they compile to, whole: what stands in them, and what holds where nothing is said. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BY_KEY, compiledForm, documentOf, policyOf } from '../../../test/compiled-policies.ts';
import { type ImagePolicy, loadPolicyCompiler } from './index.ts';

const { compilePolicies } = await loadPolicyCompiler();
const FINGERPRINT = '11'.repeat(32);
const requirements = (rest: string): unknown => compiledForm(policyOf(`${BY_KEY}\n${rest}`)).requirements.slice(1);
const conditions = (attestation: string): unknown => {
  const [requirement] = compiledForm(
    policyOf(`authorities: [{ name: a, key: { fingerprint: "${FINGERPRINT}" } }]\nattestations: [{ ${attestation} }]`),
  ).requirements;
  return requirement?.kind === 'attestation' && [requirement.name, requirement.atLeast, requirement.predicateTypes, requirement.conditions];
};
const strictness = (rest: string): ImagePolicy['strictness'] => compiledForm(policyOf(`${BY_KEY}\nstrictness: { ${rest} }`)).strictness;
const authority = (rest: string, context?: object): unknown => {
  const [requirement] = compiledForm(policyOf(`authorities: [{ name: a, ${rest} }]\nsignatures: a`), context).requirements;
  return requirement?.kind === 'signatures' && requirement.combination.kind === 'authority' && requirement.combination.authority;
};
const scope = (match: string): unknown => compiledForm(policyOf(`${BY_KEY}\nmatch: { ${match} }`)).scope;

describe('what a policy compiles to', () => {
  it('a policy that only refuses', () => {
    assert.deepEqual(compiledForm(policyOf('refuse: gone')), {
      name: 'one',
      scope: { images: [], exclude: [], namespaces: [], namespaceLabels: [], clusters: [], environments: [] },
      mode: 'enforce',
      modes: [],
      onInconclusive: 'deny',
      requirements: [{ kind: 'refusal', name: 'refusal', reason: 'gone' }],
      strictness: {
        algorithms: [],
        minimumBits: {},
        hashes: [],
        postQuantum: 'off',
        dated: { logs: 0, timestamps: 0, any: 0 },
        repositoryClaim: { rule: 'unless-claimed', mirrors: [], tag: false },
        annotations: [],
        suspended: 'hold',
        compromised: 'deny',
      },
      pinTemplates: false,
      source: 'p:1',
    });
  });
  it('a policy by one key', () => {
    assert.deepEqual(compiledForm(policyOf(BY_KEY)).requirements, [
      { kind: 'signatures', name: 'signatures', combination: { kind: 'authority', authority: { name: 'a', kind: 'key', anchors: [FINGERPRINT] } } },
    ]);
  });
  it('a policy with all that is for people', () => {
    assert.deepEqual(
      (({ mode, modes, onInconclusive, pinTemplates, owner, contact, runbook, message }) => [
        mode,
        modes,
        onInconclusive,
        pinTemplates,
        owner,
        contact,
        runbook,
        message,
      ])(
        compiledForm(
          policyOf(
            'refuse: gone\nowner: o\ncontact: c\nrunbook: r\nmessage: m\nmode: warn\nmodes: { staging: audit, dev: enforce }\nonInconclusive: allow-admitted-before\npinTemplates: true',
          ),
        ),
      ),
      [
        'warn',
        [
          { environment: 'dev', mode: 'enforce' },
          { environment: 'staging', mode: 'audit' },
        ],
        'allow-admitted-before',
        true,
        'o',
        'c',
        'r',
        'm',
      ],
    );
  });
  it('a policy of one namespace', () => {
    assert.deepEqual(compiledForm(policyOf('refuse: gone').replace('name: one', 'name: one, namespace: shop')).scope, {
      images: [],
      exclude: [],
      namespaces: [{ text: 'shop' }],
      namespaceLabels: [],
      clusters: [],
      environments: [],
    });
  });
  it('signatures: one, by a map', () => {
    assert.deepEqual(compiledForm(policyOf(BY_KEY.replace('signatures: a', 'signatures: { authority: a, latest: { maxLag: 90m } }'))).requirements, [
      {
        kind: 'signatures',
        name: 'signatures',
        combination: { kind: 'authority', authority: { name: 'a', kind: 'key', anchors: [FINGERPRINT] } },
        latest: { maxLag: 5400000 },
      },
    ]);
  });
  it('signatures: all, any, and so many', () => {
    assert.deepEqual(
      ['{ allOf: [a, a] }', '{ anyOf: [a, a, a] }', '{ atLeast: 2, of: [a, a, a] }', '{ allOf: [a, { anyOf: [a] }] }'].map((written) =>
        compiledForm(policyOf(BY_KEY.replace('signatures: a', `signatures: ${written}`))).requirements.map(
          (one) =>
            one.kind === 'signatures' &&
            one.combination.kind === 'at-least' && [
              one.combination.count,
              one.combination.of.map((part) => (part.kind === 'authority' ? part.authority.name : [part.count, part.of.length])),
            ],
        ),
      ),
      [[[2, ['a', 'a']]], [[1, ['a', 'a', 'a']]], [[2, ['a', 'a', 'a']]], [[2, ['a', [1, 1]]]]],
    );
  });
  it('a key by its fingerprint, with a window', () => {
    assert.deepEqual(authority(`key: { fingerprint: "${FINGERPRINT}" }, validFrom: 2026-01-01T00:00:00Z, validUntil: 2026-01-02T00:00:00Z`), {
      name: 'a',
      window: { from: 1767225600000, to: 1767312000000 },
      kind: 'key',
      anchors: [FINGERPRINT],
    });
  });
  it('a key with an open window', () => {
    assert.deepEqual(
      [
        authority(`key: { fingerprint: "${FINGERPRINT}" }, validFrom: 2026-01-01T00:00:00Z`),
        authority(`key: { fingerprint: "${FINGERPRINT}" }, validUntil: 2026-01-02T00:00:00Z`),
      ],
      [
        { name: 'a', window: { from: 1767225600000 }, kind: 'key', anchors: [FINGERPRINT] },
        { name: 'a', window: { from: null, to: 1767312000000 }, kind: 'key', anchors: [FINGERPRINT] },
      ],
    );
  });
  it('a key of the trust state: all versions in the order of their fingerprints, or one', () => {
    assert.deepEqual(
      [authority('key: { trustKey: release }'), authority('key: { trustKey: release/4 }')],
      [
        {
          name: 'a',
          kind: 'key',
          key: 'release',
          anchors: ['4444444444444444444444444444444444444444444444444444444444444444', '4545454545454545454545454545454545454545454545454545454545454545'],
        },
        { name: 'a', kind: 'key', key: 'release/4', anchors: ['4444444444444444444444444444444444444444444444444444444444444444'] },
      ],
    );
  });
  it('files that are looked for later', () => {
    assert.deepEqual(
      [
        authority('key: { file: later.pub }, validFrom: 2026-01-01T00:00:00Z', { filesLater: true }),
        authority('certificate: { file: later.pem, names: [x], extendedKeyUsage: [1.3.6] }, validFrom: 2026-01-01T00:00:00Z', { filesLater: true }),
      ],
      [
        { name: 'a', window: { from: 1767225600000 }, kind: 'key', anchors: [] },
        { name: 'a', window: { from: 1767225600000 }, kind: 'certificate', anchors: [], names: [{ text: 'x' }], extendedKeyUsage: ['1.3.6'] },
      ],
    );
  });
  it('a keyless identity, with and without its authorities', () => {
    assert.deepEqual(
      [
        authority('keyless: { identities: [{ issuer: i }] }'),
        authority(
          `keyless: { identities: [{ issuer: i, subject: { regex: s } }], authorities: ["${'22'.repeat(32)}", "${FINGERPRINT}"], certificateLog: false }`,
        ),
      ],
      [
        { name: 'a', kind: 'keyless', identities: [{ issuer: { text: 'i' }, claims: [] }], anchors: [], certificateLog: true },
        {
          name: 'a',
          kind: 'keyless',
          identities: [{ issuer: { text: 'i' }, subject: { text: '/s/' }, claims: [] }],
          anchors: [FINGERPRINT, '2222222222222222222222222222222222222222222222222222222222222222'],
          certificateLog: false,
        },
      ],
    );
  });
  it('a certificate authority, by subject or names', () => {
    assert.deepEqual(
      [authority('certificate: { file: authority.pem, subject: "*O=x*" }'), authority('certificate: { file: authority.pem, names: [x] }')],
      [
        {
          name: 'a',
          kind: 'certificate',
          anchors: ['aaf00af79a78d8ff5e2ee1989b6576b2051fe8993c32c659e0539c7e8e4da47d'],
          subject: { text: '*O=x*' },
          names: [],
          extendedKeyUsage: [],
        },
        {
          name: 'a',
          kind: 'certificate',
          anchors: ['aaf00af79a78d8ff5e2ee1989b6576b2051fe8993c32c659e0539c7e8e4da47d'],
          names: [{ text: 'x' }],
          extendedKeyUsage: [],
        },
      ],
    );
  });
  it('provenance of a builder, of a source', () => {
    assert.deepEqual(
      [conditions('slsa: { builders: [x, { id: { exact: y }, level: 2 }] }'), conditions('slsa: { sourceRepository: r, ref: v1, level: 3 }')],
      [
        [
          'slsa',
          1,
          ['https://slsa.dev/provenance/v1', 'https://slsa.dev/provenance/v0.2'],
          [{ text: 'SLSA provenance', kind: 'slsa', builders: [{ id: { text: 'x' } }, { id: { text: '"y"' }, level: 2 }] }],
        ],
        [
          'slsa',
          1,
          ['https://slsa.dev/provenance/v1', 'https://slsa.dev/provenance/v0.2'],
          [{ text: 'SLSA provenance', kind: 'slsa', builders: [], sourceRepository: { text: 'r' }, ref: { text: 'v1' }, level: 3 }],
        ],
      ],
    );
  });
  it('an SBOM', () => {
    assert.deepEqual(
      [conditions('sbom: {}'), conditions('sbom: { formats: [spdx] }'), conditions('sbom: { formats: [cyclonedx] }')],
      [
        ['sbom', 1, ['https://spdx.dev/Document', 'https://cyclonedx.org/bom'], [{ text: 'an SBOM', kind: 'sbom', formats: [] }]],
        ['sbom', 1, ['https://spdx.dev/Document'], [{ text: 'an SBOM', kind: 'sbom', formats: ['spdx'] }]],
        ['sbom', 1, ['https://cyclonedx.org/bom'], [{ text: 'an SBOM', kind: 'sbom', formats: ['cyclonedx'] }]],
      ],
    );
  });
  it('an SBOM with licences', () => {
    assert.deepEqual(
      [conditions('sbom: { licences: { allowed: [MIT] } }'), conditions('sbom: { licences: { denied: [MIT], unknown: allow } }')],
      [
        [
          'sbom',
          1,
          ['https://spdx.dev/Document', 'https://cyclonedx.org/bom'],
          [{ text: 'an SBOM', kind: 'sbom', formats: [], licences: { allowed: ['MIT'], denied: [], unknown: 'deny' } }],
        ],
        [
          'sbom',
          1,
          ['https://spdx.dev/Document', 'https://cyclonedx.org/bom'],
          [{ text: 'an SBOM', kind: 'sbom', formats: [], licences: { allowed: [], denied: ['MIT'], unknown: 'allow' } }],
        ],
      ],
    );
  });
  it('an SBOM with components', () => {
    assert.deepEqual(
      [conditions('sbom: { components: { required: [x] } }'), conditions('sbom: { components: { denied: [x] } }')],
      [
        [
          'sbom',
          1,
          ['https://spdx.dev/Document', 'https://cyclonedx.org/bom'],
          [{ text: 'an SBOM', kind: 'sbom', formats: [], components: { required: [{ text: 'x' }], denied: [] } }],
        ],
        [
          'sbom',
          1,
          ['https://spdx.dev/Document', 'https://cyclonedx.org/bom'],
          [{ text: 'an SBOM', kind: 'sbom', formats: [], components: { required: [], denied: [{ text: 'x' }] } }],
        ],
      ],
    );
  });
  it('a scan', () => {
    assert.deepEqual(
      [conditions('vulnerabilities: { maximum: low }'), conditions('vulnerabilities: { maximum: none, fixableOnly: true, ignored: [CVE-1] }')],
      [
        [
          'vulnerabilities',
          1,
          ['https://cosign.sigstore.dev/attestation/vuln/v1'],
          [{ text: 'nothing worse than low', kind: 'scan', maximum: 'low', fixableOnly: false, vex: [], ignored: [] }],
        ],
        [
          'vulnerabilities',
          1,
          ['https://cosign.sigstore.dev/attestation/vuln/v1'],
          [{ text: 'nothing worse than none', kind: 'scan', maximum: 'none', fixableOnly: true, vex: [], ignored: ['CVE-1'] }],
        ],
      ],
    );
  });
  it('a reproducible build', () => {
    assert.deepEqual(conditions('reproducible: { builders: 2 }'), [
      'reproducible',
      2,
      ['https://slsa.dev/provenance/v1', 'https://slsa.dev/provenance/v0.2'],
      [{ text: 'a provenance with its builder', kind: 'slsa', builders: [] }],
    ]);
  });
  it('approvals', () => {
    assert.deepEqual(
      [conditions('approvals: { count: 2 }'), conditions('approvals: { count: 1, environment: production }')],
      [
        ['approvals', 2, ['https://sealward.dev/attestations/approval/v1'], [{ text: 'approved', kind: 'approval' }]],
        ['approvals', 1, ['https://sealward.dev/attestations/approval/v1'], [{ text: 'approved for production', kind: 'approval', environment: 'production' }]],
      ],
    );
  });
  it('tests', () => {
    assert.deepEqual(
      [conditions('tests: {}'), conditions('tests: { required: [a, b] }')],
      [
        ['tests', 1, ['https://in-toto.io/attestation/test-result/v0.1'], [{ text: 'tests passed', kind: 'tests', required: [] }]],
        ['tests', 1, ['https://in-toto.io/attestation/test-result/v0.1'], [{ text: 'passed: a, b', kind: 'tests', required: ['a', 'b'] }]],
      ],
    );
  });
  it('a type of its own, with conditions', () => {
    assert.deepEqual(conditions('name: own, type: vuln, condition: "true", conditions: ["predicate == 1"], atLeast: 3'), [
      'own',
      3,
      ['https://cosign.sigstore.dev/attestation/vuln/v1'],
      [
        { text: 'true', kind: 'cel', expression: 'true' },
        { text: 'predicate == 1', kind: 'cel', expression: 'predicate == 1' },
      ],
    ]);
  });
  it('how old an attestation may be, and how old the evidence', () => {
    assert.deepEqual(requirements('attestations: [{ slsa: {}, maxAge: 1w2d, latest: { maxLag: 30s } }]'), [
      {
        kind: 'attestation',
        name: 'slsa',
        predicateTypes: ['https://slsa.dev/provenance/v1', 'https://slsa.dev/provenance/v0.2'],
        from: [{ name: 'a', kind: 'key', anchors: [FINGERPRINT] }],
        atLeast: 1,
        conditions: [{ text: 'SLSA provenance', kind: 'slsa', builders: [] }],
        maxAge: 777600000,
        latest: { maxLag: 30000 },
      },
    ]);
  });
  it('names, tags, labels', () => {
    assert.deepEqual(
      [requirements('naming: { repositories: [r.test/**] }'), requirements('naming: { tags: [v*] }'), requirements('labels: { a: true, b: x }')],
      [
        [{ kind: 'image', name: 'naming', repositories: [{ text: 'r.test/**', prefix: 'r.test/' }], tags: [], labels: [] }],
        [{ kind: 'image', name: 'naming', repositories: [], tags: [{ text: 'v*' }], labels: [] }],
        [{ kind: 'image', name: 'naming', repositories: [], tags: [], labels: [{ key: 'a' }, { key: 'b', value: { text: 'x' } }] }],
      ],
    );
  });
  it('strictness: how it is dated', () => {
    assert.deepEqual(
      ['log', 'timestamp', 'either', 'both', '{ logs: 2 }', '{ timestamps: 2 }', '{ any: 2 }'].map((dated) => strictness(`dated: ${dated}`).dated),
      [
        { logs: 1, timestamps: 0, any: 0 },
        { logs: 0, timestamps: 1, any: 0 },
        { logs: 0, timestamps: 0, any: 1 },
        { logs: 1, timestamps: 1, any: 0 },
        { logs: 2, timestamps: 0, any: 0 },
        { logs: 0, timestamps: 2, any: 0 },
        { logs: 0, timestamps: 0, any: 2 },
      ],
    );
  });
  it('strictness: key sizes, ages', () => {
    assert.deepEqual(
      [strictness('minimumKeySize: { rsa: 3072 }').minimumBits, strictness('minimumKeySize: { ecdsa: 384 }, minAge: 1m, maxAge: 1m')],
      [
        { rsa: 3072 },
        {
          algorithms: [],
          minimumBits: { ecdsa: 384 },
          hashes: [],
          postQuantum: 'off',
          dated: { logs: 0, timestamps: 0, any: 0 },
          maxAge: 60000,
          minAge: 60000,
          repositoryClaim: { rule: 'unless-claimed', mirrors: [], tag: false },
          annotations: [],
          suspended: 'hold',
          compromised: 'deny',
        },
      ],
    );
  });
  it('strictness: what is claimed', () => {
    assert.deepEqual(
      [
        strictness('repositoryClaim: {}').repositoryClaim,
        strictness('repositoryClaim: { rule: prefix, prefix: r.test, mirrors: [{ from: a, to: b }], tag: true }').repositoryClaim,
      ],
      [
        { rule: 'unless-claimed', mirrors: [], tag: false },
        { rule: 'prefix', prefix: 'r.test', mirrors: [{ from: 'a', to: 'b' }], tag: true },
      ],
    );
  });
  it('strictness: annotations, suspended and compromised keys', () => {
    assert.deepEqual(
      strictness('annotations: { a: x }, suspended: warn, compromised: accept-witnessed, postQuantum: prefer, hashes: [sha512], algorithms: [ed25519]'),
      {
        algorithms: ['ed25519'],
        minimumBits: {},
        hashes: ['sha512'],
        postQuantum: 'prefer',
        dated: { logs: 0, timestamps: 0, any: 0 },
        repositoryClaim: { rule: 'unless-claimed', mirrors: [], tag: false },
        annotations: [{ key: 'a', value: { text: 'x' } }],
        suspended: 'warn',
        compromised: 'accept-witnessed',
      },
    );
  });
  it('a scope', () => {
    assert.deepEqual(
      [
        scope('images: [r.test/a]'),
        scope('clusters: [c], environments: [e], namespaces: [n]'),
        scope('namespaceLabels: { matchLabels: { a: b }, matchExpressions: [{ key: c, operator: NotIn, values: [d] }, { key: e, operator: Exists }] }'),
      ],
      [
        { images: [{ text: 'r.test/a', prefix: 'r.test/a' }], exclude: [], namespaces: [], namespaceLabels: [], clusters: [], environments: [] },
        { images: [], exclude: [], namespaces: [{ text: 'n' }], namespaceLabels: [], clusters: [{ text: 'c' }], environments: [{ text: 'e' }] },
        {
          images: [],
          exclude: [],
          namespaces: [],
          namespaceLabels: [
            { key: 'a', operator: 'In', values: ['b'] },
            { key: 'c', operator: 'NotIn', values: ['d'] },
            { key: 'e', operator: 'Exists', values: [] },
          ],
          clusters: [],
          environments: [],
        },
      ],
    );
  });
  it('exceptions, in the order of their digests', () => {
    assert.deepEqual(
      ((set) =>
        set.ok &&
        set.policies.exceptions.map(({ name, source, digests, policies, reason, ticket, approvedBy, window }) => [
          name,
          source,
          digests,
          policies,
          reason,
          ticket ?? null,
          approvedBy,
          window,
        ]))(
        compilePolicies([
          {
            name: 'e',
            text: ['b', 'a', 'c']
              .map((name) =>
                documentOf(
                  'ImageException',
                  `{ reason: r, approvedBy: [${name}], match: { images: [r.test/a] }, from: 2026-01-01T00:00:00Z, until: 2026-01-02T00:00:00Z }`,
                ).replace('name: x', `name: ${name}`),
              )
              .join('---\n'),
          },
          { name: 'p', text: policyOf('refuse: gone') },
          {
            name: 'f',
            text: documentOf(
              'ImageException',
              `{ reason: r, ticket: T-1, policies: [one], approvedBy: [a], digests: ["sha256:${FINGERPRINT}"], from: 2026-01-01T00:00:00Z, until: 2026-01-02T00:00:00Z }`,
            ),
          },
        ]),
      ),
      [
        ['b', 'e:1', [], [], 'r', null, ['b'], { from: 1767225600000, to: 1767312000000 }],
        [
          'x',
          'f:1',
          ['sha256:1111111111111111111111111111111111111111111111111111111111111111'],
          ['one'],
          'r',
          'T-1',
          ['a'],
          { from: 1767225600000, to: 1767312000000 },
        ],
        ['c', 'e:11', [], [], 'r', null, ['c'], { from: 1767225600000, to: 1767312000000 }],
        ['a', 'e:6', [], [], 'r', null, ['a'], { from: 1767225600000, to: 1767312000000 }],
      ],
    );
  });
});
