/** What facts are made by: anchors and conditions, taken out of trust and policies once for as long as both stay. */
import { fingerprintOf } from '../../core/crypto/index.ts';
import { utf8 } from '../../core/encoding/index.ts';
import { type Appraiser, loadAppraiser } from '../../core/policy/index.ts';
import type { Anchors } from '../../core/trust/index.ts';
import { anchorsOf, digestOfAnchors } from '../../core/verify/index.ts';
import { type AskedCondition, asksForLabels, conditionsOf } from '../evidence-of.ts';
import type { InForce } from './in-force.ts';

/** What facts are proven under, and what is asked of statements. A revocation or a new lease changes neither. */
export interface View {
  /** Two views with one key make the same facts of the same evidence. */
  readonly key: string;
  readonly anchors: Anchors;
  readonly conditions: readonly AskedCondition[];
  readonly appraiser: Appraiser | undefined;
  readonly labels: boolean;
}

const views = new WeakMap<InForce, View>();

/** Undefined until `prepareView` has loaded what it takes. */
export function viewOf(inForce: InForce): View | undefined {
  return views.get(inForce);
}

export async function prepareView(inForce: InForce): Promise<View> {
  const known = views.get(inForce);
  if (known) return known;
  const { trust, policies } = inForce;
  const anchors = anchorsOf(policies, trust);
  const conditions = conditionsOf(policies);
  const labels = asksForLabels(policies);
  const asked = JSON.stringify([digestOfAnchors(anchors), conditions.map(({ types, condition }) => [types, condition.id]), labels]);
  const appraiser = conditions.length === 0 ? undefined : await loadAppraiser();
  const view: View = { key: fingerprintOf(utf8(asked)), anchors, conditions, appraiser, labels };
  views.set(inForce, view);
  return view;
}
