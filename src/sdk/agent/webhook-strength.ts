/**
 * Whether a webhook configuration still holds what it must. Nothing in the cluster can keep whoever administers it from
 * deleting or weakening one, so somebody has to look (admission.md of the field: configurations cannot be guarded by webhooks).
 */
import { type JsonObject, type JsonValue, memberOf, stringOf } from '../../core/encoding/index.ts';

export interface ExpectedWebhook {
  /** Namespaces that may be left out. */
  readonly exempt: ReadonlySet<string>;
}

/** What must be asked about: resource and operation. */
const MUST_ASK = [
  ['pods', 'CREATE'],
  ['pods', 'UPDATE'],
  ['pods/ephemeralcontainers', 'UPDATE'],
] as const;

/** @param configuration a ValidatingWebhookConfiguration; undefined when there is none. @returns what is weak, in words. */
export function weaknessesOf(configuration: JsonObject | undefined, { exempt }: ExpectedWebhook): string[] {
  if (!configuration) return ['the configuration is not there'];
  const webhooks = listOf(configuration['webhooks']);
  const found = MUST_ASK.flatMap(([resource, operation]) => {
    const asks = webhooks.filter((webhook) => asksAbout(webhook, resource, operation));
    // One that is strong is enough; of several that are weak the first is told.
    const weak = asks.map((webhook) => weaknessesOfWebhook(webhook, exempt));
    return weak.some((some) => some.length === 0) ? [] : (weak[0] ?? []);
  });
  return [...new Set([...unasked(webhooks), ...found])];
}

/** @param webhooks all of the validating ones. @returns what none of them is asked about, in words. */
export function unasked(webhooks: readonly JsonValue[]): string[] {
  return MUST_ASK.filter(([resource, operation]) => !webhooks.some((webhook) => asksAbout(webhook, resource, operation))).map(
    ([resource, operation]) => `nobody is asked about ${operation} of ${resource}`,
  );
}

function asksAbout(webhook: JsonValue, resource: string, operation: string): boolean {
  return listOf(memberOf(webhook, 'rules')).some((rule) => {
    const has = (member: string, ...wanted: readonly string[]): boolean =>
      listOf(memberOf(rule, member)).some((one) => typeof one === 'string' && wanted.includes(one));
    const scope = stringOf(memberOf(rule, 'scope')) ?? '*';
    const [plural = '', subresource] = resource.split('/');
    const resources = subresource === undefined ? [plural, '*', '*/*'] : [resource, `${plural}/*`, `*/${subresource}`, '*/*'];
    return (
      has('apiGroups', '', '*') && has('apiVersions', 'v1', '*') && has('operations', operation, '*') && has('resources', ...resources) && scope !== 'Cluster'
    );
  });
}

/** @param exempt undefined where any namespace may be left out by its name. @returns what is set in it and could let something pass. */
export function weaknessesOfWebhook(webhook: JsonValue, exempt?: ReadonlySet<string>): string[] {
  const name = stringOf(memberOf(webhook, 'name')) ?? 'a webhook';
  const found: string[] = [];
  if (memberOf(webhook, 'failurePolicy') !== undefined && memberOf(webhook, 'failurePolicy') !== 'Fail')
    found.push(`${name} lets everything in when it does not answer (failurePolicy)`);
  if (memberOf(webhook, 'matchPolicy') !== undefined && memberOf(webhook, 'matchPolicy') !== 'Equivalent')
    found.push(`${name} is not asked about other versions of a kind (matchPolicy)`);
  if (!isEmpty(memberOf(webhook, 'objectSelector'))) found.push(`${name} leaves out objects by labels that their authors choose (objectSelector)`);
  if (listOf(memberOf(webhook, 'matchConditions')).length > 0) found.push(`${name} leaves out objects by conditions (matchConditions)`);
  found.push(...selectorWeaknesses(name, memberOf(webhook, 'namespaceSelector'), exempt));
  return found;
}

function selectorWeaknesses(name: string, selector: JsonValue | undefined, exempt?: ReadonlySet<string>): string[] {
  if (isEmpty(selector)) return [];
  const found: string[] = [];
  if (!isEmpty(memberOf(selector, 'matchLabels'))) found.push(`${name} holds only for namespaces with labels (namespaceSelector.matchLabels)`);
  for (const expression of listOf(memberOf(selector, 'matchExpressions'))) {
    const [key, operator] = [stringOf(memberOf(expression, 'key')), stringOf(memberOf(expression, 'operator'))];
    if (key !== 'kubernetes.io/metadata.name' || operator !== 'NotIn') {
      found.push(`${name} leaves out namespaces by ${key ?? 'nothing'} ${operator ?? ''} (namespaceSelector)`);
      continue;
    }
    const more = listOf(memberOf(expression, 'values'))
      .map(String)
      .filter((namespace) => exempt && !exempt.has(namespace));
    if (more.length > 0) found.push(`${name} leaves out the namespaces ${more.sort().join(', ')}`);
  }
  return found;
}

function isEmpty(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === 'object' && Object.values(value).every((inner) => isEmpty(inner) || (Array.isArray(inner) && inner.length === 0));
}

function listOf(value: JsonValue | undefined): JsonValue[] {
  return Array.isArray(value) ? value : [];
}
