/**
 * Run as a process of its own, to be killed: keeps evidence in a folder that others write to at the same time, and says on
 * stdout what the store said that it has. NAME keeps the records of this writer apart; the bytes of all writers overlap.
 */
import { writeSync } from 'node:fs';
import { FolderStore } from '../../src/clients/evidence/index.ts';
import { digestOf, formatDigest } from '../../src/core/artifact/index.ts';
import { contentOf } from './store-content.ts';

const [folder = '', name = '', from = '0'] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);
const store = new FolderStore(folder, { onProblem: ({ path, why }) => say(`problem ${path}: ${why}`) });
say('ready');
for (let n = Number(from); ; n++) {
  const bytes = contentOf(n);
  const digest = formatDigest(digestOf(bytes));
  if (!store.keep(digest, bytes)) say(`problem ${digest} was not kept`);
  say(`kept ${n}`);
  const key = `${name} ${n % 7}`;
  const body = { n, digest, askedAt: n };
  if (!store.write('answers', key, body)) say(`problem ${key} was not written`);
  say(`wrote ${n}`);
  // What everybody writes, and the last one wins.
  store.write('tags', 'shared', { n, name });
}
