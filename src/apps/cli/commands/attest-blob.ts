import { basename } from 'node:path';
import { attestBlob } from '../../../sdk/index.ts';
import { readSubject } from '../blob.ts';
import { replaceFile } from '../file.ts';
import type { Run } from '../invocation.ts';
import { predicateOf } from '../predicate.ts';
import { oneKey } from '../signed.ts';
import { endorsementFor } from '../endorsement.ts';
import type { attestBlob as spec } from '../table/attest.ts';
import { visible } from '../visible.ts';

export const run: Run<typeof spec> = async (invocation) => {
  const { flags, config, terminal } = invocation;
  const [path = ''] = invocation.arguments;
  const given = await predicateOf(invocation, config.sourceDate ?? Date.now());
  const { digests } = readSubject(path);
  oneKey(flags.key, 'attest-blob');
  const { signer, endorser } = await endorsementFor(invocation, 'attest-blob');
  // cosign names a file by its last part alone; verifiers compare digests, never names.
  const bundle = await attestBlob({
    signer,
    ...(endorser ? { endorser } : {}),
    name: basename(path),
    digests: digests.sha256 === undefined ? digests : { sha256: digests.sha256 },
    ...given,
  });
  if (flags.bundle === undefined) terminal.print(new TextDecoder().decode(bundle));
  else {
    replaceFile(flags.bundle, bundle);
    terminal.say(`The bundle is in ${visible(flags.bundle)}.`);
  }
  return 0;
};
