/** Errors as answers: a code, a sentence and what to do, in a shape that clients of Sigstore print and ours read. */
import { jsonAnswer, type ServiceAnswer } from '../../core/contract/index.ts';
import { documentationAnchor, type ErrorCode, SealwardError } from '../../core/errors.ts';

/** Codes of gRPC, which Sigstore's clients expect beside the sentence. */
const GRPC_CODES: Readonly<Record<number, number>> = { 400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 409: 6, 413: 3, 415: 3, 429: 8, 503: 14 };
const RETRY_SECONDS = 2;

export function errorAnswer(error: SealwardError): ServiceAnswer {
  // What is wrong inside is for the log of the server, not for whoever asks.
  const message = error.http === 500 ? 'the server failed; its log says more' : error.message;
  const body = {
    code: GRPC_CODES[error.http] ?? 13,
    message: `${error.code}: ${message}`,
    error: { code: error.code, message, hint: error.hint, docs: documentationAnchor(error.code) },
  };
  const later: Readonly<Record<string, string>> = error.http === 429 || error.http === 503 ? { 'retry-after': String(RETRY_SECONDS) } : {};
  return jsonAnswer(body, error.http, later);
}

/** What fastify throws before a route is reached: the shape of the request is wrong. */
const FASTIFY_ERRORS: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['ERR_TOO_LARGE', 'the body is larger than this path takes'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['ERR_CONTENT_TYPE', 'the Content-Type is not one'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['ERR_REQUEST_INVALID', 'the body does not have the length that was announced'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['ERR_REQUEST_INVALID', 'the body is empty'],
};

/** What is wrong with the server itself, such as a full disk: nothing that whoever asks could mend by asking otherwise. */
const OWN: readonly ErrorCode[] = ['ERR_STATE_INVALID', 'ERR_CONFIG_INVALID', 'ERR_FILE_UNREADABLE', 'ERR_FILE_EXISTS', 'ERR_KEY_PASSWORD'];

export function asServiceError(thrown: unknown): SealwardError {
  if (thrown instanceof SealwardError && OWN.includes(thrown.code))
    return new SealwardError('ERR_SERVICE_UNAVAILABLE', 'the server cannot do its work now; its log says more', { cause: thrown });
  if (thrown instanceof SealwardError) return thrown;
  const { code = '', statusCode = 500, message = '' } = thrown as { code?: string; statusCode?: number; message?: string };
  const known = FASTIFY_ERRORS[code];
  if (known) return new SealwardError(known[0], known[1]);
  if (statusCode >= 400 && statusCode < 500) return new SealwardError('ERR_REQUEST_INVALID', message.slice(0, 200));
  return new SealwardError('ERR_INVARIANT', `unexpected error: ${message.slice(0, 300)}`, { cause: thrown });
}
