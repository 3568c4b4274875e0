/** From the tokens of each system to the names and claims that verifiers of Sigstore know them by. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fulcioClaims, signerNames } from '../../core/crypto/index.ts';
import type { JsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { bench, requestFor } from '../../../test/certificate-authority.ts';
import { defineIssuer, type IssuerSettings } from './index.ts';

const URL = 'https://accounts.sealward.test';
const GITHUB: JsonObject = {
  event_name: 'push',
  sha: '9f31',
  workflow: 'release',
  repository: 'acme/app',
  ref: 'refs/heads/main',
  job_workflow_ref: 'acme/shared/.github/workflows/sign.yml@refs/tags/v1',
  job_workflow_sha: '77aa',
  runner_environment: 'github-hosted',
  repository_id: '41',
  repository_owner: 'acme',
  repository_owner_id: '7',
  workflow_ref: 'acme/app/.github/workflows/release.yml@refs/heads/main',
  workflow_sha: '9f31',
  run_id: '100',
  run_attempt: '2',
  repository_visibility: 'private',
  environment: 'production',
};

async function certified(settings: Partial<IssuerSettings>, claims: JsonObject, subject = 'the subject') {
  const { authority, tokens } = bench(settings);
  const [leaf] = await authority.issue(requestFor(await tokens.token(subject, { claims }), subject));
  assert.ok(leaf);
  return { names: signerNames(leaf), claims: fulcioClaims(leaf), leaf };
}

async function refused(settings: Partial<IssuerSettings>, claims: JsonObject, subject = 'the subject', why = /./): Promise<void> {
  const { authority, tokens, shown } = bench(settings);
  await assert.rejects(authority.issue(requestFor(await tokens.token(subject, { claims }), subject)), (error) => {
    return error instanceof SealwardError && error.code === 'ERR_IDENTITY_REFUSED' && why.test(error.message);
  });
  assert.equal(shown(), 0);
}

describe('a workflow of GitHub Actions', () => {
  const github = { kind: 'github', where: { repository: ['acme/*'] } } as const;

  it('is certified with every claim that there is an extension for', async () => {
    const { names, claims, leaf } = await certified(github, GITHUB);
    assert.deepEqual(names, ['https://github.com/acme/shared/.github/workflows/sign.yml@refs/tags/v1']);
    assert.deepEqual(claims, {
      issuer: URL,
      githubWorkflowTrigger: 'push',
      githubWorkflowSha: '9f31',
      githubWorkflowName: 'release',
      githubWorkflowRepository: 'acme/app',
      githubWorkflowRef: 'refs/heads/main',
      buildSignerUri: 'https://github.com/acme/shared/.github/workflows/sign.yml@refs/tags/v1',
      buildSignerDigest: '77aa',
      runnerEnvironment: 'github-hosted',
      sourceRepositoryUri: 'https://github.com/acme/app',
      sourceRepositoryDigest: '9f31',
      sourceRepositoryRef: 'refs/heads/main',
      sourceRepositoryId: '41',
      sourceRepositoryOwnerUri: 'https://github.com/acme',
      sourceRepositoryOwnerId: '7',
      buildConfigUri: 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main',
      buildConfigDigest: '9f31',
      buildTrigger: 'push',
      runInvocationUri: 'https://github.com/acme/app/actions/runs/100/attempts/2',
      sourceRepositoryVisibility: 'private',
      deploymentEnvironment: 'production',
      tokenSubject: 'the subject',
    });
    const arcs = leaf.extensions.flatMap(({ oid }) => (oid.startsWith('1.3.6.1.4.1.57264.1.') ? [Number(oid.split('.').at(-1))] : []));
    assert.deepEqual(arcs, [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24]);
  });

  it('of another repository, a fork, or a pull request is refused', async () => {
    await refused(github, { ...GITHUB, repository: 'mallory/app' }, undefined, /repository/);
    await refused(github, { ...GITHUB, repository: 'acme' }, undefined, /repository/);
    await refused(github, { ...GITHUB, repository: 'acme/app/more' }, undefined, /repository/);
    await refused(github, { ...GITHUB, event_name: 'pull_request', ref: 'refs/pull/3/merge' }, undefined, /pull request/);
    await refused(github, { ...GITHUB, event_name: 'pull_request_target' }, undefined, /pull request/);
    await refused(github, { ...GITHUB, event_name: 'workflow_run', ref: 'refs/pull/3/head' }, undefined, /pull request/);
    await refused({ kind: 'github', where: { repository: ['acme/app'], ref: ['refs/heads/main'] } }, { ...GITHUB, ref: 'refs/heads/maine' });
    await certified({ kind: 'github', where: { repository: ['acme/app'], event_name: ['pull_request'] } }, { ...GITHUB, event_name: 'pull_request' });
  });

  it('cannot say where its repository lies, nor a name that reads as another', async () => {
    const { names } = await certified(github, { ...GITHUB, url: 'https://evil.test' });
    assert.ok(names[0]?.startsWith('https://github.com/acme/'));
    for (const job of [
      '',
      'acme/app/../../mallory@refs/heads/main',
      'acme/app/x.yml@refs/heads/a b',
      'acme/app/x.yml@refs/heads/\u202egnp',
      `a${'b'.repeat(1024)}`,
    ]) {
      await refused(github, { ...GITHUB, job_workflow_ref: job });
    }
    await refused(github, { ...GITHUB, workflow: 'line\nbreak' });
  });

  it('of GitHub Enterprise lies where its rule says', async () => {
    const { names } = await certified({ ...github, webUrl: 'https://github.acme.test' }, GITHUB);
    assert.equal(names[0], 'https://github.acme.test/acme/shared/.github/workflows/sign.yml@refs/tags/v1');
  });
});

describe('other systems', () => {
  it('GitLab', async () => {
    const token = {
      project_path: 'acme/app',
      project_id: '20',
      namespace_path: 'acme',
      namespace_id: '72',
      ci_config_ref_uri: 'gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main',
      ci_config_sha: '714a',
      runner_environment: 'gitlab-hosted',
      sha: '714b',
      ref: 'v1.2',
      ref_type: 'tag',
      pipeline_source: 'push',
      job_id: 302,
      project_visibility: 'internal',
    };
    const where = { namespace_path: ['acme'] };
    const { names, claims } = await certified({ kind: 'gitlab', where }, token);
    assert.deepEqual(names, ['https://gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main']);
    assert.deepEqual(
      [claims.sourceRepositoryRef, claims.runInvocationUri, claims.sourceRepositoryOwnerId, claims.deploymentEnvironment],
      ['refs/tags/v1.2', 'https://gitlab.com/acme/app/-/jobs/302', '72', undefined],
    );
    await refused({ kind: 'gitlab', where }, { ...token, pipeline_source: 'merge_request_event' }, undefined, /merge request/);
    await refused({ kind: 'gitlab', where }, { ...token, namespace_path: 'mallory' });
  });

  it('Buildkite and CircleCI', async () => {
    const buildkite = {
      organization_slug: 'acme',
      pipeline_slug: 'app',
      build_number: 9,
      job_id: 'j1',
      build_commit: '9f31',
      build_source: 'webhook',
      runner_environment: 'self-hosted',
    };
    const one = await certified({ kind: 'buildkite', where: { organization_slug: ['acme'] } }, buildkite);
    assert.deepEqual([one.names[0], one.claims.runInvocationUri], ['https://buildkite.com/acme/app', 'https://buildkite.com/acme/app/builds/9#j1']);
    const circle = { 'oidc.circleci.com/project-id': 'p1', 'oidc.circleci.com/pipeline-definition-id': 'd1', 'oidc.circleci.com/ssh-rerun': true };
    const two = await certified({ kind: 'circleci', where: { 'oidc.circleci.com/project-id': ['p1'] } }, circle);
    assert.deepEqual([two.names[0], two.claims.runnerEnvironment], ['https://circleci.com/api/v2/projects/p1/pipeline-definitions/d1', 'ssh-rerun']);
  });

  it('any other, by a mapping of its claims', async () => {
    const mapping = { name: 'https://ci.acme.test/{team}/{job}', claims: { sourceRepositoryUri: '{repo}', buildTrigger: '{why}' } };
    const { names, claims } = await certified({ kind: 'ci', mapping }, { team: 'core', job: 'release', repo: 'https://git.acme.test/app' });
    assert.deepEqual(
      [names[0], claims.sourceRepositoryUri, claims.buildTrigger],
      ['https://ci.acme.test/core/release', 'https://git.acme.test/app', undefined],
    );
    await refused({ kind: 'ci', mapping }, { team: 'core' });
    await refused({ kind: 'ci', mapping }, { team: '', job: 'release' });
  });

  it('service accounts of Kubernetes', async () => {
    const member = { namespace: 'ci', serviceaccount: { name: 'signer', uid: 'u' } };
    const { names } = await certified({ kind: 'kubernetes' }, { 'kubernetes.io': member }, 'system:serviceaccount:ci:signer');
    assert.deepEqual(names, ['https://kubernetes.io/namespaces/ci/serviceaccounts/signer']);
    await refused({ kind: 'kubernetes' }, { 'kubernetes.io': member }, 'system:serviceaccount:kube-system:signer');
    await refused({ kind: 'kubernetes' }, {}, 'system:serviceaccount:ci:signer');
    await refused({ kind: 'kubernetes' }, { 'kubernetes.io': { ...member, namespace: 'a/b' } }, 'system:serviceaccount:a/b:signer');
  });

  it('SPIFFE, in its own trust domain', async () => {
    const spiffe = { kind: 'spiffe', trustDomain: 'acme.test' } as const;
    assert.deepEqual((await certified(spiffe, {}, 'spiffe://acme.test/ns/ci/sa/signer')).names, ['spiffe://acme.test/ns/ci/sa/signer']);
    for (const id of [
      'spiffe://evil.test/a',
      'spiffe://acme.test.evil.test/a',
      'spiffe://acme.test/../a',
      'spiffe://acme.test/a/',
      'https://acme.test/a',
      'spiffe://acme.test/a?b',
    ]) {
      await refused(spiffe, {}, id);
    }
  });

  it('people by address, URI or name', async () => {
    const email = { email: 'a@acme.test', email_verified: true };
    assert.deepEqual((await certified({ kind: 'email' }, email)).names, ['a@acme.test']);
    for (const bad of [
      {},
      { ...email, email_verified: false },
      { ...email, email_verified: 'true' },
      { ...email, email: 'a' },
      { ...email, email: 'a b@acme.test' },
      { ...email, email: 'a@b@acme.test' },
    ]) {
      await refused({ kind: 'email' }, bad);
    }
    assert.deepEqual((await certified({ kind: 'uri', subjectDomain: 'https://acme.test' }, {}, 'https://acme.test/users/1')).names, [
      'https://acme.test/users/1',
    ]);
    await refused({ kind: 'uri', subjectDomain: 'https://acme.test' }, {}, 'https://acme.test.evil.test/users/1');
    await refused({ kind: 'uri', subjectDomain: 'https://acme.test' }, {}, 'https://acme.test@evil.test/');
    assert.deepEqual((await certified({ kind: 'username', subjectDomain: 'acme.test' }, {}, 'alice')).names, ['alice!acme.test']);
    await refused({ kind: 'username', subjectDomain: 'acme.test' }, {}, 'alice!evil.test');
  });
});

describe('a rule for an issuer', () => {
  const bad: readonly [why: string, settings: IssuerSettings][] = [
    ['without a condition, where anybody can have tokens', { kind: 'github' }],
    ['without a URL', { kind: 'email' }],
    ['with a URL that is none', { kind: 'email', url: 'accounts.acme.test' }],
    ['with a query', { kind: 'email', url: 'https://accounts.acme.test/?a' }],
    ['with an algorithm of secrets', { kind: 'email', url: URL, algorithms: ['HS256'] }],
    ['with none', { kind: 'email', url: URL, algorithms: ['none'] }],
    ['of kind spiffe without a trust domain', { kind: 'spiffe', url: URL }],
    ['of kind ci without a mapping', { kind: 'ci', url: URL }],
    ['of kind uri without a domain', { kind: 'uri', url: URL }],
  ];
  for (const [why, settings] of bad) {
    it(`${why} is refused`, () => assert.throws(() => defineIssuer(settings), { code: 'ERR_CONFIG_INVALID' }));
  }
});
