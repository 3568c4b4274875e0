/** Lays into a registry what other programs would have: bundles as referrers, layers of the first generation under their tags. */
import assert from 'node:assert/strict';
import { attachmentTag, digestOf, formatDigest, MEDIA_TYPES } from '../../src/core/artifact/index.ts';
import { type JsonObject, utf8 } from '../../src/core/encoding/index.ts';
import { buildReferrer, type TestDocument } from '../../src/testing/index.ts';
import { plainClient, type PushedImage } from './registries.ts';

export const SIGN_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';

const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

/** As cosign 3 attaches a bundle; what it is about is not compared with what it is attached to. */
export async function attachBundle(image: PushedImage, bundle: JsonObject, predicateType: string = SIGN_PREDICATE): Promise<void> {
  const annotations = { 'dev.sigstore.bundle.content': 'dsse-envelope', 'dev.sigstore.bundle.predicateType': predicateType };
  const { manifest, blobs } = buildReferrer({ artifactType: BUNDLE_TYPE, subject: image.descriptor, payload: utf8(JSON.stringify(bundle)), annotations });
  await plainClient().attach(image.reference, { manifest, blobs });
}

/** As cosign 2 stores signatures and attestations: layers of one manifest under a tag made from the digest. */
export async function attachLayers(image: PushedImage, kind: 'sig' | 'att', documents: readonly TestDocument[]): Promise<void> {
  const client = plainClient();
  const push = async (bytes: Uint8Array, mediaType: string): Promise<{ mediaType: string; digest: string; size: number }> => {
    const digest = digestOf(bytes);
    await client.pushBlob(image.reference, digest, bytes.length, bytes);
    return { mediaType, digest: formatDigest(digest), size: bytes.length };
  };
  const layers = [];
  for (const { bytes, source } of documents) {
    const mediaType = kind === 'sig' ? 'application/vnd.dev.cosign.simplesigning.v1+json' : 'application/vnd.dsse.envelope.v1+json';
    layers.push({ ...(await push(bytes, mediaType)), annotations: source.annotations });
  }
  const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) };
  const config = await push(utf8(JSON.stringify({ architecture: '', created: '0001-01-01T00:00:00Z', os: '', rootfs, config: {} })), MEDIA_TYPES.ociConfig);
  const tag = attachmentTag(image.descriptor.digest, kind);
  assert.ok(tag);
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config, layers };
  await client.pushManifest(image.reference, utf8(JSON.stringify(manifest)), { tag });
}
