/** Every durable step of the log, broken in every way: what was answered stands, and no two checkpoints contradict each other. */
import { describe, it } from 'node:test';
import { breakAndMend } from '../../../test/log-crashes.ts';
import { FAULTS, STEPS } from '../../../test/log-faults.ts';
import { newFolder } from '../../../test/logs.ts';
import { inFolder } from './folder-store.ts';

describe('a step that fails', () => {
  for (const step of STEPS) {
    for (const kind of FAULTS) {
      for (const dies of kind === FAULTS[1] ? [true] : [true, false]) {
        it(`${step}: ${kind}${dies ? ', and nothing works after it' : ', and then all works again'}`, async (t) => {
          for (const nth of step === 'tiles' ? [1, 2] : [1, 3]) await breakAndMend(inFolder(newFolder(t)), { step, kind, nth, dies, entries: 600 });
        });
      }
    }
  }
});
