/** The timestamp authority of this server. */
import { createTimestampAuthority, Serials, timestampRoutes } from '../../../services/timestamp/index.ts';
import type { KeyedCertificates } from '../config.ts';
import { certificateWords, type OpenedPart, type ServerContext } from '../context.ts';
import { readChain } from '../files.ts';
import { checkValidity } from './clock.ts';

const SERIALS = 'timestamp';

export async function openTimestamps({ keys, state, clock, now }: ServerContext, { key, certificates }: KeyedCertificates): Promise<OpenedPart> {
  const signer = await keys.open(key);
  const chain = readChain(certificates, 'the certificates of the timestamp authority');
  checkValidity(chain[0], 'timestamp authority', now());
  const authority = createTimestampAuthority({ signer, chain, clock, serials: new Serials((count) => state.reserve(SERIALS, count)) });
  return {
    routes: timestampRoutes(authority),
    part: {
      name: 'timestamp',
      // The clock says itself what is wrong with it.
      problem: () => undefined,
      describe: () => ({ certificate: chain[0] && certificateWords(chain[0]) }),
    },
  };
}
