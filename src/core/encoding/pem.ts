/** PEM (RFC 7468, strict form): labels match, the body is strict base64 once its line breaks are gone. */
import { SealwardError } from '../errors.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { LIMITS } from './limits.ts';

export interface PemBlock {
  readonly label: string;
  readonly bytes: Uint8Array;
}

const BEGIN = /^-----BEGIN ([A-Z0-9][A-Z0-9 -]{0,63})-----$/;

/** All blocks of a document, in order. Text between blocks is allowed, as certificate bundles carry comments. */
export function parsePem(text: string, what: string): PemBlock[] {
  if (text.length > LIMITS.documentBytes) throw new SealwardError('ERR_TOO_LARGE', `${what} is larger than ${LIMITS.documentBytes} bytes`);
  const blocks: PemBlock[] = [];
  const lines = text.split(/\r?\n/);
  for (let i = 0; i < lines.length; i++) {
    const line = (lines[i] as string).trimEnd();
    if (!line.startsWith('-----')) continue;
    const label = BEGIN.exec(line)?.[1];
    if (label === undefined) throw new SealwardError('ERR_PEM_INVALID', `${what} has a line of dashes that begins no block`);
    const body: string[] = [];
    // Forward from here and never back, so that a document of a hundred thousand empty blocks costs one pass.
    for (i++; i < lines.length && !(lines[i] as string).startsWith('-----'); i++) body.push((lines[i] as string).trimEnd());
    if (lines[i]?.trimEnd() !== `-----END ${label}-----`) {
      throw new SealwardError('ERR_PEM_INVALID', `${what}: the block "${label}" has no matching end line`);
    }
    blocks.push({ label, bytes: decodeBase64(body.join(''), `${what}: the block "${label}"`) });
  }
  return blocks;
}

/** Exactly one block, with one of the given labels. */
export function parsePemBlock(text: string, labels: readonly string[], what: string): PemBlock {
  const blocks = parsePem(text, what);
  const block = blocks[0];
  if (!block || blocks.length !== 1) {
    throw new SealwardError('ERR_PEM_INVALID', `${what} holds ${blocks.length} PEM blocks where one is expected`);
  }
  if (!labels.includes(block.label)) {
    throw new SealwardError('ERR_PEM_INVALID', `${what} holds a "${block.label}", expected ${labels.map((label) => `"${label}"`).join(' or ')}`);
  }
  return block;
}

export function encodePem(label: string, bytes: Uint8Array): string {
  const lines = encodeBase64(bytes).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
