/**
 * npm run build: what users run and what is published, in dist/. The command line is bundled, with its commands in
 * chunks of their own that are loaded when they are called; the manifest is a copy of ours without what only
 * development needs.
 */
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const out = join(root, 'dist');

rmSync(out, { recursive: true, force: true });
const result = await build({
  absWorkingDir: root,
  entryPoints: { sealward: 'src/apps/quickstart/main.ts' },
  outdir: join(out, 'bin'),
  outExtension: { '.js': '.mjs' },
  chunkNames: 'lib/[name]-[hash]',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node24.15',
  minifySyntax: true,
  minifyWhitespace: true,
  // Names stay, so that a stack trace in a bug report says something.
  keepNames: false,
  legalComments: 'linked',
  banner: { js: '' },
  metafile: true,
  logLevel: 'warning',
});

const entry = join(out, 'bin', 'sealward.mjs');
writeFileSync(entry, `#!/usr/bin/env node\n${readFileSync(entry, 'utf8')}`);
chmodSync(entry, 0o755);

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { name, version, description, license, keywords, repository, homepage, bugs, engines } = manifest;
writeFileSync(
  join(out, 'package.json'),
  `${JSON.stringify({ name, version, description, keywords, homepage, bugs, repository, license, type: 'module', bin: { sealward: 'bin/sealward.mjs' }, engines: { node: engines.node }, files: ['bin'] }, null, 2)}\n`,
);
for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md']) {
  try {
    cpSync(join(root, file), join(out, file));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}
mkdirSync(join(out, 'bin'), { recursive: true });

const bytes = Object.values(result.metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
console.log(`dist: ${Object.keys(result.metafile.outputs).length} files, ${Math.round(bytes / 1024)} KiB`);
