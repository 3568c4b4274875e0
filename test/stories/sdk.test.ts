/** The library: what `import ... from 'sealward'` gives, from the sources and as it is published. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { RegistryClient } from '../../src/clients/registry/index.ts';
import { createKeyPairFiles } from '../../src/clients/signers/index.ts';
import { buildImage, MemoryRegistry, pushArtifact } from '../../src/testing/index.ts';
import { repositoryRoot } from '../vectors.ts';

const run = promisify(execFile);
const PAGE = 'docs/how-to/sdk.md';
let folder: string;
let built: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sealward-sdk-'));
  built = join(folder, 'dist');
  mkdirSync(built);
  await run(process.execPath, [join(repositoryRoot, 'tools/build.mjs'), built]);
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** A project of somebody else, with this package installed. */
function project(name: string, installed: string): string {
  const where = join(folder, name);
  mkdirSync(join(where, 'node_modules'), { recursive: true });
  symlinkSync(installed, join(where, 'node_modules', 'sealward'), 'junction');
  writeFileSync(join(where, 'package.json'), '{ "type": "module" }');
  return where;
}

function examples(): readonly string[] {
  return Array.from(readFileSync(join(repositoryRoot, PAGE), 'utf8').matchAll(/^```ts\n([^]*?)^```/gm), (match) => match[1] ?? '');
}

const INSTALLED = { 'the sources': () => repositoryRoot, 'what is published': () => built };

for (const [what, installed] of Object.entries(INSTALLED)) {
  test(`the examples of ${PAGE} do what they say, with ${what}`, async (t) => {
    const registry = await MemoryRegistry.start();
    t.after(() => registry.close());
    await pushArtifact(new RegistryClient(), { registry: registry.host, repository: 'app' }, buildImage({ 'app/hello.txt': 'Hello.\n' }), '1.2');
    const where = project(what.replaceAll(' ', '-'), installed());
    await createKeyPairFiles(join(where, 'release'), 'ecdsa-p256', 'the password of the key');
    writeFileSync(join(where, 'app.tgz'), 'an archive');
    const printed: string[] = [];
    for (const [at, code] of examples().entries()) {
      const file = join(where, `example-${at}.ts`);
      writeFileSync(file, code.replaceAll('registry.example', registry.host));
      const { stdout, stderr } = await run(process.execPath, [file], { cwd: where, env: { HOME: where } });
      assert.equal(stderr, '');
      printed.push(stdout);
    }
    assert.deepEqual(printed, ['verified VERIFIED\nverified\n', 'verified\nverified\n']);
  });

  test(`importing ${what} has no side effect`, async () => {
    const where = project(`import-${what.replaceAll(' ', '-')}`, installed());
    const script = join(where, 'import.mjs');
    // What Node does when its own modules are loaded is not ours. Its permissions hold the rest: no network, no processes,
    // no files but those of the code.
    writeFileSync(
      script,
      `for (const name of ['assert', 'child_process', 'crypto', 'dns/promises', 'fs/promises', 'http', 'https', 'net', 'tls', 'zlib']) await import('node:' + name);
const listeners = () => process.eventNames().map((name) => [String(name), process.listenerCount(name)]);
const seen = () => ([Object.getOwnPropertyNames(globalThis).sort(), listeners(), process.env, process.getActiveResourcesInfo(), process.exitCode ?? null]).map((part) => JSON.stringify(part));
const before = seen();
const asked = [];
const real = process.env;
process.env = new Proxy(process.env, { get: (env, name) => (name === 'WATCH_REPORT_DEPENDENCIES' || asked.push(String(name)), env[name]) });
const sdk = await import('sealward');
const testing = await import('sealward/testing');
const { length } = asked;
process.env = real;
await new Promise(setImmediate);
const after = seen();
console.log(JSON.stringify({ asked: asked.slice(0, length), changed: before.flatMap((part, at) => (part === after[at] ? [] : [part, after[at]])), names: Object.keys(sdk), testing: typeof testing.MemoryRegistry.start }));
`,
    );
    const allowed = [folder, repositoryRoot].map((path) => `--allow-fs-read=${path}`);
    const { stdout, stderr } = await run(process.execPath, ['--permission', ...allowed, script], { cwd: where, env: { HOME: where } });
    assert.equal(stderr, '');
    const { changed, asked, names, testing } = JSON.parse(stdout) as { changed: string[]; asked: string[]; names: string[]; testing: string };
    assert.deepEqual([changed, asked, testing], [[], [], 'function']);

    for (const name of [
      'signImage',
      'attestImage',
      'verifyImage',
      'signBlob',
      'attestBlob',
      'verifyBlob',
      'copyImage',
      'openRegistry',
      'openSigner',
      'parseReference',
    ])
      assert.ok(names.includes(name), name);
  });
}

test('the examples and every option have types that a strict project accepts', async () => {
  const where = project('types', built);
  symlinkSync(join(repositoryRoot, 'node_modules', '@types'), join(where, 'node_modules', '@types'), 'junction');
  const wrong = `import { byIdentity, signImage, type SignImageOptions } from 'sealward';
export const options = {} as SignImageOptions;
// @ts-expect-error: a format that does not exist
void signImage({ ...options, format: 'newest' });
// @ts-expect-error: a name is worth what vouches for it
byIdentity({ identity: 'maria@example.com' });
`;
  for (const [at, code] of [...examples(), wrong].entries()) writeFileSync(join(where, `example-${at}.ts`), code);
  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    target: 'esnext',
    lib: ['esnext'],
    types: ['node'],
    noEmit: true,
    exactOptionalPropertyTypes: true,
  };
  writeFileSync(join(where, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  await run(process.execPath, [join(repositoryRoot, 'node_modules/typescript/bin/tsc'), '-p', where]).catch((error: unknown) =>
    assert.fail((error as { stdout: string }).stdout),
  );
});

test('every option of the library is documented', () => {
  const undocumented: string[] = [];
  for (const name of readdirSync(join(repositoryRoot, 'src/sdk')).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))) {
    const lines = readFileSync(join(repositoryRoot, 'src/sdk', name), 'utf8').split('\n');
    let options = false;
    for (const [at, line] of lines.entries()) {
      if (/^export interface (?:Sign|Attest|Verify|Publish|Copy|Trust|Ask|Identity)\w*Options?\b/.test(line)) options = true;
      else if (line.startsWith('}')) options = false;
      else if (options && /^ {2}readonly /.test(line) && !lines[at - 1]?.trim().endsWith('*/')) undocumented.push(`${name}: ${line.trim()}`);
    }
  }
  assert.deepEqual(undocumented, []);
});

test('publint has nothing to say about the package', async () => {
  const { publint } = await import('publint');
  const { messages } = await publint({ pkgDir: built, strict: true, pack: 'npm' });
  assert.deepEqual(messages, []);
});
