/** The moment of a decision. It notes which later moments it was compared with: before the first of them nothing changes by time alone. */
import type { Window } from '../trust/index.ts';

export class Clock {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The earliest moment at which an answer that was given here would be another. */
  until: number = Number.POSITIVE_INFINITY;

  constructor(now: number) {
    this.now = now;
  }

  /** Whether the moment has come; it belongs to the time after it. */
  reached(moment: number): boolean {
    if (this.now >= moment) return true;
    if (moment < this.until) this.until = moment;
    return false;
  }

  /** Whether the moment has not passed; it belongs to the time before it. */
  notAfter(moment: number): boolean {
    if (!(this.now <= moment)) return false;
    if (moment + 1 < this.until) this.until = moment + 1;
    return true;
  }

  /** Both ends belong to a window. */
  in({ from, to }: Window): boolean {
    return this.reached(from) && (to === undefined || this.notAfter(to));
  }
}
