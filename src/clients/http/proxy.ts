/** Proxies, by the rules that Go's programs made the custom of this field (golang.org/x/net/http/httpproxy). */
import { BlockList, isIP, isIPv6 } from 'node:net';
import { quoted } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { bareHost, isLoopbackHost } from './address-rules.ts';

export interface ProxyConfig {
  /** For https targets, by CONNECT. */
  readonly https?: URL;
  /** For http targets, by the absolute form. */
  readonly http?: URL;
  readonly exceptions: readonly ProxyException[];
}

export type ProxyException =
  | { readonly kind: 'all' }
  | { readonly kind: 'network'; readonly list: BlockList; readonly port?: string }
  | { readonly kind: 'domain'; readonly suffix: string; readonly exact: boolean; readonly port?: string };

export const NO_PROXY: ProxyConfig = { exceptions: [] };

/**
 * HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in capitals or not. The apps pass their environment in; nothing here reads it.
 * Throws ERR_CONFIG_INVALID.
 */
export function parseProxyEnvironment(env: Readonly<Record<string, string | undefined>>): ProxyConfig {
  const read = (name: string): string => env[name] || env[name.toLowerCase()] || '';
  const https = parseProxyUrl(read('HTTPS_PROXY'), 'HTTPS_PROXY');
  // In a CGI program HTTP_PROXY is what the visitor sent as "Proxy:" header (CVE-2016-5385).
  const http = env.REQUEST_METHOD === undefined ? parseProxyUrl(read('HTTP_PROXY'), 'HTTP_PROXY') : undefined;
  const exceptions = read('NO_PROXY')
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '')
    .flatMap(parseException);
  return { ...(https ? { https } : {}), ...(http ? { http } : {}), exceptions };
}

function parseProxyUrl(text: string, variable: string): URL | undefined {
  if (text === '') return undefined;
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url && (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== '') return url;
  // The value may hold a password, so it is not shown.
  throw new SealwardError('ERR_CONFIG_INVALID', `${variable} is not the URL of an HTTP proxy`, { hint: 'Write http://HOST:PORT.' });
}

function parseException(entry: string): ProxyException[] {
  if (entry === '*') return [{ kind: 'all' }];
  const [network = '', bits] = entry.split('/', 2);
  if (bits !== undefined) {
    const most = isIPv6(network) ? 128 : 32;
    // As in Go, what cannot be understood excepts nothing.
    return isIP(network) !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most ? [{ kind: 'network', list: networkList(network, Number(bits)) }] : [];
  }
  const { host, port } = splitPort(entry);
  const portPart = port === undefined ? {} : { port };
  if (isIP(host) !== 0) return [{ kind: 'network', list: networkList(host, isIPv6(host) ? 128 : 32), ...portPart }];
  const bare = host.replace(/^\*?\./, '');
  return bare === '' ? [] : [{ kind: 'domain', suffix: `.${bare}`, exact: bare === host, ...portPart }];
}

function splitPort(entry: string): { host: string; port?: string } {
  if (isIP(entry) !== 0) return { host: entry };
  const match = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(entry);
  if (!match) return { host: entry.replace(/^\[(.+)\]$/, '$1') };
  return { host: match[1] ?? match[2] ?? '', port: match[3] as string };
}

function networkList(address: string, prefix: number): BlockList {
  const list = new BlockList();
  list.addSubnet(address, prefix, isIPv6(address) ? 'ipv6' : 'ipv4');
  return list;
}

/** The proxy for a URL, or undefined for a direct connection. Loopback is never asked of a proxy. */
export function proxyFor(url: URL, config: ProxyConfig): URL | undefined {
  const proxy = url.protocol === 'https:' ? config.https : config.http;
  const host = bareHost(url);
  if (!proxy || isLoopbackHost(host)) return undefined;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return config.exceptions.some((exception) => excepts(exception, host, port)) ? undefined : proxy;
}

function excepts(exception: ProxyException, host: string, port: string): boolean {
  if (exception.kind === 'all') return true;
  if (exception.port !== undefined && exception.port !== port) return false;
  if (exception.kind === 'network') return isIP(host) !== 0 && exception.list.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
  return host.endsWith(exception.suffix) || (exception.exact && host === exception.suffix.slice(1));
}

/** The header by which a proxy with a user name in its URL is satisfied. */
export function proxyAuthorization(proxy: URL): Record<string, string> {
  if (proxy.username === '') return {};
  const decode = (part: string): string => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw new SealwardError('ERR_CONFIG_INVALID', `the user name or password in the URL of the proxy ${quoted(proxy.host)} is not percent-encoded`);
    }
  };
  return { 'proxy-authorization': `Basic ${Buffer.from(`${decode(proxy.username)}:${decode(proxy.password)}`).toString('base64')}` };
}
