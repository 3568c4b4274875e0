/** Credentials from Docker's config.json, and from the auth.json of the containers tools, which has the same shape. */
import { readFile, stat } from 'node:fs';
import { promisify } from 'node:util';
import { DOCKER_HUB, quoted } from '../../core/artifact/index.ts';
import { decodeBase64, decodeUtf8, type JsonObject, type JsonValue, LIMITS, parseJsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { Clock } from '../http/index.ts';
import { askHelper, type HelperRunner, runHelper } from './credential-helper.ts';
import { type CredentialQuery, type Credentials, type CredentialSource, wasRefused } from './credentials.ts';

export interface DockerConfigOptions {
  readonly runHelper?: HelperRunner;
  /**
   * For processes that stay: the file is read again when it has changed, and helpers are asked again after some minutes.
   * A command reads it once, when the first registry is asked for.
   */
  readonly follow?: Clock;
}

/** What a helper said is asked for again after this time: what they give often ends within the hour. */
const HELPER_MS = 5 * 60_000;

/** Under this name Docker keeps the credentials of Docker Hub. */
export const HUB_KEY = 'https://index.docker.io/v1/';

/**
 * A file that does not exist knows no credentials; one that cannot be read is an error, since going on without
 * credentials would answer another question.
 */
export function dockerConfig(path: string, { runHelper: run = runHelper, follow }: DockerConfigOptions = {}): CredentialSource {
  let read: { readonly stamp: string; readonly config: Promise<JsonObject | undefined> } | undefined;
  const helpers = new Map<string, { readonly askedAt: number; readonly answer: Promise<Credentials | undefined> }>();

  async function current(): Promise<JsonObject | undefined> {
    // Taken before the file is read: a change while it is read is found the next time.
    const stamp = follow ? await stampOf(path) : '';
    if (read?.stamp !== stamp) {
      const config = readConfig(path);
      const mine = { stamp, config };
      read = mine;
      helpers.clear();
      config.catch(() => {
        if (read === mine) read = undefined;
      });
    }
    return read.config;
  }

  return {
    async find(query) {
      const config = await current();
      const found =
        config &&
        (await findIn(config, path, query, (helper, server) => {
          // Once for many waiters; a helper starts a process, and may ask a person.
          const key = `${helper} ${server}`;
          const kept = helpers.get(key);
          if (kept && (!follow || follow.now() - kept.askedAt < HELPER_MS)) return kept.answer;
          const answer = askHelper(run, helper, server, query);
          helpers.set(key, { askedAt: follow?.now() ?? 0, answer });
          answer.catch(() => helpers.delete(key));
          return answer;
        }));
      return found && !wasRefused(query, found) ? found : undefined;
    },
  };
}

/** Differs when the file does: a mounted Secret is changed by putting another folder in its place. */
async function stampOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await look(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

/** Without node:fs/promises, which takes longer to load than the file to read. */
const readWhole = promisify(readFile);
const look = promisify(stat);

export async function readConfig(path: string): Promise<JsonObject | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readWhole(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new SealwardError('ERR_FILE_UNREADABLE', `${quoted(path, 400)} cannot be read (${code})`, { cause });
  }
  try {
    return parseJsonObject(bytes, { what: 'the file', maxBytes: LIMITS.documentBytes });
  } catch {
    // What the parser says could show a part of a password.
    throw new SealwardError('ERR_CONFIG_INVALID', `${quoted(path, 400)} is not strict JSON`);
  }
}

type Ask = (helper: string, server: string) => Promise<Credentials | undefined>;

/** A helper for this very registry, then the store for all, then the file itself. */
async function findIn(config: JsonObject, path: string, query: CredentialQuery, ask: Ask): Promise<Credentials | undefined> {
  const server = query.registry === DOCKER_HUB ? HUB_KEY : query.registry;
  const helper = memberFor(config.credHelpers, query);
  if (helper !== undefined) return ask(helperName(helper.value, path), server);
  if (config.credsStore !== undefined && config.credsStore !== '') {
    const stored = await ask(helperName(config.credsStore, path), server);
    if (stored) return stored;
  }
  const entry = memberFor(config.auths, query);
  return entry && credentialsOf(entry.value, `${quoted(path, 400)}, auths of ${quoted(entry.key)}`);
}

export function helperName(value: JsonValue, path: string): string {
  // It becomes part of a program's name: no path and no option may hide in it.
  if (typeof value === 'string' && /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(value)) return value;
  throw new SealwardError('ERR_CONFIG_INVALID', `${quoted(path, 400)} names a credential helper that cannot be one`);
}

/** The most exact key: repository, then the namespaces above it (as containers-auth.json(5) has it), then the host. */
export function memberFor(map: JsonValue | undefined, query: Pick<CredentialQuery, 'registry' | 'repository'>): { key: string; value: JsonValue } | undefined {
  if (map === undefined || map === null || typeof map !== 'object' || Array.isArray(map)) return undefined;
  const keys = new Map(Object.keys(map).map((key) => [keyOf(key), key]));
  for (const scope of scopesOf(query)) {
    const key = keys.get(scope);
    if (key !== undefined) return { key, value: map[key] ?? null };
  }
  return undefined;
}

/** The repository, the namespaces above it, the host. */
export function* scopesOf({ registry, repository }: Pick<CredentialQuery, 'registry' | 'repository'>): Generator<string> {
  let scope = repository === '' ? registry : `${registry}/${repository}`;
  for (; scope !== ''; scope = scope.slice(0, Math.max(0, scope.lastIndexOf('/')))) yield scope;
}

/**
 * What a key of `auths` stands for: a host, or a host and a namespace. Old keys are URLs; of these the host counts.
 * Nothing is matched by its beginning or its end (as @sigstore/oci 0.7.2 did): `a.example.com` is not `example.com`.
 */
export function keyOf(key: string): string {
  const isUrl = /^https?:\/\//i.test(key);
  const bare = key.replace(/^https?:\/\//i, '').replace(/\/+$/, '');
  const slash = bare.indexOf('/');
  const host = (slash < 0 ? bare : bare.slice(0, slash)).toLowerCase();
  const path = slash < 0 || isUrl || /^\/v[12]$/.test(bare.slice(slash)) ? '' : bare.slice(slash);
  return `${host === 'index.docker.io' ? DOCKER_HUB : host}${path}`;
}

export function credentialsOf(value: JsonValue, what: string): Credentials | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new SealwardError('ERR_CONFIG_INVALID', `${what}: it is not an object`);
  const text = (key: string): string => {
    const member = value[key];
    return typeof member === 'string' ? member : '';
  };
  if (text('identitytoken') !== '') return { kind: 'identity-token', token: text('identitytoken') };
  if (text('registrytoken') !== '') return { kind: 'registry-token', token: text('registrytoken') };
  if (text('auth') !== '') return decodeAuth(text('auth'), what);
  return text('username') === '' ? undefined : { kind: 'password', username: text('username'), password: text('password') };
}

function decodeAuth(auth: string, what: string): Credentials {
  let decoded: string;
  try {
    // Docker pads what it encodes with NUL bytes in some versions, and takes them off again.
    decoded = decodeUtf8(decodeBase64(auth), what).replace(/\0+$/, '');
  } catch {
    throw new SealwardError('ERR_CONFIG_INVALID', `${what}: "auth" is not base64`, { hint: 'Log in again with `docker login HOST`.' });
  }
  const colon = decoded.indexOf(':');
  if (colon <= 0)
    throw new SealwardError('ERR_CONFIG_INVALID', `${what}: "auth" is not a user name and a password`, { hint: 'Log in again with `docker login HOST`.' });
  return { kind: 'password', username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}
