/** What is attached to an image. It reads what is listed and verifies nothing. */
import type { FetchedManifest, Registry } from '../../../clients/registry/index.ts';
import {
  type AttachmentKind,
  type Descriptor,
  type Digest,
  effectiveArtifactType,
  formatDigest,
  type Lookup,
  type RepositoryName,
} from '../../../core/artifact/index.ts';
import { entityRole, type SignedEntity, readDocument, signatureLayers } from '../../../core/bundle/index.ts';
import { LIMITS } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { inParallel, resolveOnce } from '../../../sdk/index.ts';
import type { Run } from '../invocation.ts';
import { exitOf } from '../outcome.ts';
import { parseImages, registryFor, signatureRepository } from '../registry.ts';
import type { tree } from '../table/look.ts';
import type { Terminal } from '../terminal.ts';
import { readersOf } from '../readers.ts';
import { visible, visibleJson } from '../visible.ts';

interface Found {
  readonly place: string;
  readonly state: Lookup<unknown>['state'];
  readonly cause?: string;
  readonly attached: readonly Attached[];
}

interface Attached {
  /** Of the manifest. */
  readonly digest: string;
  readonly type: string;
  readonly holds: readonly Record<string, string>[];
}

type Call = { readonly deadline: number; readonly signal: AbortSignal };

export const run: Run<typeof tree> = async (invocation) => {
  const { flags, config, terminal, deadline, signal } = invocation;
  const images = parseImages(invocation.arguments);
  const [{ name, reference }] = images as [(typeof images)[number]];
  const registry = registryFor(flags, images, invocation);
  const call: Call = { deadline, signal };
  const home = signatureRepository(config) ?? reference;
  terminal.progress(`looking around ${visible(name)}`);
  const digest = await resolveOnce(registry, reference, call);
  const reader = new Reader(registry, home, call, flags['max-workers']);
  const found = await reader.places(digest);
  if (invocation.form === 'json') terminal.print(visibleJson({ name, digest: formatDigest(digest), places: found }));
  else terminal.print(treeText(name.includes('@') ? name : `${name}@${formatDigest(digest)}`, found, terminal));
  const silent = found.find(({ state }) => state === 'unavailable');
  return silent ? exitOf({ outcome: 'inconclusive', code: 'ERR_REGISTRY_FAILED' }) : 0;
};

class Reader {
  readonly #registry: Registry;
  readonly #home: RepositoryName;
  readonly #call: Call;
  readonly #workers: number;
  constructor(registry: Registry, home: RepositoryName, call: Call, workers: number) {
    this.#registry = registry;
    this.#home = home;
    this.#call = call;
    this.#workers = workers;
  }

  async places(digest: Digest): Promise<Found[]> {
    const kinds: readonly AttachmentKind[] = ['sig', 'att', 'sbom'];
    const [referrers, ...tags] = await Promise.all([
      this.#registry.referrers(this.#home, digest, { ...this.#call, places: 'all' }),
      ...kinds.map((kind) => this.#registry.attachment(this.#home, digest, kind, this.#call)),
    ]);
    const listed = [await this.listing('referrers API', referrers.api), await this.listing('fallback tag', referrers.fallbackTag)];
    const tagged = await Promise.all(tags.map((manifest, at) => this.tag(`.${kinds[at]} tag`, manifest)));
    return [...listed, ...tagged];
  }

  async listing(place: string, lookup: Lookup<readonly Descriptor[]>): Promise<Found> {
    if (lookup.state !== 'complete') return { place, ...stateOf(lookup), attached: [] };
    const attached = await inParallel(lookup.value.slice(0, LIMITS.signaturesFetched), this.#workers, async (descriptor) => {
      const manifest = await this.#registry.manifest(this.#home, descriptor.digest, this.#call);
      return this.describe(manifest, descriptor, false);
    });
    const left = lookup.value.length - attached.length;
    return { place, state: 'complete', attached, ...(left > 0 ? { cause: `${left} more are listed and were not looked at` } : {}) };
  }

