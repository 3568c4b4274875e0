/** Selectors of labels, as text and as objects, and of the few fields that the API selects by. */
import type { JsonObject, JsonValue } from '../../core/encoding/index.ts';
import { listAt, objectAt, textAt } from './members.ts';
import { badRequest } from './statuses.ts';

type Test = (labels: JsonObject) => boolean;

const TERM = /^\s*(?:(!)\s*([\w./-]+)|([\w./-]+)\s*(?:(==?|!=)\s*([\w.-]*)|\s(in|notin)\s*\(([^)]*)\))?)\s*$/;

/** `a=b,c!=d,e in (f,g),h,!i`. Throws 400. */
export function parseLabelSelector(text: string): Test {
  const terms = text.trim() === '' ? [] : text.split(/,(?![^(]*\))/);
  const tests = terms.map((term): Test => {
    const found = TERM.exec(term);
    if (!found) throw badRequest(`unable to parse requirement: found '${term}'`);
    const [, not, absent = '', key = '', sign, value = '', word, values = ''] = found;
    if (not !== undefined) return (labels) => !(absent in labels);
    if (word !== undefined)
      return requirement(
        key,
        word === 'in' ? 'In' : 'NotIn',
        values.split(',').map((each) => each.trim()),
      );
    if (sign === undefined) return (labels) => key in labels;
    return requirement(key, sign === '!=' ? 'NotIn' : 'In', [value]);
  });
  return (labels) => tests.every((test) => test(labels));
}

function requirement(key: string, operator: string, values: readonly JsonValue[]): Test {
  if (operator === 'In') return (labels) => key in labels && values.includes(labels[key] ?? '');
  // As the API has it, a label that is not there has none of the values.
  if (operator === 'NotIn') return (labels) => !(key in labels && values.includes(labels[key] ?? ''));
  if (operator === 'Exists') return (labels) => key in labels;
  if (operator === 'DoesNotExist') return (labels) => !(key in labels);
  throw badRequest(`"${operator}" is not a valid label selector operator`);
}

/** A LabelSelector; an empty one selects everything. */
export function matchesSelector(selector: JsonValue | undefined, labels: JsonObject): boolean {
  const equal = Object.entries(objectAt(selector, 'matchLabels')).every(([key, value]) => labels[key] === value);
  return (
    equal && listAt(selector, 'matchExpressions').every((each) => requirement(textAt(each, 'key'), textAt(each, 'operator'), listAt(each, 'values'))(labels))
  );
}

const FIELDS = /^(?:metadata\.(?:name|namespace)|spec\.(?:nodeName|serviceAccountName|restartPolicy)|status\.phase|type|reason|involvedObject\.\w+)$/;

/** `metadata.name=a,status.phase!=b`. Throws 400 for fields that nothing is selected by. */
export function parseFieldSelector(text: string): (object: JsonObject) => boolean {
  const tests = text
    .split(',')
    .filter((term) => term.trim() !== '')
    .map((term) => {
      const [, field = '', sign, value = ''] = /^\s*([\w.]+)\s*(==?|!=)\s*(.*?)\s*$/.exec(term) ?? [];
      if (!FIELDS.test(field)) throw badRequest(`field label not supported: ${field === '' ? term : field}`);
      return (object: JsonObject) => (textAt(object, ...field.split('.')) === value) === (sign !== '!=');
    });
  return (object) => tests.every((test) => test(object));
}

export const labelsOf = (object: JsonObject): JsonObject => objectAt(object, 'metadata', 'labels');
