/** The HTTP interface of Sigstore's timestamp authority. */
import type { ServiceRoute } from '../../core/contract/index.ts';
import { encodeTimestampRefusal, type TIMESTAMP_FAILURE } from '../../core/crypto/index.ts';
import { encodePem } from '../../core/encoding/index.ts';
import { type ErrorCode, SealwardError } from '../../core/errors.ts';
import type { TimestampAuthority } from './authority.ts';

const QUERY = 'application/timestamp-query';
const REPLY = 'application/timestamp-reply';
const MAX_REQUEST_BYTES = 1024;
const FAILURES: { readonly [Code in ErrorCode]?: keyof typeof TIMESTAMP_FAILURE } = {
  ERR_TIMESTAMP_INVALID: 'badDataFormat',
  ERR_REQUEST_INVALID: 'unacceptedPolicy',
  ERR_CLOCK_REFUSED: 'timeNotAvailable',
  ERR_KEY_UNAVAILABLE: 'systemFailure',
};

export function timestampRoutes(authority: TimestampAuthority): ServiceRoute[] {
  const chain = authority.chain.map(({ raw }) => encodePem('CERTIFICATE', raw)).join('');
  return [
    {
      method: 'POST',
      path: '/api/v1/timestamp',
      accepts: [QUERY],
      maxBytes: MAX_REQUEST_BYTES,
      async answer({ body }) {
        try {
          return { status: 201, headers: { 'content-type': REPLY }, body: await authority.answer(body) };
        } catch (error) {
          // RFC 3161 section 2.4.2: a refusal is a response, too, for clients that read nothing else.
          const failure = error instanceof SealwardError ? FAILURES[error.code] : undefined;
          if (!(error instanceof SealwardError) || failure === undefined) throw error;
          return {
            status: error.http,
            headers: { 'content-type': REPLY },
            body: encodeTimestampRefusal(failure, `${error.code}: ${error.message}`.slice(0, 500)),
          };
        }
      },
    },
    {
      method: 'GET',
      path: '/api/v1/timestamp/certchain',
      maxBytes: 0,
      answer: async () => ({ status: 200, headers: { 'content-type': 'application/pem-certificate-chain' }, body: chain }),
    },
  ];
}
