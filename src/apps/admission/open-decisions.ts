/** Opens the decision log of this agent. Its name and key are made with its folder, so that no two logs ever share them. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readBounded, writeDurably } from '../../clients/files/index.ts';
import { type DecisionLog, openDecisionLog } from '../../clients/journal/index.ts';
import {
  algorithmsFor,
  encodePrivateKeyPkcs8,
  generateKeyPair,
  type KeyObject,
  parsePrivateKeyPkcs8,
  publicKeyOf,
  signBytes,
} from '../../core/crypto/index.ts';
import { encodeHex, encodePem, LIMITS, parseJsonObject, parsePemBlock, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { encodeVerifierKey, NOTE_KEY_TYPE, type NoteKey, noteVerifier } from '../../core/tlog/index.ts';
import type { DecisionsConfig } from './config.ts';

export interface OpenDecisions {
  readonly log: DecisionLog;
  readonly origin: string;
  /** With it others verify the log (C2SP signed-note). */
  readonly verifierKey: string;
}

export interface OpenDecisionsOptions extends DecisionsConfig {
  /** What the name of the log begins with, such as that of the cluster. */
  readonly cluster: string;
  /** Called once, when nothing can be written any more until a new start. */
  readonly failed: (error: SealwardError) => void;
}

const IDENTITY = 'agent.json';
const LOG = 'log';
/** For whoever verifies. */
const VERIFIER = 'agent.vkey';
const KEY_LABEL = 'PRIVATE KEY';

/** Throws ERR_STATE_INVALID, ERR_FILE_UNREADABLE and what the journal throws. */
export async function openDecisions({ folder, mode, shareMs, cluster, failed }: OpenDecisionsOptions): Promise<OpenDecisions> {
  const { origin, key } = identityIn(folder, cluster);
  const note = noteKeyOf(origin, key);
  // It is written when the log stands: without it the log may be half begun, by a process that was killed or had no room.
  const stands = existsSync(join(folder, VERIFIER));
  if (stands && !existsSync(join(folder, LOG))) throw lost(`the decision log in ${folder} is gone, but for its name and key: two logs must not share them`);
  const log = await openDecisionLog({ place: join(folder, LOG), origin, keys: [note], create: !stands, mode, shareMs, failed });
  const verifierKey = encodeVerifierKey(note.verifier, NOTE_KEY_TYPE.ed25519);
  try {
    write(join(folder, VERIFIER), `${verifierKey}\n`, 0o644);
  } catch (error) {
    await log.close();
    throw error;
  }
  return { log, origin, verifierKey };
}

function identityIn(folder: string, cluster: string): { readonly origin: string; readonly key: KeyObject } {
  const path = join(folder, IDENTITY);
  if (existsSync(path)) return readIdentity(path);
  // A log without its name and key cannot be gone on with, and another one must not be begun over it.
  if (existsSync(join(folder, LOG))) throw lost(`the decision log in ${folder} has lost its ${IDENTITY}`);
  const { privateKey } = generateKeyPair('ed25519');
  const origin = `${cluster}/admission/${encodeHex(randomBytes(8))}`;
  write(path, `${JSON.stringify({ version: 1, origin, key: encodePem(KEY_LABEL, encodePrivateKeyPkcs8(privateKey)) }, null, 2)}\n`, 0o600);
  return { origin, key: privateKey };
}

function readIdentity(path: string): { readonly origin: string; readonly key: KeyObject } {
  const { version, origin, key } = parseJsonObject(readBounded(path, LIMITS.documentBytes, 'the identity of the decision log'), {
    what: `the file ${path}`,
    maxBytes: LIMITS.documentBytes,
  });
  if (version !== 1 || typeof origin !== 'string' || typeof key !== 'string') throw new SealwardError('ERR_STATE_INVALID', `${path} is malformed`);
  return { origin, key: parsePrivateKeyPkcs8(parsePemBlock(key, [KEY_LABEL], `the key in ${path}`).bytes, `the key in ${path}`) };
}

function lost(what: string): SealwardError {
  return new SealwardError('ERR_STATE_INVALID', what, { hint: 'Restore it, or move the folder away: then a new log is begun.' });
}

function noteKeyOf(origin: string, key: KeyObject): NoteKey {
  const publicKey = publicKeyOf(key);
  const [algorithm] = algorithmsFor(publicKey);
  if (!algorithm) throw new SealwardError('ERR_STATE_INVALID', 'the key of the decision log signs nothing');
  return { verifier: noteVerifier(origin, NOTE_KEY_TYPE.ed25519, publicKey), sign: (message) => signBytes(key, algorithm, message) };
}

function write(path: string, text: string, mode: number): void {
  try {
    writeDurably(path, utf8(text), { mode });
  } catch (cause) {
    throw new SealwardError('ERR_FILE_UNREADABLE', `${path} cannot be written: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
}
