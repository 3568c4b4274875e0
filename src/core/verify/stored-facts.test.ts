/** Facts and single verdicts that are kept: the same bytes, the same answers, and no cryptography the second time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ARTIFACT, DIGEST, FILE, judged, KEYLESS, proven, SUBJECT, type TestEvidence } from '../../../test/judging.ts';
import { createTestKey, createTestSigstore, createTestTimestampAuthority, TEST_NOW, type TestDocument } from '../../testing/index.ts';
import { hash, parseCertificate } from '../crypto/index.ts';
import { canonicalJson, encodeHex, type JsonObject, type JsonValue, LIMITS, utf8 } from '../encoding/index.ts';
import { type Anchors, keyAnchor, NO_ANCHORS } from '../trust/index.ts';
import { decodeFacts, digestOfAnchors, digestOfEvidence, type EdgeMemory, encodeFacts, plainFacts, readEvidence, type Subject } from './index.ts';

const sigstore = createTestSigstore();
const KEY = createTestKey();
const anchors: Anchors = { ...sigstore.anchors, keys: [keyAnchor(KEY.publicKey)] };
const { rekor, tiles, timestampAuthority } = sigstore;
const statement = {
  subjects: [{ name: 'registry.test/app:1', digest: { sha256: DIGEST }, annotations: { stage: 'release' } }],
  predicateType: 'https://x.test/v1',
};
const stranger = createTestSigstore();

const EVIDENCE: readonly TestEvidence[] = [
  sigstore.sign(ARTIFACT, { logs: [rekor, tiles], timestampAuthorities: [timestampAuthority] }),
  sigstore.attest(statement),
  sigstore.sign(ARTIFACT, { signer: { key: KEY }, logs: [tiles], timestampAuthorities: [] }),
  sigstore.signImage({ digest: `sha256:${DIGEST}` }),
  stranger.sign(ARTIFACT),
  sigstore.sign(ARTIFACT, { timestampAuthorities: [{ ...timestampAuthority, timestamp: () => timestampAuthority.timestamp(new Uint8Array(3)) }] }),
  { mediaType: 'nonsense' },
];

interface Counting extends EdgeMemory {
  readonly kept: Map<string, JsonValue>;
  /** The anchors about which something new was kept. */
  readonly learned: string[];
}

function countingMemory(): Counting {
  const kept = new Map<string, JsonValue>();
  const learned: string[] = [];
  return {
    kept,
    learned,
    get: (evidence, anchor) => kept.get(`${evidence} ${anchor}`),
    set: (evidence, anchor, verdict) => {
      learned.push(anchor);
      // As a store would give it back.
      kept.set(`${evidence} ${anchor}`, JSON.parse(canonicalJson(verdict)) as JsonValue);
    },
  };
}

