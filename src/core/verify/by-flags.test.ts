/** What facts are worth: windows, thresholds, places, and for each requirement a signature that misses nothing but it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answer, ARTIFACT, BY_KEY, judged, KEYLESS, type Question, withAnchors } from '../../../test/judging.ts';
import {
  createTestAuthority,
  createTestKey,
  createTestRekorV1,
  createTestRekorV2,
  createTestSigstore,
  createTestTimestampAuthority,
  TEST_NOW,
} from '../../testing/index.ts';
import { parseCertificate } from '../crypto/index.ts';
import { type Anchors, keyAnchor } from '../trust/index.ts';

const sigstore = createTestSigstore();
const { anchors, rekor, tiles, timestampAuthority } = sigstore;
const KEY = createTestKey();
const withKey: Anchors = { ...anchors, keys: [keyAnchor(KEY.publicKey)] };
const MINUTE = 60_000;

const promised = sigstore.sign(ARTIFACT);
const stamped = sigstore.sign(ARTIFACT, { logs: [tiles] });
const keyed = sigstore.sign(ARTIFACT, { signer: { key: KEY } });
/** The answer where all logs, or all authorities of a kind, are trusted in this window. */
function inWindowOf(
  kind: 'logs' | 'authorities' | 'certificateLogs' | 'timestampAuthorities',
  from: number,
  to: number,
  question: Omit<Question, 'anchors'>,
): string {
  return answer({ ...question, anchors: withAnchors(anchors, kind, () => ({ window: { from, to } })) });
}

