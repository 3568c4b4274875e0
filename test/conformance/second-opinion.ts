/** The answer of Sigstore's own JavaScript client to the same question. */
import { createPublicKey } from 'node:crypto';
import { bundleFromJSON, type SerializedBundle, ValidationError } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { PolicyError, toSignedEntity, toTrustMaterial, type VerificationPolicy, VerificationError, Verifier } from '@sigstore/verify';

export interface SecondQuestion {
  readonly bundle: Uint8Array;
  readonly trustedRoot: Uint8Array;
  readonly artifact: Uint8Array;
  readonly key?: string;
  readonly identity?: string;
  readonly issuer?: string;
}

/** `accepted`, or the code of its error; what is none of its errors is named by its class. */
export function secondOpinion({ bundle, trustedRoot, artifact, key, identity = '', issuer = '' }: SecondQuestion): string {
  const decoder = new TextDecoder();
  try {
    const root = TrustedRoot.fromJSON(JSON.parse(decoder.decode(trustedRoot)));
    const entity = toSignedEntity(bundleFromJSON(JSON.parse(decoder.decode(bundle)) as SerializedBundle), Buffer.from(artifact));
    const material = toTrustMaterial(root, () => {
      if (key === undefined) throw new VerificationError({ code: 'PUBLIC_KEY_ERROR', message: 'no key was given' });
      return { publicKey: createPublicKey(key), validFor: () => true };
    });
    // It takes the identity for a pattern that is not anchored.
    const policy: VerificationPolicy = { subjectAlternativeName: `^${identity.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`, extensions: { issuer } };
    new Verifier(material).verify(entity, key === undefined ? policy : undefined);
    return 'accepted';
  } catch (error) {
    if (error instanceof VerificationError || error instanceof PolicyError) return error.code;
    if (error instanceof ValidationError) return 'INVALID_BUNDLE';
    return (error as Error).constructor.name;
  }
}
