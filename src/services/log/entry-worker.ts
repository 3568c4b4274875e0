/** Runs in a thread of its own: reads and verifies requests, so that the thread that serves does nothing else meanwhile. */
import { parentPort, workerData } from 'node:worker_threads';
import { SealwardError } from '../../core/errors.ts';
import { readEntryRequest, type RequestRules } from './entry-request.ts';
import type { ReadAnswer } from './entry-reader.ts';

function answer(bytes: Uint8Array): ReadAnswer {
  try {
    return { entry: readEntryRequest(bytes, workerData as RequestRules) };
  } catch (error) {
    if (error instanceof SealwardError) return { code: error.code, message: error.message, hint: error.hint };
    return { code: 'ERR_INVARIANT', message: `a request could not be read: ${error instanceof Error ? error.message : String(error)}`, hint: '' };
  }
}

parentPort?.on('message', (requests: readonly Uint8Array[]) => parentPort?.postMessage(requests.map(answer), []));
