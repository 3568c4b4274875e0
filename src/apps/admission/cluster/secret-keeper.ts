/** The authority of the webhook in a Secret, shared by its replicas without a leader: the resourceVersion says who was first. */
import { type ClusterObject, type KubernetesClient, type ObjectName, RESOURCES } from '../../../clients/kubernetes/index.ts';
import { decodeBase64, decodeUtf8, encodeBase64, type JsonObject, memberOf, stringOf, utf8 } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import type { AuthorityKeeper } from '../certificates/keep-authority.ts';

const MEMBER = 'authority.json';

export function secretKeeper(client: KubernetesClient, secret: Required<ObjectName>): AuthorityKeeper {
  // Its labels and other members are somebody else's: the Secret goes back as it was read, but for one member.
  let found: ClusterObject | undefined;
  return {
    async load() {
      found = await client.get(RESOURCES.secrets, secret);
      if (!found) return undefined;
      const value = stringOf(memberOf(found.json['data'], MEMBER));
      const what = `the Secret ${secret.namespace}/${secret.name}`;
      return { version: found.resourceVersion, ...(value ? { text: decodeUtf8(decodeBase64(value, what), what) } : {}) };
    },
    async save(text, version) {
      if (found?.resourceVersion !== version) return false;
      const json: JsonObject = found?.json ?? { metadata: { name: secret.name }, type: 'Opaque' };
      const object: JsonObject = { ...json, data: { ...(json['data'] as JsonObject | undefined), [MEMBER]: encodeBase64(utf8(text)) } };
      try {
        if (found) await client.replace(RESOURCES.secrets, secret, object);
        else await client.create(RESOURCES.secrets, secret.namespace, object);
        return true;
      } catch (error) {
        if (error instanceof SealwardError && error.code === 'ERR_OBJECT_CONFLICT') return false;
        throw error;
      }
    },
  };
}
