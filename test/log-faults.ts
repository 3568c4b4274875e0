/** A store whose one step fails in one way: not done; done and the process ended; done and said to have failed. */
import type { LogStore } from '../src/services/log/index.ts';

export const STEPS = ['sequence', 'tiles', 'record', 'publish'] as const;
export type Step = (typeof STEPS)[number];
export const FAULTS = ['not done', 'done, and then the process ends', 'done, and reported as failed'] as const;
export type FaultKind = (typeof FAULTS)[number];

export interface FaultyStore {
  readonly store: LogStore;
  /** Every checkpoint that the log signed and wanted recorded. */
  readonly signed: string[];
  /** Answers when the fault happened. */
  readonly happened: Promise<void>;
}

/**
 * @param nth the fault comes at this call of the step, counted from 1.
 * @param dies whether everything after the fault fails, too, as after the end of a process or of a disk.
 */
export function faulty(real: LogStore, step: Step, kind: FaultKind, nth: number, dies: boolean): FaultyStore {
  const signed: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  let calls = 0;
  let dead: Error | undefined;
  const guarded = async <T>(at: Step | undefined, run: () => Promise<T>): Promise<T> => {
    if (dead) throw dead;
    if (at !== step || ++calls !== nth) return run();
    const fault = new Error(`the step ${step} failed: ${kind}`);
    const ends = dies || kind === 'done, and then the process ends';
    try {
      if (kind !== 'not done') await run();
    } finally {
      if (ends) dead = fault;
      resolve();
    }
    throw fault;
  };
  const store: LogStore = {
    id: () => real.id(),
    sequence: (entries) => guarded('sequence', () => real.sequence(entries)),
    size: () => guarded(undefined, () => real.size()),
    entries: (from, to) => guarded(undefined, () => real.entries(from, to)),
    publish: (size, note) => guarded('publish', () => real.publish(size, note)),
    published: () => guarded(undefined, () => real.published()),
    tiles: {
      keepsEntries: real.tiles.keepsEntries,
      put: (tiles) => guarded('tiles', () => real.tiles.put(tiles)),
      get: (path) => guarded(undefined, () => real.tiles.get(path)),
    },
    record: {
      newest: () => guarded(undefined, () => real.record.newest()),
      add: (previous, next) =>
        guarded('record', () => {
          signed.push(next.note);
          return real.record.add(previous, next);
        }),
      failure: () => dead,
      close: () => real.record.close(),
    },
    lead: () => guarded(undefined, () => real.lead()),
    watch: (changed) => real.watch(changed),
    freeze: () => real.freeze(),
    frozen: () => real.frozen(),
    failure: () => dead ?? real.failure(),
    close: () => real.close(),
  };
  return { store, signed, happened: promise };
}
