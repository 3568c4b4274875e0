/**
 * Credentials of a namespace, where its people opted in: the pull secrets that a Pod names, or those of its service account, as
 * the kubelet would take them. Nothing is read before a registry is asked, and what is held needs none.
 */
import { type KubernetesClient, RESOURCES } from '../../../clients/kubernetes/index.ts';
import { type CredentialSource, firstOf, type PullSecret, pullSecrets } from '../../../clients/registry/index.ts';
import { decodeBase64, type JsonValue, LIMITS, memberOf, stringOf } from '../../../core/encoding/index.ts';
import type { PullsWith } from '../question.ts';

/** What was read counts for so long; secrets rotate. */
const FRESH_MS = 60_000;
const MEMBERS = ['.dockerconfigjson', '.dockercfg'];

export function pullCredentials(client: KubernetesClient, namespace: string, pulls: PullsWith, ...others: readonly CredentialSource[]): CredentialSource {
  let read: Promise<CredentialSource> | undefined;
  let until = 0;
  return {
    async find(query) {
      const now = client.clock.now();
      if (!read || now >= until) {
        until = now + FRESH_MS;
        read = secretsOf(client, namespace, pulls).then(pullSecrets);
        // What failed is tried again by the next who asks.
        read.catch(() => {
          until = 0;
        });
      }
      return firstOf(await read, ...others).find(query);
    },
  };
}

/** A Secret that is not there is left out, as the kubelet does. */
async function secretsOf(client: KubernetesClient, namespace: string, { secrets, serviceAccount }: PullsWith): Promise<PullSecret[]> {
  const names = secrets.length > 0 ? secrets : await namesOf(client, namespace, serviceAccount);
  const found = await Promise.all(names.slice(0, LIMITS.pullSecrets).map((name) => client.get(RESOURCES.secrets, { namespace, name })));
  return found.flatMap((secret): PullSecret[] => {
    const body = secret && MEMBERS.map((member) => stringOf(memberOf(secret.json['data'], member))).find((text) => text !== undefined);
    if (!secret || body === undefined) return [];
    const name = `${namespace}/${secret.name}`;
    return [{ name, type: stringOf(secret.json['type']) ?? '', body: decodeBase64(body, `the pull secret ${name}`) }];
  });
}

async function namesOf(client: KubernetesClient, namespace: string, name: string): Promise<readonly string[]> {
  const account = await client.get(RESOURCES.serviceAccounts, { namespace, name });
  return namedIn(account?.json['imagePullSecrets']);
}

/** Of a list of objects with names. */
function namedIn(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.flatMap((one) => stringOf(memberOf(one, 'name')) ?? []) : [];
}
