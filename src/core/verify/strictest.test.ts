/** Several policies, several requirements: the strictest answer is the answer, the certain one its reason, in whatever order they stand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  A,
  B,
  by,
  type Case,
  dated,
  decided,
  EVERYWHERE,
  exception,
  HEX,
  NOW,
  one,
  policy,
  PQ,
  REQUEST,
  set,
  signature,
  signedBy,
  text,
} from '../../../test/hand-made.ts';
import type { ImagePolicy, Requirement } from '../policy/index.ts';
import { type Action, encodeDecision, JUDGE_VERSION } from './index.ts';

const found = { signatures: [signature(A, { times: [dated(NOW - 5)] })] };
const met = signedBy(one(by(A)));
const missing: Requirement = { ...signedBy(one(by(B))), name: 'missing' };
/** Nobody noted when the place was asked last, so nothing that must be the latest is known. */
const open = { ...met, name: 'open', latest: { maxLag: -1 } } as Requirement;
const other: Requirement = { name: 'other', kind: 'refusal', reason: 'given up' };
const outcomeOf = { verified: met, rejected: missing, inconclusive: open };

const decoded = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const kinds = fc.constantFrom<keyof typeof outcomeOf>('verified', 'rejected', 'inconclusive');
const modes = fc.constantFrom<ImagePolicy['mode']>('enforce', 'warn', 'audit');
const STRICT: readonly Action[] = ['allow', 'warn', 'deny'];
const worst = (actions: readonly Action[]): Action => STRICT[Math.max(...actions.map((one) => STRICT.indexOf(one)))] as Action;

