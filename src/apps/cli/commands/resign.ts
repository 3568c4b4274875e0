import { formatDigest } from '../../../core/artifact/index.ts';
import { resignImage } from '../../../sdk/index.ts';
import type { Run } from '../invocation.ts';
import { parseImages, registryFor, signatureRepository } from '../registry.ts';
import { oneKey, publishedLines } from '../signed.ts';
import { signersFor } from '../signer.ts';
import type { resign } from '../table/attest.ts';
import { visible, visibleJson } from '../visible.ts';

export const run: Run<typeof resign> = async (invocation) => {
  const { flags, config, terminal, signal, deadline } = invocation;
  const images = parseImages(invocation.arguments);
  const home = signatureRepository(config);
  const registry = registryFor(flags, images, invocation);
  const [signer] = await signersFor(invocation, oneKey(flags.key, 'resign'), flags['password-file'], 'resign');
  const done: Record<string, unknown>[] = [];
  for (const { name, reference } of images) {
    terminal.progress(`looking at ${visible(name)}`);
    const { digest, found, written } = await resignImage({
      registry,
      reference,
      signer,
      format: flags['signature-format'],
      deadline,
      signal,
      ...(home ? { signatureRepository: home } : {}),
      ...(config.sourceDate === undefined ? {} : { now: config.sourceDate }),
    });
    done.push({
      name,
      digest,
      found,
      written: written.flatMap(({ published }) => (published ? [{ digest: formatDigest(published.digest), via: published.via }] : [])),
    });
    if (invocation.form === 'text') {
      const head = written.length === 0 ? 'is there in every form already' : `had ${found} by this key, ${written.length} written in the missing form`;
      terminal.print(
        [`${terminal.style('green', 're-signed')} ${visible(name.includes('@') ? name : `${name}@${digest}`)} ${head}`, ...publishedLines(written)].join('\n'),
      );
    }
  }
  if (invocation.form === 'json') terminal.print(visibleJson(done));
  return 0;
};