describe('stored facts', () => {
  it('are read back as they were, byte for byte', () => {
    const facts = plainFacts(proven({ evidence: EVIDENCE, anchors }));
    const bytes = encodeFacts(facts);
    assert.deepEqual(decodeFacts(bytes), JSON.parse(JSON.stringify(facts)));
    assert.deepEqual(encodeFacts(decodeFacts(bytes)), bytes);
    assert.equal(facts.signatures.length, 6);
    assert.deepEqual(facts.signatures[1]?.claimed, { in: 'statement', repository: 'registry.test/app', tag: '1' });
    assert.deepEqual(facts.signatures[1].annotations, { stage: 'release' });
    assert.match(facts.signatures[1].statement ?? '', /^sha256:[0-9a-f]{64}$/);
  });

  it('hold neither bytes nor keys nor errors as objects', () => {
    const places = [{ ...FILE, state: 'unavailable', cause: Object.assign(new Error('no'), { code: 'ERR_DEADLINE', hint: 'wait' }) as never } as const];
    const facts = plainFacts(proven({ evidence: EVIDENCE, anchors, places }));
    assert.deepEqual(facts.places, [{ ...FILE, state: 'unavailable', cause: { code: 'ERR_DEADLINE', message: 'no', hint: 'wait' } }]);
    const walk = (value: unknown): void => {
      if (value === null || typeof value !== 'object') return assert.notEqual(typeof value, 'bigint');
      assert.ok(Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null);
      for (const part of Object.values(value)) walk(part);
    };
    walk(facts);
  });

  it('that are damaged, of another version, or too large are refused', () => {
    const bytes = encodeFacts(plainFacts(proven({ evidence: [], anchors })));
    const text = new TextDecoder().decode(bytes);
    for (const [from, to] of [
      ['"version":1', '"version":2'],
      ['"signatures":[]', '"signatures":{}'],
      ['"facts":', '"other":'],
      ['"version":1', '"more":0,"version":1'],
    ] as const)
      assert.throws(() => decodeFacts(utf8(text.replace(from, to))), { code: 'ERR_STATE_INVALID' }, from);
    assert.throws(() => decodeFacts(bytes.subarray(1)), { code: 'ERR_JSON_INVALID' });
    assert.throws(() => decodeFacts(utf8(text.padEnd(LIMITS.documentBytes + 1))), { code: 'ERR_TOO_LARGE' });
  });

  it('stand under the anchors by what they are, not by what they are worth', () => {
    const digest = digestOfAnchors(anchors);
    const later = { ...anchors, logs: anchors.logs.map((log) => ({ ...log, window: { from: TEST_NOW }, name: 'another' })).reverse() };
    assert.equal(digestOfAnchors(later), digest);
    assert.notEqual(digestOfAnchors({ ...anchors, keys: [] }), digest);
    assert.notEqual(digestOfAnchors({ ...NO_ANCHORS, logs: anchors.logs }), digestOfAnchors(NO_ANCHORS));
  });

  it('stand under the evidence, whatever the order in which it was found', () => {
    const layer = sigstore.signImage({ digest: `sha256:${DIGEST}` });
    const read = (source: TestDocument['source']) => readEvidence('file', source, layer.bytes);
    const other = readEvidence('file', { kind: 'bundle', annotations: {} }, utf8(JSON.stringify(EVIDENCE[0])));
    const digest = (...documents: ReturnType<typeof read>[]): string => digestOfEvidence({ subject: SUBJECT, places: [], documents });
    assert.equal(digest(read(layer.source), other), digest(other, read(layer.source)));
    assert.notEqual(digest(read(layer.source)), digest(read({ ...layer.source, annotations: { ...layer.source.annotations, more: '1' } })));
    assert.notEqual(
      digest(read(layer.source)),
      digestOfEvidence({ subject: { digests: { sha256: '0'.repeat(64) } }, places: [], documents: [read(layer.source)] }),
    );
    assert.throws(() => digestOfEvidence({ subject: { digests: {} }, places: [], documents: [] }), { code: 'ERR_INVARIANT' });
  });
});

