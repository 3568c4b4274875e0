/**
 * A disk that is full, may not be written to or breaks, and clocks that jump, under those who judge by what they hold: the
 * answer is right or "could not be found out", and a gap in what is held is never taken for "unsigned".
 */
import assert from 'node:assert/strict';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { FolderStore, type StoreProblem } from '../../src/clients/evidence/index.ts';
import { DISK, type FileSteps } from '../../src/clients/files/index.ts';
import { JUDGES, Matrix } from './matrix.ts';
import { DAY } from '../tuf-repository.ts';

const matrix = await Matrix.start(false);
after(() => matrix.close());
// The key that signs is two days old by now, so that a clock that is a day behind still knows it.
matrix.clock.advance(2 * DAY);
const start = matrix.clock.now();
/** Within each group: at the top of a file they would hold for the tests of every other file as well. */
function eachAnew(): void {
  beforeEach(() => matrix.wire.break(undefined));
  afterEach(async () => {
    await matrix.endJudges();
    matrix.clock.advance(start - matrix.clock.now());
  });
}

let jumps = 0;
const goAway = (): void => matrix.wire.break({ kind: 'refuse' });

/** The real disk until so many steps of one kind were taken; from then on each of them fails. */
function breaking(step: keyof FileSteps, code: string, afterSteps = 0): FileSteps {
  let left = afterSteps;
  return {
    ...DISK,
    [step]: (...given: never[]) => {
      if (left-- > 0) return (DISK[step] as (...all: never[]) => unknown)(...given);
      // The bytes of a file that does not fit are there in part.
      if (step === 'create') DISK.create(String(given[0]), (given[1] as unknown as Uint8Array).subarray(0, 10), 0o600);
      throw Object.assign(new Error(code), { code });
    },
  };
}

for (const kind of JUDGES) {
  describe(`a store on a bad disk, for ${kind}`, () => {
    eachAnew();

    for (const code of ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO']) {
      for (const step of ['makeFolder', 'create', 'rename', 'syncFolder'] as const) {
        it(`${code} at ${step}: decided all the same, told once, and not made worse for the next process`, async () => {
          const folder = matrix.folder();
          const problems: StoreProblem[] = [];
          const store = new FolderStore(folder, { steps: breaking(step, code), onProblem: (problem) => problems.push(problem) });
          const judge = await matrix.judge(kind, store);
          assert.equal((await judge(matrix.signed)).said, 'verified VERIFIED');
          assert.equal((await judge(matrix.unsigned)).said, 'rejected NO_SIGNATURE');
          goAway();
          if (kind === 'an agent') assert.equal((await judge(matrix.signed)).said, 'verified VERIFIED', 'from memory');
          await matrix.stop();
          assert.equal(problems.filter(({ why }) => why.includes(code)).length, 1);
          // Only what was reported lost although it was there can be held now.
          const next = await matrix.judge(kind, new FolderStore(folder));
          const [signed, unsigned] = [(await next(matrix.signed)).said, (await next(matrix.unsigned)).said];
          if (step === 'syncFolder')
            assert.match(`${signed}, ${unsigned}`, /^(?:verified VERIFIED|inconclusive \w+), (?:rejected NO_SIGNATURE|inconclusive \w+)$/);
          else assert.deepEqual([signed, unsigned], ['inconclusive ERR_REGISTRY_UNREACHABLE', 'inconclusive ERR_REGISTRY_UNREACHABLE']);
          await matrix.idle();
          matrix.wire.break(undefined);
          matrix.clock.advance(5001);
          assert.equal((await next(matrix.signed)).said, 'verified VERIFIED');
        });
      }
    }

    for (const [code, step] of [
      ['ENOSPC', 'create'],
      ['EIO', 'rename'],
    ] as const) {
      it(`${code} at ${step}, after any number of writes: what is missing is missing, and never "unsigned"`, async () => {
        const seen = new Set<string>();
        for (let writes = 0; !seen.has('verified VERIFIED') && writes < 30; writes++) {
          matrix.wire.break(undefined);
          const folder = matrix.folder();
          const judge = await matrix.judge(kind, new FolderStore(folder, { steps: breaking(step, code, writes) }));
          assert.equal((await judge(matrix.signed)).said, 'verified VERIFIED', `after ${writes} writes`);
          await matrix.stop();
          goAway();
          const { said, message } = await (await matrix.judge(kind, new FolderStore(folder)))(matrix.signed);
          assert.match(said, /^(?:verified VERIFIED|inconclusive \w+)$/, `after ${writes} writes: ${message}`);
          seen.add(said);
        }
        assert.ok(seen.has('verified VERIFIED') && seen.size > 1, [...seen].join(', '));
      });
    }
  });

  describe(`a clock that jumps, for ${kind}`, () => {
    eachAnew();

    for (const [name, step] of [
      ['an hour ahead', 3600_000],
      ['eighty days ahead', 80 * DAY],
      ['an hour back', -3600_000],
      ['a day back', -DAY],
    ] as const) {
      it(`${name}, between two processes: what is held counts, and what was signed since is found`, async () => {
        const [signed, late] = [await matrix.push(`before${++jumps}`), await matrix.push(`after${jumps}`)];
        await matrix.sign(signed);
        const store = matrix.store();
        const before = await matrix.judge(kind, store);
        assert.deepEqual([(await before(signed)).said, (await before(late)).said], ['verified VERIFIED', 'rejected NO_SIGNATURE']);
        await matrix.stop();
        matrix.clock.advance(step);
        goAway();
        const judge = await matrix.judge(kind, store);
        assert.deepEqual([(await judge(signed)).said, (await judge(late)).said], ['verified VERIFIED', 'rejected NO_SIGNATURE'], 'as it was');
        await matrix.stop();
        matrix.wire.break(undefined);
        await matrix.sign(late);
        const again = await matrix.judge(kind, store);
        assert.equal((await again(late)).said, 'verified VERIFIED', 'nobody believes an answer of the future to be young');
      });
    }
  });
}
