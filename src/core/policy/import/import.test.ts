/** Policies of the forms that the other tools document, with names and keys of our own. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { policyFile } from '../../../../test/policies.ts';
import { encodeBase64, type JsonObject, utf8 } from '../../encoding/index.ts';
import { type ImagePolicy, loadPolicyCompiler, loadPolicyImporter, type PolicySet } from '../index.ts';

const { compilePolicies } = await loadPolicyCompiler();
const { importPolicies } = await loadPolicyImporter();
const PEM = policyFile('release.pub');
const AUTHORITY = policyFile('authority.pem');
const indented = (text: string, by: number): string => text.trimEnd().replace(/^/gm, ' '.repeat(by));

interface Result {
  readonly set: PolicySet;
  readonly specs: readonly JsonObject[];
  /** Lines of the report as `outcome path`. */
  readonly lines: readonly string[];
}

/** Imports, and compiles what came out: an importer that writes what the compiler refuses has carried over nothing. */
function imported(...texts: readonly string[]): Result {
  const result = importPolicies(texts.map((text, i) => ({ name: `file${i}.yaml`, text })));
  if (!result.ok) assert.fail(JSON.stringify(result.problems));
  const compiled = compilePolicies([{ name: 'imported', text: result.text }], { readFile: () => PEM });
  if (!compiled.ok) assert.fail(`${JSON.stringify(compiled.problems, null, 1)}\n${result.text}`);
  assert.ok(result.report.every(({ line }) => line > 0));
  return {
    set: compiled.policies,
    specs: result.documents.map(({ spec }) => spec as JsonObject),
    lines: result.report.map(({ outcome, path }) => `${outcome} ${path}`),
  };
}

function one({ set }: Result): ImagePolicy {
  assert.equal(set.policies.length, 1);
  return set.policies[0] as ImagePolicy;
}

const isRefusal = ({ requirements }: ImagePolicy): boolean => requirements.length === 1 && requirements[0]?.kind === 'refusal';
const about = ({ scope }: ImagePolicy, name: string): boolean =>
  scope.images.some(({ matches }) => matches(name)) && !scope.exclude.some(({ matches }) => matches(name));

