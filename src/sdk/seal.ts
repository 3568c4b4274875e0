/** Making signatures: a statement or a digest goes in, sealed bytes come out, and nothing leaves that does not verify. */
import type { Signer } from '../clients/signers/index.ts';
import type { Digest } from '../core/artifact/index.ts';
import {
  BUNDLE_MEDIA_TYPE,
  COSIGN_SIGN_PREDICATE,
  type DocumentKind,
  encodeEnvelope,
  encodeSimpleSigning,
  preAuthEncoding,
  STATEMENT_PAYLOAD_TYPE,
  STATEMENT_V01,
  STATEMENT_V1,
} from '../core/bundle/index.ts';
import type { HashName } from '../core/crypto/index.ts';
import { decodeHex, encodeBase64, type JsonObject, type JsonValue, utf8 } from '../core/encoding/index.ts';
import { invariant, SealwardError } from '../core/errors.ts';
import { keyAnchor, NO_ANCHORS } from '../core/trust/index.ts';
import type { FlagRequirement, Subject } from '../core/verify/index.ts';
import type { Endorser, Signed } from './endorse.ts';
import { verifyBlob } from './verify.ts';

export type Annotations = Readonly<Record<string, string>>;

/** One signature in the form of its generation. */
export interface Sealed {
  readonly kind: Exclude<DocumentKind, 'blob-bundle'>;
  readonly bytes: Uint8Array;
  /** Of the layer that will hold it: cosign's first generation keeps its signatures there. */
  readonly annotations: Annotations;
  /** What a statement is about, where it is one. */
  readonly predicateType?: string;
}

/** What cosign's third generation signs for an image: an in-toto statement whose predicate is empty. */
export function imageStatement(digest: Digest, annotations: Annotations): JsonObject {
  const subject: JsonObject = { digest: { [digest.algorithm]: digest.hex } };
  if (Object.keys(annotations).length > 0) subject.annotations = { ...annotations };
  return { _type: STATEMENT_V1, subject: [subject], predicateType: COSIGN_SIGN_PREDICATE, predicate: {} };
}

/**
 * An attestation, in the version of the statement that every released verifier of this field reads. Those of cosign and the admission controllers take
 * the newer one too, but slsa-verifier and Conforma refuse it where the predicate is of its time, and cosign 3 itself writes this one.
 */
export function attestationStatement(name: string, digests: Subject['digests'], predicateType: string, predicate: JsonValue): JsonObject {
  return { _type: STATEMENT_V01, predicateType, subject: [{ name, digest: { ...(digests as Record<string, string>) } }], predicate };
}

export interface SealedStatement {
  readonly predicateType: string;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  /** The member `verificationMaterial` of a bundle. */
  readonly material: JsonObject;
}

/** Signs a statement once; it can then be written in either form, because both carry the same envelope. */
export async function sealStatement(signer: Signer, statement: JsonObject, subject: Subject, endorser?: Endorser): Promise<SealedStatement> {
  const payload = utf8(JSON.stringify(statement));
  const bytes = preAuthEncoding(STATEMENT_PAYLOAD_TYPE, payload);
  const signature = await signer.sign(bytes);
  const envelope = JSON.stringify(envelopeOf(payload, signature));
  const material = await materialFor(signer, { bytes, signature, algorithm: signer.algorithm, envelope }, endorser);
  const sealed = { predicateType: statement.predicateType as string, payload, signature, material };
  mustVerify(asBundle(sealed), subject, signer, endorser);
  return sealed;
}

export function asBundle({ payload, signature, material, predicateType }: SealedStatement): Sealed {
  return { kind: 'bundle', bytes: bundleOf(material, { dsseEnvelope: envelopeOf(payload, signature) }), annotations: {}, predicateType };
}

function envelopeOf(payload: Uint8Array, signature: Uint8Array): JsonObject {
  return { payload: encodeBase64(payload), payloadType: STATEMENT_PAYLOAD_TYPE, signatures: [{ sig: encodeBase64(signature) }] };
}

/** A bare envelope, as cosign's first generation keeps attestations. */
export function asEnvelope({ payload, signature, predicateType }: SealedStatement): Sealed {
  const bytes = utf8(encodeEnvelope({ payloadType: STATEMENT_PAYLOAD_TYPE, payload, signatures: [{ bytes: signature, keyId: '' }] }));
  return { kind: 'dsse', bytes, annotations: { 'dev.cosignproject.cosign/signature': '', predicateType }, predicateType };
}

