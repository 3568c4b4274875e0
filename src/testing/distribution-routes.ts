/** The distribution specification over a StoredRepository: one function per endpoint, a request in, an answer out. */
import { randomUUID } from 'node:crypto';
import { digestFrom, digestOf, formatDigest, isTag, MEDIA_TYPES, parseManifest } from '../core/artifact/index.ts';
import { concatBytes, type JsonValue, utf8 } from '../core/encoding/index.ts';
import { SealwardError } from '../core/errors.ts';
import type { Answer } from './faults.ts';
import type { StoredRepository } from './repository-store.ts';

export interface RegistryBehaviour {
  readonly referrersApi: boolean;
  /** Entries on one page of referrers and tags. */
  readonly pageSize: number;
  /** Whether the referrers API applies the artifactType filter. */
  readonly filters: boolean;
  /** Whether manifests carry an ETag and If-Match is honoured. */
  readonly conditionalWrites: boolean;
  /** Announced as OCI-Chunk-Min-Length when positive. */
  readonly chunkMinLength: number;
  /** A body above this size is answered with 413. */
  readonly largestBody: number;
}

export interface RegistryRequest {
  readonly method: string;
  readonly repository: string;
  /** What follows the endpoint's name: a tag, a digest, an upload's id. */
  readonly target: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

type Route = (
  store: StoredRepository,
  request: RegistryRequest,
  behaviour: RegistryBehaviour,
  find: (repository: string) => StoredRepository | undefined,
) => Answer;

export const NOT_A_ROUTE: Answer = { status: 404, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: utf8('404 page not found\n') };

export function json(status: number, value: JsonValue, headers: Answer['headers'] = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: utf8(JSON.stringify(value)) };
}

export function failure(status: number, code: string, message: string): Answer {
  return json(status, { errors: [{ code, message }] });
}

export const ROUTES: Readonly<Record<string, Route>> = {
  manifests(store, request, behaviour) {
    if (request.method === 'PUT') return putManifest(store, request, behaviour);
    const digest = store.find(request.target);
    const stored = digest === undefined ? undefined : store.manifests.get(digest);
    if (digest === undefined || !stored) return failure(404, 'MANIFEST_UNKNOWN', 'manifest unknown');
    if (request.method === 'DELETE') {
      if (store.tags.delete(request.target)) return { status: 202 };
      store.manifests.delete(digest);
      for (const [tag, target] of store.tags) if (target === digest) store.tags.delete(tag);
      return { status: 202 };
    }
    const etag = behaviour.conditionalWrites ? { etag: `"${digest}"` } : {};
    return { status: 200, headers: { 'content-type': stored.mediaType, 'docker-content-digest': digest, ...etag }, body: stored.bytes };
  },

  blobs(store, request) {
    const bytes = store.blobs.get(request.target);
    if (!bytes) return failure(404, 'BLOB_UNKNOWN', 'blob unknown');
    if (request.method === 'DELETE') {
      store.blobs.delete(request.target);
      return { status: 202 };
    }
    return { status: 200, headers: { 'content-type': 'application/octet-stream', 'docker-content-digest': request.target }, body: bytes };
  },

  'blobs/uploads': (store, request, behaviour, find) =>
    request.target === '' ? startUpload(store, request, behaviour, find) : continueUpload(store, request, behaviour),

  referrers(store, request, behaviour) {
    if (!behaviour.referrersApi) return NOT_A_ROUTE;
    if (!digestFrom(request.target)) return failure(400, 'DIGEST_INVALID', 'not a digest');
    const type = request.query.get('artifactType');
    const filtered = behaviour.filters && type !== null;
    const all = store.referrers(request.target).filter((entry) => !filtered || entry.artifactType === type);
    const { page, next } = cut(all, request, behaviour, (entry) => entry.digest as string);
    const headers = { 'content-type': MEDIA_TYPES.ociIndex, ...(filtered ? { 'oci-filters-applied': 'artifactType' } : {}), ...next };
    return { ...json(200, { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: page }), headers };
  },

  tags(store, request, behaviour) {
    const { page, next } = cut([...store.tags.keys()].sort(), request, behaviour, (tag) => tag);
    return json(200, { name: request.repository, tags: page }, next);
  },
};

function cut<T>(
  all: readonly T[],
  request: RegistryRequest,
  behaviour: RegistryBehaviour,
  keyOf: (entry: T) => string,
): { page: T[]; next: Record<string, string> } {
  const last = request.query.get('last');
  const from = last === null ? 0 : all.findIndex((entry) => keyOf(entry) === last) + 1;
  const page = all.slice(from, from + behaviour.pageSize);
  const end = page.at(-1);
  if (end === undefined || from + page.length >= all.length) return { page, next: {} };
  const query = new URLSearchParams(request.query);
  query.set('last', keyOf(end));
  const path = request.target === 'list' ? 'tags/list' : `referrers/${request.target}`;
  return { page, next: { link: `</v2/${request.repository}/${path}?${query.toString()}>; rel="next"` } };
}

