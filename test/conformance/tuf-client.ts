/**
 * tuf-conformance's protocol (CLIENT-CLI.md there), over the same functions that follow a trust repository:
 *   --metadata-dir DIR init ROOT
 *   --metadata-dir DIR --metadata-url URL refresh
 *   --metadata-dir DIR --metadata-url URL --target-name PATH... --target-base-url URL --target-dir DIR download
 * Exits 0 when all of it succeeded, else 1.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HttpClient } from '../../src/clients/http/index.ts';
import { fetchTarget, findTarget, followRole, followTop, type MetadataKeeper, type TrustSource, urlSource } from '../../src/clients/trust/index.ts';
import { hash } from '../../src/core/crypto/index.ts';
import { encodeHex, utf8 } from '../../src/core/encoding/index.ts';
import { matchFile, restoreTrust, type TrustedMetadata } from '../../src/core/trust/index.ts';

const USAGE =
  'usage: tuf-client --metadata-dir DIR [--metadata-url URL] [--target-name PATH... --target-base-url URL --target-dir DIR] init ROOT | refresh | download';
const MAX_TARGET_BYTES = 64 * 1024 * 1024;

/** A name as the name of a file: encoded, and by its digest where that would be too long for a file system. */
function fileName(name: string): string {
  const encoded = encodeURIComponent(name).replace(/^\./, '%2E');
  return encoded.length <= 200 ? encoded : encodeHex(hash('sha256', utf8(name)));
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(path));
  } catch {
    return undefined;
  }
}

function write(path: string, bytes: Uint8Array): void {
  writeFileSync(`${path}.new`, bytes);
  renameSync(`${path}.new`, path);
}

function folderKeeper(folder: string): MetadataKeeper {
  const place = (role: string): string => join(folder, `${fileName(role)}.json`);
  return { kept: async (role) => readIfThere(place(role)), keep: async (role, bytes) => write(place(role), bytes) };
}

/** Metadata lies under the one URL, targets under the other. */
function twoSources(http: HttpClient, metadata: string, targets: string | undefined): TrustSource {
  const [of, other] = [urlSource(http, new URL(metadata)), urlSource(http, new URL(targets ?? metadata))];
  return {
    name: metadata,
    read: (name, maxBytes) => (name.startsWith('targets/') ? other.read(name.slice('targets/'.length), maxBytes) : of.read(name, maxBytes)),
  };
}

async function refresh(folder: string, source: TrustSource, now: number): Promise<TrustedMetadata> {
  const keeper = folderKeeper(folder);
  const read = (role: string): Uint8Array | undefined => readIfThere(join(folder, `${role}.json`));
  const start = restoreTrust(read('root') ?? new Uint8Array(), { timestamp: read('timestamp'), snapshot: read('snapshot') });
  return followRole(await followTop(start, source, now, keeper), 'targets', 'root', source, now, keeper);
}

async function download(folder: string, source: TrustSource, paths: readonly string[], into: string): Promise<void> {
  const now = Date.now();
  const keeper = folderKeeper(folder);
  let trusted = await refresh(folder, source, now);
  for (const path of paths) {
    const found = await findTarget(trusted, path, source, now, keeper);
    trusted = found.trusted;
    if (!found.file) throw new Error(`no role speaks of ${path}`);
    const place = join(into, fileName(path));
    const held = readIfThere(place);
    try {
      if (!held) throw new Error('not there');
      matchFile(found.file, held, path);
    } catch {
      write(place, await fetchTarget(trusted, path, found.file, source, MAX_TARGET_BYTES));
    }
  }
}

async function main(argv: readonly string[]): Promise<void> {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { 'metadata-dir': text, 'metadata-url': text, 'target-name': { type: 'string', multiple: true }, 'target-base-url': text, 'target-dir': text },
  });
  const [command, root] = positionals;
  const { 'metadata-dir': folder, 'metadata-url': url, 'target-name': paths, 'target-base-url': targets, 'target-dir': into } = values;
  if (!folder) throw new Error(USAGE);
  if (command === 'init' && root !== undefined) {
    mkdirSync(folder, { recursive: true });
    write(join(folder, 'root.json'), new Uint8Array(readFileSync(root)));
    return;
  }
  if (!url) throw new Error(USAGE);
  const http = new HttpClient();
  try {
    const source = twoSources(http, url, targets);
    if (command === 'refresh') await refresh(folder, source, Date.now());
    else if (command === 'download' && paths && targets && into) await download(folder, source, paths, into);
    else throw new Error(USAGE);
  } finally {
    http.close();
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
