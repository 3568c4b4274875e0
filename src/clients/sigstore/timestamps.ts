/** RFC 3161 timestamps over HTTP (section 3.4). */
import { randomBytes } from 'node:crypto';
import { encodeTimestampRequest, hash, parseTimestampToken } from '../../core/crypto/index.ts';
import { equalBytes, LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { askService, type ServiceCall, serviceUrl } from './services.ts';

const WHAT = 'the timestamp authority';

/** A TimeStampResp over the message, of our request and no other. Throws ERR_TIMESTAMP_INVALID, ERR_SERVICE_REFUSED or ERR_SERVICE_UNAVAILABLE. */
export async function requestTimestamp(call: ServiceCall, url: string, message: Uint8Array): Promise<Uint8Array> {
  const digest = hash('sha256', message);
  const nonce = BigInt(`0x${randomBytes(16).toString('hex')}`);
  const { bytes } = await askService(call, {
    method: 'POST',
    url: serviceUrl(url, '', WHAT),
    headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' },
    body: encodeTimestampRequest({ hash: 'sha256', digest, nonce, certificates: true }),
    maxBytes: LIMITS.timestampBytes,
    what: WHAT,
    idempotent: true,
  });
  const { statement } = parseTimestampToken(bytes, 'the answer of the timestamp authority');
  if (!equalBytes(statement.digest, digest) || BigInt(`0x${statement.nonce ?? '0'}`) !== nonce) {
    throw new SealwardError('ERR_TIMESTAMP_INVALID', `${WHAT} answered to another request than ours`);
  }
  return bytes;
}
