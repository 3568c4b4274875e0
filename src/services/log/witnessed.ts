/** Checkpoints that others have to see before anybody is shown them. */
import type { HttpClient } from '../../clients/http/index.ts';
import { askWitnesses } from '../../clients/witness/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { type LogPolicy, parseCheckpoint, parseNote } from '../../core/tlog/index.ts';
import type { IntegratorOptions } from './integrator.ts';

export interface WitnessSettings {
  readonly http: HttpClient;
  /** Who is asked, and how many of them it takes (C2SP tlog-policy). */
  readonly policy: LogPolicy;
  /** Whether a checkpoint without its quorum is held back; entries wait for it then. */
  readonly required: boolean;
  /** Milliseconds for all of them together. */
  readonly patience?: number;
  /** Told of each round, for whoever watches how the witnesses do. */
  readonly asked?: (round: WitnessRound) => void;
}

/** What the witnesses said about one checkpoint. */
export interface WitnessRound {
  readonly size: bigint;
  /** Whether it was as many as the policy wants. */
  readonly met: boolean;
  readonly cosigned: readonly string[];
  /** Why the others did not, by their names in the policy. */
  readonly refused: ReadonlyMap<string, SealwardError>;
}

const PATIENCE_MS = 2000;
/** One that is slow or gone costs each entry so much more, and no more. */
const LINGER_MS = 100;

export function cosigning({ http, policy, required, patience = PATIENCE_MS, asked }: WitnessSettings): NonNullable<IntegratorOptions['cosign']> {
  const [seen, busy] = [new Map<string, bigint>(), new Set<string>()];
  let rolledBack: SealwardError | undefined;
  const late = (error: SealwardError): void => {
    if (error.code === 'ERR_LOG_ROLLED_BACK') rolledBack = error;
  };
  return async (note, prove) => {
    if (rolledBack) throw rolledBack;
    const answer = await askWitnesses({ http, policy, envelope: note, prove, seen, busy, deadline: http.clock.now() + patience, linger: LINGER_MS, late });
    asked?.({ ...answer, size: parseCheckpoint(parseNote(note)).size });
    if (required && !answer.met) {
      const why = [...answer.refused].map(([name, { message }]) => `${name}: ${message}`).join('; ');
      throw new SealwardError('ERR_SERVICE_UNAVAILABLE', `too few witnesses cosigned the checkpoint${why === '' ? '' : ` (${why})`}`);
    }
    return answer.envelope;
  };
}
