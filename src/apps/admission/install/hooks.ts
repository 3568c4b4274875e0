/** The configurations that make the API server ask: whether they are as they were installed, and whom they believe. */
import { type KubernetesClient, RESOURCES } from '../../../clients/kubernetes/index.ts';
import { type JsonObject, type JsonValue, memberOf, stringOf } from '../../../core/encoding/index.ts';
import { unasked, weaknessesOfWebhook } from '../../../sdk/agent/index.ts';
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
  for (const { name, json, caBundle } of hooks) {
    if (caBundle === '') found.push(`${name} has no caBundle: the API server cannot ask`);
    // Which namespaces are left out by name is shown, and is whoever's choice that installed it.
    found.push(...weaknessesOfWebhook(json));
  }
  if (hooks.length > 0) found.push(...unasked(hooks.filter(({ kind }) => kind === RESOURCES.validatingWebhooks.kind).map(({ json }) => json)));
  return found;
}

/** Namespaces that are not asked about. */
export function exemptOf(hooks: readonly Hook[]): readonly string[] {
  const names = hooks.flatMap(({ json }) =>
    listOf(memberOf(memberOf(json, 'namespaceSelector'), 'matchExpressions')).flatMap((expression) => listOf(memberOf(expression, 'values'))),
  );
  return [...new Set(names.filter((name) => typeof name === 'string'))].sort();
}
