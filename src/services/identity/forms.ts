/** Bodies in application/x-www-form-urlencoded and the answers of OAuth (RFC 6749 section 5). */
import { jsonAnswer, type ServiceAnswer } from '../../core/contract/index.ts';
import { decodeUtf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

export const FORM_TYPE = 'application/x-www-form-urlencoded';
export const FORM_BYTES: number = 32 * 1024;

export type Fields = (name: string) => string | undefined;

/** Each parameter may stand once (RFC 6749 section 3.1). Throws ERR_REQUEST_INVALID. */
export function fieldsOf(source: Uint8Array | URLSearchParams): Fields {
  const values = source instanceof URLSearchParams ? source : new URLSearchParams(decodeUtf8(source, 'the form'));
  const seen = new Map<string, string>();
  for (const [name, value] of values) {
    if (seen.has(name)) throw new SealwardError('ERR_REQUEST_INVALID', `the parameter ${JSON.stringify(name.slice(0, 40))} stands twice`);
    seen.set(name, value);
  }
  return (name) => seen.get(name) || undefined;
}

export type OauthError =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'authorization_pending'
  | 'slow_down'
  | 'access_denied'
  | 'expired_token';

export function oauthRefusal(error: OauthError, description: string): ServiceAnswer {
  return jsonAnswer({ error, error_description: description }, error === 'invalid_client' ? 401 : 400, { pragma: 'no-cache' });
}
