import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { alternativeNames, certify, type Certified, DAY, extendedKeyUsage, NOW, vectorCertificates } from '../../../test/certificates.ts';
import { requireVectors } from '../../../test/vectors.ts';
import { extension } from '../../testing/certificate-authority.ts';
import { encodeDer, LIMITS, TAG, utf8 } from '../encoding/index.ts';
import { boolean, context, implicit, integer, objectIdentifier, octetString, sequence } from '../../testing/der.ts';
import { createTestKey, type TestKey } from '../../testing/test-key.ts';
import type { Certificate, KeyKind } from './index.ts';
import { buildChain, chainServes, createVerdictCache, EXTENDED_KEY_USAGE, parseCertificate, verifyIssuedBy, wasValidAt } from './index.ts';
import { processorTime } from '../../../test/processor-time.ts';

const root = certify('root', { ca: {} });
const intermediate = certify('intermediate', { above: root, ca: { pathLength: 0 } });
const leaf = certify('leaf', { above: intermediate });
const only = (...certified: Certified[]): Certificate[] => certified.map(({ certificate }) => certificate);
const names = (chain: readonly Certificate[] | undefined): string[] | undefined => chain?.map((certificate) => certificate.subjectText.replace('CN=', ''));

/** The certificate with its signature made by somebody else: `key` signs what the certificate says. */
function resigned({ certificate }: Certified, key: TestKey): Certificate {
  const algorithm = certificate.signatureAlgorithmDer;
  return parseCertificate(sequence(certificate.tbs, algorithm, encodeDer(TAG.bitString, Uint8Array.of(0), key.sign(certificate.tbs))));
}

