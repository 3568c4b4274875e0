/** DSSE envelopes (secure-systems-lab/dsse v1.0.2, envelope.md and protocol.md). */
import { concatBytes, encodeBase64, LIMITS, parseJson, ProtoObject, utf8 } from '../encoding/index.ts';

export interface EnvelopeSignature {
  readonly bytes: Uint8Array;
  /** A hint that nothing authenticates. */
  readonly keyId: string;
}

export interface Envelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signatures: readonly EnvelopeSignature[];
}

const FIELDS = ['payload', 'payloadType', 'signatures'];
// cosign's legacy envelopes and npm's carry an empty `cert` or `extension` nowhere: only these two are defined.
const SIGNATURE_FIELDS = ['sig', 'keyid'];

export function parseEnvelope(source: Uint8Array): Envelope {
  return readEnvelope(new ProtoObject(parseJson(source, { what: 'the envelope', maxBytes: LIMITS.attestationBytes }), 'the envelope', FIELDS));
}

export function readEnvelope(envelope: ProtoObject): Envelope {
  const payloadType = envelope.string('payloadType');
  if (payloadType === '') envelope.refuse('payloadType is missing');
  const signatures = envelope
    .objects('signatures', LIMITS.signaturesPerEnvelope, SIGNATURE_FIELDS)
    .map((item) => ({ bytes: item.bytes('sig'), keyId: item.string('keyid') }));
  if (signatures.length === 0) envelope.refuse('it carries no signature');
  return { payloadType, payload: envelope.bytes('payload'), signatures };
}

export const ENVELOPE_FIELDS: readonly string[] = FIELDS;

/** The pre-authentication encoding: what is signed. Lengths count UTF-8 bytes (protocol.md, "SIGNATURE"). */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = utf8(payloadType);
  return concatBytes(utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `), payload);
}

export function encodeEnvelope(envelope: Envelope): string {
  return JSON.stringify({
    payload: encodeBase64(envelope.payload),
    payloadType: envelope.payloadType,
    signatures: envelope.signatures.map(({ bytes, keyId }) => (keyId === '' ? { sig: encodeBase64(bytes) } : { keyid: keyId, sig: encodeBase64(bytes) })),
  });
}
