/** The forms in which signatures travel: Sigstore bundles of three versions, and what cosign's first generation lays into a registry. */
import type { DocumentSource } from '../core/bundle/index.ts';
import { encodeSimpleSigning, preAuthEncoding, STATEMENT_PAYLOAD_TYPE, STATEMENT_V1 } from '../core/bundle/index.ts';
import { hash, type HashName } from '../core/crypto/index.ts';
import { canonicalJson, decodeBase64, encodeBase64, encodeHex, encodePem, type JsonObject, type JsonValue, utf8 } from '../core/encoding/index.ts';
import type { TestCertificate } from './certificate-authority.ts';
import type { TestKey } from './test-key.ts';
import type { TestTimestampAuthority } from './timestamp-authority.ts';
import type { LogRequest, TestLog } from './transparency-log.ts';

/** A bare key, or one with the certificate that an authority issued for it. */
export type TestSigner = { readonly key: TestKey } | TestCertificate;

export interface SealOptions {
  readonly signer: TestSigner;
  readonly logs: readonly TestLog[];
  readonly timestampAuthorities: readonly TestTimestampAuthority[];
}

export interface BundleOptions extends SealOptions {
  readonly version: '0.1' | '0.2' | '0.3';
  /** Of a bare key: what the bundle says of it; its fingerprint when not said. */
  readonly hint?: string;
}

/** What was signed, and everything that others said about the signature. */
interface Seal {
  readonly signature: Uint8Array;
  readonly entries: readonly JsonObject[];
  readonly timestamps: readonly Uint8Array[];
}

function seal(signed: Uint8Array, { signer, logs, timestampAuthorities }: SealOptions, envelope?: Omit<NonNullable<LogRequest['envelope']>, 'json'>): Seal {
  const { key } = signer;
  const signature = key.sign(signed);
  const verifier = 'der' in signer ? ({ kind: 'certificate', der: signer.der } as const) : ({ kind: 'publicKey', der: key.publicKey.spki } as const);
  const request: LogRequest = {
    signature,
    signed,
    algorithm: key.algorithm,
    verifier,
    ...(envelope ? { envelope: { ...envelope, json: canonicalJson(envelopeJson(envelope.payloadType, envelope.payload, signature)) } } : {}),
  };
  return {
    signature,
    entries: logs.map((log) => log.append(request)),
    timestamps: timestampAuthorities.map((authority) => authority.timestamp(signature)),
  };
}

function envelopeJson(payloadType: string, payload: Uint8Array, signature: Uint8Array): JsonObject {
  return { payload: encodeBase64(payload), payloadType, signatures: [{ sig: encodeBase64(signature) }] };
}

const MEDIA_TYPES = {
  '0.1': 'application/vnd.dev.sigstore.bundle+json;version=0.1',
  '0.2': 'application/vnd.dev.sigstore.bundle+json;version=0.2',
  '0.3': 'application/vnd.dev.sigstore.bundle.v0.3+json',
} as const;

function bundle(content: JsonObject, { entries, timestamps }: Seal, { signer, version, hint }: BundleOptions): JsonObject {
  const rawBytes = (der: Uint8Array): JsonObject => ({ rawBytes: encodeBase64(der) });
  const identified: JsonObject =
    'der' in signer
      ? version === '0.3'
        ? { certificate: rawBytes(signer.der) }
        : { x509CertificateChain: { certificates: [signer.der, ...signer.chain.slice(0, -1)].map(rawBytes) } }
      : { publicKey: { hint: hint ?? encodeBase64(hash('sha256', signer.key.publicKey.spki)) } };
  return {
    mediaType: MEDIA_TYPES[version],
    verificationMaterial: {
      ...identified,
      tlogEntries: [...entries],
      timestampVerificationData: { rfc3161Timestamps: timestamps.map((token) => ({ signedTimestamp: encodeBase64(token) })) },
    },
    ...content,
  };
}

const PROTO_HASHES: Readonly<Record<HashName, string>> = { sha256: 'SHA2_256', sha384: 'SHA2_384', sha512: 'SHA2_512' };

/** A signature over the bytes themselves. */
export function artifactBundle(artifact: Uint8Array, options: BundleOptions): JsonObject {
  const sealed = seal(artifact, options);
  const name = options.signer.key.algorithm.hash ?? 'sha256';
  const messageDigest = { algorithm: PROTO_HASHES[name], digest: encodeBase64(hash(name, artifact)) };
  return bundle({ messageSignature: { messageDigest, signature: encodeBase64(sealed.signature) } }, sealed, options);
}

