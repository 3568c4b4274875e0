/** Azure Key Vault and the token service of Entra as far as signing goes: digests only, r || s, versions in the kid. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { type Asked, KeyServer, type Said } from './key-server.ts';
import { signDigestRaw, signDigestRsa } from './signing.ts';

export const AZURE_CLIENT = { AZURE_TENANT_ID: 'a-tenant', AZURE_CLIENT_ID: 'a-client', AZURE_CLIENT_SECRET: 'a client secret of the fake' } as const;
const TOKEN = 'an-access-token-of-the-fake';

/** Who gives tokens and for what; Azure's own clients ask for it first. */
const CHALLENGE = {
  'www-authenticate': `Bearer authorization="https://login.microsoftonline.com/${AZURE_CLIENT.AZURE_TENANT_ID}", resource="https://vault.azure.net"`,
};

const DIGEST_BYTES: Readonly<Record<string, number>> = { ES256: 32, ES384: 48, ES512: 64, RS256: 32, RS384: 48, RS512: 64 };

export class FakeAzureKeyVault extends KeyServer {
  readonly #keys = new Map<string, { version: string; key: KeyObject; enabled: boolean }[]>();
  /** Whether kinds of keys are told as those of an HSM. */
  hsm = false;

  constructor() {
    super((asked) => this.#answer(asked));
  }

  /** Adds a version, which is the newest then. */
  add(name: string, key: KeyObject): string {
    const versions = this.#keys.get(name) ?? [];
    this.#keys.set(name, versions);
    const version = String(versions.length + 1).padStart(32, 'a');
    versions.push({ version, key, enabled: true });
    return version;
  }

  disable(name: string): void {
    for (const version of this.#keys.get(name) ?? []) version.enabled = false;
  }

  #answer(asked: Asked): Said {
    if (asked.url.pathname.endsWith('/oauth2/v2.0/token')) return this.#token(asked);
    if (asked.headers.authorization !== `Bearer ${TOKEN}`)
      return { ...failure(401, 'Unauthorized', 'AKV10000: Request is missing a Bearer or PoP token.'), headers: CHALLENGE };
    if (asked.url.searchParams.get('api-version') !== '7.4') return failure(400, 'BadParameter', 'api-version');
    const [, name = '', asked2 = '', sign] = /^\/keys\/([^/]+)\/([^/]*)(\/sign)?$/.exec(asked.url.pathname) ?? [];
    const versions = this.#keys.get(name);
    const found = asked2 === '' ? versions?.at(-1) : versions?.find(({ version }) => version === asked2);
    if (!found) return failure(404, 'KeyNotFound', `A key with (name/id) ${name} was not found in this key vault.`);
    const kid = `https://${this.host}/keys/${name}/${found.version}`;
    if (sign === undefined)
      return { status: 200, body: { key: { kid, key_ops: ['sign', 'verify'], ...this.#jwk(found.key) }, attributes: { enabled: found.enabled } } };
    if (!found.enabled) return failure(403, 'Forbidden', 'Operation sign is not allowed on a disabled key.');
    return this.#sign(kid, found.key, asked.json);
  }

  #jwk(key: KeyObject): Record<string, unknown> {
    const jwk = createPublicKey(key).export({ format: 'jwk' });
    return { ...jwk, kty: `${jwk.kty}${this.hsm ? '-HSM' : ''}` };
  }

  #sign(kid: string, key: KeyObject, request: Record<string, unknown>): Said {
    const alg = String(request['alg']);
    const digest = Buffer.from(String(request['value']), 'base64url');
    const fits = alg.startsWith('RS') ? key.asymmetricKeyType === 'rsa' : key.asymmetricKeyType === 'ec';
    if (!fits || digest.length !== DIGEST_BYTES[alg]) return failure(400, 'BadParameter', `The digest or key does not fit ${alg}.`);
    const signature = alg.startsWith('RS') ? signDigestRsa(key, digest, `sha${alg.slice(2)}` as 'sha256') : signDigestRaw(key, digest);
    const sent = this.tamper(signature, digest);
    return { status: 200, body: { kid, ...(sent ? { value: Buffer.from(sent).toString('base64url') } : {}) } };
  }

  #token(asked: Asked): Said {
    const form = new URLSearchParams(asked.body.toString());
    const proven = form.get('client_secret') === AZURE_CLIENT.AZURE_CLIENT_SECRET || form.get('client_assertion') === 'a federated token';
    const fits =
      asked.url.pathname === `/${AZURE_CLIENT.AZURE_TENANT_ID}/oauth2/v2.0/token` &&
      form.get('scope') === 'https://vault.azure.net/.default' &&
      form.get('grant_type') === 'client_credentials';
    if (!fits || !proven)
      return {
        status: 401,
        body: { error: 'invalid_client', error_description: `AADSTS7000215: Invalid client secret provided: ${form.get('client_secret')}` },
      };
    return { status: 200, body: { token_type: 'Bearer', expires_in: 3599, access_token: TOKEN } };
  }
}

function failure(status: number, code: string, message: string): Said {
  return { status, body: { error: { code, message } } };
}
