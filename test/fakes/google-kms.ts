/** Google Cloud KMS as far as signing goes: versions and their states, checksums, one algorithm for each version. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { crc32c } from '../../src/clients/signers/crc32c.ts';
import { type Asked, KeyServer, type Said } from './key-server.ts';
import { signDigestDer, signDigestPss, signDigestRsa, signMessage } from './signing.ts';

export const GOOGLE_TOKEN = 'ya29.the-token-of-the-fake';

interface Version {
  readonly key: KeyObject;
  readonly algorithm: string;
  state: 'ENABLED' | 'DISABLED' | 'DESTROYED';
}

const RSA_BITS: Readonly<Record<number, string>> = {
  2048: 'RSA_SIGN_PKCS1_2048_SHA256',
  3072: 'RSA_SIGN_PKCS1_3072_SHA256',
  4096: 'RSA_SIGN_PKCS1_4096_SHA256',
};

export class FakeGoogleKms extends KeyServer {
  readonly #keys = new Map<string, Version[]>();
  /** Whether what arrived is told to be what was sent. */
  damaged = false;
  /** Versions on one page of a listing. */
  pageSize = 2;

  constructor() {
    super((asked) => this.#answer(asked));
  }

  /** Adds a version to a key and answers with its number. */
  add(name: string, key: KeyObject, algorithm = algorithmOf(key)): number {
    const versions = this.#keys.get(name) ?? [];
    this.#keys.set(name, versions);
    return versions.push({ key, algorithm, state: 'ENABLED' });
  }

  setState(name: string, number: number, state: Version['state']): void {
    const version = this.#keys.get(name)?.[number - 1];
    if (version) version.state = state;
  }

  #answer(asked: Asked): Said {
    if (asked.headers.authorization !== `Bearer ${GOOGLE_TOKEN}`)
      return failure(401, 'UNAUTHENTICATED', `Request had invalid authentication credentials: ${asked.headers.authorization}`);
    const [, name = '', number, action] =
      /^\/v1\/(projects\/[^:]+?\/cryptoKeys\/[^/]+)\/cryptoKeyVersions(?:\/(\d+)(:asymmetricSign|\/publicKey))?$/.exec(asked.url.pathname) ?? [];
    const versions = this.#keys.get(name);
    if (!versions) return failure(404, 'NOT_FOUND', `CryptoKey ${name} not found.`);
    if (number === undefined) return this.#list(name, versions, asked.url.searchParams);
    const version = versions[Number(number) - 1];
    const full = `${name}/cryptoKeyVersions/${number}`;
    if (!version) return failure(404, 'NOT_FOUND', `CryptoKeyVersion ${full} not found.`);
    if (version.state !== 'ENABLED') return failure(400, 'FAILED_PRECONDITION', `${full} is not enabled, current state is: ${version.state}.`);
    if (action === '/publicKey') {
      const pem = createPublicKey(version.key).export({ format: 'pem', type: 'spki' });
      return { status: 200, body: { name: full, pem, algorithm: version.algorithm, pemCrc32c: String(crc32c(Buffer.from(pem))) } };
    }
    return this.#sign(full, version, asked.json);
  }

  #list(name: string, versions: readonly Version[], query: URLSearchParams): Said {
    const all = versions.map(({ state, algorithm }, i) => ({ name: `${name}/cryptoKeyVersions/${i + 1}`, state, algorithm }));
    const listed = query.get('filter') === 'state=ENABLED' ? all.filter(({ state }) => state === 'ENABLED') : all;
    const from = Number(query.get('pageToken') ?? 0);
    const next = from + this.pageSize;
    return {
      status: 200,
      body: { cryptoKeyVersions: listed.slice(from, next), totalSize: listed.length, ...(next < listed.length ? { nextPageToken: String(next) } : {}) },
    };
  }

  #sign(full: string, { key, algorithm }: Version, request: Record<string, unknown>): Said {
    const ofData = key.asymmetricKeyType === 'ed25519';
    const hash = `sha${algorithm.slice(-3)}` as 'sha256';
    const text = ofData ? request['data'] : (request['digest'] as Record<string, unknown> | undefined)?.[hash];
    if (typeof text !== 'string') return failure(400, 'INVALID_ARGUMENT', `The ${ofData ? 'data' : `${hash} digest`} is missing.`);
    const input = Buffer.from(text, 'base64');
    const checksum = request[ofData ? 'dataCrc32c' : 'digestCrc32c'];
    if (checksum !== undefined && checksum !== String(crc32c(input))) return failure(400, 'INVALID_ARGUMENT', 'The checksum does not match.');
    const signature = ofData ? signMessage(key, input) : signDigest(key, algorithm, input, hash);
    const sent = this.tamper(signature, input);
    const whole = {
      signatureCrc32c: String(crc32c(sent ?? new Uint8Array())),
      [ofData ? 'verifiedDataCrc32c' : 'verifiedDigestCrc32c']: checksum !== undefined && !this.damaged,
    };
    return { status: 200, body: { name: full, ...whole, ...(sent ? { signature: Buffer.from(sent).toString('base64') } : {}) } };
  }
}

function signDigest(key: KeyObject, algorithm: string, digest: Buffer, hash: 'sha256'): Uint8Array {
  if (key.asymmetricKeyType === 'ec') return signDigestDer(key, digest);
  if (algorithm.startsWith('RSA_SIGN_PSS')) return signDigestPss(key, digest);
  return signDigestRsa(key, digest, hash);
}

function algorithmOf(key: KeyObject): string {
  if (key.asymmetricKeyType === 'ed25519') return 'EC_SIGN_ED25519';
  if (key.asymmetricKeyType === 'rsa') return RSA_BITS[key.asymmetricKeyDetails?.modulusLength ?? 0] ?? '';
  return key.export({ format: 'jwk' }).crv === 'P-256' ? 'EC_SIGN_P256_SHA256' : 'EC_SIGN_P384_SHA384';
}

function failure(code: number, status: string, message: string): Said {
  return { status: code, body: { error: { code, status, message } } };
}
