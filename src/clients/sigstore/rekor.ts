/** Entries in transparency logs: Rekor's API of version 2, and of version 1 where that is what there is. */
import { type Algorithm, type Certificate, encodePublicKeyPem, hash, type PublicKey } from '../../core/crypto/index.ts';
import {
  decodeBase64,
  decodeHex,
  encodeBase64,
  encodeHex,
  encodePem,
  type JsonObject,
  type JsonValue,
  LIMITS,
  parseJson,
  parseJsonObject,
  utf8,
} from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { parseLogEntry } from '../../core/tlog/index.ts';
import { askService, type ServiceCall, serviceUrl } from './services.ts';

const WHAT = 'the transparency log';

/** What an entry says. */
export interface LoggedSignature {
  /** What was signed: the file itself, or the pre-authentication encoding of an envelope. */
  readonly signed: Uint8Array;
  /** The digest of the same, where the bytes are not at hand. */
  readonly digest?: Uint8Array;
  readonly signature: Uint8Array;
  readonly algorithm: Algorithm;
  /** Who signed. */
  readonly verifier: Certificate | PublicKey;
  /** The envelope in JSON, where there is one: the first version keeps envelopes as such. */
  readonly envelope?: string;
}

export interface LogService {
  readonly url: string;
  /** Of the API. */
  readonly version: number;
}

/** A TransparencyLogEntry in proto3 JSON, read strictly but not yet believed. Throws ERR_SERVICE_REFUSED, ERR_SERVICE_UNAVAILABLE, ERR_LOG_FORMAT or ERR_KEY_INVALID. */
export async function appendEntry(call: ServiceCall, { url, version }: LogService, entry: LoggedSignature): Promise<JsonObject> {
  const json = version >= 2 ? await appendToTiles(call, url, entry) : await appendToFirst(call, url, entry);
  parseLogEntry(json);
  return json;
}

async function appendToTiles(call: ServiceCall, url: string, { signed, signature, algorithm, verifier, digest }: LoggedSignature): Promise<JsonObject> {
  if (algorithm.hash === undefined || algorithm.scheme === 'ed25519ph') {
    throw new SealwardError('ERR_KEY_INVALID', `logs take no signatures of ${algorithm.id}: they verify a digest, and it signs the message itself`, {
      hint: 'Sign with ECDSA, or without a log.',
    });
  }
  const request = {
    hashedRekordRequestV002: {
      digest: encodeBase64(digest ?? hash(algorithm.hash, signed)),
      signature: {
        content: encodeBase64(signature),
        verifier: {
          keyDetails: algorithm.keyDetails,
          ...('serial' in verifier ? { x509Certificate: { rawBytes: encodeBase64(verifier.raw) } } : { publicKey: { rawBytes: encodeBase64(verifier.spki) } }),
        },
      },
    },
  };
  const { bytes } = await askService(call, {
    method: 'POST',
    url: serviceUrl(url, '/api/v2/log/entries', WHAT),
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: utf8(JSON.stringify(request)),
    maxBytes: LIMITS.bundleBytes,
    what: WHAT,
    // The same entry again is answered with the same index.
    idempotent: true,
  });
  return parseJsonObject(bytes, { what: 'the answer of the transparency log', maxBytes: LIMITS.bundleBytes });
}

async function appendToFirst(call: ServiceCall, url: string, entry: LoggedSignature): Promise<JsonObject> {
  const home = serviceUrl(url, '/api/v1/log/entries', WHAT);
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const request = {
    method: 'POST',
    url: home,
    headers,
    body: utf8(JSON.stringify(firstRequest(entry))),
    maxBytes: LIMITS.attestationBytes,
    what: WHAT,
    idempotent: true,
  } as const;
  const answer = await askService(call, request, [409]);
  if (answer.status !== 409) return fromFirst(answer.bytes);
  // It is there already: the answer names where.
  const location = answer.headers.one('location') ?? '';
  const place = URL.parse(location, home);
  if (place?.origin !== home.origin || !place.pathname.startsWith(home.pathname))
    throw new SealwardError('ERR_LOG_FORMAT', `${WHAT} has the entry already and does not say where`);
  return fromFirst(
    (
      await askService(call, {
        method: 'GET',
        url: place,
        headers: { accept: 'application/json' },
        maxBytes: LIMITS.attestationBytes,
        what: WHAT,
        idempotent: true,
      })
    ).bytes,
  );
}

/** The kinds dsse and hashedrekord, 0.0.1 (rekor, pkg/types). */
function firstRequest({ signed, digest, signature, algorithm, verifier, envelope }: LoggedSignature): JsonObject {
  const pem = encodeBase64(utf8('serial' in verifier ? encodePem('CERTIFICATE', verifier.raw) : encodePublicKeyPem(verifier)));
  if (envelope !== undefined) return { apiVersion: '0.0.1', kind: 'dsse', spec: { proposedContent: { envelope, verifiers: [pem] } } };
  const name = algorithm.hash ?? 'sha256';
  return {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: name, value: encodeHex(digest ?? hash(name, signed)) } },
      signature: { content: encodeBase64(signature), publicKey: { content: pem } },
    },
  };
}

/** LogEntry of the first API, as a TransparencyLogEntry. */
function fromFirst(bytes: Uint8Array): JsonObject {
  const answer = parseJson(bytes, { what: 'the answer of the transparency log', maxBytes: LIMITS.attestationBytes });
  const [entry, second] = answer !== null && typeof answer === 'object' && !Array.isArray(answer) ? Object.values(answer) : [];
  const refuse = (): never => {
    throw new SealwardError('ERR_LOG_FORMAT', `${WHAT} answered with something that is no entry`);
  };
  const member = (holder: JsonValue | undefined, name: string): JsonValue | undefined =>
    holder !== null && typeof holder === 'object' && !Array.isArray(holder) && Object.hasOwn(holder, name) ? holder[name] : undefined;
  const text = (holder: JsonValue | undefined, name: string): string => {
    const value = member(holder, name);
    return typeof value === 'string' ? value : refuse();
  };
  const number = (holder: JsonValue | undefined, name: string): string => {
    const value = member(holder, name);
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? String(value) : refuse();
  };
  if (entry === undefined || second !== undefined) return refuse();
  const body = text(entry, 'body');
  const { kind, apiVersion } = parseJsonObject(decodeBase64(body, 'the body of the log entry'), {
    what: 'the body of the log entry',
    maxBytes: LIMITS.attestationBytes,
  });
  const verification = member(entry, 'verification');
  const proof = member(verification, 'inclusionProof');
  const hashes = member(proof, 'hashes');
  const base64Of = (hex: string): string => encodeBase64(decodeHex(hex, 'a hash of the log entry'));
  return {
    logIndex: number(entry, 'logIndex'),
    logId: { keyId: base64Of(text(entry, 'logID')) },
    kindVersion: { kind: kind ?? null, version: apiVersion ?? null },
    integratedTime: number(entry, 'integratedTime'),
    inclusionPromise: { signedEntryTimestamp: text(verification, 'signedEntryTimestamp') },
    inclusionProof: {
      logIndex: number(proof, 'logIndex'),
      rootHash: base64Of(text(proof, 'rootHash')),
      treeSize: number(proof, 'treeSize'),
      hashes: (Array.isArray(hashes) ? hashes : refuse()).map((item) => base64Of(typeof item === 'string' ? item : refuse())),
      checkpoint: { envelope: text(proof, 'checkpoint') },
    },
    canonicalizedBody: body,
  };
}
