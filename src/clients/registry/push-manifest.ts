/** Pushing and deleting manifests. */
import { type Digest, digestFrom, digestOf, formatDigest, type Index, type Manifest, parseManifest, sameDigest } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { errorCodes } from './answers.ts';
import { digestMismatch } from './digest-check.ts';
import { manifestPath, manifestWhat, namedDigest } from './manifests.ts';
import type { PushedManifest } from './registry.ts';
import { type Call, placeOf, type Site, type Wire } from './wire.ts';

const SMALL_ANSWER = 64 * 1024;
const MISSING = new Set(['MANIFEST_BLOB_UNKNOWN', 'MANIFEST_UNKNOWN', 'BLOB_UNKNOWN']);

export interface ManifestPut {
  readonly bytes: Uint8Array;
  readonly tag?: string;
  /** Only replaces the version that has this ETag, where the registry knows how. */
  readonly ifMatch?: string | undefined;
}

/** What the registry refuses: the If-Match did not match, or the manifest names something that is not there (any more). */
export interface RefusedPut {
  readonly refused: 'precondition' | 'missing';
  readonly cause: SealwardError;
}

export async function putManifest(wire: Wire, site: Site, call: Call, put: ManifestPut): Promise<PushedManifest> {
  const answer = await tryPutManifest(wire, site, call, put);
  if ('refused' in answer) throw answer.cause;
  return answer;
}

/** As putManifest, for callers that know what to do about a refusal. */
export async function tryPutManifest(wire: Wire, site: Site, call: Call, put: ManifestPut): Promise<PushedManifest | RefusedPut> {
  // Nothing is pushed that would not be read again.
  const manifest = parseManifest(put.bytes);
  const digest = digestOf(put.bytes);
  const what = manifestWhat(put.tag ?? digest);
  const response = await wire.send(site, call, {
    method: 'PUT',
    target: manifestPath(put.tag ?? digest),
    what,
    maxBytes: SMALL_ANSWER,
    write: 'push',
    idempotent: true,
    headers: { 'content-type': manifest.mediaType, ...(put.ifMatch === undefined ? {} : { 'if-match': put.ifMatch }) },
    body: put.bytes,
  });
  if (response.status === 412 && put.ifMatch !== undefined) return { refused: 'precondition', cause: wire.refusal(site, response, what) };
  const missing = response.status >= 400 && response.status < 500 && errorCodes(response).some((code) => MISSING.has(code));
  if (missing) return { refused: 'missing', cause: wire.refusal(site, response, what) };
  if (response.status !== 201) return wire.refuse(site, response, what);
  const stored = namedDigest(response);
  if (stored && stored.algorithm === digest.algorithm && !sameDigest(stored, digest)) throw digestMismatch(placeOf(site), digest, formatDigest(stored));
  return {
    descriptor: { mediaType: manifest.mediaType, digest, size: put.bytes.length },
    subjectListed: listsSubject(manifest, digestFrom(response.headers.one('oci-subject') ?? '')),
  };
}

/** distribution-spec "Pushing Manifests with Subject": OCI-Subject names the subject that the registry has understood. */
function listsSubject(manifest: Manifest | Index, understood: Digest | undefined): boolean {
  return manifest.subject !== undefined && understood !== undefined && sameDigest(manifest.subject.digest, understood);
}

export async function deleteManifest(wire: Wire, site: Site, call: Call, target: Digest | string): Promise<void> {
  const what = manifestWhat(target);
  const response = await wire.send(site, call, {
    method: 'DELETE',
    target: manifestPath(target),
    what,
    maxBytes: SMALL_ANSWER,
    write: 'delete',
    idempotent: true,
  });
  if (response.status === 404 || (response.status >= 200 && response.status < 300)) return;
  if (response.status === 405) throw new SealwardError('ERR_REGISTRY_DENIED', `${placeOf(site)}: the registry does not let anybody delete (405)`);
  return wire.refuse(site, response, what);
}
