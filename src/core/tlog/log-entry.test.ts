/** Reading log entries: their proto3 JSON, cosign's annotation, and the bodies of every kind that Rekor has. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeBase64, encodeBase64Url, encodeHex, encodePem, type JsonObject, type JsonValue, LIMITS, utf8 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { type EntryClaim, parseEntryBody, parseLogEntry, parseRekorBundle } from './index.ts';

const HASH = new Uint8Array(32).fill(0xfb);
const SPKI = utf8('a key');
const CERTIFICATE = utf8('a certificate');
const SIGNATURE = utf8('a signature');
const B64_HASH = encodeBase64(HASH);
const HEX_HASH = { algorithm: 'sha256', value: encodeHex(HASH) };
const b64 = (text: string): string => encodeBase64(utf8(text));
const PEM_KEY = b64(encodePem('PUBLIC KEY', SPKI));
const PEM_CERTIFICATE = b64(encodePem('CERTIFICATE', CERTIFICATE));

const PROTO_SIGNATURE = {
  content: encodeBase64(SIGNATURE),
  verifier: { keyDetails: 'PKIX_ED25519', publicKey: { rawBytes: encodeBase64(SPKI) } },
};

/** One body of every kind that is read, and the claim that must come out of it. */
const BODIES: readonly { readonly kind: string; readonly version: string; readonly spec: JsonObject; readonly claim: Omit<EntryClaim, 'kind' | 'version'> }[] = [
  {
    kind: 'hashedrekord',
    version: '0.0.1',
    spec: { data: { hash: HEX_HASH }, signature: { content: encodeBase64(SIGNATURE), publicKey: { content: PEM_KEY } } },
    claim: { signedDigest: { hash: 'sha256', bytes: HASH }, signatures: [{ signature: SIGNATURE, verifier: { kind: 'publicKey', der: SPKI } }] },
  },
  {
    kind: 'dsse',
    version: '0.0.1',
    spec: { envelopeHash: HEX_HASH, payloadHash: HEX_HASH, signatures: [{ signature: encodeBase64(SIGNATURE), verifier: PEM_CERTIFICATE }] },
    claim: {
      payloadHash: { hash: 'sha256', bytes: HASH },
      envelopeHash: { hash: 'sha256', bytes: HASH },
      signatures: [{ signature: SIGNATURE, verifier: { kind: 'certificate', der: CERTIFICATE } }],
    },
  },
  {
    kind: 'intoto',
    version: '0.0.1',
    spec: { content: { hash: HEX_HASH, payloadHash: HEX_HASH }, publicKey: PEM_CERTIFICATE },
    claim: {
      payloadHash: { hash: 'sha256', bytes: HASH },
      envelopeHash: { hash: 'sha256', bytes: HASH },
      signatures: [{ verifier: { kind: 'certificate', der: CERTIFICATE } }],
    },
  },
  {
    kind: 'intoto',
    version: '0.0.2',
    spec: {
      content: {
        envelope: { payloadType: 'text/plain', signatures: [{ sig: b64(encodeBase64(SIGNATURE)), publicKey: PEM_CERTIFICATE }] },
        hash: HEX_HASH,
        payloadHash: HEX_HASH,
      },
    },
    claim: {
      payloadHash: { hash: 'sha256', bytes: HASH },
      payloadType: 'text/plain',
      signatures: [{ signature: SIGNATURE, verifier: { kind: 'certificate', der: CERTIFICATE } }],
    },
  },
  {
    kind: 'hashedrekord',
    version: '0.0.2',
    spec: { hashedRekordV002: { data: { algorithm: 'SHA2_256', digest: B64_HASH }, signature: PROTO_SIGNATURE } },
    claim: {
      signedDigest: { hash: 'sha256', bytes: HASH },
      signatures: [{ signature: SIGNATURE, verifier: { kind: 'publicKey', der: SPKI }, keyDetails: 'PKIX_ED25519' }],
    },
  },
  {
    kind: 'dsse',
    version: '0.0.2',
    spec: { dsseV002: { payloadHash: { algorithm: 'SHA2_256', digest: B64_HASH }, signatures: [PROTO_SIGNATURE] } },
    claim: {
      payloadHash: { hash: 'sha256', bytes: HASH },
      signatures: [{ signature: SIGNATURE, verifier: { kind: 'publicKey', der: SPKI }, keyDetails: 'PKIX_ED25519' }],
    },
  },
];

const bodyOf = (kind: string, apiVersion: string, spec: JsonValue): Uint8Array => utf8(JSON.stringify({ apiVersion, kind, spec }));

