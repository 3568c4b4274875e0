/** What signs. One method that matters; everything else about a key stays behind it. */
import type { Algorithm, PublicKey } from '../../core/crypto/index.ts';

export interface Signer {
  /** The key under which its signatures verify. */
  publicKey(): PublicKey;
  /** How it signs; always a row of core/crypto's table that fits the key. */
  readonly algorithm: Algorithm;
  /** The version of the key as whoever keeps it counts them; absent where keys have no versions. */
  readonly keyVersion?: string;
  /**
   * The same key signing over SHA-256, where its own algorithm has another hash. Verifiers of the first generation
   * (cosign 1 and 2, skopeo) expect SHA-256 of every curve.
   */
  readonly withSha256?: Signer;
  /** What messages and reports call the key; never holds a secret. */
  describe?(): string;
  /** Signs the message itself, never a digest of it, so that the signer sees what it signs. ECDSA signatures are in DER. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** What openSigner gives: a signer that may hold a process or connections, and must be closed. */
export interface OpenedSigner extends Signer {
  describe(): string;
  close(): Promise<void>;
}
