/** The registry client: every method names the places that are asked and in which order; the work is next door. */
import {
  absent,
  type AttachmentKind,
  attachmentTag,
  complete,
  type Descriptor,
  type Digest,
  type Lookup,
  notAsked,
  type Reference,
  type RepositoryName,
} from '../../core/artifact/index.ts';
import { LIMITS } from '../../core/encoding/index.ts';
import { HttpClient } from '../http/index.ts';
import { asLookup } from './answers.ts';
import { ATTACH, Attacher } from './attach.ts';
import { Authenticator } from './auth.ts';
import { fetchBlob, openBlob } from './blobs.ts';
import { anonymous, type CredentialSource } from './credentials.ts';
import { type EndpointOptions, Endpoints } from './endpoints.ts';
import { asDescriptor, fetchManifest, headManifest } from './manifests.ts';
import { throughMirrors } from './mirrors.ts';
import { pushBlob, UPLOAD, type UploadLimits } from './push-blob.ts';
import { deleteManifest, putManifest } from './push-manifest.ts';
import { listByApi, listByTag, ReferrersMemory } from './referrers.ts';
import type {
  Attached,
  Attachment,
  BlobOptions,
  BlobSource,
  CallOptions,
  FetchedManifest,
  PushBlobOptions,
  PushedManifest,
  PushManifestOptions,
  ReferrersLookup,
  ReferrersOptions,
  Registry,
  Resolved,
  TagEdit,
} from './registry.ts';
import { listTags } from './tags.ts';
import { type Call, type Site, Wire } from './wire.ts';

export interface RegistryClientOptions extends EndpointOptions {
  /** Made with its defaults when missing. */
  readonly http?: HttpClient;
  readonly credentials?: CredentialSource;
  /** For calls without a deadline of their own. Milliseconds. */
  readonly timeoutMs?: number;
  readonly upload?: Partial<UploadLimits>;
  /** How long an entry in a fallback index must have stood there to be believed; see attach.ts. Milliseconds. */
  readonly settleMs?: number;
}

const TIMEOUT_MS = 60_000;

/** The target of a reference: its digest if it has one, else its tag. */
function targetOf(reference: Reference): Digest | string {
  return reference.digest ?? reference.tag ?? 'latest';
}

export class RegistryClient implements Registry {
  readonly #endpoints: Endpoints;
  readonly #wire: Wire;
  readonly #memory: ReferrersMemory;
  readonly #attacher: Attacher;
  readonly #upload: UploadLimits;
  readonly #timeoutMs: number;

  constructor(options: RegistryClientOptions = {}) {
    const http = options.http ?? new HttpClient();
    this.#endpoints = new Endpoints(options);
    this.#wire = new Wire(http, this.#endpoints, new Authenticator(http, options.credentials ?? anonymous));
    this.#memory = new ReferrersMemory(http.clock);
    this.#upload = { ...UPLOAD, ...options.upload };
    this.#attacher = new Attacher(this.#wire, { upload: this.#upload, settleMs: options.settleMs ?? ATTACH.settleMs });
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  }

  /** Opens a connection to whoever is asked first about a repository, while the caller gets his question ready. */
  connectEarly(name: RepositoryName): void {
    const origin = this.#endpoints.origin(name);
    const first = this.#endpoints.mirrors(name)[0] ?? origin;
    this.#wire.http.connectEarly(this.#endpoints.base(first), first.home);
  }

  async resolve(reference: Reference, options: CallOptions = {}): Promise<Lookup<Resolved>> {
    if (reference.digest) return complete({ digest: reference.digest });
    return this.#read(reference, options, (site, call) => headManifest(this.#wire, site, call, targetOf(reference), 'digest'));
  }

  async describe(reference: Reference, options: CallOptions = {}): Promise<Lookup<Descriptor>> {
    const found = await this.#read(reference, options, (site, call) => headManifest(this.#wire, site, call, targetOf(reference), 'descriptor'));
    return found.state === 'complete' ? complete(asDescriptor(found.value)) : found;
  }

  manifest(name: RepositoryName, target: Digest | string, options: CallOptions = {}): Promise<Lookup<FetchedManifest>> {
    return this.#read(name, options, (site, call) => fetchManifest(this.#wire, site, call, target));
  }

  blob(name: RepositoryName, target: Digest | Descriptor, options: BlobOptions): Promise<Lookup<Uint8Array>> {
    return this.#read(name, options, (site, call) => fetchBlob(this.#wire, site, call, target, options.maxBytes));
  }

  blobStream(name: RepositoryName, target: Digest | Descriptor, options: BlobOptions): Promise<Lookup<AsyncIterable<Uint8Array>>> {
    return this.#read(name, options, (site, call) => openBlob(this.#wire, site, call, target, options.maxBytes));
  }

  isMirrored(name: RepositoryName): boolean {
    return this.#endpoints.mirrors(name).length > 0;
  }

