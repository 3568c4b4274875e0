/** Runs in a thread of its own: reads reviews, one message each. */
import { parentPort, workerData } from 'node:worker_threads';
import { SealwardError } from '../../core/errors.ts';
import { readQuestion, type ReadingRules } from './question.ts';
import type { ReadReview } from './review-reader.ts';

function read(bytes: Uint8Array): ReadReview {
  try {
    return { question: readQuestion(bytes, workerData as ReadingRules) };
  } catch (error) {
    if (error instanceof SealwardError) return { code: error.code, message: error.message, hint: error.hint };
    return { code: 'ERR_INVARIANT', message: `a review could not be read: ${error instanceof Error ? error.message : String(error)}`, hint: '' };
  }
}

parentPort?.on('message', (bytes: Uint8Array) => parentPort?.postMessage(read(bytes), []));
