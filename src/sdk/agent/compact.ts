/** Facts as they are kept for long: copied, so that they hold on to nothing else, and with each text in memory once. */
import type { JsonValue } from '../../core/encoding/index.ts';

/** So many texts are remembered; then it begins anew, and what repeats is soon there again. */
const TEXTS = 50_000;

/**
 * A part of a text keeps the whole text alive, and a fact is made of parts: of a bundle with five thousand letters a fact of
 * two hundred would hold all. Names of keys, chains and places stand in thousands of facts and are kept once.
 */
export class Compactor {
  #texts = new Map<string, string>();

  compact<T>(value: T): T {
    if (this.#texts.size > TEXTS) this.#texts = new Map();
    return this.#copy(value as JsonValue) as T;
  }

  #copy(value: JsonValue): JsonValue {
    if (typeof value === 'string') return this.#text(value);
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.length === 0 ? NOTHING : value.map((one) => this.#copy(one));
    const copy: Record<string, JsonValue> = {};
    for (const key in value) copy[key] = this.#copy(value[key] as JsonValue);
    return copy;
  }

  #text(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    // Through bytes and back is the one way to a text that is no part of another.
    const own = Buffer.from(text, 'utf16le').toString('utf16le');
    this.#texts.set(own, own);
    return own;
  }
}

const NOTHING: JsonValue[] = [];
