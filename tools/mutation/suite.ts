/**
 * Stands in the place of `node:test` while mutants are tried: it keeps the tests instead of running them, so that each can be
 * run as often as there are mutants that it reaches. Only what the tests of the core use is there; anything else fails loudly.
 */
type Body = (context: Context) => unknown;

interface Context {
  readonly name: string;
  readonly signal: AbortSignal;
  diagnostic(): void;
  skip(): void;
}

export interface KeptTest {
  readonly name: string;
  readonly run: () => Promise<void>;
}

export const kept: KeptTest[] = [];
const names: string[] = [];
let before: Body[] = [];
let pending: Promise<unknown>[] = [];

export function describe(name: string, body: () => unknown): void {
  names.push(name);
  const outer = before;
  before = [...outer];
  const made = body();
  if (made instanceof Promise) pending.push(made);
  before = outer;
  names.pop();
}

export function it(name: string, ...rest: readonly unknown[]): void {
  const body = rest.at(-1);
  const options = rest.length > 1 ? (rest[0] as { skip?: unknown; todo?: unknown }) : {};
  if (typeof body !== 'function') throw new Error(`no function: ${name}`);
  if (options.skip !== undefined && options.skip !== false) return;
  const full = [...names, name].join(' > ');
  const hooks = before;
  const run = async (): Promise<void> => {
    const context: Context = { name: full, signal: new AbortController().signal, diagnostic: () => undefined, skip: () => undefined };
    for (const hook of hooks) await once(hook);
    await (body as Body)(context);
  };
  kept.push({ name: full, run });
}

const done = new Map<Body, unknown>();

async function once(hook: Body): Promise<void> {
  if (!done.has(hook)) done.set(hook, (hook as () => unknown)());
  await done.get(hook);
}

/** Runs once, before the first test of its group: what it makes serves every later run. */
function beforeTests(body: Body): void {
  before.push(body);
}

/** Nothing that the tests of the core open outlives the process. */
export function after(): void {
  return undefined;
}

export { beforeTests as before, describe as suite, it as test };

export async function settled(): Promise<void> {
  const all = pending;
  pending = [];
  await Promise.all(all);
}
