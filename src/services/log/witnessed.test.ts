/** Logs that others have to see: our own witness, served over HTTP, between a log and whoever reads it. */
import assert from 'node:assert/strict';
import { cpSync, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { HttpClient } from '../../clients/http/index.ts';
import { Witness } from '../../clients/witness/index.ts';
import type { Signer } from '../../clients/signers/index.ts';
import { sha256 } from '../../core/crypto/index.ts';
import { encodeHex, utf8 } from '../../core/encoding/index.ts';
import { encodeVerifierKey, meetsQuorum, NOTE_KEY_TYPE, type NoteKey, noteVerifier, parseLogPolicy, parseNote, verifyNote } from '../../core/tlog/index.ts';
import { neverFails, newEntry, newFolder, newSigner } from '../../../test/logs.ts';
import { inFolder } from './folder-store.ts';
import { type LogOptions, type OpenedLog, openLog } from './open-log.ts';
import { openWitnessFile, witnessRoutes } from './witness-routes.ts';

const ORIGIN = 'log.example';

interface Served {
  readonly url: string;
  readonly policy: string;
  /** Whether it answers. */
  up: boolean;
}

async function serveWitness(t: TestContext, log: Signer, memory = join(newFolder(t), 'witness.db')): Promise<Served> {
  const signer = newSigner();
  const verifier = noteVerifier('witness.example', NOTE_KEY_TYPE.cosignature, signer.publicKey());
  const keys: NoteKey[] = [{ verifier, sign: (message) => signer.sign(message) }];
  const store = openWitnessFile(memory);
  const witness = new Witness({ logs: new Map([[ORIGIN, [noteVerifier(ORIGIN, NOTE_KEY_TYPE.ed25519, log.publicKey())]]]), keys, store });
  const [add, latest] = witnessRoutes(witness);
  const served = { url: '', policy: '', up: true };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const route = request.method === 'POST' ? add : latest;
      const params = { origin: (request.url ?? '').split('/')[1] ?? '' };
      const answer = served.up ? route?.answer({ params, body: new Uint8Array(Buffer.concat(chunks)) } as never) : undefined;
      if (!answer) return void response.writeHead(503).end();
      void answer.then(
        ({ status, headers, body }) => response.writeHead(status, headers).end(body),
        () => response.writeHead(404).end(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await store.close();
  });
  served.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  served.policy = `witness W ${encodeVerifierKey(verifier, NOTE_KEY_TYPE.cosignature)} ${served.url}\nquorum W\n`;
  return served;
}

function openWitnessed(folder: string, signer: Signer, served: Served, more: Partial<LogOptions> = {}): Promise<OpenedLog> {
  const witnesses = { http: new HttpClient(), policy: parseLogPolicy(utf8(served.policy)), required: true, patience: 1000 };
  return openLog({ origin: ORIGIN, signer, store: inFolder(folder), failed: neverFails, witnesses, pace: { retry: 5, patience: 1500 }, ...more });
}

function isCosigned(note: string, served: Served): boolean {
  const policy = parseLogPolicy(utf8(served.policy));
  const verdict = verifyNote(
    parseNote(note),
    [...policy.witnesses.values()].map(({ verifier }) => verifier),
  );
  return (
    verdict.ok &&
    meetsQuorum(
      policy,
      verdict.signatures.map(({ verifier }) => verifier),
    )
  );
}

it('a witness that cosigned before does not begin with an empty memory', async (t) => {
  const memory = join(newFolder(t), 'witness.db');
  assert.throws(() => openWitnessFile(memory, true), { code: 'ERR_STATE_INVALID', message: /the memory of the witness .* is missing/ });
  assert.ok(!existsSync(memory));
  await openWitnessFile(memory).close();
  await openWitnessFile(memory, true).close();
});

describe('a log with witnesses', () => {
  it('shows what they cosigned, and they show what they saw', async (t) => {
    const signer = newSigner();
    const served = await serveWitness(t, signer);
    const log = await openWitnessed(newFolder(t), signer, served);
    t.after(() => log.close());
    for (let i = 0; i < 3; i++) assert.ok(isCosigned((await log.add(newEntry(`${i}`))).tree.note, served));
    const theirs = await (await fetch(`${served.url}/${encodeHex(sha256(utf8(ORIGIN)))}/checkpoint`)).text();
    assert.equal(parseNote(theirs).text, parseNote(log.tiles.checkpoint() as string).text);
    assert.equal((await fetch(`${served.url}/${'0'.repeat(64)}/checkpoint`)).status, 404);
  });

  it('shows nothing that too few of them saw, and goes on when they are back, also after a start', async (t) => {
    const signer = newSigner();
    const served = await serveWitness(t, signer);
    const folder = newFolder(t);
    const log = await openWitnessed(folder, signer, served);
    await log.add(newEntry('seen'));
    const before = log.tiles.checkpoint();
    served.up = false;
    const waiting = log.add(newEntry('not seen'));
    await assert.rejects(log.add(newEntry('nor this')), { code: 'ERR_SERVICE_UNAVAILABLE' });
    await assert.rejects(waiting, { code: 'ERR_SERVICE_UNAVAILABLE' });
    assert.equal(log.tiles.checkpoint(), before);
    await log.close();
    // It opens without them too, shows what it showed, and tries what it holds back until they are there, though nobody asks.
    const alone = await openWitnessed(folder, signer, served);
    assert.equal(alone.tiles.size(), 1n);
    served.up = true;
    while (alone.tiles.size() === 1n) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(isCosigned(alone.tiles.checkpoint() as string, served));
    await alone.close();
    const again = await openWitnessed(folder, signer, served);
    t.after(() => again.close());
    const { index, tree } = await again.add(newEntry('not seen'));
    assert.deepEqual([index, isCosigned(tree.note, served)], [1n, true]);
  });

  it('does not go on from a copy of itself, because they have seen more', async (t) => {
    const signer = newSigner();
    const served = await serveWitness(t, signer);
    const [folder, copy] = [newFolder(t), newFolder(t)];
    for (const text of ['one', 'two']) {
      const log = await openWitnessed(folder, signer, served);
      await log.add(newEntry(text));
      await log.close();
      if (text === 'one') cpSync(folder, copy, { recursive: true });
    }
    await assert.rejects(openWitnessed(copy, signer, served), { code: 'ERR_LOG_ROLLED_BACK' });
    // A new store with the old key: it begins, and stops at the first checkpoint.
    let failed = '';
    const fresh = await openWitnessed(newFolder(t), signer, served, { failed: ({ code }) => (failed = code) });
    t.after(() => fresh.close());
    await assert.rejects(fresh.add(newEntry('another history')), { code: 'ERR_SERVICE_UNAVAILABLE' });
    assert.deepEqual([failed, fresh.tiles.checkpoint()], ['ERR_LOG_ROLLED_BACK', undefined]);
  });

  it('goes on without them where they are not required', async (t) => {
    const signer = newSigner();
    const served = await serveWitness(t, signer);
    served.up = false;
    const witnesses = { http: new HttpClient(), policy: parseLogPolicy(utf8(served.policy)), required: false, patience: 500 };
    const log = await openWitnessed(newFolder(t), signer, served, { witnesses });
    t.after(() => log.close());
    assert.ok(!isCosigned((await log.add(newEntry('one'))).tree.note, served));
  });
});
