/** Where stories of clusters begin: a registry with a signed image and an unsigned one, and published trust that demands the signature. */
import assert from 'node:assert/strict';
import type { CliResult } from '../cli.ts';
import { pushImage, startMemoryRegistry, type StoryRegistry } from './registries.ts';
import type { Workshop } from './workshop.ts';

export interface TrustedShop {
  readonly registry: StoryRegistry;
  readonly images: Readonly<Record<'signed' | 'unsigned', Awaited<ReturnType<typeof pushImage>>>>;
  /** `sealward ARGS`, which must succeed. */
  must(args: readonly string[]): Promise<CliResult>;
  /** `sealward trust ARGS` by the one person who signs for everything; the key of the image is `release/1`. */
  trust(...args: string[]): Promise<CliResult>;
}

/** The trust is in `published` of the workshop, as `sealward trust publish` wrote it. */
export async function openTrustedShop(workshop: Workshop): Promise<TrustedShop> {
  const must = async (args: readonly string[]): Promise<CliResult> => {
    const result = await workshop.sealward(args);
    assert.equal(result.code, 0, `${args.join(' ')}\n${result.stdout}${result.stderr}`);
    return result;
  };
  const registry = await startMemoryRegistry();
  const [alice, maria] = [await workshop.keys('ed25519'), await workshop.keys()];
  const trust = (...args: string[]): Promise<CliResult> => must(['trust', ...args, '--folder', workshop.path('work'), '--key', alice.key]);
  const images = { signed: await pushImage(registry.host, 'shop/signed'), unsigned: await pushImage(registry.host, 'shop/unsigned') };
  await must(['sign', '--key', maria.key, images.signed.byDigest]);
  await trust('init', '--signer', `alice=${alice.pub}`);
  await trust('key', 'add', 'release', '--public-key', maria.pub, '--from', new Date(Date.now() - 86_400_000).toISOString());
  const policy = `apiVersion: sealward.dev/v1alpha1
kind: ImagePolicy
metadata: { name: shop }
spec:
  match: { images: ["${registry.host}/shop/**"] }
  authorities: [{ name: release, key: { trustKey: release } }]
  signatures: release
`;
  await trust('policy', 'add', workshop.file('shop.yaml', policy));
  await trust('publish', workshop.path('published'));
  return { registry, images, must, trust };
}
