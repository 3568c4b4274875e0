/** New key pairs as a pair of files, PREFIX.key (encrypted, for its owner alone) and PREFIX.pub. */
import { encodePublicKeyPem, generateKeyPair, type KeyKind, type KeyObject, type PublicKey, publicKeyOf } from '../../core/crypto/index.ts';
import { sealKeyFile } from './key-file.ts';
import { writeNewFiles } from '../files/index.ts';

export interface KeyPairFiles {
  readonly privatePath: string;
  readonly publicPath: string;
}

export function keyPairPaths(prefix: string): KeyPairFiles {
  return { privatePath: `${prefix}.key`, publicPath: `${prefix}.pub` };
}

/** Writes both files or none, and never over an existing one. */
export async function createKeyPairFiles(
  prefix: string,
  kind: KeyKind,
  password: string,
  signal?: AbortSignal,
): Promise<KeyPairFiles & { readonly publicKey: PublicKey }> {
  return writeKeyPairFiles(prefix, generateKeyPair(kind).privateKey, password, signal);
}

/** The same for a private key that exists already. */
export async function writeKeyPairFiles(
  prefix: string,
  privateKey: KeyObject,
  password: string,
  signal?: AbortSignal,
): Promise<KeyPairFiles & { readonly publicKey: PublicKey }> {
  const publicKey = publicKeyOf(privateKey);
  const { privatePath, publicPath } = keyPairPaths(prefix);
  const sealed = await sealKeyFile(privateKey, password);
  signal?.throwIfAborted();
  writeNewFiles([
    { path: privatePath, content: sealed, mode: 0o600 },
    { path: publicPath, content: encodePublicKeyPem(publicKey), mode: 0o644 },
  ]);
  return { privatePath, publicPath, publicKey };
}
