import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { alternativeNames, certify, extendedKeyUsage, NOW, vectorCertificates } from '../../../test/certificates.ts';
import { requireVectors } from '../../../test/vectors.ts';
import { extension } from '../../testing/certificate-authority.ts';
import {
  bitString,
  boolean,
  commonName,
  context,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  utf8String,
} from '../../testing/der.ts';
import { createTestKey } from '../../testing/test-key.ts';
import { concatBytes, decodeHex, derSequence, encodeDer, encodeHex, encodePem, LIMITS, parseDer, TAG, utf8 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { EXTENSION, generateKeyPair, parseCertificate, parseCertificatesPem, sha256, tbsWithoutExtension } from './index.ts';

const refused = { code: 'ERR_CERTIFICATE_INVALID' };
const key = createTestKey();
const ECDSA_SHA256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));

interface Parts {
  version?: Uint8Array[];
  serial?: Uint8Array;
  algorithm?: Uint8Array;
  validity?: Uint8Array;
  subject?: Uint8Array;
  spki?: Uint8Array;
  rest?: Uint8Array[];
  outer?: Uint8Array;
  signature?: Uint8Array;
}
/** A certificate with any of its parts replaced; the signature is not worth anything. */
function build(parts: Parts = {}): Uint8Array {
  const algorithm = parts.algorithm ?? ECDSA_SHA256;
  const tbs = sequence(
    ...(parts.version ?? [context(0, integer(2))]),
    parts.serial ?? integer(1),
    algorithm,
    commonName('issuer'),
    parts.validity ?? sequence(time(NOW), time(NOW + 1000)),
    parts.subject ?? commonName('subject'),
    parts.spki ?? key.publicKey.spki,
    ...(parts.rest ?? []),
  );
  return sequence(tbs, parts.outer ?? algorithm, parts.signature ?? bitString(new Uint8Array(8)));
}
const withExtensions = (...extensions: Uint8Array[]) => build({ rest: [context(3, sequence(...extensions))] });
const generalizedTime = (text: string) => encodeDer(TAG.generalizedTime, utf8(text));
const utcTime = (text: string) => encodeDer(TAG.utcTime, utf8(text));

