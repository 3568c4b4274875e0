/** Log entries in evidence: whatever is of a trusted log is about this signature, and verifies. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answer, ARTIFACT, KEYLESS, proven } from '../../../test/judging.ts';
import { createTestKey, createTestRekorV1, createTestSigstore, type LogRequest, TEST_NOW } from '../../testing/index.ts';
import { encodeBase64, type JsonObject, utf8 } from '../encoding/index.ts';
import { keyAnchor } from '../trust/index.ts';
import type { SignatureFacts } from './index.ts';

const sigstore = createTestSigstore();
const { anchors, rekor, tiles } = sigstore;

function factsOf(question: Parameters<typeof proven>[0]): SignatureFacts {
  const [facts, ...more] = proven(question).signatures;
  assert.ok(facts && more.length === 0);
  return facts;
}

describe('the log entry', () => {
  const signer = sigstore.issue();
  const mine = sigstore.sign(ARTIFACT, { signer });
  type Bundle = { verificationMaterial: { tlogEntries: JsonObject[] } };

  function withEntry(entry: JsonObject, version: '0.1' | '0.3' = '0.3'): JsonObject {
    const bundle = structuredClone(version === '0.3' ? mine : sigstore.sign(ARTIFACT, { signer, version })) as JsonObject & Bundle;
    bundle.verificationMaterial.tlogEntries = [entry];
    return bundle;
  }
  const entryOf = (bundle: JsonObject): JsonObject => structuredClone((bundle as Bundle).verificationMaterial.tlogEntries[0]) as JsonObject;

  it('that is of a trusted log must be about this signature, and breaks what it is not about', () => {
    const others = {
      'another signature of the same key over the same bytes': entryOf(sigstore.sign(ARTIFACT, { signer })),
      'another artifact': entryOf(sigstore.sign(utf8('another artifact'), { signer })),
      'another signer': entryOf(sigstore.sign(ARTIFACT)),
    };
    for (const [what, entry] of Object.entries(others)) {
      assert.equal(answer({ anchors, evidence: withEntry(entry) }), 'LOG_ENTRY_MISMATCH', what);
      // Also where no entry is asked for at all: somebody put it there.
      assert.equal(answer({ anchors, evidence: withEntry(entry), requirement: { ...KEYLESS, logs: 0, undated: 'now' } }), 'LOG_ENTRY_MISMATCH', what);
    }
  });

  it('of the second generation names the algorithm, which must be the one that verifies', () => {
    const misnaming = {
      ...tiles,
      append: (request: LogRequest) => tiles.append({ ...request, algorithm: { ...request.algorithm, keyDetails: 'PKIX_ECDSA_P384_SHA_256' } }),
    };
    assert.equal(answer({ anchors, evidence: sigstore.sign(ARTIFACT, { logs: [tiles] }) }), 'VERIFIED');
    assert.equal(
      answer({ anchors, evidence: sigstore.sign(ARTIFACT, { logs: [misnaming], timestampAuthorities: [sigstore.timestampAuthority] }) }),
      'LOG_ENTRY_MISMATCH',
    );
  });

  it('comes with a promise or a proof, and whatever comes must verify', () => {
    const { inclusionPromise, inclusionProof, ...bare } = entryOf(mine);
    assert.ok(inclusionPromise && inclusionProof);
    const dated = { ...KEYLESS, undated: 'now' as const };
    const of = (entry: JsonObject, version: '0.1' | '0.3'): string => answer({ anchors, evidence: withEntry(entry, version), requirement: dated });
    const own = entryOf(sigstore.sign(ARTIFACT, { signer, version: '0.1' }));
    assert.equal(own['inclusionProof'] === undefined, false);
    assert.equal(of({ ...bare, inclusionProof }, '0.3'), 'VERIFIED');
    assert.equal(of({ ...bare, inclusionPromise }, '0.3'), 'LOG_PROOF_MISSING');
    assert.equal(of(bare, '0.3'), 'LOG_PROOF_MISSING');
    assert.equal(
      of({ ...bare, inclusionPromise: entryOf(sigstore.sign(ARTIFACT))['inclusionPromise'] as JsonObject, inclusionProof }, '0.3'),
      'LOG_PROMISE_INVALID',
    );
    assert.equal(
      of({ ...bare, inclusionPromise, inclusionProof: entryOf(sigstore.sign(ARTIFACT))['inclusionProof'] as JsonObject }, '0.3'),
      'LOG_PROOF_INVALID',
    );
  });

  it('of a v0.1 bundle may come with a promise alone, and its proof without a checkpoint proves nothing', () => {
    const bundle = sigstore.sign(ARTIFACT, { version: '0.1' }) as JsonObject & Bundle;
    const [entry] = bundle.verificationMaterial.tlogEntries as [JsonObject & { inclusionProof?: JsonObject }];
    const included = (): (boolean | undefined)[] => factsOf({ anchors, evidence: bundle }).entries.map((fact) => fact.included);
    assert.deepEqual(included(), [true]);
    delete entry.inclusionProof?.['checkpoint'];
    assert.deepEqual(included(), [false]);
    assert.equal(answer({ anchors, evidence: bundle }), 'VERIFIED');
    delete entry.inclusionProof;
    assert.deepEqual(included(), [false]);
    delete entry['inclusionPromise'];
    assert.equal(answer({ anchors, evidence: bundle }), 'LOG_PROOF_MISSING');
  });

  it('states an index only as far as something vouches for it', () => {
    const { inclusionPromise, inclusionProof, ...bare } = entryOf(mine) as JsonObject & { inclusionProof: { logIndex: string } };
    assert.ok(inclusionPromise);
    const [fact] = factsOf({ anchors, evidence: mine }).entries;
    assert.equal(String(fact?.index), bare['logIndex']);
    const [unpromised] = factsOf({ anchors, evidence: withEntry({ ...bare, logIndex: '7', inclusionProof }) }).entries;
    assert.equal(String(unpromised?.index), inclusionProof.logIndex);
  });

  it('is of no use without a signer', () => {
    const { entries, broken } = factsOf({
      anchors: { ...anchors, keys: [keyAnchor(createTestKey().publicKey)] },
      evidence: sigstore.sign(ARTIFACT, { signer: { key: createTestKey() } }),
    });
    assert.deepEqual(entries, []);
    assert.deepEqual(broken, []);
  });

  it('of a log with the same ID and another key does not verify', () => {
    const forger = { ...createTestRekorV1({ now: () => TEST_NOW }), logId: rekor.logId };
    const forged = entryOf(sigstore.sign(ARTIFACT, { signer, logs: [forger] }));
    assert.equal(answer({ anchors, evidence: withEntry({ ...forged, logId: { keyId: encodeBase64(rekor.logId) } }) }), 'LOG_ENTRY_MISMATCH');
    const bundle = sigstore.sign(ARTIFACT, { logs: [forger] }) as JsonObject & Bundle;
    (bundle.verificationMaterial.tlogEntries[0] as JsonObject)['logId'] = { keyId: encodeBase64(rekor.logId) };
    assert.equal(answer({ anchors, evidence: bundle }), 'LOG_PROMISE_INVALID');
  });
});
