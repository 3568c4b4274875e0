/** Where a key is, by the first letters of its reference. */
import { SealwardError } from '../../core/errors.ts';

export interface KeyReference {
  /** `file`, or the scheme in lower case. */
  readonly scheme: string;
  readonly text: string;
  /** The reference in messages: printable, bounded, without the query of a PKCS#11 URI, which may name a PIN. */
  readonly name: string;
}

const LONGEST = 2048;
const LONGEST_NAME = 200;

/** References that other tools fetch keys by, and why that is not done here. */
const REFUSED: Readonly<Record<string, string>> = {
  http: 'Download the key, compare it with what its owner publishes elsewhere, and give the file.',
  https: 'Download the key, compare it with what its owner publishes elsewhere, and give the file.',
  github: 'Secrets of GitHub cannot be read back; give the public key as a file.',
  gitlab: 'Give the key as env://VARIABLE from a variable of the CI, and the public key as a file.',
};

export function parseKeyReference(text: string): KeyReference {
  const scheme = /^(?:([a-z][a-z0-9+.-]*):\/\/|(pkcs11):)/i.exec(text);
  const name = visibleName(text);
  if (text === '' || text.length > LONGEST || text.includes('\0')) {
    throw new SealwardError('ERR_KEY_REFERENCE', text === '' ? 'the key reference is empty' : `the key reference ${name} is too long, or holds a NUL`);
  }
  if (!scheme) return { scheme: 'file', text, name };
  const lower = (scheme[1] ?? scheme[2] ?? '').toLowerCase();
  const hint = REFUSED[lower];
  if (hint !== undefined) throw new SealwardError('ERR_KEY_REFERENCE', `a key is not read from ${name}`, { hint });
  return { scheme: lower, text: lower + text.slice(lower.length), name };
}

/** Whether the reference is the path of a file, which callers may want to read themselves. */
export function isFileReference(text: string): boolean {
  return parseKeyReference(text).scheme === 'file';
}

function visibleName(text: string): string {
  const shown = /^pkcs11:/i.test(text) ? withoutPin(text) : text.replace(/\/\/[^/@]*@/, '//');
  const printable = printableText(shown);
  return printable.length > LONGEST_NAME ? `${printable.slice(0, LONGEST_NAME)}...` : printable;
}

/** Without what a terminal would act on. */
export function printableText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\ufffd');
}

/** The path of a PKCS#11 URI only; and nothing of a pin-value that somebody put there by mistake. */
function withoutPin(uri: string): string {
  return (uri.split('?', 1)[0] ?? '').replace(/;?pin-value=[^;]*/gi, '');
}
