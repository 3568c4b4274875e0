/** From candidates and places to one outcome: when "unsigned" may be said, which miss is the nearest, and that judging is pure. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answer, ARTIFACT, FILE, judged, KEYLESS, proven, type Question } from '../../../test/judging.ts';
import { createTestKey, createTestSigstore, TEST_IDENTITY, TEST_NOW } from '../../testing/index.ts';
import { SealwardError } from '../errors.ts';
import { decideByFlags, type Place } from './index.ts';

const sigstore = createTestSigstore();
const { anchors, tiles } = sigstore;
const promised = sigstore.sign(ARTIFACT);
const stamped = sigstore.sign(ARTIFACT, { logs: [tiles] });
const keyed = sigstore.sign(ARTIFACT, { signer: { key: createTestKey() } });

describe('places', () => {
  const complete: Place = { name: 'referrers-api', where: 'the referrers API', state: 'complete' };
  const absent: Place = { name: 'sig-tag', where: 'the tag', state: 'absent' };
  const silent: Place = { name: 'sig-tag', where: 'the tag', state: 'unavailable', cause: new SealwardError('ERR_REGISTRY_THROTTLED', 'slow down') };
  const unasked: Place = { name: 'fallback-tag', where: 'the tag', state: 'not-asked' };
  const bad = sigstore.sign(ARTIFACT, { logs: [] });
  const over = (places: readonly Place[], evidence: Question['evidence'] = []): string => {
    const { outcome, code } = judged({ anchors, places, evidence });
    return `${outcome} ${code}`;
  };

  it('must all have answered before anything is called unsigned or refused', () => {
    assert.equal(over([complete, absent]), 'rejected NO_SIGNATURE');
    for (const evidence of [[], bad]) {
      assert.equal(over([complete, silent], evidence), 'inconclusive ERR_REGISTRY_THROTTLED');
      assert.equal(over([complete, unasked], evidence), 'inconclusive PLACE_NOT_ASKED');
      assert.equal(over([unasked, silent], evidence), 'inconclusive ERR_REGISTRY_THROTTLED');
      assert.equal(over([], evidence), 'inconclusive PLACE_NOT_ASKED');
    }
    assert.equal(over([complete, absent], bad), 'rejected LOG_ENTRY_MISSING');
  });

  it('need not all have answered once a signature counts', () => {
    for (const places of [[complete, silent], [unasked], [], [{ ...complete, left: 5 }]]) assert.equal(over(places, [bad, promised]), 'verified VERIFIED');
  });

  it('that list more than is looked at are too many, never none', () => {
    assert.equal(over([{ ...complete, left: 1 }, absent]), 'rejected TOO_MANY');
    assert.equal(over([{ ...complete, left: 1 }], bad), 'rejected TOO_MANY');
    assert.equal(over([{ ...complete, left: 1 }, silent]), 'inconclusive ERR_REGISTRY_THROTTLED');
  });

  it('that hold only what cannot be read are not empty', () => {
    assert.equal(over([FILE], { mediaType: 'x' }), 'rejected BUNDLE_MALFORMED');
    assert.equal(over([FILE], [{ mediaType: 'x' }, bad]), 'rejected LOG_ENTRY_MISSING');
    assert.equal(over([FILE], [{ mediaType: 'x' }, promised]), 'verified VERIFIED');
  });
});

describe('candidates', () => {
  it('that count stand first, then the nearest misses', () => {
    const stranger = createTestSigstore().sign(ARTIFACT);
    const wrongIdentity = sigstore.sign(ARTIFACT, { signer: sigstore.issue({ identity: { ...TEST_IDENTITY, name: 'other@sealward.test' } }) });
    const evidence = [stranger, wrongIdentity, promised];
    const { candidates, finding } = judged({ anchors, evidence });
    assert.deepEqual(
      candidates.map(({ counts, failed }) => (counts ? 'counts' : failed?.finding.code)),
      ['counts', 'IDENTITY_MISMATCH', 'CERTIFICATE_UNTRUSTED'],
    );
    assert.equal(finding, undefined);
    assert.equal(answer({ anchors, evidence: [stranger, wrongIdentity] }), 'IDENTITY_MISMATCH');
    assert.equal(answer({ anchors, evidence: [wrongIdentity, stranger] }), 'IDENTITY_MISMATCH');
  });

  it('say which checks they passed, and which one failed first', () => {
    const { candidates } = judged({ anchors, evidence: sigstore.sign(ARTIFACT, { logs: [] }) });
    assert.deepEqual(candidates[0]?.passed, ['readable', 'type', 'subject', 'signer', 'unbroken']);
    assert.equal(candidates[0].failed?.check, 'log');
  });

  it('are judged the same each time, and leave the facts as they were', () => {
    const facts = proven({ anchors, evidence: [promised, stamped, keyed] });
    const before = JSON.stringify(facts, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    const first = decideByFlags(facts, KEYLESS, { now: TEST_NOW, anchors });
    assert.deepEqual(decideByFlags(facts, KEYLESS, { now: TEST_NOW, anchors }), first);
    assert.equal(
      JSON.stringify(facts, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
      before,
    );
  });
});
