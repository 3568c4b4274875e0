/** Kyverno's conditions over a predicate, where they have a simple form in CEL. */
import type { JsonValue } from '../../encoding/index.ts';
import type { Foreign } from './foreign.ts';

/** `{{ a.b.c }}`: a path of plain names. */
const PATH = /^\{\{\s*([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)\s*\}\}$/;

const OPERATORS: Readonly<Record<string, string>> = {
  Equals: '==',
  Equal: '==',
  NotEquals: '!=',
  NotEqual: '!=',
  GreaterThan: '>',
  GreaterThanOrEquals: '>=',
  LessThan: '<',
  LessThanOrEquals: '<=',
};

/** One expression for each block; undefined when any of it has no simple form: half a condition is another condition. */
export function conditionsOf(conditions: Foreign): readonly string[] | undefined {
  const blocks = conditions.items.length > 0 ? conditions.items : [conditions];
  const written = blocks.map((block) => {
    const all = block.at('all').items.map(termOf);
    const any = block.at('any').items.map(termOf);
    if ([...all, ...any].includes(undefined) || all.length + any.length === 0) return undefined;
    return [...all, ...(any.length > 0 ? [`(${any.join(' || ')})`] : [])].join(' && ');
  });
  if (written.includes(undefined)) return undefined;
  conditions.note('different', 'written in CEL; a member that is missing makes it inconclusive');
  return written.filter((one) => one !== undefined);
}

function termOf(term: Foreign): string | undefined {
  const path = PATH.exec(term.at('key').text() ?? '')?.[1];
  const operator = term.at('operator').text() ?? '';
  const value = term.at('value').value ?? null;
  if (path === undefined || path.length > 500) return undefined;
  const member = `predicate.${path}`;
  if (operator === 'In' || operator === 'AnyIn') return Array.isArray(value) ? `${member} in ${literal(value)}` : undefined;
  if (operator === 'NotIn' || operator === 'AllNotIn') return Array.isArray(value) ? `!(${member} in ${literal(value)})` : undefined;
  const symbol = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined;
  if (symbol === undefined || (value !== null && typeof value === 'object')) return undefined;
  // Their wildcards and durations stand in texts, too.
  if (typeof value === 'string' && (/[*?]/.test(value) || !['==', '!='].includes(symbol))) return undefined;
  return `${member} ${symbol} ${literal(value)}`;
}

/** JSON is CEL for texts, numbers, lists, true, false and null. */
function literal(value: JsonValue): string {
  return JSON.stringify(value);
}
