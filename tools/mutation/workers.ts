/** Processes in which mutants are tried. One that hangs or dies has noticed its mutant, and another takes its place. */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer, Ask, Order, Surveyed } from './trial.ts';

export interface Survey {
  /** Numbers of mutants that already act while files are loaded. */
  readonly atLoad: ReadonlySet<number>;
  readonly tests: readonly Surveyed[];
}

export type Verdict = { readonly noticedBy: string; readonly spoilt: boolean } | undefined;

const SLOWEST_LOAD_MILLISECONDS = 600_000;
const LONGEST_WAIT_MILLISECONDS = 900_000;

function start(order: Order): ChildProcess {
  return fork(join(import.meta.dirname, 'trial.ts'), { stdio: 'ignore', env: { ...process.env, SEALWARD_MUTATION: JSON.stringify(order) } });
}

/** Undefined when the process ended, or was ended, without a word. */
function nextAnswer(child: ChildProcess, milliseconds: number): Promise<Answer | undefined> {
  return new Promise((done) => {
    const stop = endWhenSpent(child, milliseconds);
    const settle = (answer?: Answer): void => {
      stop();
      child.off('message', settle).off('exit', gone);
      done(answer);
    };
    const gone = (): void => settle();
    child.once('message', settle).once('exit', gone);
  });
}

/** A busy machine is no loop without end: what counts is the work that was done, where the system tells it. */
function endWhenSpent(child: ChildProcess, milliseconds: number): () => void {
  const began = performance.now();
  const before = workOf(child.pid);
  const timer = setInterval(() => {
    const work = workOf(child.pid);
    const waited = performance.now() - began;
    const spent = work === undefined || before === undefined ? waited : work - before;
    if (spent > milliseconds || waited > LONGEST_WAIT_MILLISECONDS) child.kill('SIGKILL');
  }, 1000);
  return () => clearInterval(timer);
}

/** Time on a processor, in milliseconds (proc(5): the fields 14 and 15 of `stat`, in hundredths of a second). */
function workOf(pid: number | undefined): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return undefined;
  }
}

/** One room with all its mutants in it. */
export class Worker {
  readonly #order: Order;
  #child: ChildProcess | undefined;

  constructor(order: Pick<Order, 'files' | 'tests'>) {
    this.#order = { ...order, skip: [], survey: false };
  }

  /** Runs every test once, without any mutant: all must pass. */
  async survey(): Promise<Survey> {
    this.#child = start({ ...this.#order, survey: true });
    const answer = await nextAnswer(this.#child, SLOWEST_LOAD_MILLISECONDS);
    if (answer?.kind !== 'surveyed') throw new Error(answer?.kind === 'failed' ? `without any mutant fails: ${answer.why}` : 'the tests cannot be loaded');
    return { atLoad: new Set(answer.atLoad), tests: answer.tests };
  }

  /** @param milliseconds after which nobody waits any longer. */
  async try(ask: Ask, milliseconds: number): Promise<Verdict> {
    if (!this.#child) {
      this.#child = start(this.#order);
      if ((await nextAnswer(this.#child, SLOWEST_LOAD_MILLISECONDS))?.kind !== 'surveyed') throw new Error('the tests cannot be loaded again');
    }
    this.#child.send(ask);
    const answer = await nextAnswer(this.#child, milliseconds);
    if (answer?.kind !== 'tried') {
      this.stop();
      return { noticedBy: 'the process ended, or would not end', spoilt: false };
    }
    if (answer.spoilt) this.stop();
    return answer.by === undefined ? undefined : { noticedBy: answer.by, spoilt: answer.spoilt };
  }

  stop(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }
}

/** A process of its own for one mutant, which acts from the first line on. True when no test notices it. */
export function livesAlone(alone: Order['alone'] & object, tests: readonly string[], skip: readonly string[], milliseconds: number): Promise<boolean> {
  const { path, start: from, end, replacement } = alone;
  const child = start({ files: [], alone: { path, start: from, end, replacement }, tests, skip, survey: false });
  return new Promise((done) => {
    const stop = endWhenSpent(child, milliseconds);
    child.once('exit', (code) => {
      stop();
      done(code === 0);
    });
  });
}