describe('verifyIssuedBy', () => {
  it('accepts every kind of key that may sign certificates', () => {
    for (const kind of ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'rsa2048', 'ed25519'] satisfies KeyKind[]) {
      const authority = certify('authority', { ca: {}, key: createTestKey(kind) });
      const issued = certify('issued', { above: authority });
      assert.ok(verifyIssuedBy(issued.certificate, authority.certificate), kind);
      assert.ok(verifyIssuedBy(authority.certificate, authority.certificate), kind);
      assert.equal(verifyIssuedBy(resigned(issued, createTestKey(kind)), authority.certificate), false, kind);
    }
  });

  it('refuses whoever is not the issuer', () => {
    assert.ok(verifyIssuedBy(leaf.certificate, intermediate.certificate));
    assert.equal(verifyIssuedBy(leaf.certificate, root.certificate), false);
    assert.equal(verifyIssuedBy(leaf.certificate, leaf.certificate), false);
    // The same name with another key.
    assert.equal(verifyIssuedBy(leaf.certificate, certify('intermediate', { ca: {} }).certificate), false);
    // The same key under another name.
    assert.equal(verifyIssuedBy(leaf.certificate, certify('Intermediate', { ca: {}, key: intermediate.key }).certificate), false);
    assert.equal(verifyIssuedBy(resigned(leaf, createTestKey()), intermediate.certificate), false);
  });

  it('refuses an issuer that may not issue', () => {
    const plain = certify('plain', { above: root });
    assert.equal(verifyIssuedBy(certify('x', { above: plain }).certificate, plain.certificate), false);
    const signsNoCertificates = certify('crl', { above: root, ca: {}, keyUsage: 0x02 });
    assert.equal(verifyIssuedBy(certify('x', { above: signsNoCertificates }).certificate, signsNoCertificates.certificate), false);
    // RFC 5280 section 6.1.4 step n: only a key usage that is there restricts.
    const silent = certify('silent', { above: root, ca: {}, keyUsage: null });
    assert.ok(verifyIssuedBy(certify('x', { above: silent }).certificate, silent.certificate));
    // A flag that says no is no authority either.
    const no = certify('no', { above: root, extensions: [extension('2.5.29.19', sequence(boolean(false)), true)], keyUsage: 0x06 });
    assert.equal(verifyIssuedBy(certify('x', { above: no }).certificate, no.certificate), false);
  });

  it('refuses critical extensions that nobody here understands, on either side', () => {
    const unknown = extension('1.2.3', octetString(utf8('?')), true);
    const poison = extension('1.3.6.1.4.1.11129.2.4.3', encodeDer(TAG.null), true);
    assert.equal(verifyIssuedBy(certify('x', { above: root, extensions: [unknown] }).certificate, root.certificate), false);
    assert.equal(verifyIssuedBy(certify('x', { above: root, extensions: [poison] }).certificate, root.certificate), false);
    const strange = certify('strange', { above: root, ca: {}, extensions: [unknown] });
    assert.equal(verifyIssuedBy(certify('x', { above: strange }).certificate, strange.certificate), false);
    assert.ok(verifyIssuedBy(certify('x', { above: root, extensions: [extension('1.2.3', octetString(utf8('?')))] }).certificate, root.certificate));
  });

  it('refuses SHA-1, and algorithms whose parameters are not as they must be', () => {
    const rsa = certify('rsa', { ca: {}, key: createTestKey('rsa2048') });
    const sign = (...algorithm: Uint8Array[]): Certificate => {
      const tbs = certify('x', { above: rsa }).certificate;
      const old = tbs.signatureAlgorithmDer;
      const identifier = sequence(...algorithm);
      // The identifier stands inside what is signed as well.
      const hex = Buffer.from(tbs.tbs).toString('hex').replace(Buffer.from(old).toString('hex'), Buffer.from(identifier).toString('hex'));
      const body = Buffer.from(hex, 'hex').subarray(4);
      const inner = sequence(body);
      return parseCertificate(sequence(inner, identifier, encodeDer(TAG.bitString, Uint8Array.of(0), rsa.key.sign(inner))));
    };
    const NULL = encodeDer(TAG.null);
    assert.ok(verifyIssuedBy(sign(objectIdentifier('1.2.840.113549.1.1.11'), NULL), rsa.certificate));
    assert.ok(verifyIssuedBy(sign(objectIdentifier('1.2.840.113549.1.1.11')), rsa.certificate));
    for (const wrong of [
      [objectIdentifier('1.2.840.113549.1.1.5'), NULL], // sha1WithRSAEncryption
      [objectIdentifier('1.2.840.113549.1.1.4'), NULL], // md5WithRSAEncryption
      [objectIdentifier('1.2.840.113549.1.1.1'), NULL], // rsaEncryption, which only CMS may say
      [objectIdentifier('1.2.840.113549.1.1.11'), integer(1)],
      [objectIdentifier('1.2.840.113549.1.1.11'), NULL, NULL],
      [objectIdentifier('1.2.840.113549.1.1.12'), NULL], // the right form, another hash
      [objectIdentifier('1.2.840.113549.1.1.10')], // PSS, all of whose defaults are SHA-1
      [objectIdentifier('1.2.840.113549.1.1.10'), sequence()],
      [objectIdentifier('1.2.840.10045.4.3.2')],
    ]) {
      assert.equal(verifyIssuedBy(sign(...wrong), rsa.certificate), false);
    }
  });
});

