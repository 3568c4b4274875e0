/**
 * What may be kept between judgements. Every verdict of cryptography is an edge between one piece of evidence and one
 * anchor, and stands under the names of both: a new anchor, or a removed one, invalidates nothing about the others.
 */
import { fingerprintOf, type VerdictCache } from '../crypto/index.ts';
import { canonicalJson, type JsonValue, utf8 } from '../encoding/index.ts';
import type { EvidenceDocument, Subject } from './evidence.ts';

/**
 * Verdicts as plain JSON. Whoever keeps them outside this process must see to it that nobody else can write there: what
 * is found here is believed.
 */
export interface EdgeMemory {
  /** @param evidence names the bytes, the signature in them, and the question; @param anchor the id of the anchor. */
  get(evidence: string, anchor: string): JsonValue | undefined;
  set(evidence: string, anchor: string, verdict: JsonValue): void;
}

export interface ProofMemory {
  /** Which authority issued which certificate: what costs most of a judgement, and repeats most. */
  readonly certificates?: VerdictCache;
  /** With these, what was proven once is not computed again. */
  readonly edges?: EdgeMemory;
}

/** Edges of one signature. */
export class Edges {
  readonly #memory: EdgeMemory | undefined;
  readonly #evidence: string;

  constructor(memory: ProofMemory, document: EvidenceDocument, at: number, subject: Subject) {
    const bound = memory.edges && boundTo(document, at, subject);
    this.#memory = bound === undefined ? undefined : memory.edges;
    this.#evidence = bound ?? '';
  }

  /** The verdict on a question about an anchor, computed unless it is known. */
  recall<Verdict extends JsonValue>(question: string, anchor: string, compute: () => Verdict): Verdict {
    const memory = this.#memory;
    if (!memory) return compute();
    const evidence = `${this.#evidence}/${question}`;
    const known = memory.get(evidence, anchor);
    if (known !== undefined) return known as Verdict;
    const verdict = compute();
    memory.set(evidence, anchor, verdict);
    return verdict;
  }
}

/** Everything that a verdict may depend on, besides the anchor: the bytes, what stood beside them, and the artifact itself. */
function boundTo({ digest, source, entities }: EvidenceDocument, at: number, { digests, bytes }: Subject): string | undefined {
  if (!source) return undefined;
  const beside = Object.keys(source.annotations).length === 0 ? '' : `+${fingerprintOf(utf8(canonicalJson({ ...source.annotations })))}`;
  const evidence = `${source.kind}:${digest}${beside}#${at}`;
  if (entities[at]?.message.kind !== 'artifact') return evidence;
  // Where only the bytes are known there is no name for what was signed.
  return bytes && digests.sha256 === undefined ? undefined : `${evidence}~${canonicalJson({ ...digests })}`;
}
