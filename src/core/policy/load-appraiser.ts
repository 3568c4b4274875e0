import { loadPredicates } from '../bundle/index.ts';
import type { Appraiser } from './appraise/appraise.ts';

/** The appraiser of conditions, loaded when a policy has some: verifying without conditions needs no CEL. */
export async function loadAppraiser(): Promise<Appraiser> {
  const [{ createAppraiser }, predicates] = await Promise.all([import('./appraise/appraise.ts'), loadPredicates()]);
  return createAppraiser(predicates);
}
