/** YAML 1.2 and JSON with positions: every problem of every document is kept, none stops the reading of the others. */
import { type Document, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, type Node, parseAllDocuments } from 'yaml';
import { quoted } from '../artifact/index.ts';
import { LIMITS } from '../encoding/index.ts';
import { type ErrorCode, SealwardError } from '../errors.ts';
import type { PolicyProblem, PolicySource } from './compiled.ts';
import { readPlain } from './plain-yaml.ts';

/** A place in a source. */
export interface Place {
  readonly source: string;
  readonly line: number;
  readonly column: number;
}

export interface SourceDocument {
  readonly root: Node | null;
  readonly reading: Reading;
}

/** One source while it is read: where its nodes stand, and what was wrong so far. */
export class Reading {
  readonly source: string;
  readonly problems: PolicyProblem[];
  readonly #lines: LineCounter;
  #document: Document.Parsed | undefined;
  #visited = 0;
  #aliases = 0;
  #depth = 0;

  constructor(source: string, lines: LineCounter, problems: PolicyProblem[]) {
    this.source = source;
    this.#lines = lines;
    this.problems = problems;
  }

  enter(document: Document.Parsed): void {
    this.#document = document;
  }

  place(node: Node | null | undefined): Place {
    const { line, col } = this.#lines.linePos(node?.range?.[0] ?? 0);
    return { source: this.source, line: Math.max(1, line), column: Math.max(1, col) };
  }

  problem(node: Node | null | undefined, message: string, hint?: string, code: ErrorCode = 'ERR_POLICY_INVALID'): undefined {
    if (!this.full) this.problems.push({ ...this.place(node), code, message, ...(hint === undefined ? {} : { hint }) });
    return undefined;
  }

  /** Whether there are as many problems as anybody reads. */
  get full(): boolean {
    return this.problems.length >= LIMITS.policyProblems;
  }

  /** Reads what may contain itself; an alias can make it do so without an end. */
  deeper<T>(node: Node | null | undefined, read: () => T): T | undefined {
    if (this.#depth >= LIMITS.jsonDepth) return this.problem(node, `it is nested deeper than ${LIMITS.jsonDepth} levels`, undefined, 'ERR_TOO_LARGE');
    this.#depth++;
    try {
      return read();
    } finally {
      this.#depth--;
    }
  }

  /** What an exact reader threw, at the place of the node. */
  thrown(node: Node | null | undefined, error: unknown): undefined {
    if (!(error instanceof SealwardError) || error.family !== 'InputError') throw error;
    return this.problem(node, error.message, error.hint, error.code);
  }

  /** Follows aliases. Undefined when there are more values than any policy has: `&a [*b, *b]` nested is a bomb. */
  resolve(node: Node | null | undefined): Node | null | undefined {
    this.#visited++;
    if (this.#visited === LIMITS.policyValues + 1) this.problem(node, `there are more than ${LIMITS.policyValues} values`, undefined, 'ERR_TOO_LARGE');
    if (this.#visited > LIMITS.policyValues) return undefined;
    if (!isAlias(node) || !this.#document) return node;
    // Each is looked for from the start of the document.
    if (++this.#aliases === LIMITS.policyAliases + 1) this.problem(node, `there are more than ${LIMITS.policyAliases} aliases`, undefined, 'ERR_TOO_LARGE');
    return this.#aliases > LIMITS.policyAliases ? undefined : node.resolve(this.#document);
  }
}

/** Every document of a source; problems of its syntax go to `problems`, and then there are none. */
export function readSource({ name, text }: PolicySource, problems: PolicyProblem[]): SourceDocument[] {
  const lines = new LineCounter();
  const reading = new Reading(name, lines, problems);
  if (text.length > LIMITS.documentBytes) {
    reading.problem(null, `it is larger than ${LIMITS.documentBytes} bytes`, undefined, 'ERR_TOO_LARGE');
    return [];
  }
  // YAML 1.2 section 5.1; half of a character has no bytes in UTF-8.
  const unprintable = text.isWellFormed() ? text.search(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/) : 0;
  if (unprintable >= 0) {
    reading.problem(null, 'it holds a character that cannot stand in YAML');
    return [];
  }
  const plain = readPlain(text, lines);
  if (plain) return plain.map((root) => ({ root, reading: new Reading(name, lines, problems) }));
  if (!isShallow(text) && isDeep(text)) {
    reading.problem(null, `it is nested deeper than ${LIMITS.jsonDepth} levels`, undefined, 'ERR_TOO_LARGE');
    return [];
  }
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    // Shapes look for them, in linear time.
    uniqueKeys: false,
    prettyErrors: false,
    schema: 'core',
    version: '1.2',
    merge: false,
  });
  const documents = Array.isArray(parsed) ? parsed : [];
  let sound = true;
  for (const { errors, warnings } of documents) {
    for (const { message, pos } of [...errors, ...warnings]) {
      sound = false;
      const { line, col } = lines.linePos(pos[0]);
      if (!reading.full) problems.push({ source: name, line, column: col, code: 'ERR_POLICY_INVALID', message: `it is not YAML: ${message.slice(0, 300)}` });
    }
  }
  if (!sound) return [];
  return documents.flatMap((document) => {
    reading.enter(document);
    // A `---` at the end begins a document that says nothing.
    if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) return [];
    const own = new Reading(name, lines, problems);
    own.enter(document);
    return [{ root: document.contents, reading: own }];
  });
}

/** Whether it surely is not deep: fewer brackets in all, and no line that begins further in. Nearly every document is so. */
function isShallow(text: string): boolean {
  let brackets = 0;
  let start = 0;
  let within = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x0a) {
      start = 0;
      within = false;
      continue;
    }
    if (code === 0x7b || code === 0x5b) brackets++;
    // A space, a tab, and the signs behind which a line may begin anew.
    if (!within && (code === 0x20 || code === 0x09 || code === 0x2d || code === 0x3f || code === 0x3a)) start++;
    else within = true;
    if (brackets >= LIMITS.jsonDepth || start >= LIMITS.jsonDepth) return false;
  }
  return true;
}