describe('policy-controller', () => {
  const cip = (spec: string, version = 'v1beta1', name = 'signed'): string =>
    `apiVersion: policy.sigstore.dev/${version}\nkind: ClusterImagePolicy\nmetadata:\n  name: ${name}\nspec:\n${indented(spec, 2)}\n`;
  const workflow = 'https://github.com/acme/shop/.github/workflows/release.yaml@refs/tags/v1';

  it('keyless, by a workflow', () => {
    const result = imported(
      cip(
        `images:\n- glob: "**"\nauthorities:\n- keyless:\n    url: https://fulcio.acme.test\n    identities:\n    - issuer: https://token.acme.test\n      subject: "${workflow}"\n  ctlog:\n    url: https://rekor.acme.test`,
        'v1alpha1',
      ),
    );
    const policy = one(result);
    const [requirement] = policy.requirements;
    assert.ok(requirement?.kind === 'signatures' && requirement.combination.kind === 'authority' && requirement.combination.authority.kind === 'keyless');
    const [identity] = requirement.combination.authority.identities;
    assert.ok(identity?.issuer.matches('https://token.acme.test') && identity.subject?.matches(workflow) && !identity.subject.matches(`${workflow}x`));
    assert.deepEqual([policy.strictness.dated.logs, policy.mode], [1, 'enforce']);
    assert.ok(
      result.lines.includes('different spec.authorities[0].keyless.url') && result.lines.includes('mapped spec.authorities[0].keyless.identities[0].subject'),
    );
  });

  it('an attestation by a key, whose policy only repeats the type', () => {
    const policy = one(
      imported(
        cip(
          `images:\n- glob: "**"\nauthorities:\n- name: own-key\n  key:\n    data: |\n${indented(PEM, 6)}\n  attestations:\n  - name: must-have-sbom\n    predicateType: spdxjson\n    policy:\n      type: cue\n      data: |\n        predicateType: "https://spdx.dev/Document"`,
        ),
      ),
    );
    const [requirement] = policy.requirements;
    assert.ok(requirement?.kind === 'attestation');
    assert.deepEqual([requirement.predicateTypes, requirement.from.map(({ kind }) => kind)], [['https://spdx.dev/Document'], ['key']]);
  });

  it('any of several authorities, and a warning only', () => {
    const policy = one(
      imported(
        cip(
          `images:\n- glob: registry.acme.test/**\nmode: warn\nauthorities:\n- name: a\n  key:\n    data: |\n${indented(PEM, 6)}\n- name: b\n  keyless:\n    url: x\n    insecureIgnoreSCT: true\n    identities:\n    - issuerRegExp: .*acme.*\n      subject: a@acme.test`,
        ),
      ),
    );
    const [requirement] = policy.requirements;
    assert.ok(requirement?.kind === 'signatures' && requirement.combination.kind === 'at-least');
    assert.deepEqual([requirement.combination.count, requirement.combination.of.length, policy.mode], [1, 2, 'warn']);
  });

  it('a TrustRoot gives the fingerprints of its authorities', () => {
    const root = `apiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata:\n  name: own\nspec:\n  sigstoreKeys:\n    certificateAuthorities:\n    - certChain: ${encodeBase64(utf8(AUTHORITY))}\n`;
    const policy = cip('images:\n- glob: "**"\nauthorities:\n- keyless:\n    trustRootRef: own\n    identities:\n    - issuer: x\n      subject: y');
    const [requirement] = one(imported(policy, root)).requirements;
    assert.ok(requirement?.kind === 'signatures' && requirement.combination.kind === 'authority' && requirement.combination.authority.kind === 'keyless');
    assert.equal(requirement.combination.authority.anchors.length, 1);
    assert.ok(isRefusal(one(imported(policy))), 'without the TrustRoot nobody knows whom it trusts');
  });

  const REFUSED: readonly (readonly [what: string, spec: string, line: string])[] = [
    ['a key in a Secret', 'images:\n- glob: "**"\nauthorities:\n- key:\n    secretRef:\n      name: k', 'not-mapped spec.authorities[0].key'],
    ['a key in a KMS', 'images:\n- glob: "**"\nauthorities:\n- key:\n    kms: awskms:///alias/k', 'not-mapped spec.authorities[0].key'],
    [
      'a policy in CUE over the whole',
      `images:\n- glob: "**"\nauthorities:\n- key:\n    data: |\n${indented(PEM, 6)}\npolicy:\n  type: cue\n  data: "typemeta: kind: \\"Pod\\""`,
      'not-mapped spec.policy',
    ],
    [
      'a policy in Rego over an attestation',
      `images:\n- glob: "**"\nauthorities:\n- key:\n    data: |\n${indented(PEM, 6)}\n  attestations:\n  - name: a\n    predicateType: vuln\n    policy:\n      type: rego\n      data: x`,
      'not-mapped spec.authorities[0].attestations[0].policy',
    ],
    ['static fail', 'images:\n- glob: "**"\nauthorities:\n- static:\n    action: fail\n    message: gone', 'mapped spec.authorities[0].static'],
    ['no authority', 'images:\n- glob: "**"', ''],
  ];
  for (const [what, spec, line] of REFUSED) {
    it(`refuses what cannot be carried over: ${what}`, () => {
      const result = imported(cip(spec));
      assert.ok(isRefusal(one(result)));
      if (line !== '') assert.ok(result.lines.includes(line), result.lines.join('\n'));
    });
  }

  it('static pass gives no policy, so that the default decides', () => {
    const result = imported(cip('images:\n- glob: "**"\nauthorities:\n- static:\n    action: pass'));
    assert.deepEqual(
      [result.set.policies.length, result.set.defaultRule.action, result.lines],
      [0, 'deny', ['mapped spec.images[0].glob', 'not-mapped spec.authorities[0].static']],
    );
  });

  it('says of a pattern that can match nothing, and of a selection of resources, what became of it', () => {
    const key = `authorities:\n- key:\n    data: |\n${indented(PEM, 6)}`;
    const result = imported(cip(`images:\n- glob: r.test/a@sha256:12\n- glob: r.test/b\n${key}\nmatch:\n- resource: pods\n  version: v1`));
    assert.deepEqual(
      result.lines.filter((line) => !line.startsWith('mapped')),
      ['different spec.images[0].glob', 'different spec.images[1].glob', 'different spec.match'],
    );
  });
});

