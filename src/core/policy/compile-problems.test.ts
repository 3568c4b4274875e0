/** Problems of policies, whole: place, message and hint. Each case is what somebody could have written. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BY_KEY, documentOf, namespacedProblemsOf, policyOf, problemsOf } from '../../../test/compiled-policies.ts';
import { policyFile } from '../../../test/policies.ts';
import { LIMITS } from '../encoding/index.ts';

const signed = (rest: string): string => problemsOf(policyOf(`${BY_KEY}\n${rest}`)).join('\n');
const by = (authority: string): string => problemsOf(policyOf(`authorities: [{ name: a, ${authority} }]\nsignatures: a`)).join('\n');
const asking = (signatures: string): string => problemsOf(policyOf(BY_KEY.replace('signatures: a', `signatures: ${signatures}`))).join('\n');
const excepting = (rest: string): string =>
  problemsOf(`${policyOf(BY_KEY)}---\n${documentOf('ImageException', `{ reason: r, approvedBy: [a], ${rest} }`)}`).join('\n');
const days = 'from: 2026-01-01T00:00:00Z, until: 2026-01-02T00:00:00Z';

describe('problems of policies, with place and hint', () => {
  it('an authority: no kind', () => {
    assert.deepEqual(by('validFrom: 2026-01-01T00:00:00Z'), '5:17 the authority a must be exactly one of key, keyless and certificate');
  });
  it('an authority: two kinds', () => {
    assert.deepEqual(
      by('key: { trustKey: release }, certificate: { file: authority.pem, subject: x }'),
      '5:17 the authority a must be exactly one of key, keyless and certificate',
    );
  });
  it('an authority: a window that ends before it begins', () => {
    assert.deepEqual(by('key: { trustKey: release }, validFrom: 2026-01-02T00:00:00Z, validUntil: 2026-01-01T00:00:00Z'), '5:101 it ends before it begins');
  });
  it('an authority: a window of one moment', () => {
    assert.deepEqual(by('key: { trustKey: release }, validFrom: 2026-01-02T00:00:00Z, validUntil: 2026-01-02T00:00:00Z'), '');
  });
  it('an authority: a window without a beginning', () => {
    assert.deepEqual(by('key: { trustKey: release }, validUntil: 1900-01-02T00:00:00Z'), '');
  });
  it('a key: nothing of it', () => {
    assert.deepEqual(by('key: {}'), '5:33 exactly one of pem, file, fingerprint and trustKey must be given');
  });
  it('a key: two of it', () => {
    assert.deepEqual(by('key: { trustKey: release, file: release.pub }'), '5:33 exactly one of pem, file, fingerprint and trustKey must be given');
  });
  it('a key: a file that is not there', () => {
    assert.deepEqual(by('key: { file: other.pub }'), '5:41 ERR_FILE_UNREADABLE the file other.pub is not there');
  });
  it('a key: a file that holds something else', () => {
    assert.deepEqual(
      by('key: { file: authority.pem }'),
      '5:41 ERR_PEM_INVALID the key holds a "CERTIFICATE", expected "PUBLIC KEY" or "RSA PUBLIC KEY" (Check that the file is the PEM file you meant and that it is complete.)',
    );
  });
  it('a key: a key of no trust state', () => {
    assert.deepEqual(problemsOf(policyOf('authorities: [{ name: a, key: { trustKey: release } }]\nsignatures: a'), {}), [
      '5:45 the key release is one of the trust state, and none was given (Give --trust FOLDER, or name the key by its file or fingerprint.)',
    ]);
  });
  it('a key: another name than those of the trust state', () => {
    assert.deepEqual(by('key: { trustKey: other }'), '5:45 the trust state has no key other for artifacts (It has release, images.)');
  });
  it('a key: of another version', () => {
    assert.deepEqual(by('key: { trustKey: release/5 }'), '5:45 the trust state has no key release/5 for artifacts (It has release, images.)');
  });
  it('a key: of another role', () => {
    assert.deepEqual(by('key: { trustKey: policies }'), '5:45 the trust state has no key policies for artifacts (It has release, images.)');
  });
  it('a key: of a trust state without any', () => {
    assert.deepEqual(problemsOf(policyOf('authorities: [{ name: a, key: { trustKey: release } }]\nsignatures: a'), { keys: [] }), [
      '5:45 the trust state has no key release for artifacts',
    ]);
  });
  it('a certificate authority: neither file nor text', () => {
    assert.deepEqual(by('certificate: { subject: x }'), '5:41 exactly one of pem and file must be given');
  });
  it('a certificate authority: file and text', () => {
    assert.deepEqual(by('certificate: { file: authority.pem, pem: x, subject: x }'), '5:41 exactly one of pem and file must be given');
  });
  it('a certificate authority: for nobody', () => {
    assert.deepEqual(
      by('certificate: { file: authority.pem }'),
      '5:41 whose certificate counts is not said (Give subject or names; { regex: .* } takes everybody whom the authority certified.)',
    );
  });
  it('a certificate authority: a file that is not there', () => {
    assert.deepEqual(by('certificate: { file: other.pem, subject: x }'), '5:49 ERR_FILE_UNREADABLE the file other.pem is not there');
  });
  it('a certificate authority: text that holds something else', () => {
    assert.deepEqual(
      by(`certificate: { pem: ${JSON.stringify(policyFile('release.pub'))}, subject: x }`),
      '5:48 ERR_PEM_INVALID the certificates holds a "PUBLIC KEY" where only certificates are expected (Check that the file is the PEM file you meant and that it is complete.)',
    );
  });
  it('a keyless identity: nobody, and an authority that is none', () => {
    assert.deepEqual(by('keyless: { identities: [{}], authorities: [x] }'), '5:52 issuer is missing\n5:71 "x" is not of the form ^[0-9a-f]{64}$');
  });
  it('an authority that is there already', () => {
    assert.deepEqual(problemsOf(policyOf('authorities: [{ name: a, key: { trustKey: release } }, { name: a, key: { trustKey: images } }]\nsignatures: a')), [
      '5:58 there is an authority a already',
    ]);
  });
  it('an authority of several policies that is there already', () => {
    assert.deepEqual(
      problemsOf(documentOf('Authorities', '{ authorities: [{ name: a, key: { trustKey: release } }, { name: a, key: { trustKey: images } }] }')),
      ['4:64 there is an authority a already'],
    );
  });
  it('an authority that nobody asks for', () => {
    assert.deepEqual(problemsOf(policyOf(BY_KEY.replace('signatures: a', 'refuse: gone'))), [
      '5:17 nothing asks for the authority a (Name it in signatures or in an attestation, or leave it out.)',
    ]);
  });
  it('an authority that is not there, and none is', () => {
    assert.deepEqual(problemsOf(policyOf('signatures: a')), [
      '5:15 there is no authority a (Define it in authorities, or in a document of the kind Authorities.)',
    ]);
  });
  it('an authority that is not there, among several', () => {
    assert.deepEqual(
      problemsOf(
        `${documentOf('Authorities', '{ authorities: [{ name: c, key: { trustKey: images } }, { name: a, key: { trustKey: images } }] }')}---\n${policyOf(BY_KEY.replace('signatures: a', 'signatures: { allOf: [a, b] }'))}`,
      ),
      ['11:28 there is no authority b (Known are a, c.)'],
    );
  });
  it('nothing that is asked for', () => {
    assert.deepEqual(problemsOf(policyOf('mode: warn')), ['5:3 this policy asks for nothing (Give signatures, attestations, naming, labels or refuse.)']);
  });
  it('signatures: none of the forms', () => {
    assert.deepEqual(
      asking('{ latest: { maxLag: 1h } }'),
      '5:17 nothing asks for the authority a (Name it in signatures or in an attestation, or leave it out.)\n6:15 exactly one of authority, allOf, anyOf, or atLeast together with of must be given',
    );
  });
  it('signatures: a number without those of whom', () => {
    assert.deepEqual(
      asking('{ atLeast: 1 }'),
      '5:17 nothing asks for the authority a (Name it in signatures or in an attestation, or leave it out.)\n6:15 exactly one of authority, allOf, anyOf, or atLeast together with of must be given',
    );
  });
  it('signatures: those of whom without a number', () => {
    assert.deepEqual(
      asking('{ of: [a] }'),
      '5:17 nothing asks for the authority a (Name it in signatures or in an attestation, or leave it out.)\n6:15 exactly one of authority, allOf, anyOf, or atLeast together with of must be given',
    );
  });
  it('signatures: two forms', () => {
    assert.deepEqual(
      asking('{ allOf: [a], authority: a }'),
      '5:17 nothing asks for the authority a (Name it in signatures or in an attestation, or leave it out.)\n6:15 exactly one of authority, allOf, anyOf, or atLeast together with of must be given',
    );
  });
  it('signatures: three of two', () => {
    assert.deepEqual(
      asking('{ atLeast: 3, of: [a, a] }'),
      '6:15 3 of 2 can never be met (Name as many authorities as must sign; one that stands for several people may be named several times.)',
    );
  });
  it('signatures: two of two', () => {
    assert.deepEqual(asking('{ atLeast: 2, of: [a, a] }'), '');
  });
  it('signatures: one of somebody who is not there', () => {
    assert.deepEqual(asking('{ anyOf: [a, b] }'), '6:28 there is no authority b (Known are a.)');
  });
  it('signatures: as many parts as there may be', () => {
    assert.deepEqual(asking(`{ anyOf: [${Array.from({ length: LIMITS.authoritiesPerPolicy }, () => 'a').join(', ')}] }`), '');
  });
  it('signatures: one part more', () => {
    assert.deepEqual(asking(`{ anyOf: [${Array.from({ length: LIMITS.authoritiesPerPolicy + 1 }, () => 'a').join(', ')}] }`), '6:15 a group may have 64 parts');
  });
  it('signatures: a group in a group in a group', () => {
    assert.deepEqual(
      asking('{ allOf: [{ anyOf: [{ allOf: [a] }] }] }'),
      '5:17 nothing asks for the authority a (Name it in signatures or in an attestation, or leave it out.)\n6:35 groups may stand in a group, but not deeper',
    );
  });
  it('signatures: a group in a group', () => {
    assert.deepEqual(asking('{ allOf: [{ anyOf: [a] }] }'), '');
  });
  it('signatures: within a group two forms', () => {
    assert.deepEqual(
      asking('{ allOf: [{ anyOf: [a], allOf: [a] }] }'),
      '5:17 nothing asks for the authority a (Name it in signatures or in an attestation, or leave it out.)\n6:25 exactly one of authority, allOf, anyOf, or atLeast together with of must be given',
    );
  });
  it('attestations: none of the forms', () => {
    assert.deepEqual(
      signed('attestations: [{ maxAge: 1d }]'),
      '7:18 exactly one of type, slsa, sbom, vulnerabilities, reproducible, approvals, tests must be given',
    );
  });
  it('attestations: two forms', () => {
    assert.deepEqual(
      signed('attestations: [{ sbom: {}, slsa: {} }]'),
      '7:18 exactly one of type, slsa, sbom, vulnerabilities, reproducible, approvals, tests must be given',
    );
  });
  it('attestations: one name twice, where it is said', () => {
    assert.deepEqual(
      signed('attestations: [{ slsa: {} }, { name: slsa, sbom: {} }]'),
      '7:40 a second requirement has the name slsa (Give each attestation a name of its own.)',
    );
  });
  it('attestations: one name twice, where it is not said', () => {
    assert.deepEqual(
      signed('attestations: [{ slsa: {} }, { slsa: { level: 2 } }]'),
      '7:32 a second requirement has the name slsa (Give each attestation a name of its own.)',
    );
  });
  it('attestations: the name of the signatures', () => {
    assert.deepEqual(
      signed('attestations: [{ name: signatures, slsa: {} }]'),
      '7:26 a second requirement has the name signatures (Give each attestation a name of its own.)',
    );
  });
  it('attestations: how many, twice', () => {
    assert.deepEqual(signed('attestations: [{ approvals: { count: 1 }, atLeast: 2 }]'), '7:54 how many is said by approvals already');
  });
  it('attestations: by whom, of two', () => {
    assert.deepEqual(
      problemsOf(
        policyOf(
          'authorities: [{ name: a, key: { trustKey: release } }, { name: b, key: { trustKey: images } }]\nsignatures: { allOf: [a, b] }\nattestations: [{ slsa: {} }]',
        ),
      ),
      ['7:18 who must attest is not said (Give from: with the names of authorities.)'],
    );
  });
  it('attestations: by whom, of none', () => {
    assert.deepEqual(problemsOf(policyOf('attestations: [{ slsa: {} }]')), ['5:18 who must attest is not said (Give from: with the names of authorities.)']);
  });
  it('attestations: by the same twice, and by nobody', () => {
    assert.deepEqual(signed('attestations: [{ slsa: {}, from: [a, a, b] }]'), '7:40 a stands twice\n7:43 there is no authority b (Known are a.)');
  });
  it('attestations: excused by nobody', () => {
    assert.deepEqual(signed('attestations: [{ vulnerabilities: { maximum: low, vex: [b] } }]'), '7:59 there is no authority b (Known are a.)');
  });
  it('attestations: a type that is none', () => {
    assert.deepEqual(
      signed('attestations: [{ type: spxd }]'),
      '7:26 ERR_USAGE the predicate type is neither a URI nor a known name: "spxd" (Known names are slsaprovenance, slsaprovenance02, slsaprovenance1, link, spdx, spdxjson, cyclonedx, vuln, openvex, custom.)',
    );
  });
  it('attestations: a condition that is none, of several', () => {
    assert.deepEqual(
      signed('attestations: [{ slsa: {}, condition: "true", conditions: ["x == 1", "true"] }]'),
      '7:62 ERR_CONDITION_INVALID the condition "x == 1" cannot be used: it names "x", and there are only statement, predicate, predicateType, subjects (Conditions see statement, predicate, predicateType and subjects; docs/reference/policy.md has examples.)',
    );
  });
  it('an SBOM: licences of which nothing is said', () => {
    assert.deepEqual(signed('attestations: [{ sbom: { licences: {} } }]'), '7:26 a rule about licences must allow or deny some');
  });
  it('an SBOM: what of unknown licences is enough', () => {
    assert.deepEqual(signed('attestations: [{ sbom: { licences: { unknown: allow } } }]'), '');
  });
  it('an SBOM: a licence both ways', () => {
    assert.deepEqual(
      signed('attestations: [{ sbom: { licences: { allowed: [A, MIT], denied: [B, mit] } } }]'),
      '7:26 the licence MIT is both allowed and denied',
    );
  });
  it('an algorithm that is not known', () => {
    assert.deepEqual(
      signed('strictness: { algorithms: [ed25519, sha1] }'),
      '7:39 the algorithm "sha1" is not known (Known are ecdsa-p256-sha256, ecdsa-p384-sha384, ecdsa-p521-sha512, rsa2048-pkcs1-sha256, rsa3072-pkcs1-sha256, rsa4096-pkcs1-sha256, rsa2048-pss-sha256, rsa3072-pss-sha256, rsa4096-pss-sha256, ed25519, ed25519ph, ml-dsa-44, ml-dsa-65, ml-dsa-87.)',
    );
  });
  it('ages that are the same', () => {
    assert.deepEqual(signed('strictness: { minAge: 1d, maxAge: 24h }'), '');
  });
  it('ages that exclude each other', () => {
    assert.deepEqual(signed('strictness: { minAge: 2d, maxAge: 1d }'), '7:15 a signature can never be older than minAge and younger than maxAge');
  });
  it('a prefix without its rule', () => {
    assert.deepEqual(signed('strictness: { repositoryClaim: { prefix: r.test } }'), '7:34 the rule prefix and a prefix belong together');
  });
  it('a rule without its prefix', () => {
    assert.deepEqual(signed('strictness: { repositoryClaim: { rule: prefix } }'), '7:34 the rule prefix and a prefix belong together');
  });
  it('post-quantum without its algorithms', () => {
    assert.deepEqual(
      signed('strictness: { algorithms: [ed25519, rsa-pss-sha256-2048], postQuantum: require }'),
      '7:30 a post-quantum signature is required, and no post-quantum algorithm is allowed\n7:39 the algorithm "rsa-pss-sha256-2048" is not known (Known are ecdsa-p256-sha256, ecdsa-p384-sha384, ecdsa-p521-sha512, rsa2048-pkcs1-sha256, rsa3072-pkcs1-sha256, rsa4096-pkcs1-sha256, rsa2048-pss-sha256, rsa3072-pss-sha256, rsa4096-pss-sha256, ed25519, ed25519ph, ml-dsa-44, ml-dsa-65, ml-dsa-87.)',
    );
  });
  it('post-quantum with its algorithms', () => {
    assert.deepEqual(signed('strictness: { algorithms: [ed25519, ml-dsa-65], postQuantum: require }'), '');
  });
  it('labels: nothing', () => {
    assert.deepEqual(signed('match: { namespaceLabels: {} }'), '7:29 namespaceLabels says nothing');
  });
  it('labels: values that are missing, and values too many', () => {
    assert.deepEqual(
      signed('match: { namespaceLabels: { matchExpressions: [{ key: a, operator: NotIn }, { key: b, operator: DoesNotExist, values: [x] }] } }'),
      '7:50 NotIn needs values\n7:79 DoesNotExist takes no values',
    );
  });
  it('labels: what no namespace can have', () => {
    assert.deepEqual(
      signed('match: { namespaceLabels: { matchLabels: { a: x }, matchExpressions: [{ key: b, operator: Exists }, { key: b, operator: DoesNotExist }] } }'),
      '7:29 no namespace can have labels as these terms ask of b',
    );
  });
  it('labels: one of two values that are both asked for', () => {
    assert.deepEqual(
      signed(
        'match: { namespaceLabels: { matchExpressions: [{ key: a, operator: In, values: [x, y] }, { key: a, operator: In, values: [y, z] }, { key: a, operator: NotIn, values: [x] }] } }',
      ),
      '',
    );
  });
  it('labels: none of them is left', () => {
    assert.deepEqual(
      signed('match: { namespaceLabels: { matchExpressions: [{ key: a, operator: In, values: [x, y] }, { key: a, operator: NotIn, values: [x, y] }] } }'),
      '7:29 no namespace can have labels as these terms ask of a',
    );
  });
  it('labels: not there, and not of a value', () => {
    assert.deepEqual(
      signed('match: { namespaceLabels: { matchExpressions: [{ key: a, operator: DoesNotExist }, { key: a, operator: NotIn, values: [x] }] } }'),
      '',
    );
  });
  it('images: taken in and out again', () => {
    assert.deepEqual(
      signed('match: { images: ["r.test/a/*", "r.test/b"], exclude: ["r.test/**"] }'),
      '7:10 what images takes in exclude takes out again, so that it can match nothing (Leave one of the two out.)',
    );
  });
  it('images: taken in and out again, each by itself', () => {
    assert.deepEqual(
      signed('match: { images: ["r.test/a/**", "r.test/b"], exclude: ["r.test/b", "r.test/a/**"] }'),
      '7:10 what images takes in exclude takes out again, so that it can match nothing (Leave one of the two out.)',
    );
  });
  it('images: of which one is left', () => {
    assert.deepEqual(signed('match: { images: ["r.test/a/**", "r.test/b"], exclude: ["r.test/a/**"] }'), '');
  });
  it('images: stars within say nothing', () => {
    assert.deepEqual(signed('match: { images: ["r.test/a/b"], exclude: ["r.test/*/b"] }'), '');
  });
  it('images: all of them taken out', () => {
    assert.deepEqual(
      signed('match: { images: ["r.test/a"], exclude: ["**"] }'),
      '7:10 what images takes in exclude takes out again, so that it can match nothing (Leave one of the two out.)',
    );
  });
  it('images: all but some', () => {
    assert.deepEqual(signed('match: { exclude: ["r.test/**"] }'), '');
  });
  it('a namespace twice', () => {
    assert.deepEqual(problemsOf(policyOf(`${BY_KEY}\nmatch: { namespaces: [shop] }`).replace('name: one', 'name: one, namespace: shop')), [
      '3:35 a policy of a namespace holds in that namespace alone (Leave out metadata.namespace, or match.namespaces.)',
    ]);
  });
  it('two policies of one name', () => {
    assert.deepEqual(problemsOf(`${policyOf('refuse: gone')}---\n${policyOf('refuse: gone')}`), ['9:19 there is a policy one already']);
  });
  it('two defaults', () => {
    assert.deepEqual(problemsOf(`${documentOf('DefaultRule', '{ action: deny }')}---\n${documentOf('DefaultRule', '{ action: allow }')}`), [
      '6:1 there is a DefaultRule already',
    ]);
  });
  it('a document without a kind', () => {
    assert.deepEqual(problemsOf('apiVersion: sealward.dev/v1alpha1'), [
      '1:1 this is no document of Sealward: kind is missing (A document begins with apiVersion and kind: ImagePolicy, Authorities, DefaultRule, ImageException.)',
    ]);
  });
  it('a document that is no map', () => {
    assert.deepEqual(problemsOf('- a'), [
      '1:1 this is no document of Sealward: kind is missing (A document begins with apiVersion and kind: ImagePolicy, Authorities, DefaultRule, ImageException.)',
    ]);
  });
  it('a document of another tool', () => {
    assert.deepEqual(problemsOf('apiVersion: kyverno.io/v1\nkind: ClusterPolicy'), [
      '2:7 documents of the kind "ClusterPolicy" are not known (Known are ImagePolicy, Authorities, DefaultRule, ImageException; `sealward policy import` reads those of other tools.)',
    ]);
  });
  it('a kind that is no text', () => {
    assert.deepEqual(problemsOf('kind: 5'), [
      '1:7 this is no document of Sealward: kind is missing (A document begins with apiVersion and kind: ImagePolicy, Authorities, DefaultRule, ImageException.)',
    ]);
  });
  it('an exception that ends before it begins', () => {
    assert.deepEqual(excepting('match: { images: ["**"] }, from: 2026-01-02T00:00:00Z, until: 2026-01-01T00:00:00Z'), '11:7 it ends before it begins');
  });
  it('an exception of one moment', () => {
    assert.deepEqual(excepting('match: { images: ["**"] }, from: 2026-01-02T00:00:00Z, until: 2026-01-02T00:00:00Z'), '');
  });
  it('an exception for everything', () => {
    assert.deepEqual(excepting(`match: { namespaces: [shop] }, ${days}`), '11:7 an exception must name images or digests (Give match.images or digests.)');
  });
  it('an exception for a digest', () => {
    assert.deepEqual(excepting(`digests: ["sha256:${'0'.repeat(64)}"], ${days}`), '');
  });
  it('an exception from a policy that is not there', () => {
    assert.deepEqual(
      excepting(`match: { images: ["**"] }, policies: [one, two], ${days}`),
      '11:80 there is no policy two (The exception names one that it lifts; check the spelling.)',
    );
  });
  it('a namespace: what only trusted roles may say', () => {
    assert.deepEqual(
      ['ImageException', 'DefaultRule', 'Authorities'].flatMap((kind) => namespacedProblemsOf(documentOf(kind, '{}'))),
      [
        "1:1 a document of the kind ImageException counts only when the trust state's roles have signed it (Add it with `sealward trust policy` or `sealward trust except`.)",
        "1:1 a document of the kind DefaultRule counts only when the trust state's roles have signed it (Add it with `sealward trust policy` or `sealward trust except`.)",
        "1:1 a document of the kind Authorities counts only when the trust state's roles have signed it (Add it with `sealward trust policy` or `sealward trust except`.)",
      ],
    );
  });
  it('a namespace: keys and certificates of its own', () => {
    assert.deepEqual(
      ['key: { file: release.pub }', 'certificate: { pem: x, subject: x }'].flatMap((one) =>
        namespacedProblemsOf(policyOf(`authorities: [{ name: a, ${one} }]\nsignatures: a`)),
      ),
      [
        '5:41 a policy that nobody signed may not bring keys or certificates of its own (Name a key of the trust state with trustKey.)',
        '5:48 a policy that nobody signed may not bring keys or certificates of its own (Name a key of the trust state with trustKey.)',
      ],
    );
  });
  it('a namespace: another one', () => {
    assert.deepEqual(namespacedProblemsOf(policyOf(BY_KEY).replace('name: one', 'name: one, namespace: other')), [
      '3:35 it stands in the namespace shop, and names another',
    ]);
  });
  it('a namespace: its own', () => {
    assert.deepEqual(namespacedProblemsOf(policyOf(BY_KEY).replace('name: one', 'name: one, namespace: shop')), []);
  });
  it('a namespace: those of others by their names', () => {
    assert.deepEqual(namespacedProblemsOf(policyOf(`${BY_KEY}\nmatch: { namespaces: [shop] }`)), [
      '7:10 a policy of a namespace holds in that namespace alone (Leave out match.namespaces and match.namespaceLabels.)',
    ]);
  });
  it('a namespace: those of others by their labels', () => {
    assert.deepEqual(namespacedProblemsOf(policyOf(`${BY_KEY}\nmatch: { namespaceLabels: { matchLabels: { a: b } } }`)), [
      '7:10 a policy of a namespace holds in that namespace alone (Leave out match.namespaces and match.namespaceLabels.)',
    ]);
  });
  it('a namespace: more than its bound', () => {
    assert.deepEqual(namespacedProblemsOf('#'.repeat(LIMITS.namespacedPolicyBytes + 1)), [
      '1:1 ERR_TOO_LARGE a policy of a namespace has at most 262144 bytes',
    ]);
  });
  it('a namespace: several problems, in their order', () => {
    assert.deepEqual(namespacedProblemsOf(policyOf(`mode: x\n${BY_KEY}\nmatch: { namespaces: [shop] }`)), [
      '5:9 this must be one of enforce, warn, audit, and it is the text "x"',
      '8:10 a policy of a namespace holds in that namespace alone (Leave out match.namespaces and match.namespaceLabels.)',
    ]);
  });
});
