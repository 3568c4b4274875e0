/** Attestations: who said what, how many of them, how lately, and what is open when one cannot be judged. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { A, attested, B, by, type Case, code, dated, decided, NOW, policy, PQ, RSA, set, signature } from '../../../test/hand-made.ts';
import type { Appraisal, Authority, Requirement, Strictness } from '../policy/index.ts';

const DAY = 86_400_000;
const TYPE = 'https://scan.test/v1';
const cel = (id: string) => ({ id, text: `it is ${id}`, kind: 'cel', expression: 'true' }) as const;
type Attestation = Extract<Requirement, { kind: 'attestation' }>;

/** Statements are named by what they come to; of several conditions by each, apart by a slash. */
const VALUES: Readonly<Record<string, Appraisal>> = {
  good: { value: 'holds' },
  bad: { value: 'fails', detail: 'no' },
  open: { value: 'inconclusive', code: 'ERR_CONDITION_COST', detail: 'steps' },
};
const appraisals = (statement: string, condition: string): Appraisal | undefined => VALUES[statement.split('/')[Number(condition)] ?? ''];
const wanted = (more: Partial<Attestation> = {}): Requirement => ({
  name: 'scan',
  kind: 'attestation',
  predicateTypes: [TYPE],
  from: [by(A), by(B), by(PQ)],
  atLeast: 1,
  conditions: [cel('0')],
  ...more,
});
const judge = (requirement: Requirement, signatures: Case['signatures'] & object, more: Partial<Case> & { strictness?: Partial<Strictness> } = {}) => {
  const { strictness = {}, ...rest } = more;
  const { outcome, policies } = decided({ appraisals, ...rest, signatures, policies: set([policy([requirement], { strictness })]) });
  const [judged] = policies[0]?.requirements ?? [];
  return `${outcome} ${judged?.code}${judged?.detail === undefined ? '' : `: ${judged.detail}`}`;
};

