import { formatDigest } from '../../../core/artifact/index.ts';
import { attestImage } from '../../../sdk/index.ts';
import { describedEarly } from '../described-early.ts';
import { replaceFile } from '../file.ts';
import type { Run } from '../invocation.ts';
import { predicateOf } from '../predicate.ts';
import { parseImages, registryFor, signatureRepository } from '../registry.ts';
import { endorsementFor } from '../endorsement.ts';
import type { attest } from '../table/attest.ts';
import { mustGoSomewhere, oneKey, publishedLines } from '../signed.ts';
import { visible, visibleJson } from '../visible.ts';

export const run: Run<typeof attest> = async (invocation) => {
  const { flags, config, terminal, signal, deadline } = invocation;
  mustGoSomewhere(flags);
  const now = config.sourceDate ?? Date.now();
  const images = parseImages(invocation.arguments);
  const given = await predicateOf(invocation, now);
  const home = signatureRepository(config);
  const registry = registryFor(flags, images, invocation);
  oneKey(flags.key, 'attest');
  const early = describedEarly(registry, images, { deadline, signal });
  const { signer, endorser } = await endorsementFor(invocation, 'attest', early.ask);
  for (const [at, { name, reference }] of images.entries()) {
    terminal.progress(`attesting ${visible(name)}`);
    const { image, signatures } = await attestImage({
      ...(await early.of(at)),
      registry,
      reference,
      signer,
      ...(endorser ? { endorser } : {}),
      ...given,
      format: flags['signature-format'],
      upload: flags.upload,
      now,
      deadline,
      signal,
      ...(home ? { signatureRepository: home } : {}),
    });
    const bundle = signatures.find(({ kind }) => kind === 'bundle');
    if (flags.bundle !== undefined && bundle) replaceFile(flags.bundle, bundle.bytes);
    const digest = formatDigest(image.digest);
    const published = signatures.flatMap((signature) => (signature.published ? [signature.published] : []));
    if (invocation.form === 'json') {
      terminal.print(
        visibleJson({
          name,
          digest,
          predicateType: given.predicateType,
          signatures: published.map((one) => ({ digest: formatDigest(one.digest), via: one.via })),
        }),
      );
    } else {
      terminal.print(
        `${terminal.style('green', 'attested')}  ${visible(name.includes('@') ? name : `${name}@${digest}`)}\n          ${visible(given.predicateType)}\n${publishedLines(signatures).join('\n')}`,
      );
    }
  }
  return 0;
};
