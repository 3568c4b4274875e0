/** Logs for tests: in a folder of their own, with keys that nobody keeps, and requests as Rekor's clients send them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keySigner, type Signer } from '../src/clients/signers/index.ts';
import { generateKeyPair, type KeyKind, type PublicKey } from '../src/core/crypto/index.ts';
import { encodeBase64, utf8 } from '../src/core/encoding/index.ts';
import type { SealwardError } from '../src/core/errors.ts';
import { leafHash, parseLogEntry, type TransparencyLog, verifyEntryInclusion } from '../src/core/tlog/index.ts';
import { inFolder, type NewEntry, openSigningLog, type SigningLog, type SigningLogOptions } from '../src/services/log/index.ts';

export function newSigner(kind: KeyKind = 'ed25519'): Signer {
  return keySigner(generateKeyPair(kind).privateKey);
}

export function newFolder(t: { after(done: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealward-log-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function newEntry(text: string): NewEntry {
  const body = utf8(text);
  return { body, leaf: leafHash(body) };
}

export const neverFails = (error: SealwardError): never => {
  throw error;
};

export function openTestLog(folder: string, more: Partial<SigningLogOptions> = {}): Promise<SigningLog> {
  return openSigningLog({ origin: 'log.example', signer: newSigner(), store: inFolder(folder), failed: neverFails, threads: 0, ...more });
}

/** How a trusted root would describe the log. */
export function asTrusted({ key, logId, origin }: Pick<SigningLog, 'key' | 'logId' | 'origin'>): TransparencyLog {
  return { key, logId, baseUrl: `https://${origin}` };
}

export function verifyAnswer(log: Pick<SigningLog, 'key' | 'logId' | 'origin'>, answer: string): ReturnType<typeof verifyEntryInclusion> {
  return verifyEntryInclusion(parseLogEntry(JSON.parse(answer)), asTrusted(log));
}

/** A CreateEntryRequest for a digest that `signer` signed, in the spelling of Go's clients. */
export async function recordRequest(message: Uint8Array, digest: Uint8Array, signer: Signer): Promise<Record<string, unknown>> {
  return {
    hashedRekordRequestV002: {
      digest: encodeBase64(digest),
      signature: { content: encodeBase64(await signer.sign(message)), verifier: verifierOf(signer) },
    },
  };
}

export function verifierOf(signer: Signer): Record<string, unknown> {
  const key: PublicKey = signer.publicKey();
  return { publicKey: { rawBytes: encodeBase64(key.spki) }, keyDetails: signer.algorithm.keyDetails };
}

export const asBytes = (value: unknown): Uint8Array => utf8(JSON.stringify(value));
