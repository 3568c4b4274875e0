/** From the bytes of a review to the bytes of its answer. Whatever fails on the way, the answer lets nothing in. */
import type { Logger } from 'pino';
import type { DecisionLog } from '../../clients/journal/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { encodeAnswer, printable } from './answer.ts';
import type { Deadline } from './deadline.ts';
import { type DecidingRules, decideReview, denied, type Keep, type ReviewPath, sentence } from './decide-review.ts';
import { keepDecisions, unkept } from './keep-decision.ts';
import type { AdmissionMetrics } from './metrics.ts';
import { kindOf, type Question } from './question.ts';
import type { ReviewReader } from './review-reader.ts';
import type { Reviewed } from './verdict.ts';

export interface WebhookOptions extends DecidingRules {
  readonly reader: ReviewReader;
  /** Keeps decisions; without it nothing does. */
  readonly log?: { readonly decisions: Pick<DecisionLog, 'record' | 'repeat'>; readonly mode: 'strict' | 'async' };
  readonly metrics: AdmissionMetrics;
  readonly logger: Logger;
  /** By which the webhook asks itself: that is answered, and counts for nothing. */
  readonly probeUid?: string;
}

export class Webhook {
  readonly #options: WebhookOptions;

  constructor(options: WebhookOptions) {
    this.#options = options;
  }

  /** JSON. Throws for bytes that are no review, which have no uid to be answered by. */
  async answer(path: ReviewPath, bytes: Uint8Array, deadline: Deadline): Promise<string> {
    const { reader, metrics, probeUid } = this.#options;
    const began = performance.now();
    const question = await reader.read(bytes, deadline);
    if (question.uid === probeUid) return encodeAnswer(probeUid, (await decideReview(this.#options, path, question, deadline, () => [])).verdict);
    const read = performance.now();
    metrics.stage('read', (read - began) / 1000);
    let reviewed: Reviewed;
    let text: string;
    try {
      reviewed = await decideReview(this.#options, path, question, deadline, this.#keep(question, deadline));
      text = encodeAnswer(question.uid, reviewed.verdict);
    } catch (error) {
      reviewed = this.#failed(error);
      text = encodeAnswer(question.uid, reviewed.verdict);
    }
    const ended = performance.now();
    metrics.stage('judge', (ended - read) / 1000);
    metrics.review(path, reviewed.outcome, (ended - began) / 1000);
    this.#tell(path, question, reviewed);
    return text;
  }

  /** A dry run leaves nothing behind. */
  #keep(question: Question, deadline: Deadline): Keep {
    const { log, metrics } = this.#options;
    return (answers, inForce) => {
      for (const answer of answers) metrics.decision(answer);
      if (!log || question.dryRun) return [];
      const began = performance.now();
      const ended = (): void => metrics.stage('record', (performance.now() - began) / 1000);
      const leaves = keepDecisions(log.decisions, question, answers, inForce);
      if (leaves instanceof Promise) return this.#onDisk(leaves, log.mode, deadline).finally(ended);
      ended();
      return leaves;
    };
  }

  async #onDisk(leaves: Promise<readonly string[]>, mode: 'strict' | 'async', deadline: Deadline): Promise<readonly string[]> {
    const { logger, metrics } = this.#options;
    try {
      return await deadline.within(leaves, () => {
        throw new SealwardError('ERR_DEADLINE', 'the disk did not answer in time');
      });
    } catch (error) {
      if (mode === 'strict') throw unkept(error);
      logger.error({ err: error }, 'a decision was not recorded');
      metrics.refused('ERR_DECISION_UNKEPT');
      return [];
    }
  }

  #failed(error: unknown): Reviewed {
    const known =
      error instanceof SealwardError ? error : new SealwardError('ERR_INVARIANT', 'the review could not be answered: Sealward failed', { cause: error });
    const ours = known.family === 'InternalError';
    this.#options.logger.error({ code: known.code, err: known.cause ?? known }, known.message);
    return denied(ours ? 'failed' : 'unverifiable', ours ? 500 : 503, sentence(known.message, known.hint));
  }

  /** Denials always; names come from strangers. */
  #tell(path: ReviewPath, question: Question, { outcome, verdict, images }: Reviewed): void {
    const { logger } = this.#options;
    const level = verdict.allowed ? 'debug' : 'info';
    if (!logger.isLevelEnabled(level)) return;
    logger[level](
      {
        path,
        outcome,
        uid: printable(question.uid, 128),
        kind: printable(kindOf(question), 128),
        namespace: printable(question.namespace, 64),
        name: printable(question.name, 253),
        dryRun: question.dryRun,
        ...(verdict.annotations['decision'] === undefined ? {} : { decision: verdict.annotations['decision'] }),
        images: images
          .slice(0, 16)
          .map(({ image, judgement, denial }) => ({ image: printable(image, 512), digest: judgement.digest, code: denial?.code ?? judgement.code })),
      },
      verdict.allowed ? 'allowed' : printable(verdict.message, 1024),
    );
  }
}
