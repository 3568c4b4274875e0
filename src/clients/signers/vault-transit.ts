/** HashiCorp Vault's and OpenBao's transit engine over plain HTTP: hashivault://KEY and openbao://KEY. */
import { type Algorithm, defaultAlgorithm, hash, type PublicKey, parseEd25519PublicKey, parsePublicKeyPem } from '../../core/crypto/index.ts';
import { decodeBase64, decodeUtf8, encodeBase64, type JsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { type Explain, fromAnswer, CloudService, objectOf, serviceUrl, textOf } from '../cloud/index.ts';
import type { Call, KeyOpener, ProviderContext, ProviderKey } from './provider.ts';

interface Engine {
  readonly service: CloudService;
  readonly address: URL;
  readonly mount: string;
  readonly key: string;
  readonly token: string;
  readonly namespace: string | undefined;
  readonly name: string;
}

interface Opened {
  readonly publicKey: PublicKey;
  readonly version: number;
}

const HASH_NAMES = { sha256: 'sha2-256', sha384: 'sha2-384', sha512: 'sha2-512' } as const;

export const vaultKeys: KeyOpener = {
  async openKey(reference, context): Promise<ProviderKey> {
    const engine = engineOf(reference, context);
    const { publicKey, version } = await readKey(engine, context.call());
    const algorithm = defaultAlgorithm(publicKey);
    return {
      publicKey,
      algorithm,
      keyVersion: String(version),
      sign: (message, call) => sign(engine, algorithm, version, message, call),
      close: async () => engine.service.close(),
    };
  },
  async openPublicKey(reference, context) {
    const engine = engineOf(reference, context);
    try {
      return (await readKey(engine, context.call())).publicKey;
    } finally {
      engine.service.close();
    }
  },
};

function engineOf(reference: string, context: ProviderContext): Engine {
  const [, scheme = '', key] = /^(hashivault|openbao):\/\/([\w](?:[\w.-]*\w)?)$/.exec(reference) ?? [];
  if (key === undefined)
    throw new SealwardError('ERR_KEY_REFERENCE', `${context.name} names no key of a transit engine`, { hint: 'Write hashivault://KEY or openbao://KEY.' });
  const prefixes = scheme === 'openbao' ? ['BAO', 'VAULT'] : ['VAULT', 'BAO'];
  const setting = (what: string): string | undefined => prefixes.map((prefix) => context.environment[`${prefix}_${what}`]).find(Boolean);
  const address = setting('ADDR');
  if (address === undefined) {
    throw new SealwardError('ERR_KEY_PROVIDER_MISSING', `nothing says where the key service of ${context.name} is`, {
      hint: `Set ${prefixes[0]}_ADDR to its address.`,
    });
  }
  const authority = setting('CACERT');
  const ca = authority === undefined ? {} : { ca: [decodeUtf8(context.readFile(authority, 1024 * 1024, 'the certificate file'), authority)] };
  const serverName = setting('TLS_SERVER_NAME');
  return {
    service: new CloudService(context, { ...ca, ...(serverName === undefined ? {} : { serverName }) }),
    address: serviceUrl(address, `${prefixes[0]}_ADDR`),
    mount: (context.environment['TRANSIT_SECRET_ENGINE_PATH'] || 'transit').replace(/^\/+|\/+$/g, ''),
    key,
    token: setting('TOKEN') ?? tokenFile(prefixes, context),
    namespace: setting('NAMESPACE'),
    name: context.name,
  };
}

/** Where `vault login` and `bao login` leave their token. */
function tokenFile(prefixes: readonly string[], { environment, readFile, name }: ProviderContext): string {
  const home = environment['HOME'] ?? environment['USERPROFILE'];
  try {
    if (home) return decodeUtf8(readFile(`${home}/.vault-token`, 16 * 1024, 'the token file'), 'the token file').trim();
  } catch {
    // Said below, with both ways to mend it.
  }
  throw new SealwardError('ERR_KEY_DENIED', `no token was given for ${name}`, {
    hint: `Set ${prefixes[0]}_TOKEN, or log in once so that ~/.vault-token exists.`,
  });
}

const explain: Explain = (status, body) => {
  const errors = Array.isArray(body['errors']) ? body['errors'].filter((error) => typeof error === 'string') : [];
  const says = errors.join('; ');
  if (status === 400 && /not found/.test(says)) return { code: 'ERR_KEY_NOT_FOUND', says };
  if (status === 401 || status === 403) return { code: 'ERR_KEY_DENIED', says };
  if (status === 404) return { code: 'ERR_KEY_NOT_FOUND', says };
  if (status === 429) return { code: 'throttled', says };
  // 503 is a sealed Vault, 472 and 473 are standbys.
  return { code: status >= 500 || status === 472 || status === 473 ? 'ERR_KEY_UNAVAILABLE' : 'ERR_KEY_ANSWER', says };
};

function request(engine: Engine, path: string, what: string) {
  const base = engine.address.href.replace(/\/+$/, '');
  const segments = `${engine.mount}/${path}`.split('/').map(encodeURIComponent).join('/');
  return {
    url: new URL(`${base}/v1/${segments}`),
    headers: { 'x-vault-request': 'true', ...(engine.namespace === undefined ? {} : { 'x-vault-namespace': engine.namespace }) },
    // Not as X-Vault-Token, which would follow a redirect to wherever it leads.
    authorization: `Bearer ${engine.token}`,
    what,
    explain,
    secrets: [engine.token],
  };
}

async function readKey(engine: Engine, call: Call): Promise<Opened> {
  const what = `the public key of ${engine.name}`;
  const data = objectOf(await engine.service.json({ method: 'GET', ...request(engine, `keys/${engine.key}`, what) }, call), 'data', what);
  const version = data['latest_version'];
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1)
    throw new SealwardError('ERR_KEY_ANSWER', `the answer for ${what} has no latest_version`);
  if (data['supports_signing'] === false) throw new SealwardError('ERR_KEY_INVALID', `${engine.name} is not a key for signing`);
  const keys = objectOf(data, 'keys', what);
  const latest = keys[String(version)];
  // Of symmetric keys there is only the time at which each version was made.
  if (typeof latest === 'number') throw new SealwardError('ERR_KEY_INVALID', `${engine.name} is not a key for signing`);
  const text = textOf(objectOf(keys, String(version), what), 'public_key', what);
  return { version, publicKey: fromAnswer(what, () => parseKey(text, what)) };
}

