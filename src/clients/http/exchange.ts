/** One request and one answer on the wire: no redirects, no retries, no opinion about the status. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline, Readable } from 'node:stream';
import { quoted } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { bareHost } from './address-rules.ts';
import type { Agents, Standing } from './agents.ts';
import { connectionError, noteKept } from './connection-errors.ts';
import { proxyAuthorization } from './proxy.ts';
import type { HttpRequest, RequestBody, ResponseHeaders } from './request.ts';
import { type Resolver, socketLookup } from './resolver.ts';
import type { Watch } from './watch.ts';

export interface Hop {
  readonly request: HttpRequest;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly standing: Standing;
  readonly proxy: URL | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly message: IncomingMessage;
}

export function exchange(agents: Agents, resolver: Resolver, hop: Hop, watch: Watch): Promise<Answer> {
  const { url } = hop;
  return new Promise((resolve, reject) => {
    const sent = start(agents, resolver, hop);
    watch.guard((error) => sent.destroy(error));
    let answered = false;
    const fail = (cause: unknown): void => {
      const error = connectionError(cause, url);
      reject(sent.reusedSocket && !answered ? noteKept(error) : error);
    };
    sent.once('response', (message) => {
      answered = true;
      watch.guard((error) => message.destroy(error));
      try {
        resolve({ status: message.statusCode ?? 0, headers: acceptHeaders(message, url), message });
      } catch (error) {
        message.destroy();
        reject(connectionError(error, url));
      }
    });
    // Stays to the end: an error after the answer (the server closed while the body was still being sent) is no news.
    sent.on('error', fail);
    write(sent, hop.request.body, fail);
  });
}

function start(agents: Agents, resolver: Resolver, hop: Hop): ClientRequest {
  const { url, proxy, standing } = hop;
  const secure = url.protocol === 'https:';
  const agent = agents.for(url, standing, proxy);
  const size = bodySize(hop.request.body);
  const headers = {
    ...hop.headers,
    host: url.host,
    // undici CVE-2026-22036: what is never compressed needs no bound on what it inflates to.
    'accept-encoding': 'identity',
    ...(size === undefined ? {} : { 'content-length': String(size) }),
  };
  const method = hop.request.method;
  if (!secure && proxy) {
    // RFC 9112 section 3.2.2: the absolute form, for a proxy.
    const target = { host: bareHost(proxy), port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80), path: url.href };
    const request = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
    return request({ ...target, method, agent, headers: { ...headers, ...proxyAuthorization(proxy) }, lookup: socketLookup(resolver, false) });
  }
  const options = {
    host: bareHost(url),
    port: url.port || (secure ? 443 : 80),
    path: `${url.pathname}${url.search}`,
    method,
    agent,
    headers,
    lookup: socketLookup(resolver, standing === 'other'),
  };
  return secure ? httpsRequest(options) : httpRequest(options);
}

function bodySize(body: RequestBody | undefined): number | undefined {
  if (body === undefined) return undefined;
  return body instanceof Uint8Array ? body.length : body.size;
}

function write(sent: ClientRequest, body: RequestBody | undefined, fail: (cause: unknown) => void): void {
  if (body === undefined || body instanceof Uint8Array) {
    sent.end(body);
    return;
  }
  const source = Readable.from(body.open(), { objectMode: false });
  // Before the pipeline's own listener: what went wrong with the source says more than the connection it takes down.
  source.once('error', fail);
  pipeline(source, sent, () => {});
}

function acceptHeaders(message: IncomingMessage, url: URL): ResponseHeaders {
  const distinct = message.headersDistinct;
  const headers: ResponseHeaders = {
    one(name) {
      const values = [...new Set(distinct[name] ?? [])];
      if (values.length > 1) throw new SealwardError('ERR_CONTENT_REFUSED', `${quoted(url.host, 260)} sent the header ${name} twice with different values`);
      return values[0];
    },
    all: (name) => distinct[name] ?? [],
  };
  const encoding = headers.one('content-encoding');
  if (encoding !== undefined && encoding.trim() !== '' && encoding.trim().toLowerCase() !== 'identity') {
    throw new SealwardError('ERR_CONTENT_REFUSED', `${quoted(url.host, 260)} sent a body with Content-Encoding ${quoted(encoding)}, which was not asked for`);
  }
  return headers;
}