describe('of several policies', () => {
  const policies = fc
    .array(fc.tuple(kinds, modes), { minLength: 1, maxLength: 4 })
    .map((all) => all.map(([kind, mode], at) => policy([outcomeOf[kind]], { name: `p${at}`, mode })));

  it('the strictest decides: the whole set does what its strictest policy alone would do', () => {
    const seen = { allow: 0, warn: 0, deny: 0 };
    fc.assert(
      fc.property(policies, (all) => {
        const { action } = decided({ ...found, policies: set(all) });
        seen[action]++;
        assert.equal(action, worst(all.map((alone) => decided({ ...found, policies: set([alone]) }).action)));
      }),
      { numRuns: 200 },
    );
    assert.ok(Math.min(...Object.values(seen)) > 10, JSON.stringify(seen));
  });

  it('and of those that are as strict, what is certain is told, then the first by name', () => {
    const told = (...all: readonly [string, Requirement, ImagePolicy['mode']][]): string => {
      const listed = all.map(([name, requirement, mode]) => policy([requirement], { name, mode }));
      const [first, turned] = [listed, [...listed].reverse()].map((order) => decided({ ...found, policies: set(order) }));
      assert.equal(first?.message, turned?.message);
      return `${first?.outcome} ${first?.code} ${/by the policy (\w+)/.exec(first?.message ?? '')?.[1]}`;
    };
    assert.equal(told(['a', open, 'enforce'], ['b', missing, 'enforce']), 'rejected KEY_MISMATCH b');
    assert.equal(told(['a', open, 'enforce'], ['b', open, 'enforce']), 'inconclusive EVIDENCE_STALE a');
    assert.equal(told(['a', missing, 'enforce'], ['b', other, 'enforce']), 'rejected IMAGE_REFUSED b', 'what nothing changes comes first');
    assert.equal(told(['a', missing, 'enforce'], ['b', missing, 'enforce']), 'rejected KEY_MISMATCH a');
    assert.equal(told(['a', missing, 'warn'], ['b', open, 'enforce']), 'inconclusive EVIDENCE_STALE b');
    assert.equal(told(['a', missing, 'audit'], ['b', open, 'warn']), 'inconclusive EVIDENCE_STALE b');
    assert.equal(told(['a', met, 'enforce'], ['b', open, 'audit']), 'inconclusive EVIDENCE_STALE b');
    assert.equal(told(['a', open, 'audit'], ['b', missing, 'audit']), 'rejected KEY_MISMATCH b');
    assert.equal(told(['same', missing, 'enforce'], ['same', missing, 'enforce']), 'rejected KEY_MISMATCH same');
  });

  it('of signatures that miss as much, the same is told in any order', () => {
    const pair = [signature(B), signature(PQ)];
    const told = (order: typeof pair): string => decided({ signatures: order, policies: set([policy([met])]) }).message;
    assert.equal(told([...pair].reverse()), told(pair));
    assert.match(told(pair), new RegExp(`the key ${B.slice(0, 16)}`));
  });

  it('of signatures the one is told that came furthest', () => {
    const pairs = [
      [signature(B), signature(A, { times: [dated(NOW - 9)] })],
      [signature(A, { times: [dated(NOW - 9)] }), signature(B)],
    ];
    for (const signatures of pairs)
      assert.match(decided({ signatures, policies: set([policy([met], { strictness: { maxAge: 5 } })]) }).code, /^SIGNATURE_TOO_OLD$/);
    const both = signedBy(one(by(A, { anchors: [A, PQ] })));
    for (const signatures of [
      [signature(B), signature(A)],
      [signature(A), signature(B)],
    ])
      assert.equal(decided({ signatures, policies: set([policy([both], { strictness: { postQuantum: 'require' } })]) }).code, 'POST_QUANTUM_MISSING');
  });

  it('one that only adds is told before a default that would have allowed', () => {
    const watched = policy([open], { namespace: 'shop', mode: 'audit' });
    const { action, outcome, code } = decided({ ...found, policies: set([watched], { defaultRule: { action: 'allow', stated: true } }) });
    assert.deepEqual([action, outcome, code], ['allow', 'inconclusive', 'EVIDENCE_STALE']);
  });

  it('a single one for a namespace that nobody knows must be satisfied', () => {
    const scoped = policy([missing], { scope: { ...EVERYWHERE, namespaces: [text('shop')] } });
    const somewhere = { ...found, request: { place: {} } };
    assert.equal(decided({ ...somewhere, policies: set([scoped]) }).action, 'deny');
    assert.equal(decided({ ...somewhere, policies: set([{ ...scoped, requirements: [met] }]) }).action, 'allow');
    assert.equal(decided({ ...somewhere, policies: set([scoped, { ...scoped, name: 'q', requirements: [met] }]) }).action, 'allow');
    assert.equal(
      decided({ ...somewhere, policies: set([scoped, { ...scoped, name: 'q', mode: 'audit' }]) }).action,
      'deny',
      'one that is only watched satisfies nothing',
    );
  });

  it('of one name the digest tells which is told', () => {
    const twins = [policy([missing], { digest: 'sha256:2', message: 'second' }), policy([missing], { digest: 'sha256:1', message: 'first' })];
    for (const order of [twins, [...twins].reverse()]) assert.match(decided({ ...found, policies: set(order) }).message, /first$/);
  });

  it('a default is as strict as it is stated, and only where nothing covers the image', () => {
    for (const [action, outcome] of [
      ['allow', 'verified'],
      ['warn', 'rejected'],
      ['deny', 'rejected'],
    ] as const) {
      const decision = decided({ policies: set([], { defaultRule: { action, stated: true } }) });
      assert.deepEqual([decision.action, decision.outcome, decision.code, decision.byDefault], [action, outcome, 'NO_POLICY', true]);
      assert.match(decision.message, /the default rule that was stated decides/);
      const covered = decided({ ...found, policies: set([policy([met])], { defaultRule: { action, stated: true } }) });
      assert.deepEqual([covered.action, covered.code, covered.byDefault], ['allow', 'VERIFIED', false]);
      const added = set([policy([met], { namespace: 'shop' })], { defaultRule: { action, stated: true } });
      assert.deepEqual([decided({ ...found, policies: added }).action, decided({ ...found, policies: added }).byDefault], [action, true]);
    }
  });
});

