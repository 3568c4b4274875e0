/** The authentication of a MemoryRegistry: basic, or bearer tokens from its own /token. */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface RegistryAuth {
  readonly kind: 'basic' | 'token';
  /** Passwords by user name. */
  readonly users?: Readonly<Record<string, string>>;
  /** OAuth 2 refresh tokens ("identity tokens") that are accepted. */
  readonly refreshTokens?: readonly string[];
  /** Whether everybody may read; with tokens, an anonymous token is given for pulling. */
  readonly anonymousPull?: boolean;
  /** Lifetime of a token in seconds; 300 when missing. */
  readonly expiresIn?: number;
  /** The realm that the challenge names; the registry's own /token when missing. */
  readonly realm?: string;
  /** Milliseconds; for the expiry of tokens. */
  readonly now?: () => number;
}

export interface TokenAnswer {
  readonly status: number;
  readonly body: string;
}

interface Granted {
  readonly scopes: readonly string[];
  readonly expiresAt: number;
}

export class TokenServer {
  readonly #auth: RegistryAuth;
  readonly #granted = new Map<string, Granted>();

  constructor(auth: RegistryAuth) {
    this.#auth = auth;
  }

  /** Makes every token that was given so far worthless, as a registry does that was restarted with another key. */
  revokeAll(): void {
    this.#granted.clear();
  }

  /** Whether a request may go on, for `pull`, `push` or `delete` in a repository; without one, whether we know who asks. */
  allows(headers: IncomingHttpHeaders, repository: string, action: string): boolean {
    const authorization = headers.authorization ?? '';
    if (this.#auth.kind === 'basic') return (action === 'pull' && repository !== '' && this.#auth.anonymousPull === true) || this.#knowsBasic(authorization);
    const granted = this.#granted.get(authorization.replace(/^Bearer /, ''));
    if (!granted || granted.expiresAt <= this.#now()) return false;
    if (repository === '') return true;
    return granted.scopes.some((scope) => {
      const [type, name, actions = ''] = scope.split(':');
      return type === 'repository' && name === repository && actions.split(',').includes(action);
    });
  }

  challenge(ownRealm: string, repository: string, action: string): string {
    if (this.#auth.kind === 'basic') return 'Basic realm="memory registry"';
    const scope = repository === '' ? '' : `,scope="repository:${repository}:${action === 'push' ? 'pull,push' : action}"`;
    return `Bearer realm="${this.#auth.realm ?? ownRealm}",service="memory"${scope}`;
  }

  /** GET /token. */
  get(query: URLSearchParams, authorization: string): TokenAnswer {
    const scopes = query.getAll('scope');
    const onlyPull = scopes.every((scope) => scope.endsWith(':pull'));
    if (authorization === '' ? !(this.#auth.anonymousPull === true && onlyPull) : !this.#knowsBasic(authorization)) return { status: 401, body: '{}' };
    return this.#grant(scopes, 'token');
  }

  /** POST /token, RFC 6749 section 6. */
  post(form: URLSearchParams): TokenAnswer {
    const known = form.get('grant_type') === 'refresh_token' && this.#auth.refreshTokens?.includes(form.get('refresh_token') ?? '');
    if (!known) return { status: 400, body: '{"error":"invalid_grant"}' };
    return this.#grant((form.get('scope') ?? '').split(' '), 'access_token');
  }

  #grant(scopes: readonly string[], member: string): TokenAnswer {
    const token = randomUUID();
    const seconds = this.#auth.expiresIn ?? 300;
    this.#granted.set(token, { scopes, expiresAt: this.#now() + seconds * 1000 });
    return { status: 200, body: JSON.stringify({ [member]: token, expires_in: seconds }) };
  }

  #knowsBasic(authorization: string): boolean {
    const users = Object.entries(this.#auth.users ?? {});
    return users.some(([user, password]) => authorization === `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`);
  }

  #now(): number {
    return this.#auth.now?.() ?? Date.now();
  }
}
