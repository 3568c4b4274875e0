/**
 * The way to one host: so many requests a second (a token bucket), so many at once, and a breaker before both. Who comes
 * waits in order; who cannot get through before the deadline is told at once, with the reason and the time to come back.
 */
import { quoted } from '../../core/artifact/index.ts';
import { type ErrorCode, SealwardError } from '../../core/errors.ts';
import { Breaker, type BreakerState, type Ending } from './breaker.ts';
import type { Clock } from './clock.ts';
import { brokeWhileKept } from './connection-errors.ts';
import type { Visit } from './host-gate.ts';
import type { HttpRequest } from './request.ts';
import { interrupted } from './watch.ts';

export interface HostLimit {
  /** Requests a second, in the long run. */
  readonly perSecond: number;
  /** Requests that may come together after a rest. */
  readonly burst: number;
  /** Requests under way at once. */
  readonly atOnce: number;
}

/** Who waits for one host, at most. */
const MOST_WAITING = 4096;
/** As long others wait for the question that finds out how a host is; then they are told that it is not known. */
const PROBE_PATIENCE_MS = 1000;
/** A deadline that passed sooner than this says more about the caller's hurry than about the host. */
const SLOW_MS = 2000;

type Asked = Pick<HttpRequest, 'deadline' | 'signal' | 'what'>;

interface Waiter {
  readonly asked: Asked;
  readonly admit: (visit: Visit) => void;
  readonly refuse: (error: SealwardError) => void;
}

export class HostQueue {
  readonly #host: string;
  readonly #clock: Clock;
  readonly #limit: HostLimit;
  readonly #breaker: Breaker;
  readonly #waiting = new Set<Waiter>();
  #underWay = 0;
  /** Of the bucket, when `#filledAt` was now. */
  #tokens: number;
  #filledAt: number;
  #cancelWake: (() => void) | undefined;
  #cancelPatience: (() => void) | undefined;
  /** A probe is under way for so long that nobody waits for it any more. */
  #impatient = false;
  #lastFailure = '';

  constructor(host: string, clock: Clock, limit: HostLimit, random: () => number) {
    this.#host = host;
    this.#clock = clock;
    this.#limit = limit;
    this.#breaker = new Breaker(random);
    this.#tokens = limit.burst;
    this.#filledAt = clock.now();
  }

  get underWay(): number {
    return this.#underWay;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get state(): BreakerState {
    return this.#breaker.at(this.#clock.now());
  }

  get isIdle(): boolean {
    return this.#underWay === 0 && this.#waiting.size === 0;
  }

  /** Whether a new one in its place would act the same. */
  get isFresh(): boolean {
    this.#fill();
    return this.isIdle && this.#breaker.isFresh && this.#tokens >= this.#limit.burst;
  }

  enter(asked: Asked): Promise<Visit> {
    return new Promise((resolve, reject) => {
      if (asked.signal?.aborted) return reject(interrupted(asked.what));
      const refusal = this.#hopeless(asked, this.#waiting.size);
      if (refusal) return reject(refusal);
      const late = this.#clock.after(asked.deadline - this.#clock.now(), () => waiter.refuse(this.#tooLate(asked)));
      const gone = (): void => waiter.refuse(interrupted(asked.what));
      asked.signal?.addEventListener('abort', gone);
      const leave = (): void => {
        late();
        asked.signal?.removeEventListener('abort', gone);
        this.#waiting.delete(waiter);
      };
      const waiter: Waiter = {
        asked,
        admit: (visit) => {
          leave();
          resolve(visit);
        },
        refuse: (error) => {
          leave();
          reject(error);
        },
      };
      this.#waiting.add(waiter);
      this.#pump();
    });
  }

  /** Why a request with so many before it will not get through in time; undefined when it may. */
  #hopeless(asked: Asked, before: number): SealwardError | undefined {
    const now = this.#clock.now();
    const breaker = this.#breaker.at(now);
    if (breaker.state === 'open' && (!breaker.asked || breaker.until >= asked.deadline)) return this.#left(asked, breaker);
    if (breaker.state === 'half-open' && breaker.probing && this.#impatient) return this.#unknown(asked);
    const turn = Math.max(this.#turnOf(before), breaker.state === 'open' ? breaker.until : 0);
    if (before < MOST_WAITING && turn < asked.deadline) return undefined;
    return this.#refusal('ERR_REGISTRY_BUSY', `${before} requests to ${quoted(this.#host, 260)} wait before the one for ${asked.what}`, turn - now);
  }

  /** When the bucket has a token for whom so many are before. */
  #turnOf(before: number): number {
    const missing = before + 1 - this.#fill();
    return this.#clock.now() + (missing <= 0 ? 0 : (missing / this.#limit.perSecond) * 1000);
  }

