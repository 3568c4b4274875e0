/** A log in a process of its own that is killed: several writers add entries, and each answer is said on stdout, one a line. */
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { keySigner } from '../../src/clients/signers/index.ts';
import { inFolder, inPostgres, openLog } from '../../src/services/log/index.ts';
import { newEntry } from '../logs.ts';

const [where = '', keyFile = '', run = ''] = process.argv.slice(2);
const signer = keySigner(createPrivateKey(readFileSync(keyFile)));
const store = where.startsWith('postgres:') ? inPostgres({ connection: where, lease: 300 }) : inFolder(where);
const log = await openLog({
  origin: 'log.example',
  signer,
  store,
  // Many small rounds: there is more to be cut in the middle.
  pace: { latest: 4 },
  failed(error) {
    console.error(error);
    process.exit(1);
  },
});
const WRITERS = 24;
process.stdout.write('ready\n');
await Promise.all(
  Array.from({ length: WRITERS }, async (_, writer) => {
    for (let i = 0; ; i++) {
      // Half of them are sent twice, as by a client that lost its connection.
      const text = `run ${run}, writer ${writer >> 1}, entry ${i}`;
      const { index, tree, proof } = await log.add(newEntry(text));
      const answer = { text, index: String(index), size: String(tree.size), root: Buffer.from(tree.root).toString('base64'), note: tree.note };
      process.stdout.write(`${JSON.stringify({ ...answer, proof: proof.map((hash) => Buffer.from(hash).toString('base64')) })}\n`);
    }
  }),
);
