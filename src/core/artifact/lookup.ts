import type { SealwardError } from '../errors.ts';

/**
 * How asking one place for one thing ended. Nothing but `complete` and `absent` is an answer of that place: an error
 * of a registry is `unavailable` with its cause and never turns into `absent`.
 */
export type Lookup<T> =
  | { readonly state: 'complete'; readonly value: T }
  | { readonly state: 'absent' }
  | { readonly state: 'unavailable'; readonly cause: SealwardError }
  | { readonly state: 'not-asked' };

export const complete = <T>(value: T): Lookup<T> => ({ state: 'complete', value });
export const absent: Lookup<never> = { state: 'absent' };
export const notAsked: Lookup<never> = { state: 'not-asked' };
export const unavailable = (cause: SealwardError): Lookup<never> => ({ state: 'unavailable', cause });

/** The same state with another value; the other states pass through as they are. */
export function mapLookup<T, U>(lookup: Lookup<T>, change: (value: T) => U): Lookup<U> {
  return lookup.state === 'complete' ? complete(change(lookup.value)) : lookup;
}
