import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ed25519ph } from '@noble/curves/ed25519.js';
import { preAuthEncoding } from '../../core/bundle/index.ts';
import { hash, type HashName, parseEd25519PublicKey, sha256 } from '../../core/crypto/index.ts';
import { decodeBase64, decodeUtf8, encodeBase64, encodeBase64Url, utf8 } from '../../core/encoding/index.ts';
import { entryMatches, parseEntryBody, parseEntryBundle, parseHashTile, parseLogEntry, parseNote, verifyEntryInclusion } from '../../core/tlog/index.ts';
import { keySigner } from '../../clients/signers/index.ts';
import { createTestAuthority, TEST_NOW } from '../../testing/index.ts';
import { asBytes, asTrusted, newEntry, newFolder, newSigner, openTestLog, recordRequest, verifierOf, verifyAnswer } from '../../../test/logs.ts';
import { askRoute } from '../../../test/routes.ts';
import { readEntryRequest } from './entry-request.ts';

const MESSAGE = utf8('what was signed');
const signer = newSigner('ecdsa-p256');
const DIGEST = sha256(MESSAGE);
const request = await recordRequest(MESSAGE, DIGEST, signer);
const rules = { envelopesAs: 'hashedrekord' } as const;
type Fields = Record<string, unknown>;
const record = request['hashedRekordRequestV002'] as { digest: string; signature: { content: string; verifier: Fields } };
const body = (value: unknown): string => decodeUtf8(readEntryRequest(asBytes(value), rules).body, 'the body');
const refuses = (value: unknown, code: string): void => assert.throws(() => readEntryRequest(asBytes(value), rules), { code });

