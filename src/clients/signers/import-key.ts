/** A private key that was made elsewhere, brought into cosign's encrypted key file. */
import { createPrivateKey } from 'node:crypto';
import { type KeyObject, publicKeyOf } from '../../core/crypto/index.ts';
import { parsePem } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { isKeyFile, KEY_FILE_MAX_BYTES, sealKeyFile } from './key-file.ts';

/** PKCS#8 (RFC 5958), PKCS#1 (RFC 8017), SEC 1 (RFC 5915), and PKCS#8 encrypted (RFC 8018). */
const ACCEPTED = ['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY', 'ENCRYPTED PRIVATE KEY'];

const HINTS: Readonly<Record<string, string>> = {
  'OPENSSH PRIVATE KEY': 'Convert it first: `ssh-keygen -p -m PKCS8 -f FILE`.',
  'DSA PRIVATE KEY': 'DSA is not accepted by any verifier of this field; make a new key with `sealward generate-key-pair`.',
  'PUBLIC KEY': 'A public key needs no import; give it to `sealward verify --key`.',
  'RSA PUBLIC KEY': 'A public key needs no import; give it to `sealward verify --key`.',
  CERTIFICATE: 'Give the private key that belongs to the certificate.',
};

/** What is in the PEM file, or a refusal that says what it is. `password` is asked for an encrypted key only. */
export async function parsePrivateKeyPem(pem: string, what: string, password: () => Promise<string>): Promise<KeyObject> {
  if (pem.length > KEY_FILE_MAX_BYTES) throw new SealwardError('ERR_TOO_LARGE', `${what} is larger than ${KEY_FILE_MAX_BYTES} bytes`);
  if (isKeyFile(pem))
    throw new SealwardError('ERR_KEY_INVALID', `${what} is an encrypted key file already`, { hint: 'Give it to `sealward sign --key` as it is.' });
  // OpenSSL writes the curve of a SEC 1 key into a block of its own, and old encryption into headers that strict PEM refuses.
  if (/^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    throw new SealwardError('ERR_KEY_INVALID', `${what} is encrypted in OpenSSL's old form, whose key derivation is broken`, {
      hint: 'Convert it first: `openssl pkcs8 -topk8 -in FILE`.',
    });
  }
  const blocks = parsePem(pem, what).filter(({ label }) => label !== 'EC PARAMETERS');
  const [block] = blocks;
  if (!block || blocks.length !== 1) throw new SealwardError('ERR_KEY_INVALID', `${what} holds ${blocks.length} PEM blocks where one private key is expected`);
  if (!ACCEPTED.includes(block.label)) {
    const hint = HINTS[block.label];
    throw new SealwardError('ERR_KEY_INVALID', `${what} is a "${block.label}" where a private key is expected`, hint === undefined ? {} : { hint });
  }
  const encrypted = block.label === 'ENCRYPTED PRIVATE KEY';
  const type = { 'RSA PRIVATE KEY': 'pkcs1', 'EC PRIVATE KEY': 'sec1' }[block.label] ?? 'pkcs8';
  const passphrase = encrypted ? await password() : undefined;
  let key: KeyObject;
  try {
    const der = Buffer.from(block.bytes.buffer, block.bytes.byteOffset, block.bytes.length);
    key = createPrivateKey({ key: der, format: 'der', type: type as 'pkcs8', ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    // Without the cause, which is about secret bytes.
    if (encrypted)
      throw new SealwardError('ERR_KEY_PASSWORD', `the password does not open ${what}, or the file is damaged`, {
        hint: 'Give the password under which the key was encrypted where it comes from.',
      });
    throw new SealwardError('ERR_KEY_INVALID', `${what} is a "${block.label}" that cannot be read`);
  }
  if (key.asymmetricKeyType !== ({ pkcs1: 'rsa', sec1: 'ec' }[type] ?? key.asymmetricKeyType)) {
    throw new SealwardError('ERR_KEY_INVALID', `${what} says "${block.label}" and holds a key of another kind`);
  }
  publicKeyOf(key, `the key in ${what}`); // refuses kinds and sizes that no verifier accepts
  return key;
}

/** The text of a key file that holds the key of a PEM file, under a new password. */
export async function importKey(pem: string, password: string, oldPassword: () => Promise<string> = async () => '', what = 'the key'): Promise<string> {
  return sealKeyFile(await parsePrivateKeyPem(pem, what, oldPassword), password);
}
