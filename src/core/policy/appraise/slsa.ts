/** SLSA provenance v1 and v0.2: who built it, and of which source. */
import { SLSA_V1, SLSA_V02, type Statement } from '../../bundle/index.ts';
import { type JsonValue, memberOf, stringOf } from '../../encoding/index.ts';
import type { Condition, SlsaLevel } from '../policy.ts';
import { type Appraisal, fails, HOLDS, inconclusive } from './appraisal.ts';

/**
 * Levels that builders say to have reached, by the start of their id; a provenance does not state its level, it is a
 * property of the builder (slsa.dev/spec/v1.0/verifying-artifacts). A policy may vouch for others.
 */
const KNOWN_BUILDERS: readonly (readonly [start: string, level: SlsaLevel])[] = [
  ['https://github.com/slsa-framework/slsa-github-generator/.github/workflows/', 3],
  ['https://cloudbuild.googleapis.com/GoogleHostedWorker', 3],
  ['https://github.com/actions/runner/github-hosted', 2],
  ['https://gitlab.com/', 2],
];

interface Provenance {
  readonly builder: string;
  readonly repository?: string;
  readonly ref?: string;
}

export function appraiseSlsa(statement: Statement, condition: Extract<Condition, { kind: 'slsa' }>): Appraisal {
  if (statement.predicateType !== SLSA_V1 && statement.predicateType !== SLSA_V02) return inconclusive('it is no SLSA provenance that is read');
  const provenance = statement.predicateType === SLSA_V1 ? readV1(statement.predicate) : readV02(statement.predicate);
  if (provenance.builder === '') return fails('it names no builder');
  const trusted = condition.builders.find(({ id }) => id.matches(provenance.builder));
  if (condition.builders.length > 0 && !trusted) return fails(`it was built by ${provenance.builder.slice(0, 200)}, which is no trusted builder`);
  const level = trusted?.level ?? KNOWN_BUILDERS.find(([start]) => provenance.builder.startsWith(start))?.[1] ?? 1;
  if (condition.level !== undefined && level < condition.level) {
    return fails(`its builder stands for SLSA Build level ${level}, wanted was ${condition.level}`);
  }
  const wrong = mismatch('source repository', provenance.repository, condition.sourceRepository) ?? mismatch('source ref', provenance.ref, condition.ref);
  return wrong ? fails(wrong) : HOLDS;
}

function mismatch(what: string, found: string | undefined, wanted: { readonly text: string; matches(value: string): boolean } | undefined): string | undefined {
  if (!wanted || (found !== undefined && wanted.matches(found))) return undefined;
  return `its ${what} is ${found === undefined ? 'not stated' : found.slice(0, 200)}, wanted was ${wanted.text}`;
}

function readV1(predicate: JsonValue): Provenance {
  const parameters = memberOf(memberOf(predicate, 'buildDefinition'), 'externalParameters');
  const workflow = memberOf(parameters, 'workflow');
  const source = memberOf(parameters, 'source');
  const dependencies = memberOf(memberOf(predicate, 'buildDefinition'), 'resolvedDependencies');
  const repository = stringOf(memberOf(workflow, 'repository'));
  return {
    builder: stringOf(memberOf(memberOf(memberOf(predicate, 'runDetails'), 'builder'), 'id')) ?? '',
    ...(repository === undefined
      ? sourceOf(stringOf(source) ?? stringOf(memberOf(source, 'uri')) ?? onlyGitUri(dependencies))
      : { ...sourceOf(repository), ...optional('ref', stringOf(memberOf(workflow, 'ref'))) }),
  };
}

function readV02(predicate: JsonValue): Provenance {
  const configSource = stringOf(memberOf(memberOf(memberOf(predicate, 'invocation'), 'configSource'), 'uri'));
  return { builder: stringOf(memberOf(memberOf(predicate, 'builder'), 'id')) ?? '', ...sourceOf(configSource ?? onlyGitUri(memberOf(predicate, 'materials'))) };
}

/** Of several sources nobody says which one was built, so none of them counts. */
function onlyGitUri(list: JsonValue | undefined): string | undefined {
  if (!Array.isArray(list)) return undefined;
  const uris = list.map((item) => stringOf(memberOf(item, 'uri'))).filter((uri) => uri?.startsWith('git+') === true);
  return uris.length === 1 ? uris[0] : undefined;
}

/** `git+https://host/owner/name.git@refs/heads/main`, as SPDX download locations are written, with or without its ends. */
function sourceOf(uri: string | undefined): { repository?: string; ref?: string } {
  if (uri === undefined) return {};
  const bare = uri.replace(/^git\+/, '');
  const at = bare.lastIndexOf('@');
  // The @ of user@host stands before the path.
  const cut = at > bare.indexOf('/', bare.indexOf('://') + 3) && at > 0 ? at : bare.length;
  return { repository: bare.slice(0, cut).replace(/\.git$/, ''), ...optional('ref', cut < bare.length ? bare.slice(cut + 1) : undefined) };
}

function optional<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined || value === '' ? {} : ({ [key]: value } as Partial<Record<K, string>>);
}