describe('of several requirements of one policy', () => {
  const judged = (requirements: readonly Requirement[], more: Partial<Case> = {}) => {
    const { outcome, code: why } = decided({ ...found, ...more, policies: set([policy(requirements)]) });
    return `${outcome} ${why}`;
  };

  it('what is certain comes before what could not be found out, in any order', () => {
    const all = fc.array(kinds, { minLength: 1, maxLength: 4 });
    const seen = { verified: 0, rejected: 0, inconclusive: 0 };
    fc.assert(
      fc.property(all, (names) => {
        const expected = names.includes('rejected') ? 'rejected' : names.includes('inconclusive') ? 'inconclusive' : 'verified';
        const { outcome } = decided({ ...found, policies: set([policy(names.map((name) => outcomeOf[name]))]) });
        seen[outcome]++;
        assert.equal(outcome, expected);
      }),
      { numRuns: 200 },
    );
    assert.ok(Math.min(...Object.values(seen)) > 10, JSON.stringify(seen));
  });

  it('the first of the certain ones is told, and of those that are open the first', () => {
    assert.equal(judged([open, missing]), 'rejected KEY_MISMATCH');
    assert.equal(judged([open, missing, other]), 'rejected IMAGE_REFUSED', 'what nothing changes comes first');
    assert.equal(judged([open, other, missing]), 'rejected IMAGE_REFUSED');
    const unlabelled: Requirement = { name: 'labels', kind: 'image', repositories: [], tags: [], labels: [{ key: 'team' }] };
    const unknown = { request: { labels: undefined } as never };
    assert.equal(judged([open, unlabelled], unknown), 'inconclusive EVIDENCE_STALE');
    assert.equal(judged([unlabelled, open], unknown), 'inconclusive IMAGE_LABELS_UNKNOWN');
    assert.equal(judged([met, met]), 'verified VERIFIED');
  });

  it('nothing that comes behind a certain refusal could change the answer, so it does not wait for it', () => {
    const aged = policy([missing, met], { strictness: { maxAge: 10 } });
    assert.equal(decided({ ...found, policies: set([aged]) }).until, NOW + 1000);
    assert.equal(decided({ ...found, policies: set([policy([met, missing], { strictness: { maxAge: 10 } })]) }).until, NOW + 6);
  });
});

describe('exceptions', () => {
  const excused = (...names: string[]) =>
    decided({
      policies: set([policy([met], { name: 'p' })], { exceptions: names.map((name) => exception({ name, reason: `reason of ${name}`, policies: ['p'] })) }),
    });

  it('of several policies are all told, by name', () => {
    const policies = ['c', 'a', 'b'].map((name) => policy([met], { name }));
    const exceptions = ['c', 'a', 'b'].map((name) => exception({ name: `e-${name}`, reason: `reason of ${name}`, policies: [name] }));
    const decision = decided({ policies: set(policies, { exceptions }) });
    assert.deepEqual(decision.exceptions, ['e-a', 'e-b', 'e-c']);
    assert.deepEqual([decision.action, decision.outcome, decision.code, decision.hint], ['allow', 'verified', 'EXCEPTED', '']);
    assert.match(decision.message, /let through by an exception: e-a: reason of a; e-b: reason of b; e-c: reason of c$/);
  });

  it('let through nothing that another policy refuses', () => {
    const exceptions = [exception({ policies: ['p'] })];
    const decision = decided({ policies: set([policy([met]), policy([met], { name: 'q' })], { exceptions }) });
    assert.deepEqual([decision.action, decision.code], ['deny', 'NO_SIGNATURE']);
    assert.deepEqual(
      decision.policies.map((one) => [one.policy, one.code, one.outcome, one.action, one.exception]),
      [
        ['p', 'EXCEPTED', 'verified', 'allow', 'e1'],
        ['q', 'NO_SIGNATURE', 'rejected', 'deny', undefined],
      ],
    );
  });

  it('are used one at a time', () => {
    assert.equal(excused('e1', 'e2').exceptions.length, 1);
  });
});

