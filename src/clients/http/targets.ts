/** Where a server sends us: Location, Link and realm. Everything in them is attacker-controlled. */
import { isIP } from 'node:net';
import { quoted } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { bareHost, isLoopbackHost, isPublicAddress } from './address-rules.ts';
import type { Standing } from './agents.ts';
import type { Home } from './request.ts';
import { refuseAddress } from './resolver.ts';

const LONGEST_URL = 8192;

/** Resolves a URL that a server named against the one that was asked. Throws ERR_CONTENT_REFUSED. */
export function serverNamedUrl(text: string, base: URL, what: string): URL {
  const url = text.length > LONGEST_URL ? null : URL.parse(text, base);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.hostname === '') {
    throw new SealwardError('ERR_CONTENT_REFUSED', `${quoted(base.host)} names ${quoted(text)} as ${what}, which is not a URL that is followed`);
  }
  // RFC 9110 section 4.2.4: user information in an https URL from an untrusted source is an attempt to deceive.
  if (url.username !== '' || url.password !== '') {
    throw new SealwardError('ERR_CONTENT_REFUSED', `${quoted(base.host)} names a URL with a user name as ${what}`);
  }
  if (base.protocol === 'https:' && url.protocol === 'http:') {
    throw new SealwardError('ERR_CONTENT_REFUSED', `${quoted(base.host)} names ${quoted(url.origin)} as ${what}: that would leave TLS`, {
      hint: 'The registry is told a wrong external URL; whoever runs it should set it to https.',
    });
  }
  url.hash = '';
  return url;
}

export function standingOf(url: URL, home: Home): Standing {
  const host = bareHost(url);
  if (host === home.host) return 'home';
  return home.privateHosts.includes(host) ? 'private' : 'other';
}

/** What can be said without a look-up of the name; node:net does not call `lookup` for literals. */
export function refuseForbiddenLiteral(url: URL, standing: Standing): void {
  if (standing !== 'other') return;
  const host = bareHost(url);
  if (isLoopbackHost(host) || (isIP(host) !== 0 && !isPublicAddress(host))) refuseAddress(host, host);
}
