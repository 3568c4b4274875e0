/**
 * CEL conditions over a statement (github.com/google/cel-spec), compiled once, evaluated with a budget of counted steps:
 * the same expression over the same statement costs the same on every machine, and stops at the same place. The library
 * has no limit of its own, so the parsed tree is rewritten: each turn of a loop, and each argument of a call, first pays.
 */
import { type CelValue, CelScalar, celEnv, celFunc, isCelError, isCelList, isCelMap, parse, plan } from '@bufbuild/cel';
import { RE2JS } from 're2js';
import { quoted } from '../../artifact/index.ts';
import type { Statement } from '../../bundle/index.ts';
import type { JsonValue } from '../../encoding/index.ts';
import { LIMITS } from '../../encoding/index.ts';
import { SealwardError } from '../../errors.ts';
import { type Appraisal, fails, HOLDS } from './appraisal.ts';

export type CompiledExpression = (statement: Statement) => Appraisal;

/** What an expression may name: `statement` is the whole of it, the others are its parts. */
const VARIABLES = ['statement', 'predicate', 'predicateType', 'subjects'] as const;

/** Names of types, which are values in CEL: `type(predicate) == map`. */
const TYPES = new Set(['bool', 'bytes', 'double', 'int', 'list', 'map', 'null_type', 'string', 'type', 'uint']);

type Expr = ReturnType<typeof parse>['expr'];

class Budget {
  left = 0;
  pay(steps: number): void {
    this.left -= steps;
    if (this.left < 0) throw new Error('over the budget');
  }
}

/** Throws ERR_CONDITION_INVALID, with what is wrong, for what is not CEL, or names what there is not. */
export function compileExpression(expression: string): CompiledExpression {
  if (expression.length > LIMITS.conditionLength) throw invalid(expression, `it is longer than ${LIMITS.conditionLength} characters`);
  // The parser descends once for each bracket and each sign; what nobody writes must not exhaust its stack or its patience.
  if (depthOf(expression) > LIMITS.conditionDepth) throw invalid(expression, `it is nested deeper than ${LIMITS.conditionDepth} levels`);
  const budget = new Budget();
  const env = celEnv({
    re2: countedRegex(budget),
    funcs: [
      celFunc(TURN, [CelScalar.DYN, CelScalar.DYN], CelScalar.DYN, (condition, weight) => {
        budget.pay(Number(weight));
        return condition;
      }),
      celFunc(WEIGH, [CelScalar.DYN], CelScalar.DYN, (value) => {
        budget.pay(weightOf(value, budget.left));
        return value;
      }),
    ],
  });
  const program = compile(
    expression,
    (name) => env.funcs.find(name) !== undefined,
    (expr) => plan(env, expr),
  );
  return (statement) => {
    const { variables, nodes } = variablesOf(statement);
    budget.left = LIMITS.conditionSteps + LIMITS.conditionStepsPerNode * nodes;
    const value = program(variables as Parameters<typeof program>[0]);
    // An error inside a loop may be swallowed by `||`; being over the budget may not.
    if (budget.left < 0) {
      return { value: 'inconclusive', code: 'ERR_CONDITION_COST', detail: `it takes more than the ${LIMITS.conditionSteps} steps that a condition may take` };
    }
    if (isCelError(value)) return { value: 'inconclusive', code: 'ERR_CONDITION_FAILED', detail: value.message.slice(0, 300) };
    if (value === true) return HOLDS;
    if (value === false) return fails('it is not so');
    return { value: 'inconclusive', code: 'ERR_CONDITION_FAILED', detail: 'its value is neither true nor false' };
  };
}

/** Instructions of a regular expression times characters, for one step. */
const WORK_PER_STEP = 64;
const MOST_REGEXES = 64;

