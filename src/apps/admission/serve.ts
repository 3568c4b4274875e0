/**
 * The HTTPS server under the webhook. The order of its questions is its point: who calls, then what, then how much, and only
 * then what it says. HTTP/1.1, because API servers speak nothing else to webhooks.
 */
import { constants } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type Address, listen } from '../../clients/operations/index.ts';
import { LIMITS } from '../../core/encoding/index.ts';
import { invariant, SealwardError } from '../../core/errors.ts';
import { BodyBudget } from './body.ts';
import { type CallerProof, provenPath } from './caller.ts';
import { Deadline, timeoutOf } from './deadline.ts';
import type { ReviewPath } from './decide-review.ts';

/** PEM. */
export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
  /** The authorities of client certificates, where these prove who calls. */
  readonly clientAuthorities?: string;
}

export interface ServeOptions extends Address {
  readonly certificate: ServerCertificate;
  readonly caller: CallerProof;
  /** What of the time of a review is left for the way back, in milliseconds. */
  readonly marginMs: number;
  /** Bytes of all bodies that are held at one time. */
  readonly bufferedBytes: number;
  readonly connections: number;
  /** A connection that has proven nothing by then is closed; 10 s when not said. Milliseconds. */
  readonly proofMs?: number;
  /** JSON. Throws for what has no answer of its own. */
  readonly answer: (path: ReviewPath, body: Uint8Array, deadline: Deadline) => Promise<string>;
  readonly refused: (error: SealwardError) => void;
}

export interface AdmissionServer {
  readonly port: number;
  /** Reviews that have no answer yet. */
  readonly inFlight: number;
  /** From here on new connections get another certificate; those that are open go on. */
  renew(certificate: ServerCertificate): void;
  /** Still answers, and asks each client to go elsewhere next time. */
  drain(): void;
  /** Takes nothing new, answers what has come, and ends. */
  close(): Promise<void>;
}

/** API servers keep idle connections for 90 s and never repeat a POST: whoever hangs up first loses reviews (admission.md 24). */
const KEEP_ALIVE_MS = 120_000;
const HEADERS_MS = KEEP_ALIVE_MS + 5000;
const REQUEST_MS = HEADERS_MS + 35_000;
const PROOF_MS = 10_000;
const MAX_HEADER_BYTES = 16 * 1024;
/** How long the rest of a refused body is thrown away, so that its sender gets to read why. */
const LINGER_MS = 1000;

export async function serveReviews(options: ServeOptions): Promise<AdmissionServer> {
  const server = new ReviewServer(options);
  await server.listen();
  return server;
}

class ReviewServer implements AdmissionServer {
  readonly #options: ServeOptions;
  readonly #server: Server;
  readonly #bodies: BodyBudget;
  readonly #unproven = new Map<Socket, NodeJS.Timeout>();
  #draining = false;
  #inFlight = 0;

