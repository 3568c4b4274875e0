/** How each CI system tells a job what it is, and the SLSA build definition that follows. docs/reference/build-types.md says the same in words. */
import { type Environment, CiVariables } from './ci-variables.ts';

const BUILD_TYPES = 'https://sealward.dev/buildtypes';

/** One job of a CI system, as it describes itself. */
export interface CiRun {
  readonly system: string;
  readonly buildType: string;
  /** A URI. */
  readonly builderId: string;
  readonly builderVersion?: Readonly<Record<string, string>>;
  readonly invocationId: string;
  /** The page of the run, where there is one. */
  readonly page?: string;
  readonly externalParameters: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly internalParameters: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  /** What was checked out, as an SPDX download location. */
  readonly source?: string;
  readonly commit?: string;
  /** Milliseconds since 1970. */
  readonly startedOn?: number;
}

export interface CiSystem {
  readonly name: string;
  /** The variable that says where this runs. */
  readonly sign: string;
  /** What the variable must be; undefined where any text will do. */
  readonly value?: string;
  readonly describe: (environment: Environment) => CiRun;
}

const isIn = (name: string, sign: string, describe: CiSystem['describe']): CiSystem => ({ name, sign, value: 'true', describe });

export const CI_SYSTEMS: readonly CiSystem[] = [
  isIn('GitHub Actions', 'GITHUB_ACTIONS', gitHubActions),
  isIn('GitLab CI', 'GITLAB_CI', gitLabCi),
  isIn('Buildkite', 'BUILDKITE', buildkite),
  isIn('CircleCI', 'CIRCLECI', circleCi),
  { name: 'Tekton', sign: 'TEKTON_TASK_RUN_UID', describe: tekton },
];

/** What is set and what is not, without members that are not there. */
function known<T extends Record<string, string | number | undefined>>(members: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: NonNullable<T[K]> };
}

function sourceAt(repository: string | undefined, ref: string | undefined): string | undefined {
  return repository === undefined || ref === undefined ? repository : `${repository}@${ref}`;
}

/** docs.github.com "Variables reference"; github.com/actions/buildtypes workflow/v1. */
function gitHubActions(environment: Environment): CiRun {
  const ci = new CiVariables('GitHub Actions', environment, [
    'GITHUB_SERVER_URL',
    'GITHUB_REPOSITORY',
    'GITHUB_REPOSITORY_ID',
    'GITHUB_REPOSITORY_OWNER_ID',
    'GITHUB_WORKFLOW_REF',
    'GITHUB_REF',
    'GITHUB_SHA',
    'GITHUB_RUN_ID',
    'GITHUB_RUN_ATTEMPT',
    'GITHUB_EVENT_NAME',
    'RUNNER_ENVIRONMENT',
  ]);
  const server = ci.page('GITHUB_SERVER_URL');
  const name = ci.matching('GITHUB_REPOSITORY', /^[\w.-]+\/[\w.-]+$/, 'OWNER/NAME');
  const repository = `${server}/${name}`;
  const workflow = ci.required('GITHUB_WORKFLOW_REF', 'OWNER/NAME/PATH@REF');
  const ref = ci.required('GITHUB_REF', 'a git reference');
  // "Take care to consider that the path and/or ref MAY contain `@` symbols."
  const parts = workflow.startsWith(`${name}/`) ? /^(.+?\.ya?ml)@(.+)$/.exec(workflow.slice(name.length + 1)) : null;
  const path = parts?.[1] ?? ci.refuse('GITHUB_WORKFLOW_REF', 'OWNER/NAME/PATH@REF');
  const event = ci.required('GITHUB_EVENT_NAME');
  // "This build type MUST NOT be used for any other event type."
  const isGitHubs = ['create', 'release', 'push', 'workflow_dispatch'].includes(event);
  const page = `${repository}/actions/runs/${ci.matching('GITHUB_RUN_ID', /^\d+$/, 'a number')}/attempts/${ci.matching('GITHUB_RUN_ATTEMPT', /^\d+$/, 'a number')}`;
  const internal = ci.pick({
    event_name: 'GITHUB_EVENT_NAME',
    repository_id: 'GITHUB_REPOSITORY_ID',
    repository_owner_id: 'GITHUB_REPOSITORY_OWNER_ID',
    runner_environment: 'RUNNER_ENVIRONMENT',
  });
  return {
    system: 'GitHub Actions',
    buildType: isGitHubs ? 'https://actions.github.io/buildtypes/workflow/v1' : `${BUILD_TYPES}/github-actions/v1`,
    // The top-level workflow; that of a reusable one, job_workflow_ref, is in no variable.
    builderId: `${server}/${workflow}`,
    invocationId: page,
    page,
    externalParameters: { workflow: { ref, repository, path } },
    internalParameters: { github: internal },
    source: `git+${repository}@${ref}`,
    ...known({ commit: ci.commit('GITHUB_SHA') }),
  };
}

