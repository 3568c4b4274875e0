/** k8s://NAMESPACE/SECRET: a key pair that cosign keeps in a Secret, under cosign.key, cosign.password and cosign.pub. */
import { decodeBase64, decodeUtf8, type JsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { type Explain, fromAnswer, KeyService, objectOf } from './key-service.ts';
import { type Cluster, clusterOf } from './kubernetes-config.ts';
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
  const cluster = await clusterOf(context);
  const service = new KeyService(cluster.proxy === undefined ? context : { ...context, environment: { HTTPS_PROXY: cluster.proxy } }, cluster.tls);
  const what = `the Secret of ${context.name}`;
  try {
    const answer = await service.json(
      {
        method: 'GET',
        url: addressOf(cluster, `api/v1/namespaces/${namespace}/secrets/${name}`),
        ...(cluster.token === undefined ? {} : { authorization: `Bearer ${cluster.token}` }),
        what,
        explain,
        secrets: [cluster.token ?? ''],
      },
      context.call(),
    );
    return objectOf(answer, 'data', what);
  } finally {
    service.close();
  }
}

function addressOf({ server }: Cluster, path: string): URL {
  return new URL(path, server.href.endsWith('/') ? server : `${server.href}/`);
}

/** A Status of the API server; its message names the user and the resource, and nothing secret. */
const explain: Explain = (status, body) => {
  const says = typeof body['message'] === 'string' ? body['message'] : '';
  if (status === 401 || status === 403) return { code: 'ERR_KEY_DENIED', says };
  if (status === 404) return { code: 'ERR_KEY_NOT_FOUND', says };
  return undefined;
};

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
