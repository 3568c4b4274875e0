/** What a cloud's identity is found with. Nothing in this room reads the environment or the time of the process itself. */
import type { Clock, HostGate, TlsSettings } from '../http/index.ts';

/** One call to a service. */
export interface Call {
  /** Absolute, on the clock of the context. */
  readonly deadline: number;
  readonly signal?: AbortSignal;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export type ReadFile = (path: string, maxBytes: number, what: string) => Uint8Array;

export interface CloudContext {
  /** For whom credentials are looked for, as messages name it. */
  readonly name: string;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly readFile: ReadFile;
  /** Added to what the environment says of TLS. */
  readonly tls: TlsSettings;
  /**
   * Which places are looked at beside those that the environment names: `everywhere`, as the clouds' own tools do on a
   * laptop; `machine`, the metadata service; `named`, none.
   */
  readonly look: 'everywhere' | 'machine' | 'named';
  /** Says when each host may be asked. */
  readonly gate?: HostGate;
}
