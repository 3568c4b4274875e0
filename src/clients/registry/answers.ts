/** What the answers of a registry mean: a status becomes a look-up's state or a coded error with its own sentence. */
import { type Lookup, quoted, unavailable } from '../../core/artifact/index.ts';
import { parseJsonObject } from '../../core/encoding/index.ts';
import { type ErrorCode, type ErrorOptions, SealwardError } from '../../core/errors.ts';
import { type HttpResponse, retryAfterMs } from '../http/index.ts';

/** The error codes that a registry gave, distribution-spec "Error Codes"; empty when it gave none that can be read. */
export function errorCodes(response: HttpResponse): readonly string[] {
  return errorEntries(response).map(({ code }) => code);
}

function errorEntries(response: HttpResponse): readonly { code: string; message: string }[] {
  if (response.bytes.length === 0) return [];
  try {
    const { errors } = parseJsonObject(response.bytes, { what: 'the error' });
    if (!Array.isArray(errors)) return [];
    return errors.slice(0, 8).map((entry) => {
      const { code, message } = entry !== null && typeof entry === 'object' && !Array.isArray(entry) ? entry : {};
      return { code: typeof code === 'string' && /^[A-Z_]{1,64}$/.test(code) ? code : 'UNKNOWN', message: typeof message === 'string' ? message : '' };
    });
  } catch {
    return [];
  }
}

/** What the registry says, unless it repeats what must stay secret. */
function detail(response: HttpResponse, secrets: readonly string[]): string {
  const first = errorEntries(response)[0];
  if (!first) return String(response.status);
  const leaks = secrets.some((secret) => secret !== '' && first.message.includes(secret));
  return `${response.status} ${first.code}${first.message === '' || leaks ? '' : `, ${quoted(first.message, 160)}`}`;
}

/**
 * The error for an answer that is not what was hoped for.
 * @param place "host/repository".
 * @param what "the manifest v1".
 */
export function statusError(response: HttpResponse, place: string, what: string, secrets: readonly string[] = []): SealwardError {
  const { status } = response;
  const said = detail(response, secrets);
  const make = (code: ErrorCode, sentence: string, options?: ErrorOptions): SealwardError =>
    new SealwardError(code, `${place}: ${sentence} (${said})`, options);
  if (status === 401) return make('ERR_REGISTRY_UNAUTHENTICATED', `the registry wants to know who asks for ${what}`);
  if (status === 403) return make('ERR_REGISTRY_DENIED', `the registry does not allow access to ${what}`);
  if (status === 404) return make('ERR_NOT_FOUND', `the registry does not have ${what}`);
  const throttled = status === 429 || (status === 503 && response.headers.all('retry-after').length > 0);
  if (throttled) {
    const seconds = Math.ceil((retryAfterMs(response.headers, 0) ?? 0) / 1000);
    const after = seconds > 0 && seconds < 1e6 ? ` for ${seconds} seconds` : '';
    return make('ERR_REGISTRY_THROTTLED', `the registry asks to wait${after} before it is asked again for ${what}`);
  }
  if (status === 413) return make('ERR_TOO_LARGE', `the registry takes nothing as large as ${what}`);
  if (status >= 500) return make('ERR_REGISTRY_FAILED', `the registry failed when asked for ${what}`);
  if (status >= 400) return make('ERR_REGISTRY_FAILED', `the registry refuses the request for ${what}`, { retryable: false });
  return make('ERR_CONTENT_REFUSED', `the registry gives an answer that makes no sense for ${what}`);
}

/** Errors that were foreseen become `unavailable`; anything else is our own fault and stays an exception. */
export async function asLookup<T>(ask: () => Promise<Lookup<T>>): Promise<Lookup<T>> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof SealwardError) || error.family === 'InternalError') throw error;
    // Only who asked knows which 404 means "absent", and says so itself; any other, on page 2 say, is a failure.
    return unavailable(error.code === 'ERR_NOT_FOUND' ? new SealwardError('ERR_REGISTRY_FAILED', error.message) : error);
  }
}
