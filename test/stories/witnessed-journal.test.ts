/** The log of an agent under the eyes of a witness: cosigned before it is shown, and not taken back to what it was. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { it } from 'node:test';
import { HttpClient } from '../../src/clients/http/index.ts';
import type { JournalOptions } from '../../src/clients/journal/index.ts';
import { askWitnesses, Witness, type WitnessedCheckpoint } from '../../src/clients/witness/index.ts';
import { sha256 } from '../../src/core/crypto/index.ts';
import { encodeHex, utf8 } from '../../src/core/encoding/index.ts';
import { SealwardError } from '../../src/core/errors.ts';
import { encodeVerifierKey, NOTE_KEY_TYPE, parseLogPolicy } from '../../src/core/tlog/index.ts';
import { sealward } from '../cli.ts';
import { entryOf, LOG_KEY, newFolder, noteKey, openTestJournal, ORIGIN } from '../journals.ts';
import { requireVectors, vectorsPath } from '../vectors.ts';

it('a journal is shown with cosignatures, verified by a policy that wants them, and refused when it was put back', async (t) => {
  const remembered = new Map<string, WitnessedCheckpoint>();
  const key = noteKey('witness.example', NOTE_KEY_TYPE.cosignature);
  const witness = new Witness({
    logs: new Map([[ORIGIN, [LOG_KEY.verifier]]]),
    keys: [key],
    store: {
      latest: async (origin) => remembered.get(origin),
      replace: async (origin, size, next) => remembered.get(origin)?.size === size && Boolean(remembered.set(origin, next)),
    },
  });
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on(
      'end',
      () =>
        void witness
          .addCheckpoint(Buffer.concat(parts))
          .then(({ status, contentType, body }) => response.writeHead(status, { 'content-type': contentType }).end(body)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const text = `log ${encodeVerifierKey(LOG_KEY.verifier, NOTE_KEY_TYPE.ed25519)}\nwitness w ${encodeVerifierKey(key.verifier, NOTE_KEY_TYPE.cosignature)} ${url}\nquorum w\n`;
  const policy = parseLogPolicy(utf8(text));
  const http = new HttpClient();
  t.after(() => http.close());
  const seen = new Map<string, bigint>();
  const watched: Pick<JournalOptions, 'cosign' | 'elsewhere'> = {
    async cosign(envelope, prove) {
      const { envelope: cosigned, met } = await askWitnesses({ http, policy, envelope, prove, seen, deadline: http.clock.now() + 5000 });
      if (!met) throw new SealwardError('ERR_WITNESS_REFUSED', 'too few witnesses cosigned');
      return cosigned;
    },
    elsewhere: async () => [await witness.latest(encodeHex(sha256(utf8(ORIGIN))))].filter((note) => note !== undefined),
  };

  const [folder, snapshot, files] = [newFolder(t), newFolder(t), newFolder(t)];
  const journal = await openTestJournal(folder, watched);
  for (let i = 0; i < 300; i++) journal.add(entryOf(i));
  await journal.append(entryOf(300));
  await journal.sign();
  cpSync(folder, snapshot, { recursive: true });
  await journal.append(entryOf(301));
  await journal.close();

  const policyFile = join(files, 'policy');
  writeFileSync(policyFile, text);
  const verified = await sealward(['log', 'verify', '--log-policy', policyFile, folder]);
  assert.equal(verified.code, 0, verified.stdout);
  assert.match(readFileSync(join(folder, 'checkpoint'), 'utf8'), /— witness\.example /);
  const proof = join(files, '300.tlog-proof');
  assert.equal((await sealward(['log', 'prove', '--log-policy', policyFile, '--output-file', proof, folder, '300'])).code, 0);
  const offline = await sealward(['log', 'verify', '--log-policy', policyFile, proof]);
  assert.deepEqual((JSON.parse(offline.stdout) as { witnesses: string[] }).witnesses, ['witness.example']);

  // Everything restored, the record too: the witness alone knows better.
  await assert.rejects(openTestJournal(snapshot, watched), { code: 'ERR_LOG_ROLLED_BACK', message: /others have seen 302 entries/ });
  const unaware = await openTestJournal(snapshot);
  await unaware.append(utf8('another past'));
  await unaware.sign();
  await unaware.close();
  const fork = await sealward(['log', 'verify', '--log-policy', policyFile, snapshot]);
  assert.deepEqual([fork.code, (JSON.parse(fork.stdout) as { code: string }).code], [1, 'THRESHOLD_NOT_MET']);
  await assert.rejects(openTestJournal(snapshot, watched), { code: 'ERR_LOG_ROLLED_BACK' });
});

it('logs that others wrote verify, against each of their earlier checkpoints', async (t) => {
  if (!requireVectors(t, 'tlog-tiles')) return;
  const folder = vectorsPath('tlog-tiles');
  const vkey = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx';
  const older = Array.from({ length: 16 }, (_, i) => join(folder, `checkpoint.${i}`)).filter((path) => existsSync(path));
  assert.ok(older.length > 10);
  const all = await sealward(['log', 'verify', '--log-key', vkey, ...older.slice(1).flatMap((path) => ['--since', path]), folder]);
  assert.equal(all.code, 0, all.stdout + all.stderr);
  for (const path of older.slice(1)) {
    const { code, stdout } = await sealward(['log', 'prove-continuity', '--log-key', vkey, '--since', path, folder]);
    assert.equal(code, 0, `${path}: ${stdout}`);
  }
  const proof = join(newFolder(t), '3.tlog-proof');
  assert.equal((await sealward(['log', 'prove', '--log-key', vkey, '--output-file', proof, folder, '3'])).code, 0);
  assert.equal((await sealward(['log', 'verify', '--log-key', vkey, proof])).code, 0);
});
