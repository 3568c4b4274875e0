/** Who we are to a registry. Nothing in here is ever logged or put into a message. */

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
}

export interface CredentialSource {
  /** Undefined when the source knows none for this registry: then the next is asked, and in the end nobody. */
  find(query: CredentialQuery): Promise<Credentials | undefined>;
}

export const anonymous: CredentialSource = { find: async () => undefined };

/** Credentials that the user gave by hand, for the named registries and no others. They win over every file. */
export function explicitCredentials(credentials: Credentials, registries: readonly string[]): CredentialSource {
  return { find: async ({ registry }) => (registries.includes(registry) ? credentials : undefined) };
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
