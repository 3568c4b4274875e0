/**
 * npm run build: what users run and what is published, in dist/. The program is bundled into one script, and once more
 * without all but the commands that sign, or verify, because a script of a quarter of the size starts 10 ms earlier; a small
 * one starts the right one with compiled code. The manifest is a copy of ours without what only development needs.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { buildSdk, exports } from './build-sdk.mjs';
import { signingCommands } from '../src/apps/cli/table/signing.ts';
import { verifyingCommands } from '../src/apps/cli/table/verifying.ts';
import { banner, carryChart, common, root, takeBuiltins } from './bundle.mjs';

/** Another folder may be named, for tests. */
const named = process.argv.at(2);
const out = named === undefined ? join(root, 'dist') : resolve(named);
const bin = join(out, 'bin');
const settings = { ...common, target: 'node24.15', plugins: [carryChart, takeBuiltins(['node:crypto'])], write: false, metafile: true };

/** @param {import('esbuild').BuildOptions} options */
async function bundle(options) {
  const { outputFiles, metafile } = await build({ ...settings, ...options, write: false, metafile: true });
  // ASCII throughout: esbuild escapes what it can, and a regular expression understands the same escapes.
  const text = (outputFiles[0]?.text ?? '').replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return { text, inputs: Object.keys(metafile.inputs) };
}

/** @param {string} entry */
async function bundleProgram(entry) {
  const { text, inputs } = await bundle({
    entryPoints: [entry],
    format: 'cjs',
    define: { 'import.meta.url': '__url' },
    // runKeepingCode takes a function.
    banner: { js: `(function (require, __filename, __dirname) {${banner}const __url = process.getBuiltinModule('node:url').pathToFileURL(__filename).href;` },
    footer: { js: '})' },
  });
  return { text, inputs, name: `program-${createHash('sha256').update(text).digest('hex').slice(0, 16)}.cjs` };
}

const [program, signing, verifying] = await Promise.all(
  ['quickstart/bundled', 'cli/bundled-signing', 'cli/bundled-verifying'].map((entry) => bundleProgram(`src/apps/${entry}.ts`)),
);
const programNames = {
  '': program.name,
  ...Object.fromEntries(signingCommands.map(({ spec }) => [spec.name, signing.name])),
  ...Object.fromEntries(verifyingCommands.map(({ spec }) => [spec.name, verifying.name])),
};

// An older Node reads this far, and is told.
const floor = `const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 15)) {
  console.error('sealward needs Node 24.15 or later and found ' + process.versions.node + '.');
  process.exit(2);
}`;
const launcher = await bundle({
  entryPoints: ['src/apps/quickstart/launch.ts'],
  format: 'cjs',
  define: { 'import.meta.url': '__filename', 'import.meta.dirname': '__dirname', PROGRAMS: JSON.stringify(programNames) },
  banner: { js: `#!/usr/bin/env node\n${floor}\n${banner}` },
});
// The process of PKCS#11 modules is started as a file of its own, which the program looks for beside itself.
const worker = await bundle({ entryPoints: ['src/clients/signers/pkcs11-worker.ts'], format: 'esm', banner: { js: banner } });
// What containerd starts is small and by itself: nothing of the command line is in it.
const nodeVerifier = await bundle({
  entryPoints: ['src/apps/node-verifier/main.ts'],
  format: 'cjs',
  define: { 'import.meta.url': 'undefined' },
  banner: { js: `#!/usr/bin/env node\n${floor}\n${banner}` },
});
// So is the thread that reads large reviews.
const reader = await bundle({ entryPoints: ['src/apps/admission/review-worker.ts'], format: 'esm', banner: { js: banner } });
// And the one that proves large documents.
const prover = await bundle({ entryPoints: ['src/sdk/agent/prove-worker.ts'], format: 'esm', banner: { js: banner } });

rmSync(bin, { recursive: true, force: true });
mkdirSync(bin, { recursive: true });
for (const { name, text } of [program, signing, verifying]) writeFileSync(join(bin, name), text);
writeFileSync(join(bin, 'sealward.cjs'), launcher.text, { mode: 0o755 });
writeFileSync(join(bin, 'pkcs11-worker.mjs'), worker.text);
writeFileSync(join(bin, 'review-worker.mjs'), reader.text);
writeFileSync(join(bin, 'prove-worker.mjs'), prover.text);
writeFileSync(join(bin, 'sealward-node-verifier.cjs'), nodeVerifier.text, { mode: 0o755 });

const { name, version, description, keywords, license, repository, homepage, bugs, engines, peerDependencies, peerDependenciesMeta } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
);
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
  bin: { sealward: 'bin/sealward.cjs', 'sealward-node-verifier': 'bin/sealward-node-verifier.cjs' },
  exports,
  engines: { node: engines.node },
  peerDependencies,
  peerDependenciesMeta,
  files: ['bin', 'sdk', 'types', 'THIRD-PARTY.txt'],
};
writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md']) if (existsSync(join(root, file))) copyFileSync(join(root, file), join(out, file));

const library = await buildSdk(out);

/** The text of the licence that a package states and does not carry. */
function statedLicence(dependency, stated, author) {
  const ids =
    String(stated)
      .match(/[\w.-]+/g)
      ?.filter((id) => !['AND', 'OR', 'WITH'].includes(id)) ?? [];
  const texts = ids.map((id) => {
    const path = id === 'Apache-2.0' ? join(root, 'LICENSE') : join(root, 'tools', 'licences', `${id}.txt`);
    if (!existsSync(path)) throw new Error(`${dependency} carries no licence file, and the text of ${id} is not in tools/licences`);
    return `${id}\n\n${readFileSync(path, 'utf8').trim()}`;
  });
  if (texts.length === 0) throw new Error(`${dependency} states no licence`);
  const holder = typeof author === 'string' ? author : author?.name;
  return [`Its package states the licence ${stated}.`, ...(holder ? [`Copyright (c) ${holder}`] : []), ...texts].join('\n\n');
}

/** The licences of what was bundled travel with it. */
const packages = new Set(
  [...program.inputs, ...launcher.inputs, ...worker.inputs, ...reader.inputs, ...prover.inputs, ...nodeVerifier.inputs, ...library].flatMap(
    // Where node_modules is a link, the path leads out of here.
    (path) => /^(?:.*?\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [],
  ),
);
if (packages.size === 0) throw new Error('nothing of node_modules was found in what was bundled, so that no licence would travel with it');
const bundled = [];
const notices = [...packages].sort().map((dependency) => {
  const folder = join(root, 'node_modules', dependency);
  const { version: its, license: stated, author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((candidate) => /^licen[cs]e(?:\.(?:md|txt))?$/i.test(candidate));
  const text = file === undefined ? statedLicence(dependency, stated, author) : readFileSync(join(folder, file), 'utf8');
  bundled.push({ name: dependency, version: its, license: stated });
  return `${dependency} ${its}\n\n${text.trim()}\n`;
});
// For the SBOM of the image; it is not published.
writeFileSync(join(out, 'bundled.json'), `${JSON.stringify(bundled, null, 2)}\n`);
writeFileSync(join(out, 'THIRD-PARTY.txt'), notices.join(`\n${'-'.repeat(80)}\n\n`));

const sizes = [program, signing, verifying, launcher, worker, reader, prover].map(({ text }) => text.length);
console.log(`${bin}: ${Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1024)} KiB`);
