/** The answer to flags, as people and programs read it: who, when, by whom known, which checks passed, and what is missing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { A, B, CA, certified, dated, facts, LOG, NOW, OWN_LOG, PQ, signature, trust } from '../../../test/hand-made.ts';
import { SealwardError } from '../errors.ts';
import type { SignatureFacts } from './facts.ts';
import { compilePattern, decideByFlags, exactly, type FlagRequirement, type Place, type ProvenFacts } from './index.ts';

const { anchors } = trust();
const KEY: FlagRequirement = { role: 'signature', signer: { kind: 'key' }, logs: 0, timestamps: 0, certificateLog: false, undated: 'now' };
const MARIA: FlagRequirement = { ...KEY, signer: { kind: 'certificate', identity: exactly('maria'), issuer: exactly('https://issuer.test') } };
const place = (more: Partial<Place> = {}): Place => ({ name: 'sig-tag', where: 'the tag', state: 'complete', ...more });

function judged(signatures: readonly SignatureFacts[], requirement: FlagRequirement = KEY, more: Partial<ProvenFacts> = {}) {
  return decideByFlags({ ...facts(signatures), places: [place()], ...more } as ProvenFacts, requirement, { now: NOW, anchors });
}

describe('an answer to flags', () => {
  it('holds every candidate, the places, and nothing else when it is verified', () => {
    const good = signature(A, { times: [dated(NOW - 5), dated(NOW - 9, OWN_LOG.id)] });
    const { candidates, ...rest } = judged([good]);
    assert.deepEqual(rest, { outcome: 'verified', code: 'VERIFIED', places: [place()] });
    const passed = ['readable', 'type', 'subject', 'signer', 'unbroken', 'log', 'time', 'certificate', 'certificate-log', 'identity', 'claims', 'companions'];
    const names = { key: anchors.keys[0]?.name, times: [LOG.name, OWN_LOG.name], entries: [LOG.name, OWN_LOG.name] };
    assert.deepEqual(candidates, [{ facts: good, counts: true, passed, time: { from: NOW - 9, to: NOW - 9 }, names }]);
  });

  it('gives the time as far as all who dated it agree', () => {
    const span = (...times: [number, number][]) => judged([signature(A, { times: times.map(([from, to]) => ({ ...dated(to), from })) })]).candidates[0]?.time;
    assert.deepEqual(span([NOW - 9, NOW - 1], [NOW - 5, NOW - 3]), { from: NOW - 9, to: NOW - 3 });
    assert.deepEqual(span([NOW - 5, NOW - 3], [NOW - 9, NOW - 1]), { from: NOW - 9, to: NOW - 3 });
    assert.equal(span(), undefined);
    assert.ok(!('time' in (judged([signature(A)]).candidates[0] ?? {})));
  });

  it('names the identity that matched, or the first that there is', () => {
    const named = (...names: string[]) => judged([certified('', {}, {}, { names })], MARIA).candidates[0];
    assert.equal(named('tom', 'maria', 'ann')?.identity, 'maria');
    assert.equal(named('tom', 'ann')?.identity, 'tom');
    assert.ok(!('identity' in (named() ?? {})));
    assert.ok(!('identity' in (judged([certified('maria')], KEY).candidates[0] ?? {})), 'by key nobody asked for a name');
    assert.ok(!('identity' in (judged([signature(A)], MARIA).candidates[0] ?? {})));
    assert.ok(!('key' in (named('maria')?.names ?? { key: 1 })));
  });

  it('tells what failed first, in the words of the check', () => {
    const [candidate] = judged([signature('e'.repeat(64))], { ...KEY, logs: 1 }).candidates;
    assert.deepEqual([candidate?.counts, candidate?.passed], [false, ['readable', 'type', 'subject', 'signer', 'unbroken']]);
    assert.deepEqual(candidate?.failed, { check: 'log', finding: { code: 'LOG_ENTRY_MISSING', detail: 'it carries no log entry' } });
    const { outcome, code, finding, places } = judged([signature(A)], { ...KEY, logs: 1 });
    assert.deepEqual(places, [place()]);
    assert.deepEqual([outcome, code, finding], ['rejected', 'LOG_ENTRY_MISSING', candidate.failed.finding]);
  });

  it('tells whose time nobody believes, where a certificate must be dated', () => {
    const stranger = 'e'.repeat(64);
    const dating = (by: 'log' | 'timestamp-authority') =>
      judged([certified('maria', {}, { times: [{ ...dated(NOW, stranger), by }] })], { ...MARIA, undated: 'refuse' }).finding;
    const detail = `${stranger.slice(0, 16)} is not trusted for ${new Date(NOW).toISOString()}`;
    assert.deepEqual(dating('log'), { code: 'LOG_OUTSIDE_WINDOW', detail });
    assert.deepEqual(dating('timestamp-authority'), { code: 'TIMESTAMP_OUTSIDE_WINDOW', detail });
    const undated = (more: object) => judged([certified('maria', {}, more)], { ...MARIA, undated: 'refuse' }).finding;
    assert.deepEqual(undated({}), { code: 'TIME_MISSING', detail: 'neither a log nor a timestamp authority states a time' });
    const findings = [
      { code: 'LOG_UNKNOWN', detail: 'x' },
      { code: 'TIMESTAMP_UNTRUSTED', detail: 'a stranger' },
    ] as const;
    assert.deepEqual(undated({ findings }), findings[1]);
    assert.equal(judged([certified('maria')], { ...MARIA, undated: 'now' }).code, 'VERIFIED');
  });

  it('says for whom nothing was found', () => {
    const words = (role: FlagRequirement['role']) => judged([], { ...KEY, role }).finding;
    assert.deepEqual(words('signature'), { code: 'NO_SIGNATURE', detail: 'every place that may hold a signature answered, and none does' });
    assert.deepEqual(words('attestation'), { code: 'NO_SIGNATURE', detail: 'every place that may hold an attestation answered, and none does' });
    assert.equal(judged([], KEY, { places: [place({ left: 2 }), place({ left: 3 })] }).finding?.detail, '5 more were not looked at');
    const unreadable = [{ code: 'BUNDLE_MALFORMED', detail: 'no JSON', document: 'sha256:1', place: 'sig-tag' } as const];
    assert.deepEqual(judged([], KEY, { unreadable }).finding, { code: 'BUNDLE_MALFORMED', detail: 'no JSON' });
  });

  it('keeps what was seen where a place did not answer, and claims nothing', () => {
    const cause = new SealwardError('ERR_REGISTRY_THROTTLED', 'slow down');
    const places = [place(), place({ state: 'unavailable', cause })];
    const seen = judged([signature(A)], { ...KEY, logs: 1 }, { places });
    assert.deepEqual(
      [seen.outcome, seen.code, seen.finding?.code, seen.candidates.length, seen.places],
      ['inconclusive', 'ERR_REGISTRY_THROTTLED', 'LOG_ENTRY_MISSING', 1, places],
    );
    assert.ok(!('finding' in judged([], KEY, { places })), 'nothing that is missing is said to be');
  });
});

describe('companions', () => {
  const listed = ['ecdsa-p256-sha256', 'ml-dsa-65'];
  const [classical, quantum] = [signature(A, { requiredAlgorithms: listed }), signature(PQ, { requiredAlgorithms: listed })];
  const both: FlagRequirement = { ...KEY, signer: { kind: 'key', algorithms: listed } };
  const codes = (found: readonly SignatureFacts[], requirement = both) =>
    judged(found, requirement).candidates.map(({ counts, failed }) => (counts ? 'counts' : failed?.finding.code));

  it('count together, and neither without the other', () => {
    assert.deepEqual(codes([classical, quantum]), ['counts', 'counts']);
    assert.deepEqual(codes([classical]), ['COMPANION_MISSING']);
    assert.deepEqual(codes([quantum]), ['COMPANION_MISSING']);
    assert.deepEqual(codes([classical, { ...quantum, broken: [{ code: 'SIGNATURE_INVALID', detail: '' }] }]), ['COMPANION_MISSING', 'SIGNATURE_INVALID']);
    assert.deepEqual(codes([classical, signature(PQ)]), ['counts', 'COMPANION_MISSING'], 'one that says nothing of the other is no companion');
    const [stripped] = judged([classical], both).candidates;
    assert.deepEqual(stripped?.failed, {
      check: 'companions',
      finding: { code: 'COMPANION_MISSING', detail: 'the signer says that a signature with ml-dsa-65 stands beside it, and none does' },
    });
    assert.ok(stripped.facts === classical && !stripped.passed.includes('companions') && stripped.passed.includes('claims'));
  });

  it('are asked for as far as the keys that were given can vouch for them', () => {
    assert.deepEqual(codes([classical], { ...KEY, signer: { kind: 'key', algorithms: ['ecdsa-p256-sha256'] } }), ['counts']);
    assert.deepEqual(codes([classical], KEY), ['counts']);
    assert.deepEqual(codes([signature(A)]), ['counts']);
  });
});

describe('what flags ask', () => {
  it('of an identity is the name, the issuer, or either alone', () => {
    const ask = (signer: Partial<FlagRequirement['signer']>) => judged([certified('maria')], { ...MARIA, signer: { kind: 'certificate', ...signer } }).code;
    assert.equal(ask({ identity: exactly('maria') }), 'VERIFIED');
    assert.equal(ask({ issuer: exactly('https://issuer.test') }), 'VERIFIED');
    assert.equal(ask({ identity: exactly('tom') }), 'IDENTITY_MISMATCH');
    assert.equal(ask({ issuer: exactly('https://other.test') }), 'ISSUER_MISMATCH');
    assert.equal(ask({ claims: [{ claim: 'buildTrigger', wanted: 'push' }] }), 'CLAIM_MISMATCH');
  });

  it('of a repository is that name, also where it is no image, and its words name no other', () => {
    const found = signature(A, { claimed: { in: 'statement', repository: 'app.tar' } });
    const ask = (name: string) => judged([found], { ...KEY, repository: { rule: 'exact', name } });
    assert.equal(ask('app.tar').code, 'VERIFIED');
    assert.deepEqual(ask('other.tar').finding, { code: 'CLAIMED_REPOSITORY_MISMATCH', detail: 'it was signed for app.tar' });
  });

  it('of a pattern is told between slashes; one that is none is refused with its words and the syntax', async () => {
    const pattern = await compilePattern('ma.*');
    assert.equal(
      judged([certified('tom')], { ...MARIA, signer: { kind: 'certificate', identity: pattern } }).finding?.detail,
      'it was signed by tom, wanted was /ma.*/',
    );
    const refused = await compilePattern(`${'a'.repeat(300)}(`).then(
      () => assert.fail('it was compiled'),
      (error: unknown) => error as SealwardError,
    );
    assert.match(refused.message, /^"a{200}" is not a regular expression: .{3}/);
    assert.match(refused.hint, /RE2; the whole value must match/);
    assert.ok(refused.cause);
    await compilePattern('a'.repeat(4096));
  });

  it('is no key state: what the trust state says of keys is not asked here', () => {
    assert.equal(judged([signature(B)]).code, 'VERIFIED');
    assert.equal(judged([certified('maria', {}, {}, { issuers: [{ anchor: CA, chain: [], purposes: ['1.3.6.1.5.5.7.3.3'] }] })], MARIA).code, 'VERIFIED');
  });
});
