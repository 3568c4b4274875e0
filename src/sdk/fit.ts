/**
 * Which of many attached things to read first. A listing's labels are written by whoever attached the thing, so they
 * only order the reading; nothing is left out because of them, unless there is more than may be read.
 */
import type { Descriptor } from '../core/artifact/index.ts';
import { COSIGN_SIGN_PREDICATE, type DocumentSource } from '../core/bundle/index.ts';
import { parseCertificatesPem } from '../core/crypto/index.ts';
import { SealwardError } from '../core/errors.ts';
import type { FlagRequirement } from '../core/verify/index.ts';

export type Wanted = Pick<FlagRequirement, 'role' | 'signer' | 'predicateTypes'>;

const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle';
const PREDICATE_ANNOTATION = 'dev.sigstore.bundle.predicateType';
const CERTIFICATE_ANNOTATION = 'dev.sigstore.cosign/certificate';
/** What cosign and older writers leave behind where the type of a signature should stand. */
const UNTYPED = ['', 'application/vnd.oci.empty.v1+json', 'application/vnd.oci.image.config.v1+json', 'application/vnd.dev.cosign.artifact.sig.v1+json'];

/** Lower is better. */
export function fitOfReferrer(descriptor: Descriptor, wanted: Wanted): number {
  const type = descriptor.artifactType ?? '';
  const predicate = descriptor.annotations?.[PREDICATE_ANNOTATION];
  if (type.startsWith(BUNDLE_TYPE)) return predicate === undefined ? 1 : predicateFits(predicate, wanted) ? 0 : 3;
  return UNTYPED.includes(type) ? 2 : 4;
}

function predicateFits(predicate: string, { role, predicateTypes }: Wanted): boolean {
  if (role === 'any') return true;
  if (role === 'signature') return predicate === COSIGN_SIGN_PREDICATE;
  return predicate !== COSIGN_SIGN_PREDICATE && (predicateTypes?.includes(predicate) ?? true);
}

/** The first generation keeps the certificate beside the signature, so the signer's name can be compared before anything is fetched. */
export function fitOfLayer({ annotations }: DocumentSource, { signer }: Wanted): number {
  const pem = annotations[CERTIFICATE_ANNOTATION];
  if (signer.kind === 'key') return pem ? 1 : 0;
  if (!pem) return 2;
  if (!signer.identity) return 0;
  try {
    const names = parseCertificatesPem(pem, 'the certificate annotation')[0]?.subjectAlternativeNames ?? [];
    return names.some(({ value }) => signer.identity?.matches(value)) ? 0 : 1;
  } catch (error) {
    if (error instanceof SealwardError) return 3;
    throw error;
  }
}
