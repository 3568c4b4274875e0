/** Keys and certificates as documents of other tools hold them: read only to say whether they can be carried over. */
import { parseCertificatesPem, parsePublicKeyPem } from '../../crypto/index.ts';
import { decodeBase64 } from '../../encoding/index.ts';
import { SealwardError } from '../../errors.ts';
import { authorityAnchors } from '../../trust/index.ts';

/** Fingerprints of the authorities in PEM, or undefined for what is none. */
export function pemFingerprints(pem: string): readonly string[] | undefined {
  return ifRead(() => authorityAnchors(parseCertificatesPem(pem)).map(({ id }) => id));
}

export function isPublicKey(pem: string): boolean {
  return ifRead(() => parsePublicKeyPem(pem, 'the key')) !== undefined;
}

/** PEM in base64, as `…Data` members are; empty for what is not. */
export function pemOfBase64(text: string): string {
  return ifRead(() => new TextDecoder().decode(decodeBase64(text.replace(/\s/g, '')))) ?? '';
}

function ifRead<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SealwardError && error.family === 'InputError') return undefined;
    throw error;
  }
}
