/** Attesting: signed statements about an image or a file. */
import type { Signer } from '../clients/signers/index.ts';
import { type Descriptor, formatRepository } from '../core/artifact/index.ts';
import type { JsonValue } from '../core/encoding/index.ts';
import type { Subject } from '../core/verify/index.ts';
import type { Published } from './publish.ts';
import { asBundle, asEnvelope, attestationStatement, firstGeneration, type Sealed, sealBlob, sealStatement } from './seal.ts';
import { callOf, describeOnce, publishAll, type PublishOptions } from './sign.ts';

export interface AttestImageOptions extends PublishOptions {
  /** A URI. */
  readonly predicateType: string;
  readonly predicate: JsonValue;
}

export interface AttestedImage {
  readonly image: Descriptor;
  readonly signatures: readonly (Sealed & { readonly published?: Published })[];
}

/** Signs one statement about what the reference stands for now; both forms carry the same signature. */
export async function attestImage(options: AttestImageOptions): Promise<AttestedImage> {
  const { registry, reference, signer, predicateType, predicate, format = 'bundle' } = options;
  const image = await describeOnce(registry, reference, callOf(options));
  const digests = { [image.digest.algorithm]: image.digest.hex };
  const statement = attestationStatement(formatRepository(reference), digests, predicateType, predicate);
  const newer = format === 'legacy' ? undefined : await sealStatement(signer, statement, { digests });
  const older = firstGeneration(signer);
  // One signature serves both, unless the older form needs another hash.
  const envelope = format === 'bundle' ? undefined : newer && older === signer ? newer : await sealStatement(older, statement, { digests });
  return publishAll(options, image, [...(newer ? [asBundle(newer)] : []), ...(envelope ? [asEnvelope(envelope)] : [])]);
}

/** Signs a file; the answer is a Sigstore bundle. */
export async function signBlob(signer: Signer, bytes: Uint8Array, digests: Subject['digests']): Promise<Uint8Array> {
  return (await sealBlob(signer, bytes, { bytes, digests })).bytes;
}

export interface AttestBlobOptions {
  readonly signer: Signer;
  /** The file's name as it shall stand in the statement. */
  readonly name: string;
  readonly digests: Subject['digests'];
  readonly predicateType: string;
  readonly predicate: JsonValue;
}

/** Signs a statement about a file; the answer is a Sigstore bundle. */
export async function attestBlob({ signer, name, digests, predicateType, predicate }: AttestBlobOptions): Promise<Uint8Array> {
  return asBundle(await sealStatement(signer, attestationStatement(name, digests, predicateType, predicate), { digests })).bytes;
}
