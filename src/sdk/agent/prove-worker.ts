/** Runs in a thread of its own: proves documents, one message each. A view comes with the first document that is proven under it. */
import { parentPort } from 'node:worker_threads';
import { createVerdictCache } from '../../core/crypto/index.ts';
import { type ErrorCode, SealwardError } from '../../core/errors.ts';
import { loadAppraiser } from '../../core/policy/index.ts';
import type { ProofMemory, Subject } from '../../core/verify/index.ts';
import { type CarriedView, unpack } from './carried-view.ts';
import type { View } from './view.ts';
import { type ProvenDocument, proveDocument, type ReadDocument } from './prove-document.ts';

export interface ProofAsked extends ReadDocument {
  readonly subject: Subject;
  /** Of the document before, when not said. */
  readonly view?: CarriedView;
}

export type ProofGiven = { readonly proven: ProvenDocument } | { readonly code: ErrorCode; readonly message: string; readonly hint: string };

const memory: ProofMemory = { certificates: createVerdictCache(10_000) };
let known: Pick<View, 'anchors' | 'conditions' | 'appraiser'> | undefined;

async function answer({ view, subject, ...document }: ProofAsked): Promise<ProofGiven> {
  try {
    if (view) {
      const { anchors, conditions } = await unpack(view);
      known = { anchors, conditions, appraiser: conditions.length === 0 ? undefined : await loadAppraiser() };
    }
    if (!known) throw new SealwardError('ERR_INVARIANT', 'a document came before the view to prove it by');
    return { proven: proveDocument(document, subject, known, memory) };
  } catch (error) {
    if (error instanceof SealwardError) return { code: error.code, message: error.message, hint: error.hint };
    return { code: 'ERR_INVARIANT', message: `a document could not be proven: ${error instanceof Error ? error.message : String(error)}`, hint: '' };
  }
}

parentPort?.on('message', (asked: ProofAsked) => void answer(asked).then((given) => parentPort?.postMessage(given, [])));