/** Parsed bytes are views into larger buffers; deepEqual wants them plain. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (_, v) => (v instanceof Uint8Array ? encodeHex(v) : typeof v === 'bigint' ? `${v}n` : v)));

function refuses(read: () => unknown, message: RegExp, code = 'ERR_LOG_FORMAT'): void {
  assert.throws(read, (error) => error instanceof SealwardError && error.code === code && message.test(error.message), String(message));
}

/** Every object made from this one by leaving out, nulling or retyping one member, however deep. */
function* damaged(value: JsonValue): Generator<JsonValue> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    const withMember = (replacement: JsonValue | undefined): JsonValue => {
      if (Array.isArray(value)) return value.flatMap((item, i) => (String(i) !== key ? [item] : replacement === undefined ? [] : [replacement]));
      const copy: JsonObject = { ...value };
      if (replacement === undefined) delete copy[key];
      else copy[key] = replacement;
      return copy;
    };
    for (const replacement of [undefined, null, 7, '', 'x', true, [], {}, [null], [[]]]) yield withMember(replacement);
    for (const inner of damaged(member as JsonValue)) yield withMember(inner);
  }
}

for (const { kind, version, spec, claim } of BODIES) {
  test(`the body of a ${kind} ${version} entry says what it is about`, () => {
    const canonicalizedBody = bodyOf(kind, version, spec);
    assert.deepEqual(plain(parseEntryBody({ kind, version, canonicalizedBody })), plain({ kind, version, ...claim }));
    refuses(() => parseEntryBody({ kind, version: '0.0.3', canonicalizedBody }), /its body says/);
    refuses(() => parseEntryBody({ kind: 'rekord', version, canonicalizedBody }), /its body says/);
    refuses(() => parseEntryBody({ kind, version, canonicalizedBody: utf8(`${new TextDecoder().decode(canonicalizedBody)} x`) }), /not strict JSON/);
    const doubled = new TextDecoder().decode(canonicalizedBody).replace('"kind"', '"kind":"x","kind"');
    refuses(() => parseEntryBody({ kind, version, canonicalizedBody: utf8(doubled) }), /stands twice/);
  });

  test(`a ${kind} ${version} body with any member missing or of another type is refused`, () => {
    for (const mutant of damaged({ apiVersion: version, kind, spec })) {
      const canonicalizedBody = utf8(JSON.stringify(mutant));
      try {
        const read = parseEntryBody({ kind, version, canonicalizedBody });
        // Only what the claim can do without may be gone, and what is there must be what it was.
        assert.ok(read.signatures.length > 0 && (read.signedDigest ?? read.payloadHash ?? read.envelopeHash), new TextDecoder().decode(canonicalizedBody));
      } catch (error) {
        assert.ok(error instanceof SealwardError && error.code === 'ERR_LOG_FORMAT', String(error));
      }
    }
  });
}

test('kinds that are not read are refused by name', () => {
  for (const [kind, version] of [['rekord', '0.0.1'], ['hashedrekord', '0.0.3'], ['dsse', '0.0.3'], ['constructor', '0.0.1'], ['intoto', '0.0.3']] as const) {
    refuses(() => parseEntryBody({ kind, version, canonicalizedBody: bodyOf(kind, version, {}) }), /are not read/);
  }
});

test('digests of unknown algorithms or of the wrong length, and verifiers of unknown kinds, are refused', () => {
  const hashedrekord = (hash: JsonObject, content = PEM_KEY): (() => unknown) => {
    const spec = { data: { hash }, signature: { content: encodeBase64(SIGNATURE), publicKey: { content } } };
    return () => parseEntryBody({ kind: 'hashedrekord', version: '0.0.1', canonicalizedBody: bodyOf('hashedrekord', '0.0.1', spec) });
  };
  hashedrekord(HEX_HASH)();
  hashedrekord({ algorithm: 'sha512', value: 'ab'.repeat(64) })();
  refuses(hashedrekord({ algorithm: 'sha1', value: 'ab'.repeat(20) }), /not accepted/);
  refuses(hashedrekord({ algorithm: 'toString', value: 'ab'.repeat(32) }), /not accepted/);
  refuses(hashedrekord({ algorithm: 'sha512', value: encodeHex(HASH) }), /32 bytes where sha512 has 64/);
  refuses(hashedrekord({ algorithm: 'sha256', value: encodeHex(HASH).toUpperCase() }), /hexadecimal/);
  refuses(hashedrekord(HEX_HASH, b64(encodePem('PRIVATE KEY', SPKI))), /neither one public key/);
  refuses(hashedrekord(HEX_HASH, b64(`${encodePem('PUBLIC KEY', SPKI)}${encodePem('PUBLIC KEY', SPKI)}`)), /neither one public key/);
  refuses(hashedrekord(HEX_HASH, b64(`${encodePem('CERTIFICATE', CERTIFICATE)}${encodePem('PUBLIC KEY', SPKI)}`)), /neither one public key/);
  refuses(hashedrekord(HEX_HASH, b64('no PEM')), /neither one public key/);
  // What a person may have done to the file before it was logged.
  for (const pem of [encodePem('PUBLIC KEY', SPKI).trimEnd(), `${encodePem('PUBLIC KEY', SPKI)}\n\n`, encodePem('PUBLIC KEY', SPKI).replace(/\n/g, '\r\n')]) hashedrekord(HEX_HASH, b64(pem))();
  const chain = `${encodePem('CERTIFICATE', CERTIFICATE)}${encodePem('CERTIFICATE', utf8('the issuer'))}`;
  assert.deepEqual(plain((hashedrekord(HEX_HASH, b64(chain))() as EntryClaim).signatures[0]?.verifier), plain({ kind: 'certificate', der: CERTIFICATE }));
});