describe('buildChain', () => {
  it('leads from the leaf to the root, whoever brings the intermediates', () => {
    assert.deepEqual(names(buildChain(leaf.certificate, only(intermediate), only(root))), ['leaf', 'intermediate', 'root']);
    assert.deepEqual(names(buildChain(leaf.certificate, [], only(intermediate, root))), ['leaf', 'intermediate', 'root']);
    assert.deepEqual(names(buildChain(leaf.certificate, only(root, leaf, intermediate), only(root, intermediate))), ['leaf', 'intermediate', 'root']);
  });

  it('ends at the top-most trusted certificate, and never below it', () => {
    assert.deepEqual(names(buildChain(leaf.certificate, only(root), only(intermediate))), ['leaf', 'intermediate']);
    assert.deepEqual(names(buildChain(leaf.certificate, [], only(leaf))), ['leaf']);
    assert.deepEqual(names(buildChain(leaf.certificate, [], only(root, intermediate, leaf))), ['leaf', 'intermediate', 'root']);
    assert.deepEqual(names(buildChain(root.certificate, [], only(root))), ['root']);
  });

  it('finds nothing without a trusted certificate above', () => {
    assert.equal(buildChain(leaf.certificate, only(intermediate, root), []), undefined);
    assert.equal(buildChain(leaf.certificate, [], only(root)), undefined);
    const forged = certify('root', { ca: {} });
    assert.equal(buildChain(leaf.certificate, only(intermediate, root), only(forged)), undefined);
    const own = certify('intermediate', { above: forged, ca: {} });
    assert.equal(buildChain(certify('leaf', { above: own }).certificate, only(own, forged), only(root, intermediate)), undefined);
  });

  it('is not misled by forged certificates under the names of the real ones', () => {
    const forged = [certify('intermediate', { ca: {} }), certify('intermediate', { above: certify('root', { ca: {} }), ca: {} })];
    const junk = [...forged, certify('root', { ca: {} })];
    assert.deepEqual(names(buildChain(leaf.certificate, only(...junk, intermediate, ...junk), only(root))), ['leaf', 'intermediate', 'root']);
  });

  it('respects path lengths, of the root too', () => {
    const below = certify('below', { above: intermediate, ca: {} });
    const deep = certify('deep', { above: below });
    assert.ok(verifyIssuedBy(deep.certificate, below.certificate));
    assert.equal(buildChain(deep.certificate, only(below, intermediate), only(root)), undefined);
    const tight = certify('tight', { ca: { pathLength: 0 } });
    const middle = certify('middle', { above: tight, ca: {} });
    assert.ok(buildChain(middle.certificate, [], only(tight)));
    assert.equal(buildChain(certify('x', { above: middle }).certificate, only(middle), only(tight)), undefined);
    // A self-issued certificate does not count (RFC 5280 section 4.2.1.9): an authority that changes its key.
    const renewed = certify('tight', { above: tight, ca: {} });
    assert.deepEqual(names(buildChain(certify('x', { above: renewed }).certificate, only(renewed), only(tight))), ['x', 'tight', 'tight']);
  });

  it('is bounded in length and in work', async () => {
    let top = root;
    const middles: Certified[] = [];
    for (let i = 0; i < LIMITS.intermediateCertificates + 1; i++) middles.push((top = certify(`m${i}`, { above: top, ca: {} })));
    const end = certify('end', { above: top });
    assert.equal(buildChain(end.certificate, only(...middles), only(root)), undefined);
    assert.equal(buildChain(end.certificate, only(...middles.slice(1)), only(root, middles[0] as Certified))?.length, 13);
    const shorter = certify('end', { above: middles.at(-2) as Certified });
    assert.equal(buildChain(shorter.certificate, only(...middles.slice(0, -1)), only(root))?.length, LIMITS.intermediateCertificates + 2);
    // Ten authorities of one name and one key that all issued each other: as many paths as there are orders of ten.
    const key = createTestKey();
    const first = certify('loop', { ca: {}, key });
    const loop = [first, ...Array.from({ length: 9 }, (_, i) => certify('loop', { above: first, ca: {}, key, notAfter: NOW + i }))];
    const { certificate } = certify('x', { above: first });
    assert.ok((await processorTime(() => assert.equal(buildChain(certificate, only(...loop), only(root)), undefined))) < 1000);
  });

  it('leaves out what cannot serve, but never ends below a root for that', () => {
    const old = certify('root', { ca: {}, key: root.key, notAfter: NOW - 1 });
    const at = (certificate: Certificate) => wasValidAt([certificate], NOW);
    const chain = buildChain(leaf.certificate, only(intermediate), only(old, root), { usable: at });
    assert.ok(chain && wasValidAt(chain, NOW));
    assert.equal(buildChain(leaf.certificate, only(intermediate), only(old), { usable: at }), undefined);
    // The intermediate is trusted itself, and still its expired root decides.
    assert.equal(buildChain(leaf.certificate, [], only(old, intermediate), { usable: at }), undefined);
    assert.equal(buildChain(leaf.certificate, [], only(root), { usable: () => false }), undefined);
  });

  it('remembers what trusted issuers signed, and nothing that others did', () => {
    const seen: string[] = [];
    const inner = createVerdictCache();
    const cache = {
      has: (key: string) => inner.has(key),
      add(key: string) {
        seen.push(key);
        inner.add(key);
      },
    };
    assert.ok(buildChain(leaf.certificate, [], only(intermediate, root), { cache }));
    assert.equal(seen.length, 2);
    assert.ok(buildChain(leaf.certificate, [], only(intermediate, root), { cache }));
    assert.equal(seen.length, 2);
    const forged = certify('intermediate', { ca: {} });
    assert.equal(buildChain(certify('x', { above: forged }).certificate, only(forged), only(root), { cache }), undefined);
    assert.equal(buildChain(resigned(leaf, createTestKey()), [], only(intermediate, root), { cache }), undefined);
    assert.equal(seen.length, 2);
    // What is remembered is still only believed of a trusted issuer.
    assert.equal(buildChain(leaf.certificate, only(intermediate), only(forged), { cache }), undefined);
  });

  it('chains the certificates of the vectors to the public authority', (t) => {
    if (!requireVectors(t, 'sigstore-conformance')) return;
    const all = vectorCertificates().map((der) => parseCertificate(der));
    const authorities = all.filter(({ isCa, subjectText }) => isCa && subjectText.endsWith('O=sigstore.dev'));
    const signers = all.filter(({ isCa, issuerText }) => !isCa && issuerText === 'CN=sigstore-intermediate,O=sigstore.dev');
    assert.ok(signers.length >= 10);
    for (const signer of signers) {
      const chain = buildChain(signer, [], authorities);
      assert.equal(chain?.length, 3);
      assert.ok(chainServes(chain, EXTENDED_KEY_USAGE.codeSigning));
    }
  });
});

