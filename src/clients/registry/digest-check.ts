/** Holds a body against the digest it was asked for, while it arrives. */
import { createHash } from 'node:crypto';
import { type Digest, formatDigest } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { BodyCheck } from '../http/index.ts';

export function digestMismatch(place: string, wanted: Digest, found: string): SealwardError {
  return new SealwardError('ERR_DIGEST_MISMATCH', `${place}: asked for ${formatDigest(wanted)}, and the answer has ${found}`);
}

/**
 * Throws ERR_DIGEST_MISMATCH from `finish`, or from `update` as soon as there are more bytes than the descriptor says.
 * What a header claims about the digest is never looked at (CVE-2023-33959, CVE-2026-85747).
 */
export function digestCheck(place: string, digest: Digest, size?: number): BodyCheck {
  const state = createHash(digest.algorithm);
  let bytes = 0;
  return {
    update(chunk) {
      bytes += chunk.length;
      if (size !== undefined && bytes > size) throw digestMismatch(place, digest, `more than the ${size} bytes it should have`);
      state.update(chunk);
    },
    finish() {
      const hex = state.digest('hex');
      if (hex !== digest.hex) throw digestMismatch(place, digest, `${digest.algorithm}:${hex}`);
      if (size !== undefined && bytes !== size) throw digestMismatch(place, digest, `${bytes} bytes where the descriptor says ${size}`);
    },
  };
}
