import { lookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { SealwardError } from '../../core/errors.ts';
import { quoted } from '../../core/artifact/index.ts';
import { isPublicAddress } from './address-rules.ts';

export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** A host name to its addresses. The connection goes to one of these, so what was checked is what is used. */
export type Resolver = (host: string) => Promise<readonly ResolvedAddress[]>;

export const systemResolver: Resolver = async (host) => {
  const found = await lookup(host, { all: true, order: 'verbatim' });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
};

export function refuseAddress(host: string, address: string): never {
  const place = host === address ? 'which' : `which resolves to ${address} and`;
  throw new SealwardError('ERR_CONTENT_REFUSED', `the registry sends us to ${quoted(host)}, ${place} is not a public address`, {
    hint: 'If that host belongs to the registry, name it as a private host of the registry in the configuration.',
  });
}

/** One forbidden address among several is enough to refuse: which one would be used is not ours to bet on. */
export function refuseForbidden(host: string, found: readonly ResolvedAddress[]): void {
  const bad = found.find(({ address }) => !isPublicAddress(address));
  if (bad) refuseAddress(host, bad.address);
}

/**
 * The `lookup` of a socket: the addresses are resolved and checked here, and the socket connects to these very
 * addresses. A name that changes its address between check and use (DNS rebinding) gains nothing.
 */
export function socketLookup(resolver: Resolver, publicOnly: boolean): LookupFunction {
  return (host, options, callback) => {
    resolver(host).then(
      (found) => {
        try {
          if (publicOnly) refuseForbidden(host, found);
        } catch (error) {
          return callback(error as Error, '', 0);
        }
        const usable = options.family === 4 || options.family === 6 ? found.filter(({ family }) => family === options.family) : found;
        const first = usable[0];
        if (!first) return callback(Object.assign(new Error(`no address for ${host}`), { code: 'ENOTFOUND' }), '', 0);
        return options.all ? callback(null, [...usable]) : callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error as NodeJS.ErrnoException, '', 0),
    );
  };
}
