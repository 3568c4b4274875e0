/** Attributes of a PKCS#11 object to a public key. Everything in them is the token's word, and parsed strictly. */
import { parseCertificate, parseEd25519PublicKey, parsePublicKey, parseRsaPublicKey, type PublicKey } from '../../core/crypto/index.ts';
import { concatBytes, decodeBase64, derOctets, encodeDer, encodeHex, parseDer, TAG } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { PublicAttributes } from './pkcs11-messages.ts';

/** RFC 8410's OID, and the PrintableString "edwards25519" that PKCS #11 v3.0 knows too. */
const ED25519_PARAMS = ['06032b6570', '130c656477617264733235353139'];
/** id-ecPublicKey, RFC 5480 section 2.1.1. */
const EC_PUBLIC_KEY = Uint8Array.of(0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01);

export function publicKeyOnToken(attributes: PublicAttributes, what: string): PublicKey {
  switch (attributes.kind) {
    case 'certificate':
      return parseCertificate(decodeBase64(attributes.der, what), what).publicKey;
    case 'rsa':
      return parseRsaPublicKey(
        encodeDer(TAG.sequence, unsigned(decodeBase64(attributes.modulus, what)), unsigned(decodeBase64(attributes.exponent, what))),
        what,
      );
    case 'edwards': {
      if (!ED25519_PARAMS.includes(encodeHex(decodeBase64(attributes.params, what))))
        throw new SealwardError('ERR_KEY_INVALID', `${what} is on a curve that is not accepted`);
      return parseEd25519PublicKey(unwrapped(decodeBase64(attributes.point, what), 32), what);
    }
    case 'ec': {
      const identifier = encodeDer(TAG.sequence, EC_PUBLIC_KEY, decodeBase64(attributes.params, what));
      const point = unwrapped(decodeBase64(attributes.point, what), undefined);
      // parsePublicKey holds curve, length and form against its list.
      return parsePublicKey(encodeDer(TAG.sequence, identifier, encodeDer(TAG.bitString, Uint8Array.of(0), point)), what);
    }
  }
}

/** PKCS #11 v2.40 wraps the point into an OCTET STRING; some modules hand it out bare. */
function unwrapped(bytes: Uint8Array, bareLength: number | undefined): Uint8Array {
  if (bytes[0] !== TAG.octetString || bytes.length === bareLength) return bytes;
  return derOctets(parseDer(bytes), 'CKA_EC_POINT');
}

/** A big-endian number of a token, which may have blank bytes before it and no sign. */
function unsigned(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const digits = bytes.subarray(start);
  return encodeDer(TAG.integer, (digits[0] ?? 0) >= 0x80 ? concatBytes(Uint8Array.of(0), digits) : digits);
}