describe('Kyverno', () => {
  const rule = (verify: string, { match = '      any:\n      - resources:\n          kinds:\n          - Pod', more = '' } = {}): string =>
    `apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata:\n  name: check\nspec:\n  validationFailureAction: Enforce\n  rules:\n  - name: signed\n    match:\n${match}\n${more}    verifyImages:\n${indented(verify, 4)}\n`;
  const keys = (by: number): string => `entries:\n- keys:\n    publicKeys: |-\n${indented(PEM, 6)}`.replace(/^/gm, ' '.repeat(by)).trimStart();

  it('a key, without a log', () => {
    const policy = one(
      imported(
        rule(
          `- imageReferences:\n  - ghcr.io/acme/shop*\n  attestors:\n  - count: 1\n    entries:\n    - keys:\n        publicKeys: |-\n${indented(PEM, 10)}\n        rekor:\n          ignoreTlog: true`,
        ),
      ),
    );
    assert.deepEqual([policy.mode, policy.strictness.dated.logs], ['enforce', 0]);
    for (const [name, yes] of [
      ['ghcr.io/acme/shop', true],
      ['ghcr.io/acme/shop-web/x', true],
      ['ghcr.io/acme/other', false],
    ] as const)
      assert.equal(about(policy, name), yes, name);
  });

  it('keyless with wildcards, that are whole and nothing else', () => {
    const policy = one(
      imported(
        rule(
          '- imageReferences: ["r.test/*"]\n  attestors:\n  - entries:\n    - keyless:\n        subject: https://github.com/acme/*\n        issuer: https://token.acme.test\n        additionalExtensions:\n          githubWorkflowRepository: acme/shop',
        ),
      ),
    );
    const [requirement] = policy.requirements;
    assert.ok(requirement?.kind === 'signatures' && requirement.combination.kind === 'authority' && requirement.combination.authority.kind === 'keyless');
    const [identity] = requirement.combination.authority.identities;
    assert.ok(identity?.subject);
    assert.ok(identity.subject.matches('https://github.com/acme/a/b') && !identity.subject.matches('https://github.com/acmex/a'));
    assert.deepEqual(
      identity.claims.map(({ claim }) => claim),
      ['githubWorkflowRepository'],
    );
    assert.equal(policy.strictness.dated.logs, 1);
  });

  it('two of three, and every set of attestors', () => {
    const three = [1, 2, 3].map((i) => `    - keyless:\n        subject: s${i}@acme.test\n        issuer: https://i.test`).join('\n');
    const policy = one(imported(rule(`- imageReferences: ["r.test/*"]\n  attestors:\n  - count: 2\n    entries:\n${three}\n  - ${keys(4)}`)));
    const [requirement] = policy.requirements;
    assert.ok(requirement?.kind === 'signatures' && requirement.combination.kind === 'at-least');
    assert.equal(requirement.combination.count, 2);
    assert.deepEqual(
      requirement.combination.of.map((part) => (part.kind === 'at-least' ? [part.count, part.of.length] : part.authority.kind)),
      [[2, 3], 'key'],
    );
  });

  it('an attestation with a condition that has a simple form', () => {
    const attestation = (condition: string): string =>
      rule(
        `- imageReferences: ["r.test/repo:*"]\n  attestations:\n  - predicateType: https://cyclonedx.org/schema\n    attestors:\n    - entries:\n      - keyless:\n          subject: s\n          issuer: i\n    conditions:\n    - all:\n${indented(condition, 6)}`,
      );
    const policy = one(imported(attestation('- key: "{{ Data.bomFormat }}"\n  operator: Equals\n  value: CycloneDX')));
    const [requirement] = policy.requirements;
    assert.ok(requirement?.kind === 'attestation');
    assert.deepEqual(
      requirement.conditions.map(({ text }) => text),
      ['predicate.Data.bomFormat == "CycloneDX"'],
    );
    assert.ok(about(policy, 'r.test/repo'), 'whatever the tag');
    for (const hard of [
      '- key: "{{ components[?name==\'x\'].version || \'none\' }}"\n  operator: AllNotIn\n  value: ["1"]',
      '- key: "{{ time }}"\n  operator: GreaterThan\n  value: 10h',
    ]) {
      assert.ok(isRefusal(one(imported(attestation(hard)))));
    }
  });

  it('only widens where it cannot say the same', () => {
    const entry = `- imageReferences: ["r.test/a?c:v1"]\n  skipImageReferences: ["r.test/skip", "r.test/s?ip:1", "r.test/all/*"]\n  attestors:\n  - ${keys(4)}`;
    const match = '      any:\n      - resources:\n          kinds: [Pod]\n          namespaces: [shop, "team-*"]';
    const result = imported(
      rule(entry, { match, more: '    exclude:\n      any:\n      - resources:\n          namespaces: [dev]\n    preconditions:\n      all: []\n' }),
    );
    const policy = one(result);
    assert.ok(about(policy, 'r.test/abc') && policy.scope.namespaces.some(({ matches }) => matches('team-x')));
    assert.deepEqual(
      policy.scope.exclude.map(({ text }) => text),
      ['r.test/skip:latest', 'r.test/all/**'],
    );
    for (const line of ['different spec.rules[0].exclude', 'different spec.rules[0].preconditions', 'mapped spec.rules[0].match.any[0].resources.namespaces'])
      assert.ok(result.lines.includes(line), line);
  });

  const REFUSED: readonly (readonly [what: string, verify: string])[] = [
    ['Notation', `- type: Notary\n  imageReferences: ["*"]\n  attestors:\n  - ${keys(4)}`],
    [
      'keys that are looked up',
      '- imageReferences: ["*"]\n  attestors:\n  - count: 2\n    entries:\n    - keys:\n        publicKeys: "{{ keys.data.production }}"',
    ],
    ['signatures elsewhere', `- imageReferences: ["*"]\n  repository: r.test/signatures\n  attestors:\n  - ${keys(4)}`],
    ['attestors in attestors', '- imageReferences: ["*"]\n  attestors:\n  - entries:\n    - attestor:\n        entries: []'],
    ['nobody', '- imageReferences: ["*"]'],
  ];
  for (const [what, verify] of REFUSED) it(`refuses what cannot be carried over: ${what}`, () => assert.ok(isRefusal(one(imported(rule(verify))))));

  it('audits when nothing is said, as Kyverno does', () => {
    const text = rule(`- imageReferences: ["*"]\n  attestors:\n  - ${keys(4)}`).replace('  validationFailureAction: Enforce\n', '');
    assert.equal(one(imported(text)).mode, 'audit');
  });

  describe('ImageValidatingPolicy', () => {
    const ivp = (
      validations: string,
      attestor = 'cosign:\n    keyless:\n      identities:\n      - subject: https://github.com/acme/shop/*\n        issuer: https://token.acme.test\n    ctlog:\n      url: https://rekor.acme.test',
    ): string =>
      `apiVersion: policies.kyverno.io/v1\nkind: ImageValidatingPolicy\nmetadata:\n  name: ivp\nspec:\n  validationActions: [Deny]\n  matchImageReferences:\n  - glob: 'ghcr.io/acme/shop:*'\n  attestors:\n  - name: ci\n    ${indented(attestor, 2).trimStart()}\n  attestations:\n  - name: scan\n    intoto:\n      type: cosign.sigstore.dev/attestation/vuln/v1\n  validations:\n${indented(validations, 2)}\n`;
    const signed = '- expression: >-\n    images.containers.map(image, verifyImageSignatures(image, [attestors.ci])).all(e, e > 0)';
    it('signed by an attestor, with an attestation', () => {
      const policy = one(
        imported(
          ivp(
            `${signed}\n- expression: >-\n    images.containers.map(image, verifyAttestationSignatures(image, attestations.scan, [attestors.ci])).all(e, e > 0)`,
          ),
        ),
      );
      assert.deepEqual(
        policy.requirements.map(({ kind }) => kind),
        ['signatures', 'attestation'],
      );
      assert.ok(about(policy, 'ghcr.io/acme/shop'));
    });
    it('refuses expressions that have no form here, attestors of Notation, and attestors that are not there', () => {
      assert.ok(isRefusal(one(imported(ivp(`${signed}\n- expression: "1 == 1"`)))));
      assert.ok(isRefusal(one(imported(ivp(signed, 'notary:\n    certs:\n      value: x')))));
      assert.ok(isRefusal(one(imported(ivp(signed.replace('attestors.ci', 'attestors.other'))))));
    });
  });
});

