/** Fills templates: what Go's text/template and the functions of Helm (helm.sh/docs/chart_template_guide/function_list) do, as far as our chart asks. */
import { sha256 } from '../../../core/crypto/index.ts';
import { encodeHex, type JsonValue, utf8 } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { broken, type Expression, type Node, parseTemplate } from './template.ts';

type Value = JsonValue | undefined;
export interface Rendering {
  /** `.Values`, `.Release`, `.Chart`. */
  readonly root: JsonValue;
  readonly toYaml: (value: JsonValue) => string;
}

/** Each file that is no collection of definitions (`_name.tpl`), filled. Throws ERR_CONFIG_INVALID where the chart refuses the values. */
export function renderFiles(files: ReadonlyMap<string, string>, rendering: Rendering): ReadonlyMap<string, string> {
  const parsed = [...files].map(([path, source]) => [path, parseTemplate(source, path)] as const);
  const defined = new Map(parsed.flatMap(([, template]) => [...template.defined]));
  const rendered = new Map<string, string>();
  for (const [path, { body }] of parsed) {
    if (/(?:^|\/)_[^/]*$/.test(path)) continue;
    rendered.set(path, new Renderer(path, defined, rendering).fill(body, rendering.root));
  }
  return rendered;
}

/** Variables of a block, and of those around it. */
class Scope {
  readonly #values = new Map<string, Value>();
  readonly #outer: Scope | undefined;

  constructor(outer?: Scope) {
    this.#outer = outer;
  }

  declare(name: string, value: Value): void {
    this.#values.set(name, value);
  }

  has(name: string): boolean {
    return this.#values.has(name) || this.#outer?.has(name) === true;
  }

  get(name: string): Value {
    return this.#values.has(name) ? this.#values.get(name) : this.#outer?.get(name);
  }

  set(name: string, value: Value): void {
    if (this.#values.has(name) || !this.#outer) this.#values.set(name, value);
    else this.#outer.set(name, value);
  }
}

class Renderer {
  readonly #file: string;
  readonly #defined: ReadonlyMap<string, readonly Node[]>;
  readonly #rendering: Rendering;

  constructor(file: string, defined: ReadonlyMap<string, readonly Node[]>, rendering: Rendering) {
    this.#file = file;
    this.#defined = defined;
    this.#rendering = rendering;
  }

  fill(nodes: readonly Node[], dot: Value): string {
    const scope = new Scope();
    scope.declare('$', dot);
    return this.#nodes(nodes, dot, scope);
  }

  #nodes(nodes: readonly Node[], dot: Value, scope: Scope): string {
    return nodes.map((node) => this.#node(node, dot, scope)).join('');
  }

