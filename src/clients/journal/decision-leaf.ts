/**
 * Leaves of a decision log: canonical JSON (RFC 8785), one object each. Every decision of one run of an agent has a number,
 * and each number is accounted for: by a leaf of its own, by the count of a leaf that it shares, or as lost.
 */
import { canonicalJson, decodeUtf8, type JsonObject, parseJsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

/** What is shared: nothing but allowances. */
export type RecordedOutcome = 'allow' | 'deny' | 'warn' | 'override' | 'error';

interface LeafHead {
  /** The run of the agent: 32 hexadecimal digits, new at each start. */
  readonly boot: string;
  /** Milliseconds since 1970, by the clock of the agent. */
  readonly time: number;
  /** Milliseconds since the start of the agent, by a clock that only goes forward. */
  readonly mono: number;
}

export type DecisionLeaf = LeafHead &
  (
    | { readonly kind: 'start'; readonly clean: boolean; readonly previous: string | null }
    | { readonly kind: 'decision'; readonly counter: number; readonly outcome: RecordedOutcome; readonly decision: JsonObject }
    | { readonly kind: 'repeats'; readonly of: number; readonly count: number; readonly first: number; readonly last: number }
    | { readonly kind: 'lost'; readonly count: number; readonly denied: number; readonly first: number; readonly last: number }
    | { readonly kind: 'pruned'; readonly before: number }
    | { readonly kind: 'stop'; readonly counter: number }
  );

/** @param body canonical JSON of the decision; it is put in as it is, because parsing it again would cost more than the hash. */
export function decisionText(head: LeafHead, counter: number, outcome: RecordedOutcome, body: string): string {
  return `{"boot":"${head.boot}","counter":${counter},"decision":${body},"kind":"decision","mono":${head.mono},"outcome":"${outcome}","time":${head.time}}`;
}

export function leafText(leaf: Exclude<DecisionLeaf, { readonly kind: 'decision' }>): string {
  return canonicalJson({ ...leaf });
}

const NUMBERS: Readonly<Record<DecisionLeaf['kind'], readonly string[]>> = {
  start: [],
  decision: ['counter'],
  repeats: ['of', 'count', 'first', 'last'],
  lost: ['count', 'denied', 'first', 'last'],
  pruned: ['before'],
  stop: ['counter'],
};
const OUTCOMES: readonly unknown[] = ['allow', 'deny', 'warn', 'override', 'error'] satisfies RecordedOutcome[];
const BOOT = /^[0-9a-f]{32}$/;

/** Throws ERR_LOG_FORMAT. */
export function parseDecisionLeaf(entry: Uint8Array): DecisionLeaf {
  let leaf: JsonObject;
  try {
    leaf = parseJsonObject(decodeUtf8(entry, 'the leaf'), { what: 'the leaf' });
  } catch (cause) {
    throw malformed(cause instanceof Error ? cause.message : 'it cannot be read', cause);
  }
  const { kind } = leaf;
  const numbers = typeof kind === 'string' && Object.hasOwn(NUMBERS, kind) ? NUMBERS[kind as DecisionLeaf['kind']] : undefined;
  if (!numbers) throw malformed('it is of no kind that is known');
  for (const name of ['time', 'mono', ...numbers]) {
    if (!Number.isSafeInteger(leaf[name]) || (leaf[name] as number) < 0) throw malformed(`its ${name} is no count`);
  }
  if (typeof leaf['boot'] !== 'string' || !BOOT.test(leaf['boot'])) throw malformed('it names no run of an agent');
  if (kind === 'decision' && (!OUTCOMES.includes(leaf['outcome']) || !isObject(leaf['decision']))) throw malformed('it holds no decision');
  if (kind === 'start' && (typeof leaf['clean'] !== 'boolean' || !(leaf['previous'] === null || typeof leaf['previous'] === 'string'))) {
    throw malformed('it does not say what came before');
  }
  return leaf as unknown as DecisionLeaf;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(why: string, cause?: unknown): SealwardError {
  return new SealwardError('ERR_LOG_FORMAT', `a leaf of the decision log is malformed: ${why}`, { cause });
}
