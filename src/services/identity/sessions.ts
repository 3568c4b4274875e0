/** What a person has begun and not finished: a login in a browser, a device that waits. In memory, bounded, and each used once. */
import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { encodeBase64Url } from '../../core/encoding/index.ts';
import type { LocalUser } from './users.ts';

export interface Authorization {
  readonly clientId: string;
  readonly nonce?: string;
  /** RFC 7636, method S256. */
  readonly codeChallenge?: string;
  readonly redirectUri: string;
  readonly state: string;
}

export interface Device {
  readonly clientId: string;
  readonly userCode: string;
  readonly codeChallenge?: string;
  readonly nonce?: string;
  /** Set when the person has said yes, or no. */
  outcome?: LocalUser | 'denied';
  /** When the device asked last, in milliseconds since 1970. */
  askedAt: number;
}

const MINUTE = 60_000;
const KEPT = 10_000;
export const CODE_MS: number = MINUTE;
export const LOGIN_MS: number = 10 * MINUTE;
/** Letters that are not mistaken for others (RFC 8628 section 6.1): 20^8 codes, of which few are open at a time. */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';

export class Sessions {
  readonly #now: () => number;
  /** Logins that wait for a password, by what the form carries. */
  readonly logins: Kept<Authorization>;
  /** Codes that a browser brings back to the program. */
  readonly codes: Kept<{ readonly authorization: Authorization; readonly user: LocalUser }>;
  readonly devices: Kept<Device>;
  readonly #userCodes: Kept<Device>;

  constructor(now: () => number) {
    this.#now = now;
    const perf = { now };
    this.logins = new Kept(LOGIN_MS, perf);
    this.codes = new Kept(CODE_MS, perf);
    this.devices = new Kept(LOGIN_MS, perf);
    this.#userCodes = new Kept(LOGIN_MS, perf);
  }

  addDevice(device: Omit<Device, 'userCode' | 'askedAt'>): { readonly deviceCode: string; readonly userCode: string } {
    const userCode = newUserCode();
    const entry: Device = { ...device, userCode, askedAt: this.#now() };
    this.#userCodes.put(userCode, entry);
    return { deviceCode: this.devices.add(entry), userCode };
  }

  /** As typed: without its dash, in small letters, with blanks. */
  findDevice(typed: string): Device | undefined {
    return this.#userCodes.get(
      typed
        .toUpperCase()
        .replace(/[^A-Z]/g, '')
        .slice(0, 16),
    );
  }

  forgetUserCode({ userCode }: Device): void {
    this.#userCodes.take(userCode);
  }
}

class Kept<T extends object> {
  readonly #entries: LRUCache<string, T>;

  constructor(ttl: number, perf: { now: () => number }) {
    this.#entries = new LRUCache({ max: KEPT, ttl, perf, ttlResolution: 0 });
  }
  /** Under a new name that nobody can guess. */
  add(value: T): string {
    const name = encodeBase64Url(randomBytes(32));
    this.#entries.set(name, value);
    return name;
  }
  put(name: string, value: T): void {
    this.#entries.set(name, value);
  }
  get(name: string): T | undefined {
    return this.#entries.get(name);
  }
  take(name: string): T | undefined {
    const value = this.#entries.get(name);
    this.#entries.delete(name);
    return value;
  }
}

function newUserCode(): string {
  let code = '';
  while (code.length < 8) {
    const octet = randomBytes(1)[0] as number;
    // 240 is the largest multiple of 20 in an octet: all letters are equally likely.
    if (octet < 240) code += LETTERS[octet % LETTERS.length];
  }
  return code;
}
