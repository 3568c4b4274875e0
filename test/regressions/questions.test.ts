/** Regressions of others, held here: what is asked, counted and dated. The names are those of the public advisories. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { STATEMENT_PAYLOAD_TYPE } from '../../src/core/bundle/index.ts';
import { hash, parseCertificate } from '../../src/core/crypto/index.ts';
import { encodeHex, type JsonObject, utf8 } from '../../src/core/encoding/index.ts';
import { type Anchors, keyAnchor, parseTrustedRoot } from '../../src/core/trust/index.ts';
import { compilePattern, exactly, type FlagRequirement } from '../../src/core/verify/index.ts';
import {
  createTestKey,
  createTestRekorV2,
  createTestSigstore,
  createTestTimestampAuthority,
  logInstance,
  TEST_IDENTITY,
  TEST_NOW,
} from '../../src/testing/index.ts';
import { answer, ARTIFACT, BY_KEY, DIGEST, judged, KEYLESS, type TestEvidence, withAnchors } from '../judging.ts';

const sigstore = createTestSigstore();
const { anchors, rekor, tiles, timestampAuthority } = sigstore;
const KEY = createTestKey();
const withKey: Anchors = { ...anchors, keys: [keyAnchor(KEY.publicKey)] };
const OTHER_DIGEST = encodeHex(hash('sha256', utf8('another artifact')));
const STATEMENT = { subjects: [{ digest: { sha256: DIGEST } }], predicateType: 'https://slsa.dev/provenance/v1' };

describe('what is asked and what is found', () => {
  it('CVE-2022-35929, CVE-2022-35930: no attestation of the type that is asked for is a refusal', () => {
    const requirement: FlagRequirement = { ...KEYLESS, role: 'attestation', predicateTypes: ['https://spdx.dev/Document'] };
    assert.equal(answer({ anchors, requirement, evidence: sigstore.attest(STATEMENT) }), 'PREDICATE_TYPE_MISMATCH');
    assert.equal(answer({ anchors, requirement, evidence: [] }), 'NO_SIGNATURE');
    const both = [sigstore.attest(STATEMENT), sigstore.attest({ ...STATEMENT, predicateType: 'https://spdx.dev/Document' })];
    const { candidates } = judged({ anchors, requirement, evidence: both });
    assert.deepEqual(
      candidates.map(({ counts, facts: { entity } }) => [counts, entity.claim.kind === 'statement' && entity.claim.statement.predicateType]),
      [
        [true, 'https://spdx.dev/Document'],
        [false, STATEMENT.predicateType],
      ],
    );
  });

  it('CVE-2026-39395, GHSA-r2xv-vpr2-42m9: every kind of attestation, in the old format and the new, passes the same checks', () => {
    for (const predicateType of ['https://slsa.dev/provenance/v0.2', 'https://spdx.dev/Document', 'https://cyclonedx.org/bom', 'https://example.com/x']) {
      for (const form of ['attest', 'attestImage'] as const) {
        const make = (subjects: typeof STATEMENT.subjects): TestEvidence => sigstore[form]({ subjects, predicateType, predicate: [null] });
        const asking = (evidence: TestEvidence, wanted: string): string =>
          answer({ anchors, evidence, requirement: { ...KEYLESS, role: 'attestation', predicateTypes: [wanted] } });
        assert.equal(asking(make(STATEMENT.subjects), predicateType), 'VERIFIED');
        assert.equal(asking(make(STATEMENT.subjects), `${predicateType}x`), 'PREDICATE_TYPE_MISMATCH');
        assert.equal(asking(make([{ digest: { sha256: OTHER_DIGEST } }]), predicateType), 'DIGEST_MISMATCH');
      }
    }
    for (const payload of [
      '',
      '{}',
      '[]',
      `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"${DIGEST}"}}],"predicateType":7}`,
      '{"predicateType":"x"',
    ]) {
      const requirement: FlagRequirement = { ...KEYLESS, role: 'attestation' };
      if (payload !== '') assert.equal(answer({ anchors, requirement, evidence: sigstore.envelop(STATEMENT_PAYLOAD_TYPE, utf8(payload)) }), 'BUNDLE_MALFORMED');
    }
  });

  it('CVE-2026-48815: everything that can be asked for is compared', () => {
    const evidence = sigstore.attest({ ...STATEMENT, subjects: [{ digest: { sha256: DIGEST } }] }, { timestampAuthorities: [timestampAuthority] });
    const asked: FlagRequirement = { ...KEYLESS, timestamps: 1 };
    /** For each part of a requirement, another wish that this signature does not fulfil. */
    const unfulfilled: { readonly [Part in keyof Required<FlagRequirement>]: readonly [Partial<FlagRequirement>, evidence?: TestEvidence] } = {
      role: [{ role: 'signature' }],
      signer: [{ signer: { kind: 'key' } }],
      logs: [{ logs: 2 }],
      timestamps: [{ timestamps: 2 }],
      certificateLog: [{}, sigstore.attest(STATEMENT, { timestampAuthorities: [timestampAuthority], signer: sigstore.issue({ certificateLogs: [] }) })],
      undated: [{ logs: 0, timestamps: 0 }, sigstore.attest(STATEMENT, { logs: [], timestampAuthorities: [] })],
      predicateTypes: [{ predicateTypes: ['https://spdx.dev/Document'] }],
      annotations: [{ annotations: { env: 'prod' } }],
      repository: [{ repository: { rule: 'exact', name: 'registry.sealward.test/app' } }],
    };
    const signers: { readonly [Part in keyof Required<FlagRequirement['signer']>]: Partial<FlagRequirement['signer']> } = {
      kind: { kind: 'key' },
      identity: { identity: exactly('somebody@sealward.test') },
      issuer: { issuer: exactly('https://somewhere.sealward.test') },
      claims: { claims: [{ claim: 'githubWorkflowRef', wanted: 'refs/heads/main' }] },
      // Asks nothing by itself: which of the companions that a signer names must be there.
      algorithms: { kind: 'key', algorithms: [] },
    };
    assert.equal(answer({ anchors, evidence, requirement: asked }), 'VERIFIED');
    for (const [part, [wish, other]] of Object.entries(unfulfilled))
      assert.notEqual(answer({ anchors, evidence: other ?? evidence, requirement: { ...asked, ...wish } }), 'VERIFIED', part);
    for (const [part, wish] of Object.entries(signers))
      assert.notEqual(answer({ anchors, evidence, requirement: { ...asked, signer: { ...asked.signer, ...wish } } }), 'VERIFIED', part);
  });

  it('CVE-2026-31830: a subject that differs is the answer, whatever else verifies', () => {
    const { outcome, code, candidates } = judged({ anchors, evidence: sigstore.attest({ ...STATEMENT, subjects: [{ digest: { sha256: OTHER_DIGEST } }] }) });
    assert.deepEqual([outcome, code, candidates[0]?.counts], ['rejected', 'DIGEST_MISMATCH', false]);
  });

  it('CVE-2026-22772, CVE-2026-25542: a pattern never matches a part of an issuer', async () => {
    const issuer = 'https://evil.test/?x=https://good.test';
    const evidence = sigstore.sign(ARTIFACT, { signer: sigstore.issue({ identity: { ...TEST_IDENTITY, issuer } }) });
    for (const pattern of ['https://good[.]test', 'https://good[.]test.*', '(https://good[.]test)', '(?m)https://good[.]test$', 'x|https://good[.]test']) {
      const requirement: FlagRequirement = { ...KEYLESS, signer: { kind: 'certificate', issuer: await compilePattern(pattern) } };
      assert.equal(answer({ anchors, evidence, requirement }), 'ISSUER_MISMATCH', pattern);
    }
    assert.equal(answer({ anchors, evidence, requirement: { ...KEYLESS, signer: { kind: 'certificate', issuer: exactly(issuer) } } }), 'VERIFIED');
  });
});

