import { KEY_FILE_MAX_BYTES, keySigner, openKeyFile } from '../../../clients/signers/index.ts';
import { formatDigest } from '../../../core/artifact/index.ts';
import { describeKey } from '../../../core/crypto/index.ts';
import { decodeBase64, decodeUtf8, parseJsonObject } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { type SignedImage, signImage } from '../../../sdk/index.ts';
import { readBytes, replaceFile } from '../file.ts';
import type { Invocation, Run } from '../invocation.ts';
import { passwordFor } from '../password.ts';
import { parseAnnotations } from '../question.ts';
import { parseImages, registryFor, signatureRepository } from '../registry.ts';
import type { sign } from '../table/sign.ts';
import { visible, visibleJson } from '../visible.ts';

export const run: Run<typeof sign> = async (invocation) => {
  const { flags, config, terminal, signal, deadline } = invocation;
  checkFlags(invocation);
  const images = parseImages(invocation.arguments);
  const annotations = parseAnnotations(flags.annotations);
  const home = signatureRepository(config);
  const registry = registryFor(flags, images, invocation);
  const path = flags.key as string;
  const what = `the key file ${visible(path)}`;
  const text = decodeUtf8(readBytes(path, KEY_FILE_MAX_BYTES, 'the key file'), what);
  const signer = keySigner(await openKeyFile(text, await passwordFor(invocation, flags['password-file'], path), what));

  const signed: Record<string, unknown>[] = [];
  // One after the other: whoever interrupts knows then which of them are signed.
  for (const { name, reference } of images) {
    terminal.progress(`signing ${visible(name)}`);
    const result = await signImage({
      registry,
      reference,
      signer,
      annotations,
      format: flags['signature-format'],
      recursive: flags.recursive,
      upload: flags.upload,
      deadline,
      signal,
      ...(home ? { signatureRepository: home } : {}),
      ...(config.sourceDate === undefined ? {} : { now: config.sourceDate }),
    });
    writeFiles(result, flags);
    const key = { kind: describeKey(signer.publicKey()), sha256: signer.publicKey().fingerprint };
    signed.push({ name, ...signedJson(result), key, ...(flags.recursive ? { children: result.children.map(signedJson) } : {}) });
    if (invocation.form === 'text') terminal.print(signedText(terminal, name, result));
  }
  if (invocation.form === 'json') terminal.print(visibleJson(signed));
  return 0;
};

function checkFlags({ flags, arguments: images }: Invocation<(typeof sign)['flags']>): void {
  if (flags.key === undefined)
    throw new SealwardError('ERR_FLAG_CONFLICT', '`sealward sign` needs --key', {
      hint: 'Make a key with `sealward generate-key-pair`, then give --key cosign.key.',
    });
  if (/^(?:[a-z0-9-]+:\/\/|pkcs11:)/i.test(flags.key))
    throw new SealwardError('ERR_KEY_INVALID', `--key must be an encrypted key file, and is ${visible(flags.key.slice(0, 80))}`);
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

function signedJson({ image, signatures }: SignedImage): Record<string, unknown> {
  const published = signatures.flatMap((signature) => (signature.published ? [signature.published] : []));
  return {
    digest: formatDigest(image.digest),
    published: published.length > 0,
    signatures: published.map(({ digest, via }) => ({ digest: formatDigest(digest), via })),
  };
}

function signedText(terminal: Invocation['terminal'], name: string, result: SignedImage): string {
  const digest = formatDigest(result.image.digest);
  const lines = [`${terminal.style('green', 'signed')}    ${visible(name.includes('@') ? name : `${name}@${digest}`)}`, ...attachedLines(result)];
  for (const child of result.children) lines.push(`          and in it ${formatDigest(child.image.digest)}`, ...attachedLines(child));
  return lines.join('\n');
}

const VIA_WORDS = { api: '', 'fallback-tag': ', listed in the fallback tag', 'sig-tag': ', under the tag of the first generation', 'att-tag': '' } as const;

function attachedLines({ signatures }: SignedImage): string[] {
  return signatures.map(({ published }) =>
    published ? `          attached as ${formatDigest(published.digest)}${VIA_WORDS[published.via]}` : '          not published',
  );
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
