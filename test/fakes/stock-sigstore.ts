/** Sigstore's services as others run them, over HTTP: Fulcio, Rekor of both versions, a timestamp authority. What they give is made by the private Sigstore of the tests. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { keySigner } from '../../src/clients/signers/index.ts';
import { parseCertificate, parsePublicKeyPem, sha256 } from '../../src/core/crypto/index.ts';
import { canonicalJson, decodeBase64, encodeHex, encodePem, type JsonObject, utf8 } from '../../src/core/encoding/index.ts';
import { createTimestampAuthority, Serials } from '../../src/services/timestamp/index.ts';
import { createTestSigstore, type TestSigstore } from '../../src/testing/index.ts';

interface Answer {
  readonly status: number;
  readonly body: string | Uint8Array;
  readonly headers?: Record<string, string>;
}

export interface StockSigstore {
  readonly url: string;
  readonly sigstore: TestSigstore;
  /** What was asked of it: `POST /path`. */
  readonly asked: string[];
  /** Answers the next request for this path in its own way; nothing is the answer that there would have been. */
  readonly faults: Map<string, (body: Uint8Array) => Answer | Promise<Answer | undefined>>;
  /** How many connections were accepted. */
  connections(): number;
  stop(): Promise<void>;
}

const nothing = (): Answer => ({ status: 404, body: '' });

export async function startStockSigstore(): Promise<StockSigstore> {
  const sigstore = createTestSigstore({ clock: { now: Date.now } });
  const entries = new Map<string, string>();
  const asked: string[] = [];
  const faults: StockSigstore['faults'] = new Map();
  const { signer, chain } = sigstore.timestampAuthority;
  const stamps = createTimestampAuthority({
    signer: keySigner(signer.key.privateKey),
    chain: chain.map((der) => parseCertificate(der)),
    clock: { now: Date.now },
    serials: new Serials(async () => 0n),
  });
  const answers: Readonly<Record<string, (body: Uint8Array) => Answer | Promise<Answer>>> = {
    'POST /api/v2/signingCert': (body) => certify(sigstore, body),
    'POST /api/v1/timestamp': async (body) => ({ status: 201, body: await stamps.answer(body) }),
    'POST /api/v2/log/entries': (body) => ({ status: 201, body: JSON.stringify(appendSecond(sigstore, body)) }),
    'POST /api/v1/log/entries': (body) => {
      const key = encodeHex(body);
      if (entries.has(key)) return { status: 409, body: '{"code":409}', headers: { location: `/api/v1/log/entries/${'ab'.repeat(32)}` } };
      const text = JSON.stringify({ ['ab'.repeat(32)]: asFirst(appendFirst(sigstore, body)) });
      entries.set(key, text);
      return { status: 201, body: text };
    },
    [`GET /api/v1/log/entries/${'ab'.repeat(32)}`]: () => ({ status: 200, body: [...entries.values()].at(-1) ?? '' }),
  };
  const server = createServer((request, response) => {
    void read(request).then(async (body) => {
      const path = `${request.method} ${request.url}`;
      asked.push(path);
      const fault = faults.get(path);
      faults.delete(path);
      const { status, body: answer, headers = {} } = (await fault?.(body)) ?? (await (answers[path] ?? nothing)(body));
      response.writeHead(status, headers).end(answer);
    });
  });
  let accepted = 0;
  server.on('connection', () => accepted++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sigstore,
    asked,
    faults,
    connections: () => accepted,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function read(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new Uint8Array(Buffer.concat(chunks));
}

function json(body: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(body));
}

/** Issues to whomever: what is tested here is the client. */
function certify(sigstore: TestSigstore, body: Uint8Array): Answer {
  const { publicKeyRequest } = json(body) as { publicKeyRequest: { publicKey: { content: string } } };
  const publicKey = parsePublicKeyPem(publicKeyRequest.publicKey.content, 'the key');
  const { der, chain } = sigstore.issue({ key: { publicKey } as never });
  const certificates = [der, ...chain].map((one) => encodePem('CERTIFICATE', one));
  return { status: 200, body: JSON.stringify({ signedCertificateEmbeddedSct: { chain: { certificates } } }) };
}

/** rekor pkg/types: an envelope is kept by its digests, everything else as it came. */
function appendFirst({ rekor }: TestSigstore, body: Uint8Array): JsonObject {
  const { kind, spec } = json(body) as { kind: string; spec: JsonObject & { proposedContent?: { envelope: string; verifiers: string[] } } };
  if (!spec.proposedContent) return rekor.appendBody(kind, '0.0.1', utf8(canonicalJson({ apiVersion: '0.0.1', kind, spec })));
  const envelope = JSON.parse(spec.proposedContent.envelope) as { payload: string; signatures: { sig: string }[] };
  const digest = (bytes: Uint8Array): JsonObject => ({ algorithm: 'sha256', value: encodeHex(sha256(bytes)) });
  const kept = {
    envelopeHash: digest(utf8(spec.proposedContent.envelope)),
    payloadHash: digest(decodeBase64(envelope.payload)),
    signatures: [{ signature: envelope.signatures[0]?.sig ?? '', verifier: spec.proposedContent.verifiers[0] ?? '' }],
  };
  return rekor.appendBody(kind, '0.0.1', utf8(canonicalJson({ apiVersion: '0.0.1', kind, spec: kept })));
}

/** rekor-tiles, hashedrekord.proto. */
function appendSecond({ tiles }: TestSigstore, body: Uint8Array): JsonObject {
  const { hashedRekordRequestV002: request } = json(body) as { hashedRekordRequestV002: { digest: string; signature: JsonObject } };
  const record = { data: { algorithm: 'SHA2_256', digest: request.digest }, signature: request.signature };
  return tiles.appendBody('hashedrekord', '0.0.2', utf8(canonicalJson({ apiVersion: '0.0.2', kind: 'hashedrekord', spec: { hashedRekordV002: record } })));
}

/** LogEntry of the first API. */
function asFirst(entry: JsonObject): JsonObject {
  const hex = (text: unknown): string => encodeHex(decodeBase64(String(text)));
  const proof = entry['inclusionProof'] as { logIndex: string; rootHash: string; treeSize: string; hashes: string[]; checkpoint: { envelope: string } };
  return {
    body: entry['canonicalizedBody'] as string,
    integratedTime: Number(entry['integratedTime']),
    logID: hex((entry['logId'] as { keyId: string }).keyId),
    logIndex: Number(entry['logIndex']),
    verification: {
      inclusionProof: {
        checkpoint: proof.checkpoint.envelope,
        hashes: proof.hashes.map(hex),
        logIndex: Number(proof.logIndex),
        rootHash: hex(proof.rootHash),
        treeSize: Number(proof.treeSize),
      },
      signedEntryTimestamp: (entry['inclusionPromise'] as { signedEntryTimestamp: string }).signedEntryTimestamp,
    },
  };
}
