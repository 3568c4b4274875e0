/**
 * `sealward server rotate log`: the key of another shard under a name of its own, staged for those who keep the trust repository.
 * Nothing is closed yet: that is done by the server whose configuration names the new shard, and cannot be taken back.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { createKeyPairFiles } from '../../clients/signers/index.ts';
import { writeContent } from '../../clients/trust/index.ts';
import { type JsonObject, LIMITS, parseJsonObject, utf8 } from '../../core/encoding/index.ts';
import { invariant, SealwardError } from '../../core/errors.ts';
import {
  composeSigningConfig,
  composeTrustedRoot,
  encodeKeyList,
  KEYS_FILE,
  type ListedKey,
  parseKeyList,
  parseSigningConfig,
  parseTrustedRoot,
  SIGNING_CONFIG_FILE,
  TRUSTED_ROOT_FILE,
} from '../../core/trust/index.ts';
import { type LogConfig, readServerConfig } from './config.ts';
import { readSecret } from './files.ts';
import { NEW_KEYS } from './keys.ts';
import { publishCommands } from './publish-commands.ts';
import { nextVersion, trustFolder } from './rotate.ts';

export interface RotateLogOptions {
  readonly configFile: string;
  /** The host name of the new shard, and its name for ever. */
  readonly host: string;
  /** The folder that was taken away, where it is at hand. */
  readonly offline: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What to do next, in lines. Throws what is not there or does not fit; then nothing is changed but new files that nothing names. */
