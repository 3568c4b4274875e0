/** PKCS#10 (RFC 2986): how a client shows that it holds the key that it wants certified. Only the key is read from it. */
import { copyBytes, derBits, derSequence, derSmallInteger, expectTag, LIMITS, parseDer, parsePemBlock, TAG } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { type PublicKey, parsePublicKey } from './public-key.ts';
import { schemeOf } from './signature-oid.ts';
import { verifyScheme } from './verify-signature.ts';

const ATTRIBUTES_TAG = 0xa0;

/** The key of a request whose signature by that key verifies. Throws ERR_PROOF_INVALID, ERR_KEY_INVALID or ERR_TOO_LARGE. */
export function verifyCertificateRequest(source: Uint8Array, what = 'the certificate request'): PublicKey {
  if (source.length > LIMITS.certificateBytes) throw new SealwardError('ERR_TOO_LARGE', `${what} is larger than ${LIMITS.certificateBytes} bytes`);
  const { spki, signed, algorithmDer, signature } = read(source, what);
  const key = parsePublicKey(spki, `the key of ${what}`);
  const scheme = schemeOf(algorithmDer, key);
  if (!scheme || !verifyScheme(key, scheme, { bytes: signed }, signature)) {
    throw new SealwardError('ERR_PROOF_INVALID', `${what} is not signed by the key that it names`);
  }
  return key;
}

interface Request {
  readonly spki: Uint8Array;
  readonly signed: Uint8Array;
  readonly algorithmDer: Uint8Array;
  readonly signature: Uint8Array;
}

function read(source: Uint8Array, what: string): Request {
  try {
    const outer = derSequence(parseDer(derOf(source, what)), 'the request');
    const [info, algorithm, signature] = outer;
    if (outer.length !== 3) throw new SealwardError('ERR_DER_INVALID', 'it has more or fewer parts than a request');
    const [version, subject, spki, attributes, ...rest] = derSequence(info, 'the request');
    if (derSmallInteger(version, 'the version') !== 0 || rest.length > 0) throw new SealwardError('ERR_DER_INVALID', 'it is not of version 1');
    // The subject and the attributes are the client's wishes; what stands in the certificate comes from the token alone.
    expectTag(subject, TAG.sequence, 'the subject');
    if (attributes) expectTag(attributes, ATTRIBUTES_TAG, 'the attributes');
    return {
      spki: expectTag(spki, TAG.sequence, 'the key').raw,
      signed: expectTag(info, TAG.sequence, 'the request').raw,
      algorithmDer: expectTag(algorithm, TAG.sequence, 'the signature algorithm').raw,
      signature: derBits(signature, 'the signature'),
    };
  } catch (cause) {
    if (!(cause instanceof SealwardError)) throw cause;
    throw new SealwardError('ERR_PROOF_INVALID', `${what} cannot be read: ${cause.message}`, { cause });
  }
}

/** Clients send PEM; sigstore's own send the PEM as bytes. DER is taken, too. */
function derOf(source: Uint8Array, what: string): Uint8Array {
  if (source[0] === TAG.sequence) return copyBytes(source);
  return parsePemBlock(Buffer.from(source).toString('latin1'), ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'], what).bytes;
}
