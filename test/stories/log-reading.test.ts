/** Reading logs from the command line: the decisions of an agent in a folder, a Rekor v2 log over HTTP, and logs that lie. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openDecisionLog } from '../../src/clients/journal/index.ts';
import { encodePublicKeyPem, sha256 } from '../../src/core/crypto/index.ts';
import { canonicalJson, utf8 } from '../../src/core/encoding/index.ts';
import { encodeCheckpoint, encodeVerifierKey, NOTE_KEY_TYPE, noteVerifier, parseCheckpoint, parseNote, signNote } from '../../src/core/tlog/index.ts';
import { type CliResult, sealward } from '../cli.ts';
import { LOG_KEY, newFolder, noteKey, openTestJournal, ORIGIN } from '../journals.ts';
import { asBytes, newSigner, openTestLog, recordRequest } from '../logs.ts';

type Cleaning = { after(done: () => void): void };

const VKEY = encodeVerifierKey(LOG_KEY.verifier, NOTE_KEY_TYPE.ed25519);
const log = (...args: readonly string[]): Promise<CliResult> => sealward(['log', ...args]);
const json = ({ stdout }: CliResult): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;

/** A log of so many decisions, with a checkpoint after each of the sizes asked for. */
async function decisions(t: Cleaning, count: number): Promise<{ readonly folder: string; readonly early: string }> {
  const folder = newFolder(t);
  const decided = await openDecisionLog({
    place: folder,
    origin: ORIGIN,
    keys: [LOG_KEY],
    create: true,
    mode: 'strict',
    failed: (error) => assert.fail(error),
    pace: { signAfterMs: undefined },
  });
  await Promise.all(
    Array.from({ length: count }, (_, i) =>
      decided.record({ outcome: i % 4 ? 'allow' : 'deny', body: canonicalJson({ image: `app:${i}` }), sameAs: `${i % 50}` }),
    ),
  );
  const early = join(newFolder(t), 'early');
  writeFileSync(early, (await decided.journal.sign())?.note ?? '');
  await Promise.all(Array.from({ length: count }, (_, i) => decided.record({ outcome: 'deny', body: canonicalJson({ image: `lib:${i}` }) })));
  await decided.close();
  return { folder, early };
}

