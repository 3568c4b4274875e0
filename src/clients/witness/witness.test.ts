import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { noteKey } from '../../../test/journals.ts';
import { sha256 } from '../../core/crypto/index.ts';
import { encodeHex, LIMITS, utf8 } from '../../core/encoding/index.ts';
import {
  computeRoot,
  consistencyProof,
  emptyRoot,
  encodeCheckpoint,
  encodeOfflineProof,
  encodeSubmission,
  encodeVerifierKey,
  inclusionProof,
  leafHash,
  NOTE_KEY_TYPE,
  type NoteKey,
  parseLogPolicy,
  parseOfflineProof,
  signNote,
  verifyOfflineProof,
  verifySignedCheckpoint,
} from '../../core/tlog/index.ts';
import { HttpClient } from '../http/index.ts';
import { askWitnesses, Witness, type WitnessedCheckpoint, type WitnessStore } from './index.ts';

const ORIGIN = 'log.example';
const LOG = noteKey(ORIGIN);
const LEAVES = Array.from({ length: 40 }, (_, i) => leafHash(utf8(`entry ${i}`)));
const note = (size: number, leaves = LEAVES, key: NoteKey = LOG): Promise<string> =>
  signNote(encodeCheckpoint({ origin: ORIGIN, size: BigInt(size), root: computeRoot(leaves.slice(0, size)) }), [key]);
const proofOf = (old: number, size: number): Uint8Array[] => (old === 0 || old === size ? [] : consistencyProof(LEAVES, BigInt(old), BigInt(size)));
const body = async (old: number, size: number, proof = proofOf(old, size), envelope?: string): Promise<Uint8Array> =>
  utf8(encodeSubmission({ old: BigInt(old), proof, envelope: envelope ?? (await note(size)) }));

function memoryStore(): WitnessStore & { readonly rows: Map<string, WitnessedCheckpoint> } {
  const rows = new Map<string, WitnessedCheckpoint>();
  return {
    rows,
    latest: async (origin) => rows.get(origin),
    async replace(origin, size, next) {
      if (rows.get(origin)?.size !== size) return false;
      rows.set(origin, next);
      return true;
    },
  };
}

const newWitness = (name = 'w.example', store = memoryStore()): { witness: Witness; keys: readonly NoteKey[]; store: ReturnType<typeof memoryStore> } => {
  const keys = [noteKey(name, NOTE_KEY_TYPE.cosignature), noteKey(name, NOTE_KEY_TYPE.subtree)];
  return { witness: new Witness({ logs: new Map([[ORIGIN, [LOG.verifier]]]), keys, store, clock: () => 1_700_000_000_000 }), keys, store };
};

