/** What every reader of this room shares: one error for malformed bytes, one shape for a negative answer. */
import { type FindingCode, SealwardError } from '../errors.ts';

/** A negative answer: the reason from the table of findings, and a sentence with the particulars. */
export interface Refusal {
  readonly ok: false;
  readonly reason: FindingCode;
  readonly detail: string;
}

export function refusal(reason: FindingCode, detail: string): Refusal {
  return { ok: false, reason, detail };
}

export function logFormatError(message: string, cause?: unknown): SealwardError {
  return new SealwardError('ERR_LOG_FORMAT', message, { cause });
}

/** Runs a reader; whatever it or the encodings below it refuse comes out as ERR_LOG_FORMAT, except what is too large. */
export function readFormat<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SealwardError) || error.family !== 'InputError') throw error;
    if (error.code === 'ERR_LOG_FORMAT' || error.code === 'ERR_TOO_LARGE') throw error;
    throw logFormatError(`${what} is malformed: ${error.message}`, error);
  }
}

/** A value that an attacker chose, short and printable, for a message. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}

export const MAX_INT64: bigint = (1n << 63n) - 1n;
const DECIMAL = /^(?:0|[1-9][0-9]{0,18})$/;

/** A count or an index: decimal without leading zeros, at most 2^63 - 1. */
export function parseDecimal(text: string, what: string): bigint {
  const value = DECIMAL.test(text) ? BigInt(text) : -1n;
  if (value < 0n || value > MAX_INT64) throw logFormatError(`${what} is not a decimal number below 2^63: ${shown(text)}`);
  return value;
}
