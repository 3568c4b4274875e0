/** What every way to a token is given. */
import type { HttpClient } from '../http/index.ts';

export interface IdentityContext {
  /** The variables that are looked at. Nothing here reads the process's own. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What the token is for; authorities of Sigstore want `sigstore`. */
  readonly audience: string;
  readonly http: HttpClient;
  /** Absolute, on the client's clock. */
  readonly deadline: number;
  readonly signal?: AbortSignal;
}

/** One place that may give a token. */
export interface IdentityProvider {
  readonly name: string;
  /** Whether this process runs where the provider gives tokens. */
  readonly isHere: (context: IdentityContext) => boolean;
  readonly token: (context: IdentityContext) => Promise<string>;
}
