/** Breaks one step of a log, starts it again, and asks for everything once more. */
import assert from 'node:assert/strict';
import { type OpenedLog, openLog, type OpenStore } from '../src/services/log/index.ts';
import { type FaultKind, faulty, type Step } from './log-faults.ts';
import { type Answered, checkHistory } from './log-histories.ts';
import { newEntry, newSigner } from './logs.ts';

const PACE = { soonest: 0, latest: 1, retry: 1, patience: 500 } as const;
const AT_ONCE = 200;

export interface Break {
  readonly step: Step;
  readonly kind: FaultKind;
  /** At which call of the step. */
  readonly nth: number;
  /** Whether everything fails from then on. */
  readonly dies: boolean;
  readonly entries: number;
  readonly origin?: string;
}

export async function breakAndMend(open: OpenStore, { step, kind, nth, dies, entries, origin = 'log.example' }: Break): Promise<void> {
  const options = { origin, signer: newSigner(), pace: PACE } as const;
  const wanted = Array.from({ length: entries }, (_, i) => newEntry(`entry ${i}`));
  const answered: Answered[] = [];
  let happened: Promise<void> = Promise.resolve();
  let signed: readonly string[] = [];
  const first = await openLog({
    ...options,
    failed: () => {},
    async store(identity) {
      const broken = faulty(await open(identity), step, kind, nth, dies);
      ({ happened, signed } = broken);
      return broken.store;
    },
  });
  for (let at = 0; at < entries; at += AT_ONCE) await ask(first, wanted.slice(at, at + AT_ONCE), answered);
  await happened;
  await first.close();
  const again = await openLog({ ...options, store: open, failed: assert.fail });
  try {
    await Promise.all(wanted.map(async (entry) => answered.push({ entry, included: await again.add(entry) })));
    // What was signed and not recorded never left, and may be signed otherwise.
    await checkHistory(again, answered, kind === 'not done' && step === 'record' ? [] : signed);
    assert.equal(again.health().size, BigInt(entries));
  } finally {
    await again.close();
  }
}

type Wanted = ReturnType<typeof newEntry>;

/** Who gets no answer is told that it may ask again, and nothing else. */
async function ask(log: OpenedLog, entries: readonly Wanted[], answered: Answered[]): Promise<void> {
  await Promise.all(
    entries.map(async (entry) => {
      try {
        answered.push({ entry, included: await log.add(entry) });
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'ERR_SERVICE_UNAVAILABLE', String(error));
      }
    }),
  );
}
