/** AWS KMS over its JSON protocol: awskms://[ENDPOINT]/ID, /alias/NAME or an ARN of either. */
import { type Algorithm, defaultAlgorithm, hash, type PublicKey, parsePublicKey } from '../../core/crypto/index.ts';
import { decodeBase64, encodeBase64, type JsonObject, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { type AwsAccount, awsAccount, CloudService, type Explain, fromAnswer, serviceUrl, signAwsRequest, textOf } from '../cloud/index.ts';
import type { Call, KeyOpener, ProviderContext, ProviderKey } from './provider.ts';

interface Kms {
  readonly service: CloudService;
  readonly endpoint: URL;
  readonly region: string;
  readonly account: AwsAccount;
  readonly name: string;
  readonly now: () => number;
}

interface Opened {
  /** The ARN: an alias may move to another key while we sign, and this does not. */
  readonly keyId: string;
  readonly publicKey: PublicKey;
  readonly offered: readonly unknown[];
}

/** By our own names; EC keys in KMS sign with one hash only, that of their curve. */
const SIGNING_ALGORITHMS: Readonly<Record<string, string>> = {
  'ecdsa-p256-sha256': 'ECDSA_SHA_256',
  'ecdsa-p384-sha384': 'ECDSA_SHA_384',
  'ecdsa-p521-sha512': 'ECDSA_SHA_512',
  'rsa2048-pkcs1-sha256': 'RSASSA_PKCS1_V1_5_SHA_256',
  'rsa3072-pkcs1-sha256': 'RSASSA_PKCS1_V1_5_SHA_256',
  'rsa4096-pkcs1-sha256': 'RSASSA_PKCS1_V1_5_SHA_256',
  ed25519: 'ED25519_SHA_512',
  'ml-dsa-44': 'ML_DSA_SHAKE_256',
  'ml-dsa-65': 'ML_DSA_SHAKE_256',
  'ml-dsa-87': 'ML_DSA_SHAKE_256',
};

/** The longest message of MessageType RAW. */
const MAX_RAW_BYTES = 4096;

const UUID = String.raw`(?:mrk-)?[0-9A-Fa-f-]{32,36}`;
const ARN = String.raw`arn:aws(?:-[a-z]+)*:kms:[a-z0-9-]+:\d{12}:`;
const REFERENCE = new RegExp(String.raw`^awskms://([^/?#@]*)/((?:${ARN}key/|)${UUID}|(?:${ARN}|)alias/[A-Za-z0-9/_-]+)$`);

export const awsKeys: KeyOpener = {
  async openKey(reference, context): Promise<ProviderKey> {
    const { kms, keyId } = await connect(reference, context);
    const opened = await readKey(kms, keyId, context.call());
    const algorithm = defaultAlgorithm(opened.publicKey);
    const signingAlgorithm = SIGNING_ALGORITHMS[algorithm.id];
    if (signingAlgorithm === undefined || !opened.offered.includes(signingAlgorithm)) {
      throw new SealwardError('ERR_KEY_INVALID', `${context.name} does not sign with ${algorithm.id}`);
    }
    return {
      publicKey: opened.publicKey,
      algorithm,
      keyVersion: opened.keyId,
      sign: (message, call) => sign(kms, opened, algorithm, signingAlgorithm, message, call),
      close: async () => kms.service.close(),
    };
  },
  async openPublicKey(reference, context) {
    const { kms, keyId } = await connect(reference, context);
    try {
      return (await readKey(kms, keyId, context.call())).publicKey;
    } finally {
      kms.service.close();
    }
  },
};

async function connect(reference: string, context: ProviderContext): Promise<{ kms: Kms; keyId: string }> {
  const [, host, keyId] = REFERENCE.exec(reference) ?? [];
  if (host === undefined || keyId === undefined) {
    throw new SealwardError('ERR_KEY_REFERENCE', `${context.name} names no key of AWS KMS`, {
      hint: 'Write awskms:///alias/NAME, awskms:///KEY-ID or awskms:///ARN; an endpoint may stand before the third slash.',
    });
  }
  const account = await awsAccount(context);
  const region = /^arn:[^:]+:kms:([^:]+):/.exec(keyId)?.[1] ?? account.region;
  if (region === undefined)
    throw new SealwardError('ERR_KEY_PROVIDER_MISSING', `nothing says in which region ${context.name} is`, {
      hint: 'Set AWS_REGION, or name the key by its ARN.',
    });
  const { environment } = context;
  const setting = environment['AWS_ENDPOINT_URL_KMS'] || environment['AWS_ENDPOINT_URL'];
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const endpoint = serviceUrl(
    host !== '' ? `https://${host}` : setting || `https://kms.${region}.${domain}`,
    host !== '' ? 'the endpoint' : 'AWS_ENDPOINT_URL_KMS',
  );
  const service = new CloudService(context, account.tls);
  return { keyId, kms: { service, endpoint, region, account, name: context.name, now: () => context.clock.now() } };
}

/** KMS says nearly everything with 400, and what it means in __type, which may carry a namespace before "#". */
const explain: Explain = (status, body) => {
  const type = typeof body['__type'] === 'string' ? (body['__type'].split('#').pop() ?? '') : '';
  const text = body['message'] ?? body['Message'];
  const says = `${type}${typeof text === 'string' ? ` ${text}` : ''}`;
  if (
    /^(?:AccessDenied|UnrecognizedClient|InvalidClientTokenId|ExpiredToken|MissingAuthenticationToken|InvalidSignature|IncompleteSignature|InvalidGrantToken|OptInRequired)/.test(
      type,
    )
  )
    return { code: 'ERR_KEY_DENIED', says };
  if (/^(?:Throttling|LimitExceeded|TooManyRequests|RequestLimitExceeded)/.test(type)) return { code: 'throttled', says };
  if (/^(?:NotFound|Disabled|KMSInvalidState)/.test(type)) return { code: 'ERR_KEY_NOT_FOUND', says };
  if (/^(?:KMSInternal|DependencyTimeout|KeyUnavailable|InternalFailure|ServiceUnavailable)/.test(type)) return { code: 'ERR_KEY_UNAVAILABLE', says };
  if (type.startsWith('InvalidKeyUsage')) return { code: 'ERR_KEY_INVALID', says };
  return type === '' ? undefined : { code: status >= 500 ? 'ERR_KEY_UNAVAILABLE' : 'ERR_KEY_ANSWER', says };
};

async function invoke(kms: Kms, action: string, body: JsonObject, what: string, call: Call): Promise<JsonObject> {
  const credentials = await kms.account.credentials(call);
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${action}` };
  const bytes = utf8(JSON.stringify(body));
  const scope = { region: kms.region, service: 'kms', now: kms.now() };
  const signed = signAwsRequest({ method: 'POST', url: kms.endpoint, headers, body: bytes }, credentials, scope);
  const secrets = [credentials.secretAccessKey, credentials.sessionToken ?? ''];
  return kms.service.json(
    { method: 'POST', url: kms.endpoint, headers: { ...headers, ...signed.headers }, authorization: signed.authorization, body: bytes, what, explain, secrets },
    call,
  );
}

async function readKey(kms: Kms, keyId: string, call: Call): Promise<Opened> {
  const what = `the public key of ${kms.name}`;
  const answer = await invoke(kms, 'GetPublicKey', { KeyId: keyId }, what, call);
  if (answer['KeyUsage'] !== 'SIGN_VERIFY') throw new SealwardError('ERR_KEY_INVALID', `${kms.name} is not a key for signing`);
  const spki = textOf(answer, 'PublicKey', what);
  const offered = answer['SigningAlgorithms'];
  return {
    keyId: textOf(answer, 'KeyId', what),
    publicKey: fromAnswer(what, () => parsePublicKey(decodeBase64(spki, what), what)),
    offered: Array.isArray(offered) ? offered : [],
  };
}

async function sign(kms: Kms, { keyId }: Opened, algorithm: Algorithm, signingAlgorithm: string, message: Uint8Array, call: Call): Promise<Uint8Array> {
  const what = `a signature by ${kms.name}`;
  if (algorithm.hash === undefined && message.length > MAX_RAW_BYTES) {
    throw new SealwardError('ERR_TOO_LARGE', `AWS KMS signs at most ${MAX_RAW_BYTES} bytes with ${algorithm.id}, and these are ${message.length}`, {
      hint: 'Use an ECDSA or RSA key for this.',
    });
  }
  const sent =
    algorithm.hash === undefined
      ? { Message: encodeBase64(message), MessageType: 'RAW' }
      : { Message: encodeBase64(hash(algorithm.hash, message)), MessageType: 'DIGEST' };
  const answer = await invoke(kms, 'Sign', { KeyId: keyId, SigningAlgorithm: signingAlgorithm, ...sent }, what, call);
  // Told in the answer; a signature by another key would not verify either, and this says why.
  if (answer['KeyId'] !== keyId) throw new SealwardError('ERR_KEY_ANSWER', `${kms.name} signed with another key than ${keyId}`);
  const text = textOf(answer, 'Signature', what);
  return fromAnswer(what, () => decodeBase64(text, what));
}
