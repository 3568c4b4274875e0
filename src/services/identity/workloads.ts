/** Workloads with registered keys: they sign a short assertion with theirs (RFC 7523, private_key_jwt) and get a token for their name. */
import { LRUCache } from 'lru-cache';
import { jwtVerify } from 'jose';
import type { PublicKey } from '../../core/crypto/index.ts';
import { LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';

export interface Workload {
  /** Its client id. */
  readonly id: string;
  /** A URI: the name that certificates are issued for. */
  readonly subject: string;
  readonly key: PublicKey;
}

/** Of the assertion, in seconds: it is made for one request. */
const LONGEST_LIFE_SECONDS = 300;
const SKEW_SECONDS = 60;
const KEPT_ASSERTIONS = 100_000;

const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  'P-256': ['ES256'],
  'P-384': ['ES384'],
  'P-521': ['ES512'],
  ed25519: ['EdDSA'],
  rsa: ['RS256', 'PS256'],
};

export class Workloads {
  readonly #workloads: ReadonlyMap<string, Workload>;
  readonly #now: () => number;
  readonly #used = new LRUCache<string, true>({ max: KEPT_ASSERTIONS });

  /** @param now milliseconds since 1970. */
  constructor(workloads: readonly Workload[], now: () => number) {
    this.#workloads = new Map(workloads.map((workload) => [workload.id, workload]));
    this.#now = now;
  }

  /** @param audiences what the assertion may be for: the issuer, or its token endpoint. Throws ERR_LOGIN_REFUSED. */
  async authenticate(assertion: string, audiences: readonly string[]): Promise<Workload> {
    if (assertion.length > LIMITS.jwtBytes) throw new SealwardError('ERR_TOO_LARGE', `the assertion is larger than ${LIMITS.jwtBytes} bytes`);
    const workload = this.#workloads.get(unverifiedIssuer(assertion));
    if (!workload) throw refused('no workload is registered under this name');
    const { key, id } = workload;
    const payload = await jwtVerify(assertion, key.object, {
      algorithms: [...(ALGORITHMS[key.curve ?? key.kind] ?? [])],
      issuer: id,
      subject: id,
      audience: [...audiences],
      requiredClaims: ['exp', 'iat', 'jti'],
      maxTokenAge: LONGEST_LIFE_SECONDS,
      clockTolerance: SKEW_SECONDS,
      currentDate: new Date(this.#now()),
    }).then(
      (verified) => verified.payload,
      () => {
        throw refused('the assertion is not signed by the key of the workload, or not for here and now');
      },
    );
    const name = `${id}\n${payload.jti}`;
    if (this.#used.has(name)) throw refused('the assertion was used before');
    // Longer than it is valid; then its own end keeps it from being used again.
    this.#used.set(name, true);
    return workload;
  }
}

function refused(why: string): SealwardError {
  return new SealwardError('ERR_LOGIN_REFUSED', why);
}

/** Only to know whose key to try. */
function unverifiedIssuer(assertion: string): string {
  try {
    const [, body = ''] = assertion.split('.', 3);
    const { iss } = JSON.parse(Buffer.from(body, 'base64url').toString()) as { iss?: unknown };
    return typeof iss === 'string' ? iss : '';
  } catch {
    return '';
  }
}
