/** What every action of `sealward log` starts with: which log, and whose word counts for it. */
import { existsSync, statSync } from 'node:fs';
import { HttpClient, parseProxyEnvironment } from '../../../clients/http/index.ts';
import { folderSource, httpSource, LogFault, TileLog } from '../../../clients/tiles/index.ts';
import { decodeUtf8, LIMITS } from '../../../core/encoding/index.ts';
import { FINDINGS, SealwardError } from '../../../core/errors.ts';
import {
  hostName,
  type LogPolicy,
  NOTE_KEY_TYPE,
  type NoteKeyType,
  type NoteVerifier,
  noteVerifier,
  parseLogPolicy,
  parseVerifierKey,
} from '../../../core/tlog/index.ts';
import { type LogAnchor, parseTrustedRoot } from '../../../core/trust/index.ts';
import { readBytes } from '../file.ts';
import { type Description, descriptionLines } from '../inspect/description.ts';
import type { Invocation } from '../invocation.ts';
import type { log } from '../table/log.ts';
import { VERSION } from '../version.ts';
import { visible, visibleJson } from '../visible.ts';

export type Asked = Invocation<(typeof log)['flags']>;

/** One file of a log may take so long at most, in milliseconds. */
const FILE_TIMEOUT_MS = 30_000;

export function wordOf({ arguments: words }: Asked, at: number, what: string): string {
  const word = words[at];
  if (word === undefined) throw new SealwardError('ERR_USAGE', `\`sealward log ${words[0]}\` needs ${what}`, { hint: 'See `sealward log --help`.' });
  return word;
}

/** Opens the log, asks, and says what came out; what the log does wrong is an answer. */
export async function withLog(invocation: Asked, ask: (log: TileLog) => Promise<Description | undefined>): Promise<number> {
  const place = wordOf(invocation, 1, 'the folder or URL of a log');
  const policy = policyOf(invocation);
  const url = /^https?:\/\//i.test(place) ? URL.parse(place) : null;
  if (!url && !(existsSync(place) && statSync(place).isDirectory())) {
    throw new SealwardError('ERR_FILE_UNREADABLE', `${visible(place.slice(0, 300))} is neither a folder nor a URL`);
  }
  const http = httpFor(invocation);
  try {
    return await answer(invocation, place, () =>
      ask(new TileLog(url ? httpSource(url, { http, timeoutMs: FILE_TIMEOUT_MS, signal: invocation.signal }) : folderSource(place), policy)),
    );
  } finally {
    http.close();
  }
}

function httpFor({ config }: Asked): HttpClient {
  const { caFile } = config;
  const ca = caFile === undefined ? [] : [decodeUtf8(readBytes(caFile, LIMITS.documentBytes, 'the file in SSL_CERT_FILE'), 'the file in SSL_CERT_FILE')];
  return new HttpClient({ tls: { ca }, proxy: parseProxyEnvironment(config.proxyEnvironment), userAgent: `sealward/${VERSION}` });
}

/** 0 when all is well, 1 when the log is at fault; that it cannot be reached is thrown. */
export async function answer(invocation: Asked, name: string, ask: () => Promise<Description | undefined>): Promise<number> {
  try {
    const description = await ask();
    if (description) print(invocation, { outcome: 'verified', log: name, ...description });
    return 0;
  } catch (error) {
    const fault = faultOf(error);
    if (!fault) throw error;
    print(invocation, {
      outcome: 'rejected',
      log: name,
      code: fault.finding,
      meaning: FINDINGS[fault.finding].meaning,
      detail: fault.message,
      hint: FINDINGS[fault.finding].hint,
    });
    return 1;
  }
}

/** What a log serves that cannot be read is a fault of the log, not of whoever asks. */
function faultOf(error: unknown): LogFault | undefined {
  if (error instanceof LogFault) return error;
  const served = error instanceof SealwardError && (error.code === 'ERR_LOG_FORMAT' || error.code === 'ERR_TOO_LARGE' || error.code === 'ERR_ENCODING_INVALID');
  return served ? new LogFault('LOG_TREE_INVALID', error.message) : undefined;
}

export function print({ form, terminal }: Asked, description: Description): void {
  terminal.print(form === 'json' ? visibleJson(description) : descriptionLines(description, visible).join('\n'));
}

/** Logs that are named beside a policy are added to those that it names. */
export function policyOf({ flags }: Asked): LogPolicy {
  const { 'log-key': keys, 'log-policy': file, 'trusted-root': root } = flags;
  if (keys.length === 0 && file === undefined && root === undefined) {
    throw new SealwardError('ERR_FLAG_CONFLICT', 'nothing says whose log it is', { hint: 'Give --log-key, --log-policy or --trusted-root.' });
  }
  const policy = file === undefined ? undefined : parseLogPolicy(readBytes(file, LIMITS.logPolicyBytes, 'the log policy'));
  const given = keys.map((key) => ({ verifier: verifierIn(key) }));
  const rooted = root === undefined ? [] : parseTrustedRoot(readBytes(root, LIMITS.documentBytes, 'the trusted root')).logs.flatMap(rekorLog);
  return { logs: [...(policy?.logs ?? []), ...given, ...rooted], witnesses: policy?.witnesses ?? new Map(), quorum: policy?.quorum ?? { atLeast: 0, of: [] } };
}

/** @param key a verifier key, or a file with one. */
export function verifierIn(key: string): NoteVerifier {
  return parseVerifierKey(existsSync(key) ? textOf(key).trim() : key);
}

export function textOf(path: string): string {
  return decodeUtf8(readBytes(path, LIMITS.bundleBytes, 'the file'), `the file ${visible(path)}`);
}

const TYPES: Readonly<Record<string, NoteKeyType>> = { ed25519: NOTE_KEY_TYPE.ed25519, ec: NOTE_KEY_TYPE.ecdsa };

/** A Rekor v2 log signs under the host name of its URL; those of the first generation have no tiles. */
function rekorLog({ key, baseUrl }: LogAnchor): LogPolicy['logs'] {
  const [type, name] = [TYPES[key.kind], hostName(baseUrl)];
  return type === undefined || name === undefined ? [] : [{ verifier: noteVerifier(name, type, key) }];
}
