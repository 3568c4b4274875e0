/** Content digests, image-spec descriptor.md "Digests". Nothing is used as a digest before it passed this grammar. */
import { hash } from '../crypto/index.ts';
import { encodeHex } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { quoted } from './quoted.ts';

export type DigestAlgorithm = 'sha256' | 'sha384' | 'sha512';

export interface Digest {
  readonly algorithm: DigestAlgorithm;
  /** Lower-case hexadecimal, of the length that the algorithm has. */
  readonly hex: string;
}

export const DIGEST_HEX_LENGTH: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha384: 96, sha512: 128 };

const LONGEST = 'sha512:'.length + DIGEST_HEX_LENGTH.sha512;
const GRAMMAR = /^(sha256|sha384|sha512):([0-9a-f]+)$/;

/** `sha256:<hex>` to a Digest, or undefined. The length is looked at first, so that no expression runs over megabytes. */
export function digestFrom(text: string): Digest | undefined {
  if (text.length > LONGEST) return undefined;
  const match = GRAMMAR.exec(text);
  const algorithm = match?.[1] as DigestAlgorithm | undefined;
  const hex = match?.[2];
  if (algorithm === undefined || hex === undefined || hex.length !== DIGEST_HEX_LENGTH[algorithm]) return undefined;
  return { algorithm, hex };
}

/** `sha256:<hex>` to a Digest; throws ERR_REFERENCE_INVALID. */
export function parseDigest(text: string): Digest {
  const digest = digestFrom(text);
  if (digest) return digest;
  throw new SealwardError('ERR_REFERENCE_INVALID', `${quoted(text)} is not a digest`, {
    hint: 'Write sha256:, sha384: or sha512: and the digest in lower-case hexadecimal.',
  });
}

/** The digest that the bytes have. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return { algorithm, hex: encodeHex(hash(algorithm, bytes)) };
}

export function formatDigest(digest: Digest): string {
  return `${digest.algorithm}:${digest.hex}`;
}

export function sameDigest(a: Digest, b: Digest): boolean {
  return a.algorithm === b.algorithm && a.hex === b.hex;
}

export type AttachmentKind = 'sig' | 'att' | 'sbom';

/** distribution-spec "Referrers Tag Schema": algorithm and hex joined by a dash, the hex cut to 64 characters. */
export function referrersTag(digest: Digest): string {
  return `${digest.algorithm}-${digest.hex.slice(0, 64)}`;
}

/**
 * The tag where cosign and skopeo keep signatures, attestations and SBOMs. Undefined for SHA-512: such a tag would be
 * longer than the 128 characters that a tag may have, so no registry can hold it.
 */
export function attachmentTag(digest: Digest, kind: AttachmentKind): string | undefined {
  const tag = `${digest.algorithm}-${digest.hex}.${kind}`;
  return tag.length <= 128 ? tag : undefined;
}
