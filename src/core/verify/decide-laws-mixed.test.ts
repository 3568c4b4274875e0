/**
 * Laws of the decision over everything at once: signatures and attestations, exceptions, denials, modes, namespaces, places.
 * Each counts how often its premise was met, so that none can hold for want of cases.
 */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import {
  A,
  attested,
  B,
  by,
  type Case,
  certified,
  dated,
  decided,
  EVERYWHERE,
  exception,
  facts,
  HEX,
  identity,
  LOG,
  NOW,
  of,
  one,
  OWN_LOG,
  policy,
  PQ,
  REQUEST,
  set,
  signature,
  signedBy,
  text,
  version,
} from '../../../test/hand-made.ts';
import type { Appraisal, ImagePolicy, PolicySet, Requirement } from '../policy/index.ts';
import type { Denial, KeyVersion } from '../trust/index.ts';
import type { PlaceState, SignatureFacts } from './facts.ts';
import { type Action, decodeFacts, encodeDecision, encodeFacts } from './index.ts';

const VALUES: Readonly<Record<string, Appraisal>> = {
  good: { value: 'holds' },
  bad: { value: 'fails', detail: 'no' },
  open: { value: 'inconclusive', code: 'ERR_CONDITION_COST', detail: 'steps' },
};
const appraisals = (statement: string): Appraisal | undefined => VALUES[statement];
const STRICT: readonly Action[] = ['allow', 'warn', 'deny'];
const strictness = ({ action }: { action: Action }): number => STRICT.indexOf(action);

const id = fc.constantFrom(A, B, PQ);
const moment = fc.integer({ min: NOW - 9, max: NOW });
const times = fc.array(fc.tuple(moment, fc.constantFrom(LOG.id, OWN_LOG.id)), { maxLength: 2 }).map((all) => all.map(([at, log]) => dated(at, log)));
const signed: fc.Arbitrary<SignatureFacts> = fc.oneof(
  fc.tuple(id, times).map(([anchor, at]) => signature(anchor, { times: at })),
  times.map((at) => certified('maria', {}, { times: at })),
);
const attestation: fc.Arbitrary<SignatureFacts> = fc
  .tuple(id, times, fc.constantFrom('good', 'good', 'bad', 'open', 'unseen'))
  .map(([anchor, at, statement]) => attested(anchor, statement, { times: at }));
const found = fc.array(fc.oneof({ arbitrary: signed, weight: 2 }, { arbitrary: attestation, weight: 1 }), { maxLength: 6 });

const authority = fc.oneof(
  id.map((anchor) => by(anchor)),
  fc.constant(identity('maria')),
);
const signatures: fc.Arbitrary<Requirement> = fc
  .array(authority, { minLength: 1, maxLength: 3 })
  .chain((all) => fc.integer({ min: 1, max: all.length }).map((count) => signedBy(of(count, ...all.map(one)))));
const scan: fc.Arbitrary<Requirement> = fc
  .tuple(fc.array(id, { minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: 2 }), fc.boolean())
  .map(([from, atLeast, latest]) => ({
    name: 'scan',
    kind: 'attestation',
    predicateTypes: ['https://scan.test/v1'],
    from: [...new Set(from)].map((anchor) => by(anchor)),
    atLeast,
    conditions: [{ id: 'c', text: 'a condition', kind: 'cel', expression: 'true' }],
    ...(latest ? { latest: { maxLag: 5 } } : {}),
  }));
const label: fc.Arbitrary<Requirement> = fc
  .constantFrom('shop', 'bank')
  .map((team) => ({ name: 'label', kind: 'image', repositories: [], tags: [], labels: [{ key: 'team', value: text(team) }] }));
const requirement = fc.oneof({ arbitrary: signatures, weight: 4 }, { arbitrary: scan, weight: 2 }, { arbitrary: label, weight: 1 });
const single = fc.tuple(
  fc.array(requirement, { minLength: 1, maxLength: 2 }),
  fc.constantFrom<ImagePolicy['mode']>('enforce', 'enforce', 'warn', 'audit'),
  fc.constantFrom<ImagePolicy['onInconclusive']>('deny', 'allow-admitted-before'),
  fc.constantFrom(undefined, 'shop', 'bank'),
);
const excused = fc.option(fc.constantFrom('p0', 'p1'), { nil: undefined });
const policies: fc.Arbitrary<PolicySet> = fc.tuple(fc.array(single, { minLength: 1, maxLength: 3 }), excused).map(([all, name]) =>
  set(
    all.map(([requirements, mode, onInconclusive, namespace], at) =>
      policy(requirements, {
        name: `p${at}`,
        mode,
        onInconclusive,
        ...(namespace === undefined ? {} : { scope: { ...EVERYWHERE, namespaces: [text(namespace)] } }),
      }),
    ),
    { exceptions: name === undefined ? [] : [exception({ policies: [name] })], defaultRule: { action: 'allow', stated: true } },
  ),
);
const keys: fc.Arbitrary<KeyVersion[]> = fc
  .array(fc.tuple(id, fc.constantFrom<KeyVersion['state']>('active', 'suspended', 'retired', 'superseded', 'compromised'), moment), { maxLength: 2 })
  .map((all) => all.map(([anchor, state, at]) => version(anchor, { state, suspendedAt: at, retiredAt: at, invalidFrom: at })));
