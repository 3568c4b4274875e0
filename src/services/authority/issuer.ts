/** Whose tokens are taken, and what of them: one rule for each issuer, matched letter for letter before anything is fetched. */
import { SealwardError } from '../../core/errors.ts';
import type { CI_MAPPINGS, CiMapping } from './ci-mappings.ts';

export type IssuerKind = keyof typeof CI_MAPPINGS | 'ci' | 'email' | 'google' | 'uri' | 'username' | 'kubernetes' | 'spiffe' | 'local';

/** A set of JSON Web Keys as it stands in the document (RFC 7517). */
export interface KeySet {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

export interface IssuerRule {
  /** As it stands in the token's `iss`. */
  readonly url: string;
  readonly kind: IssuerKind;
  /** What the token's `aud` must be. */
  readonly audience: string;
  /** The algorithms of RFC 7518 that its tokens may be signed with; the token's header chooses among them and no others. */
  readonly algorithms: readonly string[];
  /** Claims that a token must have, each with the values that are taken; `PREFIX/*` takes one more segment of anything. */
  readonly where: Readonly<Record<string, readonly string[]>>;
  /** How old a token may be, in milliseconds; whatever it says of its own end. */
  readonly maxAgeMs: number;
  /** How many certificates one token is good for. */
  readonly uses: number;
  /** Of `ci`. */
  readonly mapping?: CiMapping;
  /** Of GitHub Enterprise and GitLab of one's own: where repositories are, as in https://gitlab.example. */
  readonly webUrl?: string;
  /** Of `spiffe`. */
  readonly trustDomain?: string;
  /** Of `uri` and `username`: the host or domain that names stand under. */
  readonly subjectDomain?: string;
  /** Where its keys are, when not where its discovery document says. */
  readonly jwksUri?: string;
  /** Hosts of this issuer that may be on private addresses. */
  readonly privateHosts: readonly string[];
  /** The keys themselves, of an issuer in this process. */
  readonly ownKeys?: () => KeySet;
}

/** Anybody can have a token of these, so a rule without a condition would give certificates to the whole world. */
const PUBLIC_KINDS: readonly IssuerKind[] = ['github', 'gitlab', 'buildkite', 'circleci', 'google'];

const HOUR = 60 * 60 * 1000;
const DEFAULTS: Readonly<Record<IssuerKind, Pick<IssuerRule, 'algorithms'> & { readonly url?: string }>> = {
  github: { url: 'https://token.actions.githubusercontent.com', algorithms: ['RS256'] },
  gitlab: { url: 'https://gitlab.com', algorithms: ['RS256'] },
  buildkite: { url: 'https://agent.buildkite.com', algorithms: ['RS256'] },
  circleci: { algorithms: ['RS256'] },
  google: { url: 'https://accounts.google.com', algorithms: ['RS256'] },
  kubernetes: { algorithms: ['RS256', 'ES256'] },
  spiffe: { algorithms: ['RS256', 'ES256', 'ES384'] },
  ci: { algorithms: ['RS256', 'ES256'] },
  email: { algorithms: ['RS256', 'ES256'] },
  uri: { algorithms: ['RS256', 'ES256'] },
  username: { algorithms: ['RS256', 'ES256'] },
  local: { algorithms: ['ES256'] },
};
export const ALGORITHMS_OF_TOKENS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const;

export type IssuerSettings = Partial<IssuerRule> & Pick<IssuerRule, 'kind'>;

/** A rule with all that was left out. Throws ERR_CONFIG_INVALID. */
export function defineIssuer(settings: IssuerSettings): IssuerRule {
  const { kind } = settings;
  const url = settings.url ?? DEFAULTS[kind].url;
  const refuse = (why: string, hint?: string): never => {
    throw new SealwardError('ERR_CONFIG_INVALID', `the issuer ${url ?? kind} ${why}`, hint === undefined ? {} : { hint });
  };
  if (url === undefined) return refuse('needs a url');
  const parsed = URL.parse(url);
  if (!parsed || (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') || parsed.search !== '' || parsed.hash !== '' || parsed.username !== '') {
    return refuse('is not an https URL without a query');
  }
  const rule: IssuerRule = {
    audience: 'sigstore',
    where: {},
    maxAgeMs: HOUR,
    uses: 1,
    privateHosts: [],
    ...DEFAULTS[kind],
    ...settings,
    url,
  };
  if (rule.algorithms.length === 0 || rule.algorithms.some((name) => !(ALGORITHMS_OF_TOKENS as readonly string[]).includes(name))) {
    refuse(`may sign with ${ALGORITHMS_OF_TOKENS.join(', ')} alone`);
  }
  if (PUBLIC_KINDS.includes(kind) && Object.keys(rule.where).length === 0) {
    refuse('gives tokens to anybody, and no condition says whose are taken', 'Add `where`, as in `where: { repository: [acme/*] }`.');
  }
  if (kind === 'ci' && !rule.mapping) refuse('is of kind ci and has no mapping');
  if (kind === 'spiffe' && !rule.trustDomain) refuse('is of kind spiffe and has no trustDomain');
  if ((kind === 'uri' || kind === 'username') && !rule.subjectDomain) refuse(`is of kind ${kind} and has no subjectDomain`);
  return rule;
}

/** Whether the token may have a certificate at all; the first condition that fails, as a sentence. */
export function unmetCondition({ kind, where }: IssuerRule, claim: (name: string) => string | undefined): string | undefined {
  for (const [name, allowed] of Object.entries(where)) {
    const value = claim(name);
    if (value === undefined) return `the token has no claim ${name}`;
    if (!allowed.some((pattern) => fits(pattern, value)))
      return `the claim ${name} is ${JSON.stringify(value.slice(0, 200))}, which is not among those that are taken`;
  }
  // What a pull request runs was written by whoever opened it; on GitHub that can be anybody.
  if (kind === 'github' && where['event_name'] === undefined) {
    const [event, ref] = [claim('event_name') ?? '', claim('ref') ?? ''];
    if (event.startsWith('pull_request') || ref.startsWith('refs/pull/')) return `the token is of a pull request (${JSON.stringify(event.slice(0, 40))})`;
  }
  if (kind === 'gitlab' && where['pipeline_source'] === undefined && /^(?:external_pull_request|merge_request)_event$/.test(claim('pipeline_source') ?? '')) {
    return 'the token is of a merge request';
  }
  return undefined;
}

/** Whole strings; `PREFIX/*` takes exactly one segment after the prefix. */
function fits(pattern: string, value: string): boolean {
  if (!pattern.endsWith('/*')) return pattern === value;
  const prefix = pattern.slice(0, -1);
  return value.length > prefix.length && value.startsWith(prefix) && !value.slice(prefix.length).includes('/');
}
