/** Which images would get another answer by what waits to be signed, before it is in force. Loaded only when that is asked. */
import { compileTrusted, loadPolicyCompiler } from '../../../core/policy/index.ts';
import { supposeFiles, supposeRenewed, type TrustChain, type TrustState } from '../../../core/trust/index.ts';
import { imagesThatDiffer } from '../policy/diff.ts';
import { asVerify } from '../policy/over-images.ts';
import type { Question } from '../policy/question.ts';
import type { Asked } from './desk.ts';

/** What of all that is held under --evidence would get another answer, were these all the files that are signed. */
export async function imagesWhatIf(invocation: Asked, inForce: TrustChain, files: ReadonlyMap<string, Uint8Array>): Promise<string[]> {
  const compiler = await loadPolicyCompiler();
  const questions: Question[] = [];
  for (const trust of [inForce.state, supposeFiles(inForce, files)]) {
    const compiled = compileTrusted(trust, compiler);
    if (!compiled.ok) return [`nobody knows: ${compiled.problems[0]?.message ?? ''}`];
    questions.push(questionUnder(trust, compiled.policies));
  }
  const [now, then] = questions as [Question, Question];
  const { evidence } = invocation.flags;
  return imagesThatDiffer(
    asVerify({ ...invocation, given: new Set<string>(), flags: { trust: undefined, evidence, offline: true, 'max-workers': 10 } }),
    now,
    then,
  );
}

/** In no place in particular, and as if somebody had renewed the lease: whether anybody does is not what is asked about. */
function questionUnder(trust: TrustState, policies: Question['policies']): Question {
  const now = Date.now();
  return { trust: trust.lease.endsAt > now ? trust : supposeRenewed(trust, now), policies, place: {}, now };
}
