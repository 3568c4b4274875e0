import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { comparable, damagedJson } from '../../../test/damaged-json.ts';
import { ARTIFACT, DIGEST } from '../../../test/judging.ts';
import { createTestKey, createTestSigstore, type TestDocument } from '../../testing/index.ts';
import { canonicalJson, type JsonValue, utf8 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { keyAnchor } from '../trust/index.ts';
import { decodeEvidence, documentsIn, encodeEvidence, type Evidence, type EvidenceDocument, type Place, plainFacts, prove, readEvidence } from './index.ts';

const sigstore = createTestSigstore();
const KEY = createTestKey();
const anchors = { ...sigstore.anchors, keys: [keyAnchor(KEY.publicKey)] };
const bundle = (json: object): TestDocument => ({ source: { kind: 'bundle', annotations: {} }, bytes: utf8(JSON.stringify(json)) });
const STATEMENT = { subjects: [{ digest: { sha256: DIGEST } }], predicateType: 'https://x.test/v1' };
const SOURCES: readonly TestDocument[] = [
  bundle(sigstore.sign(ARTIFACT)),
  bundle(sigstore.attest(STATEMENT, { signer: { key: KEY } })),
  sigstore.signImage({ digest: `sha256:${DIGEST}` }),
  bundle({ nonsense: true }),
];
const bytesOf = new Map<string, Uint8Array>();
const DOCUMENTS = SOURCES.map(({ source, bytes }): EvidenceDocument => {
  const document = readEvidence('referrers-api', source, bytes);
  bytesOf.set(document.digest, bytes);
  return document;
});
const UNREAD: EvidenceDocument = {
  digest: `sha256:${'7'.repeat(64)}`,
  place: 'sig-tag',
  entities: [],
  unreadable: { code: 'BUNDLE_MALFORMED', detail: 'too long' },
};
const PLACES: readonly Place[] = [
  { name: 'referrers-api', where: 'r.test/app', state: 'complete', askedAt: 1_700_000_000_000, left: 3 },
  { name: 'sig-tag', where: 'r.test/app:sha256-x.sig', state: 'absent', askedAt: 1_700_000_000_001 },
  { name: 'att-tag', where: 'r.test/app:sha256-x.att', state: 'unavailable', cause: new SealwardError('ERR_DEADLINE', 'too slow', { hint: 'wait' }) },
  { name: 'fallback-tag', where: 'r.test/app:sha256-x', state: 'not-asked' },
];
const WHOLE: Evidence = {
  subject: { digests: { sha256: DIGEST }, indexes: [{ digest: `sha256:${'8'.repeat(64)}` }] },
  places: PLACES,
  documents: [...DOCUMENTS, UNREAD],
};
const read = (digest: string): Uint8Array | undefined => bytesOf.get(digest);
const json = (bytes: Uint8Array): JsonValue => JSON.parse(Buffer.from(bytes).toString()) as JsonValue;

describe('recorded evidence', () => {
  it('law: is read back as it was known: the same facts, and the same bytes again', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...WHOLE.documents]), fc.subarray([...PLACES]), fc.boolean(), (documents, places, listed) => {
        const evidence = { subject: listed ? WHOLE.subject : { digests: { sha256: DIGEST } }, places, documents };
        const bytes = encodeEvidence(evidence);
        const again = decodeEvidence(bytes, read);
        assert.deepEqual(encodeEvidence(again), bytes);
        const byDocument = (facts: ReturnType<typeof plainFacts>): unknown => ({
          ...(comparable(facts) as object),
          signatures: facts.signatures.map((one) => canonicalJson(comparable(one) as JsonValue)).sort(),
          unreadable: facts.unreadable.map((one) => canonicalJson({ ...one })).sort(),
        });
        assert.deepEqual(byDocument(plainFacts(prove(again, anchors))), byDocument(plainFacts(prove(evidence, anchors))));
      }),
      { numRuns: 60 },
    );
  });

  it('is the same bytes in whatever order its documents were found', () => {
    assert.deepEqual(encodeEvidence({ ...WHOLE, documents: [...WHOLE.documents].reverse() }), encodeEvidence(WHOLE));
  });

  it('names each document that is needed and is not there', () => {
    const [first, , third] = DOCUMENTS as [EvidenceDocument, EvidenceDocument, EvidenceDocument];
    const without = (digest: string): Uint8Array | undefined => (digest === first.digest || digest === third.digest ? undefined : read(digest));
    assert.throws(
      () => decodeEvidence(encodeEvidence(WHOLE), without),
      (error: SealwardError) => {
        assert.equal(error.code, 'ERR_EVIDENCE_MISSING');
        return error.message.includes(first.digest) && error.message.includes(third.digest);
      },
    );
    const needed = documentsIn(encodeEvidence(WHOLE));
    assert.deepEqual(needed.sort(), [...DOCUMENTS.slice(0, 3).map(({ digest }) => digest), `sha256:${'8'.repeat(64)}`].sort());
  });

  it('is not believed about bytes that have another digest', () => {
    const other = SOURCES[0]?.bytes as Uint8Array;
    assert.throws(() => decodeEvidence(encodeEvidence(WHOLE), () => other), { code: 'ERR_STATE_INVALID' });
  });

  it('that is damaged anywhere is refused, or is other evidence that is whole', () => {
    let refused = 0;
    for (const damaged of damagedJson(json(encodeEvidence(WHOLE)))) {
      try {
        const again = decodeEvidence(utf8(JSON.stringify(damaged)), read);
        assert.deepEqual(encodeEvidence(decodeEvidence(encodeEvidence(again), read)), encodeEvidence(again));
      } catch (error) {
        assert.ok(error instanceof SealwardError && ['ERR_STATE_INVALID', 'ERR_EVIDENCE_MISSING', 'ERR_JSON_INVALID'].includes(error.code), String(error));
        refused++;
      }
    }
    assert.ok(refused > 300, `${refused} refused`);
  });
});
