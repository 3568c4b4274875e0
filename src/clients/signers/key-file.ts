/**
 * cosign's encrypted key files: PEM around JSON around secretbox (XSalsa20-Poly1305) around PKCS#8, the key of the box
 * made from the password by scrypt (RFC 7914). Only the parameters that cosign and skopeo have ever written are taken:
 * a file cannot ask for cheap or for endless work.
 */
import { randomBytes, scrypt } from 'node:crypto';
import { encodePrivateKeyPkcs8, type KeyObject, parsePrivateKeyPkcs8 } from '../../core/crypto/index.ts';
import { decodeBase64, encodeBase64, encodePem, type JsonObject, type JsonValue, parseJsonObject, parsePem, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

export const KEY_FILE_LABEL = 'ENCRYPTED SIGSTORE PRIVATE KEY';
/** Written by cosign before 2.0, and by skopeo to this day. */
export const OLD_KEY_FILE_LABEL = 'ENCRYPTED COSIGN PRIVATE KEY';

/** A key file of the largest key that is accepted (ML-DSA-87) has about 12 KiB. */
export const KEY_FILE_MAX_BYTES = 64 * 1024;

/** scrypt's cost N; the memory that it takes is 1 KiB for each. */
const COSTS: readonly number[] = [32_768, 65_536, 131_072];
const WRITTEN_COST = 65_536;
const R = 8;
const P = 1;
const SALT_BYTES = 32;
const NONCE_BYTES = 24;
const BOX_KEY_BYTES = 32;
const TAG_BYTES = 16;
const MAX_CIPHERTEXT_BYTES = 16 * 1024;

interface Box {
  readonly cost: number;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** The private key in a key file. A password that does not open it is ERR_KEY_PASSWORD. */
export async function openKeyFile(text: string, password: string, what = 'the key file'): Promise<KeyObject> {
  const box = parseKeyFile(text, what);
  const { xsalsa20poly1305 } = await import('@noble/ciphers/salsa.js');
  const key = await deriveKey(password, box.salt, box.cost);
  let plaintext: Uint8Array;
  try {
    plaintext = xsalsa20poly1305(key, box.nonce).decrypt(box.ciphertext);
  } catch {
    throw new SealwardError('ERR_KEY_PASSWORD', `the password does not open ${what}, or the file is damaged`);
  } finally {
    key.fill(0);
  }
  try {
    return parsePrivateKeyPkcs8(plaintext, `the key in ${what}`);
  } finally {
    plaintext.fill(0);
  }
}

/** A key file for a private key, as cosign 2 and 3 write it. */
export async function sealKeyFile(privateKey: KeyObject, password: string): Promise<string> {
  const { xsalsa20poly1305 } = await import('@noble/ciphers/salsa.js');
  const salt = new Uint8Array(randomBytes(SALT_BYTES));
  const nonce = new Uint8Array(randomBytes(NONCE_BYTES));
  const key = await deriveKey(password, salt, WRITTEN_COST);
  const plaintext = encodePrivateKeyPkcs8(privateKey);
  const ciphertext = xsalsa20poly1305(key, nonce).encrypt(plaintext);
  key.fill(0);
  plaintext.fill(0);
  const body = {
    kdf: { name: 'scrypt', params: { N: WRITTEN_COST, r: R, p: P }, salt: encodeBase64(salt) },
    cipher: { name: 'nacl/secretbox', nonce: encodeBase64(nonce) },
    ciphertext: encodeBase64(ciphertext),
  };
  return encodePem(KEY_FILE_LABEL, utf8(JSON.stringify(body)));
}

/** Whether a PEM document is such a key file, by its label alone. */
export function isKeyFile(text: string): boolean {
  return text.includes(`-----BEGIN ${KEY_FILE_LABEL}-----`) || text.includes(`-----BEGIN ${OLD_KEY_FILE_LABEL}-----`);
}

function refuse(what: string, why: string, hint?: string): never {
  throw new SealwardError('ERR_KEY_INVALID', `${what} ${why}`, hint === undefined ? {} : { hint });
}

function parseKeyFile(text: string, what: string): Box {
  if (text.length > KEY_FILE_MAX_BYTES) throw new SealwardError('ERR_TOO_LARGE', `${what} is larger than ${KEY_FILE_MAX_BYTES} bytes`);
  const blocks = parsePem(text, what);
  const block = blocks[0];
  if (!block || blocks.length !== 1) refuse(what, `holds ${blocks.length} PEM blocks where one encrypted private key is expected`);
  if (block.label === 'PUBLIC KEY') refuse(what, 'is a public key where a private key is expected');
  if (block.label.endsWith('PRIVATE KEY') && block.label !== KEY_FILE_LABEL && block.label !== OLD_KEY_FILE_LABEL) {
    refuse(
      what,
      `is a "${block.label}", and not an encrypted key file`,
      'Put it into an encrypted key file first, with `sealward import-key-pair --key FILE`.',
    );
  }
  if (block.label !== KEY_FILE_LABEL && block.label !== OLD_KEY_FILE_LABEL) refuse(what, `is a "${block.label}" where a private key is expected`);
  const body = members(
    parseJsonObject(block.bytes, { what: `the body of ${what}`, maxBytes: KEY_FILE_MAX_BYTES, maxDepth: 4 }),
    ['kdf', 'cipher', 'ciphertext'],
    what,
  );
  const kdf = members(body['kdf'], ['name', 'params', 'salt'], what);
  const params = members(kdf['params'], ['N', 'r', 'p'], what);
  const cipher = members(body['cipher'], ['name', 'nonce'], what);
  if (kdf['name'] !== 'scrypt' || cipher['name'] !== 'nacl/secretbox') refuse(what, 'uses a key derivation or cipher other than scrypt and nacl/secretbox');
  const cost = params['N'];
  if (typeof cost !== 'number' || !COSTS.includes(cost) || params['r'] !== R || params['p'] !== P) {
    refuse(what, `asks for scrypt parameters other than N ${COSTS.join(', ')}, r ${R}, p ${P}`);
  }
  const ciphertext = octets(body['ciphertext'], `the ciphertext of ${what}`);
  if (ciphertext.length <= TAG_BYTES || ciphertext.length > MAX_CIPHERTEXT_BYTES) refuse(what, `has a ciphertext of ${ciphertext.length} bytes`);
  return {
    cost,
    salt: octets(kdf['salt'], `the salt of ${what}`, SALT_BYTES),
    nonce: octets(cipher['nonce'], `the nonce of ${what}`, NONCE_BYTES),
    ciphertext,
  };
}

/** An object with exactly these members. */
function members(value: JsonValue | undefined, names: readonly string[], what: string): JsonObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return refuse(what, 'is not built like a key file');
  const found = Object.keys(value);
  if (found.length !== names.length || !names.every((name) => Object.hasOwn(value, name)))
    refuse(what, `must have exactly ${names.join(', ')} in one of its parts`);
  return value;
}

function octets(value: JsonValue | undefined, what: string, length?: number): Uint8Array {
  if (typeof value !== 'string') return refuse(what, 'is not text');
  const bytes = decodeBase64(value, what);
  if (length !== undefined && bytes.length !== length) refuse(what, `has ${bytes.length} bytes where ${length} are expected`);
  return bytes;
}

function deriveKey(password: string, salt: Uint8Array, cost: number): Promise<Uint8Array> {
  // OpenSSL needs 128 * N * r bytes and a little more; Node's own limit of 32 MiB is below that.
  const maxmem = 128 * cost * R + 1024 * 1024;
  return new Promise((resolve, reject) => {
    scrypt(utf8(password), salt, BOX_KEY_BYTES, { N: cost, r: R, p: P, maxmem }, (error, key) => (error ? reject(error) : resolve(new Uint8Array(key))));
  });
}
