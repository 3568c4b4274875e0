/** Health, readiness and numbers, without TLS, on a port of their own: whoever asks here can change nothing. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Address, listen } from './listen.ts';

export interface OperationsOptions extends Address {
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
  /** What is wrong so that only a new start helps; undefined when nothing is. */
  readonly ill: () => string | undefined;
  /** What keeps work away; undefined when nothing does. */
  readonly unready: () => string | undefined;
  /** More that may be read, by path; made when somebody asks. */
  readonly pages?: Readonly<Record<string, () => { readonly type: string; readonly body: string }>>;
}

export interface OperationsServer {
  readonly port: number;
  close(): Promise<void>;
}

const REQUEST_MS = 10_000;

export async function serveOperations(options: OperationsOptions): Promise<OperationsServer> {
  const server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, maxHeaderSize: 16 * 1024 }, (request, response) => {
    void answer(options, request, response);
  });
  return {
    port: await listen(server, options),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer({ metrics, ill, unready, pages = {} }: OperationsOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0];
  const send = (status: number, type: string, body: string, headers: Record<string, string> = {}): void => {
    response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff', ...headers }).end(request.method === 'HEAD' ? '' : body);
  };
  const state = (wrong: string | undefined): void => send(wrong === undefined ? 200 : 503, 'text/plain; charset=utf-8', `${wrong ?? 'ok'}\n`);
  request.on('error', () => undefined).resume();
  response.on('error', () => undefined);
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'text/plain; charset=utf-8', 'GET only\n', { allow: 'GET, HEAD' });
  switch (path) {
    case '/healthz':
      return state(ill());
    case '/readyz':
      return state(ill() ?? unready());
    case '/metrics':
      try {
        return send(200, metrics.contentType, await metrics.text());
      } catch {
        return send(500, 'text/plain; charset=utf-8', 'the numbers cannot be read\n');
      }
    default: {
      const page = path !== undefined && Object.hasOwn(pages, path) ? pages[path]?.() : undefined;
      if (page) return send(200, page.type, page.body);
      return send(404, 'text/plain; charset=utf-8', `there are ${['/healthz', '/readyz', '/metrics', ...Object.keys(pages)].join(', ')}\n`);
    }
  }
}
