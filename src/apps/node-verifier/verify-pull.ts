/**
 * The answer to containerd: judged as everywhere, before the image is pulled. No namespace is known on a node, so what holds
 * for the whole cluster holds, and of what is meant for namespaces one at least must be satisfied.
 */
import { formatDigest, formatReference } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { type JudgedName, openAgent, type OpenAgentOptions, type OpenedAgent } from '../../sdk/agent/index.ts';
import type { NodeVerifierConfig } from './config.ts';
import type { Pull } from './pull.ts';
import { keepRecord } from './record.ts';

export interface PullVerdict {
  readonly allowed: boolean;
  /** For the log of containerd, and for whoever waits for the pull. */
  readonly reason: string;
  readonly judged: JudgedName;
}

export interface VerifyPullOptions extends OpenAgentOptions {
  /** On the clock, in milliseconds: the answer comes by then. The timeout of the configuration from now when missing. */
  readonly deadline?: number;
}

/** @throws what opening the store or reading the settings' files throws, and ERR_DECISION_UNKEPT. */
export async function verifyPull(pull: Pull, config: NodeVerifierConfig, { deadline, ...options }: VerifyPullOptions): Promise<PullVerdict> {
  const opened = openAgent(config, { ...options, ...(config.records ? { recordsKeptMs: Number.POSITIVE_INFINITY } : {}) });
  const { agent, store } = opened;
  try {
    const until = deadline ?? agent.clock.now() + config.timeoutMs;
    await trustInTime(opened, config, until);
    const name = formatReference(pull.reference);
    const digest = formatDigest(pull.reference.digest);
    const judged = await agent.judge(name, {
      place: {
        ...(config.cluster === undefined ? {} : { cluster: config.cluster }),
        ...(config.environment === undefined ? {} : { environment: config.environment }),
      },
      deadline: until,
      // The agent of this node notes what it lets in, in a record under the seal of this installation.
      admittedBefore: store.record('admitted', digest) !== undefined,
    });
    if (config.records) keepRecord(config.records, judged);
    return { allowed: judged.action !== 'deny', reason: reasonOf(judged), judged };
  } finally {
    await opened.close();
  }
}

/** What was remembered is enough when newer trust is slow to come: its lease says for how long. Without any, the whole time may be spent on it. */
async function trustInTime({ agent }: OpenedAgent, { trustTimeoutMs }: NodeVerifierConfig, deadline: number): Promise<void> {
  const started = agent.start();
  const done = new AbortController();
  const until = (at: number): Promise<void> => agent.clock.sleep(at - agent.clock.now(), done.signal);
  await Promise.race([started, until(Math.min(agent.clock.now() + trustTimeoutMs, deadline))]);
  if (!agent.inForce()) await Promise.race([started, until(deadline)]);
  done.abort();
  if (agent.inForce()) return;
  const { failure } = agent.status().trust;
  throw failure ?? new SealwardError('ERR_TRUST_MISSING', 'no trust was taken in time, and none is remembered on this node');
}

function reasonOf({ action, outcome, code, message, hint, warnings }: JudgedName): string {
  if (action === 'deny') return `${message}${hint === '' ? '' : ` [${hint}]`} (${code})`;
  return outcome === 'verified' && warnings.length === 0 ? message : `${message} (${code})`;
}
