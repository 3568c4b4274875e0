/** What a registry is to everything above it. Two things are one: a remote registry, and an OCI image layout folder. */
import type { AttachmentKind, Descriptor, Digest, Index, Lookup, Manifest, Reference, RepositoryName } from '../../core/artifact/index.ts';

export interface CallOptions {
  /** Absolute, in milliseconds on the client's clock (close to Date.now()); the client's own timeout when missing. */
  readonly deadline?: number;
  readonly signal?: AbortSignal;
  /** Reads from the registry itself and from none of its mirrors, which may lag behind. */
  readonly originOnly?: boolean;
}

/** What a tag or digest stands for. Size and type are there when a request had to be made, and not otherwise. */
export interface Resolved {
  readonly digest: Digest;
  readonly mediaType?: string;
  readonly size?: number;
}

export interface FetchedManifest {
  readonly descriptor: Descriptor;
  /** The raw bytes, already held against the digest: what is verified is this and never a re-encoding of `manifest`. */
  readonly bytes: Uint8Array;
  readonly manifest: Manifest | Index;
}

export interface ReferrersOptions extends CallOptions {
  /** Asks the API to filter; entries of the fallback index are never filtered, because cosign 3 labels them wrongly. */
  readonly artifactType?: string;
  /** `first` (default) asks the fallback tag only where there is no API; `all` asks both of the registry itself, side by side. */
  readonly places?: 'first' | 'all';
}

/** The two places where referrers are listed, and how asking each of them ended. */
export interface ReferrersLookup {
  /** `complete` with an empty list when the API knows of none; `absent` when the registry has no such API. */
  readonly api: Lookup<readonly Descriptor[]>;
  /** `absent` when there is no fallback index. */
  readonly fallbackTag: Lookup<readonly Descriptor[]>;
}

export interface BlobOptions extends CallOptions {
  /** Bytes; one more ends as `unavailable` with ERR_TOO_LARGE. */
  readonly maxBytes: number;
}

export interface PushBlobOptions extends CallOptions {
  /** Another repository of the same registry that may hold the blob: it is mounted from there where the registry can. */
  readonly mountFrom?: string;
}

/** Bytes, or a function that starts reading them from the beginning, for blobs that do not fit into memory. */
export type BlobSource = Uint8Array | (() => AsyncIterable<Uint8Array>);

export interface PushManifestOptions extends CallOptions {
  /** Also moves this tag; without it the manifest is pushed by digest alone. */
  readonly tag?: string;
}

export interface PushedManifest {
  readonly descriptor: Descriptor;
  /** Whether the registry said, by OCI-Subject, that its referrers API lists the manifest. */
  readonly subjectListed: boolean;
}

export interface Attachment {
  /** The manifest's raw bytes; its subject names what it is attached to. */
  readonly manifest: Uint8Array;
  /** Config and layers; one that is `fresh` was made just now, so that it is sent without asking whether it is there. */
  readonly blobs: readonly { readonly digest: Digest; readonly bytes: Uint8Array; readonly fresh?: boolean }[];
}

export interface Attached {
  readonly descriptor: Descriptor;
  readonly via: 'api' | 'fallback-tag';
}

/** A change to what stands under a tag, in a form that can be made again when somebody else wrote in between. */
export interface TagEdit {
  /** For the error when other writers kept it from being made: what is lost. */
  readonly what: string;
  /** Whether the change is there. */
  readonly done: (found: FetchedManifest) => boolean;
  /** The new manifest, from the one that is there now; what it names must be pushed by then. */
  readonly merge: (found: FetchedManifest | undefined) => Uint8Array | Promise<Uint8Array>;
}

export interface Registry {
  /** What a tag stands for now (HEAD); a digest stands for itself, without a request. */
  resolve(reference: Reference, options?: CallOptions): Promise<Lookup<Resolved>>;
  /** As resolve, but always asks, so that type and size are known and the manifest is known to exist. */
  describe(reference: Reference, options?: CallOptions): Promise<Lookup<Descriptor>>;
  /** A manifest or index by digest or tag; the bytes are held against the digest. */
  manifest(name: RepositoryName, target: Digest | string, options?: CallOptions): Promise<Lookup<FetchedManifest>>;
  /** A blob, held against the digest while it streams; against the size too when a descriptor is given. */
  blob(name: RepositoryName, target: Digest | Descriptor, options: BlobOptions): Promise<Lookup<Uint8Array>>;
  /** As blob, in pieces. A wrong digest or size ends the iteration with an error, so use nothing before its end. */
  blobStream(name: RepositoryName, target: Digest | Descriptor, options: BlobOptions): Promise<Lookup<AsyncIterable<Uint8Array>>>;
  /** Everything whose subject is the digest. What the listing says of an entry is unverified: the manifest counts. */
  referrers(name: RepositoryName, digest: Digest, options?: ReferrersOptions): Promise<ReferrersLookup>;
  /** Whether mirrors are asked before the registry: their answers are not its own. */
  isMirrored(name: RepositoryName): boolean;
  /** The manifest under the tag `sha256-<hex>.sig`, `.att` or `.sbom`. */
  attachment(name: RepositoryName, digest: Digest, kind: AttachmentKind, options?: CallOptions): Promise<Lookup<FetchedManifest>>;
  tags(name: RepositoryName, options?: CallOptions): Promise<Lookup<readonly string[]>>;

  // Writing throws SealwardError; it has no expected negative answers.
  /** Makes sure that the blob is there; nothing is sent when it already is. */
  pushBlob(name: RepositoryName, digest: Digest, size: number, source: BlobSource, options?: PushBlobOptions): Promise<'existed' | 'mounted' | 'pushed'>;
  pushManifest(name: RepositoryName, bytes: Uint8Array, options?: PushManifestOptions): Promise<PushedManifest>;
  /** Pushes blobs and a manifest with a subject, and lists it where referrers are looked for. Repeating it changes nothing. */
  attach(name: RepositoryName, attachment: Attachment, options?: CallOptions): Promise<Attached>;
  /** Changes the manifest under a tag without losing what other writers put there at the same time. Throws ERR_ATTACH_CONTENDED. */
  editTag(name: RepositoryName, tag: string, edit: TagEdit, options?: CallOptions): Promise<void>;
  /** Deletes by digest, or removes a tag. Deleting what is not there is no error. */
  deleteManifest(name: RepositoryName, target: Digest | string, options?: CallOptions): Promise<void>;
}
