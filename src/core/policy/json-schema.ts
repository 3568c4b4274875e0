/** The JSON Schema of the documents (2020-12), made from the same shapes that read them. */
import type { JsonObject } from '../encoding/index.ts';
import { combination, DOCUMENTS, KINDS } from './document-shapes.ts';

export const POLICY_SCHEMA_ID = 'https://sealward.dev/schemas/policy-v1alpha1.json';

export function policyJsonSchema(): JsonObject {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: POLICY_SCHEMA_ID,
    title: 'Sealward policy documents, sealward.dev/v1alpha1',
    oneOf: KINDS.map((kind) => ({ $ref: `#/$defs/${kind}` })),
    $defs: { ...Object.fromEntries(KINDS.map((kind) => [kind, DOCUMENTS[kind].schema])), combination: combination.schema },
  };
}