describe('a chain', () => {
  it('was valid only when each certificate in it was, both ends included', () => {
    const short = certify('short', { above: root, ca: {}, notBefore: NOW, notAfter: NOW + 60_000 });
    const chain = only(certify('x', { above: short }), short, root);
    for (const time of [NOW, NOW + 60_000]) assert.ok(wasValidAt(chain, time));
    for (const time of [NOW - 1, NOW + 60_001, NOW - DAY - 1, NOW + DAY + 1]) assert.equal(wasValidAt(chain, time), false);
  });

  it('serves a purpose only when no authority in it was made for others', () => {
    const { codeSigning, timeStamping, any } = EXTENDED_KEY_USAGE;
    const code = certify('code', { above: root, ca: {}, extensions: [extendedKeyUsage(false, codeSigning)] });
    const whatever = certify('whatever', { above: root, ca: {}, extensions: [extendedKeyUsage(false, any)] });
    const chain = (above: Certified, ...purposes: string[]) =>
      only(certify('x', { above, extensions: purposes.length > 0 ? [extendedKeyUsage(false, ...purposes)] : [] }), above, root);
    assert.ok(chainServes(chain(code, codeSigning), codeSigning));
    assert.ok(chainServes(chain(whatever, codeSigning, timeStamping), codeSigning));
    assert.equal(chainServes(chain(code, timeStamping), timeStamping), false);
    assert.equal(chainServes(chain(whatever, timeStamping), codeSigning), false);
    assert.equal(chainServes(chain(whatever), codeSigning), false);
    assert.equal(chainServes(chain(whatever, any), codeSigning), false);
  });
});

