/** Laws of formats and judgement, over generated cases: fast-check prints the seed of what it finds. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  encodeEnvelope,
  encodeSimpleSigning,
  parseBundle,
  parseEnvelope,
  parseSimpleSigning,
  parseStatement,
  preAuthEncoding,
  readDocument,
} from '../../src/core/bundle/index.ts';
import { encodePublicKeyPem, parseCertificate, parsePublicKeyPem, parseTimestampToken } from '../../src/core/crypto/index.ts';
import {
  canonicalJson,
  decodeBase64,
  encodeBase64,
  encodePem,
  type JsonObject,
  type JsonValue,
  parseJson,
  parsePem,
  utf8,
} from '../../src/core/encoding/index.ts';
import { SealwardError } from '../../src/core/errors.ts';
import {
  encodeCheckpoint,
  encodeNote,
  encodeVerifierKey,
  NOTE_KEY_TYPE,
  noteVerifier,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
} from '../../src/core/tlog/index.ts';
import { keyAnchor, parseTrustedRoot } from '../../src/core/trust/index.ts';
import { decideByFlags, type ProvenFacts } from '../../src/core/verify/index.ts';
import { createTestKey, createTestSigstore, TEST_NOW, type TestDocument } from '../../src/testing/index.ts';
import { answer, ARTIFACT, BY_KEY, DIGEST, judged, KEYLESS, proven } from '../judging.ts';
import { factsText } from './facts-text.ts';

const TORTURE = Boolean(process.env['SEALWARD_TORTURE']);
const runs = (few: number): { numRuns: number } => ({ numRuns: TORTURE ? 50 * few : few });

const sigstore = createTestSigstore();
const KEY = createTestKey();
const anchors = { ...sigstore.anchors, keys: [keyAnchor(KEY.publicKey)] };
const STATEMENT = { subjects: [{ name: 'artifact', digest: { sha256: DIGEST } }], predicateType: 'https://slsa.dev/provenance/v1' };

/** The parts of which a bundle with a statement consists. */
interface Parts {
  readonly certificate: JsonValue;
  readonly entry: JsonValue;
  readonly timestamps: JsonValue;
  readonly payload: JsonValue;
  readonly signatures: JsonValue;
}

function partsOf(bundle: JsonObject): Parts {
  const material = bundle['verificationMaterial'] as JsonObject;
  const envelope = bundle['dsseEnvelope'] as JsonObject;
  return {
    certificate: material['certificate'] as JsonValue,
    entry: (material['tlogEntries'] as JsonValue[])[0] as JsonValue,
    timestamps: material['timestampVerificationData'] as JsonValue,
    payload: envelope['payload'] as JsonValue,
    signatures: envelope['signatures'] as JsonValue,
  };
}

function bundleOf({ certificate, entry, timestamps, payload, signatures }: Parts): JsonObject {
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { certificate, tlogEntries: [entry], timestampVerificationData: timestamps },
    dsseEnvelope: { payload, payloadType: 'application/vnd.in-toto+json', signatures },
  };
}

describe('parts of three valid bundles', () => {
  const logs = [sigstore.tiles];
  const signer = sigstore.issue();
  const bundles = [
    sigstore.attest(STATEMENT, { signer, logs }),
    sigstore.attest({ ...STATEMENT, predicateType: 'https://spdx.dev/Document' }, { signer, logs }),
    sigstore.attest({ ...STATEMENT, predicateType: 'https://cyclonedx.org/bom' }, { logs }),
  ];

  it('verify in three of all their mixtures: those that were signed so', () => {
    const parts = bundles.map(partsOf);
    const names = Object.keys(parts[0] as Parts) as (keyof Parts)[];
    let verified = 0;
    for (let number = 0; number < 3 ** names.length; number++) {
      const choice = names.map((_, at) => Math.floor(number / 3 ** at) % 3);
      const mixed = Object.fromEntries(names.map((name, at) => [name, parts[choice[at] as number]?.[name]])) as unknown as Parts;
      // The first two have one signer, so that one's certificate is the other's.
      const own = bundles.some((bundle) => canonicalJson(bundleOf(mixed)) === canonicalJson(bundleOf(partsOf(bundle))));
      const code = answer({ anchors, evidence: bundleOf(mixed) });
      assert.equal(code === 'VERIFIED', own, `${choice.join('')}: ${code}`);
      if (own) verified++;
    }
    // The three, and the first two also with each other's certificate, which is the same.
    assert.equal(verified, 5);
  });
});

