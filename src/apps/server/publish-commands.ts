/** What is typed to publish what was staged: with the password files of this server, because nobody knows what stands in them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerConfig } from './config.ts';

/** @param offline the folder that was taken away, where it is at hand: it holds the first of the keys that may sign. */
export function publishCommands({ trust: served, keyPasswordFile }: ServerConfig, trust: string, offline: string): string[] {
  const [key, password] = [join(offline, 'trust.key'), join(offline, 'password')];
  const signed = existsSync(key) ? `${key} --password-file ${password}` : 'KEY';
  const fresh = served?.key === undefined ? 'KEY' : `${served.key}${keyPasswordFile === undefined ? '' : ` --password-file ${keyPasswordFile}`}`;
  return [`   sealward trust sign --folder ${trust} --key ${signed}`, `   sealward trust publish --folder ${trust} --key ${fresh}`];
}
