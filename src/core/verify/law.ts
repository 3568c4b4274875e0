/**
 * The law: policies under one state of trust, arranged for judging by. It says nothing of one image, one place or one
 * moment, so that it is made once, and however many images are judged by it.
 */
import type { Authority, ImagePolicy, PolicySet } from '../policy/index.ts';
import { type Anchors, joinAnchors, type TrustState } from '../trust/index.ts';
import { type AnchorIndex, indexAnchors } from './anchor-index.ts';
import { type AskedOfAuthority, askedOfAuthority } from './asked-by-policy.ts';
import { indexTrust, type TrustIndex } from './trust-index.ts';

export class Law {
  /** Those of the trust state, and those that the policies bring along. */
  readonly anchors: Anchors;
  readonly anchorIndex: AnchorIndex;
  readonly trustIndex: TrustIndex;
  readonly #trust: TrustState;
  readonly #asked = new Map<ImagePolicy, Map<Authority, AskedOfAuthority>>();

  constructor(policies: PolicySet, trust: TrustState) {
    this.anchors = joinAnchors(trust.anchors, policies.anchors);
    this.anchorIndex = indexAnchors(this.anchors);
    this.trustIndex = indexTrust(trust);
    this.#trust = trust;
  }

  /** What a policy asks of the signatures of one authority; worked out when somebody asks for the first time. */
  askedBy(policy: ImagePolicy, authority: Authority): AskedOfAuthority {
    const byAuthority = this.#asked.get(policy) ?? new Map<Authority, AskedOfAuthority>();
    const known = byAuthority.get(authority);
    if (known) return known;
    const asked = askedOfAuthority(authority, policy, this.#trust);
    this.#asked.set(policy, byAuthority.set(authority, asked));
    return asked;
  }
}

const kept = new WeakMap<PolicySet, WeakMap<TrustState, Law>>();

/** The same one each time, for as long as both are the same values. */
export function lawOf(policies: PolicySet, trust: TrustState): Law {
  const byTrust = kept.get(policies) ?? new WeakMap<TrustState, Law>();
  const known = byTrust.get(trust);
  if (known) return known;
  const law = new Law(policies, trust);
  kept.set(policies, byTrust.set(trust, law));
  return law;
}
