/** What the linter says, whole: rule, place, message and hint. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BY_KEY, documentOf, policyOf } from '../../../test/compiled-policies.ts';
import { lintPolicies, loadPolicyCompiler } from './index.ts';

const { compilePolicies } = await loadPolicyCompiler();

function said(text: string): string[] {
  const compiled = compilePolicies([{ name: 'p', text }]);
  if (!compiled.ok) assert.fail(JSON.stringify(compiled.problems));
  return lintPolicies(compiled.policies).map(({ rule, source, message, hint }) => `${rule} ${source}: ${message} (${hint})`);
}
const dated = 'strictness: { dated: log }';
const identity = (written: string): string[] => said(policyOf(`authorities: [{ name: ci, keyless: { identities: [${written}] } }]\nsignatures: ci\n${dated}`));
const excepting = (written: string): string[] => said(documentOf('ImageException', `{ reason: r, approvedBy: [a], from: 2026-01-01T00:00:00Z, ${written} }`));
const GITHUB = 'https://token.actions.githubusercontent.com';

describe('the linter', () => {
  it('of a key', () => {
    assert.deepEqual(said(policyOf(`${BY_KEY}\n${dated}`)), [
      'key-without-end p:1: the authority a of one is a key that counts for ever (Give validUntil, or keep the key in the trust state.)',
    ]);
  });
  it('of what nobody dated', () => {
    assert.deepEqual(
      [
        said(policyOf(BY_KEY)).slice(0, 1),
        said(policyOf(`authorities: [{ name: ci, keyless: { identities: [{ issuer: i, subject: s }] } }]\nattestations: [{ slsa: {} }]`)),
        said(policyOf('refuse: gone')),
      ],
      [
        ['nothing-dated p:1: one takes signatures that nobody dated (Set strictness.dated, for example to either.)'],
        ['nothing-dated p:1: one takes signatures that nobody dated (Set strictness.dated, for example to either.)'],
        [],
      ],
    );
  });
  it('of an exclusion', () => {
    assert.deepEqual(said(policyOf('refuse: gone\nmatch: { exclude: [r.test/a, "**/x", "*/y"] }')), [
      'wide-exclude p:1: one excludes **/x, in every registry (Exclude what lies in registries of your own.)',
    ]);
  });
  it('of identities', () => {
    assert.deepEqual(
      [
        '{ issuer: "**", subject: s }',
        '{ issuer: i }',
        '{ issuer: i, subject: "**" }',
        '{ issuer: i, subject: { regex: "spiffe://.*" } }',
        '{ issuer: i, subject: "*@nowhere.example" }',
        '{ issuer: i, buildTrigger: push }',
        '{ issuer: i, buildTrigger: "**" }',
      ].map(identity),
      [
        ['wide-identity p:1: the authority ci of one takes identities of any issuer (Name the issuer.)'],
        ['wide-identity p:1: the authority ci of one takes everybody whom i knows (Name the subject, or claims of the certificate.)'],
        ['wide-identity p:1: the authority ci of one takes everybody whom i knows (Name the subject, or claims of the certificate.)'],
        ['wide-identity p:1: the authority ci of one takes everybody whom i knows (Name the subject, or claims of the certificate.)'],
        ['wide-identity p:1: the authority ci of one takes everybody whom i knows (Name the subject, or claims of the certificate.)'],
        [],
        ['wide-identity p:1: the authority ci of one takes everybody whom i knows (Name the subject, or claims of the certificate.)'],
      ],
    );
  });
  it('of workflows', () => {
    assert.deepEqual(
      [
        `{ issuer: ${GITHUB}, sourceRepository: r }`,
        `{ issuer: ${GITHUB}, subject: 'https://github.com/o/r/.github/workflows/*@x', sourceRepositoryId: '1' }`,
        `{ issuer: ${GITHUB}, subject: 'https://github.com/o/r/.github/workflows/a.yml@x', sourceOwnerId: '1' }`,
        `{ issuer: ${GITHUB}, buildSigner: x, sourceOwnerId: '1' }`,
        `{ issuer: ${GITHUB}, workflowName: x, sourceRepositoryId: '**' }`,
        '{ issuer: "https://gitlab.com", subject: "https://gitlab.com/o/r//.gitlab-ci.yml@x", sourceRepositoryId: "1" }',
        '{ issuer: "https://gitlab.com", subject: "https://gitlab.com/o/r", sourceRepositoryId: "1" }',
      ].map(identity),
      [
        [
          'workflow-not-named p:1: the authority ci of one takes every workflow of the repository (Write the workflow and its ref into subject, or give buildConfig.)',
          'name-can-change-hands p:1: the authority ci of one is bound to names, which somebody else may take over (Add sourceRepositoryId or sourceOwnerId.)',
        ],
        [
          'workflow-not-named p:1: the authority ci of one takes every workflow of the repository (Write the workflow and its ref into subject, or give buildConfig.)',
        ],
        [],
        [],
        ['name-can-change-hands p:1: the authority ci of one is bound to names, which somebody else may take over (Add sourceRepositoryId or sourceOwnerId.)'],
        [],
        [
          'workflow-not-named p:1: the authority ci of one takes every workflow of the repository (Write the workflow and its ref into subject, or give buildConfig.)',
        ],
      ],
    );
  });
  it('of exceptions', () => {
    assert.deepEqual(
      [
        excepting('until: 2026-04-01T00:00:00Z, match: { images: [r.test/a] }'),
        excepting('until: 2026-04-01T00:00:01Z, match: { images: [r.test/a, "**"] }'),
        excepting(
          'until: 2026-01-02T00:00:00Z, match: { images: ["**"] }, digests: ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]',
        ),
      ],
      [
        [],
        [
          'wide-exception p:1: the exception x is for images of every registry (Name the images, or better their digests.)',
          'long-exception p:1: the exception x lasts 91 days (End it sooner; it can be given anew.)',
        ],
        [],
      ],
    );
  });
  it('of defaults', () => {
    assert.deepEqual(
      ['allow', 'warn', 'deny'].map((action) => said(documentOf('DefaultRule', `{ action: ${action} }`))),
      [
        ['open-default DefaultRule: images that no policy is about: allow (Deny them, and write a policy for those that may run.)'],
        ['open-default DefaultRule: images that no policy is about: warn (Deny them, and write a policy for those that may run.)'],
        [],
      ],
    );
  });
  it('of everything, in the order of policies, exceptions and the default', () => {
    assert.deepEqual(
      said(
        `${documentOf('DefaultRule', '{ action: allow }')}---\n${documentOf('ImageException', '{ reason: r, approvedBy: [a], from: 2026-01-01T00:00:00Z, until: 2027-01-01T00:00:00Z, match: { images: [r.test/a] } }')}---\n${policyOf(BY_KEY)}`,
      ).map((one) => one.split(' ', 1)[0]),
      ['nothing-dated', 'key-without-end', 'long-exception', 'open-default'],
    );
  });
});
