import { formatDigest, parseReference } from '../../../core/artifact/index.ts';
import { copyImage } from '../../../sdk/index.ts';
import type { Run } from '../invocation.ts';
import { registryFor } from '../registry.ts';
import type { copy } from '../table/attest.ts';
import { visible, visibleJson } from '../visible.ts';

export const run: Run<typeof copy> = async (invocation) => {
  const { flags, terminal, signal, deadline } = invocation;
  const [from = '', to = ''] = invocation.arguments;
  const [source, destination] = [parseReference(from), parseReference(to)];
  const registry = registryFor(flags, [{ reference: source }, { reference: destination }], invocation);
  terminal.progress(`copying ${visible(from)}`);
  const { digest, manifests, blobs, attached } = await copyImage({
    source: { registry, reference: source },
    destination: { registry, reference: destination },
    imageOnly: flags['image-only'],
    workers: flags['max-workers'],
    deadline,
    signal,
  });
  const result = { from, to, digest: formatDigest(digest), manifests, blobs, attached };
  if (invocation.form === 'json') terminal.print(visibleJson(result));
  else
    terminal.print(
      `${terminal.style('green', 'copied')}    ${visible(from)} to ${visible(to)}\n          ${result.digest}: ${manifests} manifests, ${blobs} blobs, ${attached} signatures and other things attached`,
    );
  return 0;
};
