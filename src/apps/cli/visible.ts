/**
 * Text that somebody else chose (annotations, subjects, file names, messages of a registry) may carry terminal commands
 * or turn the reading direction. Before it is printed, everything that does not show as itself becomes an escape.
 */

/** C0 and C1 controls, DEL, line and paragraph separators, direction marks, byte order mark, lone surrogates and tags. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** Compiling the expression above takes milliseconds that plain text, which is nearly all of it, need not pay. */
const PLAIN = /^[ -~]*$/;

function escape(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return `\\u{${(character.codePointAt(0) as number).toString(16)}}`;
}

/** One line of text, safe to print. */
export function visible(text: string): string {
  return PLAIN.test(text) ? text : text.replace(HIDDEN, escape);
}

/** The same for text of several lines that we laid out ourselves. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n');
}

/** JSON that is as safe to print: the same characters, in the escapes of RFC 8259 section 7. */
export function visibleJson(value: unknown): string {
  const text = JSON.stringify(value, null, 2);
  return text
    .split('\n')
    .map((line) => (PLAIN.test(line) ? line : line.replace(HIDDEN, unicodeEscape)))
    .join('\n');
}

function unicodeEscape(character: string): string {
  let out = '';
  for (let i = 0; i < character.length; i++) out += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
  return out;
}