/** Whether the parser would have to go deeper than anybody writes: it calls itself, and takes seconds to find that out. */
function isDeep(text: string): boolean {
  return columnsOf(text) > LIMITS.jsonDepth || flowIsDeep(text);
}

/** Flow style, as the parser tells it apart from brackets in texts and comments. */
function flowIsDeep(text: string): boolean {
  let depth = 0;
  let isScalar = false;
  for (const token of new Lexer().lex(text)) {
    if (isScalar) isScalar = false;
    else if (token === SCALAR_FOLLOWS) isScalar = true;
    else if (token === '[' || token === '{') depth++;
    else if (token === ']' || token === '}') depth = Math.max(0, depth - 1);
    if (depth > LIMITS.jsonDepth) return true;
  }
  return false;
}

/** What the lexer gives before each text, so that no text is taken for a sign. */
const SCALAR_FOLLOWS = '\x1f';

/** How deep block style is, at least: the columns at which lines begin, and those behind `- ` and `? ` too. */
function columnsOf(text: string): number {
  let deepest = 0;
  const columns: number[] = [];
  for (const line of text.split('\n')) {
    const starts = /^ *(?:[-?:][ \t]+)*/.exec(line)?.[0] ?? '';
    if (starts.length < line.trimEnd().length) {
      const indentation = starts.length - starts.trimStart().length;
      while ((columns.at(-1) ?? -1) >= indentation) columns.pop();
      columns.push(indentation);
      for (let at = indentation; at < starts.length && columns.length <= LIMITS.jsonDepth; at++) if (/[-?:]/.test(starts[at] as string)) columns.push(at + 1);
    }
    deepest = Math.max(deepest, columns.length, starts.length > 16 * LIMITS.jsonDepth ? LIMITS.jsonDepth + 1 : 0);
    if (deepest > LIMITS.jsonDepth) break;
  }
  return deepest;
}

export function describeNode(node: Node | null | undefined): string {
  if (isMap(node)) return 'a map';
  if (isSeq(node)) return 'a list';
  if (!isScalar(node) || node.value === null) return 'nothing';
  return typeof node.value === 'string' ? `the text ${quoted(node.value)}` : `${typeof node.value} ${JSON.stringify(node.value)}`;
}
