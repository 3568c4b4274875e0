/** Serves routes over HTTP: bounds, types and methods before a route is reached, one shape for every refusal, and an end that loses nothing. */
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { ServiceAnswer, ServiceRequest, ServiceRoute } from '../../core/contract/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { asServiceError, errorAnswer } from './answers.ts';
import type { ServerMetrics } from './metrics.ts';

export interface ServeOptions {
  readonly routes: readonly ServiceRoute[];
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** PEM. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly logger: Logger;
  readonly metrics: ServerMetrics;
  /** A request that has not arrived whole by then is given up. */
  readonly requestMs: number;
}

export interface RunningServer {
  readonly port: number;
  /** For connections that come from now on; those that are open go on. PEM. */
  replaceTls(tls: { readonly cert: string; readonly key: string }): void;
  /** Takes nothing new, answers what has come, and ends. */
  close(): Promise<void>;
}

/** Longer than load balancers keep theirs; Node's 5 s loses requests on connections that were thought open. */
const KEEP_ALIVE_MS = 120_000;
const HEADERS_MS = 10_000;
const LONGEST_PATH = 1024;
const MAX_HEADER_BYTES = 16 * 1024;
const TLS_VERSION = 'TLSv1.2';
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { routes, host, port, tls, requestMs } = options;
  const settings = {
    requestTimeout: requestMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    routerOptions: { maxParamLength: LONGEST_PATH, ignoreTrailingSlash: false },
    forceCloseConnections: 'idle',
    exposeHeadRoutes: true,
    http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: Math.min(HEADERS_MS, requestMs), connectionsCheckingInterval: Math.min(1000, requestMs) },
  } as const;
  const app = (tls ? fastify({ ...settings, https: { ...settings.http, ...tls, minVersion: TLS_VERSION } }) : fastify(settings)) as unknown as FastifyInstance;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, _request, reply) => send(reply, refusal(options, error)));
  app.setNotFoundHandler((_request, reply) =>
    send(reply, errorAnswer(new SealwardError('ERR_NOT_FOUND', 'there is no such path', { hint: 'Check the URL; the API is that of Sigstore.' }))),
  );
  app.addHook('onResponse', async (request, reply) => record(options, request, reply));
  for (const [path, methods] of Map.groupBy(routes, (route) => route.path)) addPath(app, path, methods);
  await app.listen({ host, port }).catch((cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException;
    throw new SealwardError('ERR_ADDRESS_UNUSABLE', `nothing can listen at ${host.includes(':') ? `[${host}]` : host}:${port}: ${code}`, { cause });
  });
  return {
    port: (app.server.address() as AddressInfo).port,
    replaceTls: (next) => (app.server as unknown as Server).setSecureContext({ ...next, minVersion: TLS_VERSION }),
    close: () => app.close(),
  };
}

function addPath(app: FastifyInstance, path: string, routes: readonly ServiceRoute[]): void {
  for (const route of routes) {
    // One more than the bound: what is exactly too large gets the sentence of whoever reads it.
    app.route({ method: route.method, url: path, bodyLimit: route.maxBytes + 1, handler: async (request, reply) => send(reply, await answer(route, request)) });
  }
  const known = routes.map(({ method }) => method as string);
  const allow = [...known, ...(known.includes('GET') ? ['HEAD'] : [])].join(', ');
  const refuse = async (_request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
    send(reply.header('allow', allow).header('connection', 'close'), errorAnswer(new SealwardError('ERR_METHOD_NOT_ALLOWED', `this path takes ${allow}`)));
  // Before whatever body came along is read.
  app.route({ method: METHODS.filter((method) => !known.includes(method)), url: path, onRequest: refuse, handler: refuse });
}

async function answer(route: ServiceRoute, request: FastifyRequest): Promise<ServiceAnswer> {
  const body = request.body instanceof Uint8Array ? request.body : new Uint8Array();
  if (request.headers['content-encoding'] !== undefined) throw new SealwardError('ERR_CONTENT_TYPE', 'compressed bodies are not taken');
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (route.accepts && !route.accepts.includes(type)) {
    throw new SealwardError('ERR_CONTENT_TYPE', `this path takes ${route.accepts.join(' or ')}, not ${JSON.stringify(type.slice(0, 80))}`);
  }
  return route.answer(serviceRequest(request, body));
}

function serviceRequest(request: FastifyRequest, body: Uint8Array): ServiceRequest {
  const url = request.raw.url ?? '';
  const at = url.indexOf('?');
  return {
    params: request.params as Readonly<Record<string, string>>,
    query: new URLSearchParams(at < 0 ? '' : url.slice(at + 1)),
    headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value])),
    body: new Uint8Array(body.buffer, body.byteOffset, body.length),
    remote: request.ip,
    signal: request.signal,
  };
}

function refusal({ logger }: ServeOptions, thrown: unknown): ServiceAnswer {
  const error = asServiceError(thrown);
  if (error.http >= 500) logger.error({ code: error.code, err: error.cause ?? error }, error.message);
  return errorAnswer(error);
}

function send(reply: FastifyReply, { status, headers, body }: ServiceAnswer): FastifyReply {
  const bytes = typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.length);
  return reply
    .code(status)
    .headers({ 'x-content-type-options': 'nosniff', ...headers })
    .send(bytes);
}

/** One line for each request, without its body, its headers and its query: nothing secret can be in it. */
function record({ logger, metrics }: ServeOptions, request: FastifyRequest, reply: FastifyReply): void {
  const path = request.routeOptions.url ?? 'none';
  metrics.request(path, request.method, reply.statusCode, reply.elapsedTime / 1000);
  logger.info({ method: request.method, path, status: reply.statusCode, ms: Math.round(reply.elapsedTime * 10) / 10, remote: request.ip }, 'request');
}
