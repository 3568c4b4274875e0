/** The library of `npm run build`: what `import ... from 'sealward'` gets, with its types. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { common, root } from './bundle.mjs';

const entries = { index: 'src/sdk/sealward.ts', testing: 'src/testing/index.ts' };

/** What the manifest says of it. */
export const exports = {
  '.': { types: './types/sdk/sealward.d.ts', default: './sdk/index.mjs' },
  './testing': { types: './types/testing/index.d.ts', default: './sdk/testing.mjs' },
  './package.json': './package.json',
};

/** @param {string} out the package's folder @returns {Promise<string[]>} the files that it was made of */
export async function buildSdk(out) {
  for (const folder of ['sdk', 'types']) rmSync(join(out, folder), { recursive: true, force: true });
  const { metafile } = await build({
    ...common,
    // The process of PKCS#11 modules is started as a file of its own, which the chunks look for beside them.
    entryPoints: { ...entries, 'lib/pkcs11-worker': 'src/clients/signers/pkcs11-worker.ts' },
    outdir: join(out, 'sdk'),
    outExtension: { '.js': '.mjs' },
    chunkNames: 'lib/[name]-[hash]',
    splitting: true,
    format: 'esm',
    target: 'node24.15',
    metafile: true,
  });
  const types = join(out, 'types');
  const options = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--rewriteRelativeImportExtensions', '--allowImportingTsExtensions', 'true'];
  const settings = { extends: join(root, 'tsconfig.json'), files: Object.values(entries).map((path) => `${root}/${path}`), include: [] };
  const project = join(out, 'tsconfig.sdk.json');
  writeFileSync(
    project,
    JSON.stringify({ ...settings, compilerOptions: { rootDir: join(root, 'src'), outDir: types, typeRoots: [join(root, 'node_modules/@types')] } }),
  );
  try {
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project, ...options], { stdio: ['ignore', 'inherit', 'inherit'] });
  } finally {
    rmSync(project);
  }
  for (const name of readdirSync(types, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.d.ts'))) {
    const path = join(types, name);
    // Declarations are found under the name that the code would have.
    writeFileSync(path, readFileSync(path, 'utf8').replace(/((?:from|import) ?\(?['"]\.{1,2}\/[^'"]+)\.ts(?=['"])/g, '$1.js'));
  }
  return Object.keys(metafile.inputs);
}