export async function rotateLog({ configFile, host, offline, now }: RotateLogOptions): Promise<readonly string[]> {
  const config = readServerConfig(configFile);
  const { log, url, keyPasswordFile, trust: served } = config;
  if (!log || !served) throw new SealwardError('ERR_CONFIG_INVALID', `${configFile} has no log, or no trust`, { hint: 'Rotate where both of them are.' });
  if (!/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/.test(host))
    throw new SealwardError('ERR_USAGE', `--name is no host name in lower case: ${JSON.stringify(host.slice(0, 100))}`);
  if ([log, ...log.former].some(({ origin }) => origin === host))
    throw new SealwardError('ERR_USAGE', `${host} is the name of a shard already, and each has a name of its own`, {
      hint: 'Give another host name with --name.',
    });
  if (keyPasswordFile === undefined)
    throw new SealwardError('ERR_CONFIG_INVALID', 'the keys of this server have no password file', { hint: 'A key in an HSM is changed there.' });
  const trust = trustFolder(config);
  const before = await readStaged(trust);
  if (parseTrustedRoot(utf8(JSON.stringify(before.root))).logs.some(({ baseUrl }) => URL.parse(baseUrl)?.hostname === host))
    throw new SealwardError('ERR_USAGE', `${host} is the name of a log that ${trust} knows already, and each shard has a name of its own`, {
      hint: 'If it was staged before, go on with what was said then; else give another host name with --name.',
    });
  const folder = dirname(configFile);
  const version = nextVersion(folder, 'log');
  const { publicKey } = await createKeyPairFiles(join(folder, `keys/log-${version}`), NEW_KEYS.log, readSecret(keyPasswordFile, 'the password of the keys'));
  const shard = new URL(url);
  shard.hostname = host;
  await stage(trust, before, { url: shard.href.replace(/\/$/, ''), host, key: publicKey, version, now });
  return [
    `The key of the new shard lies in keys/log-${version}.key. Nothing uses it yet, and nothing is closed.`,
    '',
    `1. Let ${host} lead to this server${shard.protocol === 'https:' ? `, add it to the names under tls, and make a certificate for it: \`sealward server rotate tls\`` : ''}.`,
    '2. Let clients know it: whoever keeps the trust repository signs and publishes it.',
    ...publishCommands(config, trust, offline),
    '3. Wait until the lease of what was published before has ended: then every client has it.',
    `4. In ${configFile}, write under log, and start the server again. It closes the shard before for good, begins the new one with its last checkpoint, and serves both:`,
    ...yamlOf(log, host, version),
  ];
}

function yamlOf(log: LogConfig, host: string, version: number): string[] {
  const place = (key: string, origin: string, { folder, recordFolder, mark }: Pick<LogConfig, 'folder' | 'recordFolder' | 'mark'>): string =>
    `{ key: ${JSON.stringify(key)}, origin: ${origin}, folder: ${JSON.stringify(folder)}, recordFolder: ${JSON.stringify(recordFolder)}, mark: ${JSON.stringify(mark)} }`;
  const next = { folder: `state/log-${version}`, recordFolder: `state/log-${version}`, mark: `keys/log-${version}.mark` };
  return [
    '   log:',
    `     key: keys/log-${version}.key`,
    `     origin: ${host}`,
    `     folder: ${next.folder}`,
    `     recordFolder: ${next.recordFolder}`,
    `     mark: ${next.mark}`,
    '     former:',
    ...[...log.former, log].map((one) => `       - ${place(one.key, one.origin, one)}`),
  ];
}

interface NewShard {
  readonly url: string;
  readonly host: string;
  readonly key: Parameters<typeof composeTrustedRoot>[0]['logs'][number]['key'];
  readonly version: number;
  readonly now: number;
}

interface Staged {
  readonly root: JsonObject;
  readonly keys: readonly ListedKey[];
  readonly signing?: JsonObject;
}

async function readStaged(trust: string): Promise<Staged> {
  const bytes = async (path: string): Promise<Uint8Array> => new Uint8Array(await readFile(join(trust, 'content', path)));
  const json = async (path: string): Promise<JsonObject> => parseJsonObject(await bytes(path), { what: path, maxBytes: LIMITS.documentBytes });
  return {
    root: await json(TRUSTED_ROOT_FILE),
    keys: parseKeyList(await bytes(KEYS_FILE), KEYS_FILE),
    ...(existsSync(join(trust, 'content', SIGNING_CONFIG_FILE)) ? { signing: await json(SIGNING_CONFIG_FILE) } : {}),
  };
}

/** Beside what stands there: entries of the shards before stay good. Who writes asks the new one from now on. All is made before any of it is written. */
async function stage(trust: string, before: Staged, { url, host, key, version, now }: NewShard): Promise<void> {
  const from = Math.floor((now - 60_000) / 1000) * 1000;
  const root = appended(
    before.root,
    'tlogs',
    composeTrustedRoot({ authorities: [], timestampAuthorities: [], certificateLogs: [], logs: [{ url, key, from, origin: host }] }),
  );
  const anchor = parseTrustedRoot(root).logs.at(-1)?.id;
  invariant(anchor !== undefined, 'a log that was just added is there');
  const operator = before.keys.find(({ role }) => role === 'log')?.operator;
  const listed = {
    name: 'log',
    version,
    role: 'log',
    state: 'active',
    anchor,
    window: { from },
    ...(operator === undefined ? {} : { operator }),
    lifted: [],
  } as const;
  const keys = encodeKeyList([...before.keys, listed]);
  const signing = before.signing && signingWith(before.signing, { url, now: from });
  await writeContent(trust, KEYS_FILE, keys);
  await writeContent(trust, TRUSTED_ROOT_FILE, root);
  if (signing) await writeContent(trust, SIGNING_CONFIG_FILE, signing);
}

function signingWith(before: JsonObject, { url, now }: { readonly url: string; readonly now: number }): Uint8Array {
  const { logs } = parseSigningConfig(utf8(JSON.stringify(before)));
  const services = logs.map((log) => ({
    url: log.url,
    version: log.version,
    from: log.window.from,
    to: Math.max(log.window.from, Math.min(log.window.to ?? now, now)),
  }));
  const operator = logs.at(-1)?.operator ?? '';
  const { rekorTlogUrls } = composeSigningConfig({
    operator,
    authorities: [],
    issuers: [],
    timestampAuthorities: [],
    logs: [...services, { url, version: 2, from: now }],
  });
  invariant(rekorTlogUrls !== undefined, 'a signing configuration has logs');
  return utf8(`${JSON.stringify({ ...before, rekorTlogUrls }, null, 2)}\n`);
}

function appended(before: JsonObject, member: string, added: JsonObject): Uint8Array {
  const [list, more] = [before[member] ?? [], added[member]];
  invariant(Array.isArray(list) && Array.isArray(more), 'a trusted root has lists');
  return utf8(`${JSON.stringify({ ...before, [member]: [...list, ...more] }, null, 2)}\n`);
}
