/** The bodies of every kind of entry that Rekor has, and what each says that it is about. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { comparable, damagedJson } from '../../../test/damaged-json.ts';
import { encodeBase64, encodeHex, encodePem, type JsonObject, LIMITS, utf8 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { type EntryClaim, parseEntryBody } from './index.ts';

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
const BODIES: readonly { readonly kind: string; readonly version: string; readonly spec: JsonObject; readonly claim: Omit<EntryClaim, 'kind' | 'version'> }[] =
  [
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

const bodyOf = (kind: string, apiVersion: string, spec: JsonObject): Uint8Array => utf8(JSON.stringify({ apiVersion, kind, spec }));

function refuses(read: () => unknown, message: RegExp): void {
  assert.throws(read, (error) => error instanceof SealwardError && error.code === 'ERR_LOG_FORMAT' && message.test(error.message), String(message));
}

for (const { kind, version, spec, claim } of BODIES) {
  test(`the body of a ${kind} ${version} entry says what it is about`, () => {
    const canonicalizedBody = bodyOf(kind, version, spec);
    assert.deepEqual(comparable(parseEntryBody({ kind, version, canonicalizedBody })), comparable({ kind, version, ...claim }));
    refuses(() => parseEntryBody({ kind, version: '0.0.3', canonicalizedBody }), /its body says/);
    refuses(() => parseEntryBody({ kind: 'rekord', version, canonicalizedBody }), /its body says/);
    refuses(() => parseEntryBody({ kind, version, canonicalizedBody: utf8(`${new TextDecoder().decode(canonicalizedBody)} x`) }), /not strict JSON/);
    const doubled = new TextDecoder().decode(canonicalizedBody).replace('"kind"', '"kind":"x","kind"');
    refuses(() => parseEntryBody({ kind, version, canonicalizedBody: utf8(doubled) }), /stands twice/);
  });

  test(`a ${kind} ${version} body with any member missing or of another type is refused`, () => {
    for (const mutant of damagedJson({ apiVersion: version, kind, spec })) {
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
  for (const [kind, version] of [
    ['rekord', '0.0.1'],
    ['hashedrekord', '0.0.3'],
    ['dsse', '0.0.3'],
    ['constructor', '0.0.1'],
    ['intoto', '0.0.3'],
  ] as const) {
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
  for (const pem of [encodePem('PUBLIC KEY', SPKI).trimEnd(), `${encodePem('PUBLIC KEY', SPKI)}\n\n`, encodePem('PUBLIC KEY', SPKI).replace(/\n/g, '\r\n')])
    hashedrekord(HEX_HASH, b64(pem))();
  const chain = `${encodePem('CERTIFICATE', CERTIFICATE)}${encodePem('CERTIFICATE', utf8('the issuer'))}`;
  assert.deepEqual(
    comparable((hashedrekord(HEX_HASH, b64(chain))() as EntryClaim).signatures[0]?.verifier),
    comparable({ kind: 'certificate', der: CERTIFICATE }),
  );
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
  const spec = structuredClone(BODIES[3]?.spec) as { content: { envelope: { signatures: [{ sig: string }] } } };
  spec.content.envelope.signatures[0].sig = encodeBase64(Uint8Array.of(0x30, 0xff));
  const claim = parseEntryBody({ kind: 'intoto', version: '0.0.2', canonicalizedBody: bodyOf('intoto', '0.0.2', spec) });
  assert.deepEqual(comparable(claim.signatures[0]?.signature), '30ff');
});

test('bounds: one signature more than LIMITS.signaturesPerEnvelope', () => {
  const read = (count: number): EntryClaim => {
    const signatures = Array.from({ length: count }, () => ({ signature: encodeBase64(SIGNATURE), verifier: PEM_KEY }));
    return parseEntryBody({
      kind: 'dsse',
      version: '0.0.1',
      canonicalizedBody: bodyOf('dsse', '0.0.1', { envelopeHash: HEX_HASH, payloadHash: HEX_HASH, signatures }),
    });
  };
  assert.equal(read(LIMITS.signaturesPerEnvelope).signatures.length, LIMITS.signaturesPerEnvelope);
  assert.throws(
    () => read(LIMITS.signaturesPerEnvelope + 1),
    (error) => error instanceof SealwardError && error.code === 'ERR_TOO_LARGE',
  );
});

test('law: a body damaged anywhere reads or is refused, and does nothing worse', () => {
  const bodies = BODIES.map(({ kind, version, spec }) => ({ kind, version, body: bodyOf(kind, version, spec) }));
  fc.assert(
    fc.property(fc.constantFrom(...bodies), fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), ({ kind, version, body }, pick, change, cut) => {
      const at = pick % body.length;
      const canonicalizedBody = cut ? body.subarray(0, at) : body.with(at, (body[at] as number) ^ change);
      try {
        parseEntryBody({ kind, version, canonicalizedBody });
      } catch (error) {
        assert.ok(error instanceof SealwardError && error.code === 'ERR_LOG_FORMAT', String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
