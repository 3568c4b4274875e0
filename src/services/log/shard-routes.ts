/**
 * Several shards of one log behind one listener. Clients take the name of a log from the host name of its URL, so the host that
 * was asked says which shard is read; what comes in goes into the newest one, whoever was asked.
 */
import type { ServiceRequest, ServiceRoute } from '../../core/contract/index.ts';
import { decodeHex } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import { envelopePath } from './control-statement.ts';
import type { SigningLog } from './signing-log.ts';

/** @param active takes entries, and answers for hosts that are no shard's name; @param former are read only. */
export function shardRoutes(active: SigningLog, former: readonly SigningLog[]): ServiceRoute[] {
  const shards = new Map([...former, active].map((log) => [log.origin.toLowerCase(), log]));
  const asked = ({ headers }: ServiceRequest): SigningLog => shards.get(hostOf(headers['host'])) ?? active;
  const read = new Map([...shards.values()].map((log) => [log, new Map(log.routes.map((route) => [`${route.method} ${route.path}`, route]))]));
  const routes = active.routes.map((route): ServiceRoute => {
    if (route.method !== 'GET') return route;
    return { ...route, answer: async (request) => (read.get(asked(request))?.get(`GET ${route.path}`) ?? route).answer(request) };
  });
  return [...routes, envelopeRoute(asked)];
}

/** What the first and the last entry of a shard say: the statements, which their entries hold the digests of. */
function envelopeRoute(asked: (request: ServiceRequest) => SigningLog): ServiceRoute {
  return {
    method: 'GET',
    path: '/envelope/:leaf',
    maxBytes: 0,
    async answer(request) {
      const { leaf = '' } = request.params;
      const body = /^[0-9a-f]{64}$/.test(leaf) ? await asked(request).kept(envelopePath(decodeHex(leaf))) : undefined;
      if (!body) throw new SealwardError('ERR_NOT_FOUND', 'this log keeps no statement with that leaf hash');
      return { status: 200, headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=31536000, immutable' }, body };
    },
  };
}

function hostOf(header: string | undefined): string {
  return (header ?? '')
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\[|\]$/g, '');
}
