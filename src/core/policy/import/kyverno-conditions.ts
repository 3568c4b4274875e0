/** Kyverno's conditions over a predicate, where they have a simple form in CEL. */
import type { JsonValue } from '../../encoding/index.ts';
import type { Foreign } from './foreign.ts';

/** `{{ a.b.c }}`: a path of plain names. */
const PATH = /^\{\{\s*([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)\s*\}\}$/;

const EQUAL = new Set(['Equals', 'Equal']);
const UNEQUAL = new Set(['NotEquals', 'NotEqual']);
const COMPARED = new Map([
  ['GreaterThan', '>'],
  ['GreaterThanOrEquals', '>='],
  ['LessThan', '<'],
  ['LessThanOrEquals', '<='],
]);

/** What JSON has, by the names of CEL. */
const KINDS = new Map([
  ['string', 'string'],
  ['number', 'double'],
  ['boolean', 'bool'],
]);

const LISTED = new Set(['In', 'AnyIn']);
const UNLISTED = new Set(['NotIn', 'AllNotIn']);

/** One expression for each block; undefined when any of it has no simple form: half a condition is another condition. */
export function conditionsOf(conditions: Foreign): readonly string[] | undefined {
  if (!conditions.isThere) return [];
  const blocks = conditions.items.length > 0 ? conditions.items : [conditions];
  const written = blocks.map((block) => {
    const all = block.at('all').items.map(termOf);
    const any = block.at('any').items.map(termOf);
    if ([...all, ...any].includes(undefined) || all.length + any.length === 0 || block.others(['all', 'any']).length > 0) return undefined;
    return [...all, ...(any.length > 0 ? [`(${any.join(' || ')})`] : [])].join(' && ');
  });
  if (written.includes(undefined)) return undefined;
  conditions.note('different', 'written in CEL; a member that is missing makes it inconclusive');
  return written.filter((one) => one !== undefined);
}

function termOf(term: Foreign): string | undefined {
  const path = PATH.exec(term.at('key').textOrEmpty())?.[1];
  if (path === undefined) return undefined;
  const member = `predicate.${path}`;
  const operator = term.at('operator').textOrEmpty();
  const { value } = term.at('value');
  const values = Array.isArray(value) ? value : [value];
  // Their wildcards stand in texts.
  if (values.some((one) => typeof one === 'string' && /[*?]/.test(one))) return undefined;
  if (LISTED.has(operator)) return Array.isArray(value) ? `${member} in ${literal(value)}` : undefined;
  // They compare the texts of numbers, and each item of a list, with the others: of texts alone both mean the same.
  if (UNLISTED.has(operator))
    return Array.isArray(value) && value.every((one) => typeof one === 'string') ? `type(${member}) == string && !(${member} in ${literal(value)})` : undefined;
  const kind = KINDS.get(typeof value);
  if (kind === undefined) return undefined;
  if (EQUAL.has(operator)) return `${member} == ${literal(value)}`;
  // To them a number may equal its text, and two durations or quantities may be written differently and be the same.
  if (UNEQUAL.has(operator))
    return typeof value === 'string' && /^[-+.\d]/.test(value) ? undefined : `type(${member}) == ${kind} && ${member} != ${literal(value)}`;
  const symbol = COMPARED.get(operator);
  return symbol !== undefined && kind === 'double' ? `${member} ${symbol} ${literal(value)}` : undefined;
}

/** JSON is CEL for texts, numbers, lists, true, false and null. */
function literal(value: JsonValue): string {
  return JSON.stringify(value);
}