function putManifest(store: StoredRepository, request: RegistryRequest, behaviour: RegistryBehaviour): Answer {
  const { body, target } = request;
  const digest = digestFrom(target);
  if (!digest && !isTag(target)) return failure(400, 'TAG_INVALID', 'not a tag');
  if (digest && formatDigest(digestOf(body, digest.algorithm)) !== target) return failure(400, 'DIGEST_INVALID', 'the body has another digest');
  const mediaType = request.headers['content-type'] ?? '';
  const ifMatch = request.headers['if-match'];
  if (behaviour.conditionalWrites && ifMatch !== undefined && ifMatch !== `"${store.tags.get(target)}"`)
    return failure(412, 'PRECONDITION', 'somebody else was first');
  let subject: string | undefined;
  try {
    const manifest = parseManifest(body, mediaType);
    const named = manifest.kind === 'index' ? manifest.manifests : [manifest.config, ...manifest.layers];
    const held = manifest.kind === 'index' ? store.manifests : store.blobs;
    const missing = named.find((descriptor) => !held.has(formatDigest(descriptor.digest)));
    if (missing) return failure(404, 'MANIFEST_BLOB_UNKNOWN', `${formatDigest(missing.digest)} is not here`);
    subject = manifest.subject && formatDigest(manifest.subject.digest);
  } catch (error) {
    if (error instanceof SealwardError) return failure(400, 'MANIFEST_INVALID', error.message);
    throw error;
  }
  const stored = formatDigest(store.putManifest(body, mediaType, digest ? undefined : target));
  const ociSubject = behaviour.referrersApi && subject !== undefined ? { 'oci-subject': subject } : {};
  return { status: 201, headers: { location: `/v2/${request.repository}/manifests/${stored}`, 'docker-content-digest': stored, ...ociSubject } };
}

function startUpload(
  store: StoredRepository,
  request: RegistryRequest,
  behaviour: RegistryBehaviour,
  find: (repository: string) => StoredRepository | undefined,
): Answer {
  if (request.method !== 'POST') return failure(405, 'UNSUPPORTED', 'only POST starts an upload');
  const mount = request.query.get('mount') ?? '';
  const bytes = find(request.query.get('from') ?? '')?.blobs.get(mount);
  if (bytes) {
    store.blobs.set(mount, bytes);
    return { status: 201, headers: { location: `/v2/${request.repository}/blobs/${mount}`, 'docker-content-digest': mount } };
  }
  const id = randomUUID();
  store.uploads.set(id, []);
  const least = behaviour.chunkMinLength > 0 ? { 'oci-chunk-min-length': String(behaviour.chunkMinLength) } : {};
  return { status: 202, headers: { location: uploadPath(request, id), range: '0-0', ...least } };
}

function uploadPath(request: RegistryRequest, id: string): string {
  // With a query, as docker-registry has it: what a client adds must be joined by "&".
  return `/v2/${request.repository}/blobs/uploads/${id}?_state=a%2Bb%3D`;
}

function continueUpload(store: StoredRepository, request: RegistryRequest, behaviour: RegistryBehaviour): Answer {
  const parts = store.uploads.get(request.target);
  if (!parts || request.query.get('_state') !== 'a+b=') return failure(404, 'BLOB_UPLOAD_UNKNOWN', 'no such upload');
  if (request.body.length > behaviour.largestBody) return failure(413, 'SIZE_INVALID', 'too large');
  const held = parts.reduce((sum, part) => sum + part.length, 0);
  if (request.method === 'PATCH') {
    const start = Number(/^(\d+)-\d+$/.exec(request.headers['content-range'] ?? '')?.[1] ?? 0);
    if (start !== held) return { status: 416, headers: { range: `0-${held - 1}` } };
    parts.push(request.body);
    return { status: 202, headers: { location: uploadPath(request, request.target), range: `0-${held + request.body.length - 1}` } };
  }
  if (request.method !== 'PUT') return failure(405, 'UNSUPPORTED', 'PATCH and PUT continue an upload');
  const bytes = concatBytes(...parts, request.body);
  const digest = digestFrom(request.query.get('digest') ?? '');
  if (!digest || formatDigest(digestOf(bytes, digest.algorithm)) !== formatDigest(digest)) return failure(400, 'DIGEST_INVALID', 'the blob has another digest');
  store.uploads.delete(request.target);
  store.blobs.set(formatDigest(digest), bytes);
  return { status: 201, headers: { location: `/v2/${request.repository}/blobs/${formatDigest(digest)}`, 'docker-content-digest': formatDigest(digest) } };
}
