/** Whom a keyless entry names, as cosign's identities are written: each part by its text, or by an expression over it. */
import type { JsonObject, JsonValue } from '../../encoding/index.ts';
import type { Foreign } from './foreign.ts';

const PARTS = ['issuer', 'issuerRegExp', 'subject', 'subjectRegExp'] as const;

/**
 * Undefined, with a line in the report, for what names nobody, or is not understood whole: half an identity is wider than it.
 * @param form what a text means: itself, or a pattern with wildcards.
 */
export function identityOf(at: Foreign, form: (text: string) => JsonValue, claims: JsonObject = {}): JsonObject | undefined {
  const notMapped = (why: string): undefined => at.note('not-mapped', why) as undefined;
  for (const part of PARTS) if (at.at(part).isThere && typeof at.at(part).value !== 'string') return notMapped(`its ${part} is no text`);
  for (const part of ['issuer', 'subject'])
    if (at.at(part).text() && at.at(`${part}RegExp`).text()) return notMapped(`its ${part} is given twice, as a text and as an expression`);
  const [issuer, subject] = ['issuer', 'subject'].map((part) => nameOf(at.at(part), at.at(`${part}RegExp`), form));
  if (!issuer && !subject && Object.keys(claims).length === 0) return notMapped('it names nobody');
  if (!issuer) at.note('different', 'it names no issuer: whoever issues certificates for that name counts');
  return { issuer: issuer ?? { regex: '.*' }, ...(subject ? { subject } : {}), ...claims };
}

function nameOf(written: Foreign, expression: Foreign, form: (text: string) => JsonValue): JsonValue | undefined {
  const [text, regex] = [written.text(), expression.text()];
  if (text) {
    written.note('mapped');
    return form(text);
  }
  if (!regex) return undefined;
  if (/^\^.*\$$/.test(regex)) expression.note('mapped');
  else expression.note('different', 'here an expression is over the whole value');
  return { regex };
}
