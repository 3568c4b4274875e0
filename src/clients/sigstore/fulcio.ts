/** A certificate for a key and a token: Fulcio's API, version 2. */
import { type Certificate, encodePublicKeyPem, parseCertificatesPem, type PublicKey } from '../../core/crypto/index.ts';
import {
  decodeBase64Url,
  decodeUtf8,
  encodeBase64,
  equalBytes,
  type JsonObject,
  LIMITS,
  parseJson,
  parseJsonObject,
  ProtoObject,
  utf8,
} from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { askService, type ServiceCall, serviceUrl } from './services.ts';

const WHAT = 'the certificate authority';
const MAX_BYTES = 1024 * 1024;

/** Who holds the key that is to be certified. */
export interface KeyHolder {
  readonly key: PublicKey;
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>;
}

/**
 * The certificate of the key and those above it, as the authority sends them; the judge holds them against the
 * trusted root before anything is published. Throws ERR_SERVICE_REFUSED, ERR_SERVICE_UNAVAILABLE or what a parser throws.
 */
export async function requestCertificate(call: ServiceCall, baseUrl: string, token: string, { key, sign }: KeyHolder): Promise<readonly Certificate[]> {
  const proof = await sign(utf8(challengeOf(token)));
  const body = {
    credentials: { oidcIdentityToken: token },
    publicKeyRequest: { publicKey: { algorithm: 'ECDSA', content: encodePublicKeyPem(key) }, proofOfPossession: encodeBase64(proof) },
  };
  const { bytes } = await askService(call, {
    method: 'POST',
    url: serviceUrl(baseUrl, '/api/v2/signingCert', WHAT),
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: utf8(JSON.stringify(body)),
    maxBytes: MAX_BYTES,
    what: WHAT,
    // A token is good for one certificate: asked again, a good authority refuses.
    idempotent: false,
  });
  const [leaf, ...above] = readChain(bytes);
  if (!leaf || !equalBytes(leaf.publicKey.spki, key.spki)) throw new SealwardError('ERR_CERTIFICATE_INVALID', `${WHAT} certified another key than ours`);
  return [leaf, ...above];
}

function readChain(bytes: Uint8Array): Certificate[] {
  const answer = parseJson(bytes, { what: 'the answer of the certificate authority', maxBytes: MAX_BYTES });
  const root = new ProtoObject(
    answer,
    'the answer of the certificate authority',
    ['signedCertificateEmbeddedSct', 'signedCertificateDetachedSct'],
    'ERR_CERTIFICATE_INVALID',
  );
  const chain = root.object('signedCertificateEmbeddedSct', ['chain']).object('chain', ['certificates']);
  const pems = chain.list('certificates', LIMITS.intermediateCertificates + 1);
  return pems.flatMap((pem) => parseCertificatesPem(typeof pem === 'string' ? pem : '', 'a certificate of the authority'));
}

/** What the authority wants signed: the address of a person, and the subject of everything else. The token is believed by the authority, not here. */
function challengeOf(token: string): string {
  const { email, sub } = unverifiedClaims(token);
  const challenge = typeof email === 'string' && email !== '' ? email : sub;
  if (typeof challenge === 'string' && challenge !== '') return challenge;
  throw new SealwardError('ERR_TOKEN_INVALID', 'the identity token names neither a subject nor an address');
}

/** Throws ERR_TOKEN_INVALID for what is no JWT. */
function unverifiedClaims(token: string): JsonObject {
  if (token.length > LIMITS.jwtBytes) throw new SealwardError('ERR_TOO_LARGE', `the identity token is larger than ${LIMITS.jwtBytes} bytes`);
  const [head = '', payload = '', signature = '', ...rest] = token.split('.', 4);
  try {
    if (head !== '' && signature !== '' && rest.length === 0) {
      const text = decodeUtf8(decodeBase64Url(payload, 'the identity token'), 'the identity token');
      return parseJsonObject(text, { what: 'the identity token', maxBytes: LIMITS.jwtBytes });
    }
  } catch (cause) {
    if (!(cause instanceof SealwardError)) throw cause;
  }
  throw new SealwardError('ERR_TOKEN_INVALID', 'the identity token is not a signed JWT', {
    hint: 'Give the token itself, or the path of a file that holds it and nothing else.',
  });
}
