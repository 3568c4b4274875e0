/**
 * Authentication by the distribution project's token and basic schemes. The challenge is remembered per registry and
 * the token per registry and scope, so that a warm client asks nothing twice; a token is fetched once for all who wait.
 */
import { quoted } from '../../core/artifact/index.ts';
import { fingerprintOf } from '../../core/crypto/index.ts';
import { utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { bareHost, type HttpClient, serverNamedUrl } from '../http/index.ts';
import { basicHeader, headerSafe } from './authorization-header.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { Credentials, CredentialSource } from './credentials.ts';
import type { Endpoint } from './endpoints.ts';
import { fetchToken, type Token } from './token.ts';

export interface AuthQuery {
  readonly endpoint: Endpoint;
  /** `https://host:port` of the endpoint. */
  readonly base: URL;
  readonly repository: string;
  /** `repository:NAME:pull`; only what this request needs, for this one repository. */
  readonly scopes: readonly string[];
  /** As credentialsFor gave them for this request. */
  readonly credentials: Credentials | undefined;
  readonly deadline: number;
  readonly signal?: AbortSignal;
}

type Known = { readonly scheme: 'basic' } | { readonly scheme: 'bearer'; readonly realm: URL; readonly service: string | undefined };

/** A token is not used in its last seconds: it must still be good when it arrives. */
const MARGIN_MS = 5_000;
const MOST_TOKENS = 1_000;
const MOST_REFUSED = 1_000;

export class Authenticator {
  readonly #http: HttpClient;
  readonly #source: CredentialSource;
  readonly #known = new Map<string, Known>();
  readonly #tokens = new Map<string, Token>();
  readonly #pending = new Map<string, Promise<Token>>();
  readonly #secrets = new Set<string>();
  /** By registry and repository: what it refused, while there is something else to try. */
  readonly #refused = new Map<string, readonly Credentials[]>();

  constructor(http: HttpClient, source: CredentialSource) {
    this.#http = http;
    this.#source = source;
  }

  async credentialsFor(query: Omit<AuthQuery, 'credentials'>): Promise<Credentials | undefined> {
    const { endpoint, repository, deadline, signal } = query;
    const refused = this.#refused.get(refusedKey(query)) ?? [];
    const found = await this.#source.find({ registry: endpoint.registry, repository, deadline, ...(signal === undefined ? {} : { signal }), refused });
    if (found) this.#secrets.add(found.kind === 'password' ? found.password : found.token);
    return found;
  }

  /** Whether there are other credentials to try, after those of the query were refused. The kubelet tries all that it has, too. */
  async hasOthers(query: AuthQuery): Promise<boolean> {
    const key = refusedKey(query);
    if (query.credentials === undefined) return false;
    if (this.#refused.size >= MOST_REFUSED) this.#refused.clear();
    this.#refused.set(key, [...(this.#refused.get(key) ?? []), query.credentials]);
    if (await this.credentialsFor(query)) return true;
    // Nothing is left: next time from the beginning, since a registry may have been told of them meanwhile.
    this.#refused.delete(key);
    return false;
  }

  /** The Authorization header for a request, as far as the registry's wishes are known already. */
  async prepare(query: AuthQuery): Promise<string | undefined> {
    const known = this.#known.get(query.base.origin);
    const { credentials } = query;
    if (credentials?.kind === 'registry-token') return `Bearer ${headerSafe(credentials.token)}`;
    return known && this.#header(query, known, credentials);
  }

  /**
   * The header to try after a 401, or undefined when there is nothing else to try.
   * @param refused the header that was sent, if any.
   */
  async answer(query: AuthQuery, challengeHeaders: readonly string[], refused: string | undefined): Promise<string | undefined> {
    const known = this.#choose(query, parseChallenges(challengeHeaders));
    if (!known) return undefined;
    const { credentials } = query;
    if (credentials?.kind === 'registry-token') return undefined;
    this.#known.set(query.base.origin, known);
    if (refused !== undefined && known.scheme === 'bearer') this.#forget(query, known, refused);
    const header = await this.#header(query, known, credentials);
    return header === refused ? undefined : header;
  }

  /** Whether this registry has sent a challenge. */
  knows(base: URL): boolean {
    return this.#known.has(base.origin);
  }

  /** Everything secret that was used so far: what a registry says is not repeated when it holds one of these. */
  get secrets(): readonly string[] {
    return [...this.#secrets];
  }

  /** Bearer before Basic, whatever the order in which the registry offers them: the password travels less. */
  #choose(query: AuthQuery, challenges: readonly Challenge[]): Known | undefined {
    for (const { scheme, parameters } of challenges) {
      const realm = parameters.get('realm');
      if (scheme !== 'bearer' || realm === undefined) continue;
      if (!/^https?:\/\//i.test(realm))
        throw new SealwardError('ERR_CONTENT_REFUSED', `${query.endpoint.registry} names ${quoted(realm)} as its token server, which is not a URL`);
      return { scheme: 'bearer', realm: serverNamedUrl(realm, query.base, 'its token server'), service: parameters.get('service') };
    }
    return challenges.some(({ scheme }) => scheme === 'basic') ? { scheme: 'basic' } : undefined;
  }

  async #header(query: AuthQuery, known: Known, credentials: Credentials | undefined): Promise<string | undefined> {
    if (known.scheme === 'bearer') return `Bearer ${(await this.#token(query, known, credentials)).value}`;
    if (credentials?.kind !== 'password') return undefined;
    const header = basicHeader(credentials.username, credentials.password);
    this.#secrets.add(header.slice('Basic '.length));
    return header;
  }

  async #token(query: AuthQuery, known: Known & { scheme: 'bearer' }, credentials: Credentials | undefined): Promise<Token> {
    const key = tokenKey(query, known);
    for (;;) {
      const kept = this.#tokens.get(key);
      if (kept && this.#http.clock.now() < kept.expiresAt - MARGIN_MS) return kept;
      const pending = this.#pending.get(key);
      if (!pending) return this.#fetch(key, query, known, credentials);
      try {
        return await pending;
      } catch (error) {
        // The one who fetched may have had less time than we have, or may have been interrupted: then it is our turn.
        const theirs = error instanceof SealwardError && (error.code === 'ERR_DEADLINE' || error.code === 'ERR_INTERRUPTED');
        if (!theirs || query.signal?.aborted || this.#http.clock.now() >= query.deadline) throw error;
      }
    }
  }

  async #fetch(key: string, query: AuthQuery, known: Known & { scheme: 'bearer' }, credentials: Credentials | undefined): Promise<Token> {
    refuseForeignRealm(query.endpoint, known.realm, credentials);
    const fetching = fetchToken(this.#http, { ...query, realm: known.realm, service: known.service, credentials });
    this.#pending.set(key, fetching);
    try {
      const token = await fetching;
      if (this.#tokens.size >= MOST_TOKENS) {
        this.#tokens.clear();
        this.#secrets.clear();
      }
      this.#secrets.add(token.value);
      this.#tokens.set(key, token);
      return token;
    } finally {
      this.#pending.delete(key);
    }
  }

  /** Drops a token that was refused, unless somebody has fetched a newer one meanwhile. */
  #forget(query: AuthQuery, known: Known & { scheme: 'bearer' }, refused: string): void {
    const key = tokenKey(query, known);
    if (`Bearer ${this.#tokens.get(key)?.value}` === refused) this.#tokens.delete(key);
  }
}

/** The credentials are part of it: with others, or a new password, comes another token. */
function tokenKey({ base, credentials, scopes }: AuthQuery, known: Known & { scheme: 'bearer' }): string {
  const whose = credentials === undefined ? '' : fingerprintOf(utf8(JSON.stringify(Object.entries(credentials))));
  return JSON.stringify([base.origin, known.realm.href, known.service ?? '', whose, ...scopes]);
}

function refusedKey({ endpoint, repository }: Omit<AuthQuery, 'credentials'>): string {
  return `${endpoint.registry}/${repository}`;
}

/** Credentials go to the host they were given for, or to the token server that is known to be its own; never elsewhere. */
function refuseForeignRealm(endpoint: Endpoint, realm: URL, credentials: Credentials | undefined): void {
  const host = bareHost(realm);
  if (!credentials || host === endpoint.home.host || endpoint.realmHosts.includes(host)) return;
  throw new SealwardError('ERR_REGISTRY_UNAUTHENTICATED', `${endpoint.registry} wants its credentials sent to ${quoted(host)}, which is another host`, {
    hint: `If ${host} is the token server of ${endpoint.registry}, allow it with --registry-realm-host, or log out to ask without credentials.`,
  });
}
