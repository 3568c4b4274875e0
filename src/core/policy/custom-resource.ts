/**
 * ImagePolicy as a kind of Kubernetes: a CustomResourceDefinition made from the same shapes that read the documents. Its
 * schema is structural (Kubernetes, "Specifying a structural schema"): what such a schema cannot say stays open in it, and
 * is refused by whoever compiles the object, with its place.
 */
import type { JsonObject, JsonValue } from '../encoding/index.ts';
import { DOCUMENTS } from './document-shapes.ts';

const GROUP = 'sealward.dev';

/** Keywords that stay; of `additionalProperties` only a schema, and never beside `properties`. */
const KEPT = [
  'type',
  'description',
  'required',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minProperties',
  'format',
];

export function imagePolicyDefinition(): JsonObject {
  const { spec } = membersOf(DOCUMENTS.ImagePolicy.schema);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `imagepolicies.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { kind: 'ImagePolicy', listKind: 'ImagePolicyList', plural: 'imagepolicies', singular: 'imagepolicy', categories: ['sealward'] },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [
            { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
            { name: 'Owner', type: 'string', jsonPath: '.spec.owner' },
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          ],
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: 'What images in this namespace must have besides what the signed policies ask for. It only ever asks for more.',
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: { ...unsigned(structural(spec)) },
                status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
              },
            },
          },
        },
      ],
    },
  };
}

function membersOf(schema: JsonObject): Readonly<Record<string, JsonObject>> {
  return (schema['properties'] ?? {}) as Readonly<Record<string, JsonObject>>;
}

function structural(schema: JsonObject | undefined): JsonObject {
  if (schema?.['type'] === undefined) {
    // Alternatives, and what contains itself: Kubernetes takes anything here.
    const description = schema?.['description'];
    return { ...(description === undefined ? {} : { description }), 'x-kubernetes-preserve-unknown-fields': true };
  }
  const kept = Object.fromEntries(KEPT.flatMap((keyword) => (isSaid(schema[keyword]) ? [[keyword, schema[keyword] as JsonValue]] : [])));
  const { items, additionalProperties } = schema;
  const members = Object.entries(membersOf(schema));
  return {
    ...kept,
    ...(isObject(items) ? { items: structural(items) } : {}),
    ...(members.length > 0 ? { properties: Object.fromEntries(members.map(([name, member]) => [name, structural(member)])) } : {}),
    ...(isObject(additionalProperties) ? { additionalProperties: structural(additionalProperties) } : {}),
  };
}

function isSaid(value: JsonValue | undefined): boolean {
  return value !== undefined && !(Array.isArray(value) && value.length === 0);
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** What `compileNamespaced` refuses the API server refuses already, so that whoever applies it sees why. */
function unsigned(spec: JsonObject): JsonObject {
  const rule = (rule: string, message: string): JsonObject => ({ rule, message });
  const own = rule(
    '!has(self.certificate) && (!has(self.key) || !(has(self.key.pem) || has(self.key.file)))',
    'a policy that nobody signed may not bring keys or certificates of its own: name a key of the trust state with trustKey',
  );
  const elsewhere = rule(
    '!has(self.match) || !(has(self.match.namespaces) || has(self.match.namespaceLabels))',
    'a policy of a namespace holds in that namespace alone: leave out match.namespaces and match.namespaceLabels',
  );
  const members = membersOf(spec);
  const { authorities = {}, match = {} } = members;
  const matched = membersOf(match);
  return {
    ...spec,
    properties: {
      ...members,
      // A rule sees no list whose items may be anything (Kubernetes, "Validation rules"), and this one may not even be there.
      match: { ...match, properties: { ...matched, namespaces: { ...matched['namespaces'], items: { type: 'string' } } } },
      authorities: { ...authorities, items: { ...(authorities['items'] as JsonObject), 'x-kubernetes-validations': [own] } },
    },
    'x-kubernetes-validations': [elsewhere],
  };
}
