import { encodeBase64, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

export function basicHeader(username: string, password: string): string {
  // RFC 7617 section 2: a user name with a colon cannot be told from its password.
  if (username.includes(':')) throw new SealwardError('ERR_CONFIG_INVALID', 'the user name for the registry contains a colon');
  return `Basic ${encodeBase64(utf8(`${username}:${password}`))}`;
}

/** A token becomes part of a header: nothing but visible ASCII. */
export function headerSafe(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new SealwardError('ERR_CONTENT_REFUSED', 'a token has characters that no header may carry');
}