describe('what has an encoder', () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 });
  const word = fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme' }).filter((text) => text.isWellFormed());

  /** JSON.stringify may write integers that no parser could hold exactly. */
  const exact = (fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>).filter((value) => !/[0-9]{16}|"__proto__"/.test(JSON.stringify(value)));

  it('comes back from it: envelopes', () => {
    const envelope = fc.record({
      payloadType: word,
      payload: bytes,
      signatures: fc.array(fc.record({ bytes, keyId: fc.oneof(fc.constant(''), word) }), { minLength: 1, maxLength: 4 }),
    });
    fc.assert(
      fc.property(envelope, (value) => {
        const once = parseEnvelope(utf8(encodeEnvelope(value)));
        assert.deepEqual(plain(once), plain(value));
        assert.deepEqual(plain(parseEnvelope(utf8(encodeEnvelope(once)))), plain(once));
      }),
      runs(200),
    );
  });

  it('comes back from it: simple signing', () => {
    const optional = fc.option(
      fc.dictionary(
        word.filter((key) => key !== '__proto__'),
        exact,
      ),
      { nil: null },
    );
    fc.assert(
      fc.property(word, word, optional, (reference, digest, extra) => {
        const once = parseSimpleSigning(utf8(encodeSimpleSigning(reference, digest, extra)));
        assert.deepEqual([once.reference, once.digest], [reference, digest]);
        const again = parseSimpleSigning(utf8(encodeSimpleSigning(once.reference, once.digest, once.optional)));
        assert.equal(canonicalJson(again.optional), canonicalJson(once.optional));
      }),
      runs(200),
    );
  });

  it('comes back from it: canonical JSON', () => {
    fc.assert(
      fc.property(exact, (value) => {
        const once = canonicalJson(value);
        assert.equal(canonicalJson(parseJson(once, { what: 'the value' })), once);
      }),
      runs(300),
    );
  });

  it('comes back from it: base64, PEM and keys', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (value) => {
        assert.deepEqual(plain(decodeBase64(encodeBase64(value))), plain(value));
        assert.deepEqual(plain(parsePem(encodePem('SOME THING', value), 'the text')), plain([{ label: 'SOME THING', bytes: value }]));
      }),
      runs(200),
    );
    const { publicKey } = KEY;
    assert.equal(parsePublicKeyPem(encodePublicKeyPem(publicKey)).fingerprint, publicKey.fingerprint);
  });

  it('comes back from it: notes, checkpoints and verifier keys', () => {
    const name = fc.stringMatching(/^[a-z0-9./-]{1,20}$/);
    const signature = fc.record({ name, id: fc.nat({ max: 0xffffffff }), signature: fc.uint8Array({ minLength: 1, maxLength: 100 }) });
    const checkpoint = fc.record({ origin: name, size: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), root: fc.uint8Array({ minLength: 32, maxLength: 32 }) });
    fc.assert(
      fc.property(checkpoint, fc.array(signature, { minLength: 1, maxLength: 5 }), (value, signatures) => {
        const note = parseNote(encodeNote(encodeCheckpoint(value), signatures));
        assert.deepEqual(plain(note.signatures), plain(signatures));
        assert.deepEqual(plain(parseCheckpoint(note)), plain({ ...value, extensions: [] }));
        assert.equal(encodeNote(note.text, note.signatures), encodeNote(encodeCheckpoint(value), signatures));
      }),
      runs(200),
    );
    const key = createTestKey('ed25519').publicKey;
    fc.assert(
      fc.property(name, (of) => {
        const vkey = encodeVerifierKey(noteVerifier(of, NOTE_KEY_TYPE.ed25519, key), NOTE_KEY_TYPE.ed25519);
        assert.equal(encodeVerifierKey(parseVerifierKey(vkey), NOTE_KEY_TYPE.ed25519), vkey);
      }),
      runs(50),
    );
  });

  it('tells every two envelopes apart in what is signed', () => {
    fc.assert(
      fc.property(word, bytes, word, bytes, (typeA, payloadA, typeB, payloadB) => {
        const same = typeA === typeB && encodeBase64(payloadA) === encodeBase64(payloadB);
        assert.equal(encodeBase64(preAuthEncoding(typeA, payloadA)) === encodeBase64(preAuthEncoding(typeB, payloadB)), same);
      }),
      runs(200),
    );
  });
});

