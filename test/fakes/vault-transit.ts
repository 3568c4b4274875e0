/** The transit engine of Vault and OpenBao as far as signing goes: versions, prehashed input, marshaling, its prefix. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { type Asked, KeyServer, type Said } from './key-server.ts';
import { digestOf, signDigestDer, signDigestRaw, signDigestRsa, signMessage } from './signing.ts';

export const VAULT_TOKEN = 'hvs.the-token-of-the-fake';

const HASHES: Readonly<Record<string, 'sha256' | 'sha384' | 'sha512'>> = { 'sha2-256': 'sha256', 'sha2-384': 'sha384', 'sha2-512': 'sha512' };

export class FakeVault extends KeyServer {
  readonly #keys = new Map<string, KeyObject[]>();
  /** Keys that encrypt and do not sign. */
  readonly symmetric = new Set<string>();
  sealed = false;
  /** Signs with the newest version whatever version is asked for, as a server would that ignores the question. */
  ignoresVersion = false;

  constructor() {
    super((asked) => this.#answer(asked));
  }

  /** Adds a key, or rotates it. */
  add(name: string, key: KeyObject): void {
    this.#keys.set(name, [...(this.#keys.get(name) ?? []), key]);
  }

  #answer(asked: Asked): Said {
    if (this.sealed) return { status: 503, body: { errors: ['Vault is sealed'] } };
    const token = asked.headers.authorization?.replace(/^Bearer /, '') ?? asked.headers['x-vault-token'];
    if (token !== VAULT_TOKEN) return { status: 403, body: { errors: [`permission denied: ${String(token)}`] } };
    const [, operation, name = '', hash] = /^\/v1\/transit\/(keys|sign)\/([^/]+)(?:\/([^/]+))?$/.exec(asked.url.pathname) ?? [];
    const versions = this.#keys.get(name);
    if (operation === 'keys' && asked.method === 'GET') return this.#read(name, versions);
    if (operation === 'sign' && asked.method === 'POST')
      return versions ? this.#sign(versions, hash, asked.json) : { status: 400, body: { errors: ['signing key not found'] } };
    return { status: 404, body: { errors: ['no handler for route'] } };
  }

  #read(name: string, versions: readonly KeyObject[] | undefined): Said {
    if (this.symmetric.has(name))
      return { status: 200, body: { data: { type: 'aes256-gcm96', latest_version: 1, supports_signing: false, keys: { '1': 1_700_000_000 } } } };
    if (!versions) return { status: 404, body: { errors: [] } };
    const keys = Object.fromEntries(
      versions.map((key, i) => [String(i + 1), { creation_time: '2026-01-01T00:00:00Z', name: key.asymmetricKeyType, public_key: publicText(key) }]),
    );
    return { status: 200, body: { data: { name, latest_version: versions.length, supports_signing: true, keys } } };
  }

  #sign(versions: readonly KeyObject[], hash: string | undefined, request: Record<string, unknown>): Said {
    const version = this.ignoresVersion || !request['key_version'] ? versions.length : Number(request['key_version']);
    const key = versions[version - 1];
    if (!key) return { status: 400, body: { errors: ['requested version for signing is higher than the latest key version'] } };
    const input = Buffer.from(String(request['input']), 'base64');
    const signature = signWith(key, hash === undefined ? undefined : HASHES[hash], input, request);
    const sent = this.tamper(signature, input);
    return {
      status: 200,
      body: { data: { key_version: version, ...(sent ? { signature: `vault:v${version}:${Buffer.from(sent).toString('base64')}` } : {}) } },
    };
  }
}

function signWith(key: KeyObject, hash: 'sha256' | 'sha384' | 'sha512' | undefined, input: Buffer, request: Record<string, unknown>): Uint8Array {
  if (key.asymmetricKeyType === 'ed25519') return signMessage(key, input);
  const name = hash ?? 'sha256';
  const digest = request['prehashed'] === true ? input : digestOf(name, input);
  // The engine's own default for RSA is PSS, so whoever wants PKCS#1 must say so.
  if (key.asymmetricKeyType === 'rsa') return request['signature_algorithm'] === 'pkcs1v15' ? signDigestRsa(key, digest, name) : Buffer.alloc(256);
  return request['marshaling_algorithm'] === 'jws' ? signDigestRaw(key, digest) : signDigestDer(key, digest);
}

function publicText(key: KeyObject): string {
  const publicKey = createPublicKey(key);
  if (key.asymmetricKeyType === 'ed25519') return publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
  return publicKey.export({ format: 'pem', type: 'spki' });
}
