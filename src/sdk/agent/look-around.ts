/** What the webhook knows of its cluster, held by watches: the labels of namespaces, and the policies that stand in them. */
import { isDeepStrictEqual } from 'node:util';
import { type ClusterObject, type KubernetesClient, type ObjectName, RESOURCES, WatchList } from '../../clients/kubernetes/index.ts';
import { decodeBase64, type JsonValue, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { NamespacedPolicy } from './in-force.ts';

export interface Surroundings {
  /** What was not listed yet; undefined when all was. */
  missing(): string | undefined;
  /** Resolves when nothing is missing any more; never when it was closed before. */
  readonly complete: Promise<void>;
  /** Undefined for a namespace that is not known: then nothing is taken out of a scope by its labels. */
  labels(namespace: string): Readonly<Record<string, string>> | undefined;
  close(): Promise<void>;
}

export interface LookOptions {
  readonly namespaceLabels: boolean;
  readonly namespacedPolicies: boolean;
  /** All of them, each time that one changes. */
  readonly setNamespaced: (policies: readonly NamespacedPolicy[]) => Promise<void>;
  readonly report: (problem: SealwardError) => void;
  /** Told of each namespace that comes or gets other labels. */
  readonly labelled?: (namespace: string) => void;
}

export function lookAround(client: KubernetesClient, { namespaceLabels, namespacedPolicies, setNamespaced, report, labelled }: LookOptions): Surroundings {
  const namespaces = namespaceLabels
    ? new WatchList(client, RESOURCES.namespaces, {
        keep: ({ labels }): Readonly<Record<string, string>> => Object.fromEntries(labels),
        report,
        changed: (change) => {
          const same = change.type === 'removed' || (change.type === 'changed' && isDeepStrictEqual(change.before, change.value));
          if (!same) labelled?.(change.key);
        },
      })
    : undefined;
  let taken = !namespacedPolicies;
  let due = false;
  const policies = namespacedPolicies ? new WatchList(client, RESOURCES.imagePolicies, { keep: policyOf, report, changed: () => later() }) : undefined;
  /** A list of a thousand is taken once. */
  const later = (): void => {
    if (due) return;
    due = true;
    setImmediate(() => {
      due = false;
      void take();
    });
  };
  const take = async (): Promise<void> => {
    if (policies) await setNamespaced([...policies.entries()].map(([, policy]) => policy));
  };
  const takenAll = policies?.synced.then(async () => {
    await take();
    taken = true;
  });
  return {
    complete: Promise.all([namespaces?.synced, takenAll]).then(() => undefined),
    missing: () => (taken ? (namespaces && !namespaces.isSynced ? 'the namespaces of the cluster' : undefined) : 'the policies of namespaces'),
    labels: (namespace) => namespaces?.get(namespace),
    async close() {
      await Promise.all([namespaces?.close(), policies?.close()]);
    },
  };
}

/** One that is nested too deep is refused as a document, and what it asked for before holds; it does not vanish. */
function policyOf({ namespace, name, whole, json }: ClusterObject): NamespacedPolicy {
  return { namespace, name, text: whole ? JSON.stringify(json) : 'nested too deep to be read' };
}

/** The members of a ConfigMap with a trust repository. Throws ERR_OBJECT_NOT_FOUND. */
export async function configMapMembers(client: KubernetesClient, name: Required<ObjectName>): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = await client.get(RESOURCES.configMaps, name);
  if (!found) throw new SealwardError('ERR_OBJECT_NOT_FOUND', `the ConfigMap ${name.namespace}/${name.name} is not there`);
  const members = new Map<string, Uint8Array>();
  for (const [key, text] of textsOf(found.json['data'])) members.set(key, utf8(text));
  for (const [key, text] of textsOf(found.json['binaryData'])) members.set(key, decodeBase64(text, `${key} of the ConfigMap ${name.namespace}/${name.name}`));
  return members;
}

function textsOf(value: JsonValue | undefined): [string, string][] {
  const members = value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : [];
  return members.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
}
