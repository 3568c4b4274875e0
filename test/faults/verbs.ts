/** What can be done to an image, each prepared on a repository of its own, for tests that let it fail at every request. */
import type { RegistryClient } from '../../src/clients/registry/index.ts';
import type { Signer } from '../../src/clients/signers/index.ts';
import { type Reference, parseReference } from '../../src/core/artifact/index.ts';
import { attestImage, copyImage, resignImage, signImage } from '../../src/sdk/index.ts';
import type { BuiltArtifact, MemoryRegistry } from '../../src/testing/index.ts';
import { anImage, anIndex, pushImage } from '../stories/registries.ts';
import { freshSigner, withClient } from './visible.ts';

const CLASSICAL = freshSigner();
const POST_QUANTUM = freshSigner('ml-dsa-65');
const PREDICATE = { predicateType: 'https://example.com/review/v1', predicate: { approved: true } };

export interface Prepared {
  /** What will be looked at; for a copy the places where it arrives. */
  readonly images: readonly Reference[];
  /** Whose signatures count. */
  readonly signers: readonly Signer[];
  readonly run: (client: RegistryClient) => Promise<unknown>;
}

export interface Verb {
  readonly name: string;
  /** Whether a single image stands for several: they are signed one after the other. */
  readonly several?: boolean;
  readonly prepare: (registry: MemoryRegistry, repository: string) => Promise<Prepared>;
}

const TEMPLATE = 'template';

/** The repository filled like every other of its registry: what is costly to make is made once, and then copied. */
async function filled(
  registry: MemoryRegistry,
  repository: string,
  built: BuiltArtifact,
  fill?: (reference: Reference) => Promise<unknown>,
): Promise<Reference> {
  const reference = parseReference(`${registry.host}/${TEMPLATE}:v1`);
  const template = registry.repository(TEMPLATE);
  if (template.tags.size === 0) {
    await pushImage(registry.host, TEMPLATE, built);
    await fill?.(reference);
  }
  const target = registry.repository(repository);
  for (const part of ['blobs', 'manifests', 'tags'] as const) for (const [key, value] of template[part]) (target[part] as Map<string, unknown>).set(key, value);
  return { ...reference, repository };
}

function signing(name: string, options: Partial<Parameters<typeof signImage>[0]>): Verb {
  return {
    name,
    async prepare(registry, repository) {
      const reference = await filled(registry, repository, anImage('faults'));
      const signers = [CLASSICAL, ...(options.companions ?? [])];
      return { images: [reference], signers, run: (client) => signImage({ registry: client, reference, signer: CLASSICAL, ...options }) };
    },
  };
}

export const VERBS: readonly Verb[] = [
  signing('sign', {}),
  signing('sign, legacy', { format: 'legacy' }),
  signing('sign, both', { format: 'both' }),
  signing('sign, companions', { companions: [POST_QUANTUM] }),
  signing('sign, both, companions', { format: 'both', companions: [POST_QUANTUM] }),
  {
    name: 'sign, recursive',
    several: true,
    async prepare(registry, repository) {
      const built = anIndex('faults');
      const reference = await filled(registry, repository, built);
      const children = built.children.map(({ descriptor }) => ({ ...reference, digest: descriptor.digest }));
      // The index first, so that a test sees that it never is signed alone.
      return {
        images: [reference, ...children],
        signers: [CLASSICAL],
        run: (client) => signImage({ registry: client, reference, signer: CLASSICAL, recursive: true }),
      };
    },
  },
  {
    name: 'attest, both',
    async prepare(registry, repository) {
      const reference = await filled(registry, repository, anImage('faults'));
      return {
        images: [reference],
        signers: [CLASSICAL],
        run: (client) => attestImage({ registry: client, reference, signer: CLASSICAL, format: 'both', ...PREDICATE }),
      };
    },
  },
  {
    name: 'resign',
    async prepare(registry, repository) {
      const reference = await filled(registry, repository, anImage('faults'), (template) =>
        withClient(async (client) => {
          await signImage({ registry: client, reference: template, signer: CLASSICAL });
          await attestImage({ registry: client, reference: template, signer: CLASSICAL, format: 'legacy', ...PREDICATE });
        }),
      );
      return { images: [reference], signers: [CLASSICAL], run: (client) => resignImage({ registry: client, reference, signer: CLASSICAL }) };
    },
  },
];

/** Everything that can be attached to an index and to an image in it, copied to another repository whose tag stands for something else. */
export async function prepareCopy(source: MemoryRegistry, destination: MemoryRegistry, from: string, to: string): Promise<Prepared> {
  const signer = CLASSICAL;
  const reference = await filled(source, from, anIndex('faults'), (template) =>
    withClient(async (client) => {
      await signImage({ registry: client, reference: template, signer, companions: [POST_QUANTUM], format: 'both' });
      await attestImage({ registry: client, reference: template, signer, format: 'both', ...PREDICATE });
    }),
  );
  const arriving = await filled(destination, to, anImage('before'));
  return {
    images: [arriving],
    signers: [CLASSICAL, POST_QUANTUM],
    run: (client) => copyImage({ source: { registry: client, reference }, destination: { registry: client, reference: arriving } }),
  };
}