describe('counting', () => {
  const two = { ...KEYLESS, logs: 2 };

  it('CVE-2026-49834: two entries of one log do not meet a threshold of two', () => {
    assert.equal(answer({ anchors, requirement: two, evidence: sigstore.sign(ARTIFACT, { logs: [rekor, tiles] }) }), 'VERIFIED');
    assert.equal(answer({ anchors, requirement: two, evidence: sigstore.sign(ARTIFACT, { logs: [rekor, rekor] }) }), 'THRESHOLD_NOT_MET');
  });

  it('@sigstore/verify 4.1.1: one entry twice counts once, under whatever index', () => {
    const bundle = sigstore.sign(ARTIFACT);
    const [entry] = (bundle['verificationMaterial'] as JsonObject)['tlogEntries'] as JsonObject[];
    const twice = (second: JsonObject): string =>
      answer({
        anchors,
        requirement: two,
        evidence: { ...bundle, verificationMaterial: { ...(bundle['verificationMaterial'] as JsonObject), tlogEntries: [entry as JsonObject, second] } },
      });
    assert.equal(twice(entry as JsonObject), 'THRESHOLD_NOT_MET');
    assert.equal(twice({ ...entry, logIndex: '7' }), 'LOG_PROMISE_INVALID');
    const { inclusionPromise: _, ...unpromised } = entry as JsonObject;
    assert.equal(twice({ ...unpromised, logIndex: '7' }), 'THRESHOLD_NOT_MET');
  });

  it('PYSEC-2020-145, GHSA-3633-5h82-39pq: one key under two names is one party', () => {
    const alias = createTestRekorV2({ baseUrl: 'https://alias.rekor.sealward.test', key: tiles.key });
    const root = structuredClone(sigstore.trustedRoot) as { tlogs: JsonObject[]; timestampAuthorities: JsonObject[] };
    root.tlogs.push(logInstance(alias.baseUrl, alias, 0));
    root.timestampAuthorities.push({ ...(root.timestampAuthorities[0] as JsonObject), uri: 'https://alias.tsa.sealward.test' });
    const aliased = parseTrustedRoot(utf8(JSON.stringify(root)));
    const evidence = sigstore.sign(ARTIFACT, { logs: [tiles, alias], timestampAuthorities: [timestampAuthority, timestampAuthority] });
    assert.equal(answer({ anchors: aliased, evidence }), 'VERIFIED');
    assert.equal(answer({ anchors: aliased, evidence, requirement: two }), 'THRESHOLD_NOT_MET');
    assert.equal(answer({ anchors: aliased, evidence, requirement: { ...KEYLESS, timestamps: 2 } }), 'THRESHOLD_NOT_MET');
  });
});

