/** k8s://NAMESPACE/SECRET: a key pair that cosign keeps in a Secret, under cosign.key, cosign.password and cosign.pub. */
import { decodeBase64, decodeUtf8, type JsonObject } from '../../core/encoding/index.ts';
import { type ErrorCode, SealwardError } from '../../core/errors.ts';
import { parseProxyEnvironment } from '../http/index.ts';
import { clusterOf, KubernetesClient, RESOURCES } from '../kubernetes/index.ts';
import { fromAnswer, objectOf } from '../cloud/index.ts';
import { openKeyText, publicKeyFromText } from './local-key.ts';
import type { KeyOpener, ProviderContext } from './provider.ts';

/** RFC 1123: a label, and a subdomain. */
const REFERENCE = /^k8s:\/\/([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\/([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)$/;

export const kubernetesKeys: KeyOpener = {
  async openKey(reference, context) {
    const secret = await readSecret(reference, context);
    const key = member(secret, 'cosign.key', context);
    if (key === undefined) throw missing('cosign.key', context);
    const password = member(secret, 'cosign.password', context);
    return openKeyText(key, `the key in ${context.name}`, async () => password ?? (await context.secret({ kind: 'password', of: context.name })));
  },
  async openPublicKey(reference, context) {
    const secret = await readSecret(reference, context);
    const publicKey = member(secret, 'cosign.pub', context);
    if (publicKey === undefined) throw missing('cosign.pub', context);
    return publicKeyFromText(publicKey, `the public key in ${context.name}`, async () => '');
  },
};

async function readSecret(reference: string, context: ProviderContext): Promise<JsonObject> {
  const [, namespace, name] = REFERENCE.exec(reference) ?? [];
  if (namespace === undefined || name === undefined) {
    throw new SealwardError('ERR_KEY_REFERENCE', `${context.name} names no Secret`, { hint: 'Write k8s://NAMESPACE/SECRET.' });
  }
  const what = `the Secret of ${context.name}`;
  try {
    const cluster = await clusterOf(context);
    const client = new KubernetesClient(cluster, { clock: context.clock, tls: context.tls, proxy: parseProxyEnvironment(context.environment) });
    try {
      const secret = await client.get(RESOURCES.secrets, { namespace, name }, context.call());
      if (secret === undefined) throw new SealwardError('ERR_KEY_NOT_FOUND', `${what} is not found in the cluster`);
      return objectOf(secret.json, 'data', what);
    } finally {
      client.close();
    }
  } catch (error) {
    throw inWordsOfKeys(error);
  }
}

const CODES: Readonly<Partial<Record<ErrorCode, ErrorCode>>> = {
  ERR_CLUSTER_MISSING: 'ERR_KEY_PROVIDER_MISSING',
  ERR_CLUSTER_DENIED: 'ERR_KEY_DENIED',
  ERR_CLUSTER_UNAVAILABLE: 'ERR_KEY_UNAVAILABLE',
  ERR_CLUSTER_REFUSED: 'ERR_KEY_ANSWER',
  ERR_CLUSTER_ANSWER: 'ERR_KEY_ANSWER',
};

function inWordsOfKeys(error: unknown): unknown {
  const code = error instanceof SealwardError ? CODES[error.code] : undefined;
  return code === undefined || !(error instanceof SealwardError) ? error : new SealwardError(code, error.message, { cause: error, hint: error.hint });
}

function member(secret: JsonObject, name: string, context: ProviderContext): string | undefined {
  const value = secret[name];
  if (typeof value !== 'string') return undefined;
  const what = `${name} in ${context.name}`;
  return fromAnswer(what, () => decodeUtf8(decodeBase64(value, what), what));
}

function missing(name: string, context: ProviderContext): SealwardError {
  return new SealwardError('ERR_KEY_NOT_FOUND', `${context.name} holds no ${name}`, {
    hint: 'Make the Secret with `cosign generate-key-pair k8s://NAMESPACE/SECRET`.',
  });
}
