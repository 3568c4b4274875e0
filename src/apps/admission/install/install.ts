/**
 * Brings the chart into a cluster without Helm: makes everything, waits until the replicas are ready, and only then lets the
 * API server ask; at first so that it lets everything in while nobody answers, until it knows whom to believe.
 */
import { type KubernetesClient, RESOURCES } from '../../../clients/kubernetes/index.ts';
import { type JsonObject, memberOf, stringOf } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { chartFiles } from './chart-files.ts';
import { definitionsOf, renderChart, valuesSchema } from './chart.ts';
import { findHooks, type Hook, withFailurePolicy } from './hooks.ts';
import { namespaceObject } from './namespace.ts';
import { looking, NAME, type Replicas, waitForReplicas } from './replicas.ts';
import { HOOKS, type Placed, placed, STATEFUL_SETS, titleOf } from './resources.ts';
import { withValue } from './values.ts';

/** The values of files with these assignments (`--set`) on top. */
export function withAssignments(values: JsonObject, assignments: readonly string[]): JsonObject {
  const schema = valuesSchema(chartFiles());
  return assignments.reduce((before, assignment) => withValue(before, assignment, schema), values);
}

export interface InstallOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly values: JsonObject;
  /** The API server checks everything and keeps nothing. */
  readonly dryRun: boolean;
  /** Absolute, on the clock of the client. */
  readonly deadline: number;
  readonly signal: AbortSignal;
  /** A line for people, as it happens. */
  readonly report: (line: string) => void;
}

export type Change = 'created' | 'changed' | 'unchanged';

export interface Installed {
  readonly objects: readonly { readonly object: string; readonly change: Change }[];
  readonly replicas?: Replicas;
  /** `Fail`, `Ignore`, or `none` when the API server does not ask. */
  readonly failurePolicy: string;
}

/** All objects for these values, in the order in which they are made. */
export function objectsFor(namespace: string, values: JsonObject): readonly JsonObject[] {
  const files = chartFiles();
  return placed([namespaceObject(namespace), ...definitionsOf(files), ...renderChart(files, { namespace, values })]).map(({ object }) => object);
}

/** Throws ERR_CONFIG_INVALID for the values, ERR_OBJECT_CONFLICT where Helm has it, ERR_DEADLINE, and what the client throws. Each step may be repeated. */
export async function installAdmission(options: InstallOptions): Promise<Installed> {
  const { client, namespace, dryRun, report, deadline, signal } = options;
  const objects = placed(objectsFor(namespace, options.values));
  const asking = { deadline, signal };
  await refuseOthers(client, namespace, asking);
  const done: { object: string; change: Change }[] = [];
  const apply = async (one: Placed): Promise<void> => {
    const change = await applied(one, options);
    if (change === undefined) return;
    done.push({ object: titleOf(one), change });
    report(`${titleOf(one)}: ${change}`);
  };
  for (const one of objects) if (!HOOKS.includes(one.of)) await apply(one);
  const hooks = objects.filter((one) => HOOKS.includes(one.of));
  // The replicas of a dry run do not come.
  if (dryRun) {
    for (const hook of hooks) await apply(hook);
    return { objects: done, failurePolicy: policyOf(hooks) };
  }
  const replicas = await waitForReplicas(client, namespace, asking, report);
  report(`${replicas.ready} of ${replicas.wanted} replicas are ready`);
  if (hooks.length > 0 && !(await findHooks(client, asking)).some(isBelieving) && policyOf(hooks) === 'Fail') {
    for (const hook of hooks) await applied({ ...hook, object: withFailurePolicy(hook.object, 'Ignore') }, options);
    await waitForBelief(options);
  }
  for (const hook of hooks) await apply(hook);
  return { objects: done, replicas, failurePolicy: policyOf(hooks) };
}

function policyOf(hooks: readonly Placed[]): string {
  const [hook] = hooks.flatMap(({ object }) => (Array.isArray(object['webhooks']) ? object['webhooks'] : []));
  return hook === undefined ? 'none' : (stringOf(memberOf(hook, 'failurePolicy')) ?? 'Fail');
}

const isBelieving = ({ caBundle }: Hook): boolean => caBundle !== '';
const POLL_MS = 500;

/** Until the webhook, or cert-manager, has said whom the API server is to believe. */
async function waitForBelief({ client, deadline, signal, report, namespace }: InstallOptions): Promise<void> {
  report('waiting until the API server knows the certificates of the webhook');
  for (;;) {
    const hooks = await findHooks(client, looking(client, { deadline, signal }));
    if (hooks.length > 0 && hooks.every(isBelieving)) return;
    if (client.clock.now() + POLL_MS >= deadline)
      throw new SealwardError('ERR_DEADLINE', 'nobody told the API server whom to believe: the webhook configurations have no caBundle', {
        hint: `They let everything in until then. Look with kubectl -n ${namespace} logs statefulset/${NAME}, mend it, and run the same command again.`,
      });
    await client.clock.sleep(POLL_MS, signal);
  }
}

/** Undefined for what a dry run cannot make, because its namespace is not there. */
async function applied({ of, namespace, name, object }: Placed, { client, dryRun, deadline, signal }: InstallOptions): Promise<Change | undefined> {
  const asking = { deadline, signal };
  const named = { name, ...(namespace === undefined ? {} : { namespace }) };
  const before = await client.get(of, named, asking);
  if (dryRun && !before && namespace !== undefined && !(await client.get(RESOURCES.namespaces, { name: namespace }, asking))) return 'created';
  const after = await client.apply(of, named, object, { ...asking, dryRun, force: true });
  if (!before) return 'created';
  return before.resourceVersion === after.resourceVersion ? 'unchanged' : 'changed';
}

/** Two that change the same objects in turn would undo each other. */
async function refuseOthers(client: KubernetesClient, namespace: string, asking: { readonly deadline: number; readonly signal: AbortSignal }): Promise<void> {
  const there = await client.get(STATEFUL_SETS, { namespace, name: NAME }, asking);
  if (there?.labels.get('app.kubernetes.io/managed-by') === 'Helm') throw ofHelm(namespace, 'upgrade');
}

export function ofHelm(namespace: string, verb: 'upgrade' | 'uninstall'): SealwardError {
  return new SealwardError('ERR_OBJECT_CONFLICT', `Sealward was installed by Helm in ${namespace}`, {
    hint: `Use helm ${verb}, or take that release away first.`,
  });
}
