/** A server on loopback that answers as the test says, and a client that takes it for registry.example and every other name. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach } from 'node:test';
import { HttpClient, type HttpOptions, type HttpRequest } from '../src/clients/http/index.ts';
import { SealwardError } from '../src/core/errors.ts';
import { FixedClock } from '../src/testing/index.ts';

export interface Loopback {
  /** How the server answers; each test says it anew. */
  listener: (request: IncomingMessage, response: ServerResponse) => void;
  /** What was asked in this test. */
  seen: { method: string; url: string; host: string; authorization: string | undefined }[];
  port: number;
}

/** Starts before the tests of a file, ends after them. */
export function loopbackForTests(): Loopback {
  const loopback: Loopback = { listener: (_, response) => response.end(), seen: [], port: 0 };
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    loopback.seen.push({ method, url, host: headers.host ?? '', authorization: headers.authorization });
    loopback.listener(request, response);
  });
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    loopback.port = (server.address() as AddressInfo).port;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    loopback.seen = [];
  });
  return loopback;
}

/** Names end at the test's server; what the rules think of them is the test's to say. */
export const toLoopback = async (): Promise<{ address: string; family: 4 }[]> => [{ address: '127.0.0.1', family: 4 }];

export function client(options: HttpOptions = {}): HttpClient {
  return new HttpClient({ clock: new FixedClock({ skipSleep: true }), random: () => 0.5, resolver: toLoopback, ...options });
}

/** A request to registry.example, on the port of the test's server. */
export function askAt(loopback: Loopback): (http: HttpClient, path: string, more?: Partial<HttpRequest>) => HttpRequest {
  return (http, path, more = {}) => ({
    method: 'GET',
    url: new URL(path, `http://registry.example:${loopback.port}`),
    home: { host: 'registry.example', privateHosts: [] },
    deadline: http.clock.now() + 60_000,
    maxBytes: 1024,
    what: 'the thing',
    ...more,
  });
}

export const fails = (code: string) => (error: unknown) => {
  assert.ok(error instanceof SealwardError, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};
