/** What is said of a namespace, as a PolicyReport (wgpolicyk8s.io/v1alpha2): what dashboards of the field read. */
import type { JsonObject } from '../../core/encoding/index.ts';
import type { PolicyJudgement } from '../../core/verify/index.ts';
import type { JudgedName } from '../../sdk/agent/index.ts';
import type { Held } from './inventory.ts';
import type { ObjectReference } from './running-pod.ts';

export const REPORT_NAME = 'sealward';
/** What is cut is what is well, first. Objects in etcd have 1.5 MiB, and letters may be of several bytes: whoever names what runs must not keep a report from being written. */
const MOST_RESULTS = 500;
const MOST_BYTES = 1_000_000;
const MOST_RESOURCES = 10;
const LONGEST_MESSAGE = 1024;
const RESULTS = ['pass', 'fail', 'warn', 'error', 'skip'] as const;
export type ReportResult = (typeof RESULTS)[number];

/** Images that were judged; the rest is left for the next time. @returns undefined where there is nothing to say. */
export function composeReport(namespace: string, held: readonly Held[]): JsonObject | undefined {
  const results = held.flatMap((one) => (one.judged ? resultsOf(one, one.judged) : []));
  if (results.length === 0) return undefined;
  const summary: Record<ReportResult, number> = { pass: 0, fail: 0, warn: 0, error: 0, skip: 0 };
  for (const { result } of results) summary[result]++;
  const rank = (result: ReportResult): number => ['fail', 'error', 'warn', 'skip', 'pass'].indexOf(result);
  const sorted = [...results].sort((a, b) => rank(a.result) - rank(b.result) || (a.order < b.order ? -1 : 1));
  const shown = withinBytes(sorted.slice(0, MOST_RESULTS));
  const cut = results.length - shown.length;
  return {
    metadata: {
      name: REPORT_NAME,
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'sealward' },
      ...(cut > 0 ? { annotations: { 'sealward.dev/results-left-out': String(cut) } } : {}),
    },
    summary: { ...summary },
    results: shown.map(({ json }) => json),
  };
}

function withinBytes(results: readonly Result[]): Result[] {
  let bytes = 0;
  return results.filter(({ json }) => (bytes += Buffer.byteLength(JSON.stringify(json)) + 1) <= MOST_BYTES);
}

interface Result {
  readonly result: ReportResult;
  readonly order: string;
  readonly json: JsonObject;
}

function resultsOf({ namespace, name, pods, changedAt }: Held, judged: JudgedName): Result[] {
  const resources = ownersOf(namespace, [...pods.values()]);
  const about = (policy: string, result: ReportResult, code: string, message: string, more: Record<string, string>): Result => ({
    result,
    order: `${policy} ${name}`,
    json: {
      source: 'sealward',
      policy,
      rule: code,
      result,
      scored: true,
      category: 'Supply chain',
      severity: result === 'fail' ? 'high' : result === 'error' ? 'medium' : 'info',
      message: printable(message).slice(0, LONGEST_MESSAGE),
      timestamp: { seconds: Math.floor(changedAt / 1000), nanos: 0 },
      properties: { image: printable(name).slice(0, 512), ...more },
      resources,
    },
  });
  const { decision } = judged;
  const [policies, until] = [decision?.policies ?? [], decision?.until ?? Number.POSITIVE_INFINITY];
  const more: Record<string, string> = {
    ...(Number.isFinite(until) ? { until: new Date(until).toISOString() } : {}),
    ...(judged.inForce ? { policies: judged.inForce.policies.digest } : {}),
  };
  // What is denied, past its lease or covered by nothing is said of no policy.
  const whole = policies.every(({ code }) => code !== judged.code);
  return [
    ...(whole ? [about('sealward', resultOf(judged), judged.code, judged.message, more)] : []),
    ...policies.map((policy) =>
      about(policy.policy, resultOf(policy), policy.code, messageOf(policy, judged), { ...more, mode: policy.mode, ...signersOf(policy) }),
    ),
  ];
}

/** "Not allowed" and "could not be found out" are two things; what a mode or an exception lets through is a warning. */
function resultOf({ outcome, action, code }: Pick<JudgedName | PolicyJudgement, 'outcome' | 'action' | 'code'>): ReportResult {
  if (outcome === 'verified') return code === 'EXCEPTED' ? 'warn' : 'pass';
  if (outcome === 'inconclusive') return 'error';
  return action === 'deny' ? 'fail' : 'warn';
}

function messageOf({ policy, code, requirements, message }: PolicyJudgement, judged: JudgedName): string {
  if (code === judged.code) return judged.message;
  const missed = requirements.find(({ outcome }) => outcome !== 'verified');
  return missed
    ? `${policy} asks for ${missed.wanted}: ${missed.detail ?? missed.code}${message === undefined ? '' : `. ${message}`}`
    : `${policy} is satisfied`;
}

function signersOf({ requirements }: PolicyJudgement): Record<string, string> {
  const signers = new Set(requirements.flatMap(({ candidates }) => candidates.filter(({ counts }) => counts).map(({ signer }) => printable(signer))));
  return signers.size === 0 ? {} : { signedBy: [...signers].sort().join(', ').slice(0, 512) };
}

/** Owners, not Pods: a report that names what comes and goes by the minute would be written by the minute. */
function ownersOf(namespace: string, pods: readonly { readonly owner: ObjectReference }[]): JsonObject[] {
  const owners = new Map(pods.map(({ owner }) => [owner.uid, owner]));
  return [...owners.values()]
    .sort((a, b) => (`${a.kind} ${a.name}` < `${b.kind} ${b.name}` ? -1 : 1))
    .slice(0, MOST_RESOURCES)
    .map((owner) => ({ ...owner, namespace }));
}

export function printable(text: string): string {
  return text.toWellFormed().replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
}