/** `matches` of CEL, which looks for the pattern anywhere; paid before it is done, by the size of both. */
function countedRegex(budget: Budget): { compile(pattern: string): { test(text: string): boolean } } {
  const kept = new Map<string, RE2JS>();
  const compiled = (pattern: string): RE2JS => {
    const regex = kept.get(pattern) ?? boundedRegex(pattern);
    // A pattern may come out of the statement, each time another one.
    if (!kept.has(pattern)) budget.pay(regex.programSize());
    if (kept.size >= MOST_REGEXES) kept.clear();
    kept.set(pattern, regex);
    return regex;
  };
  return {
    compile: (pattern) => {
      const regex = compiled(pattern);
      return {
        test: (text) => {
          budget.pay(Math.ceil((regex.programSize() * (text.length + 1)) / WORK_PER_STEP));
          return regex.matcher(text).find();
        },
      };
    },
  };
}

function boundedRegex(pattern: string): RE2JS {
  if (pattern.length > LIMITS.patternLength) throw new Error(`a regular expression is longer than ${LIMITS.patternLength} characters`);
  const regex = RE2JS.compile(pattern);
  if (regex.programSize() > LIMITS.regexInstructions)
    throw new Error(`a regular expression has more than ${LIMITS.regexInstructions} steps when it is written out`);
  return regex;
}

const MOST_KEPT = 1024;
const sound = new Set<string>();

/** Throws as `compileExpression` does. Policies of one house ask the same again and again, which is remembered. */
export function checkExpression(expression: string): true {
  if (sound.has(expression)) return true;
  compileExpression(expression);
  if (sound.size >= MOST_KEPT) sound.clear();
  sound.add(expression);
  return true;
}

function compile<T>(expression: string, isFunction: (name: string) => boolean, planned: (expr: Expr) => T): T {
  try {
    const { expr } = parse(expression);
    weave(expr, { isFunction, names: new Set<string>(VARIABLES) });
    return planned(expr);
  } catch (cause) {
    throw invalid(expression, cause instanceof Error ? cause.message.slice(0, 300) : 'it cannot be read', cause);
  }
}

function invalid(expression: string, why: string, cause?: unknown): SealwardError {
  return new SealwardError('ERR_CONDITION_INVALID', `the condition ${quoted(expression)} cannot be used: ${why}`, { cause });
}

const TURN = '@turn';
const WEIGH = '@weigh';

/** Operators that the library plans itself: they decide which of their arguments is looked at, and may not be wrapped. */
const SPECIAL = new Set(['_&&_', '_||_', '_?_:_', '_[_]', '@not_strictly_false', '__not_strictly_false__']);

/** Functions that look at one value, whatever stands in it. */
const LIGHT = new Set(['!_', 'size', 'type']);

interface Known {
  readonly names: ReadonlySet<string>;
  readonly isFunction: (name: string) => boolean;
}

/** Rewrites the tree in place, and refuses names that nothing is known by. Returns how many nodes it had. */
function weave(expr: Expr, known: Known): number {
  const { exprKind } = expr;
  const all = (parts: readonly (Expr | undefined)[], inner = known): number => parts.reduce((sum, part) => sum + (part ? weave(part, inner) : 0), 0);
  switch (exprKind.case) {
    case 'identExpr':
      checkName(exprKind.value.name, known.names);
      return 1;
    case 'selectExpr':
      return 1 + all([exprKind.value.operand]);
    case 'listExpr':
      return 1 + all(exprKind.value.elements);
    case 'structExpr':
      if (exprKind.value.messageName !== '') throw new Error('messages of protocol buffers are not known here');
      // Without the name of a message all keys are those of a map.
      return 1 + all(exprKind.value.entries.flatMap(({ keyKind, value }) => [keyKind.value as Expr, value]));
    case 'callExpr': {
      const { value } = exprKind;
      if (!SPECIAL.has(value.function) && !known.isFunction(value.function)) throw new Error(`there is no function ${quoted(value.function)}`);
      const nodes = 1 + all([value.target, ...value.args]);
      if (value.function === 'matches') checkPattern(value.args[0]);
      if (SPECIAL.has(value.function) || LIGHT.has(value.function)) return nodes;
      value.args = value.args.map((arg) => call(WEIGH, arg));
      if (value.target) value.target = call(WEIGH, value.target);
      return nodes;
    }
    case 'comprehensionExpr': {
      const { value } = exprKind;
      const inner = { ...known, names: new Set([...known.names, value.accuVar, value.iterVar]) };
      const turn = all([value.loopCondition, value.loopStep], inner);
      const nodes = 1 + turn + all([value.iterRange, value.accuInit]) + all([value.result], inner);
      if (value.loopCondition) value.loopCondition = call(TURN, value.loopCondition, parse(String(turn)).expr);
      return nodes;
    }
    default:
      return 1;
  }
}

