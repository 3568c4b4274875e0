/** Pushing blobs: distribution-spec "Pushing a blob monolithically", "in chunks" and "Mounting a blob". */
import { type Digest, formatDigest, sameDigest } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { type HttpResponse, type RequestBody, serverNamedUrl } from '../http/index.ts';
import { blobPath } from './blobs.ts';
import { inChunks } from './chunks.ts';
import { digestCheck } from './digest-check.ts';
import { namedDigest } from './manifests.ts';
import type { BlobSource } from './registry.ts';
import { type Ask, type Call, placeOf, type Site, type Wire } from './wire.ts';

export interface UploadLimits {
  /** Blobs above this size are sent in chunks. Bytes. */
  readonly monolithicBytes: number;
  /** The size of a chunk, unless the registry wants larger ones. Bytes. */
  readonly chunkBytes: number;
}

export const UPLOAD: UploadLimits = { monolithicBytes: 64 * 1024 * 1024, chunkBytes: 16 * 1024 * 1024 };

const LARGEST_CHUNK = 256 * 1024 * 1024;
const SMALL_ANSWER = 64 * 1024;
const OCTETS = 'application/octet-stream';

export interface Upload {
  readonly digest: Digest;
  readonly size: number;
  readonly source: BlobSource;
  readonly mountFrom?: string;
  /** Not asked for first, since it was made just now. */
  readonly fresh?: boolean;
}

export async function pushBlob(wire: Wire, site: Site, call: Call, upload: Upload, limits: UploadLimits): Promise<'existed' | 'mounted' | 'pushed'> {
  if (upload.source instanceof Uint8Array) checkSource(site, upload, upload.source);
  const what = `the blob ${formatDigest(upload.digest)}`;
  // With the scope of the push that follows, so that one token serves all of it.
  const head = upload.fresh ? undefined : await wire.send(site, call, { method: 'HEAD', target: blobPath(upload.digest), what, maxBytes: 0, write: 'push' });
  if (head?.status === 200) return 'existed';
  if (head && head.status !== 404) return wire.refuse(site, head, what);
  const session = await startUpload(wire, site, call, upload, what);
  if (session === 'mounted') return 'mounted';
  if (upload.size > limits.monolithicBytes) {
    await sendChunks(wire, site, call, upload, session, limits, what);
    return 'pushed';
  }
  const put = await wire.send(site, call, { ...putAsk(session.url, upload, what), body: bodyOf(site, upload), headers: { 'content-type': OCTETS } });
  // Something before the registry takes no body of this size: the same again, in pieces.
  if (put.status === 413 && upload.size > limits.chunkBytes) {
    const again = await startUpload(wire, site, call, { ...upload, mountFrom: undefined }, what);
    if (again !== 'mounted') await sendChunks(wire, site, call, upload, again, limits, what);
    return 'pushed';
  }
  return finished(wire, site, upload, put, what);
}

function checkSource(site: Site, upload: Upload, bytes: Uint8Array): void {
  const check = digestCheck(placeOf(site), upload.digest, upload.size);
  check.update(bytes);
  check.finish();
}

/** What is sent is what the digest says, even when a file changes while it is read. */
async function* checked(site: Site, upload: Upload, open: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const check = digestCheck(placeOf(site), upload.digest, upload.size);
  for await (const chunk of open()) {
    check.update(chunk);
    yield chunk;
  }
  check.finish();
}

function bodyOf(site: Site, upload: Upload): RequestBody {
  const { source } = upload;
  return source instanceof Uint8Array ? source : { size: upload.size, open: () => checked(site, upload, source) };
}

interface Session {
  readonly url: URL;
  /** The least size of a chunk that the registry takes. */
  readonly leastChunk: number;
}

type Start = Omit<Upload, 'mountFrom'> & { readonly mountFrom?: string | undefined };

