/** AWS KMS and STS as far as signing goes: the JSON protocol, Signature Version 4, key states, its own error names. */
import { createHash, createHmac, createPublicKey, type KeyObject } from 'node:crypto';
import { type Asked, KeyServer, type Said } from './key-server.ts';
import { signDigestDer, signDigestRsa, signMessage } from './signing.ts';

export const AWS_ACCESS = { AWS_ACCESS_KEY_ID: 'AKIDFAKE', AWS_SECRET_ACCESS_KEY: 'a secret of the fake', AWS_REGION: 'eu-west-1' } as const;

const account = 'arn:aws:kms:eu-west-1:111122223333:';

const SPECS: Readonly<Record<string, readonly string[]>> = {
  'P-256': ['ECDSA_SHA_256'],
  'P-384': ['ECDSA_SHA_384'],
  'P-521': ['ECDSA_SHA_512'],
  rsa: ['RSASSA_PSS_SHA_256', 'RSASSA_PKCS1_V1_5_SHA_256', 'RSASSA_PKCS1_V1_5_SHA_384'],
  ed25519: ['ED25519_SHA_512'],
  'ml-dsa-65': ['ML_DSA_SHAKE_256'],
};

export class FakeAwsKms extends KeyServer {
  readonly keys = new Map<string, KeyObject>();
  readonly aliases = new Map<string, string>();
  /** Key IDs that are disabled. */
  readonly disabled = new Set<string>();
  /** What STS gives to whoever shows this token. */
  webIdentityToken = 'a web identity token';

  constructor() {
    super((asked) => this.#answer(asked));
  }

  add(id: string, key: KeyObject, alias?: string): string {
    this.keys.set(id, key);
    if (alias !== undefined) this.aliases.set(alias, id);
    return `${account}key/${id}`;
  }

  #answer(asked: Asked): Said {
    if (asked.headers['content-type'] === 'application/x-www-form-urlencoded') return this.#assumeRole(asked);
    if (!signatureFits(asked)) return failure('InvalidSignatureException', 'The request signature we calculated does not match the signature you provided.');
    const named = String(asked.json['KeyId']);
    const id = this.#resolve(named);
    const key = id === undefined ? undefined : this.keys.get(id);
    if (id === undefined || key === undefined) return failure('NotFoundException', `Key '${named}' does not exist`);
    if (this.disabled.has(id)) return failure('DisabledException', `${account}key/${id} is disabled.`);
    const target = asked.headers['x-amz-target'];
    if (target === 'TrentService.GetPublicKey') return { status: 200, body: describe(id, key) };
    if (target === 'TrentService.DescribeKey')
      return { status: 200, body: { KeyMetadata: { KeyId: id, Arn: `${account}key/${id}`, KeyUsage: 'SIGN_VERIFY', SigningAlgorithms: algorithmsOf(key) } } };
    if (target === 'TrentService.Sign') return this.#sign(id, key, asked.json);
    return failure('UnknownOperationException', '');
  }

  #resolve(named: string): string | undefined {
    const last = named.startsWith(account) ? named.slice(account.length) : named;
    if (last.startsWith('alias/')) return this.aliases.get(last);
    return last.replace(/^key\//, '');
  }

  #sign(id: string, key: KeyObject, request: Record<string, unknown>): Said {
    const algorithm = String(request['SigningAlgorithm']);
    if (!algorithmsOf(key).includes(algorithm)) return failure('InvalidKeyUsageException', `Algorithm ${algorithm} is incompatible with key spec.`);
    const message = Buffer.from(String(request['Message']), 'base64');
    if (message.length > 4096)
      return failure('ValidationException', "Value at 'message' failed to satisfy constraint: Member must have length less than or equal to 4096");
    const raw = request['MessageType'] === 'RAW';
    let signature: Uint8Array;
    if (key.asymmetricKeyType !== 'rsa' && key.asymmetricKeyType !== 'ec') {
      if (!raw) return failure('ValidationException', 'MessageType DIGEST is not supported for this signing algorithm.');
      signature = signMessage(key, message);
    } else {
      const hash = `sha${algorithm.slice(-3)}` as 'sha256';
      const digest = raw ? createHash(hash).update(message).digest() : message;
      if (digest.length !== Number(algorithm.slice(-3)) / 8) return failure('ValidationException', `Digest is invalid length for algorithm ${algorithm}.`);
      signature = key.asymmetricKeyType === 'rsa' ? signDigestRsa(key, digest, hash) : signDigestDer(key, digest);
    }
    const sent = this.tamper(signature, message);
    return {
      status: 200,
      body: { KeyId: `${account}key/${id}`, SigningAlgorithm: algorithm, ...(sent ? { Signature: Buffer.from(sent).toString('base64') } : {}) },
    };
  }

  #assumeRole(asked: Asked): Said {
    const form = new URLSearchParams(asked.body.toString());
    if (form.get('Action') !== 'AssumeRoleWithWebIdentity' || form.get('Version') !== '2011-06-15' || !form.get('RoleArn'))
      return { status: 400, body: { Error: { Code: 'ValidationError' } } };
    if (form.get('WebIdentityToken') !== this.webIdentityToken)
      return { status: 400, body: { Error: { Code: 'InvalidIdentityToken', Message: `no: ${form.get('WebIdentityToken')}` } } };
    const Credentials = {
      AccessKeyId: AWS_ACCESS.AWS_ACCESS_KEY_ID,
      SecretAccessKey: AWS_ACCESS.AWS_SECRET_ACCESS_KEY,
      SessionToken: 'a session',
      Expiration: 4e9,
    };
    return { status: 200, body: { AssumeRoleWithWebIdentityResponse: { AssumeRoleWithWebIdentityResult: { Credentials } } } };
  }
}

function algorithmsOf(key: KeyObject): readonly string[] {
  const kind = key.asymmetricKeyType === 'ec' ? (key.export({ format: 'jwk' }).crv as string) : (key.asymmetricKeyType ?? '');
  return SPECS[kind] ?? [];
}

function describe(id: string, key: KeyObject): Record<string, unknown> {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return { KeyId: `${account}key/${id}`, KeyUsage: 'SIGN_VERIFY', PublicKey: spki.toString('base64'), SigningAlgorithms: algorithmsOf(key) };
}

function failure(type: string, message: string): Said {
  return { status: 400, body: { __type: `com.amazonaws.kms#${type}`, message } };
}

/** Computes the signature again from what arrived, by the steps of AWS's documentation. */
function signatureFits({ method, url, headers, body }: Asked): boolean {
  const match = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
    headers.authorization ?? '',
  );
  const [, id, date = '', region = '', service = '', signed = '', signature] = match ?? [];
  if (id !== AWS_ACCESS.AWS_ACCESS_KEY_ID || service !== 'kms' || !signed.split(';').includes('x-amz-target') || !signed.split(';').includes('host'))
    return false;
  const lines = signed.split(';').map((name) => `${name}:${String(headers[name])}\n`);
  const canonical = `${method}\n${url.pathname}\n\n${lines.join('')}\n${signed}\n${createHash('sha256').update(body).digest('hex')}`;
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${String(headers['x-amz-date'])}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`;
  let key: Buffer = Buffer.from(`AWS4${AWS_ACCESS.AWS_SECRET_ACCESS_KEY}`);
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  return createHmac('sha256', key).update(text).digest('hex') === signature;
}
