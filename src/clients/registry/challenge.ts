/** The WWW-Authenticate header (RFC 9110 section 11.6.1), several challenges in several headers; strict. */
import { quoted } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';

export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const LONGEST = 8192;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const SPACE = /[ \t]+/y;
/** RFC 9110 section 5.6.4; what stands between the quotes is visible or a space. */
const QUOTED = /"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*)"/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;

export function parseChallenges(headers: readonly string[]): readonly Challenge[] {
  return headers.flatMap(parseHeader);
}

function refuse(header: string): never {
  throw new SealwardError('ERR_CONTENT_REFUSED', `the registry asks for authentication in a way that cannot be read: ${quoted(header)}`);
}

function parseHeader(header: string): Challenge[] {
  if (header.length > LONGEST) return refuse(header);
  let at = 0;
  const take = (grammar: RegExp): string | undefined => {
    grammar.lastIndex = at;
    const match = grammar.exec(header);
    if (!match) return undefined;
    at += match[0].length;
    return match[1] ?? match[0];
  };
  const takeChar = (char: string): boolean => {
    if (header[at] !== char) return false;
    at++;
    return true;
  };
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  while (at < header.length) {
    take(SPACE);
    if (takeChar(',')) continue;
    if (at >= header.length) break;
    const word = take(TOKEN);
    if (word === undefined) return refuse(header);
    const afterWord = at;
    take(SPACE);
    const current = challenges.at(-1);
    if (takeChar('=') && current) {
      // A parameter of the challenge before it: name, "=", token or quoted string.
      take(SPACE);
      const value = header[at] === '"' ? take(QUOTED)?.replace(/\\(.)/g, '$1') : take(TOKEN);
      const name = word.toLowerCase();
      if (value === undefined || current.parameters.has(name)) return refuse(header);
      current.parameters.set(name, value);
    } else {
      at = afterWord;
      challenges.push({ scheme: word.toLowerCase(), parameters: new Map() });
      const spaced = take(SPACE) !== undefined;
      // Negotiate and its like carry a token68; nothing here uses it.
      if (spaced) take(TOKEN68);
      continue;
    }
    take(SPACE);
    if (at < header.length && header[at] !== ',') return refuse(header);
  }
  return challenges;
}
