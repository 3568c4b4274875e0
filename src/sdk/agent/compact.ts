/** Facts as they are kept for long: copied, so that they hold on to nothing else, and with each text in memory once. */
import type { JsonValue } from '../../core/encoding/index.ts';

/** So many texts and values are remembered; then it begins anew, and what repeats is soon there again. */
const TEXTS = 10_000;
const VALUES = 2000;
/** Names of documents are longer, and no two are the same. */
const LONGEST = 70;
/** Members that are mostly the same: who signs, what a certificate is for, what stands above it. */
const SHARED: ReadonlySet<string> = new Set(['names', 'claims', 'purposes', 'requiredAlgorithms', 'annotations']);

/**
 * A part of a text keeps the whole text alive, and a fact is made of parts: of a bundle with five thousand letters a fact of
 * two hundred would hold all. Names of keys, chains and places stand in thousands of facts and are kept once.
 */
export class Compactor {
  #texts = new Map<string, string>();
  #values = new Map<string, JsonValue>();

  readonly compact = <T>(value: T): T => {
    if (this.#texts.size > TEXTS) this.#texts = new Map();
    if (this.#values.size > VALUES) this.#values = new Map();
    return this.#copy(value as JsonValue) as T;
  };

  #copy(value: JsonValue): JsonValue {
    if (typeof value === 'string') return this.#text(value);
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.length === 0 ? NOTHING : value.map((one) => this.#copy(one));
    // A whole copy first: an object that grows member by member takes a third more.
    const copy: Record<string, JsonValue> = { ...value };
    for (const key in copy) copy[key] = SHARED.has(key) ? this.#shared(copy[key] as JsonValue) : this.#copy(copy[key] as JsonValue);
    return copy;
  }

  /** Of what is the same for all that one party signs, one is kept. */
  #shared(value: JsonValue): JsonValue {
    const text = JSON.stringify(value);
    const known = this.#values.get(text);
    if (known !== undefined) return known;
    const copy = this.#copy(value);
    this.#values.set(text, copy);
    return copy;
  }

  #text(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    // Through bytes and back is the one way to a text that is no part of another; with a byte for each letter where that is enough.
    const narrow = Buffer.from(text, 'latin1').toString('latin1');
    const own = narrow === text ? narrow : Buffer.from(text, 'utf16le').toString('utf16le');
    // What names one thing alone does not repeat.
    if (text.length <= LONGEST) this.#texts.set(own, own);
    return own;
  }
}

const NOTHING: JsonValue[] = [];