describe('attestations by several', () => {
  const each = (...statements: string[]) => statements.map((statement, at) => attested([A, B, PQ][at] as string, statement));
  const asked = (atLeast: number, ...statements: string[]) => judge(wanted({ atLeast }), each(...statements));

  it('are met when so many hold, whatever the others say', () => {
    assert.equal(asked(2, 'good', 'bad', 'good'), 'verified VERIFIED');
    assert.equal(asked(2, 'open', 'good', 'good'), 'verified VERIFIED');
    assert.equal(asked(1, 'bad', 'open', 'good'), 'verified VERIFIED');
  });

  it('are open only when those that could not be judged could make up the number', () => {
    assert.match(asked(2, 'good', 'open'), /^inconclusive ERR_CONDITION_COST: it is 0: steps$/);
    assert.match(asked(2, 'open', 'open'), /^inconclusive ERR_CONDITION_COST/);
    assert.match(asked(1, 'bad', 'open'), /^inconclusive ERR_CONDITION_COST/);
    assert.match(asked(2, 'bad', 'good', 'open'), /^inconclusive ERR_CONDITION_COST/, 'whatever came first');
    assert.match(asked(3, 'open', 'good', 'bad'), /^rejected SIGNERS_MISSING: it is 0: steps$/);
    assert.match(asked(3, 'open', 'open'), /^rejected SIGNERS_MISSING/);
    assert.match(asked(2, 'good', 'bad', 'bad'), /^rejected CONDITION_FAILED: it is 0: no$/);
  });

  it('tell the first of those that failed, and the first that is open', () => {
    const said = (detail: string): Appraisal => ({ value: 'fails', detail });
    const values: Record<string, Appraisal> = { first: said('1'), second: said('2'), cost: VALUES['open'] as Appraisal };
    const told = (...statements: string[]) => judge(wanted(), each(...statements), { appraisals: (statement) => values[statement] });
    assert.equal(told('first', 'second'), 'rejected CONDITION_FAILED: it is 0: 1');
    assert.equal(told('second', 'first'), 'rejected CONDITION_FAILED: it is 0: 2');
    assert.equal(told('cost', 'unseen'), 'inconclusive ERR_CONDITION_COST: it is 0: steps');
    assert.equal(told('unseen', 'cost'), 'inconclusive CONDITION_UNKNOWN: it is 0');
    assert.equal(told('cost', 'first'), 'inconclusive ERR_CONDITION_COST: it is 0: steps');
  });

  it('name who attested, when only their number is short', () => {
    const names = [A, B].map((id) => `key:${id}`).sort();
    assert.equal(asked(3, 'good', 'good'), `rejected SIGNERS_MISSING: attested by ${names.join(', ')}; 3 different signers are asked for`);
  });

  it('count one signer once, also where one of its statements could not be judged', () => {
    const signatures = [attested(A, 'good'), attested(A, 'open')];
    assert.match(judge(wanted({ atLeast: 2 }), signatures), /^rejected SIGNERS_MISSING/);
  });

  it('that are no number are met by nothing', () => {
    for (const atLeast of [0, -1, 0.5, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
      assert.match(judge(wanted({ atLeast }), each('good', 'good')), /^rejected /, String(atLeast));
  });
});

describe('conditions of one statement', () => {
  const both = (statement: string) => judge(wanted({ conditions: [cel('0'), cel('1')] }), [attested(A, statement)]);

  it('must all hold; what fails is told before what is open', () => {
    assert.equal(both('good/good'), 'verified VERIFIED');
    assert.equal(both('good/bad'), 'rejected CONDITION_FAILED: it is 1: no');
    assert.equal(both('open/bad'), 'rejected CONDITION_FAILED: it is 1: no');
    assert.equal(both('open/good'), 'inconclusive ERR_CONDITION_COST: it is 0: steps');
    assert.equal(both('unseen/open'), 'inconclusive CONDITION_UNKNOWN: it is 0');
    assert.equal(both('open/unseen'), 'inconclusive ERR_CONDITION_COST: it is 0: steps');
    assert.equal(judge(wanted({ conditions: [] }), [attested(A, 'anything')]), 'verified VERIFIED');
  });

  it('give its age by the earliest word, its own or that of those who dated it', () => {
    const says: Record<string, Appraisal> = {
      late: { value: 'holds', statedAt: NOW - 1 },
      early: { value: 'holds', statedAt: NOW - 2 * DAY },
      silent: { value: 'holds' },
    };
    const aged = (statement: string, ...times: number[]) =>
      judge(wanted({ conditions: [cel('0'), cel('1')], maxAge: DAY }), [attested(A, statement, { times: times.map((at) => dated(at)) })], {
        appraisals: (name, condition) => says[name.split('/')[Number(condition)] ?? ''],
      });
    const old = `rejected SIGNATURE_TOO_OLD: it was made at ${new Date(NOW - 2 * DAY).toISOString()}`;
    assert.equal(aged('early/late'), old);
    assert.equal(aged('late/early'), old);
    assert.equal(aged('silent/early'), old);
    assert.equal(aged('early/silent', NOW), old);
    assert.equal(aged('late/silent'), 'verified VERIFIED');
    assert.equal(aged('late/silent', NOW - 2 * DAY), old);
    assert.equal(aged('silent/silent', NOW - DAY), 'verified VERIFIED');
    const unconditional = (time: number) => judge(wanted({ conditions: [], maxAge: DAY }), [attested(A, 's', { times: [dated(time)] })]);
    assert.deepEqual([unconditional(NOW - DAY), unconditional(NOW - 2 * DAY)], ['verified VERIFIED', old]);
    assert.equal(aged('silent/silent'), 'rejected TIME_MISSING: its age is asked for, and nobody says when it was made');
  });
});

describe('of one authority', () => {
  const team: Authority = { kind: 'key', name: 'team', anchors: [A, B] };
  const at = (time: number) => ({ times: [dated(time)] });

  it('only the latest of a type counts, and of each signer its own where several are asked for', () => {
    const found = [attested(A, 'good', at(NOW - 9)), attested(B, 'bad', at(NOW - 5))];
    assert.match(judge(wanted({ from: [team] }), found), /^rejected CONDITION_FAILED/);
    assert.match(judge(wanted({ from: [team], atLeast: 2 }), found), /^rejected CONDITION_FAILED/);
    assert.equal(judge(wanted({ from: [team], atLeast: 2 }), [attested(A, 'good', at(NOW - 9)), attested(B, 'good', at(NOW - 5))]), 'verified VERIFIED');
    assert.match(judge(wanted({ from: [team], atLeast: 2 }), [...found, attested(A, 'bad', at(NOW - 8))]), /^rejected CONDITION_FAILED/);
  });

  it('the latest of another type replaces nothing', () => {
    const other = attested(A, 'bad', { ...at(NOW - 1), predicateType: 'https://scan.test/v2' });
    assert.equal(judge(wanted({ predicateTypes: [TYPE, 'https://scan.test/v2'] }), [attested(A, 'good', at(NOW - 9)), other]), 'verified VERIFIED');
  });

  it('of those dated alike each may hold', () => {
    assert.equal(judge(wanted(), [attested(A, 'bad', at(NOW - 9)), attested(A, 'good', at(NOW - 9))]), 'verified VERIFIED');
    assert.equal(judge(wanted(), [attested(A, 'bad'), attested(A, 'good')]), 'verified VERIFIED');
  });

  it('a signature is no attestation, and an attestation no signature', () => {
    assert.match(judge(wanted(), [signature(A, { statement: 'good', predicateType: TYPE })]), /^rejected NO_ATTESTATION/);
    assert.equal(code({ signatures: [attested(A, 'good')] }), 'NO_SIGNATURE');
  });
});

describe('companions', () => {
  const both: Authority = { kind: 'key', name: 'both', anchors: [A, PQ] };
  const classical = (statement: string, requiredAlgorithms: string[] = []) => attested(A, statement, { requiredAlgorithms });
  const quantum = (statement: string, requiredAlgorithms: string[] = []) => attested(PQ, statement, { requiredAlgorithms });
  const ask = (postQuantum: Strictness['postQuantum'], ...signatures: ReturnType<typeof attested>[]) =>
    judge(wanted({ from: [both], conditions: [] }), signatures, { strictness: { postQuantum } });
  const listed = ['ecdsa-p256-sha256', 'ml-dsa-65'];

  it('of an attestation stand over the same statement', () => {
    assert.equal(ask('require', classical('s'), quantum('s')), 'verified VERIFIED');
    assert.match(ask('require', classical('s'), quantum('other')), /^rejected POST_QUANTUM_MISSING: what was signed with it as both is not there$/);
    assert.equal(ask('prefer', classical('s', listed), quantum('s', listed)), 'verified VERIFIED');
    assert.match(ask('prefer', classical('s', listed), quantum('other', listed)), /^rejected COMPANION_MISSING/);
    assert.match(ask('prefer', classical('s', listed)), /^rejected COMPANION_MISSING/);
  });

  it('that nobody who is trusted could have made are not waited for', () => {
    assert.equal(ask('prefer', classical('s', ['ecdsa-p256-sha256', 'rsa3072-pkcs1-sha256'])), 'verified VERIFIED');
    const rsa: Authority = { kind: 'key', name: 'rsa', anchors: [A, RSA, 'e'.repeat(64)] };
    const found = judge(wanted({ from: [rsa], conditions: [] }), [classical('s', ['rsa3072-pkcs1-sha256'])], { strictness: { postQuantum: 'prefer' } });
    assert.match(found, /^rejected COMPANION_MISSING/);
  });
});

describe('VEX', () => {
  const scan = { id: 's', text: 'a scan', kind: 'scan', maximum: 'low', fixableOnly: false, vex: [by(B)], ignored: [] } as const;
  const excuse = (name: string) => ({ value: 'holds', excuses: [{ names: [name], status: 'not_affected', components: [] }] }) as const;
  const known: Readonly<Record<string, Appraisal>> = { mine: excuse('CVE-1'), others: excuse('CVE-2'), broken: { value: 'fails', detail: 'x' } };
  const say = (statement: string, condition: string): Appraisal | undefined =>
    condition === 'vex' ? known[statement] : { value: 'fails', detail: 'CVE-1', findings: [{ names: ['CVE-1'], severity: 'high' }] };
  const vex = (anchor: string, statement: string, time: number) =>
    attested(anchor, statement, { predicateType: 'https://openvex.dev/ns', times: [dated(time)] });
  const ask = (...documents: ReturnType<typeof attested>[]) => judge(wanted({ conditions: [scan] }), [attested(A, 'found'), ...documents], { appraisals: say });

  it('excuses by the latest word of those who may, and by no other document of theirs', () => {
    assert.equal(ask(vex(B, 'mine', NOW - 9)), 'verified VERIFIED');
    assert.equal(
      ask(vex(B, 'mine', NOW - 9), attested(B, 'broken', { times: [dated(NOW - 1)], predicateType: 'https://openvex.dev/ns' })),
      'verified VERIFIED',
    );
    assert.match(ask(vex(B, 'mine', NOW - 9), vex(B, 'others', NOW - 5)), /^rejected CONDITION_FAILED: a scan/);
    assert.equal(ask(vex(B, 'others', NOW - 9), vex(B, 'mine', NOW - 5)), 'verified VERIFIED');
    assert.match(ask(vex(A, 'mine', NOW - 9)), /^rejected CONDITION_FAILED/);
    assert.match(ask({ ...vex(B, 'mine', NOW - 9), role: 'signature' }), /^rejected CONDITION_FAILED/);
  });

  it('of two authorities excuses each for itself', () => {
    const either = { ...scan, vex: [by(PQ), by(B)] };
    const found = judge(wanted({ conditions: [either] }), [attested(A, 'found'), vex(B, 'mine', NOW - 9), vex(PQ, 'others', NOW - 5)], { appraisals: say });
    assert.equal(found, 'verified VERIFIED');
  });

  it('of one authority with several keys is the latest of any of them', () => {
    const team = { ...scan, vex: [by(B, { anchors: [B, PQ] })] };
    const ask = (...documents: ReturnType<typeof attested>[]) =>
      judge(wanted({ conditions: [team] }), [attested(A, 'found'), ...documents], { appraisals: say });
    assert.match(ask(vex(B, 'mine', NOW - 9), vex(PQ, 'others', NOW - 5)), /^rejected CONDITION_FAILED/);
    assert.equal(ask(vex(B, 'others', NOW - 9), vex(PQ, 'mine', NOW - 5)), 'verified VERIFIED');
  });

  it('is not looked for in what has no statement', () => {
    const { statement: _, ...bare } = vex(B, 'mine', NOW - 9);
    assert.match(ask(bare), /^rejected CONDITION_FAILED/);
  });
});

describe('places', () => {
  const place = (more: object) => ({ name: 'sig-tag', where: 'the tag', state: 'complete', askedAt: NOW, ...more }) as const;
  const over = (places: readonly ReturnType<typeof place>[], more: Partial<Attestation> = {}, signatures: ReturnType<typeof attested>[] = []) =>
    judge(wanted({ conditions: [], ...more }), signatures, { facts: { places } });
  const slow = { code: 'ERR_REGISTRY_THROTTLED', message: 'slow down', hint: '' } as const;

  it('that could not be asked come before those that were not', () => {
    const silent = place({ state: 'unavailable', where: 'the registry', cause: slow });
    const missing = '; no place that answered holds one';
    assert.equal(over([place({ state: 'not-asked' }), silent]), `inconclusive ERR_REGISTRY_THROTTLED: the registry: slow down${missing}`);
    assert.equal(over([place({}), place({ state: 'not-asked' })]), `inconclusive PLACE_NOT_ASKED: the tag: it was not asked${missing}`);
    assert.equal(over([]), `inconclusive PLACE_NOT_ASKED: nothing: it was not asked${missing}`);
    assert.equal(over([place({}), place({ state: 'absent' })]), 'rejected NO_ATTESTATION: every place answered, and none holds one');
  });

  it('must all have answered lately where only the latest will do, met or not', () => {
    const latest = { latest: { maxLag: 10 } };
    const good = [attested(A, 'good')];
    assert.equal(over([place({ askedAt: NOW - 10 })], latest, good), 'verified VERIFIED');
    assert.equal(over([place({}), place({ askedAt: NOW - 11 })], latest, good), 'inconclusive EVIDENCE_STALE: the tag was asked too long ago');
    assert.equal(over([place({ state: 'not-asked' })], latest, good), 'inconclusive PLACE_NOT_ASKED: the tag: it was not asked');
    assert.equal(over([place({ askedAt: NOW - 11 })], latest), 'inconclusive EVIDENCE_STALE: the tag was asked too long ago');
    assert.equal(over([place({})], latest), 'rejected NO_ATTESTATION: every place answered, and none holds one');
    assert.equal(over([place({ askedAt: NOW - 11 })], {}, good), 'verified VERIFIED');
  });

  it('that hold more than was looked at, or only what nobody can read, are not empty', () => {
    const unreadable = [{ code: 'BUNDLE_MALFORMED', detail: 'no JSON', document: 'sha256:1', place: 'sig-tag' } as const];
    assert.equal(over([place({ left: 2 }), place({ left: 3 })]), 'rejected TOO_MANY: 5 more were not looked at');
    assert.equal(over([place({ left: 1 }), place({})]), 'rejected TOO_MANY: 1 more were not looked at');
    assert.equal(judge(wanted(), [], { facts: { unreadable } }), 'rejected BUNDLE_MALFORMED: no JSON');
    assert.equal(judge(wanted(), [attested(RSA, 'good')], { facts: { unreadable } }).slice(0, 21), 'rejected KEY_MISMATCH');
  });
});
