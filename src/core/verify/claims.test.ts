/** Names and what was signed beside the digest: identity, issuer, claims, types, annotations, repository. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answer, ARTIFACT, DIGEST, judged, KEYLESS } from '../../../test/judging.ts';
import { createTestSigstore, TEST_IDENTITY } from '../../testing/index.ts';
import { COSIGN_SIGN_PREDICATE } from '../bundle/index.ts';
import { SealwardError } from '../errors.ts';
import { compilePattern, exactly, type Matcher, type FlagRequirement } from './index.ts';

const sigstore = createTestSigstore();
const { anchors } = sigstore;
const promised = sigstore.sign(ARTIFACT);
const STATEMENT = {
  subjects: [{ name: 'registry.sealward.test/app', digest: { sha256: DIGEST }, annotations: { env: 'prod', level: 3 } }],
  predicateType: 'https://slsa.dev/provenance/v1',
};

describe('certificates', () => {
  it('match every claim that is asked for', () => {
    const claims = { githubWorkflowRepository: 'sealward/app', githubWorkflowRef: 'refs/heads/main' };
    const evidence = sigstore.sign(ARTIFACT, { signer: sigstore.issue({ identity: { ...TEST_IDENTITY, claims } }) });
    const asking = (claim: 'githubWorkflowRepository' | 'githubWorkflowRef' | 'githubWorkflowSha', wanted: string): string =>
      answer({ anchors, evidence, requirement: { ...KEYLESS, signer: { ...KEYLESS.signer, claims: [{ claim, wanted }] } } });
    assert.equal(asking('githubWorkflowRepository', 'sealward/app'), 'VERIFIED');
    assert.equal(asking('githubWorkflowRepository', 'sealward/app2'), 'CLAIM_MISMATCH');
    assert.equal(asking('githubWorkflowSha', ''), 'CLAIM_MISMATCH');
  });

  it('match identity and issuer, each where it is asked for', () => {
    const asking = (signer: FlagRequirement['signer']): string => answer({ anchors, evidence: promised, requirement: { ...KEYLESS, signer } });
    assert.equal(asking({ kind: 'certificate' }), 'VERIFIED');
    assert.equal(asking({ kind: 'certificate', identity: exactly('somebody@sealward.test') }), 'IDENTITY_MISMATCH');
    assert.equal(asking({ kind: 'certificate', issuer: exactly('https://other.sealward.test') }), 'ISSUER_MISMATCH');
    assert.equal(judged({ anchors, evidence: promised }).candidates[0]?.identity, TEST_IDENTITY.name);
  });
});

describe('what was signed', () => {
  const attested = sigstore.attest(STATEMENT);

  it('is of the type that is asked for, where attestations are', () => {
    const asking = (role: FlagRequirement['role'], predicateTypes?: readonly string[]): string =>
      answer({ anchors, evidence: attested, requirement: { ...KEYLESS, role, ...(predicateTypes ? { predicateTypes } : {}) } });
    assert.equal(asking('attestation'), 'VERIFIED');
    assert.equal(asking('attestation', ['https://spdx.dev/Document', STATEMENT.predicateType]), 'VERIFIED');
    assert.equal(asking('attestation', ['https://spdx.dev/Document']), 'PREDICATE_TYPE_MISMATCH');
    assert.equal(asking('attestation', []), 'PREDICATE_TYPE_MISMATCH');
    assert.equal(asking('signature'), 'NO_SIGNATURE');
    const signature = sigstore.attest({ ...STATEMENT, predicateType: COSIGN_SIGN_PREDICATE });
    assert.equal(
      answer({ anchors, evidence: signature, requirement: { ...KEYLESS, role: 'signature', predicateTypes: ['https://spdx.dev/Document'] } }),
      'VERIFIED',
    );
    assert.equal(answer({ anchors, evidence: signature, requirement: { ...KEYLESS, role: 'attestation' } }), 'NO_SIGNATURE');
    assert.equal(answer({ anchors, evidence: promised, requirement: { ...KEYLESS, role: 'attestation' } }), 'NO_SIGNATURE');
  });

  it('of an unknown type of payload is refused, whatever is asked for', () => {
    for (const role of ['signature', 'attestation', 'any'] as const) {
      assert.equal(answer({ anchors, evidence: sigstore.envelop('text/plain', ARTIFACT), requirement: { ...KEYLESS, role } }), 'FORMAT_UNSUPPORTED');
    }
  });

  it('carries its annotations in the statement or in simple signing, and only there', () => {
    const image = sigstore.signImage({ digest: `sha256:${DIGEST}`, optional: { env: 'prod', level: 3, nothing: null } });
    for (const evidence of [attested, image]) {
      const asking = (annotations: Record<string, string>): string => answer({ anchors, evidence, requirement: { ...KEYLESS, annotations } });
      assert.equal(asking({ env: 'prod' }), 'VERIFIED');
      assert.equal(asking({ env: 'test' }), 'ANNOTATION_MISMATCH');
      assert.equal(asking({ env: 'prod', other: '' }), 'ANNOTATION_MISMATCH');
      assert.equal(asking({ level: '3' }), 'ANNOTATION_MISMATCH');
      assert.equal(asking({ toString: 'x' }), 'ANNOTATION_MISMATCH');
      assert.equal(asking({ 'dev.cosignproject.cosign/signature': 'x' }), 'ANNOTATION_MISMATCH');
    }
    assert.equal(answer({ anchors, evidence: promised, requirement: { ...KEYLESS, annotations: { env: 'prod' } } }), 'ANNOTATION_MISMATCH');
  });

  it('carries the annotations of the subject that matched, and of no other', () => {
    const evidence = sigstore.attest({
      ...STATEMENT,
      subjects: [{ digest: { sha256: '0'.repeat(64) }, annotations: { env: 'prod' } }, { digest: { sha256: DIGEST } }],
    });
    assert.equal(answer({ anchors, evidence }), 'VERIFIED');
    assert.equal(answer({ anchors, evidence, requirement: { ...KEYLESS, annotations: { env: 'prod' } } }), 'ANNOTATION_MISMATCH');
  });

  it('names the repository that is asked for, where that is asked', () => {
    const asking = (reference: string, name: string): string =>
      answer({
        anchors,
        evidence: sigstore.signImage({ digest: `sha256:${DIGEST}`, reference }),
        requirement: { ...KEYLESS, repository: { rule: 'exact', name } },
      });
    const name = 'registry.sealward.test:5000/app';
    assert.equal(asking(name, name), 'VERIFIED');
    assert.equal(asking(`${name}:v1`, name), 'VERIFIED');
    assert.equal(asking(`${name}@sha256:${DIGEST}`, name), 'VERIFIED');
    assert.equal(asking(`${name}2`, name), 'CLAIMED_REPOSITORY_MISMATCH');
    assert.equal(asking('', name), 'CLAIMED_REPOSITORY_MISMATCH');
    assert.equal(answer({ anchors, evidence: promised, requirement: { ...KEYLESS, repository: { rule: 'exact', name } } }), 'CLAIMED_REPOSITORY_MISMATCH');
    assert.equal(
      answer({ anchors, evidence: attested, requirement: { ...KEYLESS, repository: { rule: 'exact', name: 'registry.sealward.test/app' } } }),
      'VERIFIED',
    );
    assert.equal(
      answer({
        anchors,
        evidence: sigstore.signImage({ digest: `sha256:${DIGEST}`, reference: 'other' }),
        requirement: { ...KEYLESS, repository: { rule: 'any' } },
      }),
      'VERIFIED',
    );
  });
});

describe('patterns', () => {
  const asking = (identity: Matcher): string => answer({ anchors, evidence: promised, requirement: { ...KEYLESS, signer: { kind: 'certificate', identity } } });

  it('match whole values only', async () => {
    for (const pattern of ['.*', 'maintainer@.*', '.*@sealward[.]test', '(?i)MAINTAINER@SEALWARD[.]TEST', 'maintainer|maintainer@sealward[.]test']) {
      assert.equal(asking(await compilePattern(pattern)), 'VERIFIED', pattern);
    }
    for (const pattern of [
      '',
      'maintainer',
      'maintainer@sealward',
      'sealward[.]test',
      '@',
      '^maintainer',
      'test$',
      '(?m)^maintainer$',
      'x|maintainer',
      'maintainer@sealward[.]test.',
    ]) {
      assert.equal(asking(await compilePattern(pattern)), 'IDENTITY_MISMATCH', pattern);
    }
  });

  it('never match a line of several', async () => {
    for (const pattern of ['https://good.test', '(?m)^https://good.test$', '.*good.test', '(?m)https://good.test$']) {
      const { matches } = await compilePattern(pattern);
      assert.equal(matches('https://evil.test\nhttps://good.test'), false, pattern);
    }
  });

  it('take linear time, whatever they are (Connaisseur: patterns with nested repetition)', async () => {
    const { matches } = await compilePattern('(a+)+$');
    assert.equal(matches(`${'a'.repeat(50_000)}!`), false);
  });

  it('that cannot be compiled, or are endless, are the fault of whoever asks', async () => {
    for (const pattern of ['(', '[', '(?<=a)b', '\\1', 'a'.repeat(4097)]) {
      await assert.rejects(compilePattern(pattern), (error) => error instanceof SealwardError && error.code === 'ERR_USAGE', pattern.slice(0, 20));
    }
  });
});
