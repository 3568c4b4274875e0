/** What is proven: whose signature it is, about what, held by which log, dated by whom; and what breaks it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answer, ARTIFACT, BY_KEY, DIGEST, judged, KEYLESS, proven, SUBJECT } from '../../../test/judging.ts';
import {
  createTestAuthority,
  createTestCertificateLog,
  createTestKey,
  createTestSigstore,
  TEST_IDENTITY,
  TEST_NOW,
  type TestDocument,
} from '../../testing/index.ts';
import { createVerdictCache, hash, parseCertificate } from '../crypto/index.ts';
import { encodeBase64, encodeHex, encodePem, type JsonObject, utf8 } from '../encoding/index.ts';
import { type Anchors, keyAnchor } from '../trust/index.ts';
import type { ProvenSignature } from './index.ts';

const sigstore = createTestSigstore();
const { anchors, rekor, tiles, timestampAuthority } = sigstore;
const KEY = createTestKey();
const OTHER_KEY = createTestKey();
const withKeys = (...keys: readonly { readonly publicKey: Parameters<typeof keyAnchor>[0] }[]): Anchors => ({
  ...anchors,
  keys: keys.map(({ publicKey }) => keyAnchor(publicKey)),
});
const STATEMENT = { subjects: [{ digest: { sha256: DIGEST } }], predicateType: 'https://slsa.dev/provenance/v1' };
const OTHER_DIGEST = encodeHex(hash('sha256', utf8('another artifact')));

function factsOf(question: Parameters<typeof proven>[0]): ProvenSignature {
  const [facts, ...more] = proven(question).signatures;
  assert.ok(facts && more.length === 0);
  return facts;
}

describe('the subject', () => {
  it('of a signature over bytes is whatever was asked about, and the digest stated beside it must be true', () => {
    const { about, findings, broken } = factsOf({ anchors, evidence: sigstore.sign(ARTIFACT) });
    assert.deepEqual([about, findings, broken], [`sha256:${DIGEST}`, [], []]);
    const unstated = sigstore.sign(ARTIFACT) as { messageSignature: JsonObject };
    delete unstated.messageSignature['messageDigest'];
    assert.equal(answer({ anchors, evidence: unstated }), 'VERIFIED');
    assert.equal(answer({ anchors, evidence: unstated, subject: { digests: { sha256: OTHER_DIGEST } } }), 'SIGNATURE_INVALID');
    assert.equal(answer({ anchors, evidence: sigstore.sign(ARTIFACT), subject: { digests: { sha256: OTHER_DIGEST } } }), 'DIGEST_MISMATCH');
    assert.equal(answer({ anchors, evidence: sigstore.sign(ARTIFACT), subject: { digests: {} } }), 'DIGEST_MISMATCH');
  });

  it('may be known by any hash, and by none but the one that was signed', () => {
    const evidence = sigstore.sign(ARTIFACT, { signer: sigstore.issue({ key: createTestKey('ecdsa-p384') }) });
    const sha384 = encodeHex(hash('sha384', ARTIFACT));
    assert.equal(answer({ anchors, evidence, subject: { digests: { sha384 } } }), 'VERIFIED');
    assert.equal(answer({ anchors, evidence, subject: { digests: { sha256: DIGEST }, bytes: ARTIFACT } }), 'VERIFIED');
    assert.equal(answer({ anchors, evidence, subject: { digests: { sha256: DIGEST } } }), 'DIGEST_MISMATCH');
  });

  it('of a statement is each of those that it names, and the one that matched is stated', () => {
    const sha512 = encodeHex(hash('sha512', ARTIFACT));
    const evidence = sigstore.attest({
      ...STATEMENT,
      subjects: [{ digest: { sha256: OTHER_DIGEST } }, { digest: { gitCommit: 'x', sha512, sha256: DIGEST } }],
    });
    assert.equal(factsOf({ anchors, evidence, subject: { digests: { sha256: DIGEST } } }).about, `sha256:${DIGEST}`);
    assert.equal(factsOf({ anchors, evidence, subject: { digests: { sha512 } } }).about, `sha512:${sha512}`);
    assert.equal(factsOf({ anchors, evidence, subject: { digests: { sha256: OTHER_DIGEST } } }).about, `sha256:${OTHER_DIGEST}`);
    assert.equal(answer({ anchors, evidence, subject: { digests: { sha256: DIGEST.replace(/^./, 'f') } } }), 'DIGEST_MISMATCH');
  });

  it('of a statement is another artifact when one digest of two differs', () => {
    const evidence = sigstore.attest({ ...STATEMENT, subjects: [{ digest: { sha256: DIGEST, sha512: '0'.repeat(128) } }] });
    assert.equal(answer({ anchors, evidence }), 'DIGEST_MISMATCH');
    assert.equal(answer({ anchors, evidence, subject: { digests: { sha256: DIGEST, sha512: '1'.repeat(128) } } }), 'DIGEST_MISMATCH');
    assert.equal(answer({ anchors, evidence, subject: { digests: { sha256: DIGEST } } }), 'VERIFIED');
  });

  it('of simple signing is the digest of its payload', () => {
    const of = (digest: string): string => answer({ anchors, evidence: sigstore.signImage({ digest }) });
    assert.equal(of(`sha256:${DIGEST}`), 'VERIFIED');
    for (const digest of [`sha256:${OTHER_DIGEST}`, DIGEST, `sha512:${DIGEST}`, `sha256:${DIGEST.toUpperCase()}`, `sha256:${DIGEST} `, ''])
      assert.equal(of(digest), 'DIGEST_MISMATCH', digest);
  });
});

describe('the signer', () => {
  it('is a key that was given, whichever it is, and never one that the evidence names', () => {
    const evidence = sigstore.sign(ARTIFACT, { signer: { key: KEY } });
    assert.equal(factsOf({ anchors: withKeys(OTHER_KEY, KEY), evidence }).signers[0]?.anchor, KEY.publicKey.fingerprint);
    assert.equal(answer({ anchors: withKeys(OTHER_KEY), evidence, requirement: BY_KEY }), 'KEY_MISMATCH');
    assert.equal(answer({ anchors, evidence, requirement: BY_KEY }), 'SIGNATURE_INVALID');
  });

  it('did not sign when the key that is named does not verify, and is another when another is named', () => {
    const signed = (hint: string): string =>
      answer({ anchors: withKeys(OTHER_KEY), requirement: BY_KEY, evidence: sigstore.sign(ARTIFACT, { signer: { key: KEY }, hint }) });
    assert.equal(signed(OTHER_KEY.publicKey.fingerprint), 'SIGNATURE_INVALID');
    assert.equal(signed(encodeBase64(Buffer.from(OTHER_KEY.publicKey.fingerprint, 'hex'))), 'SIGNATURE_INVALID');
    assert.equal(signed('somebody'), 'KEY_MISMATCH');
  });

  it('is the key of the certificate that came with the signature, and no other', () => {
    const evidence = sigstore.sign(ARTIFACT, { signer: { ...sigstore.issue({ key: OTHER_KEY }), key: KEY } });
    assert.equal(answer({ anchors, evidence }), 'SIGNATURE_INVALID');
    assert.equal(answer({ anchors: withKeys(KEY), evidence, requirement: BY_KEY }), 'SIGNATURE_INVALID');
  });

  for (const kind of ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'rsa2048', 'rsa3072', 'ed25519', 'ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'] as const) {
    it(`may have a key of kind ${kind}, over bytes and over an envelope, in either log`, () => {
      const key = createTestKey(kind);
      for (const log of [rekor, tiles]) {
        for (const evidence of [sigstore.sign(ARTIFACT, { signer: { key }, logs: [log] }), sigstore.attest(STATEMENT, { signer: { key }, logs: [log] })]) {
          assert.equal(answer({ anchors: withKeys(key), evidence, requirement: BY_KEY }), 'VERIFIED');
          assert.notEqual(answer({ anchors: withKeys(createTestKey(kind)), evidence, requirement: BY_KEY }), 'VERIFIED');
        }
      }
    });
  }
});

describe('the certificate', () => {
  it('counts when a trusted authority issued it, by whatever intermediates came along', () => {
    const authority = createTestAuthority({ now: () => TEST_NOW, certificateLogs: [sigstore.certificateLog] });
    const [anchor] = anchors.authorities;
    assert.ok(anchor);
    const rootOnly: Anchors = { ...anchors, authorities: [{ ...anchor, certificates: [parseCertificate(authority.root.der)] }] };
    const evidence = (version: '0.1' | '0.3') => sigstore.sign(ARTIFACT, { version, signer: authority.issue() });
    assert.equal(answer({ anchors: rootOnly, evidence: evidence('0.1') }), 'VERIFIED');
    assert.equal(answer({ anchors: rootOnly, evidence: evidence('0.3') }), 'CERTIFICATE_UNTRUSTED');
    assert.equal(answer({ anchors, evidence: evidence('0.1') }), 'CERTIFICATE_UNTRUSTED');
  });

  it('that is trusted itself, or an authority’s, signs nothing', () => {
    const { intermediate } = sigstore.authority;
    assert.equal(answer({ anchors, evidence: sigstore.sign(ARTIFACT, { signer: intermediate }) }), 'CERTIFICATE_PURPOSE');
    const leaf = sigstore.issue();
    const [anchor] = anchors.authorities;
    assert.ok(anchor);
    const itself: Anchors = { ...anchors, authorities: [{ ...anchor, certificates: [parseCertificate(leaf.der)] }] };
    assert.equal(answer({ anchors: itself, evidence: sigstore.sign(ARTIFACT, { signer: leaf }) }), 'CERTIFICATE_UNTRUSTED');
  });

  it('of an authority, or of a key that may not sign, signs nothing either', () => {
    for (const odd of [{ isAuthority: true }, { keyUsage: 0x08 }, { purposes: ['1.3.6.1.5.5.7.3.1'] }]) {
      assert.equal(answer({ anchors, evidence: sigstore.sign(ARTIFACT, { signer: sigstore.issue(odd) }) }), 'CERTIFICATE_PURPOSE', JSON.stringify(odd));
    }
  });

  it('was seen by each trusted log that promised so, and by none that is unknown', () => {
    const stranger = createTestCertificateLog({ now: () => TEST_NOW });
    const by = (...certificateLogs: (typeof stranger)[]): string =>
      answer({ anchors, evidence: sigstore.sign(ARTIFACT, { signer: sigstore.issue({ certificateLogs }) }) });
    assert.equal(by(sigstore.certificateLog), 'VERIFIED');
    assert.equal(by(stranger, sigstore.certificateLog), 'VERIFIED');
    assert.equal(by(stranger), 'SCT_INVALID');
    // A promise of the trusted log for another issuer's certificate, and one for another certificate.
    assert.equal(by({ ...sigstore.certificateLog, timestamp: (tbs) => sigstore.certificateLog.timestamp(tbs, tbs) }), 'SCT_INVALID');
    assert.equal(by({ ...sigstore.certificateLog, timestamp: (tbs, spki) => sigstore.certificateLog.timestamp(tbs.slice(1), spki) }), 'SCT_INVALID');
  });

  it('judges the same with a memory of chains as without', () => {
    const memory = { certificates: createVerdictCache() };
    const other = createTestSigstore();
    for (let round = 0; round < 2; round++) {
      for (const [signer, of] of [
        [sigstore, anchors],
        [other, anchors],
        [sigstore, other.anchors],
        [other, other.anchors],
      ] as const) {
        const evidence = signer.sign(ARTIFACT, { timestampAuthorities: [signer.timestampAuthority] });
        assert.equal(answer({ anchors: of, evidence, memory }), answer({ anchors: of, evidence }));
        assert.equal(answer({ anchors: of, evidence, memory }) === 'VERIFIED', signer.anchors === of);
      }
    }
  });
});

describe('the timestamp', () => {
  it('is of the signature, and of the whole envelope where the first generation dates that', () => {
    const dated = { ...KEYLESS, logs: 0, timestamps: 1 };
    const by = { logs: [], timestampAuthorities: [timestampAuthority] };
    for (const evidence of [
      sigstore.sign(ARTIFACT, by),
      sigstore.attest(STATEMENT, by),
      sigstore.signImage({ digest: `sha256:${DIGEST}` }, by),
      sigstore.attestImage(STATEMENT, by),
    ]) {
      assert.equal(answer({ anchors, evidence, requirement: dated }), 'VERIFIED');
    }
  });

  it('of a trusted authority over something else breaks the signature, also where no time is needed', () => {
    const astray = { ...timestampAuthority, timestamp: () => timestampAuthority.timestamp(ARTIFACT) };
    const evidence = sigstore.sign(ARTIFACT, { signer: { key: KEY }, timestampAuthorities: [astray] });
    assert.equal(answer({ anchors: withKeys(KEY), evidence, requirement: BY_KEY }), 'TIMESTAMP_MISMATCH');
    assert.equal(answer({ anchors: { ...withKeys(KEY), timestampAuthorities: [] }, evidence, requirement: BY_KEY }), 'VERIFIED');
  });

  it('of a trusted authority that was damaged breaks the signature, also where no time is needed', () => {
    const signer = { key: KEY };
    for (const back of [1, 20]) {
      const damaged = {
        ...timestampAuthority,
        timestamp: (bytes: Uint8Array) => timestampAuthority.timestamp(bytes).map((octet, at, all) => (at === all.length - back ? octet ^ 1 : octet)),
      };
      assert.equal(
        answer({ anchors: withKeys(KEY), evidence: sigstore.sign(ARTIFACT, { signer, timestampAuthorities: [damaged] }), requirement: BY_KEY }),
        'TIMESTAMP_INVALID',
      );
    }
  });

  it('may be over any hash that is accepted, with or without the certificates of its authority', () => {
    for (const options of [{ hash: 'sha384' }, { hash: 'sha512' }, { certificates: [] }, { accuracy: 1 }] as const) {
      const authority = { ...timestampAuthority, timestamp: (bytes: Uint8Array) => timestampAuthority.timestamp(bytes, options) };
      assert.equal(
        answer({ anchors, evidence: sigstore.sign(ARTIFACT, { logs: [tiles], timestampAuthorities: [authority] }) }),
        'VERIFIED',
        JSON.stringify(options),
      );
    }
  });

  it('that cannot be read breaks the signature', () => {
    const broken = { ...timestampAuthority, timestamp: () => utf8('no timestamp') };
    assert.equal(answer({ anchors, evidence: sigstore.sign(ARTIFACT, { timestampAuthorities: [broken] }) }), 'TIMESTAMP_INVALID');
  });
});

describe('documents of the first generation', () => {
  const digest = `sha256:${DIGEST}`;
  const changed = ({ source, bytes }: TestDocument, annotations: Record<string, string>): TestDocument => ({
    bytes,
    source: { ...source, annotations: { ...source.annotations, ...annotations } },
  });

  it('carry their certificate in an annotation, which must be the signer’s', () => {
    const document = sigstore.signImage({ digest });
    assert.equal(answer({ anchors, evidence: document }), 'VERIFIED');
    const other = encodePem('CERTIFICATE', sigstore.issue().der);
    assert.equal(answer({ anchors, evidence: changed(document, { 'dev.sigstore.cosign/certificate': other }) }), 'SIGNATURE_INVALID');
    assert.equal(answer({ anchors, evidence: changed(document, { 'dev.sigstore.cosign/certificate': '' }) }), 'CERTIFICATE_MISSING');
    assert.equal(answer({ anchors, evidence: changed(document, { 'dev.sigstore.cosign/certificate': other + other }) }), 'BUNDLE_MALFORMED');
    assert.equal(answer({ anchors, evidence: changed(document, { 'dev.cosignproject.cosign/signature': '' }) }), 'BUNDLE_MALFORMED');
  });

  it('give one entity for each signature of an envelope, and each is judged alone', () => {
    const mine = sigstore.attestImage(STATEMENT, { signer: { key: KEY }, logs: [] });
    const theirs = sigstore.attestImage(STATEMENT, { signer: { key: OTHER_KEY }, logs: [] });
    const parse = ({ bytes }: TestDocument) => JSON.parse(new TextDecoder().decode(bytes)) as { signatures: JsonObject[] };
    const both = { ...parse(mine), signatures: [...parse(theirs).signatures, ...parse(mine).signatures] };
    const evidence = { ...mine, bytes: utf8(JSON.stringify(both)) };
    const { candidates, code } = judged({ anchors: withKeys(KEY), evidence, requirement: { ...BY_KEY, logs: 0 } });
    assert.equal(code, 'VERIFIED');
    assert.deepEqual(
      candidates.map(({ counts }) => counts),
      [true, false],
    );
  });

  it('are about the digest asked, by identity too', () => {
    const document = sigstore.attestImage(STATEMENT, { signer: sigstore.issue({ identity: { ...TEST_IDENTITY, name: 'ci.sealward.test' } }) });
    assert.equal(answer({ anchors, evidence: document }), 'IDENTITY_MISMATCH');
    assert.equal(answer({ anchors, evidence: document, subject: { digests: { sha256: OTHER_DIGEST } } }), 'DIGEST_MISMATCH');
    assert.equal(SUBJECT.digests.sha256, DIGEST);
  });
});
