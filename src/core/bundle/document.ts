/**
 * From what lies in a registry or a file to signed entities. A document is one blob with what its manifest says about
 * it; which of the formats it holds is decided by media type, never by trying one after the other.
 */
import type { Annotations, Descriptor, Manifest } from '../artifact/index.ts';
import { parseCertificatesPem } from '../crypto/index.ts';
import { decodeBase64, decodeUtf8, type JsonValue, LIMITS, parseJsonObject } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { parseRekorBundle } from '../tlog/index.ts';
import { claimOf, logEntry, parseBundle } from './bundle.ts';
import { parseEnvelope, preAuthEncoding } from './envelope.ts';
import type { SignedEntity } from './signed-entity.ts';
import { parseSimpleSigning, SIMPLE_SIGNING_MEDIA_TYPE } from './simple-signing.ts';

/** `blob-bundle` is the file that cosign's first generation writes with `sign-blob --bundle`. */
export const DOCUMENT_KINDS = ['bundle', 'simple-signing', 'dsse', 'blob-bundle'] as const;
export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

export interface DocumentSource {
  readonly kind: DocumentKind;
  /** The annotations of the layer: cosign's first generation keeps signature, certificate and log entry there. */
  readonly annotations: Annotations;
}

export const DSSE_MEDIA_TYPE = 'application/vnd.dsse.envelope.v1+json';
const BUNDLE_PREFIX = 'application/vnd.dev.sigstore.bundle';

const ANNOTATION = {
  signature: 'dev.cosignproject.cosign/signature',
  certificate: 'dev.sigstore.cosign/certificate',
  chain: 'dev.sigstore.cosign/chain',
  bundle: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp',
} as const;

/** Which kind of document a blob of this media type is, or undefined when it carries no signature that is read here. */
export function documentKind(mediaType: string): DocumentKind | undefined {
  if (mediaType === SIMPLE_SIGNING_MEDIA_TYPE) return 'simple-signing';
  if (mediaType === DSSE_MEDIA_TYPE) return 'dsse';
  return mediaType.startsWith(BUNDLE_PREFIX) ? 'bundle' : undefined;
}

/** The layers of a manifest that carry signatures. */
export function signatureLayers(manifest: Manifest): { readonly descriptor: Descriptor; readonly source: DocumentSource }[] {
  return manifest.layers.flatMap((descriptor) => {
    const kind = documentKind(descriptor.mediaType);
    return kind === undefined ? [] : [{ descriptor, source: { kind, annotations: descriptor.annotations ?? {} } }];
  });
}

/** Reads one document; a bare envelope with several signatures gives one entity for each. Throws what its parsers throw. */
export function readDocument(source: DocumentSource, bytes: Uint8Array): SignedEntity[] {
  switch (source.kind) {
    case 'bundle':
      return [parseBundle(bytes)];
    case 'simple-signing':
      return [readSimpleSigning(bytes, source.annotations)];
    case 'dsse':
      return readEnvelopes(bytes, source.annotations);
    case 'blob-bundle':
      return [readBlobBundle(bytes)];
  }
}

function readSimpleSigning(payload: Uint8Array, annotations: Annotations): SignedEntity {
  const encoded = annotations[ANNOTATION.signature];
  if (!encoded) throw new SealwardError('ERR_BUNDLE_INVALID', `the signature layer has no annotation ${ANNOTATION.signature}`);
  const signature = decodeBase64(encoded, `the annotation ${ANNOTATION.signature}`);
  return {
    format: 'simple-signing',
    message: { kind: 'bytes', bytes: payload },
    claim: { kind: 'simple-signing', ...parseSimpleSigning(payload) },
    signature,
    ...readAnnotations(annotations),
    timestamped: signature,
    proofRequired: false,
  };
}

/** cosign's LocalSignedPayload: a signature, base64 of the certificate's PEM, and the log's promise. */
function readBlobBundle(bytes: Uint8Array): SignedEntity {
  const object = parseJsonObject(bytes, { what: 'the bundle', maxBytes: LIMITS.bundleBytes });
  const { base64Signature, cert, rekorBundle } = object;
  if (typeof base64Signature !== 'string' || base64Signature === '') throw new SealwardError('ERR_BUNDLE_INVALID', 'the bundle holds no base64Signature');
  const signature = decodeBase64(base64Signature, 'the signature of the bundle');
  const pem = typeof cert === 'string' && cert !== '' ? decodeUtf8(decodeBase64(cert, 'the certificate of the bundle'), 'the certificate of the bundle') : '';
  return {
    format: 'blob-bundle',
    message: { kind: 'artifact' },
    claim: { kind: 'artifact' },
    signature,
    ...readAnnotations({
      // A public key in its place is ignored: keys come from whoever asks, never from the bundle (GHSA-fx35-mq7g-6g98).
      ...(pem.includes('-----BEGIN CERTIFICATE-----') ? { [ANNOTATION.certificate]: pem } : {}),
      ...(rekorBundle === undefined || rekorBundle === null ? {} : { [ANNOTATION.bundle]: JSON.stringify(rekorBundle) }),
    }),
    timestamped: signature,
    proofRequired: false,
  };
}

