import type { Signer } from '../../../clients/signers/index.ts';
import { formatDigest } from '../../../core/artifact/index.ts';
import { describeKey } from '../../../core/crypto/index.ts';
import { decodeBase64, parseJsonObject } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { type SignedImage, signImage } from '../../../sdk/index.ts';
import { describedEarly } from '../described-early.ts';
import { replaceFile } from '../file.ts';
import type { Invocation, Run } from '../invocation.ts';
import { parseAnnotations } from '../question.ts';
import { parseImages, registryFor, signatureRepository } from '../registry.ts';
import { publishedLines } from '../signed.ts';
import { endorsementFor } from '../endorsement.ts';
import type { sign } from '../table/sign.ts';
import { visible, visibleJson } from '../visible.ts';

export const run: Run<typeof sign> = async (invocation) => {
  const { flags, config, terminal, signal, deadline } = invocation;
  checkFlags(invocation);
  const images = parseImages(invocation.arguments);
  const annotations = parseAnnotations(flags.annotations);
  const home = signatureRepository(config);
  const registry = registryFor(flags, images, invocation);
  const early = describedEarly(registry, images, { deadline, signal });
  const { signer, companions, endorser, identity } = await endorsementFor(invocation, 'sign', early.ask);

  const signed: ({ readonly name: string; readonly digest: string; readonly published: boolean } & Record<string, unknown>)[] = [];
  // One after the other: whoever interrupts knows then which of them are signed.
  for (const [at, { name, reference }] of images.entries()) {
    terminal.progress(`signing ${visible(name)}`);
    const signing = signImage({
      ...(await early.of(at)),
      registry,
      reference,
      signer,
      companions,
      ...(endorser ? { endorser } : {}),
      annotations,
      format: flags['signature-format'],
      recursive: flags.recursive,
      upload: flags.upload,
      deadline,
      signal,
      ...(home ? { signatureRepository: home } : {}),
      ...(config.sourceDate === undefined ? {} : { now: config.sourceDate }),
    });
    // The result on stdout is whole or not there, so what is done already is said here.
    const fail = (error: unknown): never => {
      for (const { name: done, digest, published } of signed)
        if (published) terminal.say(`signed before that: ${visible(done.includes('@') ? done : `${done}@${digest}`)}`);
      throw error;
    };
    const result = await signing.catch(fail);
    const keys = [signer, ...companions].map(keyJson);
    signed.push({
      name,
      ...signedJson(result),
      ...(identity ? { certificate: identity } : { key: keys[0] }),
      ...(companions.length > 0 ? { companions: keys.slice(1) } : {}),
      ...(flags.recursive ? { children: result.children.map(signedJson) } : {}),
    });
    try {
      writeFiles(result, flags);
    } catch (error) {
      fail(error);
    }
    if (invocation.form === 'text') terminal.print(signedText(terminal, name, result));
  }
  if (invocation.form === 'json') terminal.print(visibleJson(signed));
  return 0;
};

function checkFlags({ flags, arguments: images }: Invocation<(typeof sign)['flags']>): void {
  const toFile = (['bundle', 'output-signature', 'output-payload'] as const).filter((flag) => flags[flag] !== undefined);
  if (toFile.length > 0 && images.length > 1)
    throw new SealwardError('ERR_FLAG_CONFLICT', `--${toFile[0]} is for one image, and ${images.length} are given`, { hint: 'Sign one image at a time.' });
  if (toFile.length > 0 && flags['signature-format'] === 'legacy')
    throw new SealwardError('ERR_FLAG_CONFLICT', `--${toFile[0]} writes a bundle, and --signature-format legacy makes none`, {
      hint: 'Give --signature-format both.',
    });
  if (!flags.upload && toFile.length === 0)
    throw new SealwardError('ERR_FLAG_CONFLICT', 'the signature would go nowhere: --upload=false, and no --bundle', { hint: 'Give --bundle FILE.' });
}

function signedJson({ image, signatures }: SignedImage): { readonly digest: string; readonly published: boolean } & Record<string, unknown> {
  const published = signatures.flatMap((signature) => (signature.published ? [signature.published] : []));
  return {
    digest: formatDigest(image.digest),
    published: published.length > 0,
    signatures: published.map(({ digest, via }) => ({ digest: formatDigest(digest), via })),
  };
}

/** Which key signed; its version where whoever keeps it counts them. */
function keyJson(signer: Signer): Record<string, unknown> {
  const key = signer.publicKey();
  return { kind: describeKey(key), sha256: key.fingerprint, ...(signer.keyVersion === undefined ? {} : { version: signer.keyVersion }) };
}

function signedText(terminal: Invocation['terminal'], name: string, result: SignedImage): string {
  const digest = formatDigest(result.image.digest);
  const lines = [`${terminal.style('green', 'signed')}    ${visible(name.includes('@') ? name : `${name}@${digest}`)}`, ...publishedLines(result.signatures)];
  for (const child of result.children) lines.push(`          and in it ${formatDigest(child.image.digest)}`, ...publishedLines(child.signatures));
  return lines.join('\n');
}

function writeFiles({ signatures }: SignedImage, flags: Invocation<(typeof sign)['flags']>['flags']): void {
  const bundle = signatures.find(({ kind }) => kind === 'bundle')?.bytes;
  if (!bundle) return;
  if (flags.bundle !== undefined) replaceFile(flags.bundle, bundle);
  if (flags['output-signature'] === undefined && flags['output-payload'] === undefined) return;
  const { dsseEnvelope } = parseJsonObject(bundle, { what: 'the bundle' }) as { dsseEnvelope: { payload: string; signatures: { sig: string }[] } };
  if (flags['output-signature'] !== undefined) replaceFile(flags['output-signature'], `${dsseEnvelope.signatures[0]?.sig}\n`);
  if (flags['output-payload'] !== undefined) replaceFile(flags['output-payload'], decodeBase64(dsseEnvelope.payload));
}
