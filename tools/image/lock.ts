/** deploy/image/debian.lock.json: which packages of Debian the image is made of, byte for byte. */
import { readFileSync } from 'node:fs';

/** As Debian writes them: amd64, arm64. OCI images use the same words. */
export const ARCHITECTURES = ['amd64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: Architecture | 'all';
  readonly sha256: string;
}

/** For each architecture. The version of Debian is what its apt sources say. */
export type Lock = Readonly<Record<Architecture, readonly LockedPackage[]>>;

/** What Node is linked to, whose licences stand in gcc-12-base, and which Debian that is. */
export const PACKAGES = ['base-files', 'gcc-12-base', 'libatomic1', 'libc6', 'libgcc-s1', 'libstdc++6'] as const;

export function readLock(path: string): Lock {
  const lock = JSON.parse(readFileSync(path, 'utf8')) as Partial<Lock>;
  for (const architecture of ARCHITECTURES) {
    const packages = lock[architecture] ?? [];
    const names = packages.map(({ name }) => name);
    if (names.join() !== PACKAGES.join()) throw new Error(`${path} lists ${names.join(', ')} for ${architecture}; the image is made of ${PACKAGES.join(', ')}`);
    for (const { name, version, sha256 } of packages) {
      if (!/^[\w.+~:-]+$/.test(version) || !/^[0-9a-f]{64}$/.test(sha256)) throw new Error(`${path}: ${name} has no version or no SHA-256`);
    }
  }
  return lock as Lock;
}
