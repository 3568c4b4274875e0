/** Google Cloud KMS over REST: gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K[/cryptoKeyVersions/N]. */
import { ALGORITHMS, type Algorithm, algorithmFits, hash, type PublicKey, parsePublicKeyPem } from '../../core/crypto/index.ts';
import { decodeBase64, encodeBase64, type JsonObject, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { CloudService, type Explain, fromAnswer, googleAccount, type GoogleAccount, serviceUrl, textOf } from '../cloud/index.ts';
import { crc32c } from './crc32c.ts';
import type { Call, KeyOpener, ProviderContext, ProviderKey } from './provider.ts';

interface Kms {
  readonly service: CloudService;
  readonly endpoint: string;
  readonly account: GoogleAccount;
  readonly name: string;
}

interface Opened {
  /** The full name of the key version. */
  readonly version: string;
  readonly publicKey: PublicKey;
  readonly algorithm: Algorithm;
}

/** Google's name of a key's one algorithm, to ours. */
const ALGORITHM_IDS: Readonly<Record<string, string>> = {
  EC_SIGN_P256_SHA256: 'ecdsa-p256-sha256',
  EC_SIGN_P384_SHA384: 'ecdsa-p384-sha384',
  EC_SIGN_ED25519: 'ed25519',
  RSA_SIGN_PKCS1_2048_SHA256: 'rsa2048-pkcs1-sha256',
  RSA_SIGN_PKCS1_3072_SHA256: 'rsa3072-pkcs1-sha256',
  RSA_SIGN_PKCS1_4096_SHA256: 'rsa4096-pkcs1-sha256',
  RSA_SIGN_PSS_2048_SHA256: 'rsa2048-pss-sha256',
  RSA_SIGN_PSS_3072_SHA256: 'rsa3072-pss-sha256',
  RSA_SIGN_PSS_4096_SHA256: 'rsa4096-pss-sha256',
};

/** The longest `data` of AsymmetricSign; digests have no such bound. */
const MAX_DATA_BYTES = 64 * 1024;
const MAX_PAGES = 20;
const SEGMENT = '[A-Za-z0-9_.:-]{1,128}';
const REFERENCE = new RegExp(
  `^gcpkms://(projects/${SEGMENT}/locations/${SEGMENT}/keyRings/${SEGMENT}/cryptoKeys/${SEGMENT})(?:/(?:cryptoKeyVersions|versions)/([1-9]\\d{0,9}))?$`,
);

export const googleKeys: KeyOpener = {
  async openKey(reference, context): Promise<ProviderKey> {
    const { kms, key, version } = connect(reference, context);
    const opened = await readKey(kms, key, version, context.call());
    return {
      publicKey: opened.publicKey,
      algorithm: opened.algorithm,
      keyVersion: opened.version.slice(opened.version.lastIndexOf('/') + 1),
      sign: (message, call) => sign(kms, opened, message, call),
      close: async () => kms.service.close(),
    };
  },
  async openPublicKey(reference, context) {
    const { kms, key, version } = connect(reference, context);
    try {
      return (await readKey(kms, key, version, context.call())).publicKey;
    } finally {
      kms.service.close();
    }
  },
};

function connect(reference: string, context: ProviderContext): { kms: Kms; key: string; version: string | undefined } {
  const [, key, version] = REFERENCE.exec(reference) ?? [];
  if (key === undefined) {
    throw new SealwardError('ERR_KEY_REFERENCE', `${context.name} names no key of Google Cloud KMS`, {
      hint: 'Write gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K, with /cryptoKeyVersions/N for one version.',
    });
  }
  const setting = context.environment['CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS'] || 'https://cloudkms.googleapis.com/';
  const endpoint = serviceUrl(setting, 'CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS').origin;
  return { key, version, kms: { service: new CloudService(context), endpoint, account: googleAccount(context), name: context.name } };
}

const explain: Explain = (status, body) => {
  const error = body['error'];
  if (error === null || error === undefined || typeof error !== 'object' || Array.isArray(error)) return undefined;
  const says = `${typeof error['status'] === 'string' ? error['status'] : ''} ${typeof error['message'] === 'string' ? error['message'] : ''}`.trim();
  // A disabled or destroyed version is FAILED_PRECONDITION, with 400.
  if (error['status'] === 'FAILED_PRECONDITION' || status === 404) return { code: 'ERR_KEY_NOT_FOUND', says };
  if (status === 401 || status === 403) return { code: 'ERR_KEY_DENIED', says };
  if (error['status'] === 'RESOURCE_EXHAUSTED') return { code: 'throttled', says };
  return { code: status >= 500 ? 'ERR_KEY_UNAVAILABLE' : 'ERR_KEY_ANSWER', says };
};

async function invoke(kms: Kms, method: 'GET' | 'POST', path: string, what: string, call: Call, body?: JsonObject): Promise<JsonObject> {
  const token = await kms.account.token(call);
  const url = new URL(`${kms.endpoint}/v1/${path}`);
  return kms.service.json({ method, url, authorization: `Bearer ${token}`, ...(body ? { body } : {}), what, explain, secrets: [token] }, call);
}

async function readKey(kms: Kms, key: string, asked: string | undefined, call: Call): Promise<Opened> {
  const version = asked === undefined ? await newestVersion(kms, key, call) : `${key}/cryptoKeyVersions/${asked}`;
  const what = `the public key of ${kms.name}`;
  const answer = await invoke(kms, 'GET', `${version}/publicKey`, what, call);
  const pem = textOf(answer, 'pem', what);
  mustBeWhole(answer, 'pemCrc32c', utf8(pem), what);
  const kind = textOf(answer, 'algorithm', what);
  const id = ALGORITHM_IDS[kind];
  const algorithm = ALGORITHMS.find((row) => row.id === id);
  if (!algorithm) throw new SealwardError('ERR_KEY_INVALID', `${kms.name} is of the kind ${kind.slice(0, 60)}, which is not used for signing here`);
  const publicKey = fromAnswer(what, () => parsePublicKeyPem(pem, what));
  if (!algorithmFits(algorithm, publicKey)) throw new SealwardError('ERR_KEY_ANSWER', `the answer for ${what} holds a key that is not of its own kind`);
  return { version, publicKey, algorithm };
}

/** The enabled version with the highest number. Google's own keys have no newest, so it is looked for. */
async function newestVersion(kms: Kms, key: string, call: Call): Promise<string> {
  const what = `the versions of ${kms.name}`;
  let newest = 0;
  let page = '';
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const query = new URLSearchParams({ filter: 'state=ENABLED', pageSize: '1000', ...(page === '' ? {} : { pageToken: page }) });
    const answer = await invoke(kms, 'GET', `${key}/cryptoKeyVersions?${query.toString()}`, what, call);
    const versions = Array.isArray(answer['cryptoKeyVersions']) ? answer['cryptoKeyVersions'] : [];
    for (const version of versions) {
      if (version === null || typeof version !== 'object' || Array.isArray(version) || version['state'] !== 'ENABLED') continue;
      const number = /\/cryptoKeyVersions\/([1-9]\d{0,9})$/.exec(textOf(version, 'name', what))?.[1];
      newest = Math.max(newest, Number(number ?? 0));
    }
    page = typeof answer['nextPageToken'] === 'string' ? answer['nextPageToken'] : '';
    if (page === '') break;
  }
  if (newest === 0) throw new SealwardError('ERR_KEY_NOT_FOUND', `${kms.name} has no version that is enabled`);
  return `${key}/cryptoKeyVersions/${newest}`;
}