describe('name constraints', () => {
  const email = (text: string) => implicit(1, utf8(text));
  const dns = (text: string) => implicit(2, utf8(text));
  const uri = (text: string) => implicit(6, utf8(text));
  const ip = (...bytes: number[]) => implicit(7, Uint8Array.from(bytes));
  const subtrees = (...bases: Uint8Array[]) => bases.map((base) => sequence(base));
  const constraints = (permitted: Uint8Array[], excluded: Uint8Array[] = []) =>
    extension(
      '2.5.29.30',
      sequence(
        ...(permitted.length > 0 ? [context(0, ...subtrees(...permitted))] : []),
        ...(excluded.length > 0 ? [context(1, ...subtrees(...excluded))] : []),
      ),
      true,
    );

  const cases: [constraint: Uint8Array, allowed: Uint8Array[], refused: Uint8Array[]][] = [
    [
      constraints([email('example.com')]),
      [email('a@example.com'), email('a@EXAMPLE.com'), uri('https://other.test/')],
      [email('a@sub.example.com'), email('a@badexample.com'), email('example.com.evil@x')],
    ],
    [constraints([email('.example.com')]), [email('a@sub.example.com')], [email('a@example.com'), email('a@.example.com')]],
    [constraints([email('me@example.com')]), [email('me@example.com')], [email('you@example.com')]],
    [constraints([dns('example.com')]), [dns('example.com'), dns('a.b.example.com'), dns('example.com.')], [dns('badexample.com'), dns('example.com.evil')]],
    [constraints([], [dns('example.com')]), [dns('other.test')], [dns('example.com'), dns('a.example.com'), dns('EXAMPLE.COM.')]],
    [
      constraints([uri('example.com')]),
      [uri('https://example.com/x'), uri('https://u@example.com:8443/x')],
      [uri('https://evil.test/?example.com'), uri('https://example.com@evil.test/'), uri('https://a.example.com/')],
    ],
    [constraints([uri('.example.com')]), [uri('https://a.example.com/')], [uri('https://example.com/')]],
    [
      constraints([], [uri('.example.com')]),
      [uri('https://other.test/')],
      [uri('https://a.example.com/'), uri('urn:x:y'), uri('https://192.0.2.1/'), uri('https://[::1]/')],
    ],
    [constraints([ip(192, 0, 2, 0, 255, 255, 255, 0)]), [ip(192, 0, 2, 7)], [ip(192, 0, 3, 7), ip(...Array.from({ length: 16 }, () => 1))]],
    // Kinds that are not judged are refused where they are constrained, and only there.
    [constraints([implicit(8, Uint8Array.of(0x2a))]), [email('a@b.test')], [implicit(8, Uint8Array.of(0x2a))]],
    [constraints([email('example.com')], [email('me@example.com')]), [email('you@example.com')], [email('me@example.com')]],
  ];
  it('bind every certificate below the authority that carries them', () => {
    for (const [constraint, allowed, refused] of cases) {
      // The subject is empty, as Fulcio's are: a name of its own would be a directoryName.
      const bound = certify('bound', { above: root, ca: {}, extensions: [constraint] });
      const chain = (name: Uint8Array) => buildChain(certify('', { above: bound, extensions: [alternativeNames(name)] }).certificate, only(bound), only(root));
      for (const name of allowed) assert.ok(chain(name), `allowed: ${Buffer.from(name).toString()}`);
      for (const name of refused) assert.equal(chain(name), undefined, `refused: ${Buffer.from(name).toString()}`);
    }
  });

  it('bind through authorities in between', () => {
    const bound = certify('bound', { above: root, ca: {}, extensions: [constraints([email('example.com')])] });
    const between = certify('between', { above: bound, ca: {} });
    const chain = (name: string) =>
      buildChain(certify('', { above: between, extensions: [alternativeNames(email(name))] }).certificate, only(between, bound), only(root));
    assert.ok(chain('a@example.com'));
    assert.equal(chain('a@evil.test'), undefined);
  });

  it('over directory names are not judged, so they refuse whoever has one', () => {
    const bound = certify('bound', { above: root, ca: {}, extensions: [constraints([context(4, sequence())])] });
    assert.equal(buildChain(certify('named', { above: bound }).certificate, only(bound), only(root)), undefined);
    assert.ok(buildChain(certify('', { above: bound }).certificate, only(bound), only(root)));
  });

  it('that are malformed refuse everything', () => {
    for (const value of [sequence(integer(1)), octetString(utf8('x')), sequence(context(0, sequence(email('a'), implicit(0, Uint8Array.of(1)))))]) {
      const bound = certify('bound', { above: root, ca: {}, extensions: [extension('2.5.29.30', value, true)] });
      assert.equal(buildChain(certify('', { above: bound, extensions: [alternativeNames(email('a@b'))] }).certificate, only(bound), only(root)), undefined);
    }
  });
});
