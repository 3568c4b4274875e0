/**
 * What the entries of a layout folder's index.json stand for: artifacts, or what belongs to one of them. The image-spec
 * says nothing about it, so this reads what other programs have made a habit of.
 */
import { type AttachmentKind, type Digest, formatDigest } from '../../core/artifact/index.ts';
import type { LayoutEntry } from './layout-folder.ts';
import type { FetchedManifest } from './registry.ts';

/** `cosign save` writes one image into a folder, and says with this annotation what each entry is. */
const KIND = 'kind';
const COSIGN_IMAGES = ['dev.cosignproject.cosign/image', 'dev.cosignproject.cosign/imageIndex'];
const COSIGN_ATTACHMENTS: Readonly<Record<AttachmentKind, string>> = {
  sig: 'dev.cosignproject.cosign/sigs',
  att: 'dev.cosignproject.cosign/atts',
  sbom: 'dev.cosignproject.cosign/sboms',
};
const ATTACHMENT_TAG = /^sha(?:256|384|512)-[0-9a-f]+(?:\.(?:sig|att|sbom))?$/;

/** The entries that may be meant by a reference that names none: not what is attached to others, and no part of an index that is listed too. */
export async function artifactsAmong(
  entries: readonly LayoutEntry[],
  read: (digest: Digest) => Promise<FetchedManifest | undefined>,
): Promise<readonly LayoutEntry[]> {
  const candidates = entries.filter((entry) => !ATTACHMENT_TAG.test(entry.refName ?? '') && !Object.values(COSIGN_ATTACHMENTS).includes(kindOf(entry)));
  if (candidates.length < 2) return candidates;
  const artifacts = new Map<string, LayoutEntry>();
  const parts = new Set<string>();
  for (const entry of candidates) {
    const manifest = (await read(entry.descriptor.digest))?.manifest;
    if (manifest?.kind === 'index') for (const child of manifest.manifests) parts.add(formatDigest(child.digest));
    // The same under a second tag is no second artifact.
    if (manifest?.subject === undefined) artifacts.set(formatDigest(entry.descriptor.digest), entry);
  }
  return [...artifacts].filter(([digest, { refName }]) => refName !== undefined || !parts.has(digest)).map(([, entry]) => entry);
}

/** Whether `cosign save` wrote the folder for this image. It lists no bundles there, but stores them among the blobs. */
export function wasSavedByCosign(entries: readonly LayoutEntry[], digest: Digest): boolean {
  return entries.some((entry) => COSIGN_IMAGES.includes(kindOf(entry)) && formatDigest(entry.descriptor.digest) === formatDigest(digest));
}

/** Its signatures or attestations of the first generation, which stand there under no tag. */
export function savedAttachment(entries: readonly LayoutEntry[], digest: Digest, kind: AttachmentKind): Digest | undefined {
  if (!wasSavedByCosign(entries, digest)) return undefined;
  return entries.find((entry) => kindOf(entry) === COSIGN_ATTACHMENTS[kind])?.descriptor.digest;
}

function kindOf({ descriptor }: LayoutEntry): string {
  return descriptor.annotations?.[KIND] ?? '';
}
