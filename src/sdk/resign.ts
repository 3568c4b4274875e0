/**
 * Brings an image from one generation of signatures to the other without new trust: only what the same key has signed
 * already, and still verifies, is written in the form that is missing.
 */
import { entityRole } from '../core/bundle/index.ts';
import { formatRepository } from '../core/artifact/index.ts';
import { canonicalJson } from '../core/encoding/index.ts';
import { SealwardError } from '../core/errors.ts';
import { keyAnchor, NO_ANCHORS } from '../core/trust/index.ts';
import type { FlagCandidate, FlagRequirement } from '../core/verify/index.ts';
import type { Published } from './publish.ts';
import {
  type Annotations,
  asBundle,
  asEnvelope,
  imageStatement,
  keyMaterial,
  type Sealed,
  type SealedStatement,
  sealSimpleSigning,
  sealStatement,
} from './seal.ts';
import { callOf, describeImage, mustStand, publishAll, type PublishOptions } from './sign.ts';
import { verifyImage } from './verify.ts';

export interface ResignedImage {
  readonly digest: string;
  /** Signatures and attestations by the key that were there. */
  readonly found: number;
  readonly written: readonly (Sealed & { readonly published?: Published })[];
}

/** Throws ERR_NOTHING_TO_RESIGN when the key has signed nothing that still verifies: then signing would be new trust. */
export async function resignImage(options: PublishOptions): Promise<ResignedImage> {
  const { registry, reference, signer, format = 'both' } = options;
  const image = options.image ?? (await describeImage(registry, reference, callOf(options)));
  const pinned = { ...options, reference: { ...reference, digest: image.digest } };
  const [signatures, attestations] = [await signedByKey(pinned, 'signature'), await signedByKey(pinned, 'attestation')];
  if (signatures.length + attestations.length === 0) {
    throw new SealwardError('ERR_NOTHING_TO_RESIGN', `${formatRepository(reference)} has no signature by this key that verifies`);
  }
  const sealed: Sealed[] = [];
  for (const annotations of missingSignatures(signatures, format)) {
    if (annotations.bundle)
      sealed.push(
        asBundle(await sealStatement(signer, imageStatement(image.digest, annotations.bundle), { digests: { [image.digest.algorithm]: image.digest.hex } })),
      );
    if (annotations.legacy) sealed.push(await sealSimpleSigning(signer, formatRepository(reference), image.digest, annotations.legacy));
  }
  for (const statement of missingAttestations(attestations, format, signer)) sealed.push(statement);
  if (sealed.length > 0) await mustStand(options, image);
  const { signatures: written } = await publishAll(options, image, sealed);
  return { digest: `${image.digest.algorithm}:${image.digest.hex}`, found: signatures.length + attestations.length, written };
}

async function signedByKey(options: PublishOptions, role: 'signature' | 'attestation'): Promise<readonly FlagCandidate[]> {
  const requirement: FlagRequirement = { role, signer: { kind: 'key' }, logs: 0, timestamps: 0, certificateLog: false, undated: 'refuse' };
  const { decision } = await verifyImage({
    ...callOf(options),
    registry: options.registry,
    reference: options.reference,
    anchors: { ...NO_ANCHORS, keys: [keyAnchor(options.signer.publicKey())] },
    requirement,
    exhaustive: true,
    ...(options.signatureRepository ? { signatureRepository: options.signatureRepository } : {}),
  });
  // A place that did not answer may hold the very form that would be written a second time.
  const silent = decision.places.find(({ state }) => state === 'unavailable');
  if (silent?.cause) throw silent.cause;
  return decision.candidates.filter(({ counts }) => counts);
}

/** Signatures that say the same (their annotations) in one form only; signed anew, because the two forms sign other bytes. */
function missingSignatures(candidates: readonly FlagCandidate[], format: 'bundle' | 'legacy' | 'both'): { bundle?: Annotations; legacy?: Annotations }[] {
  const said = Map.groupBy(candidates, ({ facts }) => canonicalJson({ ...annotationsOf(facts) }));
  return [...said.values()].map((same) => {
    const annotations = annotationsOf((same[0] as FlagCandidate).facts);
    const has = (legacy: boolean): boolean => same.some(({ facts }) => (facts.entity.format === 'simple-signing') === legacy);
    return { ...(format !== 'legacy' && !has(false) ? { bundle: annotations } : {}), ...(format !== 'bundle' && !has(true) ? { legacy: annotations } : {}) };
  });
}

/** cosign adds creator and timestamp to the first form; what was signed on purpose are strings. */
function annotationsOf({ annotations }: FlagCandidate['facts']): Annotations {
  return Object.fromEntries(Object.entries(annotations).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[0] !== 'creator'));
}

/** An attestation is one envelope in both forms: it is carried over as it is, with the signature that it has. */
function missingAttestations(candidates: readonly FlagCandidate[], format: 'bundle' | 'legacy' | 'both', signer: PublishOptions['signer']): Sealed[] {
  const same = Map.groupBy(candidates, ({ facts: { entity } }) => Buffer.from(entity.signature).toString('base64'));
  return [...same.values()].flatMap((forms) => {
    const { entity } = (forms[0] as FlagCandidate).facts;
    if (!entity.envelope || entity.claim.kind !== 'statement' || entityRole(entity) !== 'attestation') return [];
    const statement: SealedStatement = {
      predicateType: entity.claim.statement.predicateType,
      payload: entity.envelope.payload,
      signature: entity.signature,
      material: keyMaterial(signer),
    };
    const has = (legacy: boolean): boolean => forms.some(({ facts }) => (facts.entity.format === 'dsse') === legacy);
    return [...(format !== 'legacy' && !has(false) ? [asBundle(statement)] : []), ...(format !== 'bundle' && !has(true) ? [asEnvelope(statement)] : [])];
  });
}
