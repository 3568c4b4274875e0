/** Checkpoints that others have to see before anybody is shown them. */
import type { HttpClient } from '../../clients/http/index.ts';
import { askWitnesses, type Witnesses } from '../../clients/witness/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { LogPolicy } from '../../core/tlog/index.ts';
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
  readonly asked?: (answer: Witnesses) => void;
}

const PATIENCE_MS = 2000;

export function cosigning({ http, policy, required, patience = PATIENCE_MS, asked }: WitnessSettings): NonNullable<IntegratorOptions['cosign']> {
  const seen = new Map<string, bigint>();
  return async (note, proof) => {
    const answer = await askWitnesses({ http, policy, envelope: note, prove: proof, seen, deadline: http.clock.now() + patience });
    asked?.(answer);
    if (required && !answer.met) {
      const why = [...answer.refused].map(([name, { message }]) => `${name}: ${message}`).join('; ');
      throw new SealwardError('ERR_SERVICE_UNAVAILABLE', `too few witnesses cosigned the checkpoint${why === '' ? '' : ` (${why})`}`);
    }
    return answer.envelope;
  };
}
