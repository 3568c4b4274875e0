/** The documents of a working folder, as values. */
import type { Work } from '../../../clients/trust/index.ts';
import { DENIALS_FILE, KEYS_FILE, type ListedDenial, type ListedKey, parseDenials, parseKeyList } from '../../../core/trust/index.ts';

export function keysOf({ plan }: Pick<Work, 'plan'>): ListedKey[] {
  const bytes = plan.files.get(KEYS_FILE);
  return bytes ? parseKeyList(bytes, `content/${KEYS_FILE}`) : [];
}

export function denialsOf({ plan }: Pick<Work, 'plan'>): ListedDenial[] {
  const bytes = plan.files.get(DENIALS_FILE);
  return bytes ? parseDenials(bytes, `content/${DENIALS_FILE}`) : [];
}