describe('judging', () => {
  const good = sigstore.sign(ARTIFACT);
  const keyed = sigstore.sign(ARTIFACT, { signer: { key: KEY } });
  const junk: readonly JsonObject[] = [
    {},
    { mediaType: 'x' },
    createTestSigstore().sign(ARTIFACT),
    sigstore.sign(utf8('another artifact')),
    sigstore.sign(ARTIFACT, { logs: [] }),
    sigstore.attest(STATEMENT, { signer: { key: createTestKey() } }),
    sigstore.envelop('text/plain', ARTIFACT),
    { ...good, messageSignature: { signature: 'AAAA' } },
  ];
  const shuffled = fc.shuffledSubarray([...junk, good, keyed], { minLength: 1 });

  it('finds a good signature among any junk, in any order (rule 6)', () => {
    fc.assert(
      fc.property(shuffled, (evidence) => {
        assert.equal(answer({ anchors, evidence }) === 'VERIFIED', evidence.includes(good));
        assert.equal(answer({ anchors, evidence, requirement: BY_KEY }) === 'VERIFIED', evidence.includes(keyed));
      }),
      runs(40),
    );
  });

  it('comes to the same outcome in any order, and to the same answer each time', () => {
    fc.assert(
      fc.property(shuffled, fc.integer(), (evidence, turn) => {
        const facts = proven({ anchors, evidence });
        const turned: ProvenFacts = {
          ...facts,
          signatures: facts.signatures.toSorted((a, b) => a.document.charCodeAt(7 + (Math.abs(turn) % 60)) - b.document.charCodeAt(7 + (Math.abs(turn) % 60))),
        };
        const first = decideByFlags(facts, KEYLESS, { now: TEST_NOW, anchors });
        assert.deepEqual(decideByFlags(facts, KEYLESS, { now: TEST_NOW, anchors }), first);
        assert.equal(decideByFlags(turned, KEYLESS, { now: TEST_NOW, anchors }).outcome, first.outcome);
        assert.equal(decideByFlags(turned, KEYLESS, { now: TEST_NOW, anchors }).candidates.length, first.candidates.length);
      }),
      runs(40),
    );
  });
});