  constructor(options: ServeOptions) {
    this.#options = options;
    this.#bodies = new BodyBudget(options.bufferedBytes);
    this.#server = createServer({
      ...contextOf(options),
      ALPNProtocols: ['http/1.1'],
      // Whoever has no certificate is told so in HTTP, not by a broken connection.
      requestCert: options.caller.kind === 'mtls',
      rejectUnauthorized: false,
      handshakeTimeout: PROOF_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: 1000,
    });
    this.#server.maxConnections = options.connections;
    this.#server.on('secureConnection', (socket: Socket) => this.#watch(socket));
    this.#server.on('request', (request, response) => void this.#take(request, response));
    // `Expect: 100-continue`: nobody is told to go on before it is known who it is.
    this.#server.on('checkContinue', (request, response) => void this.#take(request, response, () => response.writeContinue()));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  get inFlight(): number {
    return this.#inFlight;
  }

  async listen(): Promise<void> {
    await listen(this.#server, this.#options);
  }

  renew(certificate: ServerCertificate): void {
    this.#server.setSecureContext(contextOf({ ...this.#options, certificate }));
  }

  drain(): void {
    this.#draining = true;
  }

  async close(): Promise<void> {
    this.#draining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    for (const [socket] of this.#unproven) socket.destroy();
    await closed;
  }

  #watch(socket: Socket): void {
    const timer = setTimeout(() => socket.destroy(), this.#options.proofMs ?? PROOF_MS);
    timer.unref();
    this.#unproven.set(socket, timer);
    socket.once('close', () => this.#proven(socket));
  }

  #proven(socket: Socket): void {
    clearTimeout(this.#unproven.get(socket));
    this.#unproven.delete(socket);
  }

  async #take(request: IncomingMessage, response: ServerResponse, goOn = (): void => {}): Promise<void> {
    // A connection that breaks is found out where something is read or written.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const [url = '', query = ''] = (request.url ?? '').split('?', 2);
    const deadline = new Deadline(timeoutOf(query), this.#options.marginMs);
    this.#inFlight++;
    try {
      const path = this.#pathOf(request, url);
      this.#proven(request.socket);
      goOn();
      const body = await this.#bodies.read(request, LIMITS.admissionReviewBytes, deadline);
      try {
        this.#send(response, 200, await this.#options.answer(path, body, deadline));
      } finally {
        this.#bodies.release(body.length);
      }
    } catch (error) {
      this.#refuse(request, response, asSealward(error));
    } finally {
      deadline.end();
      this.#inFlight--;
    }
  }

  /** Throws for whoever is not proven, and for what is no question here. */
  #pathOf(request: IncomingMessage, url: string): ReviewPath {
    const path = provenPath(this.#options.caller, request, url);
    if (path === undefined) throw new SealwardError('ERR_CALLER_UNPROVEN', 'nobody but the API server is answered here');
    if (path !== '/validate' && path !== '/mutate')
      throw new SealwardError('ERR_NOT_FOUND', 'there is no such path', { hint: 'There are /validate and /mutate.' });
    if (request.method !== 'POST') throw new SealwardError('ERR_METHOD_NOT_ALLOWED', 'this path takes POST', { hint: 'Only the API server calls this.' });
    const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
    if (type !== 'application/json') throw new SealwardError('ERR_CONTENT_TYPE', 'this path takes application/json');
    if (request.headers['content-encoding'] !== undefined) throw new SealwardError('ERR_CONTENT_TYPE', 'compressed bodies are not taken');
    return path === '/validate' ? 'validate' : 'mutate';
  }

  #send(response: ServerResponse, status: number, text: string, close = this.#draining): void {
    if (response.destroyed || response.headersSent) return;
    const length = Buffer.byteLength(text);
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': length, ...(close ? { connection: 'close' } : {}) });
    // As text it goes out in one piece with its head, which is a third of the work of two.
    response.end(text);
  }

  /** The rest of the body is not wanted, and with it the connection ends. */
  #refuse(request: IncomingMessage, response: ServerResponse, error: SealwardError): void {
    this.#options.refused(error);
    if (response.destroyed || response.headersSent) return;
    const { code, message, hint } = error;
    const body = Buffer.from(JSON.stringify({ code, message, hint }));
    response.writeHead(error.http, {
      'content-type': 'application/json',
      'content-length': body.length,
      connection: 'close',
      ...(code === 'ERR_METHOD_NOT_ALLOWED' ? { allow: 'POST' } : {}),
    });
    if (request.complete || code === 'ERR_CALLER_UNPROVEN') {
      response.end(body);
      return;
    }
    response.write(body);
    const end = (): void => {
      clearTimeout(timer);
      response.end();
    };
    const timer = setTimeout(end, LINGER_MS);
    request.once('end', end).once('close', end).resume();
  }
}

function contextOf({ certificate, caller }: Pick<ServeOptions, 'certificate' | 'caller'>) {
  const { cert, key, clientAuthorities = '' } = certificate;
  // An empty list would mean every public authority.
  invariant(caller.kind !== 'mtls' || clientAuthorities !== '', 'callers prove themselves by certificates, and nobody says by whose');
  return {
    cert,
    key,
    ...(caller.kind === 'mtls' ? { ca: clientAuthorities } : {}),
    minVersion: 'TLSv1.2' as const,
    // A resumed session would answer by who was trusted when it began.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

function asSealward(error: unknown): SealwardError {
  return error instanceof SealwardError ? error : new SealwardError('ERR_INVARIANT', 'the review could not be answered: Sealward failed', { cause: error });
}
