/** Sigstore bundles v0.1, v0.2 and v0.3 (sigstore/protobuf-specs, sigstore_bundle.proto), read from their proto3 JSON. */
import { type Certificate, type HashName, parseCertificate } from '../crypto/index.ts';
import { LIMITS, parseJson, ProtoObject } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { parseEntryBody, parseLogEntry, type TransparencyLogEntry } from '../tlog/index.ts';
import { ENVELOPE_FIELDS, preAuthEncoding, readEnvelope } from './envelope.ts';
import type { Claim, EntityLogEntry, SignedEntity } from './signed-entity.ts';
import { parseStatement, STATEMENT_PAYLOAD_TYPE } from './statement.ts';

type BundleVersion = '0.1' | '0.2' | '0.3';

/** sigstore_bundle.proto, "media_type": two spellings, of which the second is what v0.3 writers must use. */
const MEDIA_TYPES: Readonly<Record<string, BundleVersion>> = {
  'application/vnd.dev.sigstore.bundle+json;version=0.1': '0.1',
  'application/vnd.dev.sigstore.bundle+json;version=0.2': '0.2',
  'application/vnd.dev.sigstore.bundle+json;version=0.3': '0.3',
  'application/vnd.dev.sigstore.bundle.v0.3+json': '0.3',
};
export const BUNDLE_MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

const HASH_ALGORITHMS = { SHA2_256: 1, SHA2_384: 2, SHA2_512: 3 } as const;
const HASH_NAMES: Readonly<Record<keyof typeof HASH_ALGORITHMS, HashName>> = { SHA2_256: 'sha256', SHA2_384: 'sha384', SHA2_512: 'sha512' };

/** Throws ERR_BUNDLE_INVALID, ERR_JSON_INVALID, ERR_ENCODING_INVALID, ERR_TOO_LARGE or an error of the part that is malformed. */
export function parseBundle(source: Uint8Array): SignedEntity {
  const root = new ProtoObject(parseJson(source, { what: 'the bundle', maxBytes: LIMITS.attestationBytes }), 'the bundle', [
    'mediaType',
    'verificationMaterial',
    'messageSignature',
    'dsseEnvelope',
  ]);
  const mediaType = root.string('mediaType');
  const version = Object.hasOwn(MEDIA_TYPES, mediaType) ? MEDIA_TYPES[mediaType] : undefined;
  if (version === undefined) return root.refuse(`the media type ${JSON.stringify(mediaType.slice(0, 100))} is not one that is read`);
  const material = readMaterial(root, version);
  if (root.has('messageSignature') === root.has('dsseEnvelope')) return root.refuse('it must carry either a message signature or an envelope');
  const content = root.has('messageSignature') ? readMessageSignature(root) : readSignedEnvelope(root);
  // An attestation may be large; what carries only a signature may not.
  if (root.has('messageSignature') && source.length > LIMITS.bundleBytes) {
    throw new SealwardError('ERR_TOO_LARGE', `the bundle is larger than ${LIMITS.bundleBytes} bytes`);
  }
  return { format: `bundle-v${version}`, ...content, ...material, timestamped: content.signature };
}

function readMessageSignature(root: ProtoObject): Pick<SignedEntity, 'message' | 'claim' | 'signature'> {
  const part = root.object('messageSignature', ['messageDigest', 'signature']);
  const stated = part.optionalObject('messageDigest', ['algorithm', 'digest']);
  return {
    message: stated
      ? { kind: 'artifact', stated: { hash: HASH_NAMES[stated.enumeration('algorithm', HASH_ALGORITHMS)], digest: stated.bytes('digest') } }
      : { kind: 'artifact' },
    claim: { kind: 'artifact' },
    signature: part.bytes('signature'),
  };
}

function readSignedEnvelope(root: ProtoObject): Pick<SignedEntity, 'message' | 'claim' | 'signature' | 'envelope'> {
  const envelope = readEnvelope(root.object('dsseEnvelope', ENVELOPE_FIELDS));
  const [signature, second] = envelope.signatures;
  // sigstore_bundle.proto, "dsse_envelope": "MUST contain exactly one signature".
  if (!signature || second) return root.refuse('its envelope must carry exactly one signature');
  return {
    message: { kind: 'bytes', bytes: preAuthEncoding(envelope.payloadType, envelope.payload) },
    claim: claimOf(envelope.payloadType, envelope.payload),
    signature: signature.bytes,
    envelope: { payloadType: envelope.payloadType, payload: envelope.payload },
  };
}

export function claimOf(payloadType: string, payload: Uint8Array): Claim {
  return payloadType === STATEMENT_PAYLOAD_TYPE ? { kind: 'statement', statement: parseStatement(payload) } : { kind: 'unknown', payloadType };
}

type Material = Pick<SignedEntity, 'certificate' | 'keyHint' | 'logEntries' | 'timestamps' | 'proofRequired'>;

function readMaterial(root: ProtoObject, version: BundleVersion): Material {
  const material = root.object('verificationMaterial', ['publicKey', 'x509CertificateChain', 'certificate', 'tlogEntries', 'timestampVerificationData']);
  if (['publicKey', 'x509CertificateChain', 'certificate'].filter((name) => material.has(name)).length !== 1) {
    return material.refuse('it must name exactly one of publicKey, certificate and x509CertificateChain');
  }
  const tokens =
    material
      .optionalObject('timestampVerificationData', ['rfc3161Timestamps'])
      ?.objects('rfc3161Timestamps', LIMITS.timestampsPerBundle, ['signedTimestamp']) ?? [];
  return {
    ...readSigner(material, version),
    logEntries: material.list('tlogEntries', LIMITS.logEntriesPerBundle).map((item) => logEntry(parseLogEntry(item))),
    timestamps: tokens.map((token) => token.bytes('signedTimestamp')),
    proofRequired: version !== '0.1',
  };
}

export function logEntry(entry: TransparencyLogEntry): EntityLogEntry {
  return { entry, claim: parseEntryBody(entry) };
}

function readSigner(material: ProtoObject, version: BundleVersion): Pick<Material, 'certificate' | 'keyHint'> {
  const hint = material.optionalObject('publicKey', ['hint']);
  if (hint) return hint.has('hint') ? { keyHint: hint.string('hint') } : {};
  if (material.has('certificate'))
    return { certificate: { leaf: parseCertificate(material.object('certificate', ['rawBytes']).bytes('rawBytes')), intermediates: [] } };
  // sigstore_bundle.proto, "x509_certificate_chain": v0.3 bundles MUST use `certificate`.
  if (version === '0.3') return material.refuse('a v0.3 bundle must carry a single certificate');
  const chain = material.object('x509CertificateChain', ['certificates']).objects('certificates', LIMITS.intermediateCertificates + 1, ['rawBytes']);
  const [leaf, ...intermediates] = chain.map((item): Certificate => parseCertificate(item.bytes('rawBytes')));
  return leaf ? { certificate: { leaf, intermediates } } : material.refuse('the certificate chain is empty');
}