describe('a witness', () => {
  it('cosigns what follows from what it cosigned, with both of its keys, and shows it', async () => {
    const { witness, keys } = newWitness();
    for (const [old, size] of [
      [0, 0],
      [0, 7],
      [7, 7],
      [7, 8],
      [8, 40],
    ] as const) {
      const answer = await witness.addCheckpoint(await body(old, size));
      assert.equal(answer.status, 200, `${old} to ${size}: ${answer.body}`);
      const shown = (await witness.latest(encodeHex(sha256(utf8(ORIGIN))))) ?? '';
      for (const { verifier } of keys) {
        const type = verifier.statement === 'subtree/v1' ? NOTE_KEY_TYPE.subtree : NOTE_KEY_TYPE.cosignature;
        const policy = parseLogPolicy(
          utf8(`log ${encodeVerifierKey(LOG.verifier, NOTE_KEY_TYPE.ed25519)}\nwitness w ${encodeVerifierKey(verifier, type)}\nquorum w\n`),
        );
        const verdict = verifySignedCheckpoint(shown, policy);
        assert.equal(verdict.ok && verdict.checkpoint.size, BigInt(size));
      }
    }
    assert.equal(await witness.latest(encodeHex(sha256(utf8('log.other')))), undefined);
  });

  it('answers as the protocol says, and remembers nothing of what it refuses', async () => {
    const { witness, store } = newWitness();
    await witness.addCheckpoint(await body(0, 7));
    const other = Array.from({ length: 40 }, (_, i) => leafHash(utf8(`other ${i}`)));
    const cases: readonly (readonly [status: number, body: Uint8Array])[] = [
      [
        404,
        await body(0, 1, [], await signNote(encodeCheckpoint({ origin: 'log.unknown', size: 1n, root: LEAVES[0] as Uint8Array }), [noteKey('log.unknown')])),
      ],
      [403, await body(7, 8, proofOf(7, 8), await note(8, LEAVES, noteKey(ORIGIN)))],
      [400, await body(8, 7, [])],
      [409, await body(0, 8)],
      [409, await body(6, 8)],
      [422, await body(7, 8, [])],
      [422, await body(7, 8, proofOf(6, 8))],
      [422, await body(7, 7, [], await note(7, other))],
      [422, await body(7, 9, proofOf(7, 9), await note(9, other))],
      [400, utf8('')],
      [400, utf8('old 07\n\n')],
      [400, utf8(`old 7\nnot base64\n\n${await note(8)}`)],
      [400, utf8(`new 7\n\n${await note(8)}`)],
      [413, new Uint8Array(LIMITS.submissionBytes + 1)],
      [400, new Uint8Array(LIMITS.submissionBytes)],
      [
        400,
        await body(
          7,
          40,
          Array.from({ length: 64 }, () => LEAVES[0] as Uint8Array),
        ),
      ],
      [
        400,
        await body(
          7,
          8,
          proofOf(7, 8),
          await signNote(`${encodeCheckpoint({ origin: ORIGIN, size: 8n, root: computeRoot(LEAVES.slice(0, 8)) })}more\n`, [LOG]),
        ),
      ],
    ];
    for (const [i, [status, bytes]] of cases.entries()) {
      const answer = await witness.addCheckpoint(bytes);
      assert.equal(answer.status, status, `case ${i}: ${answer.body}`);
      if (status === 409) assert.deepEqual([answer.contentType, answer.body], ['text/x.tlog.size', '7\n']);
    }
    assert.equal(store.rows.get(ORIGIN)?.size, 7n);
    const fresh = newWitness().witness;
    assert.equal((await fresh.addCheckpoint(await body(0, 8, [LEAVES[0] as Uint8Array]))).status, 422, 'a proof from nothing');
    const empty = await signNote(encodeCheckpoint({ origin: ORIGIN, size: 0n, root: new Uint8Array(32) }), [LOG]);
    assert.equal((await fresh.addCheckpoint(await body(0, 0, [], empty))).status, 422);
    assert.notDeepEqual(emptyRoot(), new Uint8Array(32));
  });

  it('never goes back, whoever comes between the look and the write', async () => {
    const store = memoryStore();
    const { witness } = newWitness('w.example', store);
    await witness.addCheckpoint(await body(0, 7));
    const both = await Promise.all([witness.addCheckpoint(await body(7, 20)), witness.addCheckpoint(await body(7, 30))]);
    assert.equal(both[0].status + both[1].status, 609);
    assert.equal(store.rows.get(ORIGIN)?.size, both[0].status === 200 ? 20n : 30n);
  });

  it('gives no cosignature that it cannot remember', async () => {
    const store = { ...memoryStore(), replace: () => Promise.reject(new Error('no space left')) };
    const { witness } = newWitness('w.example', store);
    await assert.rejects(witness.addCheckpoint(await body(0, 7)), /no space/);
  });
});

