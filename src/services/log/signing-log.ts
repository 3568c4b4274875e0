/** The log of signatures: Rekor v2's interface over a log. */
import type { ServiceRoute } from '../../core/contract/index.ts';
import { LIMITS } from '../../core/encoding/index.ts';
import { createEntryReader } from './entry-reader.ts';
import type { RequestRules } from './entry-request.ts';
import { type LogOptions, type OpenedLog, openLog } from './open-log.ts';
import { transparencyLogEntry } from './rekor-answer.ts';
import { tileRoutes } from './tile-routes.ts';

export interface SigningLogOptions extends LogOptions, Partial<RequestRules> {
  /** Threads that verify signatures; 0 verifies where requests are served. */
  readonly threads?: number;
}

export interface SigningLog extends OpenedLog {
  /** A CreateEntryRequest to a TransparencyLogEntry, both as JSON. */
  submit(request: Uint8Array): Promise<string>;
  readonly routes: readonly ServiceRoute[];
}

export async function openSigningLog(options: SigningLogOptions): Promise<SigningLog> {
  const { threads = 1, envelopesAs = 'hashedrekord' } = options;
  const log = await openLog(options);
  const reader = createEntryReader({ envelopesAs }, threads);
  const submit = async (request: Uint8Array): Promise<string> => {
    const entry = await reader.read(request);
    return transparencyLogEntry(entry, await log.add(entry), log.logId);
  };
  return {
    ...log,
    submit,
    routes: [writeRoute(submit), ...tileRoutes(log.tiles, ['', '/api/v2'])],
    async close() {
      await log.close();
      await reader.close();
    },
  };
}

function writeRoute(submit: SigningLog['submit']): ServiceRoute {
  return {
    method: 'POST',
    path: '/api/v2/log/entries',
    accepts: ['application/json'],
    maxBytes: LIMITS.logEnvelopeRequestBytes,
    // 201 also for what is there already: clients cannot do anything with another answer (sigstore-go takes no other).
    answer: async ({ body }) => ({ status: 201, headers: { 'content-type': 'application/json', 'cache-control': 'no-store' }, body: await submit(body) }),
  };
}