/** As the readers of the first generation expect it: they take SHA-256 of every curve, and cannot be told otherwise. */
export function firstGeneration(signer: Signer): Signer {
  return signer.withSha256 ?? signer;
}

/** The payload of cosign's first generation and of skopeo, with its signature beside it. */
export async function sealSimpleSigning(signer: Signer, reference: string, digest: Digest, annotations: Annotations): Promise<Sealed> {
  const payload = utf8(encodeSimpleSigning(reference, `${digest.algorithm}:${digest.hex}`, Object.keys(annotations).length > 0 ? { ...annotations } : null));
  const signature = await firstGeneration(signer).sign(payload);
  const sealed: Sealed = { kind: 'simple-signing', bytes: payload, annotations: { 'dev.cosignproject.cosign/signature': encodeBase64(signature) } };
  mustVerify(sealed, { digests: { [digest.algorithm]: digest.hex } }, signer);
  return sealed;
}

const HASH_ALGORITHM: Readonly<Record<HashName, string>> = { sha256: 'SHA2_256', sha384: 'SHA2_384', sha512: 'SHA2_512' };

/** A signature over a file's own bytes. */
export async function sealBlob(signer: Signer, bytes: Uint8Array, subject: Subject, endorser?: Endorser): Promise<Sealed> {
  const signature = await signer.sign(bytes);
  // Where the algorithm signs no digest, the one stated is only for people and tools; SHA-256 is what they expect.
  const hash = signer.algorithm.hash ?? 'sha256';
  const hex = subject.digests[hash];
  invariant(hex, `the ${hash} digest of the file is not known`);
  const messageSignature = { messageDigest: { algorithm: HASH_ALGORITHM[hash], digest: encodeBase64(decodeHex(hex)) }, signature: encodeBase64(signature) };
  const material = await materialFor(signer, { bytes, signature, algorithm: signer.algorithm, digest: decodeHex(hex) }, endorser);
  const sealed: Sealed = { kind: 'bundle', bytes: bundleOf(material, { messageSignature }), annotations: {} };
  mustVerify(sealed, subject, signer, endorser);
  return sealed;
}

function bundleOf(material: JsonObject, content: JsonObject): Uint8Array {
  return utf8(JSON.stringify({ mediaType: BUNDLE_MEDIA_TYPE, verificationMaterial: material, ...content }));
}

export function keyMaterial(signer: Signer): JsonObject {
  return { publicKey: { hint: encodeBase64(decodeHex(signer.publicKey().fingerprint)) } };
}

/** VerificationMaterial of sigstore_bundle.proto; what nobody vouches for names its key alone. */
async function materialFor(signer: Signer, signed: Signed, endorser: Endorser | undefined): Promise<JsonObject> {
  if (!endorser) return keyMaterial(signer);
  const { entries, timestamps } = await endorser.endorse(signed, signer);
  const rfc3161Timestamps = timestamps.map((token) => ({ signedTimestamp: encodeBase64(token) }));
  return {
    ...(endorser.certificate ? { certificate: { rawBytes: encodeBase64(endorser.certificate.raw) } } : keyMaterial(signer)),
    ...(entries.length > 0 ? { tlogEntries: [...entries] } : {}),
    ...(timestamps.length > 0 ? { timestampVerificationData: { rfc3161Timestamps } } : {}),
  };
}

const ALONE: FlagRequirement = { role: 'any', signer: { kind: 'key' }, logs: 0, timestamps: 0, certificateLog: false, undated: 'refuse' };

/** What comes back from a signer goes before the judge before it goes anywhere else: not verified is not published. */
function mustVerify({ kind, bytes, annotations }: Sealed, subject: Subject, signer: Signer, endorser?: Endorser): void {
  const decision = verifyBlob({
    subject,
    evidence: { source: { kind, annotations }, bytes },
    anchors: { ...(endorser?.anchors ?? NO_ANCHORS), keys: [keyAnchor(signer.publicKey())] },
    requirement: endorser?.requirement ?? ALONE,
    now: 0,
    ...(endorser?.memory ? { memory: endorser.memory } : {}),
  });
  if (endorser && decision.outcome !== 'verified') {
    throw new SealwardError(
      'ERR_ENDORSEMENT_INVALID',
      `what the services gave does not verify: ${decision.finding?.detail ?? decision.code}; nothing was published`,
    );
  }
  invariant(decision.outcome === 'verified', `the signature that was just made does not verify: ${decision.finding?.detail ?? decision.code}`);
}
