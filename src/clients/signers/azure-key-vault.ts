/** Azure Key Vault and Managed HSM over REST: azurekms://VAULT-HOST/KEY[/VERSION]. */
import { createPublicKey } from 'node:crypto';
import { type Algorithm, defaultAlgorithm, hash, type PublicKey, parsePublicKey } from '../../core/crypto/index.ts';
import { decodeBase64Url, encodeBase64Url, type JsonObject } from '../../core/encoding/index.ts';
import { invariant, SealwardError } from '../../core/errors.ts';
import { azureAccount, type AzureAccount, CloudService, type Explain, fromAnswer, objectOf, serviceUrl, textOf } from '../cloud/index.ts';
import { bareHost } from '../http/index.ts';
import type { Call, KeyOpener, ProviderContext, ProviderKey } from './provider.ts';

interface Vault {
  readonly service: CloudService;
  readonly address: URL;
  readonly key: string;
  readonly account: AzureAccount;
  readonly name: string;
}

interface Opened {
  readonly publicKey: PublicKey;
  readonly version: string;
}

const API_VERSION = '7.4';

/** RFC 7518 section 3.1, by our own names. */
const JWA: Readonly<Record<string, string>> = {
  'ecdsa-p256-sha256': 'ES256',
  'ecdsa-p384-sha384': 'ES384',
  'ecdsa-p521-sha512': 'ES512',
  'rsa2048-pkcs1-sha256': 'RS256',
  'rsa3072-pkcs1-sha256': 'RS256',
  'rsa4096-pkcs1-sha256': 'RS256',
};

export const azureKeys: KeyOpener = {
  async openKey(reference, context): Promise<ProviderKey> {
    const { vault, version } = connect(reference, context);
    const opened = await readKey(vault, version, context.call());
    const algorithm = defaultAlgorithm(opened.publicKey);
    const alg = JWA[algorithm.id];
    if (alg === undefined) throw new SealwardError('ERR_KEY_INVALID', `${context.name} does not sign with ${algorithm.id}`);
    return {
      publicKey: opened.publicKey,
      algorithm,
      keyVersion: opened.version,
      sign: (message, call) => sign(vault, opened.version, algorithm, alg, message, call),
      close: async () => vault.service.close(),
    };
  },
  async openPublicKey(reference, context) {
    const { vault, version } = connect(reference, context);
    try {
      return (await readKey(vault, version, context.call())).publicKey;
    } finally {
      vault.service.close();
    }
  },
};

function connect(reference: string, context: ProviderContext): { vault: Vault; version: string } {
  const [, host, key, version = ''] = /^azurekms:\/\/([A-Za-z0-9.-]+(?::\d{1,5})?)\/([A-Za-z0-9-]{1,127})(?:\/([A-Za-z0-9]{0,64}))?$/.exec(reference) ?? [];
  if (host === undefined || key === undefined) {
    throw new SealwardError('ERR_KEY_REFERENCE', `${context.name} names no key of Azure Key Vault`, {
      hint: 'Write azurekms://NAME.vault.azure.net/KEY, with /VERSION for one version.',
    });
  }
  const address = serviceUrl(`https://${host}`, 'the vault');
  return { version, vault: { service: new CloudService(context), address, key, account: azureAccount(context, resourceOf(address)), name: context.name } };
}

/** Tokens are for one kind of service: https://vault.azure.net, and the like in other clouds and for Managed HSM. */
function resourceOf(vault: URL): string {
  const suffix = /\.((?:vault|managedhsm|vault-int)\.[a-z0-9.-]+)$/i.exec(bareHost(vault))?.[1];
  return `https://${suffix ?? 'vault.azure.net'}`;
}

const explain: Explain = (status, body) => {
  const error = body['error'];
  if (error === null || error === undefined || typeof error !== 'object' || Array.isArray(error)) return undefined;
  const says = [error['code'], error['message']].filter((text) => typeof text === 'string').join(' ');
  if (status === 401 || (status === 403 && !/disabled|expired/i.test(says))) return { code: 'ERR_KEY_DENIED', says };
  // A disabled or expired key is Forbidden too, and no credentials would help.
  if (status === 403 || status === 404) return { code: 'ERR_KEY_NOT_FOUND', says };
  if (status === 429) return { code: 'throttled', says };
  return { code: status >= 500 ? 'ERR_KEY_UNAVAILABLE' : 'ERR_KEY_ANSWER', says };
};

async function invoke(vault: Vault, method: 'GET' | 'POST', path: string, what: string, call: Call, body?: JsonObject): Promise<JsonObject> {
  const token = await vault.account.token(call);
  const url = new URL(`/keys/${vault.key}/${path}?api-version=${API_VERSION}`, vault.address);
  return vault.service.json({ method, url, authorization: `Bearer ${token}`, ...(body ? { body } : {}), what, explain, secrets: [token] }, call);
}

async function readKey(vault: Vault, asked: string, call: Call): Promise<Opened> {
  const what = `the public key of ${vault.name}`;
  const key = objectOf(await invoke(vault, 'GET', asked, what, call), 'key', what);
  const operations = key['key_ops'];
  if (Array.isArray(operations) && !operations.includes('sign')) throw new SealwardError('ERR_KEY_INVALID', `${vault.name} is not a key for signing`);
  const version = versionOf(textOf(key, 'kid', what), vault, what);
  if (asked !== '' && version !== asked) throw new SealwardError('ERR_KEY_ANSWER', `the answer for ${what} is about version ${version}`);
  return { version, publicKey: fromAnswer(what, () => fromJwk(key, what)) };
}

/** The last part of https://VAULT/keys/KEY/VERSION: which one was the newest when it was asked for. */
function versionOf(kid: string, vault: Vault, what: string): string {
  const [, key, version] = /\/keys\/([^/]+)\/([A-Za-z0-9]{1,64})$/.exec(kid) ?? [];
  if (version === undefined || key?.toLowerCase() !== vault.key.toLowerCase())
    throw new SealwardError('ERR_KEY_ANSWER', `the answer for ${what} names no version of it`);
  return version;
}

/** RFC 7518 section 6, with "-HSM" behind the kind of keys that an HSM holds. */
function fromJwk(key: JsonObject, what: string): PublicKey {
  const kty = textOf(key, 'kty', what).replace(/-HSM$/, '');
  if (kty !== 'EC' && kty !== 'RSA') throw new SealwardError('ERR_KEY_INVALID', `${what} is of the kind ${kty.slice(0, 20)}`);
  const members = kty === 'EC' ? ['crv', 'x', 'y'] : ['n', 'e'];
  const jwk = Object.fromEntries(members.map((name) => [name, textOf(key, name, what)]));
  return parsePublicKey(createPublicKey({ key: { kty, ...jwk }, format: 'jwk' }).export({ format: 'der', type: 'spki' }), what);
}

async function sign(vault: Vault, version: string, algorithm: Algorithm, alg: string, message: Uint8Array, call: Call): Promise<Uint8Array> {
  const what = `a signature by ${vault.name}`;
  invariant(algorithm.hash, 'Key Vault signs digests only');
  const answer = await invoke(vault, 'POST', `${version}/sign`, what, call, { alg, value: encodeBase64Url(hash(algorithm.hash, message)) });
  const used = versionOf(textOf(answer, 'kid', what), vault, what);
  if (used !== version) throw new SealwardError('ERR_KEY_ANSWER', `${vault.name} signed with version ${used}, where version ${version} was asked for`);
  const text = textOf(answer, 'value', what);
  return fromAnswer(what, () => decodeBase64Url(text, what));
}
