/**
 * The plain part of YAML, in which nearly everybody writes policies, and JSON: read in one pass, where the whole parser
 * takes two thirds of what loading policies costs. It gives the nodes that the parser gives, at the same places, or nothing:
 * where one line is not plain the whole text is left to the parser, and so is whatever is wrong.
 *
 * Plain are maps and lists by indentation, each key and each text on one line, numbers, truths, flow collections, comments,
 * and behind `|` and `>` paragraphs of lines that begin at one column. Not plain are anchors, tags, other texts over several
 * lines, tabs, and rare characters.
 */
import { type LineCounter, type Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { LIMITS } from '../encoding/index.ts';

/** A line that says something: where that begins, behind the indentation. */
interface Line {
  readonly at: number;
  readonly column: number;
}

class NotPlain extends Error {}

const FOREIGN = /[^\n\x20-\x7e\xa1-\u1fff\u2010-\u2027\u2030-\ud7ff]/;
const KEY = /([A-Za-z_][\w./-]{0,99}):(?: +|(?=\n|$))/y;
const ITEM = /- +/y;
const PARAGRAPH = /([|>])(-?)\n/y;
const PARAGRAPH_LINE = / +[^ \n](?:[^\n]*[^ \n])?\n/y;
const EMPTY_LINES = /\n*/y;
const BLANK = / +(?:\n|$)/y;
const END_OF_LINE = / *(?:(?<= )#[^\n]*)?(?:\n|$)/y;
/** Begins like a word, and ends before `: ` and ` #` (YAML 1.2.2, rule 131, and less). */
const WORDS = /[A-Za-z0-9_/](?:[^\n :]|:(?=[^\n ])| {1,100}(?=[^\n #])){0,4096}/y;
const WORD_IN_FLOW = /[A-Za-z0-9_/](?:[\w./@+*=~-]|:(?=[\w/])){0,4096}/y;
const SINGLE_QUOTED = /'([^'\n]{0,4096})'(?!')/y;
/** With those escapes that JSON has, too. */
const DOUBLE_QUOTED = /"((?:[^"\\\n]|\\["\\/bfnrt]){0,4096})"/y;
/** YAML 1.2.2, 10.3.2, as far as a text may begin here. */
const NUMBER = /^(?:[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|[0-9]+\.[0-9]*|[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+)$/;
const SHORT_NUMBER = /^[0-9]{1,15}$/;
const WORD_FOR_VALUE = /^(?:null|true|false)$/i;
const LONGEST_KEY = 100;

/** The roots of all documents that say something; undefined when the text is not plain. @param lines learns where lines begin. */
export function readPlain(text: string, lines: LineCounter): Node[] | undefined {
  if (FOREIGN.test(text)) return undefined;
  try {
    const roots = /^[ \n]*[{[]/.test(text) ? [new PlainText(text, []).json()] : documentsOf(text).map((document) => new PlainText(text, document).block());
    lines.addNewLine(0);
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
    return roots;
  } catch (error) {
    if (error instanceof NotPlain) return undefined;
    throw error;
  }
}

/** The lines of each document that say something; `---` stands between documents. */
function documentsOf(text: string): Line[][] {
  const documents: Line[][] = [];
  let lines: Line[] = [];
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    let at = start;
    while (text[at] === ' ') at++;
    if (text.startsWith('---', start)) {
      if (end !== start + 3) throw new NotPlain();
      lines = [];
    } else if (at < end && text[at] !== '#') {
      if (lines.length === 0) documents.push(lines);
      lines.push({ at, column: at - start });
    }
    start = end + 1;
  }
  return documents;
}

class PlainText {
  readonly #text: string;
  readonly #lines: readonly Line[];
  #line = 0;
  #at = 0;
  #depth = 0;
  /** Behind what a JSON text may break a line. */
  #space = / */y;

  constructor(text: string, lines: readonly Line[]) {
    this.#text = text;
    this.#lines = lines;
    this.#at = lines[0]?.at ?? 0;
  }

  block(): Node {
    const root = this.#block(this.#lines[0]?.column ?? 0);
    return this.#line === this.#lines.length ? root : notPlain();
  }

  json(): Node {
    this.#space = /[ \n]*/y;
    this.#take(this.#space);
    const root = this.#flow();
    this.#take(this.#space);
    return this.#at === this.#text.length ? root : notPlain();
  }

  /** What begins here, at this column. */
  #block(column: number): Node {
    return this.#deeper(() => (this.#text[this.#at] === '-' ? this.#list(column) : this.#map(column)));
  }

  #deeper(read: () => Node): Node {
    if (this.#depth === LIMITS.jsonDepth) notPlain();
    this.#depth++;
    const node = read();
    this.#depth--;
    return node;
  }

  #map(column: number): Node {
    const map = new YAMLMap();
    map.range = [this.#at, this.#at, this.#at];
    do {
      const keyAt = this.#at;
      const key = word(this.#take(KEY)?.[1] ?? notPlain(), keyAt);
      if (typeof key.value !== 'string') notPlain();
      const value = this.#endsLine() ? this.#below(column) : this.#inLine(column);
      map.items.push(new Pair(key, value));
    } while (this.#isAt(column));
    return map;
  }

  /** The value of a key that stands alone in its line: further in, or a list at the same column. */
  #below(column: number): Node {
    const next = this.#lines[this.#line];
    if (!next || next.column < column || (next.column === column && this.#text[next.at] !== '-')) return notPlain();
    return this.#block(next.column);
  }

  #list(column: number): Node {
    const list = new YAMLSeq();
    list.range = [this.#at, this.#at, this.#at];
    do {
      const item = this.#take(ITEM)?.[0] ?? notPlain();
      KEY.lastIndex = this.#at;
      const nested = this.#text[this.#at] === '-' || KEY.test(this.#text);
      list.items.push(nested ? this.#block(column + item.length) : this.#inLine(column));
    } while (this.#isAt(column) && this.#text[this.#at] === '-');
    return list;
  }

  /** Whether the next line goes on with what began at this column; one that is further in goes on with a text, which is not plain. */
  #isAt(column: number): boolean {
    const next = this.#lines[this.#line];
    if (next && next.column > column) notPlain();
    return next?.column === column;
  }

  /** A value up to the end of its line, or of the lines further in than the column. */
  #inLine(column: number): Node {
    const start = this.#text[this.#at];
    if (start === '|' || start === '>') return this.#paragraph(column);
    const value = start === '[' || start === '{' ? this.#flow() : this.#scalar(WORDS);
    return this.#endsLine() ? value : notPlain();
  }

  /** YAML 1.2.2, 8.1, where no line is empty, and none further in than the first. */
  #paragraph(column: number): Node {
    const at = this.#at;
    const [, style, strip] = this.#take(PARAGRAPH) ?? notPlain();
    const found: string[] = [];
    const first = this.#lines[this.#line + 1] ?? notPlain();
    if (first.column <= column || first.at !== this.#at + first.column) notPlain();
    const indentation = ' '.repeat(first.column);
    while (this.#text.startsWith(indentation, this.#at)) {
      const line = this.#take(PARAGRAPH_LINE)?.[0] ?? notPlain();
      if (line[first.column] === ' ') notPlain();
      found.push(line.slice(first.column, -1));
    }
    // Behind lines without words the text may go on.
    this.#take(EMPTY_LINES);
    if (this.#text.startsWith(indentation, this.#at) || this.#take(BLANK)) notPlain();
    while ((this.#lines[this.#line]?.at ?? this.#text.length) < this.#at) this.#line++;
    this.#at = this.#lines[this.#line]?.at ?? this.#text.length;
    return text(found.join(style === '|' ? '\n' : ' ') + (strip === '' ? '\n' : ''), at);
  }

  /** Whether the line says no more; if so, the next one follows. */
  #endsLine(): boolean {
    if (!this.#take(END_OF_LINE)) return false;
    this.#at = this.#lines[++this.#line]?.at ?? this.#text.length;
    return true;
  }

  #flow(): Node {
    const start = this.#text[this.#at];
    if (start !== '[' && start !== '{') return this.#scalar(WORD_IN_FLOW);
    return this.#deeper(() => (start === '[' ? this.#flowList() : this.#flowMap()));
  }

  #flowList(): Node {
    const list = new YAMLSeq();
    list.range = [this.#at, this.#at, this.#at];
    if (this.#opensEmpty(']')) return list;
    do list.items.push(this.#flow());
    while (this.#goesOn(']'));
    return list;
  }

  #flowMap(): Node {
    const map = new YAMLMap();
    map.range = [this.#at, this.#at, this.#at];
    if (this.#opensEmpty('}')) return map;
    do {
      map.items.push(new Pair(this.#keyInFlow(), this.#flow()));
    } while (this.#goesOn('}'));
    return map;
  }

  #keyInFlow(): Scalar {
    const at = this.#at;
    const isQuoted = this.#text[at] === '"';
    const key = this.#scalar(WORD_IN_FLOW);
    if (this.#at - at > LONGEST_KEY || typeof key.value !== 'string' || this.#text[this.#at++] !== ':') return notPlain();
    // Behind a word the sign would be part of it.
    return this.#take(this.#space)?.[0] === '' && !isQuoted ? notPlain() : key;
  }

  #opensEmpty(end: string): boolean {
    this.#at++;
    this.#take(this.#space);
    if (this.#text[this.#at] !== end) return false;
    this.#at++;
    return true;
  }

  #goesOn(end: string): boolean {
    this.#take(this.#space);
    const sign = this.#text[this.#at++];
    if (sign === end) return false;
    if (sign !== ',') notPlain();
    this.#take(this.#space);
    return true;
  }

  #scalar(words: RegExp): Scalar {
    const at = this.#at;
    const start = this.#text[at];
    if (start === "'") return text(this.#take(SINGLE_QUOTED)?.[1] ?? notPlain(), at);
    if (start !== '"') return word(this.#take(words)?.[0] ?? notPlain(), at);
    const quoted = this.#take(DOUBLE_QUOTED) ?? notPlain();
    const within = quoted[1] as string;
    return text(within.includes('\\') ? (JSON.parse(quoted[0]) as string) : within, at);
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found) this.#at = pattern.lastIndex;
    return found;
  }
}

function notPlain(): never {
  throw new NotPlain();
}

function text(value: string | number | boolean, at: number): Scalar {
  const scalar = new Scalar(value);
  scalar.range = [at, at, at];
  return scalar;
}

/** What stands there without quotes. */
function word(written: string, at: number): Scalar {
  if (WORD_FOR_VALUE.test(written)) return written === 'true' || written === 'false' ? text(written === 'true', at) : notPlain();
  if (!NUMBER.test(written)) return text(written, at);
  return SHORT_NUMBER.test(written) ? text(Number(written), at) : notPlain();
}
