/**
 * The narrow waist: every format that carries a signature becomes this one shape, and nothing behind it knows which
 * format it was. Everything in it comes from whoever wrote the evidence; nothing in it is verified.
 */
import type { Certificate, HashName } from '../crypto/index.ts';
import type { JsonObject } from '../encoding/index.ts';
import type { EntryClaim, TransparencyLogEntry } from '../tlog/index.ts';
import type { Statement } from './statement.ts';

export type EntityFormat = 'bundle-v0.1' | 'bundle-v0.2' | 'bundle-v0.3' | 'simple-signing' | 'dsse' | 'blob-bundle' | 'detached';

/** What the signature was made over. */
export type SignedMessage =
  /** The artifact itself, which the evidence does not hold; `stated` is the digest that the signer wrote beside it. */
  | { readonly kind: 'artifact'; readonly stated?: { readonly hash: HashName; readonly digest: Uint8Array } }
  /** Bytes that the evidence holds: a simple-signing payload, or the pre-authentication encoding of an envelope. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/** What the signer says, once the signature is believed. */
export type Claim =
  | { readonly kind: 'artifact' }
  | { readonly kind: 'simple-signing'; readonly digest: string; readonly reference: string; readonly optional: JsonObject }
  | { readonly kind: 'statement'; readonly statement: Statement }
  | { readonly kind: 'unknown'; readonly payloadType: string };

export interface EntityLogEntry {
  readonly entry: TransparencyLogEntry;
  /** What the entry's own body says that it is about. */
  readonly claim: EntryClaim;
}

export interface SignedEntity {
  readonly format: EntityFormat;
  readonly message: SignedMessage;
  readonly claim: Claim;
  readonly signature: Uint8Array;
  /** The envelope that the signature is part of, where there is one. */
  readonly envelope?: { readonly payloadType: string; readonly payload: Uint8Array; readonly raw?: Uint8Array };
  /** The signer's certificate and what was sent along to chain it; absent for signatures made with a bare key. */
  readonly certificate?: { readonly leaf: Certificate; readonly intermediates: readonly Certificate[] };
  /** Names the key for whoever has it; nothing authenticates it. */
  readonly keyHint?: string;
  readonly logEntries: readonly EntityLogEntry[];
  /** RFC 3161 tokens, as they came. */
  readonly timestamps: readonly Uint8Array[];
  /** What the timestamps are over: the signature, or for cosign's first attestations the whole envelope. */
  readonly timestamped: Uint8Array;
  /** Whether a log entry must come with its inclusion proof (bundle v0.2 and later), or a promise is enough. */
  readonly proofRequired: boolean;
}

/** The predicate of cosign's third generation for "this image is signed", which is no attestation of anything else. */
export const COSIGN_SIGN_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';

/** Whether the entity is a signature of an artifact itself, or an attestation about it. */
export function entityRole(entity: SignedEntity): 'signature' | 'attestation' {
  return entity.claim.kind === 'statement' && entity.claim.statement.predicateType !== COSIGN_SIGN_PREDICATE
    ? 'attestation'
    : entity.claim.kind === 'unknown'
      ? 'attestation'
      : 'signature';
}
