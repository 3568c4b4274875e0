/** Signing images: one digest, resolved once; in the form of either generation, or both. */
import type { CallOptions, Registry } from '../clients/registry/index.ts';
import type { Signer } from '../clients/signers/index.ts';
import { type Descriptor, type Digest, formatDigest, formatReference, formatRepository, type Reference, type RepositoryName } from '../core/artifact/index.ts';
import { LIMITS } from '../core/encoding/index.ts';
import { SealwardError } from '../core/errors.ts';
import { REQUIRED_ALGORITHMS } from '../core/verify/index.ts';
import { type Home, type Published, publish } from './publish.ts';
import type { Endorser } from './endorse.ts';
import { type Annotations, asBundle, imageStatement, type Sealed, sealSimpleSigning, sealStatement } from './seal.ts';

/** `bundle` is what cosign 3 writes, `legacy` what cosign 1 and 2 and skopeo read. */
export type SignatureFormat = 'bundle' | 'legacy' | 'both';

export interface PublishOptions {
  /** What `openRegistry` gives. */
  readonly registry: Registry;
  /** The image, by tag or by digest; see `parseReference`. */
  readonly reference: Reference;
  /** What the reference stands for, where that was asked already; see `describeImage`. */
  readonly image?: Descriptor;
  /** Who signs; see `openSigner`. */
  readonly signer: Signer;
  /** Who vouches for the signatures besides the key; see `endorserFor` and `signKeyless`. Bundles alone carry it. */
  readonly endorser?: Endorser;
  /** `bundle` when not said. */
  readonly format?: SignatureFormat;
  /** Where signatures go, when not beside the image. */
  readonly signatureRepository?: RepositoryName;
  /** Whether to publish at all; true when not said. */
  readonly upload?: boolean;
  /** Milliseconds since 1970, for annotations that say when something was made; nothing trusts them. */
  readonly now?: number;
  /** When everything must be over; absolute, in milliseconds since 1970. */
  readonly deadline?: number;
  /** Ends the call; what is not published by then is not. */
  readonly signal?: AbortSignal;
}

export interface SignImageOptions extends PublishOptions {
  /** Signed with the digest; verifiers may ask for them. */
  readonly annotations?: Annotations;
  /**
   * Keys that sign beside the first, each a signature of its own, as a post-quantum key beside a classical one. All of
   * them sign the list of their algorithms, so that none can be removed without notice. Only the first signs in the
   * form of the first generation.
   */
  readonly companions?: readonly Signer[];
  /** Of an index: sign each image that it lists, too. */
  readonly recursive?: boolean;
}

export interface SignedImage {
  /** What was signed: a tag is resolved once. */
  readonly image: Descriptor;
  /** Each form that was asked for; `published` says where it lies, and is missing when nothing was uploaded. */
  readonly signatures: readonly (Sealed & { readonly published?: Published })[];
  /** With `recursive`: the images that the index lists. */
  readonly children: readonly SignedImage[];
}

/**
 * Signs what the reference stands for now. Everything is signed and verified before the first byte is published.
 * Throws AccessError, UnavailableError or InputError; then nothing is attached, or, where a registry failed between
 * two signatures, only whole ones are.
 */
export async function signImage(options: SignImageOptions): Promise<SignedImage> {
  checkCompanions(options);
  checkEndorser(options);
  const call = callOf(options);
  const image = options.image ?? (await describeImage(options.registry, options.reference, call));
  const images = options.recursive ? [image, ...(await childrenOf(options.registry, options.reference, image.digest, call))] : [image];
  const sealed: { image: Descriptor; signatures: Sealed[] }[] = [];
  for (const one of images) sealed.push({ image: one, signatures: await sealImage(options, one) });
  await mustStand(options, image);
  const signed: SignedImage[] = [];
  // The index last: whoever sees that it is signed finds all that it lists signed.
  for (const one of sealed.toReversed()) signed.unshift({ ...(await publishAll(options, one.image, one.signatures)), children: [] });
  const [first, ...children] = signed;
  if (!first) throw new SealwardError('ERR_INVARIANT', 'nothing was signed');
  return { ...first, children };
}

/** The first generation has other places for certificates and entries, and the logs that they came from end. */
export function checkEndorser({ endorser, format = 'bundle' }: PublishOptions): void {
  if (endorser && format !== 'bundle') {
    throw new SealwardError('ERR_FLAG_CONFLICT', 'certificates, log entries and timestamps are written in bundles alone', {
      hint: 'Leave out --signature-format, or sign with a key and no services.',
    });
  }
}

