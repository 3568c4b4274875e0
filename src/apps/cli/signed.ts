/** What the signing commands share: where signatures went, and flags that contradict each other. */
import { formatDigest } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { SignedImage } from '../../sdk/index.ts';

const VIA_WORDS = {
  api: '',
  'fallback-tag': ', listed in the fallback tag',
  'sig-tag': ', under the tag of the first generation',
  'att-tag': ', under the tag of the first generation',
} as const;

export function publishedLines(signatures: SignedImage['signatures']): string[] {
  return signatures.map(({ published }) =>
    published ? `          attached as ${formatDigest(published.digest)}${VIA_WORDS[published.via]}` : '          not published',
  );
}

export function mustGoSomewhere(flags: { readonly upload: boolean; readonly bundle?: string | undefined; readonly 'signature-format': string }): void {
  if (!flags.upload && flags.bundle === undefined) {
    throw new SealwardError('ERR_FLAG_CONFLICT', 'the signature would go nowhere: --upload=false, and no --bundle', { hint: 'Give --bundle FILE.' });
  }
  if (flags.bundle !== undefined && flags['signature-format'] === 'legacy') {
    throw new SealwardError('ERR_FLAG_CONFLICT', '--bundle writes a bundle, and --signature-format legacy makes none', {
      hint: 'Give --signature-format both.',
    });
  }
}

/** Statements are signed by one key; several stand side by side on images alone. */
export function oneKey(keys: readonly string[], command: string): readonly string[] {
  if (keys.length < 2) return keys;
  throw new SealwardError('ERR_FLAG_CONFLICT', `\`sealward ${command}\` signs with one key, and ${keys.length} are given`, {
    hint: 'Run it once for each key.',
  });
}
