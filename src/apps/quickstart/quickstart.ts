/** The demonstration: what a user would type, typed, with the answer that each step must give. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RegistryClient } from '../../clients/registry/index.ts';
import { formatDigest, type RepositoryName } from '../../core/artifact/index.ts';
import { BUNDLE_MEDIA_TYPE } from '../../core/bundle/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { type BuiltArtifact, buildImage, buildReferrer, MemoryRegistry, pushArtifact } from '../../testing/index.ts';
import type { Invocation } from '../cli/index.ts';
import { playInCluster } from './cluster-act.ts';
import { Stage } from './stage.ts';

export async function run(invocation: Invocation): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-quickstart-'));
  const registry = await MemoryRegistry.start();
  try {
    return await play(new Stage(invocation, folder), registry, folder);
  } finally {
    await registry.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function play(stage: Stage, registry: MemoryRegistry, folder: string): Promise<number> {
  const client = new RegistryClient();
  const home: RepositoryName = { registry: registry.host, repository: 'demo/app' };
  const image = `${registry.host}/demo/app`;
  const verify = ['verify', '--key', 'cosign.pub', '--insecure-ignore-tlog'];

  stage.title('Sealward in ten steps and six attacks. All of it happens on this machine, and nothing stays behind.');
  const good = buildImage({ 'app/hello.txt': 'Hello, production.\n' });
  await pushArtifact(client, home, good, 'v1');
  stage.step('A registry comes up, and a small image is pushed to it', `${image}:v1 is ${formatDigest(good.descriptor.digest)}`);
  await stage.command('A key pair is made', ['generate-key-pair'], { exit: 0 });
  await stage.command('Before it is signed, nothing can be said for the image', [...verify, `${image}:v1`], { exit: 10, code: 'NO_SIGNATURE' });
  await stage.command('It is signed: one digest, one signature, attached where cosign 3 looks for it', ['sign', '--key', 'cosign.key', `${image}:v1`], {
    exit: 0,
  });
  await stage.command('It verifies', [...verify, `${image}:v1`], { exit: 0, code: 'VERIFIED' });
  await stage.command(
    'Who signed it is part of the answer',
    ['verify', '--explain', '--key', 'cosign.pub', '--insecure-ignore-tlog', `${image}@${formatDigest(good.descriptor.digest)}`],
    { exit: 0 },
  );

  const evil = buildImage({ 'app/hello.txt': 'Hello, intruder.\n' });
  await pushArtifact(client, home, evil, 'v1');
  stage.attack('The tag is moved to another image, which nobody signed');
  await stage.command(undefined, [...verify, `${image}:v1`], { exit: 10, code: 'NO_SIGNATURE' });

  await pushArtifact(client, home, good, 'v1');
  flipOneByte(registry, good);
  stage.attack('One byte of the signed image is changed in the storage of the registry');
  await stage.command(undefined, [...verify, '--check-content', `${image}:v1`], { exit: 1, code: 'ERR_DIGEST_MISMATCH' });
  registry.clearFaults();

  await attachForeignSignature(client, home, good, evil);
  stage.attack('The signature of the good image is attached to the bad one');
  await stage.command(undefined, [...verify, `${image}@${formatDigest(evil.descriptor.digest)}`], { exit: 1, code: 'DIGEST_MISMATCH' });

  registry.fault({ path: /\/(referrers|manifests)\//, status: 429, headers: { 'retry-after': '3600' } });
  stage.attack('The registry is made to refuse all questions: "could not find out" is not "unsigned"');
  await stage.command(undefined, [...verify, `${image}:v1`], { exit: 4, code: 'ERR_REGISTRY_THROTTLED' });
  registry.clearFaults();

  await playInCluster({ stage, folder, registry, image, good: formatDigest(good.descriptor.digest), evil: formatDigest(evil.descriptor.digest) });
  return stage.end();
}

/** A registry that serves other bytes under the digest of the layer, as broken or hostile storage would. */
function flipOneByte(registry: MemoryRegistry, { blobs }: BuiltArtifact): void {
  const layer = blobs.at(-1);
  if (!layer) throw new SealwardError('ERR_INVARIANT', 'the demonstration image has no layer');
  registry.fault({
    method: 'GET',
    path: `/blobs/${formatDigest(layer.digest)}`,
    body: (real) => real.with(real.length - 1, (real.at(-1) as number) ^ 1),
  });
}

/** Copies the bundle of one image into a referrer of another: every part of it is genuine, it is only about something else. */
async function attachForeignSignature(client: RegistryClient, home: RepositoryName, from: BuiltArtifact, to: BuiltArtifact): Promise<void> {
  const { api } = await client.referrers(home, from.descriptor.digest);
  const [signature] = api.state === 'complete' ? api.value : [];
  const manifest = signature && (await client.manifest(home, signature.digest));
  if (manifest?.state !== 'complete' || manifest.value.manifest.kind !== 'manifest')
    throw new SealwardError('ERR_INVARIANT', 'the demonstration signature is gone');
  const [layer] = manifest.value.manifest.layers;
  const bundle = layer && (await client.blob(home, layer, { maxBytes: layer.size }));
  if (bundle?.state !== 'complete') throw new SealwardError('ERR_INVARIANT', 'the demonstration bundle is gone');
  await pushArtifact(client, home, buildReferrer({ artifactType: BUNDLE_MEDIA_TYPE, subject: to.descriptor, payload: bundle.value }));
}
