/**
 * How the tokens of CI systems become names and claims of a certificate, as Sigstore's authority maps them
 * (sigstore/fulcio, config/identity). A `{claim}` stands for the claim of the token; a text of which one is missing is left out.
 */
import type { FulcioClaimName } from '../../core/crypto/index.ts';

export interface CiMapping {
  /** The URI that the certificate is issued for. */
  readonly name: string;
  readonly claims: { readonly [Claim in Exclude<FulcioClaimName, 'issuer' | 'tokenSubject'>]?: string };
  /** Stand in for claims that the token does not have. */
  readonly defaults?: Readonly<Record<string, string>>;
}

const GITHUB: CiMapping = {
  name: '{url}/{job_workflow_ref}',
  defaults: { url: 'https://github.com' },
  claims: {
    githubWorkflowTrigger: '{event_name}',
    githubWorkflowSha: '{sha}',
    githubWorkflowName: '{workflow}',
    githubWorkflowRepository: '{repository}',
    githubWorkflowRef: '{ref}',
    buildSignerUri: '{url}/{job_workflow_ref}',
    buildSignerDigest: '{job_workflow_sha}',
    runnerEnvironment: '{runner_environment}',
    sourceRepositoryUri: '{url}/{repository}',
    sourceRepositoryDigest: '{sha}',
    sourceRepositoryRef: '{ref}',
    sourceRepositoryId: '{repository_id}',
    sourceRepositoryOwnerUri: '{url}/{repository_owner}',
    sourceRepositoryOwnerId: '{repository_owner_id}',
    buildConfigUri: '{url}/{workflow_ref}',
    buildConfigDigest: '{workflow_sha}',
    buildTrigger: '{event_name}',
    runInvocationUri: '{url}/{repository}/actions/runs/{run_id}/attempts/{run_attempt}',
    sourceRepositoryVisibility: '{repository_visibility}',
    deploymentEnvironment: '{environment}',
  },
};

const GITLAB: CiMapping = {
  name: 'https://{ci_config_ref_uri}',
  defaults: { url: 'https://gitlab.com' },
  claims: {
    buildSignerUri: 'https://{ci_config_ref_uri}',
    buildSignerDigest: '{ci_config_sha}',
    runnerEnvironment: '{runner_environment}',
    sourceRepositoryUri: '{url}/{project_path}',
    sourceRepositoryDigest: '{sha}',
    sourceRepositoryRef: '{full_ref}',
    sourceRepositoryId: '{project_id}',
    sourceRepositoryOwnerUri: '{url}/{namespace_path}',
    sourceRepositoryOwnerId: '{namespace_id}',
    buildConfigUri: 'https://{ci_config_ref_uri}',
    buildConfigDigest: '{ci_config_sha}',
    buildTrigger: '{pipeline_source}',
    runInvocationUri: '{url}/{project_path}/-/jobs/{job_id}',
    sourceRepositoryVisibility: '{project_visibility}',
    deploymentEnvironment: '{environment}',
  },
};

const BUILDKITE: CiMapping = {
  name: '{url}/{organization_slug}/{pipeline_slug}',
  defaults: { url: 'https://buildkite.com' },
  claims: {
    runInvocationUri: '{url}/{organization_slug}/{pipeline_slug}/builds/{build_number}#{job_id}',
    runnerEnvironment: '{runner_environment}',
    sourceRepositoryDigest: '{build_commit}',
    buildTrigger: '{build_source}',
  },
};

const CIRCLE = 'oidc.circleci.com';
const CIRCLECI: CiMapping = {
  name: `{api_url}/projects/{${CIRCLE}/project-id}/pipeline-definitions/{${CIRCLE}/pipeline-definition-id}`,
  defaults: { api_url: 'https://circleci.com/api/v2', platform_url: 'https://app.circleci.com' },
  claims: {
    buildConfigUri: `{api_url}/pipeline/{${CIRCLE}/pipeline-id}/config`,
    buildSignerUri: `{api_url}/projects/{${CIRCLE}/project-id}/pipeline-definitions/{${CIRCLE}/pipeline-definition-id}`,
    runInvocationUri: `{platform_url}/workflow/{${CIRCLE}/workflow-id}/job/{${CIRCLE}/job-id}`,
    // Somebody may have been logged in to the machine while it built: nothing that relies on the runner should accept that.
    runnerEnvironment: '{ssh_rerun}',
    sourceRepositoryRef: `{${CIRCLE}/vcs-ref}`,
    sourceRepositoryUri: `{${CIRCLE}/vcs-origin}`,
  },
};

export const CI_MAPPINGS = { github: GITHUB, gitlab: GITLAB, buildkite: BUILDKITE, circleci: CIRCLECI } as const;

/** What is computed from other claims. */
export const DERIVED_CLAIMS: Readonly<Record<string, (claim: (name: string) => string | undefined) => string | undefined>> = {
  full_ref: (claim) => {
    const [type, ref] = [claim('ref_type'), claim('ref')];
    return ref === undefined || (type !== 'branch' && type !== 'tag') ? undefined : `refs/${type === 'branch' ? 'heads' : 'tags'}/${ref}`;
  },
  ssh_rerun: (claim) => (claim(`${CIRCLE}/ssh-rerun`) === 'true' ? 'ssh-rerun' : undefined),
};

/** The text with its claims put in; undefined when one of them is missing or empty. */
export function fillIn(template: string, claim: (name: string) => string | undefined): string | undefined {
  const values = Array.from(template.matchAll(/\{([^{}]+)\}/g), ([, name = '']) => claim(name) ?? '');
  if (values.includes('')) return undefined;
  return template.replace(/\{[^{}]+\}/g, () => values.shift() ?? '');
}
