/** The time that a review has: what the API server gives, minus what the answer needs to get there. */

/** What the API server waits when its configuration says nothing, and at most (admissionregistration.k8s.io/v1, timeoutSeconds). */
const DEFAULT_MS = 10_000;
const LONGEST_MS = 30_000;
const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 };
const PART = /(\d{1,9}(?:\.\d{1,9})?)(h|ms|m|s|us|µs|ns)/y;

/** API servers ask with the same one again and again. */
const last = { query: '', ms: DEFAULT_MS };

/** `?timeout=` as Go writes durations: `10s`, `1m0s`. What cannot be read is taken for the default, which a stranger gains nothing by. */
export function timeoutOf(query: string): number {
  if (query !== last.query) Object.assign(last, { query, ms: readTimeout(query) });
  return last.ms;
}

function readTimeout(query: string): number {
  const text = new URLSearchParams(query).get('timeout') ?? '';
  let ms = 0;
  let at = 0;
  for (PART.lastIndex = 0; at < text.length; at = PART.lastIndex) {
    const part = PART.exec(text);
    if (!part) return DEFAULT_MS;
    ms += Number(part[1]) * (UNIT_MS[part[2] as string] as number);
  }
  return ms > 0 ? Math.min(ms, LONGEST_MS) : DEFAULT_MS;
}

/**
 * Deadlines that somebody waits for. One timer looks at all of them: nearly none ever comes, and a timer for each would be
 * work for each review. It may say up to one look too early that one has come, and never too late.
 */
class Watch {
  readonly #waited = new Set<Deadline>();
  #timer: NodeJS.Timeout | undefined;

  add(deadline: Deadline): void {
    this.#waited.add(deadline);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
  }

  remove(deadline: Deadline): void {
    this.#waited.delete(deadline);
  }

  #look(): void {
    for (const deadline of this.#waited) if (deadline.left < LOOK_MS) deadline.expire();
    if (this.#waited.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

const LOOK_MS = 20;
const watch = new Watch();

export class Deadline {
  /** In milliseconds, from its beginning. It does not follow a clock that jumps. */
  readonly ms: number;
  readonly #end: number;
  /** What is called when it comes, in this order. */
  readonly #waiting: (() => void)[] = [];
  #controller: AbortController | undefined;
  #isOver = false;

  /** @param margin of so little time that the margin takes it all, half is left. */
  constructor(timeoutMs: number, margin: number) {
    this.ms = Math.max(timeoutMs - margin, timeoutMs / 2);
    this.#end = performance.now() + this.ms;
  }

  /** In milliseconds. */
  get left(): number {
    return Math.max(0, this.#end - performance.now());
  }

  /** Made for whoever asks for it: most reviews are answered before anybody does. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      this.onExpiry(() => this.#controller?.abort());
    }
    return this.#controller.signal;
  }

  /** Calls back once, at once when it is over. @returns what takes that back. */
  onExpiry(call: () => void): () => void {
    if (this.#isOver) call();
    else if (this.#waiting.push(call) === 1) watch.add(this);
    return () => {
      const at = this.#waiting.indexOf(call);
      if (at >= 0) this.#waiting.splice(at, 1);
      if (this.#waiting.length === 0) watch.remove(this);
    };
  }

  /** The work, or what is said when time is up; the work then goes on for whoever else waits for it, and its failure is nobody's. */
  async within<T>(work: Promise<T>, late: () => T): Promise<T> {
    const answer = await new Promise<() => T | Promise<T>>((resolve) => {
      const forget = this.onExpiry(() => resolve(late));
      const settled = (): void => {
        forget();
        resolve(() => work);
      };
      work.then(settled, settled);
    });
    return answer();
  }

  /** Nobody waits any more. */
  end(): void {
    this.#waiting.length = 0;
    watch.remove(this);
  }

  expire(): void {
    this.#isOver = true;
    watch.remove(this);
    for (const call of this.#waiting.splice(0)) call();
  }
}