describe('certificates', () => {
  it('are read as OpenSSL reads them', (t) => {
    if (!requireVectors(t, 'sigstore-conformance')) return;
    const all = vectorCertificates();
    assert.ok(all.length > 30, String(all.length));
    for (const der of all) {
      const ours = parseCertificate(der);
      // The declared types forget that a subject may be empty and that there may be no extended key usage.
      const theirs = new X509Certificate(der) as Omit<X509Certificate, 'subject' | 'keyUsage'> & { subject?: string; keyUsage?: string[] };
      assert.equal(ours.serial.toUpperCase(), theirs.serialNumber.replace(/^0+/, ''));
      assert.equal(ours.fingerprint.toUpperCase(), theirs.fingerprint256.replaceAll(':', ''));
      assert.equal(ours.notBefore, theirs.validFromDate.getTime());
      assert.equal(ours.notAfter, theirs.validToDate.getTime());
      assert.equal(ours.isCa, theirs.ca);
      assert.ok(ours.publicKey.object.equals(theirs.publicKey));
      // OpenSSL writes one part per line, the first part first, and escapes less.
      const lines = (text: string) =>
        text === ''
          ? undefined
          : text
              .split(/(?<!\\),/)
              .reverse()
              .join('\n')
              .replaceAll('\\', '');
      assert.equal(lines(ours.subjectText), theirs.subject?.replaceAll('\\', ''));
      assert.equal(lines(ours.issuerText), theirs.issuer.replaceAll('\\', ''));
      const names = { email: 'email', uri: 'URI', dns: 'DNS', ip: 'IP Address' } as Record<string, string>;
      assert.equal(ours.subjectAlternativeNames.map(({ type, value }) => `${names[type]}:${value}`).join(', ') || undefined, theirs.subjectAltName);
      assert.deepEqual([...(ours.extendedKeyUsage ?? [])], theirs.keyUsage ?? []);
    }
  });

  it('keep a copy, and name what they are', () => {
    const bytes = Buffer.from(build());
    const certificate = parseCertificate(bytes);
    assert.equal(certificate.fingerprint, encodeHex(sha256(bytes)));
    bytes.fill(0);
    assert.equal(encodeHex(sha256(certificate.raw)), certificate.fingerprint);
    assert.equal(certificate.subjectText, 'CN=subject');
    assert.equal(certificate.version, 3);
    assert.deepEqual([certificate.isCa, certificate.pathLength, certificate.keyUsage, certificate.extendedKeyUsage], [false, undefined, undefined, undefined]);
  });

  const bad: Record<string, Uint8Array> = {
    nothing: new Uint8Array(),
    'bytes after the end': concatBytes(build(), Uint8Array.of(0)),
    'two signature algorithms': build({ outer: sequence(objectIdentifier('1.2.840.10045.4.3.3')) }),
    'a signature algorithm that differs in its parameters only': build({ outer: sequence(objectIdentifier('1.2.840.10045.4.3.2'), encodeDer(TAG.null)) }),
    'version 4': build({ version: [context(0, integer(3))] }),
    'extensions in version 1': build({ version: [], rest: [context(3, sequence(extension('1.2.3', octetString(new Uint8Array()))))] }),
    'extensions in version 2': build({ version: [context(0, integer(1))], rest: [context(3, sequence())] }),
    'a negative serial number': build({ serial: encodeDer(TAG.integer, Uint8Array.of(0x80)) }),
    'an empty serial number': build({ serial: encodeDer(TAG.integer) }),
    'a serial number of 22 octets': build({ serial: encodeDer(TAG.integer, new Uint8Array(22).fill(1)) }),
    'a serial number with a leading zero': build({ serial: encodeDer(TAG.integer, Uint8Array.of(0, 1)) }),
    'a fraction of a second': build({ validity: sequence(generalizedTime('20250101000000.5Z'), time(NOW)) }),
    'a third time': build({ validity: sequence(time(NOW), time(NOW), time(NOW)) }),
    'the 30th of February': build({ validity: sequence(utcTime('250230000000Z'), time(NOW)) }),
    'a time without its zone': build({ validity: sequence(utcTime('250201000000'), time(NOW)) }),
    'parts that nobody knows': build({ rest: [context(4, integer(1))] }),
    'extensions before the identifiers': build({ rest: [context(3, sequence()), implicit(1, Uint8Array.of(0, 1))] }),
    'a signature with unused bits': build({ signature: bitString(Uint8Array.of(0x80), 7) }),
    'an extension that stands twice': withExtensions(extension('1.2.3', octetString(utf8('a'))), extension('1.2.3', octetString(utf8('b')))),
    'an alternative name that stands twice': withExtensions(alternativeNames(implicit(1, utf8('a@b'))), alternativeNames(implicit(1, utf8('c@d')))),
    'an extension without a value': withExtensions(sequence(objectIdentifier('1.2.3'))),
    'a critical flag that is no DER': withExtensions(
      sequence(objectIdentifier('1.2.3'), encodeDer(TAG.boolean, Uint8Array.of(1)), octetString(new Uint8Array())),
    ),
    'a mail address with a NUL': withExtensions(alternativeNames(implicit(1, utf8('a@good.example\0.evil.example')))),
    'a URI with a line break': withExtensions(alternativeNames(implicit(6, utf8('https://a/\nb')))),
    'a mail address beyond ASCII': withExtensions(alternativeNames(implicit(1, utf8('ä@example.com')))),
    'an address of five bytes': withExtensions(alternativeNames(implicit(7, new Uint8Array(5)))),
    'a user name that is no UTF8String': withExtensions(
      alternativeNames(context(0, objectIdentifier('1.3.6.1.4.1.57264.1.7'), context(0, encodeDer(TAG.ia5String, utf8('me'))))),
    ),
    'a user name that is not UTF-8': withExtensions(
      alternativeNames(context(0, objectIdentifier('1.3.6.1.4.1.57264.1.7'), context(0, encodeDer(TAG.utf8String, Uint8Array.of(0xff))))),
    ),
    'basic constraints with a third part': withExtensions(extension('2.5.29.19', sequence(boolean(true), integer(1), integer(2)))),
    'a negative path length': withExtensions(extension('2.5.29.19', sequence(boolean(true), encodeDer(TAG.integer, Uint8Array.of(0xff))))),
    'an empty extended key usage': withExtensions(extension('2.5.29.37', sequence())),
    'a key usage that is no bit string': withExtensions(extension('2.5.29.15', octetString(Uint8Array.of(7, 0x80)))),
  };
  for (const [name, der] of Object.entries(bad)) it(`refuse ${name}`, () => assert.throws(() => parseCertificate(der), refused));

  it('are bounded in size', () => {
    const filler = (length: number) => withExtensions(extension('1.2.3', octetString(new Uint8Array(length))));
    const overhead = filler(60_000).length - 60_000;
    assert.equal(parseCertificate(filler(LIMITS.certificateBytes - overhead)).raw.length, LIMITS.certificateBytes);
    assert.throws(() => parseCertificate(filler(LIMITS.certificateBytes - overhead + 1)), { code: 'ERR_TOO_LARGE' });
  });

  it('read names of every kind', () => {
    const { subjectAlternativeNames } = parseCertificate(
      withExtensions(
        alternativeNames(
          implicit(1, utf8('me@example.com')),
          implicit(6, utf8('https://example.com/a?b#c')),
          implicit(2, utf8('example.com')),
          implicit(7, Uint8Array.of(192, 0, 2, 1)),
          implicit(7, decodeHex('20010db8000000000000000000000001')),
          context(0, objectIdentifier('1.3.6.1.4.1.57264.1.7'), context(0, utf8String('foo!example.com'))),
          context(0, objectIdentifier('1.2.3'), context(0, integer(5))),
          context(4, commonName('a name')),
          implicit(8, decodeHex('2a0304')),
        ),
      ),
    );
    assert.deepEqual(subjectAlternativeNames, [
      { type: 'email', value: 'me@example.com' },
      { type: 'uri', value: 'https://example.com/a?b#c' },
      { type: 'dns', value: 'example.com' },
      { type: 'ip', value: '192.0.2.1' },
      { type: 'ip', value: '2001:db8:0:0:0:0:0:1' },
      { type: 'otherName', value: 'foo!example.com', oid: '1.3.6.1.4.1.57264.1.7' },
      { type: 'otherName', value: '020105', oid: '1.2.3' },
      { type: 'directoryName', value: 'CN=a name' },
      { type: 'unknown', value: '88032a0304' },
    ]);
  });

  it('read usages', () => {
    const { certificate } = certify('x', { ca: { pathLength: 3 }, extensions: [extendedKeyUsage(true, '1.3.6.1.5.5.7.3.3', '1.2.3')] });
    assert.deepEqual([...(certificate.keyUsage ?? [])], ['keyCertSign', 'cRLSign']);
    assert.deepEqual(certificate.extendedKeyUsage, ['1.3.6.1.5.5.7.3.3', '1.2.3']);
    assert.equal(certificate.pathLength, 3);
    assert.deepEqual([...(parseCertificate(withExtensions(extension('2.5.29.15', bitString(Uint8Array.of(0, 0x80), 7)))).keyUsage ?? [])], ['decipherOnly']);
  });

  it('may carry a key of a kind that is refused, as long as nobody uses it', () => {
    const spki = decodeHex(`302a300506032b656e032100${'11'.repeat(32)}`); // X25519
    const certificate = parseCertificate(build({ spki }));
    assert.throws(() => certificate.publicKey, { code: 'ERR_KEY_INVALID' });
    assert.equal(parseCertificate(build({ spki: generateKeyPair('ml-dsa-44').publicKey.spki })).publicKey.kind, 'ml-dsa');
  });

  it('write hostile names without harm and within bounds', () => {
    const part = (oid: string, value: Uint8Array) => encodeDer(TAG.set, sequence(objectIdentifier(oid), value));
    const text = (...parts: Uint8Array[]) => parseCertificate(build({ subject: sequence(...parts) })).subjectText;
    assert.equal(text(part('2.5.4.10', utf8String('A, "B"')), part('2.5.4.3', utf8String(' #x='))), 'CN=\\ #x\\=,O=A\\, \\"B\\"');
    assert.equal(text(part('2.5.4.3', utf8String('\u001b[2J\u202e\0'))), 'CN=\\1b[2J\\e2\\80\\ae\\00');
    assert.equal(text(part('1.2.3.4', utf8String('x'))), '1.2.3.4=#0c0178');
    assert.equal(text(part('2.5.4.3', encodeDer(0x1e, decodeHex('00410042')))), 'CN=AB');
    assert.equal(
      text(encodeDer(TAG.set, sequence(objectIdentifier('2.5.4.3'), utf8String('a')), sequence(objectIdentifier('2.5.4.11'), utf8String('b')))),
      'CN=a+OU=b',
    );
    assert.equal(text(part('2.5.4.3', encodeDer(TAG.utf8String, Uint8Array.of(0xff)))).startsWith('#'), true);
    assert.equal(text(octetString(utf8('x'))).startsWith('#'), true);
    assert.ok(text(...Array.from({ length: 3000 }, () => part('2.5.4.3', utf8String('x')))).length < 1000);
    assert.ok(text(part('2.5.4.3', utf8String('x'.repeat(50_000)))).length < 1000);
    assert.ok(text(encodeDer(TAG.set, ...Array.from({ length: 3000 }, () => sequence(objectIdentifier('2.5.4.3'), utf8String('y'))))).length < 20_000);
    assert.equal(text(setOf()), '');
  });

  it('give back what a certificate log signed', () => {
    const list = extension(EXTENSION.certificateTimestamps, octetString(utf8('timestamps')));
    const other = extension('1.2.3', octetString(utf8('x')));
    const rebuilt = tbsWithoutExtension(parseCertificate(withExtensions(other, list)), EXTENSION.certificateTimestamps);
    const [expected] = derSequence(parseDer(withExtensions(other)), 'the certificate');
    assert.equal(encodeHex(rebuilt), encodeHex((expected as { raw: Uint8Array }).raw));
    const bare = tbsWithoutExtension(parseCertificate(withExtensions(list)), EXTENSION.certificateTimestamps);
    const [without] = derSequence(parseDer(build()), 'the certificate');
    assert.equal(encodeHex(bare), encodeHex((without as { raw: Uint8Array }).raw));
  });

  it('come out of PEM files in order', () => {
    const [a, b] = [certify('a').certificate, certify('b').certificate];
    const text = `# two\n${encodePem('CERTIFICATE', a.raw)}${encodePem('CERTIFICATE', b.raw)}`;
    assert.deepEqual(
      parseCertificatesPem(text).map((certificate) => certificate.subjectText),
      ['CN=a', 'CN=b'],
    );
    for (const wrong of ['', 'hello', `${text}${encodePem('PRIVATE KEY', a.raw)}`])
      assert.throws(() => parseCertificatesPem(wrong), { code: 'ERR_PEM_INVALID' });
    assert.throws(() => parseCertificatesPem(encodePem('CERTIFICATE', utf8('junk'))), refused);
  });

  it('end damaged ones with an error of their own, and read no other certificate as the same', (t) => {
    if (!requireVectors(t, 'sigstore-conformance')) return;
    const some = vectorCertificates();
    fc.assert(
      fc.property(fc.constantFrom(...some), fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (der, at, flip, cut) => {
        const bytes = Uint8Array.from(der);
        const i = at % bytes.length;
        bytes[i] = (bytes[i] as number) ^ flip;
        try {
          const certificate = parseCertificate(cut ? bytes.subarray(0, i) : bytes);
          assert.ok(certificate.subjectText.length + certificate.issuerText.length >= 0);
          assert.notEqual(certificate.fingerprint, encodeHex(sha256(der)));
          assert.ok(certificate.publicKey);
        } catch (error) {
          assert.ok(error instanceof SealwardError, String(error));
        }
      }),
      { numRuns: 3000 },
    );
  });
});
