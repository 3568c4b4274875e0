/** What runs in a cluster, since when, how old its trust is, how long its certificates live, and what is weaker than it was installed. */
import { type KubernetesClient, RESOURCES } from '../../../clients/kubernetes/index.ts';
import { parseCertificatesPem } from '../../../core/crypto/index.ts';
import { decodeBase64, decodeUtf8, LIMITS, parseJsonObject, stringOf, utf8 } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { exemptOf, findHooks, type Hook, weaknesses } from './hooks.ts';
import { findReplicas, type Replica, stateOf } from './replicas.ts';

export interface ReplicaStatus extends Replica {
  /** Of the trust state that it judges by; undefined where it could not be asked. */
  readonly trustAgeSeconds?: number;
  /** Until the lease of that trust state ends. */
  readonly trustLeftSeconds?: number;
  /** Images judged since it was started, by outcome: allowed, warned, denied, unverifiable. */
  readonly decisions?: Readonly<Record<string, number>>;
  /** What is wrong with how the API server calls it, as it has tried itself. */
  readonly problems?: readonly string[];
}

export interface AdmissionStatus {
  readonly namespace: string;
  readonly wanted: number;
  readonly ready: number;
  readonly replicas: readonly ReplicaStatus[];
  readonly hooks: readonly { readonly name: string; readonly failurePolicy: string }[];
  readonly exemptNamespaces: readonly string[];
  /** When the authority ends that the API server believes: RFC 3339; of several the last. */
  readonly authorityEnds?: string;
  /** What is not as it should be, a sentence each. */
  readonly problems: readonly string[];
}

export interface StatusOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly deadline: number;
  readonly signal: AbortSignal;
}

const OPERATIONS_PORT = 9444;
const DAY_MS = 86_400_000;

/** Throws ERR_OBJECT_NOT_FOUND when nothing is installed there, and what the client throws. */
export async function admissionStatus({ client, namespace, deadline, signal }: StatusOptions): Promise<AdmissionStatus> {
  const asking = { deadline, signal };
  const [found, hooks] = [await findReplicas(client, namespace, asking), await findHooks(client, asking)];
  if (!found && hooks.length === 0)
    throw new SealwardError('ERR_OBJECT_NOT_FOUND', `Sealward is not installed in ${namespace}`, {
      hint: 'Name its namespace with --namespace, or install it.',
    });
  const replicas = await Promise.all((found?.pods ?? []).map((pod) => asked(client, namespace, pod, asking)));
  const now = client.clock.now();
  const ends = endOf(hooks);
  const problems = [
    ...(found ? [] : ['the API server asks, and nothing is there to answer']),
    ...(found && found.ready < found.wanted ? [stateOf({ ...found, pods: replicas })] : []),
    ...(ends !== undefined && ends - now < DAY_MS ? ['the authority that the API server believes ends within a day'] : []),
    ...replicas.flatMap(({ name, trustLeftSeconds: left }) =>
      left !== undefined && left <= 0 ? [`${name} judges by a trust state whose lease has ended`] : [],
    ),
    // Every replica sees the same configurations.
    ...new Set(replicas.flatMap(({ problems: seen }) => seen ?? [])),
    ...weaknesses(hooks),
  ];
  return {
    namespace,
    wanted: found?.wanted ?? 0,
    ready: found?.ready ?? 0,
    replicas,
    hooks: hooks.map(({ name, failurePolicy }) => ({ name, failurePolicy })),
    exemptNamespaces: exemptOf(hooks),
    ...(ends === undefined ? {} : { authorityEnds: new Date(ends).toISOString() }),
    problems,
  };
}

interface Asking {
  readonly deadline: number;
  readonly signal: AbortSignal;
}

/** Through the API server, as kubectl would: nobody needs a way to the pod itself. */
async function asked(client: KubernetesClient, namespace: string, pod: Replica, asking: Asking): Promise<ReplicaStatus> {
  if (pod.startedAt === '') return pod;
  // Who may not use the proxy learns the rest all the same.
  const page = async (name: string): Promise<string | undefined> => {
    try {
      return await client.text(RESOURCES.pods, { namespace, name: `${pod.name}:${OPERATIONS_PORT}` }, `proxy/${name}`, asking);
    } catch (error) {
      if (error instanceof SealwardError && error.code !== 'ERR_INTERRUPTED') return undefined;
      throw error;
    }
  };
  const [state, numbers] = [await page('state'), pod.ready ? await page('metrics') : undefined];
  return { ...pod, ...(state === undefined ? {} : stateIn(state, pod.ready)), ...(numbers === undefined ? {} : numbersIn(numbers)) };
}

