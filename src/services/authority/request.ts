/** CreateSigningCertificateRequest of Fulcio's v2 API (fulcio.proto), from its proto3 JSON. */
import { LIMITS, parseJson, ProtoObject } from '../../core/encoding/index.ts';
import type { KeyProof } from './proof.ts';

/** A token, a request and room for JSON. */
export const REQUEST_BYTES: number = 4 * LIMITS.jwtBytes;

/** Throws ERR_REQUEST_INVALID, ERR_JSON_INVALID, ERR_ENCODING_INVALID or ERR_TOO_LARGE. */
export function parseSigningRequest(body: Uint8Array, authorization?: string): { readonly token: string; readonly proof: KeyProof } {
  const value = parseJson(body, { what: 'the request', maxBytes: REQUEST_BYTES, maxDepth: 8 });
  const root = new ProtoObject(value, 'the request', ['credentials', 'publicKeyRequest', 'certificateSigningRequest'], 'ERR_REQUEST_INVALID');
  const token = readToken(root, authorization);
  if (root.has('publicKeyRequest') === root.has('certificateSigningRequest')) root.refuse('it must carry either publicKeyRequest or certificateSigningRequest');
  return { token, proof: root.has('publicKeyRequest') ? readSignature(root) : { kind: 'request', bytes: root.bytes('certificateSigningRequest') } };
}

/** In the body as the API says, or in the header, where Sigstore's client for Go puts it. Two that differ are two questions. */
function readToken(root: ProtoObject, authorization: string | undefined): string {
  const inBody = root.optionalObject('credentials', ['oidcIdentityToken'])?.string('oidcIdentityToken') ?? '';
  const inHeader = /^Bearer ([^\s,]+)$/i.exec(authorization ?? '')?.[1] ?? '';
  if (inBody !== '' && inHeader !== '' && inBody !== inHeader) root.refuse('it carries two tokens');
  const token = inBody || inHeader;
  return token === '' ? root.refuse('credentials.oidcIdentityToken is missing, and no token stands in the Authorization header') : token;
}

function readSignature(root: ProtoObject): KeyProof {
  const part = root.object('publicKeyRequest', ['publicKey', 'proofOfPossession']);
  const key = part.object('publicKey', ['algorithm', 'content']);
  // What the algorithm says is what the key says; upstream calls it a hint and ignores it, too.
  const publicKeyPem = key.string('content');
  if (publicKeyPem === '') key.refuse('content is missing');
  return { kind: 'signature', publicKeyPem, signature: part.bytes('proofOfPossession') };
}