/** docs.gitlab.com "Predefined CI/CD variables reference". CI_REPOSITORY_URL is not among these: it holds the job's token. */
function gitLabCi(environment: Environment): CiRun {
  const ci = new CiVariables('GitLab CI', environment, [
    'CI_PROJECT_URL',
    'CI_PROJECT_ID',
    'CI_PROJECT_NAMESPACE_ID',
    'CI_PIPELINE_ID',
    'CI_PIPELINE_SOURCE',
    'CI_CONFIG_PATH',
    'CI_JOB_NAME',
    'CI_JOB_ID',
    'CI_JOB_URL',
    'CI_JOB_STARTED_AT',
    'CI_COMMIT_SHA',
    'CI_COMMIT_TAG',
    'CI_COMMIT_BRANCH',
    'CI_COMMIT_REF_NAME',
    'CI_MERGE_REQUEST_REF_PATH',
    'CI_RUNNER_ID',
    'CI_RUNNER_VERSION',
    'CI_SERVER_VERSION',
  ]);
  const repository = ci.page('CI_PROJECT_URL');
  const ref =
    ci.optional('CI_MERGE_REQUEST_REF_PATH') ?? branchOrTag(ci.optional('CI_COMMIT_TAG'), ci.optional('CI_COMMIT_BRANCH')) ?? ci.required('CI_COMMIT_REF_NAME');
  const page = ci.page('CI_JOB_URL');
  return {
    system: 'GitLab CI',
    buildType: `${BUILD_TYPES}/gitlab-ci/v1`,
    // As GitLab Runner names itself in the metadata of artifacts.
    builderId: `${repository}/-/runners/${ci.matching('CI_RUNNER_ID', /^\d+$/, 'a number')}`,
    builderVersion: ci.pick({ 'gitlab-runner': 'CI_RUNNER_VERSION', gitlab: 'CI_SERVER_VERSION' }),
    invocationId: page,
    page,
    externalParameters: { repository, ref, configuration: ci.optional('CI_CONFIG_PATH') ?? '.gitlab-ci.yml', job: ci.required('CI_JOB_NAME') },
    internalParameters: ci.pick({
      pipeline_source: 'CI_PIPELINE_SOURCE',
      pipeline_id: 'CI_PIPELINE_ID',
      job_id: 'CI_JOB_ID',
      project_id: 'CI_PROJECT_ID',
      namespace_id: 'CI_PROJECT_NAMESPACE_ID',
    }),
    source: `git+${repository}@${ref}`,
    ...known({ commit: ci.commit('CI_COMMIT_SHA'), startedOn: ci.time('CI_JOB_STARTED_AT') }),
  };
}

function branchOrTag(tag: string | undefined, branch: string | undefined): string | undefined {
  if (tag !== undefined) return `refs/tags/${tag}`;
  return branch === undefined ? undefined : `refs/heads/${branch}`;
}

/** buildkite.com/docs/pipelines/environment-variables. */
function buildkite(environment: Environment): CiRun {
  const ci = new CiVariables('Buildkite', environment, [
    'BUILDKITE_ORGANIZATION_SLUG',
    'BUILDKITE_ORGANIZATION_ID',
    'BUILDKITE_PIPELINE_SLUG',
    'BUILDKITE_PIPELINE_ID',
    'BUILDKITE_BUILD_ID',
    'BUILDKITE_BUILD_URL',
    'BUILDKITE_JOB_ID',
    'BUILDKITE_STEP_KEY',
    'BUILDKITE_SOURCE',
    'BUILDKITE_REPO',
    'BUILDKITE_BRANCH',
    'BUILDKITE_TAG',
    'BUILDKITE_COMMIT',
    'BUILDKITE_COMPUTE_TYPE',
  ]);
  const pipeline = `${ci.matching('BUILDKITE_ORGANIZATION_SLUG', /^[\w-]+$/, 'a slug')}/${ci.matching('BUILDKITE_PIPELINE_SLUG', /^[\w-]+$/, 'a slug')}`;
  const page = `${ci.page('BUILDKITE_BUILD_URL')}#${ci.matching('BUILDKITE_JOB_ID', /^[\w-]+$/, 'an id')}`;
  const repository = ci.repository('BUILDKITE_REPO');
  const ref = branchOrTag(ci.optional('BUILDKITE_TAG'), ci.optional('BUILDKITE_BRANCH'));
  const source = sourceAt(repository, ref);
  return {
    system: 'Buildkite',
    buildType: `${BUILD_TYPES}/buildkite/v1`,
    // "each mode MUST have a different builder.id": machines of Buildkite, and machines of whoever owns the pipeline.
    builderId: `https://buildkite.com/${pipeline}#${ci.optional('BUILDKITE_COMPUTE_TYPE') === 'hosted' ? 'hosted' : 'self-hosted'}`,
    invocationId: page,
    page,
    externalParameters: { ...known({ repository: repository?.slice('git+'.length), ref }), pipeline, ...ci.pick({ step: 'BUILDKITE_STEP_KEY' }) },
    internalParameters: ci.pick({
      source: 'BUILDKITE_SOURCE',
      build_id: 'BUILDKITE_BUILD_ID',
      job_id: 'BUILDKITE_JOB_ID',
      pipeline_id: 'BUILDKITE_PIPELINE_ID',
      organization_id: 'BUILDKITE_ORGANIZATION_ID',
    }),
    ...known({ source, commit: ci.commit('BUILDKITE_COMMIT') }),
  };
}

