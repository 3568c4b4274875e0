/**
 * An agent that holds the evidence of ten thousand images: what that takes in memory, how long it takes to decide all of them
 * anew after a revocation, and how many answers it gives in a second. The agent runs in a process of its own.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { DISK } from '../src/clients/files/index.ts';
import { FolderStore } from '../src/clients/evidence/index.ts';
import type { Registry } from '../src/clients/registry/index.ts';
import { absent, complete, digestOf, MEDIA_TYPES, parseManifest, parseRepository, sameDigest } from '../src/core/artifact/index.ts';
import { BUNDLE_MEDIA_TYPE, COSIGN_SIGN_PREDICATE } from '../src/core/bundle/index.ts';
import { type JsonObject, utf8 } from '../src/core/encoding/index.ts';
import { bufferedStore } from '../src/sdk/agent/buffered-store.ts';
import { gatherAll } from '../src/sdk/evidence-of.ts';
import { heldRegistry } from '../src/sdk/index.ts';
import { type BuiltArtifact, buildReferrer, createTestSigstore, TEST_IDENTITY, TEST_NOW, type TestSigstore } from '../src/testing/index.ts';
import { membersOf } from '../test/agents.ts';
import { TrustRepository } from '../test/trust-repository.ts';
import type { Row } from './table.ts';

const IMAGES = 10_000;
const POLICY = `apiVersion: sealward.dev/v1alpha1
kind: ImagePolicy
metadata: { name: signed }
spec:
  match: { images: ["registry.test/**"] }
  authorities:
    - name: ci
      keyless:
        identities: [{ issuer: "${TEST_IDENTITY.issuer}", subject: "${TEST_IDENTITY.name}" }]
  signatures: ci
`;

interface Figures {
  readonly loadMs: number;
  readonly residentMiB: number;
  readonly againMs: number;
  readonly warmPerSecond: number;
}

/** Where memory is dear: less room for what is young, and freed memory goes back to the system. */
const SMALL_FLAGS = ['--max-semi-space-size=2', '--optimize-for-size'];
const SMALL_ENVIRONMENT = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '65536', MALLOC_MMAP_THRESHOLD_: '32768' };

/** Packages that still ask for others the old way. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

export async function benchAgent(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-bench-agent-'));
  try {
    const sigstore = createTestSigstore();
    const trust = new TrustRepository();
    trust.now = TEST_NOW;
    trust.files.push({ path: 'trusted_root.json', bytes: utf8(JSON.stringify(sigstore.trustedRoot)) });
    trust.texts.set('policy/signed.yaml', POLICY);
    trust.publishTrust();
    writeMembers(join(folder, 'before'), trust);
    trust.denials = [{ id: 'd1', kind: 'signature', document: `sha256:${'1'.repeat(64)}`, reason: 'stolen', addedAt: TEST_NOW }];
    trust.publishTrust();
    writeMembers(join(folder, 'after'), trust);
    await fill(join(folder, 'store'), sigstore);
    const program = join(folder, 'agent.mjs');
    // As it is deployed: one file, and no compiler of types in memory.
    await build({
      entryPoints: [join(import.meta.dirname, 'agent-process.ts')],
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: program,
      banner: { js: REQUIRE },
      logLevel: 'error',
    });
    const run = (flags: readonly string[], env: NodeJS.ProcessEnv): Figures =>
      JSON.parse(execFileSync(process.execPath, ['--expose-gc', ...flags, program, folder, String(TEST_NOW)], { env }).toString()) as Figures;
    const first = run([], {});
    const small = run(SMALL_FLAGS, SMALL_ENVIRONMENT);
    const held = `10,000 images, each with a keyless signature of its own certificate; read and proven in ${(first.loadMs / IMAGES).toFixed(1)} ms of the processor each`;
    const settings = [...SMALL_FLAGS, ...Object.entries(SMALL_ENVIRONMENT).map(([name, value]) => `${name}=${value}`)].join(' ');
    return [
      { what: 'resident MiB with 10,000 digests held', figures: held, value: first.residentMiB, atMost: 150 },
      {
        what: 'the same where memory is dear',
        figures: `${settings}; ${small.againMs.toFixed(0)} ms to decide all anew`,
        value: small.residentMiB,
        atMost: 150,
      },
      { what: 'ms to decide 10,000 anew after a revocation', figures: 'of the processor, the median of 9 passes', value: first.againMs, atMost: 100 },
      { what: 'warm answers in a second of one core', figures: 'by digest, from memory', value: first.warmPerSecond },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeMembers(folder: string, trust: TrustRepository): void {
  mkdirSync(folder);
  for (const [name, bytes] of membersOf(trust)) writeFileSync(join(folder, name), bytes);
}

/** Without bringing each file to the disk: that is not what is measured. */
async function fill(folder: string, sigstore: TestSigstore): Promise<void> {
  const create = (path: string, bytes: Uint8Array): void => {
    const file = openSync(path, 'wx');
    writeSync(file, bytes);
    closeSync(file);
  };
  const disk = new FolderStore(folder, { steps: { ...DISK, create, syncFolder: () => undefined } });
  for (let i = 0; i < IMAGES; i++) {
    const bytes = utf8(JSON.stringify({ schemaVersion: 2, image: i }));
    const digest = digestOf(bytes);
    const statement = { subjects: [{ digest: { sha256: digest.hex } }], predicateType: COSIGN_SIGN_PREDICATE };
    const bundle: JsonObject = sigstore.attest(statement, { signer: sigstore.issue() });
    const subject = { mediaType: MEDIA_TYPES.ociManifest, digest, size: bytes.length };
    const referrer = buildReferrer({ artifactType: BUNDLE_MEDIA_TYPE, subject, payload: utf8(JSON.stringify(bundle)) });
    const store = bufferedStore(disk);
    const registry = heldRegistry({ store, registry: registryOf(referrer), now: () => TEST_NOW });
    const repository = parseRepository(`registry.test/team-${i % 50}/app-${i % 500}`);
    await gatherAll({ registry, repository, digest, now: TEST_NOW });
    await store.flush();
  }
}

/** One image with one signature. */
function registryOf({ descriptor, manifest, blobs }: BuiltArtifact): Registry {
  const registry: Partial<Registry> = {
    manifest: async (_name, target) =>
      typeof target !== 'string' && sameDigest(target, descriptor.digest)
        ? complete({ descriptor, bytes: manifest, manifest: parseManifest(manifest) })
        : absent,
    blob: async (_name, target) => {
      const found = blobs.find(({ digest }) => sameDigest(digest, 'digest' in target ? target.digest : target));
      return found ? complete(found.bytes) : absent;
    },
    referrers: async () => ({ api: complete([descriptor]), fallbackTag: { state: 'not-asked' } }),
    attachment: async () => absent,
    isMirrored: () => false,
  };
  return registry as Registry;
}
