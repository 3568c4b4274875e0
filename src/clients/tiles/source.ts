/** Where the files of a log are read from: a folder, or a server. What comes is hostile; sizes are bounded before anything is parsed. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { quoted } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { bareHost, type HttpClient } from '../http/index.ts';

export interface TileSource {
  /** As the user named it. */
  readonly name: string;
  /** The file at a path of tlog-tiles; undefined when there is none. */
  read(path: string, maxBytes: number): Promise<Uint8Array | undefined>;
}

export function folderSource(folder: string): TileSource {
  return {
    name: folder,
    async read(path, maxBytes) {
      let file: number | undefined;
      try {
        file = openSync(join(folder, path), 'r');
        const { size } = fstatSync(file);
        if (size > maxBytes) throw new SealwardError('ERR_TOO_LARGE', `${path} is larger than ${maxBytes} bytes`);
        const bytes = Buffer.allocUnsafe(size);
        let at = 0;
        for (let read = -1; read !== 0 && at < size; at += read) read = readSync(file, bytes, at, size - at, at);
        return new Uint8Array(bytes.buffer, bytes.byteOffset, at);
      } catch (cause) {
        if (cause instanceof SealwardError) throw cause;
        const code = (cause as NodeJS.ErrnoException).code ?? '';
        if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
        throw new SealwardError('ERR_FILE_UNREADABLE', `${quoted(join(folder, path))} cannot be read: ${code}`, { cause });
      } finally {
        if (file !== undefined) closeSync(file);
      }
    },
  };
}

export interface HttpSourceOptions {
  readonly http: HttpClient;
  /** How long one file may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** @param url the prefix below which `checkpoint` and `tile/` lie; of a Rekor v2 log the server is enough. */
export function httpSource(url: URL, { http, timeoutMs, signal }: HttpSourceOptions): TileSource {
  const prefixes = [withSlash(url), new URL('api/v2/', withSlash(url))];
  let known: URL | undefined;
  const get = async (prefix: URL, path: string, maxBytes: number): Promise<Uint8Array | undefined> => {
    const target = new URL(path, prefix);
    const { status, bytes } = await http.send({
      method: 'GET',
      url: target,
      home: { host: bareHost(target), privateHosts: [] },
      deadline: http.clock.now() + timeoutMs,
      ...(signal ? { signal } : {}),
      maxBytes,
      what: `${path} of the log`,
    });
    if (status === 200) return bytes;
    if (status === 404 || status === 410) return undefined;
    throw new SealwardError('ERR_LOG_UNREACHABLE', `${quoted(target.host)} answered with status ${status} for ${path}`);
  };
  return {
    name: url.href,
    async read(path, maxBytes) {
      if (known) return get(known, path, maxBytes);
      for (const prefix of prefixes) {
        const bytes = await get(prefix, path, maxBytes);
        if (!bytes) continue;
        known = prefix;
        return bytes;
      }
      return undefined;
    },
  };
}

function withSlash(url: URL): URL {
  const out = new URL(url);
  if (!out.pathname.endsWith('/')) out.pathname += '/';
  out.search = '';
  out.hash = '';
  return out;
}