describe('time', () => {
  it('CVE-2026-48816, PYSEC-2026-1923: a time beside an entry that only has a proof is not used', () => {
    const bundle = sigstore.sign(ARTIFACT, { logs: [tiles], timestampAuthorities: [] });
    const [entry] = (bundle['verificationMaterial'] as JsonObject)['tlogEntries'] as [JsonObject];
    assert.equal(answer({ anchors, evidence: bundle }), 'TIME_MISSING');
    entry['integratedTime'] = String(TEST_NOW / 1000);
    assert.equal(answer({ anchors, evidence: bundle }), 'TIME_MISSING');
    const first = sigstore.sign(ARTIFACT);
    const [promised] = (first['verificationMaterial'] as JsonObject)['tlogEntries'] as [JsonObject];
    delete promised['inclusionPromise'];
    assert.equal(answer({ anchors, evidence: first }), 'TIME_MISSING');
  });

  it('CVE-2026-54787: a key that was no longer trusted when the signature was made is refused', () => {
    const window = (to: number): Anchors => withAnchors(withKey, 'keys', () => ({ window: { from: 0, to } }));
    const evidence = sigstore.sign(ARTIFACT, { signer: { key: KEY }, timestampAuthorities: [timestampAuthority] });
    assert.equal(answer({ anchors: window(TEST_NOW), evidence, requirement: BY_KEY }), 'VERIFIED');
    assert.equal(answer({ anchors: window(TEST_NOW - 1), evidence, requirement: BY_KEY }), 'KEY_OUTSIDE_WINDOW');
  });

  it('CVE-2026-39984: a forged certificate beside that of the timestamp authority changes nothing', () => {
    const forger = createTestTimestampAuthority({ now: () => TEST_NOW });
    const [anchor] = anchors.timestampAuthorities;
    assert.ok(anchor);
    // Only the root is trusted, so the certificates that come along are needed.
    const rootOnly: Anchors = {
      ...anchors,
      timestampAuthorities: [{ ...anchor, certificates: [parseCertificate(timestampAuthority.chain[1] as Uint8Array)] }],
    };
    const [genuine, forged] = [timestampAuthority.signer.der, forger.signer.der];
    const stamped = (by: typeof forger, certificates: readonly Uint8Array[]): string => {
      const authority = { ...by, timestamp: (bytes: Uint8Array) => by.timestamp(bytes, { certificates }) };
      return answer({ anchors: rootOnly, evidence: sigstore.sign(ARTIFACT, { logs: [tiles], timestampAuthorities: [authority] }) });
    };
    for (const certificates of [[genuine], [forged, genuine], [genuine, forged]]) assert.equal(stamped(timestampAuthority, certificates), 'VERIFIED');
    for (const certificates of [[], [forged], [forged, genuine], [genuine, forged]]) assert.equal(stamped(forger, certificates), 'TIMESTAMP_INVALID');
    assert.equal(stamped(createTestTimestampAuthority({ now: () => TEST_NOW, url: 'https://other.sealward.test' }), []), 'TIMESTAMP_UNTRUSTED');
  });
});