const place = fc
  .tuple(fc.constantFrom<PlaceState['state']>('complete', 'complete', 'complete', 'absent', 'unavailable'), fc.integer({ min: NOW - 8, max: NOW }))
  .map(
    ([state, askedAt]): PlaceState => ({
      name: 'sig-tag',
      where: 'the tag',
      state,
      askedAt,
      ...(state === 'unavailable' ? { cause: { code: 'ERR_REGISTRY_THROTTLED', message: 'slow', hint: '' } } : {}),
    }),
  );
const question: fc.Arbitrary<Case & { signatures: SignatureFacts[]; policies: PolicySet }> = fc
  .record({
    signatures: found,
    policies,
    keys,
    places: fc.array(place, { minLength: 1, maxLength: 2 }),
    namespace: fc.constantFrom('shop', undefined),
    admittedBefore: fc.boolean(),
  })
  .map(({ keys: held, places, namespace, admittedBefore, ...rest }) => ({
    ...rest,
    appraisals,
    trust: { keys: held },
    facts: { places },
    request: { admittedBefore, labels: { team: 'shop' }, place: namespace === undefined ? { cluster: 'c' } : { namespace, cluster: 'c', environment: 'prod' } },
  }));

const met = new Map<string, Record<string, number>>();
const count = (law: string, kind: string): void => {
  const kinds = met.get(law) ?? {};
  met.set(law, kinds);
  kinds[kind] = (kinds[kind] ?? 0) + 1;
};
/** The law, over so many cases, of which at least a tenth is of each kind. */
function holds<T>(
  law: string,
  arbitrary: fc.Arbitrary<T>,
  kinds: readonly string[],
  check: (given: T, kind: (name: string) => void) => void,
  numRuns = 250,
): void {
  met.delete(law);
  fc.assert(
    fc.property(arbitrary, (given) => check(given, (name) => count(law, name))),
    { numRuns },
  );
  for (const kind of kinds) assert.ok((met.get(law)?.[kind] ?? 0) >= numRuns / 10, `${law}: ${JSON.stringify(met.get(law))}`);
}

