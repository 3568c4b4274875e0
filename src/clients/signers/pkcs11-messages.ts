/** What the parent and the process with the PKCS#11 module say to each other; bytes travel in base64. */

/** Which token and key; the fields are those of a PKCS#11 URI. */
export interface KeyWanted {
  readonly token?: string;
  readonly serial?: string;
  readonly manufacturer?: string;
  readonly model?: string;
  readonly slotId?: number;
  readonly object?: string;
  readonly id?: string;
}

/** Questions and answers are told apart by a number, because several may wait in line. */
export interface Numbered<T> {
  readonly number: number;
  readonly is: T;
}

export type Question =
  | {
      readonly do: 'open';
      readonly addon: string;
      readonly module: string;
      readonly key: KeyWanted;
      readonly purpose: 'sign' | 'public-key';
      readonly pin?: string;
    }
  | { readonly do: 'sign'; readonly mechanism: Mechanism; readonly message: string };

/** By its name; `RSA_PKCS` gets a DigestInfo, for tokens that do not hash. */
export type Mechanism = 'ECDSA' | 'EDDSA' | 'SHA256_RSA_PKCS' | 'RSA_PKCS';

/** The public half, as the token's attributes have it. */
export type PublicAttributes =
  | { readonly kind: 'ec' | 'edwards'; readonly params: string; readonly point: string }
  | { readonly kind: 'rsa'; readonly modulus: string; readonly exponent: string }
  | { readonly kind: 'certificate'; readonly der: string };

export type Answer =
  | { readonly is: 'ready' }
  /** The token wants a PIN before it shows private keys. */
  | { readonly is: 'pin-wanted'; readonly token: string }
  | { readonly is: 'key'; readonly token: string; readonly publicKey: PublicAttributes; readonly mechanisms: readonly Mechanism[] }
  | { readonly is: 'signature'; readonly signature: string }
  | { readonly is: 'failure'; readonly failure: Failure };

export interface Failure {
  /** `addon`: pkcs11js is not there; `module`: the module cannot be loaded; `token`/`key`: none or several fit; `cryptoki`: a CKR_ code. */
  readonly kind: 'addon' | 'module' | 'no-token' | 'several-tokens' | 'no-key' | 'several-keys' | 'no-public-key' | 'cryptoki';
  readonly text: string;
}
