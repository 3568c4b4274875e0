/** The HTTP interface of Sigstore's timestamp authority, and that of RFC 3161 itself. */
import type { ServiceAnswer, ServiceRequest, ServiceRoute } from '../../core/contract/index.ts';
import { encodeTimestampRefusal, type TIMESTAMP_FAILURE } from '../../core/crypto/index.ts';
import { encodePem } from '../../core/encoding/index.ts';
import { type ErrorCode, SealwardError } from '../../core/errors.ts';
import type { TimestampAuthority } from './authority.ts';
import { requestFromJson } from './json-request.ts';

const QUERY = 'application/timestamp-query';
const REPLY = 'application/timestamp-reply';
const JSON_TYPE = 'application/json';
const MAX_REQUEST_BYTES = 1024;
const FAILURES: { readonly [Code in ErrorCode]?: keyof typeof TIMESTAMP_FAILURE } = {
  ERR_TIMESTAMP_INVALID: 'badDataFormat',
  ERR_REQUEST_INVALID: 'unacceptedPolicy',
  ERR_CLOCK_REFUSED: 'timeNotAvailable',
  ERR_KEY_UNAVAILABLE: 'systemFailure',
};

export function timestampRoutes(authority: TimestampAuthority): ServiceRoute[] {
  const chain = authority.chain.map(({ raw }) => encodePem('CERTIFICATE', raw)).join('');
  const post = (path: string, status: number, accepts: readonly string[]): ServiceRoute => ({
    method: 'POST',
    path,
    accepts,
    maxBytes: MAX_REQUEST_BYTES,
    answer: (request) => answer(authority, request, status),
  });
  return [
    // Sigstore's clients expect "created", those of RFC 3161 section 3.4 nothing but 200: one address for each.
    post('/api/v1/timestamp', 201, [QUERY, JSON_TYPE]),
    post('/timestamp', 200, [QUERY]),
    {
      method: 'GET',
      path: '/api/v1/timestamp/certchain',
      maxBytes: 0,
      answer: async () => ({ status: 200, headers: { 'content-type': 'application/pem-certificate-chain' }, body: chain }),
    },
  ];
}

async function answer(authority: TimestampAuthority, { headers, body }: ServiceRequest, status: number): Promise<ServiceAnswer> {
  const isJson = (headers['content-type'] ?? '').toLowerCase().startsWith(JSON_TYPE);
  try {
    return { status, headers: { 'content-type': REPLY }, body: await authority.answer(isJson ? requestFromJson(body) : body) };
  } catch (error) {
    // RFC 3161 section 2.4.2: a refusal is a response, too, for clients that read nothing else.
    const failure = error instanceof SealwardError && !isJson ? FAILURES[error.code] : undefined;
    if (!(error instanceof SealwardError) || failure === undefined) throw error;
    return {
      status: error.http,
      headers: { 'content-type': REPLY },
      body: encodeTimestampRefusal(failure, `${error.code}: ${error.message}`.slice(0, 500)),
    };
  }
}