describe('an answer', () => {
  it('says in one sentence what becomes of the image', () => {
    const sentence = (mode: ImagePolicy['mode'], more: Partial<ImagePolicy> = {}) => decided({ policies: set([policy([met], { mode, ...more })]) }).message;
    const image = `registry.test/app:1@sha256:${HEX}`;
    const why = 'by the policy p: Nothing is signed: every place that may hold a signature answered, and none does (every place answered, and none holds one)';
    assert.equal(sentence('enforce'), `${image} may not run ${why}`);
    assert.equal(sentence('warn'), `${image} runs although it should not ${why}`);
    assert.equal(sentence('audit'), `${image} runs ${why}`);
    const people = { message: 'ask', owner: 'platform', contact: '#images', runbook: 'https://run.test' };
    assert.equal(sentence('enforce', people), `${image} may not run ${why}. ask; owner: platform; #images; https://run.test`);
    assert.equal(sentence('enforce', { contact: '#images' }), `${image} may not run ${why}. #images`);
    assert.equal(decided(found).message, `${image} is what its policies ask for`);
  });

  it('names what could not be asked, in the words of its code', () => {
    const cause = { code: 'ERR_REGISTRY_THROTTLED', message: 'slow down', hint: '' } as const;
    const decision = decided({ facts: { places: [{ name: 'sig-tag', where: 'the tag', state: 'unavailable', cause }] } });
    assert.match(decision.message, /may not run by the policy p: .+ \(the tag: slow down; no place that answered holds one\)$/);
    assert.notEqual(decision.hint, '');
  });

  it('names each signer once, and who else there is', () => {
    const two = policy([signedBy({ kind: 'at-least', count: 2, of: [one(by(A)), one(by(PQ))] })]);
    const detail = (...signatures: ReturnType<typeof signature>[]) => decided({ signatures, policies: set([two]) }).policies[0]?.requirements[0]?.detail;
    const wanted = `signed by key:${A}; wanted was 2 of key ${A.slice(0, 6)}, key ${PQ.slice(0, 6)}`;
    assert.equal(detail(signature(A), signature(A)), `${wanted}; nobody else signed`);
    assert.equal(detail(signature(A), signature(A), signature(A)), `${wanted}; nobody else signed`);
    assert.equal(detail(signature(A), signature(B)), `${wanted}; it was made with the key ${B.slice(0, 16)}`);
  });

  it('names the denial, and the end of the lease', () => {
    const denials = [{ id: 'd1', kind: 'digest', digest: `sha256:${HEX}`, reason: 'stolen', addedAt: 0 }] as const;
    const denial = decided({ ...found, trust: { denials } });
    assert.deepEqual([denial.action, denial.outcome, denial.code], ['deny', 'rejected', 'DENIED']);
    assert.match(denial.message, /\(d1: stolen\)$/);
    assert.notEqual(denial.hint, '');
    const stale = (more: Partial<Case>) => decided({ ...found, ...more }).message;
    assert.match(stale({ trust: { lease: { issuedAt: 0, endsAt: NOW } } }), /the lease ended at 2026-11-27T00:00:00\.000Z/);
    assert.match(stale({ request: { tier: 'none' } }), /the lease ended at no time that is known/);
  });
});

describe('a record', () => {
  it('holds everything that was decided, what it was made from, and who judged', () => {
    const policies = set([policy([missing], { name: 'b', owner: 'o', contact: 'c', runbook: 'r', message: 'm' }), policy([met], { name: 'a' })]);
    const from = { evidence: 'sha256:e', known: 'sha256:k', policies, trust: { digest: 'sha256:t', versions: { keys: 3 } }, request: REQUEST };
    const decision = decided({ ...found, policies, trust: { lease: { issuedAt: 0, endsAt: Number.POSITIVE_INFINITY } } });
    const read = JSON.parse(decoded(encodeDecision(decision, from))) as Record<string, unknown>;
    const { decision: said, ...about } = read;
    assert.deepEqual(about, {
      version: 1,
      judge: JUDGE_VERSION,
      evidence: 'sha256:e',
      known: 'sha256:k',
      policies: policies.digest,
      trust: from.trust,
      request: { ...REQUEST },
    });
    const { action, outcome, code: why, exceptions, byDefault, message, hint } = decision;
    assert.deepEqual(said, {
      action,
      outcome,
      code: why,
      until: null,
      exceptions,
      byDefault,
      message,
      hint,
      policies: JSON.parse(JSON.stringify(decision.policies)),
    });
    const { known: _, ...unkept } = from;
    assert.ok(!('known' in (JSON.parse(decoded(encodeDecision(decision, unkept))) as object)));
  });
});