test('a Rekor v2 verifier is either a key or a certificate', () => {
  const read = (verifier: JsonObject): unknown => {
    const spec = { hashedRekordV002: { data: { algorithm: 'SHA2_256', digest: B64_HASH }, signature: { content: 'aa==', verifier } } };
    return parseEntryBody({ kind: 'hashedrekord', version: '0.0.2', canonicalizedBody: bodyOf('hashedrekord', '0.0.2', spec) });
  };
  const rawBytes = encodeBase64(SPKI);
  refuses(() => read({ keyDetails: 'PKIX_ED25519' }), /either a key or a certificate/);
  refuses(() => read({ keyDetails: 'PKIX_ED25519', publicKey: { rawBytes }, x509Certificate: { rawBytes } }), /either a key or a certificate/);
});

test('a signature in an intoto entry that was encoded once is another signature', () => {
  const spec = structuredClone(BODIES[3]?.spec) as { content: { envelope: { signatures: { sig: string }[] } } };
  (spec.content.envelope.signatures[0] as { sig: string }).sig = encodeBase64(Uint8Array.of(0x30, 0xff));
  const claim = parseEntryBody({ kind: 'intoto', version: '0.0.2', canonicalizedBody: bodyOf('intoto', '0.0.2', spec as unknown as JsonObject) });
  assert.deepEqual(plain(claim.signatures[0]?.signature), '30ff');
});

const ENTRY: JsonObject = {
  logIndex: '5',
  logId: { keyId: B64_HASH },
  kindVersion: { kind: 'hashedrekord', version: '0.0.1' },
  integratedTime: '1700000000',
  inclusionPromise: { signedEntryTimestamp: encodeBase64(SIGNATURE) },
  inclusionProof: { logIndex: '4', rootHash: B64_HASH, treeSize: '9', hashes: [B64_HASH, B64_HASH], checkpoint: { envelope: 'a note' } },
  canonicalizedBody: b64('{}'),
};

const READ = {
  logIndex: '5n',
  logId: encodeHex(HASH),
  kind: 'hashedrekord',
  version: '0.0.1',
  integratedTime: '1700000000n',
  inclusionPromise: encodeHex(SIGNATURE),
  inclusionProof: { logIndex: '4n', treeSize: '9n', rootHash: encodeHex(HASH), hashes: [encodeHex(HASH), encodeHex(HASH)], checkpoint: 'a note' },
  canonicalizedBody: encodeHex(utf8('{}')),
};

test('an entry reads the same in every spelling that proto3 JSON allows', () => {
  assert.deepEqual(plain(parseLogEntry(ENTRY)), READ);
  const snake = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(snake);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), snake(member as JsonValue)]));
  };
  assert.deepEqual(plain(parseLogEntry(snake(ENTRY))), READ);
  assert.deepEqual(plain(parseLogEntry({ ...ENTRY, logIndex: 5, integratedTime: 1_700_000_000 })), READ);
  for (const keyId of [encodeBase64Url(HASH), B64_HASH.replace('=', '')]) assert.deepEqual(plain(parseLogEntry({ ...ENTRY, logId: { keyId } })), READ);
});

test('what proto3 leaves out is zero or absent', () => {
  const { integratedTime, inclusionPromise, inclusionProof, ...rest } = READ;
  const none = { ...ENTRY, integratedTime: '0', inclusionPromise: null, inclusionProof: null };
  assert.deepEqual(plain(parseLogEntry(none)), rest);
  const first: JsonObject = { ...none, inclusionProof: { rootHash: B64_HASH, treeSize: '1', checkpoint: { envelope: '' } } };
  delete first['logIndex'];
  assert.deepEqual(plain(parseLogEntry(first)), { ...rest, logIndex: '0n', inclusionProof: { logIndex: '0n', treeSize: '1n', rootHash: encodeHex(HASH), hashes: [] } });
});

