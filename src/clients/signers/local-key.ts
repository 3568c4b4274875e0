/** Keys as text: cosign's encrypted key file and public keys in PEM, wherever the text came from. */
import {
  type Algorithm,
  algorithmsFor,
  defaultAlgorithm,
  type KeyObject,
  type PublicKey,
  parsePublicKeyPem,
  publicKeyOf,
  signBytes,
} from '../../core/crypto/index.ts';
import { decodeUtf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { isKeyFile, KEY_FILE_MAX_BYTES, openKeyFile } from './key-file.ts';
import type { KeyOpener, ProviderContext, ProviderKey } from './provider.ts';

/** @param what names the text in messages: "the key file release.key". */
export async function openKeyText(text: string, what: string, password: () => Promise<string>): Promise<ProviderKey> {
  // What is no key file is refused for what it is, before anyone is asked for a password.
  return localKey(await openKeyFile(text, isKeyFile(text) ? await password() : '', what));
}

function localKey(privateKey: KeyObject): ProviderKey {
  const publicKey = publicKeyOf(privateKey);
  const own = defaultAlgorithm(publicKey);
  const sha256 = own.hash === undefined || own.hash === 'sha256' ? undefined : algorithmsFor(publicKey).find(({ hash }) => hash === 'sha256');
  const using = (algorithm: Algorithm): ProviderKey => ({ publicKey, algorithm, sign: async (message) => signBytes(privateKey, algorithm, message) });
  return sha256 ? { ...using(own), withSha256: using(sha256) } : using(own);
}

/** The public key in a PEM document, or of the private key in a key file. */
export async function publicKeyFromText(text: string, what: string, password: () => Promise<string>): Promise<PublicKey> {
  if (text.length > KEY_FILE_MAX_BYTES) throw new SealwardError('ERR_TOO_LARGE', `${what} is larger than ${KEY_FILE_MAX_BYTES} bytes`);
  return text.includes('PRIVATE KEY') ? (await openKeyText(text, what, password)).publicKey : parsePublicKeyPem(text, what);
}

const password =
  (context: ProviderContext): (() => Promise<string>) =>
  () =>
    context.secret({ kind: 'password', of: context.name });

function readKeyFile(path: string, { name, readFile }: ProviderContext): { text: string; what: string } {
  const what = `the key file ${name}`;
  return { text: decodeUtf8(readFile(path, KEY_FILE_MAX_BYTES, 'the key file'), what), what };
}

/** A path. */
export const fileKeys: KeyOpener = {
  async openKey(path, context) {
    const { text, what } = readKeyFile(path, context);
    return openKeyText(text, what, password(context));
  },
  async openPublicKey(path, context) {
    const { text, what } = readKeyFile(path, context);
    return publicKeyFromText(text, what, password(context));
  },
};

/** env://VARIABLE: the variable holds the text of a key file. */
export const environmentKeys: KeyOpener = {
  async openKey(reference, context) {
    const { text, what } = readVariable(reference, context);
    return openKeyText(text, what, password(context));
  },
  async openPublicKey(reference, context) {
    const { text, what } = readVariable(reference, context);
    return publicKeyFromText(text, what, password(context));
  },
};

function readVariable(reference: string, { name, environment }: ProviderContext): { text: string; what: string } {
  const variable = reference.slice('env://'.length);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable)) {
    throw new SealwardError('ERR_KEY_REFERENCE', `${name} does not name an environment variable`, { hint: 'Write env://VARIABLE.' });
  }
  const text = environment[variable];
  if (!text)
    throw new SealwardError('ERR_KEY_NOT_FOUND', `the environment variable ${variable} is not set`, { hint: `Set ${variable} to the text of the key file.` });
  return { text, what: `the key in the environment variable ${variable}` };
}
