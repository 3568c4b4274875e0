/** Seals of records: HMAC-SHA-256 under a key of this installation, over kind, key and content. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { canonicalJson, type JsonObject, LIMITS, parseJsonObject } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { RecordKind } from './store.ts';

const VERSION = 1;
export const KEY_BYTES = 32;
export const FOREIGN_SEAL = 'its seal is not that of this store';

export function newSealKey(): Uint8Array {
  return randomBytes(KEY_BYTES);
}

export function sealRecord(secret: Uint8Array, kind: RecordKind, key: string, body: JsonObject): string {
  const content = canonicalJson({ version: VERSION, kind, key, body });
  return `${canonicalJson({ seal: mac(secret, content), record: { version: VERSION, kind, key, body } })}\n`;
}

/** The content, or why it is none: another installation's, another record's, or changed. */
export function openRecord(
  secret: Uint8Array,
  bytes: Uint8Array,
  kind: RecordKind,
  key?: string,
): { readonly key: string; readonly body: JsonObject } | string {
  let object: JsonObject;
  try {
    object = parseJsonObject(bytes, { what: 'the record', maxBytes: LIMITS.evidenceRecordBytes, maxDepth: 2 * LIMITS.jsonDepth });
  } catch (error) {
    if (error instanceof SealwardError) return error.message;
    throw error;
  }
  const { seal, record } = object;
  if (typeof seal !== 'string' || record === null || typeof record !== 'object' || Array.isArray(record)) return 'it is no record';
  const given = Buffer.from(seal, 'utf8');
  const right = Buffer.from(mac(secret, canonicalJson(record)), 'utf8');
  if (given.length !== right.length || !timingSafeEqual(given, right)) return FOREIGN_SEAL;
  const { version, kind: ofKind, key: ofKey, body } = record;
  if (version !== VERSION || ofKind !== kind || typeof ofKey !== 'string' || (key !== undefined && ofKey !== key)) return 'it is the record of something else';
  return body !== null && typeof body === 'object' && !Array.isArray(body) ? { key: ofKey, body } : 'it is no record';
}

function mac(secret: Uint8Array, content: string): string {
  return createHmac('sha256', secret).update('sealward evidence record\n').update(content).digest('hex');
}