describe('containers policy.json', () => {
  const signed = (more: object): object => ({ type: 'sigstoreSigned', keyData: encodeBase64(utf8(PEM)), ...more });
  it('takes the most specific scope and no other', () => {
    const { set, lines } = imported(
      JSON.stringify({
        default: [{ type: 'reject' }],
        transports: {
          docker: {
            'r.test': [signed({})],
            'r.test/open': [{ type: 'insecureAcceptAnything' }],
            'r.test/team/app:v1': [signed({ signedIdentity: { type: 'matchRepository' } })],
            '*.cloud.test': [{ type: 'reject' }],
          },
          dir: { '': [{ type: 'insecureAcceptAnything' }] },
        },
      }),
    );
    const by = (name: string): ImagePolicy | undefined => set.policies.find((policy) => policy.name === name);
    assert.deepEqual(set.policies.map(({ name }) => name).sort(), ['scope-cloud.test', 'scope-r.test', 'scope-r.test-team-app-v1']);
    const whole = by('scope-r.test') as ImagePolicy;
    assert.ok(about(whole, 'r.test/a/b') && !about(whole, 'r.test/open/x') && !about(whole, 'r.test/team/app:v1') && !about(whole, 'other.test/a'));
    assert.deepEqual([whole.strictness.repositoryClaim.rule, whole.strictness.repositoryClaim.tag], ['exact', true]);
    assert.equal(by('scope-r.test-team-app-v1')?.strictness.repositoryClaim.tag, false);
    assert.ok(isRefusal(by('scope-cloud.test') as ImagePolicy) && about(by('scope-cloud.test') as ImagePolicy, 'eu.cloud.test/x'));
    assert.equal(set.defaultRule.action, 'deny');
    assert.ok(lines.includes('not-mapped transports.docker.r.test/open') && lines.includes('not-mapped transports.dir'));
  });
  it('takes a wildcard for hosts with a port as well, as these programs do', () => {
    const { set } = imported(
      JSON.stringify({
        default: [{ type: 'insecureAcceptAnything' }],
        transports: { docker: { '*.cloud.test': [{ type: 'reject' }], 'eu.cloud.test:5000': [signed({})] } },
      }),
    );
    const names = (host: string): string[] => set.policies.filter((policy) => about(policy, `${host}/x`)).map(({ name }) => name);
    for (const host of ['us.cloud.test', 'us.cloud.test:5000', 'a.us.cloud.test:1']) assert.deepEqual(names(host), ['scope-cloud.test'], host);
    assert.deepEqual([names('eu.cloud.test:5000'), names('cloud.test'), names('cloud.test.other')], [['scope-eu.cloud.test-5000'], [], []]);
  });
  it('carries identities, mirrors, Fulcio and private authorities', () => {
    const { set } = imported(
      JSON.stringify({
        default: [{ type: 'insecureAcceptAnything' }],
        transports: {
          docker: {
            'mirror.test/vendor': [
              signed({ signedIdentity: { type: 'remapIdentity', prefix: 'mirror.test/vendor', signedPrefix: 'vendor.test' }, rekorPublicKeyData: 'x' }),
            ],
            'copy.test/app': [signed({ signedIdentity: { type: 'exactRepository', dockerRepository: 'origin.test/app' } })],
            'f.test': [
              {
                type: 'sigstoreSigned',
                fulcio: { caData: encodeBase64(utf8(AUTHORITY)), oidcIssuer: 'https://i.test', subjectEmail: 'a@i.test' },
                rekorPublicKeyData: 'x',
              },
            ],
            'p.test': [{ type: 'sigstoreSigned', pki: { caRootsData: encodeBase64(utf8(AUTHORITY)), subjectEmail: 'a@i.test' } }],
            'k.test': [{ type: 'sigstoreSigned', keyPaths: ['/etc/a.pub', '/etc/b.pub'] }],
          },
        },
      }),
    );
    const claimOf = (name: string): unknown => set.policies.find((policy) => policy.name === name)?.strictness.repositoryClaim.mirrors;
    assert.deepEqual(claimOf('scope-mirror.test-vendor'), [{ from: 'mirror.test/vendor', to: 'vendor.test' }]);
    assert.deepEqual(claimOf('scope-copy.test-app'), [{ from: 'copy.test/app', to: 'origin.test/app' }]);
    const kinds = set.policies.map(({ name, requirements: [first] }) => [
      name,
      first?.kind === 'signatures' && (first.combination.kind === 'authority' ? first.combination.authority.kind : first.combination.of.length),
    ]);
    assert.deepEqual(Object.fromEntries(kinds), {
      'scope-mirror.test-vendor': 'key',
      'scope-copy.test-app': 'key',
      'scope-f.test': 'keyless',
      'scope-p.test': 'certificate',
      'scope-k.test': 2,
    });
    assert.equal(set.defaultRule.action, 'allow');
  });
  it('refuses GPG, identities of whole registries, and what it does not know', () => {
    for (const requirement of [
      { type: 'signedBy', keyType: 'GPGKeys', keyPath: '/x' },
      signed({ signedIdentity: { type: 'exactRepository', dockerRepository: 'o.test/a' } }),
      { type: 'sigstoreSigned' },
      { type: 'new' },
    ]) {
      assert.ok(
        isRefusal(one(imported(JSON.stringify({ default: [{ type: 'reject' }], transports: { docker: { 'r.test': [requirement] } } })))),
        JSON.stringify(requirement),
      );
    }
  });
  it('reads registries.d for what it says of places', () => {
    const result = importPolicies([
      { name: 'r.yaml', text: 'default-docker:\n  lookaside: file:///var\ndocker:\n  r.test:\n    use-sigstore-attachments: true\n' },
    ]);
    assert.deepEqual(result.ok && result.report.map(({ outcome, line }) => [outcome, line]), [
      ['not-mapped', 2],
      ['mapped', 5],
    ]);
  });
});