describe('windows', () => {
  const cases = [
    ['logs', promised, 'LOG_OUTSIDE_WINDOW'],
    ['logs', stamped, 'LOG_OUTSIDE_WINDOW'],
    ['authorities', promised, 'CERTIFICATE_EXPIRED'],
    ['certificateLogs', promised, 'SCT_INVALID'],
    ['timestampAuthorities', stamped, 'TIMESTAMP_OUTSIDE_WINDOW'],
  ] as const;
  for (const [kind, evidence, code] of cases) {
    it(`of ${kind} are inclusive at both ends, and ${code} outside`, () => {
      assert.equal(inWindowOf(kind, TEST_NOW, TEST_NOW, { evidence }), 'VERIFIED');
      assert.equal(inWindowOf(kind, TEST_NOW + 1, TEST_NOW + 1, { evidence, now: TEST_NOW + 1 }), code);
      assert.equal(inWindowOf(kind, TEST_NOW - 1, TEST_NOW - 1, { evidence, now: TEST_NOW - 1 }), code);
    });
  }

  it('of a certificate are inclusive at both ends', () => {
    const valid = (from: number, to: number): string =>
      answer({ anchors, evidence: sigstore.sign(ARTIFACT, { signer: sigstore.issue({ notBefore: TEST_NOW + from, notAfter: TEST_NOW + to }) }) });
    assert.equal(valid(0, 0), 'VERIFIED');
    assert.equal(valid(1000, MINUTE), 'CERTIFICATE_EXPIRED');
    assert.equal(valid(-MINUTE, -1000), 'CERTIFICATE_EXPIRED');
  });

  it('compare the upper end of an inexact time', () => {
    const inexact = { ...timestampAuthority, timestamp: (bytes: Uint8Array) => timestampAuthority.timestamp(bytes, { accuracy: 60 }) };
    const evidence = sigstore.sign(ARTIFACT, { logs: [tiles], timestampAuthorities: [inexact], signer: sigstore.issue({ notAfter: TEST_NOW + MINUTE }) });
    assert.equal(answer({ evidence, anchors }), 'VERIFIED');
    const tooShort = sigstore.sign(ARTIFACT, {
      logs: [tiles],
      timestampAuthorities: [inexact],
      signer: sigstore.issue({ notAfter: TEST_NOW + MINUTE - 1000 }),
    });
    assert.equal(answer({ evidence: tooShort, anchors }), 'CERTIFICATE_EXPIRED');
    assert.deepEqual(judged({ evidence, anchors }).candidates[0]?.time, { from: TEST_NOW - MINUTE, to: TEST_NOW + MINUTE });
  });

  it('must hold at every proven time, not at one of them', () => {
    const late = { ...timestampAuthority, timestamp: (bytes: Uint8Array) => timestampAuthority.timestamp(bytes, { time: TEST_NOW + 11 * MINUTE }) };
    assert.equal(answer({ anchors, evidence: sigstore.sign(ARTIFACT, { timestampAuthorities: [timestampAuthority] }) }), 'VERIFIED');
    assert.equal(answer({ anchors, evidence: sigstore.sign(ARTIFACT, { timestampAuthorities: [late] }) }), 'CERTIFICATE_EXPIRED');
  });

  it('of an intermediate and of a root count like that of the leaf (CVE-2026-24122)', () => {
    for (const validity of ['intermediateValidity', 'rootValidity'] as const) {
      const issue = (notAfter: number): string => {
        const authority = createTestAuthority({ now: () => TEST_NOW, certificateLogs: [sigstore.certificateLog], [validity]: { notAfter } });
        const anchor = { ...anchors.authorities[0], certificates: authorityCertificates(authority.chain) };
        return answer({
          anchors: { ...anchors, authorities: [anchor as Anchors['authorities'][number]] },
          evidence: sigstore.sign(ARTIFACT, { signer: authority.issue() }),
        });
      };
      assert.equal(issue(TEST_NOW), 'VERIFIED');
      assert.equal(issue(TEST_NOW - 1000), 'CERTIFICATE_EXPIRED');
    }
  });

  it('of another authority that issued the same chain is enough', () => {
    const [authority] = anchors.authorities;
    const expired = { ...(authority as Anchors['authorities'][number]), window: { from: 0, to: 1 } };
    assert.equal(answer({ evidence: promised, anchors: { ...anchors, authorities: [expired] } }), 'CERTIFICATE_EXPIRED');
    assert.equal(answer({ evidence: promised, anchors: { ...anchors, authorities: [expired, authority as Anchors['authorities'][number]] } }), 'VERIFIED');
  });

  it('of a key are judged at the proven time, or now when nothing is proven (CVE-2026-54787)', () => {
    const windowed = (from: number, to: number): Anchors => ({ ...anchors, keys: [{ ...keyAnchor(KEY.publicKey), window: { from, to } }] });
    const by = (from: number, to: number, logs: number, now: number): string =>
      answer({
        evidence: logs ? keyed : sigstore.sign(ARTIFACT, { signer: { key: KEY }, logs: [] }),
        anchors: windowed(from, to),
        requirement: { ...BY_KEY, logs },
        now,
      });
    assert.equal(by(TEST_NOW, TEST_NOW, 1, 0), 'VERIFIED');
    assert.equal(by(TEST_NOW + 1, TEST_NOW + 1, 1, TEST_NOW + 1), 'KEY_OUTSIDE_WINDOW');
    assert.equal(by(TEST_NOW - 1, TEST_NOW - 1, 1, TEST_NOW - 1), 'KEY_OUTSIDE_WINDOW');
    assert.equal(by(TEST_NOW, TEST_NOW, 0, TEST_NOW), 'VERIFIED');
    assert.equal(by(TEST_NOW, TEST_NOW, 0, TEST_NOW + 1), 'KEY_OUTSIDE_WINDOW');
  });
});

