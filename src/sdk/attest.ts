/** Attesting: signed statements about an image or a file. */
import type { Signer } from '../clients/signers/index.ts';
import { type Descriptor, formatRepository } from '../core/artifact/index.ts';
import { hash } from '../core/crypto/index.ts';
import { encodeHex, type JsonValue } from '../core/encoding/index.ts';
import type { Subject } from '../core/verify/index.ts';
import type { Endorser } from './endorse.ts';
import type { Published } from './publish.ts';
import { asBundle, asEnvelope, attestationStatement, firstGeneration, type Sealed, sealBlob, sealStatement } from './seal.ts';
import { callOf, checkEndorser, describeImage, mustStand, publishAll, type PublishOptions } from './sign.ts';

export interface AttestImageOptions extends PublishOptions {
  /** A URI; `predicateTypeOf` knows the short names of cosign. */
  readonly predicateType: string;
  /** What is stated, in the shape of its type; it is signed as it is. */
  readonly predicate: JsonValue;
}

export interface AttestedImage {
  /** What the statement is about: a tag is resolved once. */
  readonly image: Descriptor;
  readonly signatures: readonly (Sealed & { readonly published?: Published })[];
}

/** Signs one statement about what the reference stands for now; both forms carry the same signature. */
export async function attestImage(options: AttestImageOptions): Promise<AttestedImage> {
  checkEndorser(options);
  const { registry, reference, signer, predicateType, predicate, endorser, format = 'bundle' } = options;
  const image = options.image ?? (await describeImage(registry, reference, callOf(options)));
  const digests = { [image.digest.algorithm]: image.digest.hex };
  const statement = attestationStatement(formatRepository(reference), digests, predicateType, predicate);
  const newer = format === 'legacy' ? undefined : await sealStatement(signer, statement, { digests }, endorser);
  const older = firstGeneration(signer);
  // One signature serves both, unless the older form needs another hash.
  const envelope = format === 'bundle' ? undefined : newer && older === signer ? newer : await sealStatement(older, statement, { digests });
  await mustStand(options, image);
  return publishAll(options, image, [...(newer ? [asBundle(newer)] : []), ...(envelope ? [asEnvelope(envelope)] : [])]);
}

/** A file as `signBlob`, `attestBlob` and `verifyBlob` are told of it, with the digests that signatures may name. */
export function subjectOf(bytes: Uint8Array): Subject & { readonly bytes: Uint8Array } {
  const digests = { sha256: encodeHex(hash('sha256', bytes)), sha384: encodeHex(hash('sha384', bytes)), sha512: encodeHex(hash('sha512', bytes)) };
  return { bytes, digests };
}

/**
 * Signs a file; the answer is a Sigstore bundle.
 * @param digests of the same bytes, as `subjectOf(bytes)` gives them.
 */
export async function signBlob(
  signer: Signer,
  bytes: Uint8Array,
  digests: Subject['digests'] = subjectOf(bytes).digests,
  endorser?: Endorser,
): Promise<Uint8Array> {
  return (await sealBlob(signer, bytes, { bytes, digests }, endorser)).bytes;
}

export interface AttestBlobOptions {
  /** Who signs. */
  readonly signer: Signer;
  /** Who vouches for the signature besides the key. */
  readonly endorser?: Endorser;
  /** The file's name as it shall stand in the statement. */
  readonly name: string;
  /** Of the file, as `subjectOf(bytes)` gives them; at least SHA-256. */
  readonly digests: Subject['digests'];
  /** A URI. */
  readonly predicateType: string;
  /** What is stated, in the shape of its type; it is signed as it is. */
  readonly predicate: JsonValue;
}

/** Signs a statement about a file; the answer is a Sigstore bundle. */
export async function attestBlob({ signer, name, digests, predicateType, predicate, endorser }: AttestBlobOptions): Promise<Uint8Array> {
  return asBundle(await sealStatement(signer, attestationStatement(name, digests, predicateType, predicate), { digests }, endorser)).bytes;
}
