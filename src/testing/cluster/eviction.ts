/** PodDisruptionBudgets, counted when somebody asks: an eviction that would take too much is refused with 429. */
import type { JsonObject, JsonValue } from '../../core/encoding/index.ts';
import { listAt, objectAt, textAt, valueAt } from './members.ts';
import { labelsOf, matchesSelector } from './selectors.ts';
import { ApiFailure } from './statuses.ts';

export function blockedBy(pod: JsonObject, pods: readonly JsonObject[], budgets: readonly JsonObject[]): ApiFailure | undefined {
  for (const budget of budgets) {
    const selector = valueAt(budget, 'spec', 'selector');
    if (!matchesSelector(selector, labelsOf(pod))) continue;
    const covered = pods.filter((each) => matchesSelector(selector, labelsOf(each)));
    const healthy = covered.filter(isReady).length;
    const [least, most] = [valueAt(budget, 'spec', 'minAvailable'), valueAt(budget, 'spec', 'maxUnavailable')];
    const needed = least === undefined ? covered.length - count(most ?? 0, covered.length) : count(least, covered.length);
    if (healthy - 1 >= needed) continue;
    const name = textAt(budget, 'metadata', 'name');
    const message = `The disruption budget ${name} needs ${needed} healthy pods and has ${healthy} currently`;
    const details = { causes: [{ reason: 'DisruptionBudget', message }] };
    return new ApiFailure(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", details);
  }
  return undefined;
}

const isReady = (pod: JsonObject): boolean =>
  listAt(pod, 'status', 'conditions').some((each) => objectAt(each)['type'] === 'Ready' && objectAt(each)['status'] === 'True');

/** A number, or a percentage, rounded up. */
const count = (value: JsonValue, of: number): number =>
  typeof value === 'number' ? value : Math.ceil((Number.parseInt(typeof value === 'string' ? value : '0', 10) / 100) * of);