async function startUpload(wire: Wire, site: Site, call: Call, upload: Start, what: string): Promise<Session | 'mounted'> {
  const { mountFrom } = upload;
  const from = mountFrom === undefined ? undefined : `${site.endpoint.prefix}${mountFrom}`;
  const query = from === undefined ? '' : `?mount=${formatDigest(upload.digest)}&from=${encodeURIComponent(from)}`;
  const ask: Ask = {
    method: 'POST',
    target: `blobs/uploads/${query}`,
    what,
    maxBytes: SMALL_ANSWER,
    write: 'push',
    headers: { 'content-length': '0' },
    idempotent: true,
  };
  const response = await wire.send(site, call, mountFrom === undefined ? ask : { ...ask, mountFrom });
  if (response.status === 201 && mountFrom !== undefined) return 'mounted';
  // A registry that may not show us the other repository refuses the mount as a whole; then it is pushed.
  if (mountFrom !== undefined && response.status >= 400 && response.status < 500 && response.status !== 429)
    return startUpload(wire, site, call, { ...upload, mountFrom: undefined }, what);
  if (response.status !== 202) return wire.refuse(site, response, what);
  const least = Number(response.headers.one('oci-chunk-min-length') ?? 0);
  return { url: locationOf(site, response), leastChunk: Number.isSafeInteger(least) && least > 0 ? least : 0 };
}

function locationOf(site: Site, response: HttpResponse): URL {
  const location = response.headers.one('location');
  if (location === undefined) throw new SealwardError('ERR_CONTENT_REFUSED', `${placeOf(site)}: the registry starts an upload without saying where it goes`);
  return serverNamedUrl(location, response.url, 'the place of the upload');
}

function putAsk(session: URL, upload: Upload, what: string): Ask {
  const target = new URL(session);
  // Added as text: what the registry wrote there may be signed, and URLSearchParams would spell it anew.
  target.search = `${target.search === '' ? '?' : `${target.search}&`}digest=${encodeURIComponent(formatDigest(upload.digest))}`;
  return { method: 'PUT', target, what, maxBytes: SMALL_ANSWER, write: 'push' };
}

async function sendChunks(wire: Wire, site: Site, call: Call, upload: Upload, session: Session, limits: UploadLimits, what: string): Promise<void> {
  const size = Math.max(limits.chunkBytes, session.leastChunk);
  if (size > LARGEST_CHUNK)
    throw new SealwardError('ERR_CONTENT_REFUSED', `${placeOf(site)}: the registry wants chunks of ${size} bytes; at most ${LARGEST_CHUNK} are sent`);
  const { source } = upload;
  const bytes = source instanceof Uint8Array ? [source] : checked(site, upload, source);
  let url = session.url;
  let sent = 0;
  for await (const chunk of inChunks(bytes, size)) {
    const headers = { 'content-type': OCTETS, 'content-range': `${sent}-${sent + chunk.length - 1}` };
    const response = await wire.send(site, call, { method: 'PATCH', target: url, what, maxBytes: SMALL_ANSWER, write: 'push', headers, body: chunk });
    if (response.status !== 202 && response.status !== 204) return wire.refuse(site, response, what);
    sent += chunk.length;
    const range = response.headers.one('range');
    if (range !== undefined && range !== `0-${sent - 1}` && range !== `bytes=0-${sent - 1}`) {
      throw new SealwardError('ERR_REGISTRY_FAILED', `${placeOf(site)}: the registry lost a part of ${what}`);
    }
    url = locationOf(site, response);
  }
  finished(wire, site, upload, await wire.send(site, call, { ...putAsk(url, upload, what), body: new Uint8Array() }), what);
}

function finished(wire: Wire, site: Site, upload: Upload, response: HttpResponse, what: string): 'pushed' {
  if (response.status !== 201 && response.status !== 204) return wire.refuse(site, response, what);
  const named = namedDigest(response);
  if (named && named.algorithm === upload.digest.algorithm && !sameDigest(named, upload.digest)) {
    throw new SealwardError('ERR_DIGEST_MISMATCH', `${placeOf(site)}: ${what} was stored as ${formatDigest(named)}`);
  }
  return 'pushed';
}
