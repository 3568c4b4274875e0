/**
 * Which policies are about an image in a place. Patterns are found by what they start with, so that a thousand policies
 * cost an image hardly more than ten; the order of policies, and of patterns within one, changes nothing.
 */
import type { ImagePolicy, PolicySet } from './policy.ts';
import { type AskedImage, formsOf, isAbout, type OutOfScope, type Place, type Reach, reachOf } from './scope.ts';

export interface SelectedPolicy {
  readonly policy: ImagePolicy;
  /** All of what is `cluster-wide` or `in-namespace` must be satisfied. */
  readonly reach: Reach;
}

/** In the order of the set. */
export function selectPolicies(set: PolicySet, image: AskedImage, place: Place): SelectedPolicy[] {
  const forms = formsOf(image);
  const selected: SelectedPolicy[] = [];
  for (const at of candidates(indexOf(set), forms, image.repository.length)) {
    const policy = set.policies[at] as ImagePolicy;
    const outcome = inScope(policy, forms, place);
    if (isReach(outcome)) selected.push({ policy, reach: outcome });
  }
  return selected;
}

/** Why a policy does not speak of an image in a place; undefined when it does. For people: each pattern is tried. */
export function whyNotSelected(policy: ImagePolicy, image: AskedImage, place: Place): OutOfScope | undefined {
  const outcome = inScope(policy, formsOf(image), place);
  return isReach(outcome) ? undefined : outcome;
}

function inScope(policy: ImagePolicy, forms: readonly string[], place: Place): Reach | OutOfScope {
  const reach = reachOf(policy.scope, place);
  if (policy.namespace !== undefined && place.namespace !== undefined && policy.namespace !== place.namespace) return 'namespace';
  const about = isAbout(policy.scope, forms);
  if (about) return about;
  if (policy.namespace === undefined || reach !== 'cluster-wide') return reach;
  return place.namespace === undefined ? 'namespace-unknown' : 'in-namespace';
}

function isReach(outcome: Reach | OutOfScope): outcome is Reach {
  return outcome === 'cluster-wide' || outcome === 'in-namespace' || outcome === 'namespace-unknown';
}

interface Index {
  /** Places of policies in the set by what one of their patterns starts with. */
  readonly byPrefix: ReadonlyMap<string, readonly number[]>;
  /** The lengths of these beginnings, rising. */
  readonly lengths: readonly number[];
  /** Policies about every image. */
  readonly always: readonly number[];
}

const indexes = new WeakMap<PolicySet, Index>();

function indexOf(set: PolicySet): Index {
  const known = indexes.get(set);
  if (known) return known;
  const byPrefix = new Map<string, number[]>();
  const always: number[] = [];
  for (const [at, { scope }] of set.policies.entries()) {
    const prefixes = new Set(scope.images.map(({ prefix = '' }) => prefix));
    // One pattern that may start with anything makes all the others of the policy idle.
    if (prefixes.size === 0 || prefixes.has('')) always.push(at);
    else
      for (const prefix of prefixes) {
        const places = byPrefix.get(prefix);
        if (places) places.push(at);
        else byPrefix.set(prefix, [at]);
      }
  }
  const lengths = [...new Set([...byPrefix.keys()].map(({ length }) => length))].sort((a, b) => a - b);
  const index: Index = { byPrefix, lengths, always };
  indexes.set(set, index);
  return index;
}

function candidates({ byPrefix, lengths, always }: Index, forms: readonly string[], repository: number): Iterable<number> {
  const found = new Set(always);
  for (const length of lengths) {
    // Up to the end of the repository all forms start alike.
    for (const form of length <= repository ? forms.slice(0, 1) : forms.slice(1)) {
      if (length > form.length) continue;
      for (const at of byPrefix.get(form.slice(0, length)) ?? []) found.add(at);
    }
  }
  return [...found].sort((a, b) => a - b);
}
