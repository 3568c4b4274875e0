/** Takes an installation away: first what makes the API server ask, so that at no time it asks somebody who is gone. */
import { type KubernetesClient, type Resource, RESOURCES } from '../../../clients/kubernetes/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { ofHelm } from './install.ts';
import { NAME } from './replicas.ts';
import { HOOKS, PARTS, STATEFUL_SETS, titleOf } from './resources.ts';

export interface UninstallOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly dryRun: boolean;
  readonly deadline: number;
  readonly signal: AbortSignal;
  readonly report: (line: string) => void;
}

/** What replicas write whole, without the labels that it was made with. */
const REWRITTEN = [
  [RESOURCES.secrets, 'sealward-authority'],
  [RESOURCES.leases, 'sealward-controller'],
] as const;
const OURS = 'app.kubernetes.io/name=sealward,app.kubernetes.io/managed-by=sealward';

/**
 * What stays: the namespace with its volumes (evidence, decision records), and the definition of ImagePolicy with its objects.
 * @returns what was deleted. Throws ERR_OBJECT_CONFLICT where Helm has it.
 */
export async function uninstallAdmission({ client, namespace, dryRun, deadline, signal, report }: UninstallOptions): Promise<readonly string[]> {
  const asking = { deadline, signal };
  const there = await client.get(STATEFUL_SETS, { namespace, name: NAME }, asking);
  if (there?.labels.get('app.kubernetes.io/managed-by') === 'Helm') throw ofHelm(namespace, 'uninstall');
  const deleted: string[] = [];
  const remove = async (of: Resource, name: string, inside: string | undefined): Promise<void> => {
    const title = titleOf({ of, namespace: inside, name });
    // Of a dry run it is still there.
    if (deleted.includes(title)) return;
    if (!(await client.delete(of, { name, ...(inside === undefined ? {} : { namespace: inside }) }, { ...asking, dryRun }))) return;
    deleted.push(title);
    report(`${title}: deleted`);
  };
  for (const of of HOOKS) await remove(of, NAME, undefined);
  for (const of of [...PARTS].reverse()) {
    for (const found of await ours(client, of, asking)) await remove(of, found.name, of.namespaced ? found.namespace : undefined);
  }
  for (const [of, name] of REWRITTEN) await remove(of, name, namespace);
  return deleted;
}

async function ours(client: KubernetesClient, of: Resource, asking: { readonly deadline: number; readonly signal: AbortSignal }) {
  try {
    return (await client.list(of, { labelSelector: OURS }, asking)).objects;
  } catch (error) {
    // A cluster without cert-manager does not know its kinds.
    if (error instanceof SealwardError && error.code === 'ERR_OBJECT_NOT_FOUND') return [];
    throw error;
  }
}
