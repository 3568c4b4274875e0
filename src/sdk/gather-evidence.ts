/** Gathering ahead of time: everything that judging an image may need is asked for once, and a registry that remembers keeps it. */
import type { Registry } from '../clients/registry/index.ts';
import { type Digest, formatDigest, formatRepository, type Reference, type RepositoryName } from '../core/artifact/index.ts';
import { SealwardError } from '../core/errors.ts';
import type { Place } from '../core/verify/index.ts';
import { gather } from './gather.ts';
import { resolveOnce } from './verify.ts';

export interface GatherEvidenceOptions {
  /** One that keeps what it hears; see `heldRegistry`. */
  readonly registry: Registry;
  readonly reference: Reference;
  /** Where signatures lie, when not beside the image. */
  readonly signatureRepository?: RepositoryName;
  readonly workers?: number;
  /** Absolute, in milliseconds since 1970. */
  readonly deadline?: number;
  readonly signal?: AbortSignal;
}

export interface GatheredEvidence {
  readonly digest: Digest;
  /** The digest itself and, of an index, the images that it lists; with the places that were asked. */
  readonly artifacts: readonly { readonly digest: Digest; readonly documents: number; readonly places: readonly Place[] }[];
}

/** An index has few images; one with more is gathered image by image. */
const MOST_CHILDREN = 64;

/** Throws ERR_NOT_FOUND, or what kept the registry from answering about the image itself; a place that did not answer is a value. */
export async function gatherEvidence(options: GatherEvidenceOptions): Promise<GatheredEvidence> {
  const { registry, reference, signatureRepository = reference } = options;
  const call = { ...(options.deadline === undefined ? {} : { deadline: options.deadline }), ...(options.signal ? { signal: options.signal } : {}) };
  const digest = await resolveOnce(registry, reference, call);
  const digests = [digest];
  const manifest = await registry.manifest(reference, digest, call);
  if (manifest.state === 'absent') throw new SealwardError('ERR_NOT_FOUND', `${formatRepository(reference)}@${formatDigest(digest)} is not there`);
  if (manifest.state === 'unavailable') throw manifest.cause;
  if (manifest.state === 'complete' && manifest.value.manifest.kind === 'index') {
    const children = manifest.value.manifest.manifests.slice(0, MOST_CHILDREN);
    digests.push(...children.map((child) => child.digest));
    for (const child of children) await registry.manifest(reference, child.digest, call);
  }
  const artifacts = [];
  for (const one of digests) {
    const documents = new Set<string>();
    const places = new Map<string, Place>();
    for (const role of ['signature', 'attestation'] as const) {
      const steps = gather({
        registry,
        repository: signatureRepository,
        digest: one,
        wanted: { role, signer: { kind: 'key' } },
        ...(options.workers === undefined ? {} : { workers: options.workers }),
        ...call,
      });
      for await (const step of steps) {
        for (const place of step.places) if (places.get(place.name)?.state !== 'unavailable') places.set(place.name, place);
        for (const document of step.documents) documents.add(document.digest);
      }
    }
    artifacts.push({ digest: one, documents: documents.size, places: [...places.values()] });
  }
  return { digest, artifacts };
}
