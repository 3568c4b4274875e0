/** Where a trust repository is read from. Nothing that a source gives is believed: it is held against signatures by whoever reads. */
import { join } from 'node:path';
import { SealwardError } from '../../core/errors.ts';
import { bareHost, type HttpClient } from '../http/index.ts';
import { readIfThere } from './files.ts';

export interface TrustSource {
  /** For people. */
  readonly name: string;
  /**
   * A file by its name in the repository, such as `timestamp.json` or `targets/keys/<digest>.keys.json`. Undefined when the place
   * answered that there is none; throws when it could not be found out, or the file is larger than the bound.
   */
  read(name: string, maxBytes: number): Promise<Uint8Array | undefined>;
  /** Called before an update, by sources that read all at once. */
  refresh?(): Promise<void>;
}

/** A name as a path: what leaves the folder, by whatever spelling, is no name (CVE-2026-24137, CVE-2026-24686). */
function segmentsOf(name: string): string[] {
  const segments = name.split('/');
  const bad = segments.some((segment) => segment === '' || segment === '.' || segment === '..' || /[\\\0]/.test(segment));
  if (bad) throw new SealwardError('ERR_TRUST_INVALID', `${JSON.stringify(name.slice(0, 200))} is no name of a file in a trust repository`);
  return segments;
}

export function folderSource(folder: string): TrustSource {
  return { name: folder, read: async (name, maxBytes) => readIfThere(join(folder, ...segmentsOf(name)), maxBytes) };
}

export interface UrlSourceOptions {
  /** Milliseconds for each file. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** @param url of the folder that holds timestamp.json. */
export function urlSource(http: HttpClient, url: URL, { timeout = 30_000, signal }: UrlSourceOptions = {}): TrustSource {
  const base = url.href.endsWith('/') ? url.href : `${url.href}/`;
  return {
    name: url.href,
    async read(name, maxBytes) {
      const response = await http.send({
        method: 'GET',
        url: new URL(urlPath(name), base),
        home: { host: bareHost(url), privateHosts: [] },
        deadline: http.clock.now() + timeout,
        ...(signal ? { signal } : {}),
        maxBytes,
        what: `${name} of the trust repository`,
      });
      if (response.status === 200) return response.bytes;
      // Object stores answer 403 for what is not there where nobody may list them.
      if (response.status === 404 || response.status === 403) return undefined;
      throw new SealwardError('ERR_SERVICE_UNAVAILABLE', `the trust repository at ${url.host} answered ${response.status} for ${name}`);
    },
  };
}

/** A name of metadata comes encoded; a path of a target does not, and what its characters mean to a URL is taken from them. */
function urlPath(name: string): string {
  const segments = segmentsOf(name);
  return (segments[0] === 'targets' ? segments.map(encodeURIComponent) : segments).join('/');
}

/** The name of a file as a key of a ConfigMap, which may hold letters, digits, dots, dashes and underscores only. */
export function configMapKey(name: string): string {
  return name.replace(/[^A-Za-z0-9.-]/g, (character) => `_${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** @param read a member of the ConfigMap by its key, whoever fetches it; undefined when it has none. */
export function configMapSource(name: string, read: (key: string) => Promise<Uint8Array | undefined>): TrustSource {
  return {
    name,
    async read(file, maxBytes) {
      const bytes = await read(configMapKey(segmentsOf(file).join('/')));
      if (bytes && bytes.length > maxBytes) throw new SealwardError('ERR_TOO_LARGE', `${file} of ${name} is larger than ${maxBytes} bytes`);
      return bytes;
    },
  };
}

/** One artifact of a registry: a manifest whose layers carry the names of the files. */
export interface TrustArtifact {
  /** Name in the repository to the digest of its layer. */
  readonly layers: ReadonlyMap<string, { readonly digest: string; readonly size: number }>;
}

export interface ArtifactPort {
  /** What stands under the reference now; undefined when nothing does. */
  manifest(): Promise<TrustArtifact | undefined>;
  blob(layer: { readonly digest: string; readonly size: number }, maxBytes: number): Promise<Uint8Array>;
}

export function artifactSource(name: string, port: ArtifactPort): TrustSource {
  let artifact: TrustArtifact | undefined;
  return {
    name,
    async refresh() {
      artifact = await port.manifest();
    },
    async read(file, maxBytes) {
      artifact ??= await port.manifest();
      const layer = artifact?.layers.get(segmentsOf(file).join('/'));
      if (!layer) return undefined;
      if (layer.size > maxBytes) throw new SealwardError('ERR_TOO_LARGE', `${file} of ${name} is larger than ${maxBytes} bytes`);
      return port.blob(layer, maxBytes);
    },
  };
}
