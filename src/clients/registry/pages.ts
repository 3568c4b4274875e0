/** Paging by the Link header (RFC 8288), distribution-spec "Listing Tags" and "Listing Referrers". */
import { quoted } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { type HttpResponse, serverNamedUrl } from '../http/index.ts';
import { placeOf, type Site, type Wire } from './wire.ts';

/** The address of the next page, or undefined at the end. It must be on the registry's own origin, below /v2/. */
export function nextPage(wire: Wire, site: Site, response: HttpResponse): URL | undefined {
  for (const header of response.headers.all('link')) {
    // RFC 8288 section 3; a comma can stand inside the angle brackets, so the header is not simply split.
    for (const match of header.slice(0, 16_384).matchAll(/<([^<>]*)>\s*((?:;\s*[\w!#$&+.^`|~*-]+\s*=\s*(?:"[^"]*"|[^\s,;"]*)\s*)*)/g)) {
      if (!/;\s*rel\s*=\s*(?:next|"(?:[^"]*\s)?next(?:\s[^"]*)?")\s*(?:;|$)/i.test(match[2] ?? '')) continue;
      const url = serverNamedUrl(match[1] ?? '', response.url, 'the next page');
      if (url.origin !== wire.endpoints.base(site.endpoint).origin || !url.pathname.startsWith('/v2/')) {
        throw new SealwardError('ERR_CONTENT_REFUSED', `${placeOf(site)}: the next page is said to be at ${quoted(url.origin)}, which is another host`);
      }
      return url;
    }
  }
  return undefined;
}