/** A pattern that is written out is looked at when the policy is loaded, not when an image waits for it. */
function checkPattern(arg: Expr | undefined): void {
  if (arg?.exprKind.case !== 'constExpr' || arg.exprKind.value.constantKind.case !== 'stringValue') return;
  boundedRegex(arg.exprKind.value.constantKind.value);
}

function checkName(name: string, names: ReadonlySet<string>): void {
  if (names.has(name) || TYPES.has(name)) return;
  throw new Error(`it names ${quoted(name)}, and there are only ${VARIABLES.join(', ')}`);
}

function call(name: string, ...args: Expr[]): Expr {
  const made = parse('f(x)').expr;
  if (made.exprKind.case !== 'callExpr') throw new Error('a call is parsed as a call');
  made.exprKind.value.function = name;
  made.exprKind.value.args = args;
  return made;
}

/** At most one more than `most`: what is heavier is refused anyway, and must not be counted to its end. */
function weightOf(value: CelValue, most: number): number {
  if (typeof value === 'string') return 1 + Math.floor(value.length / 16);
  if (value instanceof Uint8Array) return 1 + Math.floor(value.length / 16);
  if (!isCelList(value) && !isCelMap(value)) return 1;
  let weight = 1;
  // Twice, because lists that were put together are walked through their parts.
  for (const item of isCelList(value) ? value : value.values()) {
    weight += 1 + weightOf(item, most - weight);
    if (weight > most) break;
  }
  return weight;
}

function depthOf(expression: string): number {
  let depth = 0;
  let deepest = 0;
  let signs = 0;
  for (const character of expression) {
    if ('([{'.includes(character)) deepest = Math.max(deepest, ++depth);
    else if (')]}'.includes(character)) depth--;
    signs = '!-'.includes(character) ? signs + 1 : 0;
    deepest = Math.max(deepest, depth, signs);
  }
  return deepest;
}

const converted = new WeakMap<Statement, { readonly variables: Readonly<Record<string, unknown>>; readonly nodes: number }>();

/** Several conditions look at one statement; it is converted once. */
function variablesOf(statement: Statement): { readonly variables: Readonly<Record<string, unknown>>; readonly nodes: number } {
  const known = converted.get(statement);
  if (known) return known;
  let nodes = 0;
  // Maps, not objects: a member named `constructor` or `__proto__` is a member like every other.
  const toInput = (value: JsonValue): unknown => {
    // A long text counts as several values: whoever looks at it pays for its length.
    nodes += typeof value === 'string' ? 1 + Math.floor(value.length / 128) : 1;
    if (Array.isArray(value)) return value.map(toInput);
    if (value !== null && typeof value === 'object') return new Map(Object.entries(value).map(([key, member]) => [key, toInput(member)]));
    return value;
  };
  const predicate = toInput(statement.predicate);
  const subjects = toInput(statement.subjects as unknown as JsonValue);
  const { predicateType } = statement;
  const whole = new Map<string, unknown>([
    ['predicateType', predicateType],
    ['predicate', predicate],
    ['subject', subjects],
  ]);
  const made = { variables: { statement: whole, predicate, predicateType, subjects }, nodes };
  converted.set(statement, made);
  return made;
}
