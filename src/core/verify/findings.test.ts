/** What proving leaves behind for people: of each thing that does not count, what it says and why; of what does, all that was proven. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ARTIFACT, DIGEST, proven, type Question } from '../../../test/judging.ts';
import {
  createTestAuthority,
  createTestCertificateLog,
  createTestKey,
  createTestRekorV1,
  createTestSigstore,
  createTestTimestampAuthority,
  TEST_IDENTITY,
  TEST_NOW,
} from '../../testing/index.ts';
import { REQUIRED_ALGORITHMS } from './claim.ts';
import { hash, parseCertificate } from '../crypto/index.ts';
import { encodeHex, type JsonObject, utf8 } from '../encoding/index.ts';
import { type Anchors, keyAnchor, NO_ANCHORS } from '../trust/index.ts';
import type { ProvenSignature } from './index.ts';

const sigstore = createTestSigstore();
const { anchors, rekor, timestampAuthority } = sigstore;
const OTHER = encodeHex(hash('sha256', utf8('another artifact')));
const LONG = 'x'.repeat(300);
const trusting = (key: ReturnType<typeof createTestKey>, name = 'ours'): Anchors['keys'][number] => ({ ...keyAnchor(key.publicKey), name });

function fact(question: Question): ProvenSignature {
  const [first, ...more] = proven(question).signatures;
  assert.ok(first && more.length === 0);
  return first;
}

const found = (question: Question) => fact(question).findings.map(({ code, detail }) => `${code}: ${detail}`);
const broken = (question: Question) => fact(question).broken.map(({ code, detail }) => `${code}: ${detail}`);
const certificate = (question: Question) => {
  const [signer] = fact(question).signers;
  assert.ok(signer?.certificate);
  return signer.certificate;
};

describe('a subject that is not asked about', () => {
  const statement = (...subjects: { digest: Record<string, string> }[]) => ({
    anchors,
    evidence: sigstore.attest({ predicateType: 'https://x.test/v1', subjects }),
  });

  it('is told by what was signed instead, cut short', () => {
    const image = (digest: string) => found({ anchors, evidence: sigstore.signImage({ digest }) });
    assert.deepEqual(image(`sha256:${OTHER}`), [`DIGEST_MISMATCH: it was made for sha256:${OTHER}`]);
    assert.deepEqual(image(LONG), [`DIGEST_MISMATCH: it was made for ${'x'.repeat(140)}`]);
    assert.deepEqual(found(statement({ digest: { sha256: OTHER } })), [`DIGEST_MISMATCH: it was made for sha256:${OTHER}`]);
    assert.deepEqual(found(statement({ digest: { sha256: OTHER } }, { digest: { sha256: OTHER } }, { digest: { sha256: OTHER } })), [
      `DIGEST_MISMATCH: it was made for sha256:${OTHER} and 2 more`,
    ]);
    assert.deepEqual(found(statement({ digest: { [LONG]: LONG } })), [`DIGEST_MISMATCH: it was made for ${'x'.repeat(20)}:${'x'.repeat(128)}`]);
  });

  it('that is asked about leaves no finding, and is told by the hash by which it is known', () => {
    const sha512 = encodeHex(hash('sha512', ARTIFACT));
    const both = { digest: { sha512, sha256: DIGEST } };
    assert.deepEqual(fact(statement(both)).findings, []);
    const unstated = sigstore.sign(ARTIFACT, { signer: sigstore.issue({ key: createTestKey('ecdsa-p521') }) }) as JsonObject & { messageSignature: JsonObject };
    delete unstated.messageSignature['messageDigest'];
    const about = (digests: Record<string, string>) => fact({ anchors, evidence: unstated, subject: { digests } }).about;
    assert.deepEqual([about({ sha512 }), about({ sha256: DIGEST, sha512 }), about({})], [`sha512:${sha512}`, `sha256:${DIGEST}`, undefined]);
  });

  it('may stand in an index that was signed', () => {
    const subject = { digests: { sha256: DIGEST }, indexes: [{ digest: `sha256:${OTHER}` }] } as const;
    const covered = (...subjects: { digest: Record<string, string> }[]) => fact({ ...statement(...subjects), subject }).about;
    assert.equal(covered({ digest: { sha256: OTHER } }), `sha256:${OTHER}`);
    assert.equal(covered({ digest: { gitCommit: 'x' } }, { digest: { sha256: OTHER } }), `sha256:${OTHER}`);
    assert.equal(covered({ digest: { sha512: OTHER } }), undefined);
    assert.equal(covered({ digest: { sha256: OTHER } }, { digest: { sha256: DIGEST } }), `sha256:${DIGEST}`, 'itself before the index');
  });

  it('of a document is told with it, also where nothing can be read', () => {
    const { signatures, unreadable } = proven({ anchors, evidence: [sigstore.sign(ARTIFACT), { mediaType: 'nonsense' }] });
    const digest = (value: JsonObject) => `sha256:${encodeHex(hash('sha256', utf8(JSON.stringify(value))))}`;
    assert.match(signatures[0]?.document ?? '', /^sha256:[0-9a-f]{64}$/);
    assert.deepEqual([signatures[0]?.place, unreadable.length], ['file', 1]);
    const { detail, ...about } = unreadable[0] ?? { detail: '' };
    assert.deepEqual(about, { document: digest({ mediaType: 'nonsense' }), place: 'file', code: 'BUNDLE_MALFORMED' });
    assert.notEqual(detail, '');
  });

  it('of a payload that nobody reads is told by its type', () => {
    const envelope = (type: string) => found({ anchors, evidence: sigstore.envelop(type, utf8('{}')) });
    assert.deepEqual(envelope('text/plain'), ['FORMAT_UNSUPPORTED: its payload is of the type "text/plain"']);
    assert.deepEqual(envelope(LONG), [`FORMAT_UNSUPPORTED: its payload is of the type "${'x'.repeat(100)}"`]);
  });

  it('of bytes is told by the digest that stands beside the signature', () => {
    const evidence = sigstore.sign(utf8('another artifact'));
    assert.match(broken({ anchors, evidence })[0] ?? '', new RegExp(`^DIGEST_MISMATCH: it was made for sha256:${OTHER}$`));
    const [unknown] = found({ anchors, evidence, subject: { digests: { sha512: 'a'.repeat(128) } } });
    assert.equal(unknown, "DIGEST_MISMATCH: it states a sha256 digest, and the artifact's is not known");
  });
});

describe('a signature of nobody', () => {
  it('names the keys that it does not verify with', () => {
    const [mine, yours] = [createTestKey(), createTestKey()];
    const signed = (hint?: string) => ({
      anchors: { ...anchors, keys: [trusting(mine, 'mine'), trusting(yours, 'yours')] },
      evidence: sigstore.sign(ARTIFACT, { signer: { key: createTestKey() }, logs: [], ...(hint === undefined ? {} : { hint }) }),
    });
    assert.deepEqual(broken(signed(yours.publicKey.fingerprint)), ['SIGNATURE_INVALID: it does not verify with mine or yours']);
    assert.deepEqual(found(signed('them')), ['KEY_MISMATCH: it names the key them, and does not verify with mine or yours']);
    assert.deepEqual(found(signed(LONG)), [`KEY_MISMATCH: it names the key ${'x'.repeat(80)}, and does not verify with mine or yours`]);
    const certified = sigstore.sign(ARTIFACT, { signer: { ...sigstore.issue(), key: createTestKey() }, logs: [] });
    assert.deepEqual(broken({ anchors, evidence: certified }), ['SIGNATURE_INVALID: it does not verify with the key of its certificate']);
  });
});

describe('a signer', () => {
  it('is told with the kind and size of its key', () => {
    for (const [kind, more] of [
      ['ecdsa-p256', { kind: 'ec', curve: 'P-256', algorithm: 'ecdsa-p256-sha256' }],
      ['ecdsa-p384', { kind: 'ec', curve: 'P-384', algorithm: 'ecdsa-p384-sha384' }],
      ['rsa2048', { kind: 'rsa', bits: 2048, algorithm: 'rsa2048-pkcs1-sha256' }],
      ['ed25519', { kind: 'ed25519', algorithm: 'ed25519' }],
      ['ml-dsa-65', { kind: 'ml-dsa', variant: 65, algorithm: 'ml-dsa-65' }],
    ] as const) {
      const key = createTestKey(kind);
      const { signers } = fact({
        anchors: { ...anchors, keys: [trusting(key)] },
        evidence: sigstore.attest({ predicateType: 'x', subjects: [{ digest: { sha256: DIGEST } }] }, { signer: { key }, logs: [] }),
      });
      assert.deepEqual(signers, [{ key: key.publicKey.fingerprint, ...more, anchor: key.publicKey.fingerprint }]);
    }
  });

  it('by certificate is told with its names, validity, chain, purposes and logs', () => {
    const issued = sigstore.issue({ identity: { ...TEST_IDENTITY, claims: {} } });
    const leaf = parseCertificate(issued.der);
    const fingerprints = [issued.der, ...issued.chain].map((der) => parseCertificate(der));
    const { issuers, loggedBy, ...about } = certificate({ anchors, evidence: sigstore.sign(ARTIFACT, { signer: issued }) });
    assert.deepEqual(about, {
      fingerprint: leaf.fingerprint,
      from: TEST_NOW,
      to: TEST_NOW + 600_000,
      serial: leaf.serial,
      subject: leaf.subjectText,
      names: [TEST_IDENTITY.name],
      claims: { issuer: TEST_IDENTITY.issuer },
      findings: [],
    });
    assert.deepEqual(issuers, [
      {
        anchor: anchors.authorities[0]?.id,
        chain: fingerprints.map(({ fingerprint, notBefore, notAfter }) => ({ fingerprint, from: notBefore, to: notAfter })),
        purposes: ['1.3.6.1.5.5.7.3.3'],
      },
    ]);
    assert.deepEqual(loggedBy, [{ anchor: anchors.certificateLogs[0]?.id, at: TEST_NOW }]);
  });
});

describe('a certificate that does not count', () => {
  it('says who claims to have issued it', () => {
    const stranger = createTestAuthority({ now: () => TEST_NOW, name: 'stranger.test' });
    const { findings, issuers } = certificate({ anchors, evidence: sigstore.sign(ARTIFACT, { signer: stranger.issue() }) });
    assert.deepEqual(issuers, []);
    assert.equal(findings[0]?.code, 'CERTIFICATE_UNTRUSTED');
    assert.match(findings[0].detail, /^it says that .*stranger\.test intermediate.* issued it$/);
    const long = createTestAuthority({ now: () => TEST_NOW, name: LONG });
    const [told] = certificate({ anchors, evidence: sigstore.sign(ARTIFACT, { signer: long.issue() }) }).findings;
    const words = parseCertificate(long.issue().der).issuerText;
    assert.equal(told?.detail, `it says that ${words.slice(0, 200)} issued it`);
  });

  it('says what it may not do', () => {
    const asked = (options: Parameters<typeof sigstore.issue>[0]) =>
      certificate({ anchors, evidence: sigstore.sign(ARTIFACT, { signer: sigstore.issue(options) }) })
        .findings.filter(({ code }) => code === 'CERTIFICATE_PURPOSE')
        .map(({ detail }) => detail);
    assert.deepEqual(asked({ isAuthority: true }), ['it is the certificate of an authority']);
    assert.deepEqual(asked({ keyUsage: 0x20 }), ['it was not issued for signing']);
    assert.deepEqual(asked({}), []);
    const untrusted = createTestAuthority({ now: () => TEST_NOW }).issue({ keyUsage: 0x20 });
    const codes = certificate({ anchors, evidence: sigstore.sign(ARTIFACT, { signer: untrusted }) }).findings.map(({ code }) => code);
    assert.ok(!codes.includes('CERTIFICATE_PURPOSE'), 'whom nobody issued it, nobody asks for what');
    const { issuers } = certificate({
      anchors,
      evidence: sigstore.sign(ARTIFACT, { signer: sigstore.issue({ purposes: ['1.3.6.1.5.5.7.3.3', '1.3.6.1.5.5.7.3.2'] }) }),
    });
    assert.deepEqual(issuers[0]?.purposes, ['1.3.6.1.5.5.7.3.3'], 'the authority above may certify for signing code alone');
  });

  it('says which certificate log did not see it, or that none did', () => {
    const stranger = createTestCertificateLog({ now: () => TEST_NOW, url: 'https://ct.stranger.test' });
    const scts = (options: Parameters<typeof sigstore.issue>[0], more: Partial<Anchors> = {}) => {
      const { findings, loggedBy } = certificate({ anchors: { ...anchors, ...more }, evidence: sigstore.sign(ARTIFACT, { signer: sigstore.issue(options) }) });
      return [loggedBy.length, ...findings.map(({ code, detail }) => `${code}: ${detail}`)];
    };
    assert.deepEqual(scts({ certificateLogs: [] }), [0, 'SCT_MISSING: the certificate carries no signed certificate timestamp']);
    const unknown = `SCT_INVALID: the certificate log ${encodeHex(stranger.logId).slice(0, 16)}… is not trusted`;
    assert.deepEqual(scts({ certificateLogs: [stranger] }), [0, unknown]);
    assert.deepEqual(scts({ certificateLogs: [stranger, sigstore.certificateLog] }), [1, unknown]);
    const [log] = anchors.certificateLogs;
    assert.ok(log);
    const forged = scts({ certificateLogs: [stranger] }, { certificateLogs: [{ ...log, logId: stranger.logId }] });
    assert.equal(forged[0], 0);
    assert.match(String(forged[1]), /^SCT_INVALID: .{3}/);
    const other = { ...log, id: 'other', logId: stranger.logId };
    assert.deepEqual(scts({}, { certificateLogs: [other, log] }), [1], 'each is asked about its own');
  });
});

describe('what dated it, or holds it', () => {
  it('is told where nobody knows it', () => {
    const stranger = createTestRekorV1({ now: () => TEST_NOW });
    assert.deepEqual(found({ anchors, evidence: sigstore.sign(ARTIFACT, { logs: [stranger] }) }), [
      `LOG_UNKNOWN: the log ${encodeHex(stranger.logId).slice(0, 16)}… is not trusted`,
    ]);
    const unknown = createTestTimestampAuthority({ now: () => TEST_NOW, url: 'https://tsa.stranger.test' });
    const stamped = (authority: typeof unknown, more: Partial<Anchors> = {}): Question => ({
      anchors: { ...anchors, ...more },
      evidence: sigstore.sign(ARTIFACT, { timestampAuthorities: [authority] }),
    });
    const [name] = anchors.timestampAuthorities.map((anchor) => anchor.name);
    assert.deepEqual(found(stamped(unknown)), [`TIMESTAMP_UNTRUSTED: the timestamp does not count for ${name}`]);
    assert.deepEqual(found(stamped(unknown, { timestampAuthorities: [] })), ['TIMESTAMP_UNTRUSTED: no timestamp authority is trusted']);
    assert.deepEqual(broken(stamped(unknown)), []);
  });

  it('is told where it was changed', () => {
    const another = { ...timestampAuthority, timestamp: () => timestampAuthority.timestamp(utf8('another signature')) };
    const question = { anchors, evidence: sigstore.sign(ARTIFACT, { timestampAuthorities: [another] }) };
    const [name] = anchors.timestampAuthorities.map((anchor) => anchor.name);
    assert.deepEqual(broken(question), [`TIMESTAMP_MISMATCH: the timestamp does not count for ${name}`]);
    assert.deepEqual(found(question), broken(question));
    const nonsense = { ...timestampAuthority, timestamp: () => utf8('no timestamp') };
    assert.match(broken({ anchors, evidence: sigstore.sign(ARTIFACT, { timestampAuthorities: [nonsense] }) })[0] ?? '', /^TIMESTAMP_INVALID: .{3}/);
    const bundle = sigstore.sign(ARTIFACT, { logs: [rekor] }) as unknown as { verificationMaterial: { tlogEntries: JsonObject[] } };
    const other = sigstore.sign(utf8('another artifact'), { logs: [rekor] }) as unknown as typeof bundle;
    bundle.verificationMaterial.tlogEntries = other.verificationMaterial.tlogEntries;
    assert.match(broken({ anchors, evidence: bundle })[0] ?? '', /^LOG_ENTRY_MISMATCH: entry \d+ of https:\/\/rekor\.sealward\.test: .{3}/);
  });

  it('is told with its index, its time and who says so', () => {
    const { entries, times } = fact({ anchors, evidence: sigstore.sign(ARTIFACT, { timestampAuthorities: [timestampAuthority] }) });
    const [log] = anchors.logs;
    const index = entries[0]?.index;
    assert.deepEqual(entries, [{ anchor: log?.id, index, included: true, promisedAt: TEST_NOW }]);
    const [promised, stamp] = times;
    assert.deepEqual(promised, { anchor: log?.id, by: 'log', index, at: TEST_NOW, from: TEST_NOW, to: TEST_NOW });
    assert.deepEqual([stamp?.anchor, stamp?.by, stamp?.at], [anchors.timestampAuthorities[0]?.id, 'timestamp-authority', TEST_NOW]);
    assert.match(stamp?.principal ?? '', /^[0-9a-f]{64}$/);
  });
});

describe('the words that were signed', () => {
  const claimed = (...subjects: { name?: string; digest: Record<string, string>; annotations?: JsonObject }[]) =>
    fact({ anchors, evidence: sigstore.attest({ predicateType: 'https://x.test/v1', subjects }) });
  const [mine, theirs] = [{ digest: { sha256: DIGEST } }, { digest: { sha256: OTHER } }];

  it('name the image of the subject that matched, else the first that is named', () => {
    assert.deepEqual(claimed({ ...theirs, name: 'registry.test/b' }, { ...mine, name: 'registry.test/a:1' }).claimed, {
      in: 'statement',
      repository: 'registry.test/a',
      tag: '1',
    });
    assert.deepEqual(claimed(mine, theirs, { ...theirs, name: 'registry.test/b' }).claimed, { in: 'statement', repository: 'registry.test/b' });
    assert.equal(claimed(mine).claimed, undefined);
  });

  it('tell a port from a tag, and cut off the digest', () => {
    const named = (reference: string) => fact({ anchors, evidence: sigstore.signImage({ digest: `sha256:${DIGEST}`, reference }) }).claimed;
    const at = `@sha256:${DIGEST}`;
    assert.deepEqual(named(`registry.test:5000/app${at}`), { in: 'simple-signing', repository: 'registry.test:5000/app' });
    assert.deepEqual(named(`registry.test:5000/app:v1${at}`), { in: 'simple-signing', repository: 'registry.test:5000/app', tag: 'v1' });
    assert.deepEqual(named('app:v1'), { in: 'simple-signing', repository: 'app', tag: 'v1' });
    assert.deepEqual(named('app'), { in: 'simple-signing', repository: 'app' });
    assert.equal(named(at), undefined);
    assert.equal(named(''), undefined);
  });

  it('list what was signed together, apart by commas, as text and nothing else', () => {
    const listed = (value: JsonObject[string]) => claimed({ ...mine, annotations: { [REQUIRED_ALGORITHMS]: value } }).requiredAlgorithms;
    assert.deepEqual(listed('ecdsa-p256-sha256,ml-dsa-65'), ['ecdsa-p256-sha256', 'ml-dsa-65']);
    assert.deepEqual(listed(',ml-dsa-65,'), ['ml-dsa-65']);
    assert.deepEqual(listed(''), []);
    assert.deepEqual(listed(['ml-dsa-65']), []);
    assert.deepEqual(claimed({ ...theirs, annotations: { [REQUIRED_ALGORITHMS]: 'ml-dsa-65' } }, mine).requiredAlgorithms, [], 'of another subject');
    assert.deepEqual(claimed(mine).requiredAlgorithms, []);
  });
});

describe('without any anchor', () => {
  it('nothing is proven, and nothing is broken', () => {
    const { signers, entries, times } = fact({ anchors: NO_ANCHORS, evidence: sigstore.sign(ARTIFACT, { signer: { key: createTestKey() } }) });
    assert.deepEqual([signers, entries, times], [[], [], []]);
    assert.deepEqual(broken({ anchors: NO_ANCHORS, evidence: sigstore.sign(ARTIFACT, { signer: { key: createTestKey() } }) }), []);
  });
});
