/** A timestamp authority (RFC 3161): a strict request in, a token out, or a refusal that names its reason. */
import type { Signer } from '../../clients/signers/index.ts';
import {
  type Certificate,
  encodeTimestamp,
  EXTENDED_KEY_USAGE,
  EXTENSION,
  parseTimestampRequest,
  parseTimestampToken,
  verifyIssuedBy,
} from '../../core/crypto/index.ts';
import { equalBytes } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { ClockGuard } from './clock-guard.ts';
import type { Serials } from './serials.ts';

/** The policy of Sigstore's timestamp authority, under which its clients expect timestamps. */
export const SIGSTORE_POLICY = '1.3.6.1.4.1.57264.2';

export interface TimestampAuthorityOptions {
  readonly signer: Signer;
  /** The certificate of `signer`, then those above it up to the root. */
  readonly chain: readonly Certificate[];
  readonly clock: Pick<ClockGuard, 'now'>;
  readonly serials: Serials;
  /** An object identifier. */
  readonly policy?: string;
  /** Seconds; what is stated of the time. */
  readonly accuracy?: number;
}

export interface TimestampAuthority {
  readonly chain: readonly Certificate[];
  /**
   * A TimeStampResp for a TimeStampReq. Throws ERR_TIMESTAMP_INVALID, ERR_TOO_LARGE, ERR_REQUEST_INVALID for a policy of others,
   * ERR_CLOCK_REFUSED, or what the signer throws.
   */
  answer(request: Uint8Array): Promise<Uint8Array>;
}

export function createTimestampAuthority(options: TimestampAuthorityOptions): TimestampAuthority {
  const { signer, chain, clock, serials, policy = SIGSTORE_POLICY, accuracy = 1 } = options;
  const [certificate, ...above] = checkChain(chain, signer);
  return {
    chain,
    async answer(bytes) {
      const request = parseTimestampRequest(bytes);
      if (request.policy !== undefined && request.policy !== policy) {
        throw new SealwardError('ERR_REQUEST_INVALID', `the policy ${request.policy} is not one of this authority; it dates under ${policy}`);
      }
      const serial = await serials.next();
      const time = clock.now();
      if (time < certificate.notBefore || time > certificate.notAfter) {
        throw new SealwardError('ERR_CLOCK_REFUSED', 'the certificate of the timestamp authority is not valid now', {
          hint: 'Make a new one with `sealward server rotate timestamp`, or set the clock.',
        });
      }
      const unsigned = encodeTimestamp(request, { policy, serial, time, accuracy }, { certificate, chain: above, algorithm: signer.algorithm });
      const response = unsigned.finish(await signer.sign(unsigned.toSign));
      const { statement } = parseTimestampToken(response, 'the timestamp that was just made');
      // Read as its receivers will: what leaves is about what was asked, or nothing leaves.
      if (!equalBytes(statement.digest, request.digest) || statement.hash !== request.hash) {
        throw new SealwardError('ERR_INVARIANT', 'a timestamp that was just made is about something else');
      }
      return response;
    },
  };
}

/** Whether these certificates may date with this key; a wrong one would give tokens that nobody accepts. */
function checkChain(chain: readonly Certificate[], signer: Signer): [Certificate, ...Certificate[]] {
  const [leaf, ...above] = chain;
  const refuse = (why: string): never => {
    throw new SealwardError('ERR_STATE_INVALID', `the certificate of the timestamp authority ${why}`);
  };
  if (!leaf) return refuse('is missing');
  if (!equalBytes(leaf.publicKey.spki, signer.publicKey().spki)) refuse('is of another key than the one that signs');
  const purpose = leaf.extensions.find(({ oid }) => oid === EXTENSION.extendedKeyUsage);
  // RFC 3161 section 2.3: this purpose alone, and critical.
  if (!purpose?.critical || leaf.extendedKeyUsage?.join() !== EXTENDED_KEY_USAGE.timeStamping) refuse('is not for timestamps alone, and critically so');
  [leaf, ...above].forEach((certificate, i) => {
    const issuer = chain[i + 1];
    if (issuer && !verifyIssuedBy(certificate, issuer)) refuse('does not chain to the certificate after it');
  });
  return [leaf, ...above];
}
