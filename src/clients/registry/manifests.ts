/** Tags and manifests: what a tag stands for, and the bytes behind a digest. */
import {
  absent,
  complete,
  type Descriptor,
  type Digest,
  digestFrom,
  digestOf,
  formatDigest,
  isMediaType,
  isTag,
  type Lookup,
  MANIFEST_MEDIA_TYPES,
  parseManifest,
  quoted,
} from '../../core/artifact/index.ts';
import { LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { HttpResponse } from '../http/index.ts';
import { digestCheck, digestMismatch } from './digest-check.ts';
import type { FetchedManifest, Resolved } from './registry.ts';
import { type Call, placeOf, type Site, type Wire } from './wire.ts';

const ACCEPT = { accept: MANIFEST_MEDIA_TYPES.join(', ') };

export function manifestWhat(target: Digest | string): string {
  return typeof target === 'string' ? `the tag ${quoted(target, 128)}` : `the manifest ${formatDigest(target)}`;
}

export function manifestPath(target: Digest | string): string {
  if (typeof target !== 'string') return `manifests/${formatDigest(target)}`;
  // CVE-2024-3727: what becomes part of a path has passed its grammar.
  if (!isTag(target)) throw new SealwardError('ERR_REFERENCE_INVALID', `${quoted(target)} is not a tag`);
  return `manifests/${target}`;
}

/** GET, held against the digest; for a tag against the digest that the registry names. */
export async function fetchManifest(wire: Wire, site: Site, call: Call, target: Digest | string): Promise<Lookup<FetchedManifest>> {
  const response = await getManifest(wire, site, call, target);
  return response ? complete(accept(site, target, response)) : absent;
}

export interface TaggedManifest extends FetchedManifest {
  /** A strong validator that can be sent back as If-Match. */
  readonly etag?: string;
}

/** What stands under a tag that is about to be changed; undefined when there is none. */
export async function fetchTagged(wire: Wire, site: Site, call: Call, tag: string): Promise<TaggedManifest | undefined> {
  const response = await getManifest(wire, site, call, tag, 'push');
  if (!response) return undefined;
  const etag = response.headers.one('etag');
  return { ...accept(site, tag, response), ...(etag !== undefined && /^"[\x21\x23-\x7e]{1,200}"$/.test(etag) ? { etag } : {}) };
}

async function getManifest(wire: Wire, site: Site, call: Call, target: Digest | string, write?: 'push'): Promise<HttpResponse | undefined> {
  const what = manifestWhat(target);
  const response = await wire.send(site, call, {
    method: 'GET',
    target: manifestPath(target),
    what,
    headers: ACCEPT,
    maxBytes: LIMITS.manifestBytes,
    ...(typeof target === 'string' ? {} : { check: () => digestCheck(placeOf(site), target) }),
    ...(write === undefined ? {} : { write }),
  });
  if (response.status === 404) return undefined;
  return response.status === 200 ? response : wire.refuse(site, response, what);
}

function accept(site: Site, target: Digest | string, response: HttpResponse): FetchedManifest {
  const digest = typeof target === 'string' ? digestOfTagged(site, response) : target;
  return readManifest(response.bytes, digest, response.headers.one('content-type'), `${placeOf(site)}: ${manifestWhat(target)}`);
}

export function readManifest(bytes: Uint8Array, digest: Digest, contentType: string | undefined, what: string): FetchedManifest {
  const manifest = parseManifest(bytes, contentType, what);
  return { descriptor: { mediaType: manifest.mediaType, digest, size: bytes.length }, bytes, manifest };
}

function digestOfTagged(site: Site, response: HttpResponse): Digest {
  const named = namedDigest(response);
  const actual = digestOf(response.bytes, named?.algorithm);
  if (named && named.hex !== actual.hex) throw digestMismatch(placeOf(site), named, formatDigest(actual));
  return actual;
}

export function namedDigest(response: HttpResponse): Digest | undefined {
  return digestFrom(response.headers.one('docker-content-digest') ?? '');
}

/** HEAD; where that gives no digest that can be used, GET and hash. */
export async function headManifest(wire: Wire, site: Site, call: Call, target: Digest | string, wanted: 'digest' | 'descriptor'): Promise<Lookup<Resolved>> {
  const what = manifestWhat(target);
  const response = await wire.send(site, call, { method: 'HEAD', target: manifestPath(target), what, headers: ACCEPT, maxBytes: 0 });
  if (response.status === 404) return absent;
  // Some registries know no HEAD for manifests.
  const unknownMethod = response.status === 405 || response.status === 501;
  if (response.status !== 200 && !unknownMethod) return wire.refuse(site, response, what);
  const found = unknownMethod ? undefined : resolvedFrom(response, target);
  if (found && (wanted === 'digest' || (found.mediaType !== undefined && found.size !== undefined))) {
    if (typeof target !== 'string' && found.digest.algorithm === target.algorithm && found.digest.hex !== target.hex) {
      throw digestMismatch(placeOf(site), target, formatDigest(found.digest));
    }
    return complete(found);
  }
  const fetched = await fetchManifest(wire, site, call, target);
  return fetched.state === 'complete' ? complete(fetched.value.descriptor) : fetched;
}

function resolvedFrom(response: HttpResponse, target: Digest | string): Resolved | undefined {
  const digest = namedDigest(response) ?? (typeof target === 'string' ? undefined : target);
  if (!digest) return undefined;
  const mediaType = (response.headers.one('content-type') ?? '').split(';', 1)[0]?.trim() ?? '';
  const length = response.headers.one('content-length') ?? '';
  return {
    digest,
    ...(isMediaType(mediaType) ? { mediaType } : {}),
    ...(/^\d{1,15}$/.test(length) ? { size: Number(length) } : {}),
  };
}

/** A Resolved of which type and size are known to be there. */
export function asDescriptor(resolved: Resolved): Descriptor {
  return { mediaType: resolved.mediaType ?? 'application/octet-stream', digest: resolved.digest, size: resolved.size ?? 0 };
}
