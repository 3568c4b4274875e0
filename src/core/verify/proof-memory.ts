/** What may be kept between judgements. */
import type { VerdictCache } from '../crypto/index.ts';

export interface ProofMemory {
  /** Which authority issued which certificate: what costs most of a judgement, and repeats most. */
  readonly certificates?: VerdictCache;
}
