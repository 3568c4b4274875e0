/** The files of an image layout folder. Every write is a new file that takes the place of the old one at once. */
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Descriptor, descriptorToJson, type Digest, digestFrom, parseDescriptor, quoted } from '../../core/artifact/index.ts';
import { type JsonObject, type JsonValue, LIMITS, parseJsonObject, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { writeInBackground } from '../files/index.ts';
import type { Clock } from '../http/index.ts';
import type { CallOptions } from './registry.ts';

/** image-spec annotations.md: the tag of an entry of index.json. */
export const REF_NAME = 'org.opencontainers.image.ref.name';

export interface LayoutEntry {
  readonly refName?: string;
  readonly descriptor: Descriptor;
  /** As it stands in the file, for entries that were read from it: what is not understood there is kept. */
  readonly raw?: JsonObject;
}

const LOCK = { staleMs: 30_000, pollMs: 20, longestMs: 30_000 } as const;

export class LayoutFolder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async entries(): Promise<readonly LayoutEntry[]> {
    return entriesOf(await this.#index(), this.#path);
  }

  async #index(): Promise<JsonObject> {
    const marker = await this.#read('oci-layout');
    const bytes = await this.#read('index.json');
    if (!marker && !bytes) {
      throw new SealwardError('ERR_FILE_UNREADABLE', `${quoted(this.#path, 400)} is not an OCI image layout`, {
        hint: 'A layout folder holds the files oci-layout and index.json.',
      });
    }
    if (!marker || parseJsonObject(marker, { what: 'the file oci-layout' }).imageLayoutVersion !== '1.0.0') {
      throw new SealwardError('ERR_MANIFEST_INVALID', `${quoted(this.#path, 400)} is not an OCI image layout of version 1.0.0`);
    }
    return bytes ? parseJsonObject(bytes, { what: `the file index.json of ${quoted(this.#path, 400)}`, maxBytes: LIMITS.manifestBytes }) : emptyIndex();
  }

  async #read(name: string): Promise<Uint8Array | undefined> {
    return readBounded(join(this.#path, name), LIMITS.manifestBytes);
  }

  #blobPath({ algorithm, hex }: Digest): string {
    // The grammar of a Digest is what keeps this inside the folder.
    return join(this.#path, 'blobs', algorithm, hex);
  }

  readBlob(digest: Digest, maxBytes: number): Promise<Uint8Array | undefined> {
    return readBounded(this.#blobPath(digest), maxBytes);
  }

  async openBlob(digest: Digest, maxBytes: number): Promise<AsyncIterable<Uint8Array> | undefined> {
    const path = this.#blobPath(digest);
    const size = await sizeOf(path);
    if (size !== undefined && size > maxBytes) throw tooLarge(path, maxBytes);
    // A file that grows meanwhile is cut here, and then refused by its digest.
    return size === undefined ? undefined : (createReadStream(path, { end: maxBytes }) as AsyncIterable<Uint8Array>);
  }

  blobSize(digest: Digest): Promise<number | undefined> {
    return sizeOf(this.#blobPath(digest));
  }

  /** Every blob by SHA-256 that is not larger; more files than may be listed are refused. */
  async smallBlobs(maxBytes: number): Promise<Digest[]> {
    const folder = join(this.#path, 'blobs', 'sha256');
    const names = await readdir(folder).catch((cause: unknown) => unreadable(folder, cause));
    if (names.length > LIMITS.descriptorsListed)
      throw new SealwardError('ERR_TOO_LARGE', `${quoted(folder, 400)} has more than ${LIMITS.descriptorsListed} files`);
    const found: Digest[] = [];
    for (const name of names.toSorted()) {
      const digest = digestFrom(`sha256:${name}`);
      const size = digest && (await this.blobSize(digest));
      if (digest && size !== undefined && size <= maxBytes) found.push(digest);
    }
    return found;
  }

  async writeBlob(digest: Digest, source: AsyncIterable<Uint8Array>): Promise<void> {
    await mkdir(join(this.#path, 'blobs', digest.algorithm), { recursive: true }).catch((cause: unknown) => unreadable(this.#path, cause));
    await replaceFile(this.#blobPath(digest), source);
  }

  /** Changes index.json while no other writer of ours does; makes the folder where there is none. */
  async change(clock: Clock, call: CallOptions, change: (entries: readonly LayoutEntry[]) => readonly LayoutEntry[]): Promise<void> {
    await mkdir(this.#path, { recursive: true }).catch((cause: unknown) => unreadable(this.#path, cause));
    const release = await this.#lock(clock, call);
    try {
      if ((await this.#read('oci-layout')) === undefined) await replaceFile(join(this.#path, 'oci-layout'), utf8('{"imageLayoutVersion":"1.0.0"}'));
      const index = await this.#index();
      const changed = change(entriesOf(index, this.#path)).map(({ raw, descriptor }) => raw ?? descriptorToJson(descriptor));
      if (changed.length > LIMITS.descriptorsListed)
        throw new SealwardError('ERR_TOO_LARGE', `${quoted(this.#path, 400)} lists more than ${LIMITS.descriptorsListed} manifests`);
      await replaceFile(join(this.#path, 'index.json'), utf8(JSON.stringify({ ...index, manifests: changed })));
    } finally {
      await release();
    }
  }

  async #lock(clock: Clock, call: CallOptions): Promise<() => Promise<void>> {
    const path = join(this.#path, '.sealward-lock');
    const deadline = Math.min(call.deadline ?? Number.POSITIVE_INFINITY, clock.now() + LOCK.longestMs);
    for (;;) {
      try {
        await (await open(path, 'wx')).close();
        return () => rm(path, { force: true });
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') return unreadable(path, cause);
      }
      // A writer that died leaves its lock behind.
      const age = await stat(path).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0,
      );
      if (age > LOCK.staleMs) await rm(path, { force: true });
      else if (call.signal?.aborted || clock.now() >= deadline)
        throw new SealwardError('ERR_DEADLINE', `${quoted(this.#path, 400)} is being written by somebody else`);
      else await clock.sleep(LOCK.pollMs, call.signal);
    }
  }
}

function emptyIndex(): JsonObject {
  return { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] };
}

function entriesOf(index: JsonObject, path: string): LayoutEntry[] {
  const what = `index.json of ${quoted(path, 400)}`;
  const { manifests } = index;
  if (!Array.isArray(manifests)) throw new SealwardError('ERR_MANIFEST_INVALID', `${what} lists no manifests`);
  if (manifests.length > LIMITS.descriptorsListed) throw new SealwardError('ERR_TOO_LARGE', `${what} lists more than ${LIMITS.descriptorsListed} manifests`);
  return manifests.map((raw: JsonValue, at) => {
    const descriptor = parseDescriptor(raw, `${what}, entry ${at}`);
    const refName = descriptor.annotations?.[REF_NAME];
    return { descriptor, raw: raw as JsonObject, ...(refName === undefined ? {} : { refName }) };
  });
}

function unreadable(path: string, cause: unknown): never {
  throw new SealwardError('ERR_FILE_UNREADABLE', `${quoted(path, 400)} cannot be read or written (${(cause as NodeJS.ErrnoException).code ?? 'unknown'})`, {
    cause,
  });
}

function tooLarge(path: string, maxBytes: number): SealwardError {
  return new SealwardError('ERR_TOO_LARGE', `${quoted(path, 400)} is larger than ${maxBytes} bytes`);
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : undefined;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    return unreadable(path, cause);
  }
}

async function readBounded(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  const size = await sizeOf(path);
  if (size === undefined) return undefined;
  if (size > maxBytes) throw tooLarge(path, maxBytes);
  const bytes = await readFile(path).catch((cause: unknown) => unreadable(path, cause));
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A reader sees the old file or the new one, and Ctrl-C leaves no half of it. */
async function replaceFile(path: string, source: AsyncIterable<Uint8Array> | Uint8Array): Promise<void> {
  try {
    await writeInBackground(path, source, { mode: 0o666 });
  } catch (cause) {
    if (cause instanceof SealwardError) throw cause;
    unreadable(path, cause);
  }
}