  async attachment(name: RepositoryName, digest: Digest, kind: AttachmentKind, options: CallOptions = {}): Promise<Lookup<FetchedManifest>> {
    const tag = attachmentTag(digest, kind);
    return tag === undefined ? absent : this.manifest(name, tag, options);
  }

  tags(name: RepositoryName, options: CallOptions = {}): Promise<Lookup<readonly string[]>> {
    return this.#read(name, options, (site, call) => listTags(this.#wire, site, call), isFilled);
  }

  async referrers(name: RepositoryName, digest: Digest, options: ReferrersOptions = {}): Promise<ReferrersLookup> {
    const all = options.places === 'all';
    // One deadline for both places; and who wants all of them wants no mirror's opinion.
    const within: CallOptions = { ...this.#call(options), originOnly: all || options.originOnly === true };
    const byApi = (): Promise<Lookup<readonly Descriptor[]>> =>
      this.#read(name, within, (site, call) => this.#listByApi(site, call, digest, options.artifactType), isFilled);
    const byTag = (): Promise<Lookup<readonly Descriptor[]>> => this.#read(name, within, (site, call) => listByTag(this.#wire, site, call, digest), isFilled);
    if (all) {
      const [api, fallbackTag] = await Promise.all([byApi(), byTag()]);
      return { api, fallbackTag };
    }
    const api = await byApi();
    return { api, fallbackTag: api.state === 'absent' ? await byTag() : notAsked };
  }

  async #listByApi(site: Site, call: Call, digest: Digest, artifactType: string | undefined): Promise<Lookup<readonly Descriptor[]>> {
    if (this.#memory.lacksApi(site.endpoint.registry)) return absent;
    return listByApi(this.#wire, this.#memory, site, call, digest, artifactType);
  }

  pushBlob(name: RepositoryName, digest: Digest, size: number, source: BlobSource, options: PushBlobOptions = {}): Promise<'existed' | 'mounted' | 'pushed'> {
    const mount = options.mountFrom === undefined ? {} : { mountFrom: options.mountFrom };
    return this.#write(name, options, (site, call) => pushBlob(this.#wire, site, call, { digest, size, source, ...mount }, this.#upload));
  }

  async pushManifest(name: RepositoryName, bytes: Uint8Array, options: PushManifestOptions = {}): Promise<PushedManifest> {
    const tag = options.tag === undefined ? {} : { tag: options.tag };
    return this.#write(name, options, (site, call) => putManifest(this.#wire, site, call, { bytes, ...tag }));
  }

  editTag(name: RepositoryName, tag: string, edit: TagEdit, options: CallOptions = {}): Promise<void> {
    return this.#write(name, options, (site, call) => this.#attacher.editTag(site, call, tag, edit));
  }

  attach(name: RepositoryName, attachment: Attachment, options: CallOptions = {}): Promise<Attached> {
    return this.#write(name, options, (site, call) => this.#attacher.attach(site, call, attachment));
  }

  deleteManifest(name: RepositoryName, target: Digest | string, options: CallOptions = {}): Promise<void> {
    return this.#write(name, options, (site, call) => deleteManifest(this.#wire, site, call, target));
  }

  /**
   * Asks the registry whether it takes our credentials, as `docker login` does: GET /v2/. Answers whether it asked for
   * any. Throws ERR_REGISTRY_UNAUTHENTICATED when it refuses them.
   */
  async checkAccess(registry: string, options: CallOptions = {}): Promise<'taken' | 'not-asked'> {
    const name: RepositoryName = { registry, repository: '' };
    return this.#write(name, options, async (site, call) => {
      const ask = { method: 'GET', target: '', what: 'access', maxBytes: LIMITS.errorBodyBytes } as const;
      const response = await this.#wire.send(site, call, ask);
      if (response.status !== 200) this.#wire.refuse(site, response, ask.what);
      return this.#wire.asksWhoWeAre(site) ? 'taken' : 'not-asked';
    });
  }

  /** Closes the kept connections. */
  close(): void {
    this.#wire.http.close();
  }

  #call(options: CallOptions): Call {
    const deadline = options.deadline ?? this.#wire.http.clock.now() + this.#timeoutMs;
    return { deadline, ...(options.signal === undefined ? {} : { signal: options.signal }) };
  }

  /** @param isAnswer whether what a mirror says is enough; an empty list of a mirror is not. */
  #read<T>(
    name: RepositoryName,
    options: CallOptions,
    ask: (site: Site, call: Call) => Promise<Lookup<T>>,
    isAnswer: (value: T) => boolean = () => true,
  ): Promise<Lookup<T>> {
    const call = this.#call(options);
    if (options.originOnly !== true) return throughMirrors(this.#wire, name, call, ask, isAnswer);
    return asLookup(async () => ask({ endpoint: this.#wire.endpoints.origin(name), name }, call));
  }

  async #write<T>(name: RepositoryName, options: CallOptions, act: (site: Site, call: Call) => Promise<T>): Promise<T> {
    return act({ endpoint: this.#wire.endpoints.origin(name), name }, this.#call(options));
  }
}

function isFilled(list: readonly unknown[]): boolean {
  return list.length > 0;
}