  #fill(): number {
    const now = this.#clock.now();
    this.#tokens = Math.min(this.#limit.burst, this.#tokens + ((now - this.#filledAt) / 1000) * this.#limit.perSecond);
    this.#filledAt = now;
    return this.#tokens;
  }

  /** Lets in whoever may go now, and sees to it that the next is let in when that changes by time alone. */
  #pump(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    for (const waiter of this.#waiting) {
      const now = this.#clock.now();
      const breaker = this.#breaker.at(now);
      if (breaker.state === 'open') return this.#wakeAt(breaker.until);
      if ((breaker.state === 'half-open' && breaker.probing) || this.#underWay >= this.#limit.atOnce) return;
      // A hair's breadth under one, since times are fractions.
      if (this.#fill() < 1 - 1e-6) return this.#wakeAt(this.#turnOf(0));
      this.#tokens = Math.max(0, this.#tokens - 1);
      const probe = breaker.state === 'half-open';
      if (probe) this.#beginProbe();
      this.#underWay++;
      waiter.admit(this.#visit(probe, now));
    }
  }

  #wakeAt(time: number): void {
    this.#cancelWake = this.#clock.after(Math.max(1, time - this.#clock.now()), () => this.#pump());
  }

  #beginProbe(): void {
    this.#breaker.probe();
    this.#cancelPatience = this.#clock.after(PROBE_PATIENCE_MS, () => {
      this.#impatient = true;
      for (const { asked, refuse } of this.#waiting) refuse(this.#unknown(asked));
    });
  }

  #visit(probe: boolean, since: number): Visit {
    let status: number | undefined;
    let throttled = false;
    return {
      answered: (code, retryAfterMs) => {
        status = code;
        // A 503 that says when to come back is a wish; one that does not is a failure.
        throttled = code === 429 || (code === 503 && retryAfterMs !== undefined);
        if (!throttled) return;
        if (probe) this.#endProbe();
        this.#breaker.throttled(this.#clock.now(), retryAfterMs);
        this.#refuseHopeless();
      },
      leave: (error) => {
        this.#underWay--;
        if (!throttled) {
          // Of one that was throttled that is done, and another may find out by now.
          if (probe) this.#endProbe();
          const how = endingOf(status, error, this.#clock.now() - since);
          if (how === 'failed') this.#lastFailure = error?.message ?? `it answered with ${status}`;
          this.#breaker.ended(how, probe, this.#clock.now());
          this.#refuseHopeless();
        }
        this.#pump();
      },
    };
  }

  #endProbe(): void {
    this.#cancelPatience?.();
    this.#impatient = false;
  }

  /** Who waits is told as soon as it is known that the wait is in vain. */
  #refuseHopeless(): void {
    if (this.state.state !== 'open') return;
    let before = 0;
    for (const { asked, refuse } of this.#waiting) {
      const refusal = this.#hopeless(asked, before);
      if (refusal) refuse(refusal);
      else before++;
    }
    this.#pump();
  }

  #left(asked: Asked, { asked: byHost, until }: { readonly asked: boolean; readonly until: number }): SealwardError {
    const host = quoted(this.#host, 260);
    const leftMs = until - this.#clock.now();
    if (byHost) {
      return this.#refusal(
        'ERR_REGISTRY_THROTTLED',
        `${host} asked to be left alone for another ${seconds(leftMs)}, and was not asked for ${asked.what}`,
        leftMs,
      );
    }
    const { failures } = this.#breaker;
    const often = failures === 1 ? 'failed' : `failed ${failures} times in a row`;
    const message = `${host} ${often} and is left alone for another ${seconds(leftMs)}, so it was not asked for ${asked.what}: ${this.#lastFailure}`;
    return this.#refusal('ERR_REGISTRY_PAUSED', message, leftMs);
  }

  #unknown({ what }: Asked): SealwardError {
    const message = `${quoted(this.#host, 260)} was not asked for ${what}: it did not do well before, and the one question that finds out how it is has no answer yet`;
    return this.#refusal('ERR_REGISTRY_PAUSED', message, PROBE_PATIENCE_MS);
  }

  #tooLate(asked: Asked): SealwardError {
    const breaker = this.state;
    if (breaker.state === 'half-open' && breaker.probing) return this.#unknown(asked);
    return this.#refusal('ERR_REGISTRY_BUSY', `the turn of ${asked.what} at ${quoted(this.#host, 260)} did not come before its deadline`, 1000);
  }

  #refusal(code: ErrorCode, message: string, retryAfterMs: number): SealwardError {
    return new SealwardError(code, message, { retryAfterMs: Math.max(0, Math.ceil(retryAfterMs)) });
  }
}

function seconds(milliseconds: number): string {
  const whole = Math.max(1, Math.ceil(milliseconds / 1000));
  return whole === 1 ? '1 second' : `${whole} seconds`;
}

function endingOf(status: number | undefined, error: SealwardError | undefined, tookMs: number): Ending {
  if (error?.code === 'ERR_INTERRUPTED' || (error && brokeWhileKept(error))) return 'unknown';
  if (error?.code === 'ERR_DEADLINE') return tookMs >= SLOW_MS ? 'failed' : 'unknown';
  if (error?.code === 'ERR_REGISTRY_UNREACHABLE') return 'failed';
  // Nothing came, such as when the host has an address that it may not have: it was not asked.
  if (status === undefined) return 'unknown';
  // Anything else that is wrong with an answer shows that there was one.
  return status >= 500 ? 'failed' : 'well';
}
