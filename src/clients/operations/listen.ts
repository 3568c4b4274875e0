/** Where a service listens is what somebody wrote: an address that cannot be had is their mistake, and no bug. */
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { SealwardError } from '../../core/errors.ts';

export interface Address {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** @returns the port. Throws ERR_ADDRESS_UNUSABLE. */
export async function listen(server: Server, { host, port }: Address): Promise<number> {
  try {
    await once(server.listen(port, host), 'listening');
  } catch (cause) {
    const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    throw new SealwardError('ERR_ADDRESS_UNUSABLE', `nothing can listen at ${place}: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
  return (server.address() as AddressInfo).port;
}
