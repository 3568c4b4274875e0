/** The images that something is held about, by the names under which they would be asked for. */
import type { EvidenceStore } from '../../../clients/evidence/index.ts';

/**
 * `REPOSITORY:TAG@DIGEST` for each tag that stood for the image when it was asked, else `REPOSITORY@DIGEST`; in the order of
 * their names. A policy may be about a tag, so that one image can have several answers.
 */
export function heldImages(store: EvidenceStore): string[] {
  const tags = new Map<string, string[]>();
  for (const { key, body } of store.records('tags')) {
    const at = key.lastIndexOf(':');
    if (typeof body['digest'] !== 'string' || at < 0) continue;
    const image = `${key.slice(0, at)}@${body['digest']}`;
    tags.set(image, [...(tags.get(image) ?? []), key.slice(at + 1)]);
  }
  return store
    .records('answers')
    .flatMap(({ key: image }) => {
      const at = image.lastIndexOf('@');
      const names = tags.get(image) ?? [];
      return names.length === 0 ? [image] : names.map((tag) => `${image.slice(0, at)}:${tag}${image.slice(at)}`);
    })
    .sort();
}
