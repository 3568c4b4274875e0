/** What every part of a server is opened with, and what it gives. */
import type { Logger } from 'pino';
import type { ServiceRoute } from '../../core/contract/index.ts';
import type { SealwardError } from '../../core/errors.ts';
import type { ControlLog } from '../../services/log/index.ts';
import type { ServerMetrics } from '../../services/api/index.ts';
import type { ServerState } from '../../services/store/index.ts';
import type { ServerConfig } from './config.ts';
import type { Keys } from './files.ts';

export interface ServerContext {
  readonly config: ServerConfig;
  readonly state: ServerState;
  readonly keys: Keys;
  readonly metrics: ServerMetrics;
  readonly logger: Logger;
  /** The clock by which is certified and dated; refuses when it cannot be believed. */
  readonly clock: { now(): number };
  /** The clock of this machine, in milliseconds since 1970. */
  readonly now: () => number;
  /** Where it is written down what was done. */
  readonly control?: ControlLog;
  /** Called when a part cannot go on, and the process must end and be looked at. */
  readonly failed: (error: SealwardError) => void;
}

/** One role that this process plays. */
export interface Part {
  readonly name: string;
  /** Why it cannot do its work now, in a sentence; undefined while it can. */
  readonly problem: () => string | undefined;
  /** For `server status`; nothing secret. */
  readonly describe: () => Readonly<Record<string, unknown>>;
  /** Does what cannot be taken back, when all parts are open: whatever keeps the server from starting changes nothing before. */
  readonly begin?: () => Promise<void>;
  /** Writes down that it has begun, when all have. */
  readonly begun?: () => Promise<void>;
  readonly close?: () => Promise<void>;
}

export interface OpenedPart {
  readonly part: Part;
  readonly routes: readonly ServiceRoute[];
}

/** Of a certificate, what an operator asks about it. */
export function certificateWords({
  subjectText,
  notBefore,
  notAfter,
}: {
  readonly subjectText: string;
  readonly notBefore: number;
  readonly notAfter: number;
}): {
  readonly subject: string;
  readonly from: string;
  readonly to: string;
} {
  return { subject: subjectText, from: new Date(notBefore).toISOString(), to: new Date(notAfter).toISOString() };
}