describe('logs', () => {
  it('are counted once, however many entries they hold (CVE-2026-49834)', () => {
    const two = { ...KEYLESS, logs: 2 };
    assert.equal(answer({ anchors, requirement: two, evidence: sigstore.sign(ARTIFACT, { logs: [rekor, tiles] }) }), 'VERIFIED');
    assert.equal(answer({ anchors, requirement: two, evidence: sigstore.sign(ARTIFACT, { logs: [rekor, rekor] }) }), 'THRESHOLD_NOT_MET');
    assert.equal(answer({ anchors, requirement: two, evidence: promised }), 'THRESHOLD_NOT_MET');
  });

  it('of one operator are counted once', () => {
    const evidence = sigstore.sign(ARTIFACT, { logs: [rekor, tiles] });
    const operated = (operator: (name: string) => string): Anchors => withAnchors(anchors, 'logs', ({ name }) => ({ operator: operator(name) }));
    assert.equal(answer({ evidence, requirement: { ...KEYLESS, logs: 2 }, anchors: operated(() => 'one') }), 'THRESHOLD_NOT_MET');
    assert.equal(answer({ evidence, requirement: { ...KEYLESS, logs: 2 }, anchors: operated((name) => name) }), 'VERIFIED');
  });

  it('need not be there when none is asked for, and must be when one is', () => {
    const evidence = sigstore.sign(ARTIFACT, { logs: [], timestampAuthorities: [timestampAuthority] });
    assert.equal(answer({ anchors, evidence, requirement: { ...KEYLESS, logs: 0 } }), 'VERIFIED');
    assert.equal(answer({ anchors, evidence }), 'LOG_ENTRY_MISSING');
  });

  it('that are unknown do not count, and change nothing else', () => {
    const stranger = createTestRekorV1({ now: () => TEST_NOW });
    assert.equal(answer({ anchors, evidence: sigstore.sign(ARTIFACT, { logs: [stranger] }) }), 'LOG_UNKNOWN');
    assert.equal(answer({ anchors, evidence: sigstore.sign(ARTIFACT, { logs: [stranger, rekor] }) }), 'VERIFIED');
    assert.equal(answer({ anchors, evidence: sigstore.sign(ARTIFACT, { logs: [rekor, createTestRekorV2()] }) }), 'VERIFIED');
  });

  it('are judged at the time that they promised, whatever others say', () => {
    assert.equal(
      answer({ evidence: keyed, requirement: BY_KEY, anchors: withAnchors(withKey, 'logs', () => ({ window: { from: 0, to: TEST_NOW - 1 } })), now: 0 }),
      'LOG_OUTSIDE_WINDOW',
    );
    const later = { ...timestampAuthority, timestamp: (bytes: Uint8Array) => timestampAuthority.timestamp(bytes, { time: TEST_NOW + MINUTE }) };
    const evidence = sigstore.sign(ARTIFACT, { timestampAuthorities: [later] });
    assert.equal(inWindowOf('logs', TEST_NOW, TEST_NOW, { evidence }), 'VERIFIED');
    assert.equal(inWindowOf('logs', TEST_NOW + MINUTE, TEST_NOW + MINUTE, { evidence }), 'LOG_OUTSIDE_WINDOW');
  });

  it('without a promise are judged at the time that others prove, and as of now when nobody does', () => {
    const evidence = sigstore.sign(ARTIFACT, { signer: { key: KEY }, logs: [tiles], timestampAuthorities: [] });
    const until = (to: number, now: number): string =>
      answer({ evidence, requirement: BY_KEY, now, anchors: withAnchors(withKey, 'logs', () => ({ window: { from: 0, to } })) });
    assert.equal(until(TEST_NOW, TEST_NOW), 'VERIFIED');
    assert.equal(until(TEST_NOW, TEST_NOW + 1), 'LOG_OUTSIDE_WINDOW');
    assert.equal(inWindowOf('logs', 0, TEST_NOW, { evidence: stamped, now: TEST_NOW + 1 }), 'VERIFIED');
  });
});

