/** Small changes of a source file, each of which a test should notice. Types are left alone: they are gone when it runs. */
import { parseSync } from 'oxc-parser';

export interface Mutant {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  /** What was done, for the report. */
  readonly change: string;
  readonly line: number;
}

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
  const source = (node: Node): string => text.slice(node.start, node.end);
  const lineOf = (at: number): number => text.slice(0, at).split('\n').length;
  const add = (node: Pick<Node, 'start' | 'end'>, replacement: string): void => {
    const before = text.slice(node.start, node.end);
    const short = (part: string): string => part.replace(/\s+/g, ' ').slice(0, 80);
    found.push({ start: node.start, end: node.end, replacement, change: `${short(before)}  →  ${short(replacement) || 'nothing'}`, line: lineOf(node.start) });
  };
  const visit = (node: Node): void => {
    mutate(node, source, add);
    for (const [member, value] of Object.entries(node)) {
      if (member === 'typeAnnotation' || member === 'returnType' || member === 'typeParameters' || member === 'typeArguments') continue;
      for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) if (isNode(child) && !isType(child)) visit(child);
    }
  };
  visit(program as unknown as Node);
  return found;
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

function mutate(node: Node, source: (node: Node) => string, add: (node: Pick<Node, 'start' | 'end'>, replacement: string) => void): void {
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
      if (Object.hasOwn(SWAPPED_METHODS, name)) add(property, SWAPPED_METHODS[name] as string);
      if (name === 'filter' || name === 'sort' || name === 'slice') add(node, source(callee['object'] as Node));
      return;
    }
    case 'ObjectExpression': {
      const properties = node['properties'] as Node[];
      // A member that nobody reads is a member too many.
      if (properties.length > 1) for (const property of properties) add(property, property.type === 'SpreadElement' ? '...{}' : '...{}');
      return;
    }
  }
}
