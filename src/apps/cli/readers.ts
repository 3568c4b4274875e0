/** Which released verifiers look where a signature lies, and read its form. Whether they believe it is another question. */
import { entityRole, type SignedEntity } from '../../core/bundle/index.ts';

const ALL = 'cosign 1 to 3';

/** @param tagged whether it lies under a tag of the first generation; else it is a referrer. */
export function readersOf(entity: SignedEntity, tagged: boolean): readonly string[] {
  if (entity.format.startsWith('bundle')) return tagged ? ['sealward'] : ['cosign 3', 'sealward'];
  // cosign 2 writes and reads the first form as a referrer only when it is told to (COSIGN_EXPERIMENTAL, --experimental-oci11).
  if (!tagged) return ['cosign 2 (experimental)', 'sealward'];
  return entityRole(entity) === 'attestation' ? [ALL, 'sealward'] : [ALL, 'skopeo, podman and CRI-O', 'sealward'];
}