async function serve(t: Cleaning, answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serveFolder = (t: Cleaning, folder: string): Promise<string> =>
  serve(t, (request, response) => {
    const path = join(folder, new URL(request.url ?? '/', 'http://log.test').pathname);
    if (existsSync(path) && statSync(path).isFile()) response.end(readFileSync(path));
    else response.writeHead(404).end();
  });

describe('sealward log', () => {
  it('verifies the decisions of an agent, proves one, and proves that nothing was lost since', async (t) => {
    const { folder, early } = await decisions(t, 700);
    const verified = await log('verify', '--log-key', VKEY, '--decisions', '--since', early, folder);
    assert.equal(verified.code, 0, verified.stderr + verified.stdout);
    const answer = json(verified);
    assert.equal(answer['outcome'], 'verified');
    assert.deepEqual(answer['decisions'], { allow: 50, deny: 875, repeated: 475, lost: 0, runs: 1, cutOff: 0 });
    const proof = join(newFolder(t), '5.tlog-proof');
    const proven = await log('prove', '--log-key', VKEY, folder, '5');
    assert.equal(proven.code, 0, proven.stderr);
    writeFileSync(proof, proven.stdout);
    const offline = await log('verify', '--log-key', VKEY, proof);
    assert.equal(offline.code, 0, offline.stdout);
    assert.match(String(json(offline)['entry']), /"kind":"decision"/);
    writeFileSync(proof, proven.stdout.replace('index 5', 'index 6'));
    const moved = await log('verify', '--log-key', VKEY, proof);
    assert.deepEqual([moved.code, json(moved)['code']], [1, 'LOG_PROOF_INVALID']);
    const continuity = await log('prove-continuity', '--log-key', VKEY, '--since', early, folder);
    assert.equal(continuity.code, 0);
    assert.ok((json(continuity)['proof'] as string[]).length > 0);
    const text = await log('verify', '--log-key', VKEY, '--output', 'text', folder);
    assert.match(text.stdout, /^outcome +verified/m);
  });

  it('finds an entry by its bytes, and reads the key from a file', async (t) => {
    const folder = newFolder(t);
    const journal = await openTestJournal(folder);
    for (let i = 0; i < 300; i++) journal.add(utf8(`entry ${i}`));
    await journal.close();
    const [entry, missing, key] = ['entry', 'missing', 'log.vkey'].map((name) => join(newFolder(t), name)) as [string, string, string];
    writeFileSync(entry, 'entry 299');
    writeFileSync(missing, 'entry 300');
    writeFileSync(key, `${VKEY}\n`);
    const found = await log('prove', '--log-key', key, '--entry', entry, folder);
    assert.match(found.stdout, /^index 299$/m);
    assert.equal((await log('prove', '--log-key', key, '--entry', missing, folder)).code, 11);
    assert.equal((await log('prove', '--log-key', key, folder, '300')).code, 11);
    assert.equal((await log('prove', '--log-key', key, folder, '-1')).code, 2);
    assert.equal((await log('prove', '--log-key', key, folder)).code, 2);
  });

  it('says what is wrong with a log that was changed, cut off or put back', async (t) => {
    const { folder, early } = await decisions(t, 300);
    const verify = (place: string, ...more: readonly string[]): Promise<CliResult> => log('verify', '--log-key', VKEY, '--decisions', ...more, place);
    const bundle = 'tile/entries/000';
    const damage: readonly (readonly [code: string, file: string, change: (bytes: Buffer) => Buffer | undefined])[] = [
      ['LOG_TREE_INVALID', bundle, (bytes) => Buffer.concat([bytes.subarray(0, 40), Buffer.of((bytes[40] as number) ^ 1), bytes.subarray(41)])],
      ['LOG_TREE_INVALID', bundle, (bytes) => bytes.subarray(0, -1)],
      ['LOG_TREE_INVALID', 'tile/0/000', (bytes) => Buffer.concat([Buffer.of((bytes[0] as number) ^ 1), bytes.subarray(1)])],
      ['LOG_TREE_INVALID', 'tile/0/000', () => undefined],
      ['LOG_TREE_INVALID', 'tile/0/000', (bytes) => Buffer.concat([bytes, bytes])],
      ['CHECKPOINT_INVALID', 'checkpoint', (bytes) => Buffer.from(bytes.toString().replace(/\n\d+\n/, '\n7\n'))],
      ['CHECKPOINT_INVALID', 'checkpoint', (bytes) => bytes.subarray(0, 20)],
      ['LOG_UNKNOWN', 'checkpoint', (bytes) => Buffer.from(bytes.toString().replaceAll(ORIGIN, 'log.other'))],
    ];
    for (const [i, [code, file, change]] of damage.entries()) {
      const copy = newFolder(t);
      cpSync(folder, copy, { recursive: true });
      const bytes = change(readFileSync(join(copy, file)));
      if (bytes) writeFileSync(join(copy, file), bytes);
      else writeFileSync(join(copy, file), '');
      const answer = await verify(copy);
      assert.deepEqual([answer.code, json(answer)['code']], [1, code], `damage ${i}: ${answer.stdout}`);
    }
    assert.equal((await verify(folder)).code, 0);
    // The log as it was when the early checkpoint was signed, and another one of that size.
    const later = join(newFolder(t), 'later');
    cpSync(join(folder, 'checkpoint'), later);
    const back = newFolder(t);
    cpSync(folder, back, { recursive: true });
    cpSync(early, join(back, 'checkpoint'));
    const put = await verify(back, '--since', later);
    assert.deepEqual([put.code, json(put)['code']], [1, 'LOG_INCONSISTENT']);
    const { size } = parseCheckpoint(parseNote(readFileSync(early, 'utf8')));
    const forked = join(newFolder(t), 'forked');
    writeFileSync(forked, await signNote(encodeCheckpoint({ origin: ORIGIN, size, root: sha256(utf8('another')) }), [LOG_KEY]));
    for (const action of ['verify', 'prove-continuity']) {
      const fork = await log(action, '--log-key', VKEY, '--since', forked, folder);
      assert.deepEqual([fork.code, json(fork)['code']], [1, 'LOG_INCONSISTENT'], action);
    }
    // Tiles that say what was never there, under a checkpoint that is true.
    const stranger = encodeVerifierKey(noteKey(ORIGIN).verifier, NOTE_KEY_TYPE.ed25519);
    assert.equal(json(await log('verify', '--log-key', stranger, folder))['code'], 'CHECKPOINT_INVALID');
    assert.equal((await log('verify', folder)).code, 2, 'nobody says whose log it is');
    assert.equal((await log('verify', '--log-key', VKEY, join(folder, 'nowhere'))).code, 2);
    assert.equal((await log('vrify', folder)).code, 2);
  });

  it('exports a log from a server as files, which verify like the log', async (t) => {
    const { folder, early } = await decisions(t, 400);
    const url = await serveFolder(t, folder);
    const out = join(newFolder(t), 'copy');
    const exported = await log('export', '--log-key', VKEY, url, out);
    assert.equal(exported.code, 0, exported.stderr + exported.stdout);
    const copy = await log('verify', '--log-key', VKEY, '--decisions', '--since', early, out);
    assert.equal(copy.code, 0, copy.stdout);
    for (const file of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
      if (statSync(join(out, file)).isFile()) assert.deepEqual(readFileSync(join(out, file)), readFileSync(join(folder, file)), file);
    }
    assert.equal((await log('export', '--log-key', VKEY, url, out)).code, 2, 'nothing is overwritten');
  });

  it('is not told what a hostile server wants, and does not wait for it', async (t) => {
    const { folder } = await decisions(t, 100);
    const checkpoint = readFileSync(join(folder, 'checkpoint'));
    const answers: readonly (readonly [exit: number, answer: (response: ServerResponse, path: string) => void])[] = [
      [4, (response) => response.writeHead(500).end()],
      [2, (response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end()],
      [11, (response) => response.writeHead(404).end()],
      [1, (response) => response.end(Buffer.alloc(2 * 1024 * 1024, 'x'))],
      [1, (response, path) => response.end(path === '/checkpoint' ? checkpoint : Buffer.alloc(20 * 1024 * 1024))],
      [1, (response, path) => response.end(path === '/checkpoint' ? checkpoint : '')],
      [4, (response, path) => (path === '/checkpoint' ? response.end(checkpoint) : response.destroy())],
    ];
    for (const [i, [exit, answer]] of answers.entries()) {
      const url = await serve(t, (request, response) => answer(response, request.url ?? ''));
      const { code, stdout, stderr } = await log('verify', '--log-key', VKEY, '--timeout', '20s', url);
      assert.equal(code, exit, `answer ${i}: ${stdout}${stderr}`);
    }
  });

  it('reads a Rekor v2 log, and tells who signed: each match once, and again when it could not be written', async (t) => {
    const rekor = await openTestLog(newFolder(t));
    t.after(() => rekor.close());
    const [mine, other] = [newSigner('ecdsa-p256'), newSigner('ecdsa-p256')];
    const submit = async (text: string, signer = mine): Promise<void> => {
      await rekor.submit(asBytes(await recordRequest(utf8(text), sha256(utf8(text)), signer)));
    };
    const vkey = encodeVerifierKey(noteVerifier(rekor.origin, NOTE_KEY_TYPE.ed25519, rekor.key), NOTE_KEY_TYPE.ed25519);
    const url = await serve(t, (request, response) => {
      const path = new URL(request.url ?? '/', 'http://log.test').pathname;
      const route = rekor.routes.find(
        ({ method, path: known }) => method === 'GET' && (known === path || (known.endsWith('/*') && path.startsWith(known.slice(0, -1)))),
      );
      const params = { '*': path.slice((route?.path.length ?? 1) - 1) };
      if (!route || !path.startsWith('/api/v2/')) return void response.writeHead(404).end();
      route.answer({ params, query: new URLSearchParams(), headers: {}, body: new Uint8Array(), remote: '', signal: new AbortController().signal }).then(
        ({ status, headers, body }) => response.writeHead(status, headers).end(body),
        () => response.writeHead(404).end(),
      );
    });
    await submit('one');
    const folder = newFolder(t);
    const [state, key] = [join(folder, 'seen.json'), join(folder, 'mine.pub')];
    writeFileSync(key, encodePublicKeyPem(mine.publicKey()));
    const watch = (...more: readonly string[]): Promise<CliResult> => log('watch', '--log-key', vkey, '--state', state, '--key', key, ...more, url);
    const began = await watch();
    assert.deepEqual([began.code, json(began)['began']], [0, true], began.stderr);
    for (const text of ['two', 'three']) await submit(text);
    await submit('four', other);
    const before = readFileSync(state, 'utf8');
    const told = await watch();
    assert.deepEqual(
      told.stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { index: string }).index),
      ['1', '2'],
    );
    assert.equal(json(await watch())['matches'], 0);
    // Whoever died between reading and writing is told again.
    writeFileSync(state, before);
    assert.equal((await watch()).stdout, told.stdout);
    assert.equal((await watch('--consistency')).code, 0);
    writeFileSync(state, before.replace(/"root":"[^"]*"/, `"root":"${Buffer.alloc(32).toString('base64')}"`));
    const changed = await watch();
    assert.deepEqual([changed.code, json(changed)['code']], [1, 'LOG_INCONSISTENT']);
    assert.match(readFileSync(state, 'utf8'), /"root":"A{43}="/, 'the state stays where it was');
    writeFileSync(state, '{}');
    assert.equal((await watch()).code, 2);
    assert.equal((await log('verify', '--log-key', vkey, url)).code, 0);
    assert.equal((await log('watch', '--log-key', vkey, '--state', state, url)).code, 2, 'nothing to watch for');
  });
});
