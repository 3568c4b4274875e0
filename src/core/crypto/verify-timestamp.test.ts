import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { certify, type Certified, DAY, extendedKeyUsage, NOW } from '../../../test/certificates.ts';
import { requireVectors, vectorsPath } from '../../../test/vectors.ts';
import { boolean, context, generalizedTime, implicit, integer, objectIdentifier, octetString, sequence, setOf } from '../../testing/der.ts';
import { createTestKey, signatureAlgorithm } from '../../testing/test-key.ts';
import { concatBytes, encodeDer, LIMITS, TAG, utf8 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import type { Certificate, HashName, KeyKind } from './index.ts';
import { createVerdictCache, EXTENDED_KEY_USAGE, hash, parseCertificate, parseTimestampToken, sha256, verifyTimestampToken } from './index.ts';

const message = utf8('a signature');
const refused = { code: 'ERR_TIMESTAMP_INVALID' };
const OID = {
  signedData: '1.2.840.113549.1.7.2',
  data: '1.2.840.113549.1.7.1',
  statement: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  certificate: '1.2.840.113549.1.9.16.2.12',
  certificateV2: '1.2.840.113549.1.9.16.2.47',
} as const;
const HASHES: Readonly<Record<HashName, string>> = { sha256: '2.16.840.1.101.3.4.2.1', sha384: '2.16.840.1.101.3.4.2.2', sha512: '2.16.840.1.101.3.4.2.3' };
const digestAlgorithm = (name: HashName) => sequence(objectIdentifier(HASHES[name]));
const timestamping = [extendedKeyUsage(true, EXTENDED_KEY_USAGE.timeStamping)];

const root = certify('tsa root', { ca: {}, notBefore: NOW - 30 * DAY, notAfter: NOW + 30 * DAY });
const signer = certify('tsa', { above: root, extensions: timestamping });
const only = (...certified: Certified[]): Certificate[] => certified.map(({ certificate }) => certificate);

interface Options {
  readonly signer?: Certified;
  readonly imprint?: { readonly hash: HashName; readonly digest: Uint8Array };
  readonly time?: Uint8Array;
  /** What follows the time in the TSTInfo. */
  readonly optional?: readonly Uint8Array[];
  readonly statement?: Uint8Array;
  readonly contentType?: string;
  readonly signedContentType?: string;
  readonly certificates?: readonly Uint8Array[];
  readonly digest?: HashName;
  readonly signedDigest?: Uint8Array;
  readonly certificateIds?: readonly Uint8Array[];
  readonly attributes?: readonly Uint8Array[];
  readonly order?: (attributes: Uint8Array[]) => Uint8Array[];
  readonly name?: Uint8Array;
  readonly signerVersion?: number;
  readonly version?: number;
  readonly signature?: (signed: Uint8Array) => Uint8Array;
  readonly signers?: number;
}

const attribute = (oid: string, ...values: Uint8Array[]): Uint8Array => sequence(objectIdentifier(oid), setOf(...values));
const idV2 = (certificate: Certificate, name: HashName = 'sha256'): Uint8Array =>
  attribute(OID.certificateV2, sequence(sequence(sequence(...(name === 'sha256' ? [] : [digestAlgorithm(name)]), octetString(hash(name, certificate.raw))))));
const idV1 = (certificate: Certificate): Uint8Array =>
  attribute(OID.certificate, sequence(sequence(sequence(octetString(createHash('sha1').update(certificate.raw).digest())))));

/** A token with any of its parts replaced. */
function build(options: Options = {}): Uint8Array {
  const by = options.signer ?? signer;
  const { hash: name, digest } = options.imprint ?? { hash: 'sha256' as const, digest: sha256(message) };
  const statement =
    options.statement ??
    sequence(
      integer(1),
      objectIdentifier('1.2.3'),
      sequence(digestAlgorithm(name), octetString(digest)),
      integer(7),
      options.time ?? generalizedTime(NOW),
      ...(options.optional ?? []),
    );
  const digestName = options.digest ?? 'sha256';
  const attributes = options.attributes ?? [
    attribute(OID.contentType, objectIdentifier(options.signedContentType ?? OID.statement)),
    attribute(OID.messageDigest, octetString(options.signedDigest ?? hash(digestName, statement))),
    ...(options.certificateIds ?? [idV2(by.certificate)]),
  ];
  const signed = setOf(...attributes);
  const order = options.order ?? ((items: Uint8Array[]) => items.sort((a, b) => Buffer.compare(a, b)));
  const signerInfo = sequence(
    integer(options.signerVersion ?? 1),
    options.name ?? sequence(by.certificate.issuer, encodeDer(TAG.integer, by.certificate.serialBytes)),
    digestAlgorithm(digestName),
    context(0, ...order([...attributes])),
    signatureAlgorithm(by.key),
    octetString(options.signature ? options.signature(signed) : by.key.sign(signed)),
  );
  return sequence(
    objectIdentifier(OID.signedData),
    context(
      0,
      sequence(
        integer(options.version ?? 3),
        setOf(digestAlgorithm(digestName)),
        sequence(objectIdentifier(options.contentType ?? OID.statement), context(0, octetString(statement))),
        ...(options.certificates ? [encodeDer(0xa0, ...options.certificates)] : []),
        setOf(...Array.from({ length: options.signers ?? 1 }, () => signerInfo)),
      ),
    ),
  );
}

function judge(options: Options, trusted: Certificate[] = only(signer, root)): string {
  const verdict = verifyTimestampToken(parseTimestampToken(build(options)), message, trusted);
  return verdict.ok ? `${verdict.from - NOW}..${verdict.to - NOW}` : verdict.reason;
}

describe('a timestamp', () => {
  it('dates the message it is about', () => {
    const verdict = verifyTimestampToken(parseTimestampToken(build()), message, only(signer, root));
    assert.ok(verdict.ok);
    assert.deepEqual([verdict.at, verdict.from, verdict.to], [NOW, NOW, NOW]);
    assert.equal(verdict.signer.fingerprint, signer.certificate.fingerprint);
    assert.deepEqual(
      verdict.chain.map(({ subjectText }) => subjectText),
      ['CN=tsa', 'CN=tsa root'],
    );
    const { statement } = parseTimestampToken(build());
    assert.deepEqual([statement.policy, statement.serial, statement.nonce], ['1.2.3', '07', undefined]);
  });

  it('is read from a response that grants, and from no other', () => {
    const answer = (status: number, ...token: Uint8Array[]) => sequence(sequence(integer(status)), ...token);
    for (const status of [0, 1]) assert.ok(parseTimestampToken(answer(status, build())));
    for (const status of [2, 3, 4, 5]) assert.throws(() => parseTimestampToken(answer(status, build())), refused);
    assert.throws(() => parseTimestampToken(answer(0)), refused);
    assert.throws(() => parseTimestampToken(answer(2)), refused);
    assert.throws(() => parseTimestampToken(answer(0, build(), build())), refused);
    assert.throws(() => parseTimestampToken(concatBytes(build(), Uint8Array.of(0))), refused);
  });

  it('states its time with its accuracy', () => {
    const accuracy = (...parts: Uint8Array[]) => sequence(...parts);
    const cases: [Uint8Array[], string][] = [
      [[accuracy()], '0..0'],
      [[accuracy(integer(1))], '-1000..1000'],
      [[accuracy(integer(1), implicit(0, Uint8Array.of(0x01, 0xf4)))], '-1500..1500'],
      [[accuracy(implicit(1, Uint8Array.of(1)))], '-1..1'],
      [
        [
          accuracy(integer(2)),
          boolean(true),
          integer(99),
          context(0, context(4, sequence())),
          context(1, sequence(objectIdentifier('1.2.3'), octetString(message))),
        ],
        '-2000..2000',
      ],
    ];
    for (const [optional, expected] of cases) assert.equal(judge({ optional }), expected);
    assert.equal(judge({ time: encodeDer(TAG.generalizedTime, utf8('20250601000000.25Z')) }), '250..250');
    const { statement } = parseTimestampToken(build({ optional: [integer(0x1234)] }));
    assert.equal(statement.nonce, '1234');
  });

  const malformed: Record<string, Options> = {
    'an accuracy of a thousand milliseconds': { optional: [sequence(implicit(0, Uint8Array.of(0x03, 0xe8)))] },
    'a negative accuracy': { optional: [sequence(encodeDer(TAG.integer, Uint8Array.of(0xff)))] },
    'accuracy after the nonce': { optional: [integer(1), sequence(integer(1))] },
    'a critical extension': { optional: [context(1, sequence(objectIdentifier('1.2.3'), boolean(true), octetString(message)))] },
    'a UTCTime': { time: encodeDer(TAG.utcTime, utf8('250601000000Z')) },
    'a time in another zone': { time: encodeDer(TAG.generalizedTime, utf8('20250601000000+0100')) },
    'a digest of the wrong length': { imprint: { hash: 'sha256', digest: new Uint8Array(20) } },
    'a statement of version 2': {
      statement: sequence(
        integer(2),
        objectIdentifier('1.2.3'),
        sequence(digestAlgorithm('sha256'), octetString(sha256(message))),
        integer(7),
        generalizedTime(NOW),
      ),
    },
    'a statement by SHA-1': {
      statement: sequence(
        integer(1),
        objectIdentifier('1.2.3'),
        sequence(sequence(objectIdentifier('1.3.14.3.2.26')), octetString(new Uint8Array(20))),
        integer(7),
        generalizedTime(NOW),
      ),
    },
    'another type of content': { contentType: OID.data },
    'another signed type of content': { signedContentType: OID.data },
    'another signed digest': { signedDigest: sha256(message) },
    'two signers': { signers: 2 },
    'no signer': { signers: 0 },
    'signed data of version 1': { version: 1 },
    'a signer of version 3 by issuer and serial number': { signerVersion: 3 },
    'a signer of version 1 by key identifier': { name: implicit(0, signer.certificate.subjectKeyId as Uint8Array) },
    'no name of the certificate': { certificateIds: [] },
    'a name of the certificate of the wrong length': {
      certificateIds: [attribute(OID.certificateV2, sequence(sequence(sequence(octetString(new Uint8Array(20))))))],
    },
    'no content type': { attributes: [attribute(OID.messageDigest, octetString(sha256(message))), idV2(signer.certificate)] },
    'no digest': { attributes: [attribute(OID.contentType, objectIdentifier(OID.statement)), idV2(signer.certificate)] },
    'an attribute twice': { certificateIds: [idV2(signer.certificate), idV2(root.certificate)] },
    'an attribute with two values': {
      certificateIds: [idV2(signer.certificate), attribute(OID.signingTime, integer(1), integer(2)), attribute(OID.signingTime, integer(3))],
    },
    'too many certificates': { certificates: Array.from({ length: LIMITS.intermediateCertificates + 1 }, () => root.certificate.raw) },
  };
  for (const [name, options] of Object.entries(malformed)) {
    it(`is refused with ${name}`, () => assert.throws(() => parseTimestampToken(build(options)), refused));
  }

  it('is bounded in size', () => {
    const token = build({ certificates: [octetString(new Uint8Array(LIMITS.timestampBytes))] });
    assert.throws(() => parseTimestampToken(token), { code: 'ERR_TOO_LARGE' });
  });

  it('is about its message and no other, by every accepted hash', () => {
    for (const name of ['sha256', 'sha384', 'sha512'] as const) {
      assert.equal(judge({ imprint: { hash: name, digest: hash(name, message) } }), '0..0');
      assert.equal(judge({ imprint: { hash: name, digest: hash(name, utf8('another')) } }), 'TIMESTAMP_MISMATCH');
      assert.equal(judge({ digest: name }), '0..0');
    }
  });

  it('is signed with any accepted key', () => {
    for (const kind of ['ecdsa-p384', 'ecdsa-p521', 'rsa2048', 'ed25519'] satisfies KeyKind[]) {
      const by = certify('tsa', { above: root, extensions: timestamping, key: createTestKey(kind) });
      assert.equal(judge({ signer: by }, only(by, root)), '0..0', kind);
      assert.equal(judge({ signer: by, signature: (signed) => createTestKey(kind).sign(signed) }, only(by, root)), 'TIMESTAMP_INVALID', kind);
    }
  });

  it('is over its attributes in DER order, whatever order they stand in', () => {
    assert.equal(judge({ order: (items) => items.reverse() }), '0..0');
    const inOtherOrder = (signed: Uint8Array) => signer.key.sign(concatBytes(signed).reverse());
    assert.equal(judge({ signature: inOtherOrder }), 'TIMESTAMP_INVALID');
  });

  it('names its signer by issuer and serial number, or by key identifier', () => {
    const name = implicit(0, signer.certificate.subjectKeyId as Uint8Array);
    assert.equal(judge({ name, signerVersion: 3 }), '0..0');
    assert.equal(judge({ name: implicit(0, new Uint8Array(20)), signerVersion: 3 }), 'TIMESTAMP_INVALID');
    assert.equal(judge({ name: sequence(signer.certificate.issuer, integer(1)) }), 'TIMESTAMP_INVALID');
  });

  it('holds only for the certificate that the signed attributes name', () => {
    const { certificate } = signer;
    for (const certificateIds of [[idV2(certificate, 'sha512')], [idV1(certificate)], [idV1(certificate), idV2(certificate)]])
      assert.equal(judge({ certificateIds }), '0..0');
    // The same key, name and serial number in another certificate.
    const twin = certify('tsa', { above: root, extensions: timestamping, key: signer.key });
    const others = [
      [idV2(root.certificate)],
      [idV1(root.certificate)],
      [idV1(certificate), idV2(root.certificate)],
      [idV1(root.certificate), idV2(certificate)],
    ];
    for (const certificateIds of others) assert.equal(judge({ certificateIds }), 'TIMESTAMP_INVALID');
    assert.notEqual(twin.certificate.fingerprint, certificate.fingerprint);
    assert.equal(judge({ signer: twin }), 'TIMESTAMP_INVALID');
  });
});

describe('the authority of a timestamp', () => {
  it('may bring its certificate along when only its root is trusted', () => {
    assert.equal(judge({ certificates: [signer.certificate.raw] }, only(root)), '0..0');
    // It names this root as its issuer and cannot show that it is.
    assert.equal(judge({}, only(root)), 'TIMESTAMP_INVALID');
    const middle = certify('middle', { above: root, ca: {}, extensions: [extendedKeyUsage(false, EXTENDED_KEY_USAGE.timeStamping)] });
    const below = certify('tsa', { above: middle, extensions: timestamping });
    assert.equal(judge({ signer: below, certificates: [below.certificate.raw, middle.certificate.raw] }, only(root)), '0..0');
    assert.equal(judge({ signer: below, certificates: [below.certificate.raw] }, only(root)), 'TIMESTAMP_UNTRUSTED');
    assert.equal(judge({ signer: below }, only(below, middle, root)), '0..0');
  });

  it('is the certificate that is trusted, when one is, and not another below the same root', () => {
    const other = certify('other', { above: root, extensions: timestamping });
    assert.equal(judge({ signer: other, certificates: [other.certificate.raw] }, only(root)), '0..0');
    assert.equal(judge({ signer: other, certificates: [other.certificate.raw] }, only(signer, root)), 'TIMESTAMP_UNTRUSTED');
  });

  it('is not another one, with or without its certificates', () => {
    for (const [name, reason] of [
      ['somebody', 'TIMESTAMP_UNTRUSTED'],
      ['tsa root', 'TIMESTAMP_INVALID'], // says that it is the trusted one, and is not
    ] as const) {
      const evilRoot = certify(name, { ca: {} });
      const evil = certify('tsa', { above: evilRoot, extensions: timestamping });
      for (const certificates of [[], [evil.certificate.raw], [evil.certificate.raw, evilRoot.certificate.raw]]) {
        assert.equal(judge({ signer: evil, certificates }, only(root)), reason);
        assert.equal(judge({ signer: evil, certificates }, only(signer, root)), 'TIMESTAMP_UNTRUSTED');
      }
    }
    assert.equal(judge({}, []), 'TIMESTAMP_UNTRUSTED');
  });

  it('is not changed by what else stands in the bag, wherever it stands (CVE-2026-39984)', () => {
    // A forged certificate with the right names, purposes and serial number, first in the bag; and junk.
    const forgedRoot = certify('tsa root', { ca: {} });
    const forged = certify('tsa', { above: forgedRoot, extensions: timestamping, key: signer.key });
    const junk = [forged.certificate.raw, sequence(), sequence(utf8('x')), forgedRoot.certificate.raw, encodeDer(0xa1, utf8('x'))];
    assert.equal(judge({ certificates: [...junk, signer.certificate.raw] }, only(root)), '0..0');
    assert.equal(judge({ certificates: junk }), '0..0');
    // One that the root issued for something else, in front of one that may date: what is checked is the one that signed.
    const code = certify('code', { above: root, extensions: [extendedKeyUsage(true, EXTENDED_KEY_USAGE.codeSigning)] });
    assert.equal(judge({ signer: code, certificates: [signer.certificate.raw, code.certificate.raw] }, only(root)), 'TIMESTAMP_UNTRUSTED');
    assert.equal(judge({ signer: code, certificates: [code.certificate.raw, signer.certificate.raw] }, only(root)), 'TIMESTAMP_UNTRUSTED');
  });

  it('has a certificate for timestamps and nothing else, marked as critical', () => {
    const { timeStamping, codeSigning, any } = EXTENDED_KEY_USAGE;
    const wrong = [
      [],
      [extendedKeyUsage(false, timeStamping)],
      [extendedKeyUsage(true, timeStamping, codeSigning)],
      [extendedKeyUsage(true, any)],
      [extendedKeyUsage(true, codeSigning)],
    ];
    for (const extensions of wrong) {
      const by = certify('tsa', { above: root, extensions });
      assert.equal(judge({ signer: by }, only(by, root)), 'TIMESTAMP_UNTRUSTED');
    }
    const encrypts = certify('tsa', { above: root, extensions: timestamping, keyUsage: 0x20 });
    assert.equal(judge({ signer: encrypts }, only(encrypts, root)), 'TIMESTAMP_UNTRUSTED');
    const middle = certify('middle', { above: root, ca: {}, extensions: [extendedKeyUsage(false, codeSigning)] });
    const below = certify('tsa', { above: middle, extensions: timestamping });
    assert.equal(judge({ signer: below }, only(below, middle, root)), 'TIMESTAMP_UNTRUSTED');
  });

  it('had valid certificates at the stated time, all of them, both ends included', () => {
    const short = certify('tsa', { above: root, extensions: timestamping, notBefore: NOW - 1000, notAfter: NOW + 1000 });
    for (const offset of [-1000, 0, 1000])
      assert.equal(judge({ signer: short, time: generalizedTime(NOW + offset) }, only(short, root)), `${offset}..${offset}`);
    for (const offset of [-2000, 2000])
      assert.equal(judge({ signer: short, time: generalizedTime(NOW + offset) }, only(short, root)), 'TIMESTAMP_OUTSIDE_WINDOW');
    const oldRoot = certify('tsa root', { ca: {}, key: root.key, notAfter: NOW - 1000 });
    assert.equal(judge({}, only(signer, oldRoot)), 'TIMESTAMP_OUTSIDE_WINDOW');
    assert.equal(judge({}, only(signer, oldRoot, root)), '0..0');
  });

  it('costs one verification when its chain is remembered', () => {
    const cache = createVerdictCache();
    for (let i = 0; i < 3; i++) assert.ok(verifyTimestampToken(parseTimestampToken(build()), message, only(signer, root), cache).ok);
    assert.ok(cache.has(`${signer.certificate.fingerprint}<${root.certificate.fingerprint}`));
  });
});

/** Every timestamp of the conformance suite and what is to be said about it; those whose window only the trusted root limits are good here. */
const VECTORS: Readonly<Record<string, string>> = {
  'rekor2-timestamp-outside-tsa-cert-validity_fail': 'TIMESTAMP_OUTSIDE_WINDOW',
  'rekor2-timestamp-payload-mismatch_fail': 'TIMESTAMP_MISMATCH',
  'rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail': 'TIMESTAMP_UNTRUSTED',
  'rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail': 'TIMESTAMP_UNTRUSTED',
};

interface VectorBundle {
  readonly verificationMaterial: { readonly timestampVerificationData?: { readonly rfc3161Timestamps?: { readonly signedTimestamp: string }[] } };
  readonly messageSignature?: { readonly signature: string };
  readonly dsseEnvelope?: { readonly signatures: { readonly sig: string }[] };
}
interface VectorRoot {
  readonly timestampAuthorities?: { readonly certChain: { readonly certificates: { readonly rawBytes: string }[] } }[];
}

function vectorTimestamps(): { name: string; token: Uint8Array; signature: Uint8Array; trusted: Certificate[] }[] {
  const base64 = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
  const read = (name: string, file: string): unknown => {
    const path = vectorsPath('sigstore-conformance', name, file);
    return existsSync(path) && name !== 'bundle-malformed-json_fail' ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
  };
  return readdirSync(vectorsPath('sigstore-conformance')).flatMap((name) => {
    const bundle = read(name, 'bundle.sigstore.json') as VectorBundle | undefined;
    const trustedRoot = read(name, 'trusted_root.json') as VectorRoot | undefined;
    const token = bundle?.verificationMaterial.timestampVerificationData?.rfc3161Timestamps?.[0]?.signedTimestamp;
    const authority = trustedRoot?.timestampAuthorities?.[0];
    const signature = bundle?.messageSignature?.signature ?? bundle?.dsseEnvelope?.signatures[0]?.sig;
    if (token === undefined || authority === undefined || signature === undefined) return [];
    const trusted = authority.certChain.certificates.map(({ rawBytes }) => parseCertificate(base64(rawBytes)));
    return [{ name, token: base64(token), signature: base64(signature), trusted }];
  });
}

describe('the timestamps of the conformance suite', () => {
  it('come out as their names say', (t) => {
    if (!requireVectors(t, 'sigstore-conformance')) return;
    const all = vectorTimestamps();
    for (const { name, token, signature, trusted } of all) {
      const verdict = verifyTimestampToken(parseTimestampToken(token), signature, trusted);
      assert.equal(verdict.ok ? 'ok' : verdict.reason, VECTORS[name] ?? 'ok', name);
    }
    assert.ok(all.length >= 25);
    assert.deepEqual(
      Object.keys(VECTORS).filter((name) => !all.some((vector) => vector.name === name)),
      [],
    );
  });

  it('do not survive damage: it is refused when it is read, or it changes nothing that is stated', (t) => {
    if (!requireVectors(t, 'sigstore-conformance')) return;
    const good = vectorTimestamps().filter(({ name }) => VECTORS[name] === undefined);
    fc.assert(
      fc.property(fc.constantFrom(...good), fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), ({ token, signature, trusted }, at, flip, cut) => {
        const bytes = Uint8Array.from(token);
        const i = at % bytes.length;
        bytes[i] = (bytes[i] as number) ^ flip;
        const original = verifyTimestampToken(parseTimestampToken(token), signature, trusted);
        try {
          const verdict = verifyTimestampToken(parseTimestampToken(cut ? bytes.subarray(0, i) : bytes), signature, trusted);
          if (verdict.ok && original.ok) {
            assert.deepEqual([verdict.from, verdict.to, verdict.signer.fingerprint], [original.from, original.to, original.signer.fingerprint]);
          }
        } catch (error) {
          assert.ok(error instanceof SealwardError, String(error));
        }
      }),
      { numRuns: 600 },
    );
  });
});
