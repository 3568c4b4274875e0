import { absent, complete, isTag, type Lookup, quoted } from '../../core/artifact/index.ts';
import { LIMITS, parseJsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { nextPage } from './pages.ts';
import { type Call, placeOf, type Site, type Wire } from './wire.ts';

/** distribution-spec "Listing Tags". */
export async function listTags(wire: Wire, site: Site, call: Call): Promise<Lookup<readonly string[]>> {
  const tags: string[] = [];
  let target: string | URL | undefined = 'tags/list?n=1000';
  for (let page = 0; target !== undefined; page++) {
    if (page >= LIMITS.pagesFollowed || tags.length > LIMITS.tagsListed) {
      throw new SealwardError('ERR_TOO_LARGE', `${placeOf(site)}: there are more tags than the ${LIMITS.tagsListed} that are listed`);
    }
    const response = await wire.send(site, call, { method: 'GET', target, what: 'the list of tags', maxBytes: LIMITS.referrersPageBytes });
    if (response.status === 404 && page === 0) return absent;
    if (response.status !== 200) return wire.refuse(site, response, 'the list of tags');
    tags.push(...tagsOf(response.bytes, site));
    target = nextPage(wire, site, response);
  }
  return complete(tags);
}

function tagsOf(bytes: Uint8Array, site: Site): string[] {
  const what = `${placeOf(site)}: the list of tags`;
  const { tags } = parseJsonObject(bytes, { what, maxBytes: LIMITS.referrersPageBytes });
  // docker-registry writes null for a repository whose last tag was deleted.
  if (tags === null) return [];
  const bad = Array.isArray(tags) ? tags.find((tag) => typeof tag !== 'string' || !isTag(tag)) : '';
  if (bad !== undefined) throw new SealwardError('ERR_MANIFEST_INVALID', `${what} holds something that is not a tag: ${quoted(JSON.stringify(bad))}`);
  return tags as string[];
}
