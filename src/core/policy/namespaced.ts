/**
 * Policies that stand in a namespace and that nobody signed, beside those of the trust state. Each is taken or refused on
 * its own, so that nobody who may write into one namespace takes anything from another; and whatever they say, they only
 * ask for more: compileNamespaced refuses keys, exceptions and defaults, and the judge lets the default rule hold beside them.
 */
import { LIMITS } from '../encoding/index.ts';
import type { KeyVersion } from '../trust/index.ts';
import type { PolicyCompiler, PolicyProblem } from './compiled.ts';
import type { ImagePolicy, PolicySet } from './policy.ts';

export interface NamespacedObject {
  readonly namespace: string;
  readonly name: string;
  /** The object in JSON or YAML, as it is kept; what Kubernetes adds to it changes nothing. */
  readonly text: string;
}

export interface RefusedObject {
  readonly namespace: string;
  readonly name: string;
  /** Why, each with its place in the text. */
  readonly problems: readonly PolicyProblem[];
  /** Whether an earlier version of the same object, which could be understood, still holds. */
  readonly earlierHolds: boolean;
}

interface Taken {
  /** All that compiling it read. */
  readonly from: string;
  readonly policies: readonly ImagePolicy[];
}

export interface NamespacedPolicies {
  /** The signed ones, with what the namespaces ask for on top. */
  readonly policies: PolicySet;
  /** In the order of their namespaces and names. */
  readonly refused: readonly RefusedObject[];
  /** What holds, by `namespace/name`: to be given back the next time, so that what did not change is not read anew. */
  readonly inForce: ReadonlyMap<string, Taken>;
}

/**
 * @param signed what the trust state's roles signed
 * @param objects all that there are now; their order changes nothing
 * @param keys of the trust state, for trustKey
 * @param before what held until now: an object whose new version is refused keeps the one that was understood
 */
export function addNamespaced(
  signed: PolicySet,
  objects: readonly NamespacedObject[],
  { compileNamespaced, withNamespaced }: Pick<PolicyCompiler, 'compileNamespaced' | 'withNamespaced'>,
  { keys, before = new Map() }: { readonly keys?: readonly KeyVersion[]; readonly before?: NamespacedPolicies['inForce'] } = {},
): NamespacedPolicies {
  const inForce = new Map<string, Taken>();
  const refused: RefusedObject[] = [];
  const counts = new Map<string, number>();
  const keysText = JSON.stringify(keys ?? null);
  for (const { namespace, name, text } of [...objects].sort(byPlace)) {
    const place = `${namespace}/${name}`;
    const held = before.get(place);
    const count = (counts.get(namespace) ?? 0) + 1;
    counts.set(namespace, count);
    if (count > LIMITS.policiesPerNamespace) {
      refused.push({ namespace, name, problems: [tooMany(place)], earlierHolds: false });
      continue;
    }
    const from = `${keysText}\n${text}`;
    if (held?.from === from) {
      inForce.set(place, held);
      continue;
    }
    const result = compileNamespaced({ name: place, text }, namespace, keys ? { keys } : {});
    if (result.ok) inForce.set(place, { from, policies: result.policies.policies });
    else {
      if (held) inForce.set(place, held);
      refused.push({ namespace, name, problems: result.problems, earlierHolds: held !== undefined });
    }
  }
  return {
    policies: withNamespaced(
      signed,
      [...inForce.values()].flatMap(({ policies }) => policies),
    ),
    refused,
    inForce,
  };
}

function byPlace(a: NamespacedObject, b: NamespacedObject): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function tooMany(source: string): PolicyProblem {
  return {
    source,
    line: 1,
    column: 1,
    code: 'ERR_TOO_LARGE',
    message: `a namespace has at most ${LIMITS.policiesPerNamespace} policies of its own`,
    hint: 'Put what several policies ask for into one.',
  };
}
