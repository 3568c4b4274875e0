/** Key files of the lowest cost that every program takes: those of cosign 1 had it. Half of a signature's time goes into opening its key. */
import { randomBytes, scryptSync } from 'node:crypto';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { KEY_FILE_LABEL } from '../../src/clients/signers/index.ts';
import { encodePrivateKeyPkcs8, encodePublicKeyPem, generateKeyPair, type KeyKind, type KeyObject } from '../../src/core/crypto/index.ts';
import { encodeBase64, encodePem, utf8 } from '../../src/core/encoding/index.ts';

const COST = { N: 32_768, r: 8, p: 1 } as const;

export function quickKeyFile(kind: KeyKind, password: string): { readonly key: string; readonly pub: string } {
  const { privateKey, publicKey } = generateKeyPair(kind);
  return { key: quickSeal(privateKey, password), pub: encodePublicKeyPem(publicKey) };
}

export function quickSeal(privateKey: KeyObject, password: string): string {
  const [salt, nonce] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(24))];
  const derived = new Uint8Array(scryptSync(password, salt, 32, { ...COST, maxmem: 64 * 1024 * 1024 }));
  const ciphertext = xsalsa20poly1305(derived, nonce).encrypt(encodePrivateKeyPkcs8(privateKey));
  const body = {
    kdf: { name: 'scrypt', params: COST, salt: encodeBase64(salt) },
    cipher: { name: 'nacl/secretbox', nonce: encodeBase64(nonce) },
    ciphertext: encodeBase64(ciphertext),
  };
  return encodePem(KEY_FILE_LABEL, utf8(JSON.stringify(body)));
}