test('entries with unknown fields, impossible numbers or missing parts are refused', () => {
  refuses(() => parseLogEntry({ ...ENTRY, other: 1 }), /not known/);
  refuses(() => parseLogEntry({ ...ENTRY, log_index: '5' }), /two names/);
  refuses(() => parseLogEntry({ ...ENTRY, inclusionProof: { ...(ENTRY['inclusionProof'] as JsonObject), other: 1 } }), /not known/);
  refuses(() => parseLogEntry({ ...ENTRY, logId: { keyId: encodeBase64(HASH.subarray(1)) } }), /31 bytes/);
  for (const bad of ['-1', '05', '1.0', '1e3', '', ' 1', '9223372036854775808', -1, 1.5, true, {}, []]) {
    refuses(() => parseLogEntry({ ...ENTRY, logIndex: bad }), /logIndex/);
    refuses(() => parseLogEntry({ ...ENTRY, integratedTime: bad }), /integratedTime/);
    refuses(() => parseLogEntry({ ...ENTRY, inclusionProof: { ...(ENTRY['inclusionProof'] as JsonObject), treeSize: bad } }), /treeSize/);
  }
  for (const name of ['logId', 'kindVersion', 'canonicalizedBody']) refuses(() => parseLogEntry({ ...ENTRY, [name]: null }), new RegExp(name));
  for (const value of [undefined, null, 1, 'x', []]) refuses(() => parseLogEntry(value), /not an object/);
});

test('bounds: one hash more than LIMITS.inclusionProofHashes', () => {
  const withHashes = (count: number): JsonObject => ({ ...ENTRY, inclusionProof: { ...(ENTRY['inclusionProof'] as JsonObject), hashes: Array.from({ length: count }, () => B64_HASH) } });
  assert.equal(parseLogEntry(withHashes(LIMITS.inclusionProofHashes)).inclusionProof?.hashes.length, LIMITS.inclusionProofHashes);
  refuses(() => parseLogEntry(withHashes(LIMITS.inclusionProofHashes + 1)), /bound/, 'ERR_TOO_LARGE');
});

test('no member of an entry can be missing or of another type and do worse than be refused', () => {
  for (const mutant of damaged(ENTRY)) {
    try {
      parseLogEntry(mutant);
    } catch (error) {
      assert.ok(error instanceof SealwardError && ['ERR_LOG_FORMAT', 'ERR_TOO_LARGE'].includes(error.code), String(error));
    }
  }
});

const { spec: SPEC } = BODIES[0] as (typeof BODIES)[number];
const BUNDLE = {
  SignedEntryTimestamp: encodeBase64(SIGNATURE),
  Payload: { body: encodeBase64(bodyOf('hashedrekord', '0.0.1', SPEC)), integratedTime: 1_700_000_000, logIndex: 5, logID: encodeHex(HASH) },
};

test("cosign's annotation reads as an entry whose kind is that of its body", () => {
  const { inclusionProof, ...rest } = READ;
  assert.deepEqual(plain(parseRekorBundle(JSON.stringify(BUNDLE))), { ...rest, canonicalizedBody: encodeHex(bodyOf('hashedrekord', '0.0.1', SPEC)) });
  const bad: JsonObject[] = [{}, { Payload: BUNDLE.Payload }, { SignedEntryTimestamp: BUNDLE.SignedEntryTimestamp }, { ...BUNDLE, more: 1 }];
  for (const part of [{ logID: 'zz' }, { logID: encodeHex(HASH).toUpperCase() }, { logID: 'ab' }, { logIndex: -1 }, { integratedTime: 0 }, { body: '' }, { body: b64('{}') }, { body: b64('[]') }]) {
    bad.push({ ...BUNDLE, Payload: { ...BUNDLE.Payload, ...part } });
  }
  for (const json of bad) refuses(() => parseRekorBundle(JSON.stringify(json)), /./);
  refuses(() => parseRekorBundle('{'), /strict JSON/);
});

test('law: an annotation or a body damaged anywhere reads or is refused, and does nothing worse', () => {
  const text = JSON.stringify(BUNDLE);
  const bodies = BODIES.map(({ kind, version, spec }) => ({ kind, version, body: bodyOf(kind, version, spec) }));
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (pick, change, cut) => {
      const at = pick % text.length;
      const damagedText = cut ? text.slice(0, at) : text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ change) + text.slice(at + 1);
      for (const { kind, version, body } of bodies) {
        const place = pick % body.length;
        const canonicalizedBody = cut ? body.subarray(0, place) : body.with(place, (body[place] as number) ^ change);
        for (const read of [() => parseRekorBundle(damagedText), () => parseEntryBody({ kind, version, canonicalizedBody })]) {
          try {
            read();
          } catch (error) {
            assert.ok(error instanceof SealwardError && error.code === 'ERR_LOG_FORMAT', String(error));
          }
        }
      }
    }),
    { numRuns: 500 },
  );
});