describe('remembered verdicts', () => {
  const text = (question: Parameters<typeof proven>[0]): string => canonicalJson(plainFacts(proven(question)) as never);

  it('give the same facts, and are computed once', () => {
    const edges = countingMemory();
    const fresh = text({ evidence: EVIDENCE, anchors });
    assert.equal(text({ evidence: EVIDENCE, anchors, memory: { edges } }), fresh);
    const learned = edges.learned.length;
    assert.ok(learned > 10);
    assert.equal(text({ evidence: EVIDENCE, anchors, memory: { edges } }), fresh);
    assert.equal(edges.learned.length, learned);
  });

  it('of what carries no digest belong to the artifact that was asked about, by digest or by its bytes', () => {
    const unstated = sigstore.sign(ARTIFACT, { signer: { key: KEY }, logs: [] }) as JsonObject & { messageSignature: JsonObject };
    delete unstated.messageSignature['messageDigest'];
    const other = utf8('another artifact');
    const [mine, theirs] = [ARTIFACT, other].map((bytes) => ({ bytes, digests: { sha256: encodeHex(hash('sha256', bytes)) } }));
    const edges = countingMemory();
    const signers = (subject: Subject) => proven({ evidence: unstated, anchors, subject, memory: { edges } }).signatures[0]?.signers.length;
    for (const [here, there] of [
      [{ digests: mine?.digests ?? {} }, { digests: theirs?.digests ?? {} }],
      [mine, theirs],
      [
        { digests: {}, bytes: ARTIFACT },
        { digests: {}, bytes: other },
      ],
    ] as [Subject, Subject][])
      for (const order of [1, 2]) assert.deepEqual([signers(here), signers(there)], [1, 0], String(order));
  });

  it('of several timestamps, entries or signatures in one document belong each to its own', () => {
    const late = { ...timestampAuthority, timestamp: (bytes: Uint8Array) => timestampAuthority.timestamp(bytes, { time: TEST_NOW + 1000 }) };
    const evidence = sigstore.sign(ARTIFACT, { logs: [rekor, rekor], timestampAuthorities: [timestampAuthority, late] });
    const edges = countingMemory();
    for (const memory of [{ edges }, { edges }, {}]) {
      const [facts] = proven({ evidence, anchors, memory }).signatures;
      assert.ok(facts);
      assert.deepEqual(
        facts.times.map(({ by, at }) => [by, at - TEST_NOW]),
        [
          ['log', 0],
          ['log', 0],
          ['timestamp-authority', 0],
          ['timestamp-authority', 1000],
        ],
      );
      const [first, second] = facts.entries;
      assert.ok(first && second && first.index !== second.index);
    }
  });

  it('whatever was remembered before, the whole is proven as if nothing had been', () => {
    const whole = text({ evidence: EVIDENCE, anchors });
    fc.assert(
      fc.property(fc.subarray([...EVIDENCE]), (before) => {
        const edges = countingMemory();
        proven({ evidence: before, anchors, memory: { edges } });
        assert.equal(text({ evidence: EVIDENCE, anchors, memory: { edges } }), whole);
      }),
      { numRuns: 20 },
    );
  });

  it('are believed, so nothing was verified again', () => {
    const edges = countingMemory();
    const evidence = sigstore.sign(ARTIFACT, { signer: { key: KEY } });
    proven({ evidence, anchors, memory: { edges } });
    for (const name of edges.kept.keys()) if (name.includes('/signature ')) edges.kept.set(name, null);
    assert.deepEqual(proven({ evidence, anchors, memory: { edges } }).signatures[0]?.signers, []);
  });

  it('of one anchor stay when another comes or goes', () => {
    const edges = countingMemory();
    proven({ evidence: EVIDENCE, anchors, memory: { edges } });
    edges.learned.length = 0;
    const other = createTestTimestampAuthority({ now: () => TEST_NOW, url: 'https://tsa2.sealward.test' });
    const [anchor] = anchors.timestampAuthorities;
    assert.ok(anchor);
    const more = {
      ...anchors,
      timestampAuthorities: [...anchors.timestampAuthorities, { ...anchor, id: 'new', certificates: other.chain.map((der) => parseCertificate(der)) }],
    };
    assert.equal(text({ evidence: EVIDENCE, anchors: more, memory: { edges } }), text({ evidence: EVIDENCE, anchors: more }));
    assert.deepEqual([...new Set(edges.learned)], ['new']);
    const fewer = { ...anchors, logs: [] };
    edges.learned.length = 0;
    assert.equal(text({ evidence: EVIDENCE, anchors: fewer, memory: { edges } }), text({ evidence: EVIDENCE, anchors: fewer }));
    assert.deepEqual(edges.learned, []);
  });

  it('belong to what stands beside the bytes, and to the artifact, too', () => {
    const edges = countingMemory();
    const layer = sigstore.signImage({ digest: `sha256:${DIGEST}` });
    const bare = sigstore.sign(ARTIFACT);
    assert.equal(judged({ evidence: [layer, bare], anchors, memory: { edges } }).candidates.filter(({ counts }) => counts).length, 2);
    // The payload of the first generation is the same for all who sign it; the signature stands in an annotation.
    const forged = {
      ...layer,
      source: { ...layer.source, annotations: { ...layer.source.annotations, 'dev.cosignproject.cosign/signature': 'MAYCAQECAQE=' } },
    };
    assert.equal(judged({ evidence: forged, anchors, memory: { edges } }).code, 'SIGNATURE_INVALID');
    const other = { digests: { sha256: '1'.repeat(64) } };
    assert.equal(judged({ evidence: bare, anchors, memory: { edges }, subject: other }).outcome, 'rejected');
    assert.equal(
      judged({ evidence: bare, anchors, memory: { edges }, subject: { digests: {}, bytes: ARTIFACT }, requirement: KEYLESS }).code,
      judged({ evidence: bare, anchors, subject: { digests: {}, bytes: ARTIFACT } }).code,
    );
  });
});
