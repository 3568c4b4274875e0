/** The one front door for keys: a reference as a user writes it, to a signer or a public key. */
import type { PublicKey } from '../../core/crypto/index.ts';
import type { KeyOptions } from './key-options.ts';
import { parseKeyReference } from './key-reference.ts';
import type { KeyOpener, ProviderContext } from './provider.ts';
import type { OpenedSigner } from './signer.ts';

/** Each kind is loaded when such a key is used; any other scheme is that of a plugin. */
const OPENERS: Readonly<Record<string, () => Promise<KeyOpener>>> = {
  file: async () => (await import('./local-key.ts')).fileKeys,
  env: async () => (await import('./local-key.ts')).environmentKeys,
  k8s: async () => (await import('./kubernetes-secret.ts')).kubernetesKeys,
  pkcs11: async () => (await import('./pkcs11.ts')).pkcs11Keys,
  awskms: async () => (await import('./aws-kms.ts')).awsKeys,
  gcpkms: async () => (await import('./google-kms.ts')).googleKeys,
  azurekms: async () => (await import('./azure-key-vault.ts')).azureKeys,
  hashivault: async () => (await import('./vault-transit.ts')).vaultKeys,
  openbao: async () => (await import('./vault-transit.ts')).vaultKeys,
};

const openerOf = (scheme: string): Promise<KeyOpener> =>
  Object.hasOwn(OPENERS, scheme) ? (OPENERS[scheme] as () => Promise<KeyOpener>)() : import('./plugin.ts').then(({ pluginKeys }) => pluginKeys);

/** It brings the HTTP client with it, of which commands that only make keys need nothing. */
async function contextFor(name: string, options: KeyOptions): Promise<ProviderContext> {
  return (await import('./key-options.ts')).contextOf(name, options);
}

/**
 * A signer for a key file, env://VARIABLE, k8s://NAMESPACE/SECRET, a pkcs11: URI, awskms://, gcpkms://, azurekms://,
 * hashivault://, openbao://, or NAME:// of a plugin. Close it when done. Throws SealwardError.
 */
export async function openSigner(reference: string, options: KeyOptions = {}): Promise<OpenedSigner> {
  const { scheme, text, name } = parseKeyReference(reference);
  const [{ checkedSigner }, opener, context] = await Promise.all([import('./checked-signer.ts'), openerOf(scheme), contextFor(name, options)]);
  return checkedSigner(await opener.openKey(text, context), name, context);
}

/** The public key behind the same references. Of a private key file it needs the password. */
export async function openPublicKey(reference: string, options: KeyOptions = {}): Promise<PublicKey> {
  const { scheme, text, name } = parseKeyReference(reference);
  const [opener, context] = await Promise.all([openerOf(scheme), contextFor(name, options)]);
  return opener.openPublicKey(text, context);
}