describe('a decision, over everything at once', () => {
  after(() => met.clear());

  it('is never less strict for one more requirement, in whichever policy', () => {
    holds('requirement', fc.tuple(question, requirement, fc.nat({ max: 2 })), ['allow', 'deny'], ([asked, more, where], kind) => {
      const before = decided(asked);
      kind(before.action);
      const changed = asked.policies.policies.map((held, at) =>
        at === where % asked.policies.policies.length ? { ...held, requirements: [...held.requirements, more] } : held,
      );
      // Somebody whom an exception excuses is excused of what is added, too; and what nobody can find out may become what is certain.
      assert.ok(strictness(decided({ ...asked, policies: { ...asked.policies, policies: changed } })) >= strictness(before));
    });
  });

  it('is never less strict for one more policy about every image', () => {
    holds('policy', fc.tuple(question, single), ['allow', 'deny'], ([asked, [requirements, mode]], kind) => {
      // Where only the default decides, a policy is no addition: it takes the place of the default.
      const here = [policy([], { name: 'here' }), ...asked.policies.policies];
      const before = decided({ ...asked, policies: { ...asked.policies, policies: here } });
      kind(before.action);
      const after = decided({ ...asked, policies: { ...asked.policies, policies: [...here, policy(requirements, { name: 'z', mode })] } });
      assert.ok(strictness(after) >= strictness(before));
    });
  });

  it('is never stricter for one more signature', () => {
    holds('signature', fc.tuple(question, signed), ['allow', 'deny'], ([asked, more], kind) => {
      const before = decided(asked);
      kind(before.action);
      assert.ok(strictness(decided({ ...asked, signatures: [...asked.signatures, more] })) <= strictness(before));
    });
  });

  it('is never stricter for an attestation of somebody who is not asked, nor for one of another type', () => {
    const strange = fc.oneof(
      attestation.map((one) => ({ ...one, signers: one.signers.map((signer) => ({ ...signer, anchor: 'e'.repeat(64), key: 'e'.repeat(64) })) })),
      attestation.map((one) => ({ ...one, predicateType: 'https://other.test/v1' })),
    );
    holds('attestation', fc.tuple(question, strange), ['allow', 'deny'], ([asked, more], kind) => {
      const before = decided(asked);
      kind(before.action);
      assert.equal(decided({ ...asked, signatures: [...asked.signatures, more] }).action, before.action);
    });
  });

  it('is never less strict for a denial, of whatever kind', () => {
    const denial: fc.Arbitrary<Denial> = fc
      .oneof(
        id.map((key) => ({ kind: 'key', key })),
        fc.constant({ kind: 'digest', digest: `sha256:${HEX}` }),
        fc.tuple(moment, moment).map(([from, to]) => ({ kind: 'identity', issuer: 'https://issuer.test', subject: 'maria', window: { from, to } })),
        fc.constant({ kind: 'certificate', certificate: 'd'.repeat(64) }),
        fc.constantFrom('7', '8', undefined).map((fromIndex) => ({ kind: 'log', anchor: LOG.id, ...(fromIndex === undefined ? {} : { fromIndex }) })),
      )
      .map((one) => ({ id: 'd', reason: 'stolen', addedAt: 0, ...one }) as unknown as Denial);
    const allowedFirst = question.filter((asked) => decided(asked).action !== 'deny');
    holds('denial', fc.tuple(fc.oneof(question, allowedFirst), denial), ['allow', 'changed'], ([asked, one], kind) => {
      const before = decided(asked);
      // Attestations count as the latest of their authority: one that is denied may let an older one count again.
      const plain = { ...asked, signatures: asked.signatures.filter(({ role }) => role === 'signature') };
      kind(before.action);
      const after = decided({ ...plain, trust: { ...plain.trust, denials: [one] } });
      if (strictness(after) > strictness(decided(plain))) kind('changed');
      assert.ok(strictness(after) >= strictness(decided(plain)));
    });
  });

  it('does not depend on the order of anything that was given', () => {
    holds('order', question, ['allow', 'deny'], (asked, kind) => {
      const first = decided(asked);
      kind(first.action);
      const { policies: held, signatures: all, trust, facts: more } = asked;
      const turned = decided({
        ...asked,
        signatures: [...all].reverse(),
        policies: { ...held, policies: [...held.policies].reverse(), exceptions: [...held.exceptions].reverse() },
        trust: { keys: [...(trust?.keys ?? [])].reverse() },
        facts: { places: [...(more?.places ?? [])].reverse() },
      });
      assert.deepEqual([turned.action, turned.outcome, turned.until, turned.exceptions], [first.action, first.outcome, first.until, first.exceptions]);
    });
  });

  it('does not depend on what was held before: found twice is found once', () => {
    holds('twice', fc.tuple(question, fc.nat({ max: 63 })), ['allow', 'deny'], ([asked, which], kind) => {
      const held = asked.signatures.filter((_, at) => (which >> at) & 1);
      const full = decided(asked);
      kind(full.action);
      const both = decided({ ...asked, signatures: [...held, ...asked.signatures] });
      assert.deepEqual([both.action, both.outcome, both.code, both.message, both.until], [full.action, full.outcome, full.code, full.message, full.until]);
    });
  });

  it('made again from what was stored is the same, byte for byte', () => {
    holds('replay', question, ['allow', 'deny'], (asked, kind) => {
      const record = (stored: ReturnType<typeof facts>): Uint8Array =>
        encodeDecision(decided({ ...asked, signatures: stored.signatures, facts: stored }), {
          evidence: 'sha256:e',
          policies: asked.policies,
          trust: { digest: 'sha256:t', versions: {} },
          request: { ...REQUEST, ...asked.request },
        });
      const given = facts(asked.signatures, asked.facts);
      kind(decided(asked).action);
      assert.deepEqual(record(decodeFacts(encodeFacts(given))), record(given));
    });
  });

  it('says the same to whoever reads it in any order, and reading changes nothing', () => {
    holds('reading', question, ['allow', 'deny'], (asked, kind) => {
      const [first, second] = [decided(asked), decided(asked)];
      kind(first.action);
      const { policies: explained } = first;
      assert.deepEqual([first.message, first.until, first.action], [second.message, second.until, second.action]);
      assert.deepEqual(second.policies, explained);
      const counted = explained.flatMap((one) => one.requirements).flatMap(({ candidates }) => candidates);
      for (const candidate of counted) assert.equal(candidate.counts, candidate.code === undefined, JSON.stringify(candidate));
    });
  });
});
