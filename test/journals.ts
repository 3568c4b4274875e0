/** Journals for tests: in folders that go away, with keys that nobody keeps. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Journal, type JournalOptions, openJournal } from '../src/clients/journal/index.ts';
import { algorithmsFor, generateKeyPair, type KeyKind, signBytes } from '../src/core/crypto/index.ts';
import { utf8 } from '../src/core/encoding/index.ts';
import type { SealwardError } from '../src/core/errors.ts';
import { NOTE_KEY_TYPE, type NoteKey, type NoteKeyType, noteVerifier } from '../src/core/tlog/index.ts';

export const ORIGIN = 'log.example/cluster/test';

export function noteKey(name: string, type: NoteKeyType = NOTE_KEY_TYPE.ed25519): NoteKey {
  const kind: KeyKind = type === NOTE_KEY_TYPE.subtree ? 'ml-dsa-44' : 'ed25519';
  const { privateKey, publicKey } = generateKeyPair(kind);
  const [algorithm] = algorithmsFor(publicKey);
  if (!algorithm) throw new Error('the key signs nothing');
  return { verifier: noteVerifier(name, type, publicKey), sign: (message) => signBytes(privateKey, algorithm, message) };
}

export const LOG_KEY = noteKey(ORIGIN);

export function newFolder(t: { after(done: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-journal-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const neverFails = (error: SealwardError): never => {
  throw error;
};

/** Signs only when asked to, unless told otherwise. */
export function openTestJournal(place: JournalOptions['place'], more: Partial<JournalOptions> = {}): Promise<Journal> {
  const { pace, ...rest } = more;
  return openJournal({ place, origin: ORIGIN, keys: [LOG_KEY], create: true, failed: neverFails, pace: { signAfterMs: undefined, ...pace }, ...rest });
}

export const entryOf = (i: number | bigint): Uint8Array => utf8(`entry ${i} ${'x'.repeat(Number(i) % 7)}`);
