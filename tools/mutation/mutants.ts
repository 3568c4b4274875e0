/** Small changes of a source file, each of which a test should notice. Types are left alone: they are gone when it runs. */
import { parseSync } from 'oxc-parser';

export interface Mutant {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  /** What was done, for the report; the second of several that read the same in one file ends in `(2)`. */
  readonly change: string;
  readonly line: number;
  /** How both texts can stand in one file, so that it is chosen while it runs; absent where that would change more than this. */
  readonly place?: Place;
}

/** `expression`: both in parentheses. `member`: each in an object that is spread. `name`: of a method, chosen in brackets behind `dot`. */
export type Place = { readonly kind: 'expression' } | { readonly kind: 'member' } | { readonly kind: 'name'; readonly dot: number; readonly optional: boolean };

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [member: string]: unknown;
}

const SWAPPED: Readonly<Record<string, string>> = {
  '===': '!==',
  '!==': '===',
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '+': '-',
  '-': '+',
  '*': '/',
  '&&': '||',
  '||': '&&',
};
const SWAPPED_METHODS: Readonly<Record<string, string>> = {
  some: 'every',
  every: 'some',
  min: 'max',
  max: 'min',
  startsWith: 'endsWith',
  endsWith: 'startsWith',
};

export function mutantsOf(path: string, text: string): Mutant[] {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} cannot be read: ${errors[0]?.message ?? ''}`);
  const found: Mutant[] = [];
  const alike = new Map<string, number>();
  const source = (node: Node): string => text.slice(node.start, node.end);
  const lineOf = (at: number): number => text.slice(0, at).split('\n').length;
  const visit = (node: Node, parent: Node | undefined, inChain: boolean): void => {
    const add: Add = (changed, replacement, kind = 'expression') => {
      const short = (part: string): string => part.replace(/\s+/g, ' ').slice(0, 80);
      const words = `${short(source(changed))}  →  ${short(replacement) || 'nothing'}`;
      const count = (alike.get(words) ?? 0) + 1;
      alike.set(words, count);
      const place = placeOf(kind, changed, node, parent, inChain, text);
      found.push({
        start: changed.start,
        end: changed.end,
        replacement,
        change: count === 1 ? words : `${words} (${count})`,
        line: lineOf(changed.start),
        ...(place ? { place } : {}),
      });
    };
    mutate(node, source, add);
    for (const [member, value] of Object.entries(node)) {
      if (member === 'typeAnnotation' || member === 'returnType' || member === 'typeParameters' || member === 'typeArguments') continue;
      for (const child of Array.isArray(value) ? (value as unknown[]) : [value])
        if (isNode(child) && !isType(child)) visit(child, node, node.type === 'ChainExpression' || (inChain && isLinkOf(child, node)));
    }
  };
  visit(program as unknown as Node, undefined, false);
  return found;
}

type Changed = Pick<Node, 'type' | 'start' | 'end'>;
type Add = (changed: Changed, replacement: string, kind?: Place['kind']) => void;

/** Whether `a` is the part of `a?.b`, `a?.()` that the rest hangs on. */
function isLinkOf(node: Node, parent: Node): boolean {
  return parent['object'] === node || parent['callee'] === node || (parent.type === 'TSNonNullExpression' && parent['expression'] === node);
}

function placeOf(kind: Place['kind'], changed: Changed, node: Node, parent: Node | undefined, inChain: boolean, text: string): Place | undefined {
  switch (kind) {
    case 'member': {
      const { kind: sort, key } = changed as Node;
      // An accessor would be read, and a prototype lost, by spreading.
      return sort === 'get' || sort === 'set' || (isNode(key) && text.slice(key.start, key.end).includes('__proto__')) ? undefined : { kind };
    }
    case 'name': {
      const { object, optional } = node['callee'] as { object: Node; optional: boolean };
      const dot = text.indexOf('.', object.end);
      return { kind, dot: optional ? text.lastIndexOf('?', dot) : dot, optional };
    }
    case 'expression':
      // A key is no expression; and in parentheses the rest of an optional chain would no longer be skipped with its head.
      if (node.type === 'Literal' && parent?.['key'] === node) return undefined;
      return inChain && parent !== undefined && parent.type !== 'ChainExpression' ? undefined : { kind };
  }
}

function isNode(value: unknown): value is Node {
  return value !== null && typeof value === 'object' && typeof (value as { type?: unknown }).type === 'string';
}

function isType({ type }: Node): boolean {
  return (
    type === 'ImportDeclaration' ||
    (type.startsWith('TS') && !['TSAsExpression', 'TSNonNullExpression', 'TSSatisfiesExpression', 'TSEnumDeclaration'].includes(type))
  );
}

function mutate(node: Node, source: (node: Node) => string, add: Add): void {
  switch (node.type) {
    case 'BinaryExpression':
    case 'LogicalExpression': {
      const [left, right, operator] = [node['left'] as Node, node['right'] as Node, node['operator'] as string];
      const other = SWAPPED[operator];
      if (other !== undefined && !(operator === '+' && /['"`]/.test(source(node)))) add(node, `${source(left)} ${other} ${source(right)}`);
      if (operator === '??') add(node, source(left));
      return;
    }
    case 'UnaryExpression':
      if (node['operator'] === '!') add(node, source(node['argument'] as Node));
      return;
    case 'Literal':
      if (typeof node['value'] === 'boolean') add(node, String(!node['value']));
      if (typeof node['value'] === 'number') add(node, String(node['value'] + 1));
      return;
    case 'ConditionalExpression':
      add(node, `(${source(node['consequent'] as Node)})`);
      add(node, `(${source(node['alternate'] as Node)})`);
      return;
    case 'IfStatement':
      add(node['test'] as Node, 'false');
      add(node['test'] as Node, 'true');
      return;
    case 'CallExpression': {
      const callee = node['callee'] as Node;
      if (callee.type !== 'MemberExpression') return;
      const property = callee['property'] as Node;
      const name = source(property);
      if (Object.hasOwn(SWAPPED_METHODS, name)) add(property, SWAPPED_METHODS[name] as string, 'name');
      if (name === 'filter' || name === 'sort' || name === 'slice') add(node, source(callee['object'] as Node));
      return;
    }
    case 'ObjectExpression': {
      const properties = node['properties'] as Node[];
      // A member that nobody reads is a member too many.
      if (properties.length > 1) for (const property of properties) add(property, '...{}', 'member');
      return;
    }
  }
}
