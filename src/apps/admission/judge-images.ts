/** The images of a review, judged in parallel, each once, within its deadline. What comes back is checked here: nothing half-said lets an image in. */
import { quoted } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { Ask, InForce, JudgedName } from '../../sdk/agent/index.ts';
import type { Deadline } from './deadline.ts';

/** The agent, or whatever stands in its place. It never throws for an image; what it cannot say is an answer, too. */
export interface ImageJudge {
  /** The machine's, when not said. */
  readonly clock?: { now(): number };
  judge(image: string, ask: Ask): Promise<JudgedName>;
  /** What `judge` would answer, where that is known without waiting. */
  recall?(image: string, asked: Asked): JudgedName | undefined;
  /** Undefined while there is no trust material. */
  inForce(): InForce | undefined;
}

/** By when the answer must be there says the review. */
type Asked = Omit<Ask, 'deadline' | 'signal'>;

export const timeOf = ({ clock }: ImageJudge): number => clock?.now() ?? Date.now();

/** The judge is to say by then what its policies do when nobody answers; only when it does not, it is said here, and then it is no. */
const RESERVE_MS = 200;
const DIGEST = /^sha(?:256|384|512):[0-9a-f]{64,128}$/;

/** By the image as it is written: all of them, or undefined when one must be judged. */
export function recallImages(judge: ImageJudge, images: readonly string[], asked: Asked): ReadonlyMap<string, JudgedName> | undefined {
  const recalled = new Map<string, JudgedName>();
  for (const image of images) {
    const judgement = judge.recall?.(image, asked);
    if (!judgement) return undefined;
    recalled.set(image, sound(image, judgement));
  }
  return recalled;
}

/** By the image as it is written. Never rejects: an image that could not be judged has an answer that lets nothing in. */
export async function judgeImages(judge: ImageJudge, images: readonly string[], asked: Asked, deadline: Deadline): Promise<ReadonlyMap<string, JudgedName>> {
  const each = [...new Set(images)].map(async (image) => [image, await judgeOne(judge, image, asked, deadline)] as const);
  return new Map(await Promise.all(each));
}

async function judgeOne(judge: ImageJudge, image: string, asked: Asked, deadline: Deadline): Promise<JudgedName> {
  try {
    const work = judge.judge(image, {
      ...asked,
      deadline: timeOf(judge) + Math.max(deadline.left - RESERVE_MS, deadline.left * 0.8),
      get signal() {
        return deadline.signal;
      },
    });
    return sound(image, await deadline.within(work, () => late(image, deadline.ms)));
  } catch (error) {
    return failed(image, error);
  }
}

/** Whoever judges may have a bug, and this is the last place where it would be seen. */
function sound(image: string, judgement: JudgedName): JudgedName {
  const { digest } = judgement;
  const action: string = judgement.action;
  if (action === 'deny') return judgement;
  if (action !== 'allow' && action !== 'warn') return broken(image, 'the judge gave no answer');
  // Where policies let run what nobody could look at, there is an error that says why.
  if (digest === undefined && judgement.error) return judgement;
  if (digest === undefined || !DIGEST.test(digest)) return broken(image, 'it was let in without a digest');
  // The digest that was judged is the digest that will run (CVE-2022-47633).
  const at = image.indexOf('@');
  if (at >= 0 && image.slice(at + 1) !== digest) return broken(image, 'another digest was judged than the one that is named');
  return judgement;
}

function late(image: string, ms: number): JudgedName {
  const host = hostOf(image);
  const error = new SealwardError('ERR_DEADLINE', `${quoted(image)} could not be verified: ${quoted(host)} did not answer within ${(ms / 1000).toFixed(1)} s`, {
    hint: 'Try again; if it stays, look whether the registry answers, and give the webhook more time with timeoutSeconds.',
  });
  return denied(image, error);
}

/** What stands before the first slash, when it can be a host; else Docker's own registry. */
function hostOf(image: string): string {
  const first = image.split('/', 1)[0] ?? '';
  return image.includes('/') && /[.:]|^localhost$/.test(first) ? first : 'docker.io';
}

function failed(image: string, thrown: unknown): JudgedName {
  if (thrown instanceof SealwardError) return denied(image, thrown);
  return denied(image, new SealwardError('ERR_INVARIANT', `${quoted(image)} could not be verified: Sealward failed`, { cause: thrown }));
}

function broken(image: string, why: string): JudgedName {
  return denied(image, new SealwardError('ERR_INVARIANT', `${quoted(image)} could not be verified: ${why}`));
}

function denied(image: string, error: SealwardError): JudgedName {
  const { code, message, hint } = error;
  return {
    name: image,
    outcome: error.family === 'InputError' || error.family === 'AccessError' ? 'rejected' : 'inconclusive',
    code,
    action: 'deny',
    message,
    hint,
    warnings: [],
    error,
    from: 'nothing',
  };
}
