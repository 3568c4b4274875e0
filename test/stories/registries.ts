/**
 * The three registries of the stories, each a real one on a free port of 127.0.0.1: ours in memory, which has the
 * referrers API, and two of other projects that have none, so that everybody takes the fallback tag there.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RegistryClient } from '../../src/clients/registry/index.ts';
import { HttpClient } from '../../src/clients/http/index.ts';
import { type Descriptor, formatDigest, parseReference, type Reference } from '../../src/core/artifact/index.ts';
import { type BuiltArtifact, buildImage, buildIndex, MemoryRegistry, pushArtifact } from '../../src/testing/index.ts';
import { type Peer, peerPath } from '../peers.ts';
import { startProgram } from './programs.ts';

export type RegistryName = 'MemoryRegistry' | 'docker-registry' | 'crane registry serve';

export interface StoryRegistry {
  readonly name: RegistryName;
  /** `127.0.0.1:PORT`, as it stands in a reference. */
  readonly host: string;
  readonly referrersApi: boolean;
  stop(): Promise<void>;
}

/** How to start one. */
export interface RegistryKind {
  readonly name: RegistryName;
  readonly referrersApi: boolean;
  /** The programs that it needs, for requirePeers. */
  readonly peers: readonly Peer[];
  readonly start: () => Promise<StoryRegistry>;
}

export const REGISTRIES: readonly RegistryKind[] = [
  { name: 'MemoryRegistry', referrersApi: true, peers: [], start: startMemoryRegistry },
  { name: 'docker-registry', referrersApi: false, peers: ['docker-registry'], start: startDockerRegistry },
  { name: 'crane registry serve', referrersApi: false, peers: ['crane'], start: startCraneRegistry },
];

export async function startMemoryRegistry(): Promise<StoryRegistry> {
  const registry = await MemoryRegistry.start();
  return { name: 'MemoryRegistry', host: registry.host, referrersApi: true, stop: () => registry.close() };
}

export async function startDockerRegistry(): Promise<StoryRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-docker-registry-'));
  const config = {
    version: 0.1,
    log: { level: 'info', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'storage') }, delete: { enabled: true } },
    http: { addr: '127.0.0.1:0', secret: 'of these tests' },
  };
  // JSON is YAML.
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(config));
  const program = await startProgram(peerPath('docker-registry'), ['serve', join(folder, 'config.yml')], /listening on (127\.0\.0\.1:\d+)/);
  return {
    name: 'docker-registry',
    host: program.announced[0] as string,
    referrersApi: false,
    async stop() {
      await program.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function startCraneRegistry(): Promise<StoryRegistry> {
  const program = await startProgram(peerPath('crane'), ['registry', 'serve', '--address', '127.0.0.1:0'], /serving on port (\d+)/);
  return { name: 'crane registry serve', host: `127.0.0.1:${program.announced[0]}`, referrersApi: false, stop: () => program.stop() };
}

/** Puts things into place; nobody else writes there at the time, so it need not wait for others. */
export function plainClient(): RegistryClient {
  return new RegistryClient({ http: new HttpClient({}), settleMs: 0 });
}

export interface PushedImage {
  /** `127.0.0.1:PORT/name:v1` */
  readonly tagged: string;
  /** `127.0.0.1:PORT/name@sha256:hex` */
  readonly byDigest: string;
  readonly digest: string;
  readonly descriptor: Descriptor;
  readonly reference: Reference;
}

/** Pushes an image under `HOST/name:v1`; what it holds differs with the name. */
export async function pushImage(host: string, name: string, built: BuiltArtifact = anImage(name), tag = 'v1'): Promise<PushedImage> {
  const tagged = `${host}/${name}:${tag}`;
  const reference = parseReference(tagged);
  const descriptor = await pushArtifact(plainClient(), reference, built, tag);
  const digest = formatDigest(descriptor.digest);
  return { tagged, byDigest: `${host}/${name}@${digest}`, digest, descriptor, reference };
}

export function anImage(name: string): BuiltArtifact {
  return buildImage({ 'etc/motd': `an image for the story of ${name}\n`, 'bin/true': '#!/bin/sh\n' });
}

export function aDockerImage(name: string): BuiltArtifact {
  return buildImage({ 'etc/motd': `an image of Docker for the story of ${name}\n` }, { form: 'docker' });
}

export function anIndex(name: string): BuiltArtifact {
  const image = (architecture: string): BuiltArtifact =>
    buildImage({ 'etc/motd': `an image for ${architecture} for the story of ${name}\n` }, { platform: { os: 'linux', architecture } });
  return buildIndex([image('amd64'), image('arm64')]);
}
