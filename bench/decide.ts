/** Decisions over facts that are held: how many images are decided anew in a second on one core, as after a revocation. */
import { attested, by, dated, facts, HEX, A, B, NOW, of, one, policy, REQUEST, set, signature, signedBy, trust } from '../test/hand-made.ts';
import { anchorsOf, decide, type Facts } from '../src/core/verify/index.ts';
import type { Appraisal, Condition } from '../src/core/policy/index.ts';
import { race, type Timing } from './interleaved.ts';
import type { Row } from './table.ts';

const IMAGES = 10_000;
const GOAL = 100_000;

export function benchDecide(seconds: number): Row[] {
  const condition: Condition = { id: 'sha256:c', text: 'predicate.stage == "done"', kind: 'cel', expression: 'predicate.stage == "done"' };
  const keys = [by(A), by(B)];
  const policies = set(
    ['a', 'b', 'c'].map((name) =>
      policy(
        [
          signedBy(of(1, ...keys.map((key) => one(key)))),
          ...(name === 'a'
            ? [{ kind: 'attestation' as const, name: 'done', predicateTypes: ['https://scan.test/v1'], from: keys, atLeast: 1, conditions: [condition] }]
            : []),
        ],
        { name, digest: `sha256:${name.repeat(64)}` },
      ),
    ),
  );
  const holds: Appraisal = { value: 'holds' };
  const held: Facts[] = Array.from({ length: IMAGES }, (_, i) => facts([signature(A, { times: [dated(NOW - i)] }), signature(B), attested(A, `sha256:${i}`)]));
  const before = trust();
  const after = trust({
    digest: `sha256:${HEX.replaceAll('a', 'b')}`,
    denials: [{ id: 'd', kind: 'signature', document: `sha256:${HEX}`, reason: 'x', addedAt: NOW }],
  });
  anchorsOf(policies, before);
  const pass = (state: typeof before): number => {
    let allowed = 0;
    for (const one of held) if (decide(one, policies, state, REQUEST, () => holds).action === 'allow') allowed++;
    return allowed;
  };
  if (pass(before) !== IMAGES) throw new Error('the images of the benchmark are allowed');
  // One by one, so that a block of the race is some milliseconds long; the trust changes on every pass, as a revocation does.
  let at = 0;
  const again = (times: number): void => {
    for (let i = 0; i < times; i++, at++) {
      const { action } = decide(held[at % IMAGES] as Facts, policies, Math.floor(at / IMAGES) % 2 === 0 ? after : before, REQUEST, () => holds);
      if (action !== 'allow') throw new Error('an image of the benchmark is refused');
    }
  };
  const [timed] = race([{ run: again }], seconds) as [Timing];
  const perSecond = 1000 / timed.mean;
  const figures = `${Math.round(perSecond / 1000)}k images a second of one core, over ${IMAGES / 1000}k held; 3 policies of 2 authorities, a condition`;
  return [{ what: 'images decided anew in a second', figures, value: Math.round(perSecond), atLeast: GOAL }];
}