describe('asking witnesses', () => {
  type Respond = (body: Uint8Array) => Promise<{ readonly status: number; readonly contentType: string; readonly body: string | Uint8Array }>;

  async function serve(t: { after(done: () => void): void }, respond: Respond): Promise<string> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        void respond(Buffer.concat(parts)).then((answer) => response.writeHead(answer.status, { 'content-type': answer.contentType }).end(answer.body));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/w/`;
  }

  const policyOf = (witnesses: readonly (readonly [name: string, key: NoteKey, url: string])[], quorum: string): ReturnType<typeof parseLogPolicy> =>
    parseLogPolicy(
      utf8(
        `log ${encodeVerifierKey(LOG.verifier, NOTE_KEY_TYPE.ed25519)}\n${witnesses
          .map(([name, { verifier }, url]) => `witness ${name} ${encodeVerifierKey(verifier, NOTE_KEY_TYPE.cosignature)} ${url}\n`)
          .join('')}${quorum}\n`,
      ),
    );

  const ask = async (policy: ReturnType<typeof parseLogPolicy>, size: number, seen = new Map<string, bigint>()): ReturnType<typeof askWitnesses> => {
    const http = new HttpClient();
    return askWitnesses({
      http,
      policy,
      envelope: await note(size),
      prove: async (old) => proofOf(Number(old), size),
      seen,
      deadline: http.clock.now() + 5000,
    });
  };

  it('collects what verifies, catches up with what a witness has seen, and says who refused and why', async (t) => {
    const [one, two] = [newWitness('w1.example'), newWitness('w2.example')];
    const key = (from: typeof one): NoteKey => from.keys[0] as NoteKey;
    await two.witness.addCheckpoint(await body(0, 5));
    const policy = policyOf(
      [
        ['a', key(one), await serve(t, (bytes) => one.witness.addCheckpoint(bytes))],
        ['b', key(two), await serve(t, (bytes) => two.witness.addCheckpoint(bytes))],
        ['c', noteKey('w3.example', NOTE_KEY_TYPE.cosignature), await serve(t, async () => ({ status: 403, contentType: 'text/plain', body: 'no\u0007pe' }))],
      ],
      'group g 2 a b c\nquorum g',
    );
    const seen = new Map<string, bigint>();
    const first = await ask(policy, 8, seen);
    assert.deepEqual([first.met, [...first.cosigned].sort(), [...first.refused.keys()]], [true, ['a', 'b'], ['c']]);
    assert.match(first.refused.get('c')?.message ?? '', /status 403: no pe/);
    assert.equal(verifySignedCheckpoint(first.envelope, policy).ok, true);
    assert.deepEqual([...seen.values()], [8n, 8n]);
    const again = await ask(policy, 9, seen);
    assert.equal(again.met, true);
    // An entry, with the cosigned checkpoint, in one file.
    const proof = parseOfflineProof(
      utf8(encodeOfflineProof({ index: 3n, proof: inclusionProof(LEAVES.slice(0, 9), 3n), envelope: again.envelope, extra: utf8('entry 3') })),
    );
    assert.equal(verifyOfflineProof(proof, utf8('entry 3'), policy).ok, true);
    assert.equal(verifyOfflineProof(proof, utf8('entry 4'), policy).ok, false);
    const alone = { ...proof, envelope: await note(9) };
    const verdict = verifyOfflineProof(alone, utf8('entry 3'), policy);
    assert.equal(verdict.ok ? '' : verdict.reason, 'THRESHOLD_NOT_MET');
  });

  it('stops when a witness has seen more than this log has', async (t) => {
    const { witness, keys } = newWitness();
    await witness.addCheckpoint(await body(0, 20));
    const policy = policyOf([['a', keys[0] as NoteKey, await serve(t, (bytes) => witness.addCheckpoint(bytes))]], 'quorum a');
    await assert.rejects(ask(policy, 8), { code: 'ERR_LOG_ROLLED_BACK', message: /has seen 20 entries/ });
  });

  it('waits no longer than it has to for one that is slow, leaves it alone until it has answered, and hears what it said', async (t) => {
    const [quick, slow] = [newWitness('w1.example'), newWitness('w2.example')];
    await slow.witness.addCheckpoint(await body(0, 30));
    const asked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    let calls = 0;
    const url = await serve(t, async (bytes) => {
      calls++;
      asked.resolve();
      await release.promise;
      return slow.witness.addCheckpoint(bytes);
    });
    const policy = policyOf(
      [
        ['a', quick.keys[0] as NoteKey, await serve(t, (bytes) => quick.witness.addCheckpoint(bytes))],
        ['b', slow.keys[0] as NoteKey, url],
      ],
      'group g any a b\nquorum g',
    );
    const [busy, seen, http] = [new Set<string>(), new Map<string, bigint>(), new HttpClient()];
    const late = Promise.withResolvers<string>();
    const askFor = async (size: number): ReturnType<typeof askWitnesses> =>
      askWitnesses({
        http,
        policy,
        envelope: await note(size),
        prove: async (old) => proofOf(Number(old), size),
        seen,
        busy,
        deadline: http.clock.now() + 60_000,
        linger: 0,
        late: ({ code }) => late.resolve(code),
      });
    const first = askFor(8);
    await asked.promise;
    assert.deepEqual([(await first).met, (await first).cosigned, [...busy]], [true, ['a'], ['b']]);
    assert.match((await first).refused.get('b')?.message ?? '', /not answered in time/);
    const second = await askFor(9);
    assert.match(second.refused.get('b')?.message ?? '', /has not answered about an earlier checkpoint/);
    assert.deepEqual([second.met, calls], [true, 1]);
    release.resolve();
    assert.equal(await late.promise, 'ERR_LOG_ROLLED_BACK');
    assert.deepEqual([...busy], []);
    http.close();
  });

  it('takes nothing from a witness that lies', async (t) => {
    const { keys } = newWitness();
    const key = keys[0] as NoteKey;
    const stranger = newWitness('w.example');
    const lies: readonly Respond[] = [
      async () => ({ status: 200, contentType: 'text/plain', body: '' }),
      async () => ({ status: 200, contentType: 'text/plain', body: 'x'.repeat(100_000) }),
      (bytes) => stranger.witness.addCheckpoint(bytes),
      async () => ({ status: 409, contentType: 'text/x.tlog.size', body: '-1\n' }),
      async () => ({ status: 409, contentType: 'text/html', body: '5\n' }),
      async () => ({ status: 409, contentType: 'text/x.tlog.size', body: '5\n' }),
      async () => ({ status: 302, contentType: 'text/plain', body: '' }),
      async () => ({ status: 200, contentType: 'text/plain', body: Uint8Array.of(0xff, 0xfe) }),
    ];
    for (const [i, lie] of lies.entries()) {
      const { met, refused, envelope } = await ask(policyOf([['a', key, await serve(t, lie)]], 'quorum a'), 8);
      assert.deepEqual([met, refused.size, envelope === (await note(8))], [false, 1, true], `lie ${i}`);
    }
    const { refused } = await ask(parseLogPolicy(utf8(`witness a ${encodeVerifierKey(key.verifier, NOTE_KEY_TYPE.cosignature)}\nquorum a`)), 8);
    assert.match(refused.get('a')?.message ?? '', /no URL/);
  });
});