/** A signature over an envelope. */
export function envelopeBundle(payloadType: string, payload: Uint8Array, options: BundleOptions): JsonObject {
  const sealed = seal(preAuthEncoding(payloadType, payload), options, { payloadType, payload });
  return bundle({ dsseEnvelope: envelopeJson(payloadType, payload, sealed.signature) }, sealed, options);
}

export interface StatementOptions {
  /** Digests by hash of each subject, in lower-case hexadecimal. */
  readonly subjects: readonly { readonly name?: string; readonly digest: Readonly<Record<string, string>>; readonly annotations?: JsonObject }[];
  readonly predicateType: string;
  readonly predicate?: JsonValue;
}

export function statementPayload({ subjects, predicateType, predicate = {} }: StatementOptions): Uint8Array {
  const subject = subjects.map(({ name, digest, annotations }) => ({
    ...(name ? { name } : {}),
    digest: { ...digest },
    ...(annotations ? { annotations } : {}),
  }));
  return utf8(JSON.stringify({ _type: STATEMENT_V1, subject, predicateType, predicate }));
}

/** A layer of cosign's first generation: its blob, and the annotations that carry the signature. */
export interface TestDocument {
  readonly source: DocumentSource;
  readonly bytes: Uint8Array;
}

const ANNOTATION = {
  signature: 'dev.cosignproject.cosign/signature',
  certificate: 'dev.sigstore.cosign/certificate',
  chain: 'dev.sigstore.cosign/chain',
  bundle: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp',
} as const;

export interface SimpleSigningOptions {
  /** `sha256:hex` of the manifest. */
  readonly digest: string;
  readonly reference?: string;
  readonly optional?: JsonObject | null;
}

/** What lies under the tag `sha256-<hex>.sig`. */
export function simpleSigningDocument({ digest, reference = '', optional = null }: SimpleSigningOptions, options: SealOptions): TestDocument {
  const bytes = utf8(encodeSimpleSigning(reference, digest, optional));
  const sealed = seal(bytes, options);
  return { source: { kind: 'simple-signing', annotations: annotations(sealed, sealed.signature, options) }, bytes };
}

/** What lies under the tag `sha256-<hex>.att`: an envelope, whose timestamp is over all of it. */
export function attestationDocument(statement: StatementOptions, options: SealOptions): TestDocument {
  const payload = statementPayload(statement);
  const envelope = { payloadType: STATEMENT_PAYLOAD_TYPE, payload };
  const sealed = seal(preAuthEncoding(envelope.payloadType, payload), { ...options, timestampAuthorities: [] }, envelope);
  // The log's entry holds the hash of the envelope as it was sent there, which is what is stored.
  const bytes = utf8(canonicalJson(envelopeJson(envelope.payloadType, payload, sealed.signature)));
  const timestamps = options.timestampAuthorities.map((authority) => authority.timestamp(bytes));
  return { source: { kind: 'dsse', annotations: annotations({ ...sealed, timestamps }, undefined, options) }, bytes };
}

function annotations({ entries, timestamps }: Seal, signature: Uint8Array | undefined, { signer }: SealOptions): Record<string, string> {
  const [entry] = entries;
  const [timestamp] = timestamps;
  return {
    [ANNOTATION.signature]: signature ? encodeBase64(signature) : '',
    ...('der' in signer
      ? {
          [ANNOTATION.certificate]: encodePem('CERTIFICATE', signer.der),
          [ANNOTATION.chain]: signer.chain.map((der) => encodePem('CERTIFICATE', der)).join(''),
        }
      : {}),
    ...(entry ? { [ANNOTATION.bundle]: JSON.stringify(rekorBundle(entry)) } : {}),
    ...(timestamp ? { [ANNOTATION.timestamp]: JSON.stringify({ SignedRFC3161Timestamp: encodeBase64(timestamp) }) } : {}),
  };
}

/** cosign's shape of the first generation's promise. */
function rekorBundle(entry: JsonObject): JsonObject {
  const promise = entry['inclusionPromise'] as JsonObject;
  const logId = entry['logId'] as JsonObject;
  return {
    SignedEntryTimestamp: promise['signedEntryTimestamp'] as string,
    Payload: {
      body: entry['canonicalizedBody'] as string,
      integratedTime: Number(entry['integratedTime']),
      logIndex: Number(entry['logIndex']),
      logID: encodeHex(decodeBase64(logId['keyId'] as string)),
    },
  };
}
