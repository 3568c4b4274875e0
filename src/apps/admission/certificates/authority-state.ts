/**
 * What replicas share of their authority: the one that issues now, the next one, and those that went before. With it turns
 * the path by which the API server proves itself. The steps are pure; whoever takes one saves it, and only then acts by it.
 */
import { randomBytes } from 'node:crypto';
import { encodeHex, type JsonObject, LIMITS, parseJsonObject } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { certificateOf, issueAuthority, type IssuedCertificate } from './issue.ts';

export interface Authority extends IssuedCertificate {
  /** 256 bits in hexadecimal: the path of this turn. */
  readonly secret: string;
}

export interface AuthorityState {
  readonly current: Authority;
  /** Made, and not yet used. `publishedAt`: since when everybody has been told of it, in milliseconds since 1970. */
  readonly next?: Authority & { readonly publishedAt?: number };
  /** What it issued may still be in use. `until`: milliseconds since 1970. */
  readonly former: readonly { readonly cert: string; readonly secret: string; readonly until: number }[];
}

export interface Lives {
  /** Of what servers show, in milliseconds. */
  readonly lifeMs: number;
  readonly authorityLifeMs: number;
  /** How long the bundle with a new authority is out before it is used. */
  readonly settleMs: number;
}

export type Step =
  | { readonly kind: 'save'; readonly state: AuthorityState }
  /** First tell everybody of `state`, then save it. */
  | { readonly kind: 'publish'; readonly state: AuthorityState };

/** The next thing to do; undefined when nothing is due. */
export function nextStep(state: AuthorityState | undefined, now: number, lives: Lives): Step | undefined {
  if (!state) return { kind: 'save', state: { current: newAuthority(now, lives), former: [] } };
  const { current, next, former } = state;
  // Nobody believes it any more: there is nothing to go on from, and nothing to wait for.
  if (certificateOf(current).notAfter <= now) return { kind: 'save', state: { current: next ? fresh(next) : newAuthority(now, lives), former: [] } };
  const kept = former.filter(({ until }) => until > now);
  if (kept.length < former.length) return { kind: 'save', state: { ...state, former: kept } };
  if (!next) return isDue(current, now) ? { kind: 'save', state: { ...state, next: newAuthority(now, lives) } } : undefined;
  if (next.publishedAt === undefined) return { kind: 'publish', state: { ...state, next: { ...next, publishedAt: now } } };
  if (now < next.publishedAt + lives.settleMs) return undefined;
  const { cert, secret } = current;
  return { kind: 'save', state: { current: fresh(next), former: [...former, { cert, secret, until: now + lives.lifeMs }] } };
}

/** Two thirds of a life are over. */
export function isDue(certificate: IssuedCertificate, now: number): boolean {
  const { notBefore, notAfter } = certificateOf(certificate);
  return now >= notBefore + ((notAfter - notBefore) * 2) / 3;
}

/** PEM: every authority by which a certificate of a replica may have been issued, or soon will be. */
export function bundleOf({ current, next, former }: AuthorityState): string {
  return [current, ...(next ? [next] : []), ...former].map(({ cert }) => cert).join('');
}

/** The paths that count; the first is the one to use. */
export function secretsOf({ current, next, former }: AuthorityState): readonly string[] {
  return [current, ...(next ? [next] : []), ...former].map(({ secret }) => secret);
}

function newAuthority(now: number, { authorityLifeMs }: Lives): Authority {
  return { ...issueAuthority(now, authorityLifeMs), secret: encodeHex(randomBytes(32)) };
}

function fresh({ cert, key, secret }: Authority): Authority {
  return { cert, key, secret };
}

const WHAT = 'the state of the authority of the webhook';

export function encodeState(state: AuthorityState): string {
  return `${JSON.stringify({ version: 1, ...state }, null, 2)}\n`;
}

/** Throws ERR_STATE_INVALID: whoever cannot read it must not begin anew over it. */
export function parseState(text: string): AuthorityState {
  try {
    const { version, current, next, former } = parseJsonObject(text, { what: WHAT, maxBytes: LIMITS.documentBytes });
    if (version !== 1 || !Array.isArray(former)) throw invalid();
    const state: AuthorityState = {
      current: readAuthority(current as JsonObject),
      ...(next === undefined ? {} : { next: { ...readAuthority(next as JsonObject), ...publishedAt(next as JsonObject) } }),
      former: former.map((one) => {
        const { cert, secret, until } = one as JsonObject;
        if (typeof cert !== 'string' || typeof secret !== 'string' || typeof until !== 'number') throw invalid();
        return { cert, secret, until };
      }),
    };
    for (const one of [state.current, ...(state.next ? [state.next] : []), ...state.former]) certificateOf(one);
    return state;
  } catch (cause) {
    throw new SealwardError('ERR_STATE_INVALID', `${WHAT} cannot be read: ${cause instanceof SealwardError ? cause.message : 'it is malformed'}`, {
      cause,
      hint: 'Restore it, or delete it: then a new authority is made, and the webhook configurations are patched.',
    });
  }
}

function readAuthority(value: JsonObject): Authority {
  const { cert, key, secret } = value;
  if (typeof cert !== 'string' || typeof key !== 'string' || typeof secret !== 'string' || !/^[0-9a-f]{64}$/.test(secret)) throw invalid();
  return { cert, key, secret };
}

function publishedAt({ publishedAt: at }: JsonObject): { publishedAt?: number } {
  if (at === undefined) return {};
  if (typeof at !== 'number') throw invalid();
  return { publishedAt: at };
}

function invalid(): SealwardError {
  return new SealwardError('ERR_STATE_INVALID', 'a member is missing or of another type');
}
