/**
 * Certificates without anybody else: an authority that all replicas share, and for each replica a certificate that never
 * leaves its memory. A new authority is told of before it is used, so that no API server ever meets one that it does not know.
 */
import { SealwardError } from '../../../core/errors.ts';
import { type AuthorityState, bundleOf, encodeState, isDue, type Lives, nextStep, parseState, secretsOf } from './authority-state.ts';
import { certificateOf, type IssuedCertificate, issueServer } from './issue.ts';
import type { AuthorityKeeper } from './keep-authority.ts';
import type { BundlePublisher, CertificateSource } from './source.ts';

export interface SelfMadeOptions extends Lives {
  readonly keeper: AuthorityKeeper;
  readonly publisher: BundlePublisher;
  readonly names: readonly string[];
}

/** Steps in one look; more are due only when somebody else takes the same ones. */
const MOST_STEPS = 8;

export class SelfMadeCertificates implements CertificateSource {
  readonly #options: SelfMadeOptions;
  #state: AuthorityState | undefined;
  #leaf: (IssuedCertificate & { readonly authority: string }) | undefined;

  constructor(options: SelfMadeOptions) {
    this.#options = options;
  }

  current(): IssuedCertificate {
    if (!this.#leaf) throw new SealwardError('ERR_CERTIFICATE_INVALID', 'the webhook has no certificate yet');
    return { cert: this.#leaf.cert, key: this.#leaf.key };
  }

  notAfter(): number {
    return this.#leaf ? certificateOf(this.#leaf).notAfter : 0;
  }

  secrets(): readonly string[] {
    return this.#state ? secretsOf(this.#state) : [];
  }

  async tick(now: number): Promise<boolean> {
    let failure: unknown;
    try {
      await this.#advance(now);
    } catch (error) {
      // What is known still serves: the certificate is renewed below the authority that it has.
      if (!this.#state) throw error;
      failure = error;
    }
    const current = this.#state?.current;
    if (!current) throw new SealwardError('ERR_STATE_INVALID', 'the webhook has no authority');
    const renewed = !this.#leaf || this.#leaf.authority !== current.cert || isDue(this.#leaf, now);
    if (renewed) this.#leaf = { ...issueServer(current, this.#options.names, now, this.#options.lifeMs), authority: current.cert };
    if (failure !== undefined) throw failure as Error;
    return renewed;
  }

  async #advance(now: number): Promise<void> {
    const { keeper, publisher } = this.#options;
    for (let i = 0; i < MOST_STEPS; i++) {
      const kept = await keeper.load();
      const state = kept?.text === undefined ? undefined : parseState(kept.text);
      // What is kept serves, also when nobody can be told of it now.
      if (state) this.#state = state;
      const step = nextStep(state, now, this.#options);
      if (!step && state) {
        // Again each time: somebody may have written over it.
        await publisher.publish(bundleOf(state), state.current.secret);
        return;
      }
      if (!step) continue;
      if (step.kind === 'publish') await publisher.publish(bundleOf(step.state), step.state.current.secret);
      await keeper.save(encodeState(step.state), kept?.version);
    }
    throw new SealwardError('ERR_STATE_INVALID', 'the authority of the webhook changes faster than it can be read');
  }
}
