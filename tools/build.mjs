/**
 * npm run build: what users run and what is published, in dist/. The program is bundled, with its commands in chunks of
 * their own that are loaded when they are called; the manifest is a copy of ours without what only development needs.
 */
import { chmodSync, copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { banner, common, root, takeBuiltins } from './bundle.mjs';

/** Another folder may be named, for tests. */
const out = process.argv[2] === undefined ? join(root, 'dist') : resolve(process.argv[2]);
const bin = join(out, 'bin');

rmSync(bin, { recursive: true, force: true });
const { metafile } = await build({
  ...common,
  // The process of PKCS#11 modules is started as a file of its own, which the chunks look for beside them.
  entryPoints: { sealward: 'src/apps/quickstart/main.ts', 'lib/pkcs11-worker': 'src/clients/signers/pkcs11-worker.ts' },
  outdir: bin,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'lib/[name]-[hash]',
  splitting: true,
  format: 'esm',
  target: 'node24.15',
  plugins: [takeBuiltins],
  banner: { js: banner },
  metafile: true,
});

const entry = join(bin, 'sealward.mjs');
// An older Node reads the bundle far enough to be told.
const floor = "const[major,minor]=process.versions.node.split('.').map(Number);if(major<24||(major===24&&minor<15)){console.error('sealward needs Node 24.15 or later and found '+process.versions.node+'.');process.exit(2)}";
writeFileSync(entry, `#!/usr/bin/env node\n${floor}\n${readFileSync(entry, 'utf8')}`);
chmodSync(entry, 0o755);

const { name, version, description, keywords, license, repository, homepage, bugs, engines, peerDependencies, peerDependenciesMeta } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const manifest = {
  name,
  version,
  description,
  keywords,
  homepage,
  bugs,
  repository,
  license,
  type: 'module',
  bin: { sealward: 'bin/sealward.mjs' },
  engines: { node: engines.node },
  peerDependencies,
  peerDependenciesMeta,
  files: ['bin', 'THIRD-PARTY.txt'],
};
writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md']) if (existsSync(join(root, file))) copyFileSync(join(root, file), join(out, file));

/** The licences of what was bundled travel with it. */
const packages = new Set(Object.keys(metafile.inputs).flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []));
const notices = [...packages].sort().map((dependency) => {
  const folder = join(root, 'node_modules', dependency);
  const { version: its } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt'].find((candidate) => existsSync(join(folder, candidate)));
  if (file === undefined) throw new Error(`${dependency} carries no licence file`);
  return `${dependency} ${its}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
});
writeFileSync(join(out, 'THIRD-PARTY.txt'), notices.join(`\n${'-'.repeat(80)}\n\n`));

const outputs = Object.values(metafile.outputs);
console.log(`${bin}: ${outputs.length} files, ${Math.round(outputs.reduce((sum, { bytes }) => sum + bytes, 0) / 1024)} KiB`);
