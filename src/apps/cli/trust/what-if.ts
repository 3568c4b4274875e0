/** What a change would do to images, for whoever asks with --evidence: only then is loaded what judges them. */
import type { Work } from '../../../clients/trust/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import type { Description } from '../inspect/description.ts';
import type { Asked } from './desk.ts';

/** Which of the images that are held would get another answer, were these all the files that are signed. */
export async function imagesThatChange(invocation: Asked, { published }: Work, files: ReadonlyMap<string, Uint8Array>): Promise<Description> {
  if (invocation.flags.evidence === undefined) return {};
  if (!published) throw new SealwardError('ERR_TRUST_PLAN', 'nothing is published yet, so nothing can change', { hint: 'Leave out --evidence.' });
  const { imagesWhatIf } = await import('./what-if-images.ts');
  return { images: await imagesWhatIf(invocation, published, files) };
}
