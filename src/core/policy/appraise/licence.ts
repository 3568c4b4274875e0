/** SPDX licence expressions (SPDX specification 2.3, annex D), as far as a rule about allowed licences needs them. */

export type Verdict = 'allowed' | 'denied' | 'unknown';

export interface LicenceRule {
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
}

/** More than this no licence of one component has. */
const TOKENS = 256;

/**
 * Whether the expression may be used: of `OR` one side must be allowed, of `AND` both, and an exception (`WITH`) changes
 * nothing. What is no expression, or names nothing (`NOASSERTION`, `NONE`), is unknown.
 */
export function judgeLicence(expression: string, rule: LicenceRule): Verdict {
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? [];
  if (tokens.length > TOKENS) return 'unknown';
  const reader = { at: 0, tokens, rule };
  const verdict = either(reader);
  return reader.at === tokens.length ? verdict : 'unknown';
}

interface Reader {
  at: number;
  readonly tokens: readonly string[];
  readonly rule: LicenceRule;
}

const ORDER: readonly Verdict[] = ['denied', 'unknown', 'allowed'];
const better = (a: Verdict, b: Verdict): Verdict => ORDER[Math.max(ORDER.indexOf(a), ORDER.indexOf(b))] as Verdict;
const worse = (a: Verdict, b: Verdict): Verdict => ORDER[Math.min(ORDER.indexOf(a), ORDER.indexOf(b))] as Verdict;

function either(reader: Reader): Verdict {
  let verdict = both(reader);
  while (word(reader, 'OR')) verdict = better(verdict, both(reader));
  return verdict;
}

function both(reader: Reader): Verdict {
  let verdict = one(reader);
  while (word(reader, 'AND')) verdict = worse(verdict, one(reader));
  return verdict;
}

function one(reader: Reader): Verdict {
  const token = reader.tokens[reader.at++];
  if (token === '(') {
    const verdict = either(reader);
    return reader.tokens[reader.at++] === ')' ? verdict : 'unknown';
  }
  const verdict = token === undefined || token === ')' ? 'unknown' : named(token, reader.rule);
  if (word(reader, 'WITH')) reader.at++;
  return verdict;
}

function word(reader: Reader, name: string): boolean {
  if (reader.tokens[reader.at]?.toUpperCase() !== name) return false;
  reader.at++;
  return true;
}

function named(id: string, { allowed, denied }: LicenceRule): Verdict {
  const plain = id.toLowerCase();
  if (plain === 'noassertion' || plain === 'none') return 'unknown';
  const isIn = (list: readonly string[]): boolean => list.some((one) => one.toLowerCase() === plain || `${one.toLowerCase()}+` === plain);
  if (isIn(denied)) return 'denied';
  if (allowed.length > 0) return isIn(allowed) ? 'allowed' : 'denied';
  return 'allowed';
}
