/** Who we are to a registry. Nothing in here is ever logged or put into a message. */

import { isDeepStrictEqual } from 'node:util';

export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** An OAuth 2 refresh token, exchanged for a token at the registry's token server. */
  | { readonly kind: 'identity-token'; readonly token: string }
  /** A bearer token that goes to the registry as it is. */
  | { readonly kind: 'registry-token'; readonly token: string };

export interface CredentialQuery {
  /** `host` or `host:port`, in lower case; `docker.io` for Docker Hub. Sources match it exactly. */
  readonly registry: string;
  readonly repository: string;
  readonly deadline: number;
  readonly signal?: AbortSignal;
  /** What the registry has refused: who has others gives one of those, and else nothing. */
  readonly refused?: readonly Credentials[];
}

export interface CredentialSource {
  /** Undefined when the source knows none for this registry: then the next is asked, and in the end nobody. */
  find(query: CredentialQuery): Promise<Credentials | undefined>;
}

export function wasRefused({ refused = [] }: Pick<CredentialQuery, 'refused'>, credentials: Credentials): boolean {
  return refused.some((one) => isDeepStrictEqual(one, credentials));
}

export const anonymous: CredentialSource = { find: async () => undefined };

/** Credentials that the user gave by hand, for the named registries and no others. They win over every file. */
export function explicitCredentials(credentials: Credentials, registries: readonly string[]): CredentialSource {
  return { find: async (query) => (registries.includes(query.registry) && !wasRefused(query, credentials) ? credentials : undefined) };
}

/** The first source that knows something. */
export function firstOf(...sources: readonly CredentialSource[]): CredentialSource {
  return {
    async find(query) {
      for (const source of sources) {
        const found = await source.find(query);
        if (found) return found;
      }
      return undefined;
    },
  };
}