/** Ed25519 keys are 32 bytes in base64, all others PEM. */
function parseKey(text: string, what: string): PublicKey {
  return text.startsWith('-----') ? parsePublicKeyPem(text, what) : parseEd25519PublicKey(decodeBase64(text, what), what);
}

async function sign(engine: Engine, algorithm: Algorithm, version: number, message: Uint8Array, call: Call): Promise<Uint8Array> {
  const what = `a signature by ${engine.name}`;
  const { hash: name } = algorithm;
  const body: JsonObject = {
    input: encodeBase64(name === undefined ? message : hash(name, message)),
    // The version whose public key was read: a rotation in between must not change who signs.
    key_version: version,
    ...(name === undefined ? {} : { prehashed: true, hash_algorithm: HASH_NAMES[name] }),
    ...(algorithm.scheme === 'ecdsa' ? { marshaling_algorithm: 'asn1' } : {}),
    ...(algorithm.scheme === 'rsa-pkcs1' ? { signature_algorithm: 'pkcs1v15' } : {}),
  };
  const path = name === undefined ? `sign/${engine.key}` : `sign/${engine.key}/${HASH_NAMES[name]}`;
  const data = objectOf(await engine.service.json({ method: 'POST', ...request(engine, path, what), body }, call), 'data', what);
  const [, used, encoded] = /^[a-z]+:v([1-9]\d{0,9}):([A-Za-z0-9+/=_-]+)$/.exec(textOf(data, 'signature', what)) ?? [];
  if (used === undefined || encoded === undefined) throw new SealwardError('ERR_KEY_ANSWER', `the answer for ${what} is not of the form vault:vN:SIGNATURE`);
  if (Number(used) !== version) throw new SealwardError('ERR_KEY_ANSWER', `${engine.name} signed with version ${used}, where version ${version} was asked for`);
  return fromAnswer(what, () => decodeBase64(encoded, what));
}