async function sign(kms: Kms, { version, algorithm }: Opened, message: Uint8Array, call: Call): Promise<Uint8Array> {
  const what = `a signature by ${kms.name}`;
  const { hash: name } = algorithm;
  if (name === undefined && message.length > MAX_DATA_BYTES) {
    throw new SealwardError('ERR_TOO_LARGE', `Google Cloud KMS signs at most ${MAX_DATA_BYTES} bytes with ${algorithm.id}, and these are ${message.length}`, {
      hint: 'Use an ECDSA or RSA key for this.',
    });
  }
  const sent = name === undefined ? message : hash(name, message);
  const checksum = String(crc32c(sent));
  const body: JsonObject =
    name === undefined ? { data: encodeBase64(sent), dataCrc32c: checksum } : { digest: { [name]: encodeBase64(sent) }, digestCrc32c: checksum };
  const answer = await invoke(kms, 'POST', `${version}:asymmetricSign`, what, call, body);
  // Without this it may have signed something else than what was sent (data integrity guidelines of Cloud KMS).
  if (answer[name === undefined ? 'verifiedDataCrc32c' : 'verifiedDigestCrc32c'] !== true)
    throw new SealwardError('ERR_KEY_ANSWER', `${kms.name} does not say that it got what was sent`);
  if (answer['name'] !== version) throw new SealwardError('ERR_KEY_ANSWER', `${kms.name} signed with another version than ${version}`);
  const text = textOf(answer, 'signature', what);
  const signature = fromAnswer(what, () => decodeBase64(text, what));
  mustBeWhole(answer, 'signatureCrc32c', signature, what);
  return signature;
}

/** Checksums are int64, which JSON carries as text. */
function mustBeWhole(answer: JsonObject, member: string, bytes: Uint8Array, what: string): void {
  if (answer[member] !== String(crc32c(bytes)))
    throw new SealwardError('ERR_KEY_ANSWER', `the answer for ${what} was damaged on its way: its ${member} does not fit`);
}