function readEnvelopes(raw: Uint8Array, annotations: Annotations): SignedEntity[] {
  const envelope = parseEnvelope(raw);
  const material = readAnnotations(annotations);
  const message = { kind: 'bytes', bytes: preAuthEncoding(envelope.payloadType, envelope.payload) } as const;
  const claim = claimOf(envelope.payloadType, envelope.payload);
  return envelope.signatures.map(({ bytes, keyId }) => ({
    format: 'dsse',
    message,
    claim,
    signature: bytes,
    envelope: { payloadType: envelope.payloadType, payload: envelope.payload, raw },
    ...(keyId === '' ? {} : { keyHint: keyId }),
    ...material,
    // cosign dates the whole envelope here, because its signature layer carries no signature of its own.
    timestamped: raw,
    proofRequired: false,
  }));
}

function readAnnotations(annotations: Annotations): Pick<SignedEntity, 'certificate' | 'logEntries' | 'timestamps'> {
  const leafPem = annotations[ANNOTATION.certificate];
  const rekorBundle = annotations[ANNOTATION.bundle];
  const timestamp = annotations[ANNOTATION.timestamp];
  const logEntries = rekorBundle ? [logEntry(parseRekorBundle(rekorBundle))] : [];
  const timestamps = timestamp ? [readTimestamp(timestamp)] : [];
  if (!leafPem) return { logEntries, timestamps };
  const [leaf, ...rest] = parseCertificatesPem(leafPem, 'the certificate annotation');
  if (!leaf || rest.length > 0) throw new SealwardError('ERR_BUNDLE_INVALID', 'the certificate annotation must hold exactly one certificate');
  const chainPem = annotations[ANNOTATION.chain];
  const intermediates = chainPem ? parseCertificatesPem(chainPem, 'the chain annotation') : [];
  if (intermediates.length > LIMITS.intermediateCertificates) {
    throw new SealwardError(
      'ERR_TOO_LARGE',
      `the chain annotation holds ${intermediates.length} certificates, the bound is ${LIMITS.intermediateCertificates}`,
    );
  }
  return { certificate: { leaf, intermediates }, logEntries, timestamps };
}

function readTimestamp(json: string): Uint8Array {
  const object = parseJsonObject(json, { what: 'the timestamp annotation', maxBytes: LIMITS.bundleBytes });
  const token: JsonValue | undefined = object.SignedRFC3161Timestamp;
  if (typeof token !== 'string') throw new SealwardError('ERR_BUNDLE_INVALID', 'the timestamp annotation holds no SignedRFC3161Timestamp');
  return decodeBase64(token, 'the timestamp annotation');
}

/** What a file of unknown kind holds, told by its shape: for `verify-blob --bundle` and `inspect`. */
export function documentKindOfFile(bytes: Uint8Array): DocumentKind | undefined {
  let object: Record<string, JsonValue>;
  try {
    object = parseJsonObject(bytes, { what: 'the file', maxBytes: LIMITS.attestationBytes });
  } catch (error) {
    if (error instanceof SealwardError) return undefined;
    throw error;
  }
  if (typeof (object.mediaType ?? object.media_type) === 'string' && 'verificationMaterial' in object) return 'bundle';
  if ('payloadType' in object && 'signatures' in object) return 'dsse';
  if ('base64Signature' in object) return 'blob-bundle';
  return 'critical' in object ? 'simple-signing' : undefined;
}

/** A detached signature as `verify-blob --signature` gets it: base64, or the bytes themselves. */
export function parseDetachedSignature(bytes: Uint8Array): Uint8Array {
  let text: string;
  try {
    text = decodeUtf8(bytes, 'the signature').trim();
    return decodeBase64(text, 'the signature');
  } catch (error) {
    if (error instanceof SealwardError) return bytes;
    throw error;
  }
}
