/** The webhook as a running thing: both servers, what they answer with, and an end that loses no review. */
import type { Logger } from 'pino';
import type { DecisionLog } from '../../clients/journal/index.ts';
import { type Address, serveOperations } from '../../clients/operations/index.ts';
import type { CallerProof } from './caller.ts';
import type { DecidingRules } from './decide-review.ts';
import { type ImageJudge, timeOf } from './judge-images.ts';
import { type AdmissionMetrics, createAdmissionMetrics } from './metrics.ts';
import type { CustomKinds } from './question.ts';
import { createReviewReader } from './review-reader.ts';
import type { SelfProbe } from './self-probe.ts';
import { type ServerCertificate, serveReviews } from './serve.ts';
import { Webhook } from './webhook.ts';

export interface AdmissionLimits {
  /** Bytes of all reviews that arrive at one time. */
  readonly bufferedBytes: number;
  readonly connections: number;
  /** Threads that read large reviews. */
  readonly threads: number;
}

export interface OpenAdmissionOptions {
  readonly judge: ImageJudge;
  readonly listen: Address;
  readonly operations: Address;
  readonly certificate: ServerCertificate;
  readonly caller: CallerProof;
  readonly custom: CustomKinds;
  readonly exemptNamespaces: ReadonlySet<string>;
  readonly cluster?: string;
  readonly environment?: string;
  readonly marginMs: number;
  /** How long reviews are still answered after the process was told to end, because API servers keep coming. */
  readonly drainMs: number;
  readonly limits: AdmissionLimits;
  readonly log?: { readonly decisions: Pick<DecisionLog, 'record' | 'repeat' | 'lost' | 'journal'>; readonly mode: 'strict' | 'async' };
  readonly logger: Logger;
  /** Its own, when not given. */
  readonly metrics?: AdmissionMetrics;
  readonly registryFor?: NonNullable<DecidingRules['registryFor']>;
  /** Whether a digest runs in a namespace now, where that is known. */
  readonly runs?: (namespace: string, digest: string) => boolean;
  /** Whether the webhook can be called as it is configured, where somebody looks. */
  readonly probe?: Pick<SelfProbe, 'uid' | 'unready' | 'problems'>;
  /** Labels of a namespace, as far as they are known. */
  readonly labelsOf?: (namespace: string) => Readonly<Record<string, string>> | undefined;
}

export interface OpenAdmission {
  readonly port: number;
  readonly operationsPort: number;
  renew(certificate: ServerCertificate): void;
  /** Says that it is not ready, goes on answering for a while, and ends. */
  close(): Promise<void>;
}

export async function openAdmission(options: OpenAdmissionOptions): Promise<OpenAdmission> {
  const { judge, logger, log, caller, limits, probe } = options;
  const { metrics = createAdmissionMetrics() } = options;
  const reader = createReviewReader({ custom: options.custom, isServed: caller.kind !== 'network' }, limits.threads);
  const webhook = new Webhook({ ...options, reader, metrics, ...(probe ? { probeUid: probe.uid } : {}) });
  let ending = false;
  const server = await serveReviews({
    ...options.listen,
    certificate: options.certificate,
    caller,
    marginMs: options.marginMs,
    bufferedBytes: limits.bufferedBytes,
    connections: limits.connections,
    answer: (path, body, deadline) => webhook.answer(path, body, deadline),
    refused: (error) => {
      metrics.refused(error.code);
      logger.debug({ code: error.code }, error.message);
    },
  });
  // A log that must be written and cannot be is mended by a new start, if at all.
  const ill = (): string | undefined => (log?.mode === 'strict' && log.decisions.journal.failure ? 'the decision log cannot be written' : undefined);
  const unready = (): string | undefined => {
    if (ending) return 'the process is ending';
    return probe?.unready() ?? (judge.inForce() ? undefined : 'there is no trust material yet');
  };
  const state = (): string => JSON.stringify({ wrong: ill() ?? unready() ?? null, problems: probe?.problems ?? [] });
  const pages = { '/state': () => ({ type: 'application/json', body: state() }) };
  const operations = await serveOperations({ ...options.operations, metrics, ill, unready, pages }).catch(async (error: unknown) => {
    await server.close();
    throw error;
  });
  metrics.gauge('sealward_admission_reviews_in_flight', 'Reviews that have no answer yet', () => server.inFlight);
  metrics.gauge('sealward_admission_ready', '1 while reviews can be answered', () => ((ill() ?? unready()) === undefined ? 1 : 0));
  metrics.gauge('sealward_admission_calls_failing', 'Entries of webhook configurations that could get no answer of use', () => probe?.problems.length ?? 0);
  metrics.gauge('sealward_admission_callers_unproven', '1 while nothing but the network says who calls', () => (caller.kind === 'network' ? 1 : 0));
  metrics.gauge('sealward_trust_age_seconds', 'Since the trust state was issued', () => trustSeconds(judge, (lease, now) => now - lease.issuedAt));
  metrics.gauge('sealward_trust_left_seconds', 'Until the lease of the trust state ends', () => trustSeconds(judge, (lease, now) => lease.endsAt - now));
  if (log) metrics.gauge('sealward_admission_decisions_lost', 'Decisions of this run that no leaf of the log holds', () => log.decisions.lost);
  const unproven = caller.kind === 'network' ? warnAgain(logger) : undefined;
  return {
    port: server.port,
    operationsPort: operations.port,
    renew: (certificate) => server.renew(certificate),
    async close() {
      ending = true;
      clearInterval(unproven);
      server.drain();
      logger.info({ drainMs: options.drainMs }, 'ending: reviews are still answered');
      await new Promise((resolve) => setTimeout(resolve, options.drainMs));
      await server.close();
      await reader.close();
      await operations.close();
    },
  };
}

function trustSeconds(judge: ImageJudge, read: (lease: { readonly issuedAt: number; readonly endsAt: number }, now: number) => number): number {
  const inForce = judge.inForce();
  return inForce ? read(inForce.trust.lease, timeOf(judge)) / 1000 : Number.NaN;
}

const WARN_MS = 3_600_000;

function warnAgain(logger: Logger): NodeJS.Timeout {
  const warn = (): void =>
    logger.warn('nothing but the network says who calls: keep all but the API server away with a NetworkPolicy, or prove callers with mtls or path-secret');
  warn();
  return setInterval(warn, WARN_MS).unref();
}