  async tag(place: string, lookup: Lookup<FetchedManifest>): Promise<Found> {
    if (lookup.state !== 'complete') return { place, ...stateOf(lookup), attached: [] };
    return { place, state: 'complete', attached: [await this.describe(lookup, lookup.value.descriptor, true)] };
  }

  private async describe(lookup: Lookup<FetchedManifest>, descriptor: Descriptor, tagged: boolean): Promise<Attached> {
    const digest = formatDigest(descriptor.digest);
    if (lookup.state !== 'complete')
      return { digest, type: descriptor.artifactType ?? descriptor.mediaType, holds: [{ kind: 'cannot be read', why: stateOf(lookup).cause ?? lookup.state }] };
    const { manifest } = lookup.value;
    const type = effectiveArtifactType(manifest) ?? manifest.mediaType;
    if (manifest.kind === 'index') return { digest, type, holds: [] };
    const layers = signatureLayers(manifest).slice(0, LIMITS.signaturesFetched);
    if (layers.length === 0) return { digest, type, holds: manifest.layers.map(({ mediaType, size }) => ({ kind: 'other', mediaType, bytes: String(size) })) };
    const holds = await inParallel(layers, this.#workers, async ({ descriptor: layer, source }) => {
      const bytes = await this.#registry.blob(this.#home, layer, { ...this.#call, maxBytes: LIMITS.attestationBytes });
      if (bytes.state !== 'complete') return [{ kind: 'cannot be read', why: stateOf(bytes).cause ?? bytes.state }];
      try {
        return readDocument(source, bytes.value).map((entity) => describe(entity, tagged));
      } catch (error) {
        if (!(error instanceof SealwardError)) throw error;
        return [{ kind: 'cannot be read', why: error.message }];
      }
    });
    return { digest, type, holds: holds.flat() };
  }
}

function stateOf(lookup: Lookup<unknown>): { state: Lookup<unknown>['state']; cause?: string } {
  return lookup.state === 'unavailable' ? { state: lookup.state, cause: lookup.cause.message } : { state: lookup.state };
}

function describe(entity: SignedEntity, tagged: boolean): Record<string, string> {
  const { certificate, keyHint, claim } = entity;
  const [name] = certificate?.leaf.subjectAlternativeNames ?? [];
  return {
    kind: entityRole(entity),
    format: entity.format,
    ...(claim.kind === 'statement' && entityRole(entity) === 'attestation' ? { predicateType: claim.statement.predicateType } : {}),
    saysItIsBy: certificate ? (name?.value ?? certificate.leaf.subjectText) : keyHint === undefined ? 'a bare key' : `a bare key with the hint ${keyHint}`,
    readBy: readersOf(entity, tagged).join(', '),
  };
}

const WORDS: Readonly<Record<string, string>> = { saysItIsBy: 'by ', readBy: 'read by ' };
const STATE_WORDS = { complete: '', absent: ' holds nothing', unavailable: ' did not answer', 'not-asked': ' was not asked' } as const;

function treeText(head: string, found: readonly Found[], terminal: Terminal): string {
  const lines = [terminal.style('bold', visible(head))];
  const shown = found.filter(({ state, attached }) => attached.length > 0 || state === 'unavailable');
  shown.forEach(({ place, state, cause, attached }, at) => {
    const last = at === shown.length - 1;
    lines.push(`${last ? '└─ ' : '├─ '}${place}${STATE_WORDS[state]}${cause === undefined ? '' : `: ${visible(cause)}`}`);
    const bar = last ? '   ' : '│  ';
    attached.forEach(({ digest, type, holds }, i) => {
      const end = i === attached.length - 1;
      lines.push(`${bar}${end ? '└─ ' : '├─ '}${visible(type)} ${terminal.style('dim', digest)}`);
      for (const { kind, ...rest } of holds)
        lines.push(
          `${bar}${end ? '   ' : '│  '}   ${visible([kind, ...Object.entries(rest).map(([key, value]) => `${WORDS[key] ?? ''}${value}`)].join(', '))}`,
        );
    });
  });
  if (shown.length === 0) lines.push('nothing is attached, and every place answered');
  return lines.join('\n');
}