describe('a request for an entry', () => {
  it('becomes the bytes that Rekor makes of it', () => {
    const spki = encodeBase64(signer.publicKey().spki);
    assert.equal(
      body(request),
      `{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":"${record.digest}"},` +
        `"signature":{"content":"${record.signature.content}","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":"${spki}"}}}}}}`,
    );
  });

  it('is read in every spelling of proto3 JSON, and always becomes the same bytes', () => {
    const url = (text: string): string => encodeBase64Url(decodeBase64(text));
    const { digest, signature } = record;
    const spki = encodeBase64(signer.publicKey().spki);
    const spellings: unknown[] = [
      { hashed_rekord_request_v002: { digest, signature: { content: signature.content, verifier: { public_key: { raw_bytes: spki }, key_details: 5 } } } },
      {
        hashedRekordRequestV002: {
          digest: url(digest),
          signature: { content: url(signature.content), verifier: { publicKey: { rawBytes: url(spki) }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' } },
        },
      },
      {
        dsseRequestV002: null,
        hashedRekordRequestV002: {
          signature: { verifier: { ...signature.verifier, x509Certificate: null }, content: signature.content },
          digest: digest.replace(/=+$/, ''),
        },
      },
    ];
    for (const spelling of spellings) assert.equal(body(spelling), body(request));
  });

  it('is taken for each algorithm of Rekor, with the hash that belongs to it', async () => {
    const hashes: Record<string, HashName> = {
      'ecdsa-p256': 'sha256',
      'ecdsa-p384': 'sha384',
      'ecdsa-p521': 'sha512',
      rsa2048: 'sha256',
      rsa3072: 'sha256',
      rsa4096: 'sha256',
    };
    for (const [kind, name] of Object.entries(hashes)) {
      const digest = hash(name, MESSAGE);
      assert.match(body(await recordRequest(MESSAGE, digest, newSigner(kind as 'ecdsa-p256'))), new RegExp(`"algorithm":"SHA2_${name.slice(3)}"`), kind);
    }
    const { secretKey, publicKey } = ed25519ph.keygen();
    const prehashed = await recordRequest(MESSAGE, hash('sha512', MESSAGE), signer);
    const { signature } = prehashed['hashedRekordRequestV002'] as typeof record;
    signature.content = encodeBase64(ed25519ph.sign(MESSAGE, secretKey));
    signature.verifier = { publicKey: { rawBytes: encodeBase64(parseEd25519PublicKey(publicKey).spki) }, keyDetails: 'PKIX_ED25519_PH' };
    assert.match(body(prehashed), /"algorithm":"SHA2_512".*PKIX_ED25519_PH/);
  });

  it('names a certificate instead of a key', async () => {
    const { der, key } = createTestAuthority({ now: () => TEST_NOW }).issue();
    const by = keySigner(key.privateKey);
    const entry = await recordRequest(MESSAGE, DIGEST, by);
    const { signature } = entry['hashedRekordRequestV002'] as { signature: { verifier: Fields } };
    signature.verifier = { x509Certificate: { rawBytes: encodeBase64(der) }, keyDetails: by.algorithm.keyDetails };
    assert.match(body(entry), /"verifier":\{"keyDetails":"PKIX_ECDSA_P256_SHA_256","x509Certificate":\{"rawBytes":"/);
  });

  it('for an envelope becomes an entry about what the envelope signs, or Rekor’s former one where that is wanted', async () => {
    const payload = utf8('{"_type":"https://in-toto.io/Statement/v1"}');
    const type = 'application/vnd.in-toto+json';
    const signed = preAuthEncoding(type, payload);
    const sig = await signer.sign(signed);
    const envelope = { payload: encodeBase64(payload), payloadType: type, signatures: [{ sig: encodeBase64(sig), keyid: '' }] };
    const asked = { dsseRequestV002: { envelope, verifiers: [verifierOf(signer)] } };
    const claims = (['hashedrekord', 'dsse'] as const).map((envelopesAs) => {
      const entry = readEntryRequest(asBytes(asked), { envelopesAs });
      assert.equal(entry.kind, envelopesAs);
      return parseEntryBody({ kind: entry.kind, version: '0.0.2', canonicalizedBody: entry.body });
    });
    for (const claim of claims) {
      const digestOf = (bytes: Uint8Array) => (name: HashName) => hash(name, bytes);
      const verifier = { kind: 'publicKey', der: signer.publicKey().spki } as const;
      assert.deepEqual(entryMatches(claim, { signature: sig, verifier, signed: digestOf(signed), payload: digestOf(payload), payloadType: type }), {
        ok: true,
      });
    }
    refuses({ dsseRequestV002: { envelope: { ...envelope, payload: encodeBase64(utf8('{}')) }, verifiers: [verifierOf(signer)] } }, 'ERR_ENTRY_REFUSED');
    refuses(
      { dsseRequestV002: { envelope: { ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] }, verifiers: [verifierOf(signer)] } },
      'ERR_REQUEST_INVALID',
    );
    refuses({ dsseRequestV002: { envelope, verifiers: [] } }, 'ERR_REQUEST_INVALID');
    refuses({ dsseRequestV002: { envelope, verifiers: [verifierOf(signer), verifierOf(newSigner('ecdsa-p256'))] } }, 'ERR_REQUEST_INVALID');
  });

  it('is refused when the signature, the digest, the key or the algorithm is another', async () => {
    const with_ = (change: (copy: typeof record) => void): unknown => {
      const copy = structuredClone(record);
      change(copy);
      return { hashedRekordRequestV002: copy };
    };
    const other = newSigner('ecdsa-p256');
    refuses(
      with_((copy) => (copy.digest = encodeBase64(sha256(utf8('another'))))),
      'ERR_ENTRY_REFUSED',
    );
    refuses(
      with_((copy) => (copy.signature.verifier = verifierOf(other))),
      'ERR_ENTRY_REFUSED',
    );
    refuses(
      with_((copy) => (copy.signature.verifier['keyDetails'] = 'PKIX_ECDSA_P384_SHA_384')),
      'ERR_ENTRY_REFUSED',
    );
    refuses(
      with_((copy) => (copy.digest = encodeBase64(hash('sha384', MESSAGE)))),
      'ERR_REQUEST_INVALID',
    );
    refuses(
      with_((copy) => (copy.signature.verifier['keyDetails'] = 'PKIX_ED25519')),
      'ERR_REQUEST_INVALID',
    );
    refuses(await recordRequest(MESSAGE, hash('sha512', MESSAGE), newSigner('ed25519')), 'ERR_REQUEST_INVALID');
    const p384 = newSigner('ecdsa-p384');
    const mixed = await recordRequest(MESSAGE, DIGEST, p384);
    (mixed['hashedRekordRequestV002'] as typeof record).signature.verifier['keyDetails'] = 'PKIX_ECDSA_P256_SHA_256';
    refuses(mixed, 'ERR_ENTRY_REFUSED');
  });

  it('CVE-2023-33199, CVE-2026-23831: with a field that is null, missing or of a wrong type, one at a time, it is refused and nothing breaks', () => {
    let count = 0;
    const wreck = (value: unknown, rebuild: (value: unknown) => unknown): void => {
      for (const bad of [null, undefined, 7, '', [], {}, true, 'x'.repeat(9)]) {
        count++;
        assert.throws(
          () => readEntryRequest(asBytes(rebuild(bad) ?? null), rules),
          (error: { http?: number }) => error.http === 400,
        );
      }
      if (typeof value !== 'object' || value === null) return;
      for (const [name, member] of Object.entries(value)) wreck(member, (changed) => rebuild({ ...value, [name]: changed }));
    };
    wreck(request, (value) => value);
    assert.ok(count > 60);
    refuses({ ...request, more: 1 }, 'ERR_REQUEST_INVALID');
    refuses({ ...request, dsseRequestV002: { envelope: {}, verifiers: [] } }, 'ERR_REQUEST_INVALID');
    assert.throws(() => readEntryRequest(utf8('{"hashedRekordRequestV002":{},"hashedRekordRequestV002":{}}'), rules), { code: 'ERR_JSON_INVALID' });
  });

  it('CVE-2023-30551: is bounded by what it asks for', () => {
    const padded = `${JSON.stringify(request)}${' '.repeat(64 * 1024)}`;
    assert.throws(() => readEntryRequest(utf8(padded), rules), { code: 'ERR_TOO_LARGE' });
    refuses({ dsseRequestV002: { envelope: 'x'.repeat(4 * 1024 * 1024), verifiers: [] } }, 'ERR_TOO_LARGE');
  });
});

describe('the log of signatures', () => {
  it('answers with a proof under a checkpoint that is signed, to everybody at once', async (t) => {
    const log = await openTestLog(newFolder(t), { besides: [newSigner('ml-dsa-44')] });
    t.after(() => log.close());
    const requests = await Promise.all(
      Array.from({ length: 300 }, async (_, i) => asBytes(await recordRequest(utf8(`message ${i}`), sha256(utf8(`message ${i}`)), signer))),
    );
    const answers = await Promise.all(requests.map((one) => log.submit(one)));
    const indexes = answers.map((answer) => {
      const verdict = verifyAnswer(log, answer);
      assert.ok(verdict.ok, 'detail' in verdict ? verdict.detail : '');
      return parseLogEntry(JSON.parse(answer)).logIndex;
    });
    assert.deepEqual(
      indexes.toSorted((a, b) => Number(a - b)),
      Array.from({ length: 300 }, (_, i) => BigInt(i)),
    );
    assert.equal(parseNote(log.tiles.checkpoint() as string).signatures.length, 2);
    assert.deepEqual(log.health(), { ready: true, size: 300n, waiting: 0 });
  });

  it('CVE-2026-56865: whatever byte of an answer is changed, it proves nothing any more; what others signed below changes nothing', async (t) => {
    const log = await openTestLog(newFolder(t));
    t.after(() => log.close());
    for (let i = 0; i < 5; i++) await log.add(newEntry(`${i}`));
    const answer = await log.submit(asBytes(request));
    const entry = parseLogEntry(JSON.parse(answer));
    const proof = entry.inclusionProof as NonNullable<typeof entry.inclusionProof>;
    const verifies = (change: Partial<typeof entry>): boolean => verifyEntryInclusion({ ...entry, ...change }, asTrusted(log)).ok;
    const flipped = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((octet, i) => (i === at ? octet ^ (1 << (at % 8)) : octet));
    assert.ok(verifies({}));
    for (let at = 0; at < entry.canonicalizedBody.length; at++)
      assert.ok(!verifies({ canonicalizedBody: flipped(entry.canonicalizedBody, at) }), `byte ${at} of the body`);
    for (const [i, hash] of proof.hashes.entries()) {
      for (let at = 0; at < hash.length; at++) {
        const hashes = proof.hashes.map((one, place) => (place === i ? flipped(one, at) : one));
        assert.ok(!verifies({ inclusionProof: { ...proof, hashes } }), `byte ${at} of hash ${i}`);
      }
    }
    const note = utf8(proof.checkpoint ?? '');
    for (let at = 0; at < note.length; at++) {
      const checkpoint = new TextDecoder().decode(flipped(note, at));
      assert.ok(!verifies({ inclusionProof: { ...proof, checkpoint } }), `byte ${at} of the checkpoint`);
    }
    for (const index of [0n, 4n, 6n]) assert.ok(!verifies({ logIndex: index, inclusionProof: { ...proof, logIndex: index } }));
    // Grease: lines of keys that nobody knows.
    const greased = `${proof.checkpoint}\u2014 log.example ${encodeBase64(new Uint8Array(68).fill(7))}\n\u2014 somebody.example ${encodeBase64(new Uint8Array(9))}\n`;
    assert.ok(verifies({ inclusionProof: { ...proof, checkpoint: greased } }));
  });

  it('answers a duplicate with the same index and a fresh proof', async (t) => {
    const log = await openTestLog(newFolder(t));
    t.after(() => log.close());
    const [first, twin] = await Promise.all([log.submit(asBytes(request)), log.submit(asBytes(request))]);
    await log.submit(asBytes(await recordRequest(utf8('other'), sha256(utf8('other')), signer)));
    const again = await log.submit(asBytes(request));
    for (const answer of [first, twin, again]) {
      assert.equal(parseLogEntry(JSON.parse(answer)).logIndex, 0n);
      assert.ok(verifyAnswer(log, answer).ok);
    }
    assert.equal(parseLogEntry(JSON.parse(again)).inclusionProof?.treeSize, 2n);
  });

  it('verifies in threads, and says the same there', async (t) => {
    const log = await openTestLog(newFolder(t), { threads: 2 });
    t.after(() => log.close());
    const bad = asBytes({ hashedRekordRequestV002: { ...record, digest: encodeBase64(sha256(utf8('another'))) } });
    const outcomes = await Promise.allSettled(Array.from({ length: 200 }, (_, i) => log.submit(i % 2 === 0 ? asBytes(request) : bad)));
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 100);
    const [, refused] = outcomes as [unknown, PromiseRejectedResult];
    assert.equal(refused.reason.code, 'ERR_ENTRY_REFUSED');
    assert.equal(log.health().size, 1n);
  });

  it('serves checkpoint, tiles and entries under the paths of Rekor and under the plain ones', async (t) => {
    const log = await openTestLog(newFolder(t));
    t.after(() => log.close());
    await assert.rejects(askRoute(log.routes, 'GET', '/checkpoint'), { code: 'ERR_NOT_FOUND' });
    for (let i = 0; i < 3; i++) await log.submit(asBytes(await recordRequest(utf8(`${i}`), sha256(utf8(`${i}`)), signer)));
    for (const prefix of ['', '/api/v2']) {
      const note = await askRoute(log.routes, 'GET', `${prefix}/checkpoint`);
      assert.equal(note.headers['content-type'], 'text/plain; charset=utf-8');
      assert.match(note.text, /^log\.example\n3\n/);
      const tile = await log.routes.find(({ path }) => path === `${prefix}/tile/*`)?.answer({ params: { '*': '0/000.p/3' } } as never);
      assert.equal(parseHashTile(tile?.body as Uint8Array, 3).length, 3);
      const bundle = await log.routes.find(({ path }) => path === `${prefix}/tile/*`)?.answer({ params: { '*': 'entries/000.p/2' } } as never);
      assert.equal(parseEntryBundle(bundle?.body as Uint8Array, 2).length, 2);
    }
    const read = (path: string): Promise<unknown> =>
      log.routes.find((route) => route.path === '/tile/*')?.answer({ params: { '*': path } } as never) as Promise<unknown>;
    for (const path of ['0/000', '0/000.p/4', '1/000.p/1', 'entries/001', '63/000', `0/${'x999/'.repeat(5)}999`])
      await assert.rejects(read(path), { code: 'ERR_NOT_FOUND' }, path);
    for (const path of ['', '0', '0/0', '00/000', '0/000.p/0', '0/000.p/256', '64/000', 'entries/000.p/01', '../../log.db', '0/x000/001']) {
      await assert.rejects(read(path), { code: 'ERR_LOG_FORMAT' }, path);
    }
  });

  it('takes nothing any more once it is frozen, also after a start, and is still read', async (t) => {
    const folder = newFolder(t);
    const key = newSigner();
    const log = await openTestLog(folder, { signer: key });
    await log.submit(asBytes(request));
    await log.freeze();
    await assert.rejects(log.submit(asBytes(request)), { code: 'ERR_LOG_FROZEN', http: 405 });
    await log.close();
    const again = await openTestLog(folder, { signer: key });
    t.after(() => again.close());
    await assert.rejects(again.submit(asBytes(request)), { code: 'ERR_LOG_FROZEN' });
    assert.match(again.tiles.checkpoint() as string, /^log\.example\n1\n/);
  });

  it('turns away whom it has no room for, and takes them later', async (t) => {
    const log = await openTestLog(newFolder(t), { pace: { outstanding: 8 } });
    t.after(() => log.close());
    const requests = await Promise.all(Array.from({ length: 20 }, async (_, i) => asBytes(await recordRequest(utf8(`${i}`), sha256(utf8(`${i}`)), signer))));
    const outcomes = await Promise.allSettled(requests.map((one) => log.submit(one)));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    assert.equal(refused.length, 12);
    assert.ok(refused.every(({ reason }) => reason.code === 'ERR_LOG_BUSY' && reason.http === 503));
    await Promise.all(requests.slice(8, 12).map((one) => log.submit(one)));
    assert.equal(log.health().size, 12n);
  });
});
