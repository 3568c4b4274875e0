/** What an error says of an image: the same for the command line and for agents. */
import type { SealwardError } from '../core/errors.ts';
import type { Outcome } from '../core/verify/index.ts';

/** What an exception about one image means for that image; undefined for what is no answer about it, such as a name that is none. */
export function outcomeOfError({ code, family, http }: SealwardError): Exclude<Outcome, 'verified'> | undefined {
  // These two are answers: it is not there, or it is there and its bytes are not those of its digest.
  if (code === 'ERR_NOT_FOUND' || code === 'ERR_DIGEST_MISMATCH') return 'rejected';
  const aboutTheRegistry = family === 'AccessError' || family === 'UnavailableError' || http === 502 || code === 'ERR_MANIFEST_INVALID';
  return aboutTheRegistry && code !== 'ERR_INTERRUPTED' ? 'inconclusive' : undefined;
}
