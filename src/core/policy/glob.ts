/**
 * Globs with two stars: `*` is anything but `/`, `**` is anything. One grammar for names of images, of namespaces and of
 * signers. Matching never goes back: all places of the pattern that may be reached are bits that move together, so that
 * each character of the value costs the same few operations, whatever either of them holds.
 */
export interface Glob {
  /** The characters before the first star: what matches starts with them. */
  readonly prefix: string;
  readonly matches: (value: string) => boolean;
}

export function compileGlob(text: string): Glob {
  const star = text.indexOf('*');
  if (star < 0) return { prefix: text, matches: (value) => value === text };
  const prefix = text.slice(0, star);
  // The commonest patterns end with their only star.
  if (star === text.length - 1) return { prefix, matches: (value) => value.startsWith(prefix) && !value.includes('/', prefix.length) };
  if (text.slice(star) === '**') return { prefix, matches: (value) => value.startsWith(prefix) };
  const places = placesOf(text.slice(star));
  return { prefix, matches: (value) => value.startsWith(prefix) && simulate(places, value, prefix.length) };
}

const SLASH = 0x2f;

/** Bit i stands for "the first i letters of the pattern are matched". */
interface Places {
  readonly letters: number;
  /** Where the pattern goes on with a certain code unit. */
  readonly next: ReadonlyMap<number, Int32Array>;
  /** Where it may stay, because a star stands there: for any character, and for a slash. */
  readonly stay: Int32Array;
  readonly stayOnSlash: Int32Array;
}

function placesOf(text: string): Places {
  const letters = text.replaceAll('*', '').length;
  const words = (letters >> 5) + 1;
  const [next, stay, stayOnSlash] = [new Map<number, Int32Array>(), new Int32Array(words), new Int32Array(words)];
  let letter = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '*') {
      const unit = text.charCodeAt(at);
      const places = next.get(unit) ?? new Int32Array(words);
      next.set(unit, places);
      set(places, letter);
      letter++;
      continue;
    }
    set(stay, letter);
    if (text[at + 1] !== '*') continue;
    set(stayOnSlash, letter);
    at++;
  }
  return { letters, next, stay, stayOnSlash };
}

function set(bits: Int32Array, place: number): void {
  bits[place >> 5] = (bits[place >> 5] as number) | (1 << (place & 31));
}

function simulate({ letters, next, stay, stayOnSlash }: Places, value: string, start: number): boolean {
  const reached = new Int32Array(stay.length);
  reached[0] = 1;
  for (let at = start; at < value.length; at++) {
    const unit = value.charCodeAt(at);
    const moves = next.get(unit);
    const stays = unit === SLASH ? stayOnSlash : stay;
    let carry = 0;
    let any = 0;
    for (let word = 0; word < stays.length; word++) {
      const before = reached[word] as number;
      const moved = moves === undefined ? 0 : before & (moves[word] as number);
      const after = (moved << 1) | carry | (before & (stays[word] as number));
      carry = moved >>> 31;
      reached[word] = after;
      any |= after;
    }
    if (any === 0) return false;
  }
  return ((reached[letters >> 5] as number) & (1 << (letters & 31))) !== 0;
}
