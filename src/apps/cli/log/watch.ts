/** `sealward log watch`: what came since the last time. What was seen moves on only when every match has been written. */
import { existsSync } from 'node:fs';
import { LogFault, scanLog, type SeenCheckpoint, type TileLog } from '../../../clients/tiles/index.ts';
import { fulcioClaims, parseCertificate, parsePublicKey, parsePublicKeyPem, type PublicKey, signerNames } from '../../../core/crypto/index.ts';
import { decodeBase64, decodeUtf8, encodeBase64, encodeHex, LIMITS, parseJsonObject } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import { type EntryClaim, parseEntryBody } from '../../../core/tlog/index.ts';
import { readBytes, replaceFile } from '../file.ts';
import type { Description } from '../inspect/description.ts';
import { writeOut } from '../terminal.ts';
import { visibleJson } from '../visible.ts';
import { type Asked, withLog } from './asked.ts';

interface Seen {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Uint8Array;
}

export async function watch(invocation: Asked): Promise<number> {
  const { flags } = invocation;
  const { state, identity, key, consistency } = flags;
  if (state === undefined) throw new SealwardError('ERR_FLAG_CONFLICT', '--state FILE says where it is kept what was seen');
  if (!consistency && identity.length === 0 && key.length === 0) {
    throw new SealwardError('ERR_FLAG_CONFLICT', '--identity, --key or --consistency says what to watch for');
  }
  const wanted = { identities: identity, issuer: flags.issuer, keys: key.map((path) => readKey(path)) };
  return withLog(invocation, (log) => look(invocation, log, state, wanted));
}

function readKey(path: string): PublicKey {
  return parsePublicKeyPem(decodeUtf8(readBytes(path, LIMITS.documentBytes, 'the key'), 'the key'), path);
}

interface Wanted {
  readonly identities: readonly string[];
  readonly issuer: string | undefined;
  readonly keys: readonly PublicKey[];
}

async function look(invocation: Asked, log: TileLog, state: string, wanted: Wanted): Promise<Description | undefined> {
  const newest = await log.newest();
  const { checkpoint } = newest;
  const seen = readState(state) ?? (invocation.flags['from-start'] ? { origin: checkpoint.origin, size: 0n, root: new Uint8Array() } : undefined);
  if (!seen) {
    keep(state, newest);
    return { size: String(checkpoint.size), began: true };
  }
  if (seen.origin !== checkpoint.origin) throw new LogFault('LOG_UNKNOWN', `this is the log ${checkpoint.origin}, and ${seen.origin} was seen before`);
  await log.consistency({ ...seen, extensions: [] }, checkpoint);
  const lines: string[] = [];
  if (!invocation.flags.consistency && checkpoint.size > seen.size) {
    await scanLog(log, newest, {
      ...(seen.size > 0n ? { from: seen } : {}),
      each: (entry, index) => {
        const found = matchOf(entry, wanted);
        if (found) lines.push(visibleJson({ index: String(index), ...found }).replaceAll(/\n */g, ' '));
      },
    });
  }
  await writeOut(invocation.terminal.io.stdout, lines.map((line) => `${line}\n`).join(''));
  keep(state, newest);
  if (lines.length > 0) return undefined;
  return { size: String(checkpoint.size), before: String(seen.size), matches: 0 };
}

/** An entry that cannot be read may hide what is looked for, so it is told, too. */
function matchOf(entry: Uint8Array, wanted: Wanted): Description | undefined {
  let claim: EntryClaim;
  try {
    const { kind, apiVersion } = parseJsonObject(entry, { what: 'the entry', maxBytes: 0xffff });
    const [named, version] = [kind, apiVersion].map((word) => (typeof word === 'string' ? word : ''));
    claim = parseEntryBody({ kind: named ?? '', version: version ?? '', canonicalizedBody: entry });
  } catch (error) {
    if (!(error instanceof SealwardError)) throw error;
    return { unreadable: error.message };
  }
  for (const { verifier } of claim.signatures) {
    const found = verifier.kind === 'certificate' ? byCertificate(verifier.der, wanted) : byKey(verifier.der, wanted.keys);
    if (found) return { kind: claim.kind, ...found, ...digestOf(claim) };
  }
  return undefined;
}

function byCertificate(der: Uint8Array, { identities, issuer, keys }: Wanted): Description | undefined {
  try {
    const certificate = parseCertificate(der);
    const names = signerNames(certificate);
    const vouched = fulcioClaims(certificate).issuer;
    const named = names.some((name) => identities.includes(name)) && (issuer === undefined || vouched === issuer);
    if (!named && !keys.some(({ fingerprint }) => fingerprint === certificate.publicKey.fingerprint)) return undefined;
    return { identity: names, ...(vouched === undefined ? {} : { issuer: vouched }) };
  } catch (error) {
    if (!(error instanceof SealwardError)) throw error;
    return { unreadable: error.message };
  }
}

function byKey(der: Uint8Array, keys: readonly PublicKey[]): Description | undefined {
  if (keys.length === 0) return undefined;
  try {
    const { fingerprint } = parsePublicKey(der);
    return keys.some((key) => key.fingerprint === fingerprint) ? { key: fingerprint } : undefined;
  } catch {
    // A key that is not read here is none of those that are looked for.
    return undefined;
  }
}

function digestOf({ signedDigest, payloadHash, envelopeHash }: EntryClaim): Description {
  const digest = signedDigest ?? payloadHash ?? envelopeHash;
  return digest ? { digest: `${digest.hash}:${encodeHex(digest.bytes)}` } : {};
}

function readState(path: string): Seen | undefined {
  if (!existsSync(path)) return undefined;
  const { origin, size, root } = parseJsonObject(readBytes(path, LIMITS.documentBytes, 'the state'), { what: 'the state' });
  if (typeof origin !== 'string' || typeof size !== 'string' || !/^\d{1,19}$/.test(size) || typeof root !== 'string') {
    throw new SealwardError('ERR_CONFIG_INVALID', 'the state of the watch is malformed', { hint: 'Bring the file back, or begin anew without it.' });
  }
  return { origin, size: BigInt(size), root: decodeBase64(root, 'the root') };
}

function keep(path: string, { checkpoint }: SeenCheckpoint): void {
  replaceFile(path, `${JSON.stringify({ origin: checkpoint.origin, size: String(checkpoint.size), root: encodeBase64(checkpoint.root) })}\n`);
}
