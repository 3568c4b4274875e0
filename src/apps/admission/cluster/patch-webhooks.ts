/** Tells API servers whom to believe: the bundle of authorities, and where paths are secrets the path, in the configurations of the webhook. */
import { type ClusterObject, type KubernetesClient, type Resource, RESOURCES } from '../../../clients/kubernetes/index.ts';
import { encodeBase64, type JsonObject, type JsonValue, memberOf, stringOf, utf8 } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import type { BundlePublisher } from '../certificates/source.ts';

export interface WebhookNames {
  /** Names of ValidatingWebhookConfigurations and of MutatingWebhookConfigurations; each is tried as both. */
  readonly configurations: readonly string[];
  /** Whether callers prove themselves by the path. */
  readonly secretPath: boolean;
}

const KINDS: readonly (readonly [of: Resource, path: string])[] = [
  [RESOURCES.validatingWebhooks, 'validate'],
  [RESOURCES.mutatingWebhooks, 'mutate'],
];
/** Somebody else may write in between. */
const ATTEMPTS = 3;

/** A configuration that is not there is told of nothing: it is made after the webhook, and then looked at again. */
export function webhookPublisher(client: KubernetesClient, { configurations, secretPath }: WebhookNames): BundlePublisher {
  return {
    async publish(bundle, secret) {
      const caBundle = encodeBase64(utf8(bundle));
      for (const name of configurations)
        for (const [of, path] of KINDS) await bring(client, of, name, { caBundle, ...(secretPath ? { path: `/${secret}/${path}` } : {}) });
    },
  };
}

interface Wanted {
  readonly caBundle: string;
  readonly path?: string;
}

async function bring(client: KubernetesClient, of: Resource, name: string, wanted: Wanted): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const found = await client.get(of, { name });
    const patch = found ? changes(found, wanted) : [];
    if (patch.length === 0) return;
    try {
      await client.patch(of, { name }, { type: 'json', patch });
      return;
    } catch (error) {
      const moved = error instanceof SealwardError && (error.code === 'ERR_OBJECT_CONFLICT' || error.code === 'ERR_CLUSTER_REFUSED');
      if (!moved || attempt >= ATTEMPTS) throw error;
    }
  }
}

/** JSON Patch (RFC 6902); its tests make it fail as a whole where an entry moved since it was read. */
function changes({ json }: ClusterObject, { caBundle, path }: Wanted): JsonObject[] {
  const webhooks: readonly JsonValue[] = Array.isArray(json['webhooks']) ? json['webhooks'] : [];
  return webhooks.flatMap((webhook, i) => {
    const at = `/webhooks/${i}`;
    const client = memberOf(webhook, 'clientConfig');
    const service = memberOf(client, 'service');
    const set: JsonObject[] = [
      ...(stringOf(memberOf(client, 'caBundle')) === caBundle ? [] : [{ op: 'add', path: `${at}/clientConfig/caBundle`, value: caBundle }]),
      ...(path === undefined || service === undefined || stringOf(memberOf(service, 'path')) === path
        ? []
        : [{ op: 'add', path: `${at}/clientConfig/service/path`, value: path }]),
    ];
    return set.length === 0 ? [] : [{ op: 'test', path: `${at}/name`, value: memberOf(webhook, 'name') ?? null }, ...set];
  });
}