describe('OpenShift', () => {
  const policy = (
    name: string,
    scopes: readonly string[],
    root: object,
    { kind = 'ClusterImagePolicy', identity }: { kind?: string; identity?: object } = {},
  ): string =>
    JSON.stringify({
      apiVersion: 'config.openshift.io/v1',
      kind,
      metadata: { name, ...(kind === 'ImagePolicy' ? { namespace: 'shop' } : {}) },
      spec: { scopes, policy: { rootOfTrust: root, ...(identity ? { signedIdentity: identity } : {}) } },
    });
  const key = { policyType: 'PublicKey', publicKey: { keyData: encodeBase64(utf8(PEM)) } };
  it('carries keys, scopes and namespaces over', () => {
    const { set } = imported(
      policy('wide', ['r.test'], key),
      policy('narrow', ['r.test/team/app'], key, { kind: 'ImagePolicy', identity: { matchPolicy: 'MatchRepository' } }),
    );
    const [wide, narrow] = ['wide', 'narrow'].map((name) => set.policies.find((one) => one.name === name) as ImagePolicy) as [ImagePolicy, ImagePolicy];
    assert.ok(about(wide, 'r.test/x') && about(wide, 'r.test/team/app'), 'whoever may write into a namespace takes nothing out');
    assert.ok(narrow.scope.namespaces.some(({ matches }) => matches('shop')));
    assert.deepEqual([wide.strictness.repositoryClaim.tag, narrow.strictness.repositoryClaim.tag], [true, false]);
  });
  it('carries Fulcio and private authorities over', () => {
    const ca = encodeBase64(utf8(AUTHORITY));
    const fulcio = one(
      imported(
        policy('f', ['r.test'], {
          policyType: 'FulcioCAWithRekor',
          fulcioCAWithRekor: { fulcioCAData: ca, rekorKeyData: ca, fulcioSubject: { oidcIssuer: 'https://i.test', signedEmail: 'a@i.test' } },
        }),
      ),
    );
    assert.equal(fulcio.strictness.dated.logs, 1);
    const pki = one(imported(policy('p', ['r.test'], { policyType: 'PKI', pki: { caRootsData: ca, pkiCertificateSubject: { hostname: 'sign.test' } } })));
    const [requirement] = pki.requirements;
    assert.ok(requirement?.kind === 'signatures' && requirement.combination.kind === 'authority' && requirement.combination.authority.kind === 'certificate');
  });
  it('refuses what it does not know', () => {
    assert.ok(isRefusal(one(imported(policy('n', ['r.test'], { policyType: 'New' })))));
    assert.ok(
      isRefusal(one(imported(policy('n', ['r.test'], key, { identity: { matchPolicy: 'ExactRepository', exactRepository: { repository: 'o.test/a' } } })))),
    );
  });
});

