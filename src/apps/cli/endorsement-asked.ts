/** What the signing commands ask, and what they get: who signs, and who vouches for it. */
import type { Signer } from '../../clients/signers/index.ts';
import type { Endorser } from '../../sdk/index.ts';
import type { FlagValues } from './flag.ts';
import type { KeyAsked } from './key-options.ts';
import type { signingFlags } from './table/signing-flags.ts';

export type SigningValues = FlagValues<typeof signingFlags> & {
  readonly key: readonly string[];
  readonly 'password-file': string | undefined;
  readonly verbose?: boolean;
};

export type EndorsementAsked = KeyAsked & { readonly flags: SigningValues; readonly given: ReadonlySet<string> };

export interface Endorsement {
  readonly signer: Signer;
  readonly companions: readonly Signer[];
  readonly endorser?: Endorser;
  /** Of a signer without a key of its own: who it is. */
  readonly identity?: { readonly name: string; readonly issuer: string };
}