describe('hostile bytes', () => {
  /** Runs a reader; anything but a SealwardError about the input is a bug. */
  function read(reader: () => unknown): void {
    try {
      reader();
    } catch (error) {
      if (!(error instanceof SealwardError) || error.family !== 'InputError') throw error;
    }
  }

  const bundle = utf8(JSON.stringify(sigstore.attest(STATEMENT, { timestampAuthorities: [sigstore.timestampAuthority] })));
  const root = utf8(JSON.stringify(sigstore.trustedRoot));
  const image = sigstore.signImage({ digest: `sha256:${DIGEST}`, reference: 'registry.sealward.test/app' });
  const attestation = sigstore.attestImage(STATEMENT);
  const token = sigstore.timestampAuthority.timestamp(ARTIFACT);
  const certificate = sigstore.issue().der;
  const READERS: readonly (readonly [name: string, sample: Uint8Array, read: (bytes: Uint8Array) => unknown])[] = [
    ['bundle', bundle, parseBundle],
    ['trusted root', root, parseTrustedRoot],
    ['envelope', attestation.bytes, parseEnvelope],
    ['simple signing', image.bytes, parseSimpleSigning],
    ['statement', utf8(JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', subject: STATEMENT.subjects, predicateType: 'x' })), parseStatement],
    ['timestamp', token, (bytes) => parseTimestampToken(bytes)],
    ['certificate', certificate, (bytes) => parseCertificate(bytes).publicKey],
    ['note', utf8(sigstore.tiles.checkpoint()), (bytes) => parseCheckpoint(parseNote(bytes))],
    ...(['bundle', 'simple-signing', 'dsse', 'blob-bundle'] as const).map(
      (kind) => [`document of kind ${kind}`, bundle, (bytes: Uint8Array) => readDocument({ kind, annotations: image.source.annotations }, bytes)] as const,
    ),
  ];
  /** What is done to a sample, in shares of its length, so that a counterexample is short. */
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const damage = fc.oneof(
    fc.record({ kind: fc.constant('cut' as const), from: share }),
    fc.record({ kind: fc.constant('change' as const), changes: fc.array(fc.tuple(share, fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }) }),
    fc.record({ kind: fc.constant('splice' as const), from: share, to: share }),
    fc.record({ kind: fc.constant('other' as const), bytes: fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json().map(utf8)) }),
  );
  type Damage = typeof damage extends fc.Arbitrary<infer Value> ? Value : never;

  function damaged(sample: Uint8Array, how: Damage): Uint8Array {
    const at = (position: number): number => Math.min(sample.length - 1, Math.floor(position * sample.length));
    const bytes = new Uint8Array(sample);
    switch (how.kind) {
      case 'cut':
        return bytes.slice(0, at(how.from));
      case 'change':
        for (const [position, value] of how.changes) bytes[at(position)] = value;
        return bytes;
      case 'splice':
        return Buffer.concat([sample.subarray(0, at(how.from)), sample.subarray(at(how.to))]);
      case 'other':
        return how.bytes;
    }
  }

  for (const [name, sample, reader] of READERS) {
    it(`are refused or read, and never more: ${name}`, () => {
      fc.assert(
        fc.property(damage, (how) => read(() => reader(damaged(sample, how)))),
        runs(150),
      );
    });
  }

  it('never verify, unless they say the same', () => {
    const before = factsText(proven({ anchors, evidence: asDocument(bundle) }));
    fc.assert(
      fc.property(damage, (how) => {
        const evidence = asDocument(damaged(bundle, how));
        if (judged({ anchors, evidence }).outcome === 'verified') assert.equal(factsText(proven({ anchors, evidence })), before);
      }),
      runs(300),
    );
  });

  it('in annotations never verify, and never throw', () => {
    const names = Object.keys(image.source.annotations);
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.oneof(fc.string(), fc.json(), fc.base64String()), (name, value) => {
        const evidence = { bytes: image.bytes, source: { ...image.source, annotations: { ...image.source.annotations, [name]: value } } };
        const { outcome } = judged({ anchors, evidence });
        // The chain is only a help, and an empty annotation is none.
        if (name !== 'dev.sigstore.cosign/chain') assert.notEqual(outcome, 'verified', name);
      }),
      runs(100),
    );
  });
});

function asDocument(bytes: Uint8Array): TestDocument {
  return { source: { kind: 'bundle', annotations: {} }, bytes };
}

function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, item: unknown) => (item instanceof Uint8Array ? encodeBase64(item) : typeof item === 'bigint' ? `${item}n` : item)),
  );
}
