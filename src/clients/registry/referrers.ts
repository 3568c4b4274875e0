/** The two places where a registry lists what refers to a digest: its referrers API, and the fallback tag. */
import {
  absent,
  complete,
  type Descriptor,
  type Digest,
  formatDigest,
  type Lookup,
  MEDIA_TYPES,
  parseManifest,
  referrersTag,
} from '../../core/artifact/index.ts';
import { LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { Clock, HttpResponse } from '../http/index.ts';
import { errorCodes } from './answers.ts';
import { fetchManifest } from './manifests.ts';
import { nextPage } from './pages.ts';
import { type Call, placeOf, type Site, type Wire } from './wire.ts';

/** How long it is believed that a registry has no referrers API. Registries are upgraded while servers run. */
const REMEMBERED_MS = 15 * 60_000;

/** Which registries were found to have no referrers API; they are asked for the fallback tag at once. */
export class ReferrersMemory {
  readonly #clock: Clock;
  readonly #without = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  lacksApi(registry: string): boolean {
    return (this.#without.get(registry) ?? 0) > this.#clock.now();
  }

  noteLack(registry: string): void {
    this.#without.set(registry, this.#clock.now() + REMEMBERED_MS);
  }
}

/**
 * distribution-spec "Listing Referrers". `absent` means that there is no such API here; every other failure is an
 * error, because "could not find out" must never lead to the other place alone.
 */
export async function listByApi(
  wire: Wire,
  memory: ReferrersMemory,
  site: Site,
  call: Call,
  digest: Digest,
  artifactType?: string,
): Promise<Lookup<readonly Descriptor[]>> {
  const what = `the referrers of ${formatDigest(digest)}`;
  const found: Descriptor[] = [];
  const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  let target: string | URL | undefined = `referrers/${formatDigest(digest)}${query}`;
  for (let page = 0; target !== undefined; page++) {
    if (page >= LIMITS.pagesFollowed) throw tooMany(site, what);
    const response = await wire.send(site, call, {
      method: 'GET',
      target,
      what,
      headers: { accept: MEDIA_TYPES.ociIndex },
      maxBytes: LIMITS.referrersPageBytes,
    });
    if (page === 0 && lacksApi(response)) {
      if (saysNoApi(response)) memory.noteLack(site.endpoint.registry);
      return absent;
    }
    if (response.status !== 200) return wire.refuse(site, response, what);
    found.push(...entriesOf(response, site, what));
    if (found.length > LIMITS.descriptorsListed) throw tooMany(site, what);
    target = nextPage(wire, site, response);
  }
  return complete(found);
}

function tooMany(site: Site, what: string): SealwardError {
  return new SealwardError('ERR_TOO_LARGE', `${placeOf(site)}: ${what} are more than the ${LIMITS.descriptorsListed} that are read`, {
    hint: 'Remove junk from the repository, or name the type of what you look for.',
  });
}

/** 404 is what the specification says; 405, and 400 with UNSUPPORTED, is what some registries say instead. */
function lacksApi(response: HttpResponse): boolean {
  return response.status === 404 || response.status === 405 || (response.status === 400 && errorCodes(response).includes('UNSUPPORTED'));
}

/** A 404 that speaks of the repository or manifest may come from a registry that does have the API. */
function saysNoApi(response: HttpResponse): boolean {
  return !errorCodes(response).some((code) => code === 'NAME_UNKNOWN' || code === 'MANIFEST_UNKNOWN' || code === 'NAME_INVALID');
}

function entriesOf(response: HttpResponse, site: Site, what: string): readonly Descriptor[] {
  const page = parseManifest(response.bytes, response.headers.one('content-type'), `${placeOf(site)}: ${what}`);
  if (page.kind === 'index') return page.manifests;
  throw new SealwardError('ERR_MANIFEST_INVALID', `${placeOf(site)}: ${what} are not an index`);
}

/**
 * The index under the fallback tag. Its entries are never filtered: cosign 3 writes the type of the empty config
 * where the artifactType should stand, so only the manifests themselves say what they are.
 */
export async function listByTag(wire: Wire, site: Site, call: Call, digest: Digest): Promise<Lookup<readonly Descriptor[]>> {
  const found = await fetchManifest(wire, site, call, referrersTag(digest));
  if (found.state !== 'complete') return found;
  const { manifest } = found.value;
  if (manifest.kind === 'index') return complete(manifest.manifests);
  throw new SealwardError('ERR_MANIFEST_INVALID', `${placeOf(site)}: the tag ${referrersTag(digest)} is a manifest where the index of referrers should be`);
}
