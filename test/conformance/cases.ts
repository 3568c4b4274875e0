/** The cases of sigstore-conformance as they lie in the vectors, each with the defaults that its README names. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { vectorsPath } from '../vectors.ts';
import type { BundleQuestion } from './judge-bundle.ts';

export const DEFAULT_IDENTITY =
  'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main';
export const DEFAULT_ISSUER = 'https://token.actions.githubusercontent.com';

export interface ConformanceCase {
  readonly name: string;
  readonly accept: boolean;
  readonly artifact: Uint8Array;
  readonly question: Omit<BundleQuestion, 'subject'>;
}

export function conformanceCases(): ConformanceCase[] {
  const suite = vectorsPath('sigstore-conformance');
  const folders = readdirSync(suite, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.map(({ name }) => {
    const file = (part: string): string | undefined => (existsSync(join(suite, name, part)) ? join(suite, name, part) : undefined);
    const text = (part: string): string | undefined => (file(part) ? readFileSync(file(part) as string, 'utf8').trim() : undefined);
    const key = text('key.pub');
    return {
      name,
      accept: !name.endsWith('_fail'),
      artifact: readFileSync(file('artifact') ?? join(suite, 'a.txt')),
      question: {
        bundle: readFileSync(join(suite, name, 'bundle.sigstore.json')),
        trustedRoot: readFileSync(file('trusted_root.json') ?? vectorsPath('trusted_root.public-good.json')),
        ...(key === undefined ? { identity: text('identity') ?? DEFAULT_IDENTITY, issuer: text('issuer') ?? DEFAULT_ISSUER } : { key }),
      },
    };
  });
}