function checkCompanions({ signer, companions = [], format, annotations = {} }: SignImageOptions): void {
  const ids = [signer, ...companions].map(({ algorithm }) => algorithm.id);
  if (new Set(ids).size !== ids.length) {
    throw new SealwardError('ERR_FLAG_CONFLICT', `two of the keys sign with ${ids.find((id, at) => ids.indexOf(id) !== at)}`, {
      hint: 'Keys side by side are of different kinds; two people sign one after the other.',
    });
  }
  if (companions.length > 0 && format === 'legacy')
    throw new SealwardError('ERR_FLAG_CONFLICT', 'the first generation knows one signature, and several keys are given', {
      hint: 'Give --signature-format both.',
    });
  if (Object.hasOwn(annotations, REQUIRED_ALGORITHMS))
    throw new SealwardError('ERR_USAGE', `the annotation ${REQUIRED_ALGORITHMS} is written by Sealward alone`);
}

async function sealImage(options: SignImageOptions, { digest }: Descriptor): Promise<Sealed[]> {
  const { signer, companions = [], reference, annotations = {}, format = 'bundle', endorser } = options;
  const signers = [signer, ...companions];
  const signed = signers.length === 1 ? annotations : { ...annotations, [REQUIRED_ALGORITHMS]: signers.map(({ algorithm }) => algorithm.id).join(',') };
  const sealed: Sealed[] = [];
  if (format !== 'legacy') {
    for (const one of signers)
      sealed.push(
        asBundle(
          await sealStatement(one, imageStatement(digest, signed), { digests: { [digest.algorithm]: digest.hex } }, one === signer ? endorser : undefined),
        ),
      );
  }
  if (format !== 'bundle') sealed.push(await sealSimpleSigning(signer, formatRepository(reference), digest, signed));
  return sealed;
}

/** Publishes what is sealed, one after the other, so that whoever interrupts knows which are there. */
export async function publishAll(
  options: PublishOptions,
  image: Descriptor,
  sealed: readonly Sealed[],
): Promise<{ image: Descriptor; signatures: (Sealed & { published?: Published })[] }> {
  if (options.upload === false) return { image, signatures: [...sealed] };
  const home: Home = { registry: options.registry, repository: options.signatureRepository ?? options.reference, ...callOf(options) };
  const signatures: (Sealed & { published: Published })[] = [];
  for (const one of sealed) {
    options.signal?.throwIfAborted();
    signatures.push({ ...one, published: await publish(home, image, one, options.now ?? Date.now()) });
  }
  return { image, signatures };
}

/**
 * A tag that was moved while a person typed a password, or an HSM thought: the signature would be good, and on an image
 * that nobody means any more. A digest cannot move; a registry that does not answer now will not answer when it is published.
 */
export async function mustStand({ registry, reference, upload, ...options }: PublishOptions, image: Descriptor): Promise<void> {
  if (reference.digest || upload === false) return;
  const now = await registry.resolve(reference, { ...callOf(options), originOnly: true });
  if (now.state === 'unavailable') throw now.cause;
  const [before, after] = [formatDigest(image.digest), now.state === 'complete' ? formatDigest(now.value.digest) : 'nothing'];
  if (before !== after) {
    throw new SealwardError('ERR_TAG_MOVED', `${formatReference(reference)} stood for ${before} and stands for ${after} now; nothing was published`);
  }
}

export function callOf({ deadline, signal }: CallOptions): CallOptions {
  return { ...(deadline === undefined ? {} : { deadline }), ...(signal ? { signal } : {}) };
}

/** What a reference stands for now, with type and size. Throws ERR_NOT_FOUND, or what kept the registry from answering. */
export async function describeImage(registry: Registry, reference: Reference, call: CallOptions): Promise<Descriptor> {
  const described = await registry.describe(reference, call);
  if (described.state === 'unavailable') throw described.cause;
  if (described.state === 'complete') return described.value;
  throw new SealwardError('ERR_NOT_FOUND', `${formatRepository(reference)} has no such image, so there is nothing to sign`);
}

/** The images that an index lists, of every level below it. */
async function childrenOf(registry: Registry, name: RepositoryName, digest: Digest, call: CallOptions, depth = 0): Promise<Descriptor[]> {
  const found = await registry.manifest(name, digest, call);
  if (found.state === 'unavailable') throw found.cause;
  if (found.state !== 'complete') throw new SealwardError('ERR_NOT_FOUND', `${formatRepository(name)} has no ${formatDigest(digest)}, which its index lists`);
  const { manifest } = found.value;
  if (manifest.kind !== 'index') return [];
  if (depth >= LIMITS.indexDepth) throw new SealwardError('ERR_TOO_LARGE', `${formatDigest(digest)} is nested too deep in its index`);
  const below: Descriptor[] = [];
  for (const child of manifest.manifests) below.push(child, ...(await childrenOf(registry, name, child.digest, call, depth + 1)));
  const seen = new Set<string>();
  return below.filter((child) => !seen.has(formatDigest(child.digest)) && seen.add(formatDigest(child.digest)));
}
