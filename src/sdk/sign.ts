/** Signing: one digest, one statement, one bundle; nothing is published that the judge did not accept. */
import type { Attached, Attachment, Registry } from '../clients/registry/index.ts';
import type { Signer } from '../clients/signers/index.ts';
import { type Descriptor, descriptorToJson, formatDigest, MEDIA_TYPES, parseDigest, type Reference, type RepositoryName } from '../core/artifact/index.ts';
import { BUNDLE_MEDIA_TYPE, COSIGN_SIGN_PREDICATE, preAuthEncoding, STATEMENT_PAYLOAD_TYPE, STATEMENT_V1 } from '../core/bundle/index.ts';
import { fingerprintOf } from '../core/crypto/index.ts';
import { decodeHex, encodeBase64, type JsonObject, utf8 } from '../core/encoding/index.ts';
import { invariant, SealwardError } from '../core/errors.ts';
import { keyAnchor, NO_ANCHORS } from '../core/trust/index.ts';
import { verifyBlob } from './verify.ts';

export interface SignImageOptions {
  readonly registry: Registry;
  readonly reference: Reference;
  readonly signer: Signer;
  /** Signed with the digest; verifiers may ask for them. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Where the signature goes, when not beside the image. */
  readonly signatureRepository?: RepositoryName;
  /** Whether to publish it; true when not said. */
  readonly upload?: boolean;
  /** Milliseconds since 1970, for the annotation that says when the signature was attached; nothing trusts it. */
  readonly now?: number;
  readonly deadline?: number;
  readonly signal?: AbortSignal;
}

export interface SignedImage {
  /** What was signed: a tag is resolved once. */
  readonly image: Descriptor;
  readonly bundle: Uint8Array;
  /** Where the signature was attached; absent when it was not published. */
  readonly attached?: Attached;
}

/** Throws AccessError, UnavailableError or InputError; then nothing is attached. */
export async function signImage(options: SignImageOptions): Promise<SignedImage> {
  const { registry, reference, signer, deadline, signal } = options;
  const call = { ...(deadline === undefined ? {} : { deadline }), ...(signal ? { signal } : {}) };
  const described = await registry.describe(reference, call);
  if (described.state === 'unavailable') throw described.cause;
  if (described.state !== 'complete')
    throw new SealwardError('ERR_NOT_FOUND', `${reference.registry}/${reference.repository} has no such image, so there is nothing to sign`);
  const image = described.value;
  const bundle = await sealBundle(signer, signStatement(image, options.annotations ?? {}));
  mustVerify(bundle, image, signer);
  if (options.upload === false) return { image, bundle };
  const home = options.signatureRepository ?? reference;
  const attachment = attachmentOf(image, bundle, options.now ?? Date.now());
  const attached = await registry.attach(home, attachment, call);
  await mustBeThere(registry, home, attached, attachment, call);
  return { image, bundle, attached };
}

/** What cosign's third generation signs for an image: an in-toto statement whose predicate is empty. */
function signStatement(image: Descriptor, annotations: Readonly<Record<string, string>>): JsonObject {
  const subject: JsonObject = { digest: { [image.digest.algorithm]: image.digest.hex } };
  if (Object.keys(annotations).length > 0) subject.annotations = { ...annotations };
  return { _type: STATEMENT_V1, subject: [subject], predicateType: COSIGN_SIGN_PREDICATE, predicate: {} };
}

async function sealBundle(signer: Signer, statement: JsonObject): Promise<Uint8Array> {
  const payload = utf8(JSON.stringify(statement));
  const signature = await signer.sign(preAuthEncoding(STATEMENT_PAYLOAD_TYPE, payload));
  return utf8(
    JSON.stringify({
      mediaType: BUNDLE_MEDIA_TYPE,
      verificationMaterial: { publicKey: { hint: encodeBase64(decodeHex(signer.publicKey().fingerprint)) } },
      dsseEnvelope: { payload: encodeBase64(payload), payloadType: STATEMENT_PAYLOAD_TYPE, signatures: [{ sig: encodeBase64(signature) }] },
    }),
  );
}

/** What comes back from a signer is verified before it is used: not verified is not published. */
function mustVerify(bundle: Uint8Array, { digest }: Descriptor, signer: Signer): void {
  const decision = verifyBlob({
    subject: { digests: { [digest.algorithm]: digest.hex } },
    evidence: { source: { kind: 'bundle', annotations: {} }, bytes: bundle },
    anchors: { ...NO_ANCHORS, keys: [keyAnchor(signer.publicKey())] },
    requirement: { role: 'signature', signer: { kind: 'key' }, logs: 0, timestamps: 0, certificateLog: false, undated: 'refuse' },
    now: 0,
  });
  invariant(decision.outcome === 'verified', `the signature that was just made does not verify: ${decision.finding?.detail ?? decision.code}`);
}

const EMPTY = utf8('{}');

function attachmentOf(image: Descriptor, bundle: Uint8Array, now: number): Attachment {
  const blob = (bytes: Uint8Array): Attachment['blobs'][number] => ({ digest: parseDigest(`sha256:${fingerprintOf(bytes)}`), bytes });
  const [config, layer] = [blob(EMPTY), blob(bundle)];
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    artifactType: BUNDLE_MEDIA_TYPE,
    config: { mediaType: MEDIA_TYPES.empty, digest: formatDigest(config.digest), size: EMPTY.length },
    layers: [{ mediaType: BUNDLE_MEDIA_TYPE, digest: formatDigest(layer.digest), size: bundle.length }],
    subject: descriptorToJson({ mediaType: image.mediaType, digest: image.digest, size: image.size }),
    annotations: {
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': COSIGN_SIGN_PREDICATE,
      'org.opencontainers.image.created': `${new Date(now).toISOString().slice(0, 19)}Z`,
    },
  };
  return { manifest: utf8(JSON.stringify(manifest)), blobs: [config, layer] };
}

/** Read again what was written: a registry that took the manifest and does not give it back has not kept the signature. */
async function mustBeThere(
  registry: Registry,
  home: RepositoryName,
  attached: Attached,
  attachment: Attachment,
  call: { deadline?: number; signal?: AbortSignal },
): Promise<void> {
  const back = await registry.manifest(home, attached.descriptor.digest, call);
  if (back.state === 'unavailable') throw back.cause;
  if (back.state !== 'complete' || back.value.bytes.length !== attachment.manifest.length) {
    throw new SealwardError('ERR_REGISTRY_FAILED', `${home.registry} accepted the signature and does not give it back`);
  }
}
