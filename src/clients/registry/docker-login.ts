/** Keeps and forgets the credentials of a registry in Docker's config.json, or in the credential helper that it names. */
import { closeSync, fsyncSync, mkdirSync, openSync, realpathSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { DOCKER_HUB, quoted } from '../../core/artifact/index.ts';
import { type JsonObject, type JsonValue, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { runHelper, tellHelper } from './credential-helper.ts';
import { type DockerConfigOptions, helperName, HUB_KEY, keyOf, memberFor, readConfig } from './docker-config.ts';

export interface LoginOptions extends DockerConfigOptions {
  readonly signal?: AbortSignal;
  /** How long to wait for another writer of the file. Milliseconds. */
  readonly patienceMs?: number;
}

/** Where credentials are kept now. */
export type KeptIn = { readonly kind: 'file' } | { readonly kind: 'helper'; readonly helper: string };

const PATIENCE_MS = 10_000;
/** What writes takes no time; a draft that is older than this is of a process that was killed. Milliseconds. */
const ABANDONED_MS = 60_000;

/** Later calls of `dockerConfig(path)` find them. Everything else in the file stays. */
export async function storeCredentials(
  path: string,
  registry: string,
  { username, password }: { readonly username: string; readonly password: string },
  options: LoginOptions = {},
): Promise<KeptIn> {
  // RFC 7617 section 2: "a user-id containing a colon character is invalid".
  if (username === '' || /[:\p{Cc}]/u.test(username))
    throw new SealwardError('ERR_USAGE', 'the user name is empty, or holds a colon or a control character, which no registry takes');
  if (password === '') throw new SealwardError('ERR_USAGE', 'the password is empty');
  const server = serverOf(registry);
  const helper = helperFor((await readConfig(path)) ?? {}, path, registry);
  if (helper !== undefined) {
    const secret = JSON.stringify({ ServerURL: server, Username: username, Secret: password });
    await tellHelper(options.runHelper ?? runHelper, helper, 'store', secret, options.signal);
  }
  await edit(path, options, (config) => {
    const auths = withoutRegistry(config.auths, registry);
    // As docker does: the name alone tells which registries the helper knows.
    auths[server] = helper === undefined ? { auth: Buffer.from(`${username}:${password}`).toString('base64') } : {};
    return { ...config, auths };
  });
  return helper === undefined ? { kind: 'file' } : { kind: 'helper', helper };
}

/** Answers where they were forgotten, or undefined when nothing was kept. */
export async function eraseCredentials(path: string, registry: string, options: LoginOptions = {}): Promise<KeptIn | undefined> {
  const found = await readConfig(path);
  if (!found) return undefined;
  const helper = helperFor(found, path, registry);
  if (helper !== undefined) await tellHelper(options.runHelper ?? runHelper, helper, 'erase', serverOf(registry), options.signal);
  const kept = memberFor(found.auths, { registry, repository: '' }) !== undefined;
  if (kept) await edit(path, options, (config) => ({ ...config, auths: withoutRegistry(config.auths, registry) }));
  if (helper !== undefined) return { kind: 'helper', helper };
  return kept ? { kind: 'file' } : undefined;
}

/** By which name Docker keeps a registry. */
function serverOf(registry: string): string {
  return registry === DOCKER_HUB ? HUB_KEY : registry;
}

function helperFor(config: JsonObject, path: string, registry: string): string | undefined {
  const own = memberFor(config.credHelpers, { registry, repository: '' });
  if (own !== undefined) return helperName(own.value, path);
  return config.credsStore === undefined || config.credsStore === '' ? undefined : helperName(config.credsStore, path);
}

/** Without this registry in any of its spellings; entries of single repositories stay. */
function withoutRegistry(auths: JsonValue | undefined, registry: string): Record<string, JsonValue> {
  const entries = auths !== null && typeof auths === 'object' && !Array.isArray(auths) ? Object.entries(auths) : [];
  return Object.fromEntries(entries.filter(([key]) => keyOf(key) !== registry));
}

/**
 * Reads, changes and replaces the file while nobody else of us does: the draft beside it is made exclusively, so it is
 * the lock as well, and whoever reads sees the old file or the new one. It holds passwords: only its owner may read it.
 */
async function edit(path: string, { signal, patienceMs = PATIENCE_MS }: LoginOptions, change: (config: JsonObject) => JsonObject): Promise<void> {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const target = statSync(path, { throwIfNoEntry: false }) ? realpathSync(path) : path;
    const draft = join(dirname(target), `.${basename(target)}.sealward`);
    const file = await openDraft(draft, Date.now() + patienceMs, signal);
    try {
      try {
        const bytes = utf8(`${JSON.stringify(change((await readConfig(target)) ?? {}), null, '\t')}\n`);
        for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(draft, target);
    } catch (error) {
      unlinkSync(draft);
      throw error;
    }
  } catch (cause) {
    if (cause instanceof SealwardError || signal?.aborted) throw cause;
    throw new SealwardError('ERR_FILE_UNREADABLE', `${quoted(path, 400)} cannot be written (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`, {
      cause,
    });
  }
}

async function openDraft(draft: string, until: number, signal: AbortSignal | undefined): Promise<number> {
  for (;;) {
    try {
      return openSync(draft, 'wx', 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const found = statSync(draft, { throwIfNoEntry: false });
    if (found && Date.now() - found.mtimeMs > ABANDONED_MS) unlinkSync(draft);
    else if (Date.now() > until) {
      throw new SealwardError('ERR_FILE_UNREADABLE', `${quoted(draft, 400)} is there: somebody else is changing the file`, {
        hint: 'Try again; if nobody is, remove it.',
      });
    } else await wait(20, undefined, signal === undefined ? {} : { signal });
  }
}
