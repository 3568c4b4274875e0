/** The port behind openSigner: what each kind of key reference has to bring. Nothing of it is trusted (checked-signer.ts). */
import type { Algorithm, PublicKey } from '../../core/crypto/index.ts';
import type { Call, CloudContext } from '../cloud/index.ts';

export type { Call, Environment, ReadFile } from '../cloud/index.ts';

export interface ProviderKey {
  readonly publicKey: PublicKey;
  readonly algorithm: Algorithm;
  readonly keyVersion?: string;
  /** The same key signing over SHA-256, where its own algorithm has another hash and the key can do both. */
  readonly withSha256?: Omit<ProviderKey, 'withSha256' | 'close'>;
  /** The signature as it came: ECDSA in DER or as r || s, and perhaps no signature at all. */
  sign(message: Uint8Array, call: Call): Promise<Uint8Array>;
  close?(): Promise<void>;
}

export interface SecretWanted {
  /** A password of a key file, or the PIN of a token. */
  readonly kind: 'password' | 'PIN';
  /** Whose it is, for the question. */
  readonly of: string;
}

/** What every kind of key is opened with. */
export interface ProviderContext extends CloudContext {
  readonly secret: (wanted: SecretWanted) => Promise<string>;
  /** A new call, with the time that one call may take. */
  readonly call: () => Call;
  /** Something that a provider's program says to the user. */
  readonly say: (text: string) => void;
}

/** What a file of this folder for one kind of reference exports. */
export interface KeyOpener {
  openKey(reference: string, context: ProviderContext): Promise<ProviderKey>;
  openPublicKey(reference: string, context: ProviderContext): Promise<PublicKey>;
}
