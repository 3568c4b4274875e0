/** What was fetched last by way of TUF: cosign and the other clients of Sigstore keep it where everybody finds it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config.ts';

export interface FetchedTrust {
  readonly trustedRoot: string;
  readonly signingConfig?: string;
}

const PUBLIC_GOOD = 'tuf-repo-cdn.sigstore.dev';

/** Of the mirror that was initialised last; of the public good instance when none was. */
export function fetchedTrust({ tufRoot }: Config): FetchedTrust | undefined {
  const folders = [...mirrorFolder(tufRoot), join(tufRoot, PUBLIC_GOOD), tufRoot];
  for (const folder of folders) {
    const at = (name: string): string => join(folder, 'targets', name);
    if (!existsSync(at('trusted_root.json'))) continue;
    return { trustedRoot: at('trusted_root.json'), ...(existsSync(at('signing_config.v0.2.json')) ? { signingConfig: at('signing_config.v0.2.json') } : {}) };
  }
  return undefined;
}

/** `cosign initialize --mirror` leaves the mirror in remote.json, and its files in a folder of that name (sigstore-go, pkg/tuf). */
function mirrorFolder(tufRoot: string): string[] {
  try {
    const { mirror } = JSON.parse(readFileSync(join(tufRoot, 'remote.json'), 'utf8')) as { mirror?: unknown };
    if (typeof mirror !== 'string') return [];
    return [
      join(
        tufRoot,
        mirror
          .replace(/^https?:\/\//, '')
          .replace(/[/:]/g, '-')
          .toLowerCase(),
      ),
    ];
  } catch {
    return [];
  }
}
