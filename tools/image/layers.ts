/** The layers of the image, those that change least first: Debian's libraries, Node, Sealward. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type TarEntry, writeLayer } from './tar.ts';

/** Nobody: the number that images without a shell commonly give it. Kubernetes' runAsNonRoot wants a number. */
export const USER = 65532;

export interface Layer {
  readonly title: string;
  readonly tar: Uint8Array;
  readonly gzipped: Uint8Array;
}

/** The same entries give the same bytes; the pinned Node brings the zlib. */
export function layer(title: string, entries: readonly TarEntry[], seconds: number): Layer {
  const tar = writeLayer(entries, seconds);
  return { title, tar, gzipped: gzipSync(tar, { level: 6 }) };
}

const text = (path: string, content: string): TarEntry => ({ kind: 'file', path, bytes: Buffer.from(content) });

/** Beside the packages: who there is, and how names are looked up. */
export const system: readonly TarEntry[] = [
  text('etc/passwd', `root:x:0:0:root:/:/nonexistent\nsealward:x:${USER}:${USER}:sealward:/var/lib/sealward:/nonexistent\n`),
  text('etc/group', `root:x:0:\nsealward:x:${USER}:\n`),
  text('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
  { kind: 'folder', path: 'tmp', mode: 0o1777 },
];

/** @param dist what tools/build.mjs wrote */
export function program(dist: string): readonly TarEntry[] {
  const home = 'usr/lib/sealward';
  const bytesOf = (name: string): Uint8Array => {
    const bytes = readFileSync(join(dist, name));
    // There is no env in the image, so the kernel is told where Node is.
    return name === 'bin/sealward.cjs' ? Buffer.from(bytes.toString('utf8').replace(/^#!.*\n/, '#!/usr/bin/node\n')) : bytes;
  };
  // The verifier of nodes is started by the container runtime, outside of any container.
  const programs = readdirSync(join(dist, 'bin')).filter((name) => !name.startsWith('sealward-node-verifier'));
  const names = [...programs.map((name) => `bin/${name}`), 'LICENSE', 'THIRD-PARTY.txt'];
  return [
    ...names.map((name): TarEntry => ({ kind: 'file', path: `${home}/${name}`, bytes: bytesOf(name), executable: name === 'bin/sealward.cjs' })),
    { kind: 'link', path: 'usr/bin/sealward', target: '../lib/sealward/bin/sealward.cjs' },
    { kind: 'folder', path: 'etc/sealward' },
    { kind: 'folder', path: 'var/lib/sealward', owner: USER, mode: 0o700 },
  ];
}
