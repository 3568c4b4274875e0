/** What becomes of Kyverno's verifyImages rules, field by field: the whole document, and every line of the report. */
import { describe, it } from 'node:test';
import { PEM, quotedPem, same } from '../../../../test/imports.ts';

const policy = (spec: string, { kind = 'ClusterPolicy', metadata = 'name: p' } = {}): string =>
  `{apiVersion: kyverno.io/v1, kind: ${kind}, metadata: {${metadata}}, spec: {${spec}}}`;
const rule = (verify: string, more = ''): string => policy(`validationFailureAction: Enforce, rules: [{name: r, verifyImages: [{${verify}}]${more}}]`);
const entries = (...all: string[]): string => `attestors: [{entries: [${all.join(', ')}]}]`;
const keys = `{keys: {publicKeys: ${quotedPem}, rekor: {ignoreTlog: true}}}`;

describe("Kyverno's verifyImages: where it holds", () => {
  it('a rule about something else, and two about signatures', () => {
    same(
      [policy(`rules: [{name: labels, validate: {}}, {verifyImages: [{${entries(keys)}}, {failureAction: enforce, ${entries(keys)}}]}]`)],
      {
        'p-rule-0': {
          mode: 'audit',
          authorities: [{ name: 'attestor-1', key: { pem: PEM } }],
          signatures: 'attestor-1',
          strictness: { repositoryClaim: { rule: 'any' } },
        },
        'p-rule-1': { authorities: [{ name: 'attestor-1', key: { pem: PEM } }], signatures: 'attestor-1', strictness: { repositoryClaim: { rule: 'any' } } },
      },
      [
        'mapped spec.rules[1].verifyImages[0].attestors[0].entries[0].keys.publicKeys spec.rules[1].verifyImages[0].attestors[0].entries[0].keys.rekor.ignoreTlog spec.rules[1].verifyImages[1].failureAction spec.rules[1].verifyImages[1].attestors[0].entries[0].keys.publicKeys spec.rules[1].verifyImages[1].attestors[0].entries[0].keys.rekor.ignoreTlog',
        'not-mapped spec.rules[0]: it is no rule about signatures',
      ],
    );
  });
  it('the strictest action of all namespaces', () => {
    same(
      [
        policy(
          `validationFailureAction: Audit, validationFailureActionOverrides: [{action: audit, namespaces: [a]}, {action: Enforce, namespaces: [b]}], rules: [{name: r, verifyImages: [{${entries(keys)}}]}]`,
        ),
      ],
      { 'p-r-0': { authorities: [{ name: 'attestor-1', key: { pem: PEM } }], signatures: 'attestor-1', strictness: { repositoryClaim: { rule: 'any' } } } },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog',
        'different spec.validationFailureActionOverrides: here the strictest of its actions holds in every namespace',
      ],
    );
  });
  it('an action that nobody knows enforces', () => {
    same(
      [policy(`validationFailureAction: deny, rules: [{name: r, verifyImages: [{${entries(keys)}}]}]`)],
      { 'p-r-0': { authorities: [{ name: 'attestor-1', key: { pem: PEM } }], signatures: 'attestor-1', strictness: { repositoryClaim: { rule: 'any' } } } },
      ['mapped spec.validationFailureAction attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog'],
    );
  });
  it('overrides that only audit', () => {
    same(
      [policy(`validationFailureActionOverrides: [{action: audit, namespaces: [a]}], rules: [{name: r, verifyImages: [{${entries(keys)}}]}]`)],
      {
        'p-r-0': {
          mode: 'audit',
          authorities: [{ name: 'attestor-1', key: { pem: PEM } }],
          signatures: 'attestor-1',
          strictness: { repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog',
        'different spec.validationFailureActionOverrides: here the strictest of its actions holds in every namespace',
      ],
    );
  });
  it('a policy of one namespace', () => {
    same(
      [
        policy(
          `rules: [{name: r, match: {any: [{resources: {namespaces: [other]}}]}, context: [{name: x}], verifyImages: [{failureAction: Enforce, ${entries(keys)}}]}]`,
          { kind: 'Policy', metadata: 'name: p, namespace: shop' },
        ),
      ],
      {
        'p-r-0': {
          match: { namespaces: [{ exact: 'shop' }] },
          authorities: [{ name: 'attestor-1', key: { pem: PEM } }],
          signatures: 'attestor-1',
          strictness: { repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped failureAction attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog',
        'not-mapped spec.rules[0].context: nothing is looked up while an image waits: write the values into the policy',
      ],
    );
  });
  it('namespaces of every clause, once each', () => {
    same(
      [
        rule(
          entries(keys),
          ', match: {any: [{resources: {kinds: [Pod], namespaces: [shop, te?m-*]}}, {resources: {operations: [CREATE], namespaces: [shop], selector: {a: b}}}]}',
        ),
      ],
      {
        'p-r-0': {
          match: { namespaces: [{ exact: 'shop' }, { regex: 'te.m-.*' }] },
          authorities: [{ name: 'attestor-1', key: { pem: PEM } }],
          signatures: 'attestor-1',
          strictness: { repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.rules[0].match.any[0].resources.namespaces spec.rules[0].match.any[1].resources.namespaces spec.validationFailureAction attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog',
        'different spec.rules[0].match.any[1].resources.selector: here it holds whatever these are',
      ],
    );
  });
  it('a clause without namespaces is about every one', () => {
    same(
      [rule(entries(keys), ', match: {any: [{resources: {namespaces: [shop]}}, {resources: {kinds: [Pod]}}]}')],
      { 'p-r-0': { authorities: [{ name: 'attestor-1', key: { pem: PEM } }], signatures: 'attestor-1', strictness: { repositoryClaim: { rule: 'any' } } } },
      ['mapped spec.validationFailureAction attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog'],
    );
  });
  it('clauses that must all match are not taken for any of them', () => {
    same(
      [rule(entries(keys), ', match: {all: [{resources: {namespaces: [shop]}}]}')],
      { 'p-r-0': { authorities: [{ name: 'attestor-1', key: { pem: PEM } }], signatures: 'attestor-1', strictness: { repositoryClaim: { rule: 'any' } } } },
      ['mapped spec.validationFailureAction attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog'],
    );
  });
  it('the older form of a clause', () => {
    same(
      [rule(entries(keys), ', match: {resources: {namespaces: [shop]}}')],
      {
        'p-r-0': {
          match: { namespaces: [{ exact: 'shop' }] },
          authorities: [{ name: 'attestor-1', key: { pem: PEM } }],
          signatures: 'attestor-1',
          strictness: { repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.rules[0].match.resources.namespaces spec.validationFailureAction attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog',
      ],
    );
  });
  it('what narrows a rule is left out', () => {
    same(
      [rule(entries(keys), ', exclude: {any: []}, preconditions: {all: []}, celPreconditions: [{}]')],
      { 'p-r-0': { authorities: [{ name: 'attestor-1', key: { pem: PEM } }], signatures: 'attestor-1', strictness: { repositoryClaim: { rule: 'any' } } } },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog',
        'different spec.rules[0].exclude: here it also holds for what was excluded; exclude images with match.exclude',
        'different spec.rules[0].preconditions: here it holds without them',
        'different spec.rules[0].celPreconditions: here it holds without them',
      ],
    );
  });
  it('images: stars, tags, question marks, variables', () => {
    same(
      [
        rule(
          `imageReferences: ['*', 'r.test/a?c:v1', 'r.test/b', 'r.test/c:v*', '{{ image }}', '', 'r.test:5000', 'r.test/d:'], skipImageReferences: ['r.test/a', 'r.test/b:v1', 'r.test/c@sha256:*', 'r.test/d?', '{{ x }}', 'r.test/e/**'], ${entries(keys)}`,
        ),
      ],
      {
        'p-r-0': {
          match: {
            images: ['**', 'r.test/a**c', 'r.test/b', 'r.test/c:v**', '**', '**', 'r.test', 'r.test/d'],
            exclude: ['r.test/a:latest', 'r.test/b:v1', 'r.test/c@sha256:**', 'r.test/e/**'],
          },
          authorities: [{ name: 'attestor-1', key: { pem: PEM } }],
          signatures: 'attestor-1',
          strictness: { repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.validationFailureAction imageReferences[0] imageReferences[2] imageReferences[3] skipImageReferences[0] skipImageReferences[1] skipImageReferences[2] skipImageReferences[5] attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog',
        'different imageReferences[1]: here a question mark is any text',
        'different imageReferences[1]: here it is about every tag and digest',
        'not-mapped imageReferences[4]: variables are not known here',
        'not-mapped imageReferences[5]: variables are not known here',
        'different imageReferences[6]: here it is about every tag and digest',
        'different imageReferences[7]: here it is about every tag and digest',
        'different skipImageReferences[3]: here it is not excluded: a question mark has no form',
        'not-mapped skipImageReferences[4]: variables are not known here',
      ],
    );
  });
  it('a star behind a first name on Docker Hub goes on below it', () => {
    same(
      [rule(`imageReferences: ['nginx*', 'docker.io/ngi*x:v1', 'index.docker.io/a*', 'docker.io/team/*', 'docker.io/*', 'r.test*'], ${entries(keys)}`)],
      {
        'p-r-0': {
          match: {
            images: [
              'nginx**',
              'docker.io/nginx*/**',
              'docker.io/ngi**x',
              'docker.io/ngi*/**x',
              'index.docker.io/a**',
              'docker.io/a*/**',
              'docker.io/team/**',
              'docker.io/**',
              'r.test**',
            ],
          },
          authorities: [{ name: 'attestor-1', key: { pem: PEM } }],
          signatures: 'attestor-1',
          strictness: { repositoryClaim: { rule: 'any' } },
        },
      },
      [
        'mapped spec.validationFailureAction imageReferences[0] imageReferences[2] imageReferences[3] imageReferences[4] imageReferences[5] attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog',
        'different imageReferences[1]: here it is about every tag and digest',
      ],
    );
  });
  it('the bundles of Sigstore, and members that change nothing', () => {
    same(
      [rule(`type: SigstoreBundle, required: false, mutateDigest: true, useCache: true, cosignOCI11: true, imageRegistryCredentials: {}, ${entries(keys)}`)],
      { 'p-r-0': { authorities: [{ name: 'attestor-1', key: { pem: PEM } }], signatures: 'attestor-1', strictness: { repositoryClaim: { rule: 'any' } } } },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog mutateDigest',
        'different required: here it always is so',
        'not-mapped imageRegistryCredentials: credentials are given to the webhook, not to a policy',
        'different useCache: a decision is never cached',
        'different cosignOCI11: signatures are looked for in every place where they are attached',
      ],
    );
  });
  it('signatures of Cosign', () => {
    same(
      [rule(`type: Cosign, verifyDigest: false, ${entries(keys)}`)],
      { 'p-r-0': { authorities: [{ name: 'attestor-1', key: { pem: PEM } }], signatures: 'attestor-1', strictness: { repositoryClaim: { rule: 'any' } } } },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog',
        'different verifyDigest: here it always is so',
      ],
    );
  });
  it('signatures of another type', () => {
    same(
      [rule(`type: Notary, ${entries(keys)}`)],
      { 'p-r-0': { refuse: 'This policy could not be carried over: spec.rules[0].verifyImages[0].type: signatures of the type Notary are not read.' } },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog',
        'not-mapped type: signatures of the type Notary are not read',
      ],
    );
  });
  it('a member from before there were attestors asks for something', () => {
    same(
      [rule(`key: x, ${entries(keys)}`)],
      { 'p-r-0': { refuse: 'This policy could not be carried over: spec.rules[0].verifyImages[0].key: Sealward knows no such member.' } },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog',
        'not-mapped key: Sealward knows no such member',
      ],
    );
  });
  it('signatures in another place', () => {
    same(
      [rule(`repository: r.test/signatures, ${entries(keys)}`)],
      { 'p-r-0': { refuse: 'This policy could not be carried over: spec.rules[0].verifyImages[0].repository: signatures are looked for beside the image.' } },
      [
        'mapped spec.validationFailureAction attestors[0].entries[0].keys.publicKeys attestors[0].entries[0].keys.rekor.ignoreTlog',
        'not-mapped repository: signatures are looked for beside the image',
      ],
    );
  });
});
