/** Local users: a name, an address and a password that is known only as its scrypt hash (RFC 7914). */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { decodeBase64Url, encodeBase64Url, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

export interface LocalUser {
  readonly name: string;
  readonly email: string;
  /** As hashPassword writes it. */
  readonly passwordHash: string;
}

const COST = 32_768;
const R = 8;
const P = 1;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const LONGEST_PASSWORD = 1024;
/** Each takes 32 MiB and a core; a flood of logins waits in line and does not drown the rest. */
const SIDE_BY_SIDE = 2;
const LONGEST_LINE = 64;

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  return `scrypt$${COST}$${encodeBase64Url(salt)}$${encodeBase64Url(await derive(password, salt))}`;
}

function derive(password: string, salt: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const options = { N: COST, r: R, p: P, maxmem: 128 * COST * R + 1024 * 1024 };
    scrypt(utf8(password.normalize('NFC')), salt, HASH_BYTES, options, (error, key) => (error ? reject(error) : resolve(new Uint8Array(key))));
  });
}

interface Hash {
  readonly salt: Uint8Array;
  readonly key: Uint8Array;
}

/** Throws ERR_CONFIG_INVALID for what hashPassword does not write. */
function parseHash(text: string, name: string): Hash {
  const [scheme, cost, salt = '', key = '', ...rest] = text.split('$', 6);
  const hash = { salt: decodeBase64Url(salt, 'the salt of a password hash'), key: decodeBase64Url(key, 'a password hash') };
  if (scheme !== 'scrypt' || Number(cost) !== COST || rest.length > 0 || hash.salt.length !== SALT_BYTES || hash.key.length !== HASH_BYTES) {
    throw new SealwardError('ERR_CONFIG_INVALID', `the password hash of the user ${name} is not one of this program`, {
      hint: 'Make it with `sealward server hash-password`.',
    });
  }
  return hash;
}

/** What stands in for users who do not exist, so that an answer takes as long as for those who do. */
const NOBODY: Hash = { salt: randomBytes(SALT_BYTES), key: randomBytes(HASH_BYTES) };

export class Users {
  readonly #users = new Map<string, LocalUser & { readonly hash: Hash }>();
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(users: readonly LocalUser[]) {
    for (const user of users) {
      if (this.#users.has(user.name)) throw new SealwardError('ERR_CONFIG_INVALID', `the user ${user.name} stands there twice`);
      this.#users.set(user.name, { ...user, hash: parseHash(user.passwordHash, user.name) });
    }
  }

  /** The user, when the password is right. Throws ERR_RATE_LIMITED when too many wait. */
  async logIn(name: string, password: string): Promise<LocalUser | undefined> {
    if (password.length > LONGEST_PASSWORD) return undefined;
    const user = this.#users.get(name);
    const { salt, key } = user?.hash ?? NOBODY;
    const derived = await this.#inLine(() => derive(password, salt));
    return timingSafeEqual(derived, key) && user ? user : undefined;
  }

  find(name: string): LocalUser | undefined {
    return this.#users.get(name);
  }

  async #inLine<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length >= LONGEST_LINE) throw new SealwardError('ERR_RATE_LIMITED', 'too many people sign in at this moment');
    if (this.#running >= SIDE_BY_SIDE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    try {
      return await work();
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }
}