  #node(node: Node, dot: Value, scope: Scope): string {
    switch (node.kind) {
      case 'text':
        return node.text;
      case 'output':
        return printed(this.#value(node.expression, dot, scope));
      case 'assign': {
        const value = this.#value(node.expression, dot, scope);
        if (node.declares) scope.declare(node.variable, value);
        else if (scope.has(node.variable)) scope.set(node.variable, value);
        else throw broken(this.#file, `${node.variable} was not declared`);
        return '';
      }
      case 'if':
      case 'with': {
        const value = this.#value(node.expression, dot, scope);
        const inner = new Scope(scope);
        return isTrue(value) ? this.#nodes(node.body, node.kind === 'with' ? value : dot, inner) : this.#nodes(node.otherwise, dot, inner);
      }
      case 'range': {
        const entries = entriesOf(this.#value(node.expression, dot, scope), this.#file);
        if (entries.length === 0) return this.#nodes(node.otherwise, dot, new Scope(scope));
        return entries
          .map(([key, value]) => {
            const inner = new Scope(scope);
            const [first, second] = node.variables;
            if (second !== undefined) inner.declare(second, value);
            if (first !== undefined) inner.declare(first, second === undefined ? value : key);
            return this.#nodes(node.body, value, inner);
          })
          .join('');
      }
    }
  }

  #value(expression: Expression, dot: Value, scope: Scope): Value {
    switch (expression.kind) {
      case 'literal':
        return expression.value;
      case 'path': {
        if (expression.variable !== '.' && !scope.has(expression.variable)) throw broken(this.#file, `${expression.variable} was not declared`);
        const from = expression.variable === '.' ? dot : scope.get(expression.variable);
        return expression.fields.reduce<Value>((value, field) => {
          if (value === null || typeof value !== 'object' || Array.isArray(value))
            throw broken(this.#file, `there is no .${field} in ${JSON.stringify(value)}`);
          return value[field];
        }, from);
      }
      case 'call':
        return this.#call(expression.name, expression.args, dot, scope);
    }
  }

  #call(name: string, args: readonly Expression[], dot: Value, scope: Scope): Value {
    // These stop at the first argument that decides, and answer with it.
    if (name === 'and' || name === 'or') {
      let value: Value;
      for (const arg of args) {
        value = this.#value(arg, dot, scope);
        if (isTrue(value) === (name === 'or')) break;
      }
      return value;
    }
    const values = args.map((arg) => this.#value(arg, dot, scope));
    const [first, second] = values;
    switch (name) {
      case 'include': {
        const body = this.#defined.get(printed(first));
        if (!body) throw broken(this.#file, `nothing is called ${JSON.stringify(first)}`);
        return this.fill(body, second);
      }
      case 'toYaml':
        return this.#rendering.toYaml(first ?? null);
      case 'required':
        if (second === undefined || second === null || second === '') throw refused(printed(first));
        return second;
      case 'fail':
        throw refused(printed(first));
      default: {
        const plain = FUNCTIONS[name];
        if (!plain) throw broken(this.#file, `there is no function ${name}`);
        return plain(values);
      }
    }
  }
}

function refused(why: string): SealwardError {
  return new SealwardError('ERR_CONFIG_INVALID', why, {
    hint: 'Set it in the file of --values, or with --set; deploy/chart/sealward/values.yaml says what there is.',
  });
}

const FUNCTIONS: Readonly<Record<string, (args: readonly Value[]) => Value>> = {
  default: ([otherwise, value]) => (isTrue(value) ? value : otherwise),
  quote: (args) =>
    args
      .filter((arg) => arg !== undefined && arg !== null)
      .map((arg) => JSON.stringify(printed(arg)))
      .join(' '),
  nindent: ([width, text]) => `\n${indented(Number(width), printed(text))}`,
  printf: ([format, ...args]) => formatted(printed(format), args),
  eq: ([first, ...others]) => others.includes(first),
  ne: ([first, second]) => first !== second,
  not: ([value]) => !isTrue(value),
  list: (args) => args.map((arg) => arg ?? null),
  add: (args) => args.reduce<number>((sum, arg) => sum + Number(arg), 0),
  sub: ([first, second]) => Number(first) - Number(second),
  sha256sum: ([text]) => encodeHex(sha256(utf8(printed(text)))),
};

function indented(width: number, text: string): string {
  return text
    .split('\n')
    .map((line) => ' '.repeat(width) + line)
    .join('\n');
}

function formatted(format: string, args: readonly Value[]): string {
  let at = 0;
  return format.replaceAll(/%[sdq%]/g, (verb) => (verb === '%%' ? '%' : verb === '%q' ? JSON.stringify(printed(args[at++])) : printed(args[at++])));
}

/** Go prints what is missing so, and Helm takes it away. */
function printed(value: Value): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function isTrue(value: Value): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return false;
  return typeof value !== 'object' || (Array.isArray(value) ? value.length > 0 : Object.keys(value).length > 0);
}

/** Maps by the order of their keys, as Go goes through them. */
function entriesOf(value: Value, file: string): readonly (readonly [Value, Value])[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.map((item, at) => [at, item]);
  if (typeof value !== 'object') throw broken(file, `${JSON.stringify(value)} cannot be gone through`);
  return Object.keys(value)
    .sort()
    .map((key) => [key, value[key]]);
}
