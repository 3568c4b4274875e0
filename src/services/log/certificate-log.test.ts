/** The authority's certificate log: its promises verify with the embedded certificate, and its tree with what it serves. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCertificate, sha256 } from '../../core/crypto/index.ts';
import { equalBytes } from '../../core/encoding/index.ts';
import {
  computeRoot,
  leafHash,
  NOTE_KEY_TYPE,
  noteVerifier,
  parseCheckpoint,
  parseNote,
  parseSctList,
  precertificateTbs,
  sctSignedBytes,
  verifyNote,
  verifySct,
} from '../../core/tlog/index.ts';
import { bench, MAINTAINER, requestFor } from '../../../test/certificate-authority.ts';
import { neverFails, newFolder, newSigner } from '../../../test/logs.ts';
import { type CertificateTransparencyLog, openCertificateLog } from './certificate-log.ts';
import { certificateLeafOf } from './certificate-entry.ts';
import { inFolder } from './folder-store.ts';

const ORIGIN = 'ct.example/2026';
const SCT_LIST = '1.3.6.1.4.1.11129.2.4.2';
const signer = newSigner('ecdsa-p256');

function open(folder: string): Promise<CertificateTransparencyLog> {
  return openCertificateLog({
    origin: ORIGIN,
    signer,
    store: inFolder(folder),
    failed: neverFails,
    now: () => Date.UTC(2026, 0, 15, 12),
    url: 'https://ct.example/2026/',
  });
}

async function read(log: CertificateTransparencyLog, path: string, params: Record<string, string> = {}): Promise<Uint8Array> {
  const route = log.routes.find((one) => one.path === path);
  const { body } = (await route?.answer({ params } as never)) ?? {};
  return typeof body === 'string' ? new TextEncoder().encode(body) : (body as Uint8Array);
}

describe('a certificate log', () => {
  it('promises what stands in its tree already, at the index that the promise names', async (t) => {
    const log = await open(newFolder(t));
    t.after(() => log.close());
    const { authority, tokens, made } = bench({}, { log });
    const issuer = parseCertificate(made.intermediate.der);
    const leaves: Uint8Array[] = [];
    for (let i = 0; i < 3; i++) {
      const [certificate] = await authority.issue(requestFor(await tokens.token('user 7', { claims: MAINTAINER })));
      assert.ok(certificate);
      const [sct] = parseSctList(certificate.extensions.find(({ oid }) => oid === SCT_LIST)?.value ?? new Uint8Array());
      assert.ok(sct && verifySct(sct, certificate, issuer, log).ok);
      assert.deepEqual(sct.extensions, Uint8Array.of(0, 0, 5, 0, 0, 0, 0, i));
      // MerkleTreeLeaf is what is signed but for its second octet, which says that it is signed.
      const leaf = sctSignedBytes(sct, precertificateTbs(certificate), sha256(issuer.spki));
      leaves.push(leafHash(Uint8Array.from(leaf, (octet, at) => (at === 1 ? 0 : octet))));
    }
    const note = parseNote(await read(log, '/checkpoint'));
    const checkpoint = parseCheckpoint(note);
    assert.deepEqual([checkpoint.origin, checkpoint.size], [ORIGIN, 3n]);
    assert.deepEqual(checkpoint.root, computeRoot(leaves));
    assert.ok(verifyNote(note, [noteVerifier(ORIGIN, NOTE_KEY_TYPE.treeHead, log.key)]).ok);
    const tile = await read(log, '/tile/*', { '*': '0/000.p/3' });
    assert.ok(leaves.every((leaf, i) => equalBytes(leaf, tile.subarray(i * 32, (i + 1) * 32))));
    const data = await read(log, '/tile/*', { '*': 'data/000.p/1' });
    assert.deepEqual(certificateLeafOf(data), leaves[0]);
    // The leaf ends with the hashes of the certificates above, each of which is served.
    const fingerprint = Buffer.from(data.subarray(data.length - 64, data.length - 32)).toString('hex');
    assert.deepEqual(await read(log, '/issuer/:fingerprint', { fingerprint }), issuer.raw);
    const description = JSON.parse(new TextDecoder().decode(await read(log, '/log.v3.json'))) as Record<string, unknown>;
    assert.equal(description['log_id'], Buffer.from(sha256(log.key.spki)).toString('base64'));
  });

  it('goes on after a start, and knows no other names for its files', async (t) => {
    const folder = newFolder(t);
    for (const expected of [1n, 2n]) {
      const log = await open(folder);
      const { authority, tokens } = bench({}, { log });
      await authority.issue(requestFor(await tokens.token('user 7', { claims: MAINTAINER })));
      assert.equal(log.tiles.size(), expected);
      for (const path of ['entries/000.p/1', 'data/000.p/0', 'data/0']) await assert.rejects(read(log, '/tile/*', { '*': path }), { code: 'ERR_LOG_FORMAT' });
      for (const fingerprint of ['0'.repeat(64), 'A'.repeat(64), '../log.db'])
        await assert.rejects(read(log, '/issuer/:fingerprint', { fingerprint }), { code: 'ERR_NOT_FOUND' });
      await log.close();
    }
  });

  it('signs with ECDSA P-256 and nothing else, and reads back no entry that is cut', async (t) => {
    await assert.rejects(
      openCertificateLog({ origin: ORIGIN, signer: newSigner(), store: inFolder(newFolder(t)), failed: neverFails, now: Date.now, url: 'https://ct.example/' }),
      { code: 'ERR_STATE_INVALID' },
    );
    const log = await open(newFolder(t));
    t.after(() => log.close());
    const { authority, tokens } = bench({}, { log });
    await authority.issue(requestFor(await tokens.token('user 7', { claims: MAINTAINER })));
    const data = await log.tiles.bundle(0n, 1);
    const signed = 10 + 32 + 3 + ((data[42] ?? 0) << 16) + ((data[43] ?? 0) << 8) + (data[44] ?? 0) + 2 + 8;
    for (let length = 0; length < signed; length += 7) assert.throws(() => certificateLeafOf(data.slice(0, length)), { code: 'ERR_LOG_FORMAT' });
    assert.throws(() => certificateLeafOf(data.map((octet, i) => (i === 9 ? 0 : octet))), { code: 'ERR_LOG_FORMAT' });
  });
});
