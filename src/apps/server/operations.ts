/** For whoever runs the server: is it alive, may it get requests, what does it count, what does it hold. */
import { jsonAnswer, type ServiceAnswer, type ServiceRoute } from '../../core/contract/index.ts';
import type { ServerMetrics } from '../../services/api/index.ts';
import type { ServerState } from '../../services/store/index.ts';
import type { Part } from './context.ts';

export interface Operations {
  readonly parts: readonly Part[];
  readonly state: ServerState;
  readonly metrics: ServerMetrics;
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly started: number;
}

export function operationsRoutes({ parts, state, metrics, version, started }: Operations): ServiceRoute[] {
  const get = (path: string, answer: () => Promise<ServiceAnswer>): ServiceRoute => ({ method: 'GET', path, maxBytes: 0, answer });
  const problems = (): string[] => {
    const failure = state.failure();
    return [
      ...(failure ? [`state: ${failure.message}`] : []),
      ...parts.flatMap(({ name, problem }) => {
        const why = problem();
        return why === undefined ? [] : [`${name}: ${why}`];
      }),
    ];
  };
  return [
    get('/healthz', async () => jsonAnswer({ alive: true })),
    get('/readyz', async () => {
      const found = problems();
      return jsonAnswer({ ready: found.length === 0, problems: found }, found.length === 0 ? 200 : 503);
    }),
    get('/metrics', async () => ({ status: 200, headers: { 'content-type': metrics.contentType }, body: await metrics.text() })),
    get('/status', async () =>
      jsonAnswer({
        version,
        started: new Date(started).toISOString(),
        problems: problems(),
        requests: await state.outcomes(),
        parts: Object.fromEntries(parts.map(({ name, describe }) => [name, describe()])),
      }),
    ),
  ];
}
