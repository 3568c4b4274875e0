/** Which webhooks a request goes to, and in which version of its resource. */
import { decodeBase64, type JsonObject, type JsonValue } from '../../core/encoding/index.ts';
import type { AdmissionRequest } from './admission-request.ts';
import { isObject, listAt, numberAt, objectAt, textAt, valueAt } from './members.ts';
import { labelsOf, matchesSelector } from './selectors.ts';

export interface Webhook {
  readonly configuration: string;
  readonly name: string;
  readonly settings: JsonObject;
  readonly timeoutSeconds: number;
  readonly failOpen: boolean;
  readonly reinvoked: boolean;
  /** PEM; empty for the authorities of the machine. */
  readonly caBundle: string;
}

/** The webhooks of all configurations: in the order of the names of these, and of their lists. */
export function webhooksOf(configurations: readonly JsonObject[]): Webhook[] {
  return configurations.flatMap((configuration) =>
    listAt(configuration, 'webhooks')
      .filter(isObject)
      .map((settings) => ({
        configuration: textAt(configuration, 'metadata', 'name'),
        name: textAt(settings, 'name'),
        settings,
        timeoutSeconds: numberAt(settings, 'timeoutSeconds') ?? 10,
        failOpen: textAt(settings, 'failurePolicy') === 'Ignore',
        reinvoked: textAt(settings, 'reinvocationPolicy') === 'IfNeeded',
        caBundle: Buffer.from(decodeBase64(textAt(settings, 'clientConfig', 'caBundle'), 'the caBundle')).toString('utf8'),
      })),
  );
}

/** The version in which a webhook is to see the request; undefined where it is none of its business. */
export function versionFor(webhook: Webhook, request: AdmissionRequest, namespace: JsonObject | undefined): string | undefined {
  // So that a configuration that locks everybody out can still be taken away.
  if (request.kind.group === 'admissionregistration.k8s.io') return undefined;
  const { settings } = webhook;
  const version = matchedVersion(settings, request);
  if (version === undefined) return undefined;
  if (!inNamespaces(valueAt(settings, 'namespaceSelector'), request, namespace)) return undefined;
  const selector = valueAt(settings, 'objectSelector');
  const objects = [request.object, request.oldObject].filter((object) => object !== undefined);
  return objects.some((object) => matchesSelector(selector, labelsOf(object))) ? version : undefined;
}

function matchedVersion(settings: JsonObject, request: AdmissionRequest): string | undefined {
  const rules = listAt(settings, 'rules');
  if (rules.some((rule) => matchesRule(rule, request, request.version))) return request.version;
  if (textAt(settings, 'matchPolicy') === 'Exact') return undefined;
  // The same thing under another version is the same thing.
  return request.kind.versions.find((version) => rules.some((rule) => matchesRule(rule, request, version)));
}

function matchesRule(rule: JsonValue, request: AdmissionRequest, version: string): boolean {
  const has = (member: string, value: string): boolean => listAt(rule, member).some((each) => each === '*' || each === value);
  return (
    has('operations', request.operation) &&
    has('apiGroups', request.kind.group) &&
    has('apiVersions', version) &&
    listAt(rule, 'resources').some((each) => matchesResource(each, request)) &&
    inScope(textAt(rule, 'scope'), request)
  );
}

/** `pods`, `pods/status`, `pods/*` (which is the pods too), `*`, which has no subresources, and all with `*` on both sides. */
function matchesResource(pattern: JsonValue, { kind, subresource }: AdmissionRequest): boolean {
  const [resource, sub = ''] = typeof pattern === 'string' ? pattern.split('/') : [];
  return (resource === '*' || resource === kind.plural) && (sub === '*' || sub === subresource);
}

function inScope(scope: string, { kind, namespace }: AdmissionRequest): boolean {
  const inside = kind.plural !== 'namespaces' && namespace !== '';
  return scope === 'Namespaced' ? inside : scope === 'Cluster' ? !inside : true;
}

/** A Namespace is held against its own labels; what belongs to no namespace is never left out. */
function inNamespaces(selector: JsonValue | undefined, request: AdmissionRequest, namespace: JsonObject | undefined): boolean {
  if (request.kind.group === '' && request.kind.plural === 'namespaces') return matchesSelector(selector, labelsOf(request.object ?? request.oldObject ?? {}));
  return request.namespace === '' || matchesSelector(selector, objectAt(namespace, 'metadata', 'labels'));
}
