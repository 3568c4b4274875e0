/** SLSA v1 provenance out of what a CI system says of itself in the environment of its job. */
import type { JsonObject } from '../../encoding/index.ts';
import { SealwardError } from '../../errors.ts';
import { SLSA_V1 } from '../predicate-types.ts';
import { checkPredicate, type Predicate } from './check-predicate.ts';
import { CI_SYSTEMS, type CiRun, type CiSystem } from './ci-systems.ts';
import type { Environment } from './ci-variables.ts';
import type { ScanInvocation } from './scan-report.ts';
import { formatTime } from './time.ts';

/** Something else that went into the build, such as a base image. */
export interface ResolvedDependency {
  readonly uri: string;
  /** By the name of the algorithm, in lower-case hexadecimal. */
  readonly digest: Readonly<Record<string, string>>;
}

export interface ProvenanceOptions {
  readonly dependencies?: readonly ResolvedDependency[];
}

/**
 * Throws ERR_CI_ENVIRONMENT where the environment is of no CI system that is known, of two at once, or lacks what the
 * system sets in every job. Of the environment only the variables of an allow-list are read.
 * @param now milliseconds since 1970: when the artifact is finished, which is when it is attested.
 */
export function provenanceFromCi(environment: Environment, now: number, { dependencies = [] }: ProvenanceOptions = {}): Predicate {
  const run = ciRun(environment);
  const source: JsonObject = {};
  if (run.source !== undefined) source.uri = run.source;
  if (run.commit !== undefined) source.digest = { gitCommit: run.commit };
  const resolved = [...(Object.keys(source).length > 0 ? [source] : []), ...dependencies.map(({ uri, digest }) => ({ uri, digest: { ...digest } }))];
  const builder: JsonObject = { id: run.builderId };
  if (run.builderVersion && Object.keys(run.builderVersion).length > 0) builder.version = { ...run.builderVersion };
  const metadata: JsonObject = { invocationId: run.invocationId };
  if (run.startedOn !== undefined) metadata.startedOn = formatTime(run.startedOn);
  // A clock of the CI system that is ahead of ours is no reason to state that a build ended before it began.
  metadata.finishedOn = formatTime(Math.max(now, run.startedOn ?? now));
  return checkPredicate(SLSA_V1, {
    buildDefinition: {
      buildType: run.buildType,
      externalParameters: run.externalParameters as JsonObject,
      internalParameters: run.internalParameters as JsonObject,
      resolvedDependencies: resolved,
    },
    runDetails: { builder, metadata },
  });
}

/** The same run as cosign's scan record names it; undefined outside of a CI system that is known. */
export function scanInvocationFromCi(environment: Environment): ScanInvocation | undefined {
  if (CI_SYSTEMS.every((system) => !runsIn(system, environment))) return undefined;
  const run = ciRun(environment);
  return { ...(run.page === undefined ? {} : { uri: run.page }), eventId: run.invocationId, builderId: run.builderId };
}

function runsIn({ sign, value }: CiSystem, environment: Environment): boolean {
  const found = Object.hasOwn(environment, sign) ? environment[sign] : undefined;
  return value === undefined ? found !== undefined && found !== '' : found === value;
}

function ciRun(environment: Environment): CiRun {
  const [system, other] = CI_SYSTEMS.filter((one) => runsIn(one, environment));
  if (!system) {
    const signs = CI_SYSTEMS.map(({ name, sign, value }) => `${value === undefined ? sign : `${sign}=${value}`} (${name})`);
    throw new SealwardError('ERR_CI_ENVIRONMENT', 'this does not run in a CI system that is known', {
      hint: `Looked for ${signs.join(', ')}. Elsewhere, write the provenance yourself and give it with --predicate.`,
    });
  }
  if (other) {
    throw new SealwardError('ERR_CI_ENVIRONMENT', `the environment says both that this is ${system.name} and that it is ${other.name}`, {
      hint: `Unset ${system.sign} or ${other.sign}, whichever is not where the build runs.`,
    });
  }
  return system.describe(environment);
}
