/** Which images would get another answer by a change of policies or exceptions, before it is made. Loaded only when that is asked. */
import { decodeUtf8 } from '../../../core/encoding/index.ts';
import { compileTrusted, loadPolicyCompiler, type PolicySet } from '../../../core/policy/index.ts';
import type { SignedText, TrustRole, TrustState } from '../../../core/trust/index.ts';
import { imagesThatDiffer } from '../policy/diff.ts';
import { asVerify } from '../policy/over-images.ts';
import type { Asked } from './desk.ts';
import type { PolicyChange } from './what-if.ts';

/** What of all that is held under --evidence would get another answer, were these the files of a role. */
export async function imagesWhatIf(invocation: Asked, trust: TrustState, role: TrustRole, after: PolicyChange['after']): Promise<string[]> {
  const texts = [...after].map(([path, bytes]): SignedText => ({ path, digest: '', text: decodeUtf8(bytes, path) }));
  const compiler = await loadPolicyCompiler();
  const compiled = [trust, { ...trust, [role === 'policy' ? 'policies' : 'exceptions']: texts }].map((state) => compileTrusted(state, compiler));
  const sets = compiled.flatMap((one): PolicySet[] => (one.ok ? [one.policies] : []));
  const [now, then] = sets;
  if (!now || !then) return [`nobody knows: ${compiled.flatMap((one) => (one.ok ? [] : one.problems))[0]?.message ?? ''}`];
  const { evidence } = invocation.flags;
  const asked = asVerify({ ...invocation, given: new Set<string>(), flags: { trust: undefined, evidence, offline: true, 'max-workers': 10 } });
  const question = { trust, place: {}, now: Date.now() };
  return imagesThatDiffer(asked, { ...question, policies: now }, { ...question, policies: then });
}
