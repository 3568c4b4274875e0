/** Each decision as a file of its own, as `sealward verify --record` writes them: several pulls are judged at once, by processes that do not know each other. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from '../../clients/files/index.ts';
import { digestOf } from '../../core/artifact/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { encodeDecision } from '../../core/verify/index.ts';
import type { JudgedName } from '../../sdk/agent/index.ts';

export interface RecordsSettings {
  readonly folder: string;
  /** About how many files stay; the oldest go. */
  readonly most: number;
}

/** The folder is read once for so many records in it: somebody waits for each pull, and a hundredth more of them is nothing. */
const PRUNED_ONCE_IN = 0.01;
const NAME = /^\d{13}-[0-9a-f]{12}-[0-9a-f]{8}\.json$/;

/** Nothing is kept of what was not decided. Throws ERR_DECISION_UNKEPT. @param random from 0 to 1. */
export function keepRecord({ folder, most }: RecordsSettings, judged: JudgedName, random: () => number = Math.random): void {
  const { decision, request, evidence, known, inForce } = judged;
  if (!decision || !request || evidence === undefined || !inForce) return;
  const bytes = encodeDecision(decision, { evidence, ...(known === undefined ? {} : { known }), policies: inForce.policies, trust: inForce.trust, request });
  const now = String(Math.floor(request.now)).padStart(13, '0');
  const name = `${now}-${request.digest.slice(request.digest.indexOf(':') + 1).slice(0, 12)}-${digestOf(bytes).hex.slice(0, 8)}.json`;
  try {
    writeDurably(join(folder, name), bytes);
    if (random() * most * PRUNED_ONCE_IN > 1) return;
    const kept = readdirSync(folder)
      .filter((one) => NAME.test(one))
      .sort();
    for (const old of kept.slice(0, Math.max(0, kept.length - most))) rmSync(join(folder, old), { force: true });
  } catch (cause) {
    throw new SealwardError('ERR_DECISION_UNKEPT', `the decision cannot be recorded in ${folder}: ${String((cause as NodeJS.ErrnoException).code ?? cause)}`, {
      cause,
    });
  }
}