test('what is no policy of a tool that is known is refused, with its place', () => {
  for (const text of [
    'kind: Pod\napiVersion: v1',
    'a: [',
    'apiVersion: policy.sigstore.dev/v1\nkind: Other',
    '[]',
    'apiVersion: portieris.cloud.ibm.com/v1\nkind: ClusterImagePolicy',
  ]) {
    const result = importPolicies([{ name: 'x.yaml', text }]);
    assert.ok(!result.ok && result.problems.every(({ line }) => line > 0), text);
  }
});

test('whatever stands in a document, what comes out compiles, or nothing does', () => {
  const heads = [
    'apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy',
    'apiVersion: kyverno.io/v1\nkind: ClusterPolicy',
    'apiVersion: policies.kyverno.io/v1\nkind: ImageValidatingPolicy',
    'apiVersion: config.openshift.io/v1\nkind: ImagePolicy',
  ];
  const members = fc.constantFrom(
    'images',
    'glob',
    'authorities',
    'keyless',
    'identities',
    'issuer',
    'subject',
    'rules',
    'verifyImages',
    'attestors',
    'entries',
    'count',
    'imageReferences',
    'scopes',
    'policy',
    'attestations',
    'type',
    'predicateType',
    'name',
    'validations',
    'expression',
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom('a', '**', 'r.test/a', '', 0, 2, true, null),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(members, tie('any'), { maxKeys: 4 }),
    ),
  })).any;
  fc.assert(
    fc.property(fc.constantFrom(...heads), value, (head, spec) => {
      const result = importPolicies([{ name: 'x', text: `${head}\nmetadata: {name: x}\nspec: ${JSON.stringify(spec)}\n` }]);
      if (!result.ok) return;
      const compiled = compilePolicies([{ name: 'out', text: result.text }]);
      assert.ok(compiled.ok, compiled.ok ? '' : `${JSON.stringify(compiled.problems)}\n${result.text}`);
    }),
    { numRuns: 300 },
  );
});
