/**
 * Says again and again that what the repository holds is fresh. The key for it is online and can say nothing else: what
 * holds is signed by people, and every renewal is verified as clients verify it before it is written.
 */
import { type MetadataSigner, publishTrust, readPublished, writeRepository } from '../../clients/trust/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { SIGNING_ROLES, type SignerKeys, type SigningRole, type TrustChain } from '../../core/trust/index.ts';

export interface LeaseOptions {
  /** The folder of the repository. */
  readonly repository: string;
  readonly signer: MetadataSigner;
  readonly leaseMs: number;
  /** Milliseconds since 1970, by the clock of this machine. */
  readonly now: () => number;
  /** The same, for what is signed; throws while that clock cannot be believed: a lease far ahead would hide all that is published before its end. */
  readonly signedAt: () => number;
}

const LIFETIME = { root: 365 * 86_400_000, roles: 180 * 86_400_000 } as const;
/** A lease is given anew when so much of it is over: whoever fetches then always has most of one before it. */
const RENEWED_AFTER = 4;

export class TrustLease {
  readonly #options: LeaseOptions;
  #endsAt = 0;
  #failure: string | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** Milliseconds since 1970. */
  get endsAt(): number {
    return this.#endsAt;
  }

  problem(): string | undefined {
    if (this.#options.now() < this.#endsAt) return undefined;
    return `the lease of the trust repository ended${this.#failure === undefined ? '' : `: ${this.#failure}`}`;
  }

  /** Gives the lease anew when it is time. What keeps it from that is thrown, and said by problem() once the lease has ended. */
  async renewIfDue(): Promise<void> {
    const { repository, signer, leaseMs, now, signedAt } = this.#options;
    try {
      const published = await readPublished(repository);
      if (!published) throw new SealwardError('ERR_STATE_INVALID', `the trust repository ${repository} holds nothing`);
      this.#endsAt = published.state.lease.endsAt;
      if (now() < this.#endsAt - leaseMs + leaseMs / RENEWED_AFTER && now() >= published.state.lease.issuedAt) return;
      const own: SignerKeys = { keys: [{ key: signer.publicKey() }], threshold: 1 };
      const plan = {
        signers: Object.fromEntries(SIGNING_ROLES.map((role) => [role, own])) as Record<SigningRole, SignerKeys>,
        files: published.files,
        lifetime: LIFETIME,
      };
      const { files, chain }: { readonly files: ReadonlyMap<string, Uint8Array>; readonly chain: TrustChain } = await publishTrust(
        published,
        plan,
        new Map(),
        [signer],
        {
          now: signedAt(),
          lease: leaseMs,
        },
      );
      await writeRepository(repository, files);
      this.#endsAt = chain.state.lease.endsAt;
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }
}