describe('timestamps', () => {
  const one = { ...KEYLESS, timestamps: 1 };
  const other = createTestTimestampAuthority({ now: () => TEST_NOW, url: 'https://tsa2.sealward.test' });
  const [anchor] = anchors.timestampAuthorities as [Anchors['timestampAuthorities'][number]];
  const both: Anchors = {
    ...anchors,
    timestampAuthorities: [anchor, { ...anchor, id: 'other', name: other.url, certificates: authorityCertificates(other.chain) }],
  };

  it('are counted per authority, never per token', () => {
    const twice = sigstore.sign(ARTIFACT, { timestampAuthorities: [timestampAuthority, timestampAuthority] });
    const two = sigstore.sign(ARTIFACT, { timestampAuthorities: [timestampAuthority, other] });
    assert.equal(answer({ anchors: both, evidence: twice, requirement: one }), 'VERIFIED');
    assert.equal(answer({ anchors: both, evidence: twice, requirement: { ...one, timestamps: 2 } }), 'THRESHOLD_NOT_MET');
    assert.equal(answer({ anchors: both, evidence: two, requirement: { ...one, timestamps: 2 } }), 'VERIFIED');
    // One signing certificate, trusted by itself and below its root.
    const twoNames: Anchors = { ...anchors, timestampAuthorities: [anchor, { ...anchor, id: 'other', certificates: anchor.certificates.slice(0, 1) }] };
    assert.equal(answer({ anchors: twoNames, evidence: twice, requirement: one }), 'VERIFIED');
    assert.equal(answer({ anchors: twoNames, evidence: twice, requirement: { ...one, timestamps: 2 } }), 'THRESHOLD_NOT_MET');
    assert.equal(
      answer({ anchors: withAnchors(both, 'timestampAuthorities', () => ({ operator: 'one' })), evidence: two, requirement: { ...one, timestamps: 2 } }),
      'THRESHOLD_NOT_MET',
    );
  });

  it('are no promises of logs', () => {
    assert.equal(answer({ anchors, evidence: promised, requirement: one }), 'THRESHOLD_NOT_MET');
  });

  it('are asked of keys too', () => {
    assert.equal(answer({ anchors: withKey, evidence: keyed, requirement: { ...BY_KEY, timestamps: 1 } }), 'THRESHOLD_NOT_MET');
    const evidence = sigstore.sign(ARTIFACT, { signer: { key: KEY }, timestampAuthorities: [timestampAuthority] });
    assert.equal(answer({ anchors: withKey, evidence, requirement: { ...BY_KEY, timestamps: 1 } }), 'VERIFIED');
  });

  it('that came outside the window of their authority do not count', () => {
    const evidence = sigstore.sign(ARTIFACT, { timestampAuthorities: [timestampAuthority] });
    assert.equal(inWindowOf('timestampAuthorities', 0, TEST_NOW - 1, { evidence, requirement: one }), 'THRESHOLD_NOT_MET');
    assert.equal(inWindowOf('timestampAuthorities', 0, TEST_NOW - 1, { evidence }), 'VERIFIED');
  });

  it('of an unknown authority change nothing, whatever they date', () => {
    const lost = { ...other, timestamp: () => other.timestamp(new Uint8Array(3)) };
    for (const stranger of [other, lost]) {
      const evidence = sigstore.sign(ARTIFACT, { timestampAuthorities: [stranger] });
      assert.equal(answer({ anchors, evidence }), 'VERIFIED');
      assert.equal(answer({ anchors, evidence: sigstore.sign(ARTIFACT, { logs: [tiles], timestampAuthorities: [stranger] }) }), 'TIMESTAMP_UNTRUSTED');
    }
  });
});

describe('thresholds', () => {
  it('that are no numbers are met by nothing (CVE-2026-23992)', () => {
    const evidence = sigstore.sign(ARTIFACT, { timestampAuthorities: [timestampAuthority] });
    for (const threshold of [Number.NaN, 1.5, Number.POSITIVE_INFINITY]) {
      assert.equal(answer({ anchors, evidence, requirement: { ...KEYLESS, logs: threshold } }), 'THRESHOLD_NOT_MET');
      assert.equal(answer({ anchors, evidence, requirement: { ...KEYLESS, timestamps: threshold } }), 'THRESHOLD_NOT_MET');
    }
  });
});

