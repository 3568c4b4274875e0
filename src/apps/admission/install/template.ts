/**
 * The part of Go's text/template (pkg.go.dev/text/template) that our chart is written in: one chart then serves Helm and
 * `sealward admission install`. What is outside of that part is refused, never guessed; tests hold both renderers together.
 */
import { SealwardError } from '../../../core/errors.ts';

export type Expression =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  /** `.a.b`, `$.a.b`, `$name.a.b`; `variable` is '.' for the first. */
  | { readonly kind: 'path'; readonly variable: string; readonly fields: readonly string[] }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] };

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'output'; readonly expression: Expression }
  | { readonly kind: 'assign'; readonly variable: string; readonly declares: boolean; readonly expression: Expression }
  | { readonly kind: 'if' | 'with'; readonly expression: Expression; readonly body: readonly Node[]; readonly otherwise: readonly Node[] }
  | {
      readonly kind: 'range';
      readonly variables: readonly string[];
      readonly expression: Expression;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

export interface Template {
  readonly body: readonly Node[];
  readonly defined: ReadonlyMap<string, readonly Node[]>;
}

const ACTION = /\{\{(-?)\s*(\/\*[^]*?\*\/|(?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`}]|\}(?!\}))*?)\s*(-?)\}\}/g;
const TOKEN = /\s+|"(?:[^"\\]|\\.)*"|`[^`]*`|-?\d+|\$?[A-Za-z_]\w*|\$|(?:\.[A-Za-z_]\w*)+|\.|:=|[=|(),]/gy;

type Piece = { readonly text: string } | { readonly action: readonly string[] };

/** Text and actions in turn; white space is taken away where an action has a dash. */
function piecesOf(source: string, file: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  let trims = false;
  const text = (until: number, trimsEnd: boolean): void => {
    let between = source.slice(end, until);
    if (trims) between = between.trimStart();
    if (trimsEnd) between = between.trimEnd();
    if (between !== '') pieces.push({ text: between });
  };
  for (const match of source.matchAll(ACTION)) {
    const [whole, before, inner = '', after] = match;
    text(match.index, before === '-');
    if (!inner.startsWith('/*')) pieces.push({ action: tokensOf(inner, file) });
    end = match.index + whole.length;
    trims = after === '-';
  }
  text(source.length, false);
  return pieces;
}

function tokensOf(action: string, file: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < action.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(action)?.[0];
    if (token === undefined) throw broken(file, `what is ${JSON.stringify(action.slice(at, at + 20))}?`);
    // White space counts: `$ .a` is two things and `$.a` one.
    tokens.push(token.trim());
  }
  return tokens;
}

export function broken(file: string, why: string): SealwardError {
  return new SealwardError('ERR_INVARIANT', `the template ${file}: ${why}`);
}

/** Throws ERR_INVARIANT for what it does not know: charts are part of the program. */
export function parseTemplate(source: string, file: string): Template {
  const pieces = piecesOf(source, file);
  const defined = new Map<string, readonly Node[]>();
  let at = 0;

  /** Up to the `end` or `else` that belongs here, which is left standing. */
  const block = (top: boolean): Node[] => {
    const nodes: Node[] = [];
    for (; at < pieces.length; at++) {
      const piece = pieces[at] as Piece;
      if ('text' in piece) {
        nodes.push({ kind: 'text', text: piece.text });
        continue;
      }
      const [word = ''] = piece.action;
      if (word === 'end' || word === 'else') {
        if (top) throw broken(file, `"${word}" without a beginning`);
        return nodes;
      }
      const node = statement(word, piece.action);
      if (node) nodes.push(node);
    }
    if (!top) throw broken(file, 'a block without an end');
    return nodes;
  };

  const statement = (word: string, action: readonly string[]): Node | undefined => {
    const rest = action.slice(1);
    switch (word) {
      case 'if':
      case 'with':
      case 'range':
        return branch(word, rest);
      case 'define': {
        const name = new Parser(rest, file).whole();
        at++;
        const body = block(false);
        if (name.kind !== 'literal' || typeof name.value !== 'string') throw broken(file, 'a definition without a name');
        defined.set(name.value, body);
        return undefined;
      }
      default: {
        const [variable = '', operator] = action.filter((token) => token !== '');
        if (/^\$\w+$/.test(variable) && (operator === ':=' || operator === '=')) {
          const expression = new Parser(action.slice(action.indexOf(operator) + 1), file).whole();
          return { kind: 'assign', variable, declares: operator === ':=', expression };
        }
        return { kind: 'output', expression: new Parser(action, file).whole() };
      }
    }
  };

  const branch = (kind: 'if' | 'with' | 'range', tokens: readonly string[]): Node => {
    const declaration = kind === 'range' ? tokens.indexOf(':=') : -1;
    const variables = declaration < 0 ? [] : tokens.slice(0, declaration).filter((token) => token.startsWith('$'));
    const expression = new Parser(tokens.slice(declaration + 1), file).whole();
    at++;
    const body = block(false);
    const [word, ...more] = (pieces[at] as { readonly action: readonly string[] }).action.filter((token) => token !== '');
    let otherwise: readonly Node[] = [];
    if (word === 'else' && more[0] === 'if') {
      const action = (pieces[at] as { readonly action: readonly string[] }).action;
      return { kind: kind as 'if', expression, body, otherwise: [branch('if', action.slice(action.indexOf('if') + 1))] };
    }
    if (word === 'else') {
      at++;
      otherwise = block(false);
    }
    return kind === 'range' ? { kind, variables, expression, body, otherwise } : { kind, expression, body, otherwise };
  };

  return { body: block(true), defined };
}

/** Pipelines: calls with arguments beside each other, and with what comes from the left as their last one. */
class Parser {
  readonly #tokens: readonly string[];
  readonly #file: string;
  #at = 0;

  constructor(tokens: readonly string[], file: string) {
    this.#tokens = tokens;
    this.#file = file;
  }

  whole(): Expression {
    const expression = this.#pipeline();
    this.#skip();
    if (this.#at < this.#tokens.length) throw broken(this.#file, `"${this.#tokens[this.#at]}" was not expected`);
    return expression;
  }

  #skip(): void {
    while (this.#tokens[this.#at] === '') this.#at++;
  }

  #pipeline(): Expression {
    let expression = this.#command();
    for (this.#skip(); this.#tokens[this.#at] === '|'; this.#skip()) {
      this.#at++;
      const next = this.#command();
      if (next.kind !== 'call') throw broken(this.#file, 'a pipe leads into something that is no function');
      expression = { ...next, args: [...next.args, expression] };
    }
    return expression;
  }

  #command(): Expression {
    this.#skip();
    const token = this.#tokens[this.#at] ?? '';
    if (!/^[A-Za-z_]\w*$/.test(token) || ['true', 'false', 'nil'].includes(token)) return this.#operand();
    this.#at++;
    const args: Expression[] = [];
    for (this.#skip(); this.#at < this.#tokens.length && !['|', ')'].includes(this.#tokens[this.#at] ?? ''); this.#skip()) args.push(this.#operand());
    return { kind: 'call', name: token, args };
  }

  #operand(): Expression {
    this.#skip();
    const token = this.#tokens[this.#at++] ?? '';
    if (token === '(') {
      const inner = this.#pipeline();
      this.#skip();
      if (this.#tokens[this.#at++] !== ')') throw broken(this.#file, 'a bracket is not closed');
      return inner;
    }
    if (token.startsWith('"')) return { kind: 'literal', value: JSON.parse(token) as string };
    if (token.startsWith('`')) return { kind: 'literal', value: token.slice(1, -1) };
    if (/^-?\d+$/.test(token)) return { kind: 'literal', value: Number(token) };
    if (token === 'true' || token === 'false') return { kind: 'literal', value: token === 'true' };
    if (token === 'nil') return { kind: 'literal', value: null };
    if (token.startsWith('.')) return { kind: 'path', variable: '.', fields: token.split('.').filter((field) => field !== '') };
    if (token.startsWith('$')) {
      const next = this.#tokens[this.#at] ?? '';
      if (!/^\.[A-Za-z_]/.test(next)) return { kind: 'path', variable: token, fields: [] };
      this.#at++;
      return { kind: 'path', variable: token, fields: next.split('.').filter((field) => field !== '') };
    }
    throw broken(this.#file, `"${token}" was not expected`);
  }
}
