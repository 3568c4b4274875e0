/** An admission webhook that answers as the test says, over real HTTPS on loopback. */
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { JsonObject } from '../src/core/encoding/index.ts';
import { createTlsAuthority } from '../src/testing/index.ts';

export interface SeenReview {
  readonly url: string;
  /** The name in the client certificate, where one of our authority was shown. */
  readonly caller: string | undefined;
  readonly review: JsonObject;
  readonly request: JsonObject;
}

export interface ReviewServer {
  readonly address: string;
  /** PEM, and in base64 as it stands in clientConfig.caBundle. */
  readonly ca: string;
  readonly caBundle: string;
  readonly seen: SeenReview[];
  /** The response without its uid; what is no object is sent as it is, and undefined never comes. */
  answer: (seen: SeenReview) => JsonObject | string | undefined | Promise<JsonObject | string | undefined>;
  status: number;
  close(): Promise<void>;
}

/** @param name for which its certificate is good, beside 127.0.0.1. */
export async function startReviewServer(name = 'webhook.guard.svc', clientAuthority?: string): Promise<ReviewServer> {
  const authority = createTlsAuthority('webhook');
  const { key, cert, ca } = authority.issue(name, '127.0.0.1');
  const seen: SeenReview[] = [];
  const listener = async (request: IncomingMessage): Promise<string | undefined> => {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const review = JSON.parse(Buffer.concat(parts).toString()) as JsonObject;
    const socket = request.socket as TLSSocket;
    const subject = socket.authorized ? String(socket.getPeerCertificate().subject.CN) : undefined;
    const one = { url: request.url ?? '', caller: subject, review, request: review['request'] as JsonObject };
    seen.push(one);
    const response = await server.answer(one);
    if (response === undefined || typeof response === 'string') return response;
    const body = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: one.request['uid'] ?? '', ...response } };
    return JSON.stringify(body);
  };
  const http = createServer({ key, cert, ca: clientAuthority ?? ca, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    void listener(request).then((body) => body !== undefined && response.writeHead(server.status, { 'content-type': 'application/json' }).end(body));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server: ReviewServer = {
    address: `127.0.0.1:${(http.address() as AddressInfo).port}`,
    ca,
    caBundle: Buffer.from(ca).toString('base64'),
    seen,
    answer: () => ({ allowed: true }),
    status: 200,
    async close() {
      http.closeAllConnections();
      await new Promise<void>((resolve) => http.close(() => resolve()));
    },
  };
  return server;
}
