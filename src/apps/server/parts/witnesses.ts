/** Outside witnesses of a log of this server: who is asked, what they said last, and whether too few of them did. */
import { HttpClient } from '../../../clients/http/index.ts';
import { utf8 } from '../../../core/encoding/index.ts';
import { parseLogPolicy } from '../../../core/tlog/index.ts';
import type { WitnessRound, WitnessSettings } from '../../../services/log/index.ts';
import type { LogPlace } from '../config.ts';
import type { ServerContext } from '../context.ts';
import { readText } from '../files.ts';

export interface AskedWitnesses {
  /** For whoever opens the log; empty without witnesses. */
  readonly options: { readonly witnesses?: WitnessSettings };
  /** Why nothing new is shown; undefined while enough of them cosign, or nobody insists on it. */
  readonly problem: () => string | undefined;
  readonly describe: () => Readonly<Record<string, unknown>>;
  readonly close: () => void;
}

/** @param name of the log, for the metrics: `log`, `certificate_log`. Throws ERR_LOG_FORMAT for a policy that is none. */
export function askedWitnesses(name: string, { witnesses }: LogPlace, { logger, metrics }: Pick<ServerContext, 'logger' | 'metrics'>): AskedWitnesses {
  if (!witnesses) return { options: {}, problem: () => undefined, describe: () => ({}), close: () => undefined };
  const policy = parseLogPolicy(utf8(readText(witnesses.policy, 'the policy of witnesses')));
  const http = new HttpClient(witnesses.trusted === undefined ? {} : { tls: { ca: [readText(witnesses.trusted, 'the authorities of witnesses')] } });
  let last: WitnessRound | undefined;
  const asked = (round: WitnessRound): void => {
    if (last?.met !== round.met) {
      const refused = Object.fromEntries([...round.refused].map(([witness, { message }]) => [witness, message]));
      logger[round.met ? 'info' : 'warn']({ log: name, refused }, round.met ? 'enough witnesses cosign' : 'too few witnesses cosign');
    }
    last = round;
  };
  metrics.gauge(`sealward_${name}_witnesses`, 'Witnesses that cosigned the newest checkpoint', () => last?.cosigned.length ?? 0);
  metrics.gauge(`sealward_${name}_witnesses_met`, 'Whether these are as many as the policy wants', () => (last?.met === false ? 0 : 1));
  return {
    options: { witnesses: { http, policy, required: witnesses.required, patience: witnesses.patienceMs, asked } },
    problem: () => (witnesses.required && last?.met === false ? `too few witnesses cosign: ${reasons(last)}` : undefined),
    describe: () => ({ witnesses: Object.fromEntries([...policy.witnesses.keys()].map((witness) => [witness, standing(witness, last)])) }),
    close: () => http.close(),
  };
}

function reasons({ refused }: WitnessRound): string {
  return [...refused.values()].map(({ message }) => message).join('; ');
}

function standing(witness: string, last: WitnessRound | undefined): string {
  if (last?.cosigned.includes(witness)) return `cosigned ${last.size} entries`;
  return last?.refused.get(witness)?.message ?? 'not asked yet';
}