describe('what nothing dates', () => {
  const evidence = sigstore.sign(ARTIFACT, { logs: [tiles], timestampAuthorities: [] });

  it('is refused, or judged by the date of today when that is asked for', () => {
    assert.equal(answer({ anchors, evidence }), 'TIME_MISSING');
    assert.equal(answer({ anchors, evidence, requirement: { ...KEYLESS, undated: 'now' } }), 'VERIFIED');
    assert.equal(answer({ anchors, evidence, requirement: { ...KEYLESS, undated: 'now' }, now: TEST_NOW + 11 * MINUTE }), 'CERTIFICATE_EXPIRED');
  });

  it('takes no time from an entry that no promise signs (CVE-2026-48816)', () => {
    const edited = structuredClone(evidence) as { verificationMaterial: { tlogEntries: [{ integratedTime?: string }] } };
    edited.verificationMaterial.tlogEntries[0].integratedTime = String(TEST_NOW / 1000);
    assert.equal(answer({ anchors, evidence: edited }), 'TIME_MISSING');
  });

  it('is no obstacle for a key', () => {
    assert.equal(
      answer({ anchors: withKey, evidence: sigstore.sign(ARTIFACT, { signer: { key: KEY }, logs: [tiles], timestampAuthorities: [] }), requirement: BY_KEY }),
      'VERIFIED',
    );
  });
});

describe('certificates', () => {
  it('need no certificate log where none is asked for', () => {
    const evidence = sigstore.sign(ARTIFACT, { signer: sigstore.issue({ certificateLogs: [] }) });
    assert.equal(answer({ anchors, evidence }), 'SCT_MISSING');
    assert.equal(answer({ anchors, evidence, requirement: { ...KEYLESS, certificateLog: false } }), 'VERIFIED');
    assert.equal(answer({ anchors: { ...anchors, certificateLogs: [] }, evidence: promised }), 'SCT_INVALID');
    assert.equal(answer({ anchors: { ...anchors, certificateLogs: [] }, evidence: promised, requirement: { ...KEYLESS, certificateLog: false } }), 'VERIFIED');
  });

  it('must be for signing code', () => {
    for (const purposes of [['1.3.6.1.5.5.7.3.8'], []]) {
      assert.equal(answer({ anchors, evidence: sigstore.sign(ARTIFACT, { signer: sigstore.issue({ purposes }) }) }), 'CERTIFICATE_PURPOSE');
    }
  });

  it('do not speak for a bare key, nor a bare key for an identity', () => {
    assert.equal(answer({ anchors: withKey, evidence: keyed }), 'CERTIFICATE_MISSING');
    assert.equal(answer({ anchors: withKey, evidence: promised, requirement: BY_KEY }), 'KEY_MISMATCH');
    assert.equal(answer({ anchors, evidence: keyed }), 'CERTIFICATE_MISSING');
  });

  it('may hold a key that is trusted by itself', () => {
    const evidence = sigstore.sign(ARTIFACT, { signer: sigstore.issue({ key: KEY, certificateLogs: [] }) });
    assert.equal(answer({ anchors: withKey, evidence, requirement: BY_KEY }), 'VERIFIED');
    // Then the certificate is no matter: neither its validity nor that nothing dates it.
    const undated = sigstore.sign(ARTIFACT, {
      signer: sigstore.issue({ key: KEY, notAfter: TEST_NOW - MINUTE, notBefore: 0 }),
      logs: [tiles],
      timestampAuthorities: [],
    });
    assert.equal(answer({ anchors: withKey, evidence: undated, requirement: BY_KEY }), 'VERIFIED');
  });
});

function authorityCertificates(chain: readonly Uint8Array[]): ReturnType<typeof parseCertificate>[] {
  return chain.map((der) => parseCertificate(der));
}
