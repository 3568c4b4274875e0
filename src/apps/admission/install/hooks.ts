/** The configurations that make the API server ask: whether they are as they were installed, and whom they believe. */
import type { KubernetesClient } from '../../../clients/kubernetes/index.ts';
import { type JsonObject, type JsonValue, memberOf, stringOf } from '../../../core/encoding/index.ts';
import { listOf, NAME } from './replicas.ts';
import { HOOKS } from './resources.ts';

export interface Hook {
  /** The kind of its configuration. */
  readonly kind: string;
  readonly name: string;
  readonly failurePolicy: string;
  /** PEM, base64; empty while nobody was believed yet. */
  readonly caBundle: string;
  readonly json: JsonValue;
}

interface Asking {
  readonly deadline: number;
  readonly signal: AbortSignal;
}

export async function findHooks(client: KubernetesClient, asking: Asking): Promise<readonly Hook[]> {
  const found: Hook[] = [];
  for (const of of HOOKS) {
    const object = await client.get(of, { name: NAME }, asking);
    for (const json of listOf(object?.json['webhooks'])) {
      found.push({
        kind: of.kind,
        name: stringOf(memberOf(json, 'name')) ?? '',
        failurePolicy: stringOf(memberOf(json, 'failurePolicy')) ?? 'Fail',
        caBundle: stringOf(memberOf(memberOf(json, 'clientConfig'), 'caBundle')) ?? '',
        json,
      });
    }
  }
  return found;
}

/** The same configurations with another failurePolicy. */
export function withFailurePolicy(object: JsonObject, failurePolicy: string): JsonObject {
  return { ...object, webhooks: listOf(object['webhooks']).map((hook) => ({ ...(hook as JsonObject), failurePolicy })) };
}

/** What is set in them here, and could let something pass there. One sentence each. */
export function weaknesses(hooks: readonly Hook[]): readonly string[] {
  const found: string[] = [];
  for (const name of ['pods.sealward.dev', 'templates.sealward.dev', 'pin.sealward.dev'])
    if (!hooks.some((hook) => hook.name === name)) found.push(`${name} is missing: the API server does not ask it`);
  for (const { name, failurePolicy, json, caBundle } of hooks) {
    const at = (member: string): JsonValue | undefined => memberOf(json, member);
    if (failurePolicy !== 'Fail') found.push(`${name} has failurePolicy ${failurePolicy}: while nobody answers, everything is let in`);
    if (caBundle === '') found.push(`${name} has no caBundle: the API server cannot ask`);
    if (isSelecting(at('objectSelector'))) found.push(`${name} has an objectSelector: whoever makes an object chooses its labels`);
    if (listOf(at('matchConditions')).length > 0) found.push(`${name} has matchConditions, and objects can be made to miss them`);
    if (stringOf(at('matchPolicy')) === 'Exact') found.push(`${name} has matchPolicy Exact: other versions of the same kind pass`);
    for (const expression of listOf(memberOf(at('namespaceSelector'), 'matchExpressions'))) {
      const [key, operator] = [stringOf(memberOf(expression, 'key')), stringOf(memberOf(expression, 'operator'))];
      if (key !== 'kubernetes.io/metadata.name' || operator !== 'NotIn') found.push(`${name} selects namespaces by ${key} ${operator}, which can be changed`);
    }
    if (Object.keys((memberOf(at('namespaceSelector'), 'matchLabels') as JsonObject | undefined) ?? {}).length > 0)
      found.push(`${name} selects namespaces by labels, which can be changed`);
  }
  return found;
}

const isSelecting = (selector: JsonValue | undefined): boolean =>
  listOf(memberOf(selector, 'matchExpressions')).length > 0 || Object.keys((memberOf(selector, 'matchLabels') as JsonObject | undefined) ?? {}).length > 0;

/** Namespaces that are not asked about. */
export function exemptOf(hooks: readonly Hook[]): readonly string[] {
  const names = hooks.flatMap(({ json }) =>
    listOf(memberOf(memberOf(json, 'namespaceSelector'), 'matchExpressions')).flatMap((expression) => listOf(memberOf(expression, 'values'))),
  );
  return [...new Set(names.filter((name) => typeof name === 'string'))].sort();
}
