/** Pins what was judged: a JSON Patch (RFC 6902) that writes the digest behind each tag, and says nothing of what has one. */
import type { NamedImage } from './images.ts';

export interface PinOperation {
  readonly op: 'test' | 'replace';
  /** A JSON Pointer (RFC 6901). */
  readonly path: string;
  readonly value: string;
}

/**
 * @param digests `sha256:…` by the image as it is written in the object; an image without one stays as it is, for /validate to refuse.
 * @returns nothing where all are pinned: then the answer carries neither patch nor patchType.
 * @public
 */
export function pinImages(images: readonly NamedImage[], digests: ReadonlyMap<string, string>): readonly PinOperation[] {
  return images.flatMap(({ path, image }) => {
    const digest = digests.get(image);
    if (digest === undefined || image.includes('@')) return [];
    const pointer = `/${path.replaceAll(/\[(\d+)\]/g, '.$1').replaceAll('.', '/')}`;
    // The test makes a patch that meets another object fail as a whole, rather than pin the wrong container.
    return [
      { op: 'test', path: pointer, value: image },
      { op: 'replace', path: pointer, value: `${image}@${digest}` },
    ] as const;
  });
}