/** circleci.com/docs/reference/variables. */
function circleCi(environment: Environment): CiRun {
  const ci = new CiVariables('CircleCI', environment, [
    'CIRCLE_BUILD_URL',
    'CIRCLE_JOB',
    'CIRCLE_PIPELINE_ID',
    'CIRCLE_WORKFLOW_ID',
    'CIRCLE_WORKFLOW_JOB_ID',
    'CIRCLE_PROJECT_ID',
    'CIRCLE_ORGANIZATION_ID',
    'CIRCLE_REPOSITORY_URL',
    'CIRCLE_BRANCH',
    'CIRCLE_TAG',
    'CIRCLE_SHA1',
  ]);
  const page = ci.page('CIRCLE_BUILD_URL');
  // Not set for projects of GitHub's app and of GitLab.
  const repository = ci.repository('CIRCLE_REPOSITORY_URL');
  const ref = branchOrTag(ci.optional('CIRCLE_TAG'), ci.optional('CIRCLE_BRANCH'));
  const source = sourceAt(repository, ref);
  return {
    system: 'CircleCI',
    buildType: `${BUILD_TYPES}/circleci/v1`,
    // The cloud, or the server that an organization runs itself.
    builderId: new URL(page).origin,
    invocationId: page,
    page,
    externalParameters: { ...known({ repository: repository?.slice('git+'.length), ref }), job: ci.required('CIRCLE_JOB') },
    internalParameters: ci.pick({
      pipeline_id: 'CIRCLE_PIPELINE_ID',
      workflow_id: 'CIRCLE_WORKFLOW_ID',
      job_id: 'CIRCLE_WORKFLOW_JOB_ID',
      project_id: 'CIRCLE_PROJECT_ID',
      organization_id: 'CIRCLE_ORGANIZATION_ID',
    }),
    ...known({ source, commit: ci.commit('CIRCLE_SHA1') }),
  };
}

/**
 * Tekton tells a step nothing by itself: the task passes the variables on, from $(context.taskRun.uid) and its like
 * (tekton.dev/docs/pipelines/variables) and from the results of the task that fetched the source.
 */
function tekton(environment: Environment): CiRun {
  const ci = new CiVariables('a Tekton task that attests', environment, [
    'TEKTON_BUILDER_ID',
    'TEKTON_NAMESPACE',
    'TEKTON_TASK',
    'TEKTON_TASK_RUN',
    'TEKTON_TASK_RUN_UID',
    'TEKTON_PIPELINE',
    'TEKTON_PIPELINE_RUN',
    'TEKTON_PIPELINE_RUN_UID',
    'TEKTON_GIT_URL',
    'TEKTON_GIT_REVISION',
    'TEKTON_GIT_COMMIT',
  ]);
  const repository = ci.repository('TEKTON_GIT_URL');
  const ref = ci.optional('TEKTON_GIT_REVISION');
  const source = sourceAt(repository, ref);
  return {
    system: 'Tekton',
    buildType: `${BUILD_TYPES}/tekton/v1`,
    builderId: ci.matching('TEKTON_BUILDER_ID', /^[A-Za-z][A-Za-z0-9+.-]*:[^\s]+$/, 'a URI that names the cluster'),
    invocationId: `urn:uuid:${ci.matching('TEKTON_TASK_RUN_UID', /^[0-9a-fA-F-]{36}$/, 'a UUID')}`,
    externalParameters: {
      ...known({ repository: repository?.slice('git+'.length), ref }),
      ...ci.pick({ pipeline: 'TEKTON_PIPELINE', task: 'TEKTON_TASK' }),
    },
    internalParameters: ci.pick({
      namespace: 'TEKTON_NAMESPACE',
      task_run: 'TEKTON_TASK_RUN',
      pipeline_run: 'TEKTON_PIPELINE_RUN',
      pipeline_run_uid: 'TEKTON_PIPELINE_RUN_UID',
    }),
    ...known({ source, commit: ci.commit('TEKTON_GIT_COMMIT') }),
  };
}
