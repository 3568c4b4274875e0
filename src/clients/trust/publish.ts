/** Signing what is staged, and putting it into force. Keys are wherever their signers keep them. */
import type { Algorithm, PublicKey } from '../../core/crypto/index.ts';
import type { JsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import {
  addSignature,
  encodeMetadata,
  metadataAlgorithm,
  parseStaged,
  publicationOf,
  type RepositoryFiles,
  type SignerKeys,
  type StagedRole,
  signersFor,
  stageTrust,
  signingBytes,
  snapshotOf,
  timestampOf,
  type TrustChain,
  type TrustPlan,
} from '../../core/trust/index.ts';

/** As clients/signers opens them. */
export interface MetadataSigner {
  publicKey(): PublicKey;
  readonly algorithm: Algorithm;
  sign(message: Uint8Array): Promise<Uint8Array>;
}

async function signWith(signer: MetadataSigner, message: Uint8Array): Promise<Uint8Array> {
  const key = signer.publicKey();
  const wanted = metadataAlgorithm(key);
  if (signer.algorithm.scheme !== wanted.scheme || signer.algorithm.hash !== wanted.hash)
    throw new SealwardError(
      'ERR_KEY_INVALID',
      `the key ${key.fingerprint.slice(0, 16)} signs with ${signer.algorithm.id}, and metadata is signed with ${wanted.id}`,
    );
  return signer.sign(message);
}

/** Adds the signatures that these signers may give and have not given yet. Gives the documents, and which roles were signed. */
export async function signStaged(
  published: TrustChain | undefined,
  plan: TrustPlan,
  staged: ReadonlyMap<StagedRole, Uint8Array>,
  signers: readonly MetadataSigner[],
  only?: readonly StagedRole[],
): Promise<{ readonly staged: Map<StagedRole, Uint8Array>; readonly signed: readonly StagedRole[] }> {
  const out = new Map(staged);
  const signed = new Set<StagedRole>();
  for (const [role, bytes] of staged) {
    if (only && !only.includes(role)) continue;
    const keys = signersFor(published, plan, role).flatMap((set) => set.keys);
    for (const signer of signers) {
      const key = signer.publicKey();
      if (!keys.some(({ usable }) => usable?.key.fingerprint === key.fingerprint)) continue;
      const document = out.get(role) ?? bytes;
      out.set(role, addSignature(document, key, await signWith(signer, parseStaged(role, document).canonical)));
      signed.add(role);
    }
  }
  return { staged: out, signed: [...signed] };
}

export interface PublishOptions {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Milliseconds: how long what is published may admit what is new. */
  readonly lease: number;
}

/**
 * Puts what is staged into force, and gives the lease anew; with nothing staged only the timestamp is written.
 * Nothing is kept here: whoever calls writes the files, the timestamp last. What is given was verified as clients verify it.
 */
export async function publishTrust(
  published: TrustChain | undefined,
  plan: TrustPlan,
  staged: ReadonlyMap<StagedRole, Uint8Array>,
  signers: readonly MetadataSigner[],
  { now, lease }: PublishOptions,
): Promise<{ readonly files: RepositoryFiles; readonly chain: TrustChain }> {
  // An online role signs with the keys that are in force once this is published.
  const current = published?.metadata.snapshot;
  const renewed = published === undefined || staged.size > 0 || (current !== undefined && current.expires - now < plan.lifetime.roles / 2);
  let snapshot: Uint8Array | undefined;
  let version = current?.version ?? 0;
  if (renewed) {
    const next = snapshotOf(published, staged, now + plan.lifetime.roles);
    snapshot = await signOnline('snapshot', plan.signers.snapshot, next.signed, signers);
    version = next.version;
  }
  const { signed } = timestampOf(published, { version, bytes: snapshot ?? current?.bytes ?? new Uint8Array() }, now, lease);
  const timestamp = await signOnline('timestamp', plan.signers.timestamp, signed, signers);
  return publicationOf(published, plan, staged, { timestamp, ...(snapshot ? { snapshot } : {}) }, now);
}

/** A first publication by whoever holds all the keys that it takes, such as a server that begins. */
export async function foundTrust(plan: TrustPlan, signers: readonly MetadataSigner[], options: PublishOptions): ReturnType<typeof publishTrust> {
  const { staged } = await signStaged(undefined, plan, stageTrust(undefined, plan, new Map(), options.now), signers);
  return publishTrust(undefined, plan, staged, signers, options);
}

async function signOnline(role: string, { keys, threshold }: SignerKeys, signed: JsonObject, signers: readonly MetadataSigner[]): Promise<Uint8Array> {
  const able = signers.filter((signer) => keys.some(({ key }) => key.fingerprint === signer.publicKey().fingerprint));
  if (able.length < threshold)
    throw new SealwardError('ERR_TRUST_SIGNATURE', `the role ${role} is signed by ${threshold} of its keys, and ${able.length} of them are here`, {
      hint: 'Give the online key of the repository with --key.',
    });
  const message = signingBytes(signed);
  return encodeMetadata(signed, await Promise.all(able.map(async (signer) => ({ key: signer.publicKey(), signature: await signWith(signer, message) }))));
}
