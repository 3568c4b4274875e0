/**
 * A clock that would rather say nothing than something wrong. The wall clock must move as the processor's own counter
 * does, must not stand before what was dated last, and must agree with the sources of time that are configured.
 */
import { SealwardError } from '../../core/errors.ts';

export interface ClockReadings {
  /** The wall clock, in milliseconds since 1970. */
  readonly wall: () => number;
  /** Milliseconds that never jump, from any start. */
  readonly running: () => number;
}

/** What one source says: by how many milliseconds its time is ahead of ours, and by how many it may be wrong. */
export interface SourceAnswer {
  readonly aheadMs: number;
  readonly withinMs: number;
}

export interface TimeSource {
  readonly name: string;
  readonly ask: (signal: AbortSignal) => Promise<SourceAnswer>;
}

export interface ClockGuardOptions {
  readonly readings: ClockReadings;
  /** How far the wall clock may be from where the counter says that it must be; a slewing daemon stays within. */
  readonly toleranceMs: number;
  /** How many sources must agree; 0 asks none. */
  readonly quorum: number;
  readonly sources: readonly TimeSource[];
  /** For how long an agreement of the sources holds. */
  readonly freshMs: number;
  /** Nothing is dated before this: what was dated last, by an earlier process. */
  readonly notBefore: number;
}

/** NTP daemons slew by at most 500 parts in a million; the line is drawn anew as often as that adds up to nothing. */
const REBASE_MS = 10_000;

export interface ClockState {
  readonly refuses?: string;
  readonly sources: readonly { readonly name: string; readonly aheadMs?: number; readonly problem?: string }[];
}

/** Ask it for its state at least every few seconds, also when nothing is dated: then what a daemon slews is told from a jump. */
export class ClockGuard {
  readonly #options: ClockGuardOptions;
  /** The wall clock, and the counter at the same moment. */
  #base: { readonly wall: number; readonly running: number };
  #last: number;
  #agreed: { readonly running: number; readonly quorate: boolean } | undefined;
  #sources: ClockState['sources'] = [];

  constructor(options: ClockGuardOptions) {
    this.#options = options;
    const { wall, running } = options.readings;
    this.#base = { wall: wall(), running: running() };
    this.#last = options.notBefore;
  }

  /** Now, in milliseconds since 1970; never before any answer of the past. Throws ERR_CLOCK_REFUSED. */
  now(): number {
    const why = this.#refusal();
    if (why !== undefined) {
      throw new SealwardError('ERR_CLOCK_REFUSED', `nothing is dated: ${why}`);
    }
    const now = this.#options.readings.wall();
    this.#last = Math.max(this.#last, now);
    return now;
  }

  state(): ClockState {
    const refuses = this.#refusal();
    return { ...(refuses === undefined ? {} : { refuses }), sources: this.#sources };
  }

  /** Asks all sources. When enough of them agree with the clock as it stands, a jump is forgiven: it was a correction. */
  async compare(signal: AbortSignal): Promise<void> {
    const { sources, quorum, toleranceMs, readings } = this.#options;
    if (quorum === 0) return;
    const answers = await Promise.all(
      sources.map(async ({ name, ask }) => {
        try {
          const { aheadMs, withinMs } = await ask(signal);
          return { said: { name, aheadMs }, agrees: Math.abs(aheadMs) <= toleranceMs + withinMs };
        } catch (error) {
          return { said: { name, problem: error instanceof Error ? error.message : String(error) }, agrees: false };
        }
      }),
    );
    this.#sources = answers.map(({ said }) => said);
    const quorate = answers.filter(({ agrees }) => agrees).length >= quorum;
    this.#agreed = { running: readings.running(), quorate };
    if (!quorate) return;
    this.#base = { wall: readings.wall(), running: readings.running() };
  }

  #refusal(): string | undefined {
    const { readings, toleranceMs, quorum, freshMs } = this.#options;
    const [wall, running] = [readings.wall(), readings.running()];
    const off = wall - (this.#base.wall + (running - this.#base.running));
    // It ends when somebody sets the clock back to where it must be, or when enough sources say that it stands right.
    if (Math.abs(off) > toleranceMs) return `the clock jumped by ${(off / 1000).toFixed(1)} s`;
    if (running - this.#base.running > REBASE_MS) this.#base = { wall, running };
    if (wall + toleranceMs < this.#last) return `the clock stands ${((this.#last - wall) / 1000).toFixed(1)} s before what was dated last`;
    if (quorum === 0) return undefined;
    if (!this.#agreed) return 'the sources of time have not been asked yet';
    if (!this.#agreed.quorate) return `fewer than ${quorum} sources of time agree with the clock`;
    if (running - this.#agreed.running > freshMs) return `the sources of time were asked ${Math.round((running - this.#agreed.running) / 1000)} s ago`;
    return undefined;
  }
}
