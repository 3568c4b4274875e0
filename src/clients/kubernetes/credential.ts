/** Bearer tokens: fixed ones, and those in files that somebody rotates. */
import { SealwardError } from '../../core/errors.ts';

/** A bearer token, which may be another one tomorrow. */
export interface Credential {
  /** @param now milliseconds on the clock of the client. Throws ERR_CONFIG_INVALID, ERR_FILE_UNREADABLE, ERR_TOO_LARGE. */
  token(now: number): string;
  /** The API server took it no more: whether another one can be had by asking again. */
  renew(): boolean;
}

/** RFC 6750 section 2.1; anything else would end up in a header. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

export function bearerToken(text: string, what: string): string {
  const token = text.trim();
  if (!TOKEN.test(token))
    throw new SealwardError('ERR_CONFIG_INVALID', `the token of ${what} is not one`, { hint: 'A token is one line of letters, digits and -._~+/=.' });
  return token;
}

export const fixedCredential = (token: string): Credential => ({ token: () => token, renew: () => false });

/** How long a token that was read from a file is used; the kubelet writes a new one at 80 % of its life, an hour or more. */
const TOKEN_AGE_MS = 60_000;

/** A token in a file that somebody rotates. What cannot be read a second time leaves the last one in use. */
export function rotatingCredential(read: () => string): Credential {
  let held: { readonly token: string; readonly readAt: number } | undefined;
  let stale = false;
  return {
    token(now) {
      if (held && !stale && now - held.readAt < TOKEN_AGE_MS && now >= held.readAt) return held.token;
      stale = false;
      try {
        held = { token: read(), readAt: now };
      } catch (error) {
        if (!held) throw error;
        held = { ...held, readAt: now };
      }
      return held.token;
    },
    renew() {
      stale = true;
      return true;
    },
  };
}