function stateIn(text: string, ready: boolean): Pick<ReplicaStatus, 'trouble' | 'problems'> {
  const { wrong, problems } = parseJsonObject(utf8(text), { what: 'the state of a replica', maxBytes: LIMITS.documentBytes });
  const trouble = ready ? undefined : stringOf(wrong);
  return {
    ...(trouble === undefined ? {} : { trouble }),
    problems: (Array.isArray(problems) ? problems : []).flatMap((problem) => stringOf(problem) ?? []),
  };
}

function numbersIn(text: string): Pick<ReplicaStatus, 'decisions' | 'trustAgeSeconds' | 'trustLeftSeconds'> {
  const [age, left] = [sample(text, 'sealward_trust_age_seconds'), sample(text, 'sealward_trust_left_seconds')];
  return {
    decisions: decisionsIn(text),
    ...(age === undefined ? {} : { trustAgeSeconds: age }),
    ...(left === undefined ? {} : { trustLeftSeconds: left }),
  };
}

/** prometheus.io, text format 0.0.4 */
function sample(text: string, name: string): number | undefined {
  const value = Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1] ?? Number.NaN);
  return Number.isFinite(value) ? value : undefined;
}

function decisionsIn(text: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [, outcome = '', value] of text.matchAll(/^sealward_admission_decisions_total\{[^}]*\boutcome="(\w+)"[^}]*\} (\d+)/gm))
    counts[outcome] = (counts[outcome] ?? 0) + Number(value);
  return counts;
}

function endOf(hooks: readonly Hook[]): number | undefined {
  const bundles = [...new Set(hooks.map(({ caBundle }) => caBundle).filter((bundle) => bundle !== ''))];
  const ends = bundles.flatMap((bundle) => {
    try {
      return parseCertificatesPem(decodeUtf8(decodeBase64(bundle), 'caBundle')).map(({ notAfter }) => notAfter);
    } catch (error) {
      if (error instanceof SealwardError) return [];
      throw error;
    }
  });
  return ends.length === 0 ? undefined : Math.max(...ends);
}

export function statusWords(status: AdmissionStatus, now: number): readonly string[] {
  const { namespace, replicas, hooks, exemptNamespaces, authorityEnds, problems } = status;
  const fails = hooks.length > 0 && hooks.every(({ failurePolicy }) => failurePolicy === 'Fail');
  return [
    `Sealward in ${namespace}: ${stateOf({ ...status, pods: replicas })}`,
    ...replicas.map((one) => `  ${replicaWords(one, now)}`),
    hooks.length === 0
      ? 'The API server does not ask it.'
      : `The API server asks it: ${hooks.map(({ name }) => name).join(', ')}; while nobody answers it lets ${fails ? 'nothing' : 'everything'} in.`,
    ...(exemptNamespaces.length === 0 ? [] : [`It does not ask about ${exemptNamespaces.join(', ')}.`]),
    ...(authorityEnds === undefined ? [] : [`The authority of its certificates ends in ${span(Date.parse(authorityEnds) - now)}.`]),
    ...(problems.length === 0 ? ['Nothing is wrong.'] : ['What is wrong:', ...problems.map((problem) => `  ${problem}`)]),
  ];
}

function replicaWords({ name, ready, startedAt, image, trustAgeSeconds: age, trustLeftSeconds: left, decisions }: ReplicaStatus, now: number): string {
  const counted = Object.entries(decisions ?? {}).map(([outcome, count]) => `${count} ${outcome}`);
  return [
    `${name}: ${ready ? 'ready' : 'not ready'}`,
    ...(startedAt === '' ? [] : [`running for ${span(now - Date.parse(startedAt))}`]),
    ...(age === undefined
      ? []
      : [`trust ${span(age * 1000)} old${left === undefined ? '' : left > 0 ? ` and good for ${span(left * 1000)}` : ' and out of lease'}`]),
    ...(counted.length === 0 ? [] : [counted.join(', ')]),
    image,
  ].join(', ');
}

function span(ms: number): string {
  const [seconds, minutes, hours, days] = [ms / 1000, ms / 60_000, ms / 3_600_000, ms / DAY_MS].map(Math.floor) as [number, number, number, number];
  const [count, unit] = days >= 2 ? [days, 'day'] : hours >= 2 ? [hours, 'hour'] : minutes >= 2 ? [minutes, 'minute'] : [Math.max(seconds, 0), 'second'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
