/** A wire to a TLS server that can be cut, held up or led elsewhere, at any byte: what HTTP faults cannot show. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { FixedClock } from '../../src/testing/index.ts';

export type WireFault =
  /** Nobody listens where the name leads. */
  | { readonly kind: 'refuse' }
  /** The connection is reset after so many bytes from the server. */
  | { readonly kind: 'reset'; readonly at: number }
  /** After so many bytes from the server its side ends, as if that were all: of TLS, without the word that says so. */
  | { readonly kind: 'cut'; readonly at: number }
  /** After so many bytes from the server nothing comes any more, and the connection stays. */
  | { readonly kind: 'stall'; readonly at: number }
  /** One byte a second, of the clock's. */
  | { readonly kind: 'trickle'; readonly clock: FixedClock }
  /** What answers speaks no TLS. */
  | { readonly kind: 'no TLS' }
  /** Another server answers, on this port. */
  | { readonly kind: 'elsewhere'; readonly port: number };

export class Wire {
  fault: WireFault | undefined;
  /** Connections that were made. */
  connections = 0;
  readonly #server: Server;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #stalled = Promise.withResolvers<void>();

  /** @param port of the TLS server on 127.0.0.1. */
  constructor(port: number) {
    this.#port = port;
    this.#server = createServer((client) => this.#lead(client));
  }

  static async start(port: number): Promise<Wire> {
    const wire = new Wire(port);
    await once(wire.#server.listen(0, '127.0.0.1'), 'listening');
    return wire;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Where every name leads. */
  readonly resolve = async (): Promise<{ address: string; family: 4 }[]> => [
    // The port is taken on the first of these, so that nobody can listen on all of them; and nobody uses the second.
    { address: this.fault?.kind === 'refuse' ? '127.0.0.9' : '127.0.0.1', family: 4 },
  ];

  /** Resolves when a connection has come to its stall. */
  get stalled(): Promise<void> {
    return this.#stalled.promise;
  }

  /** From now on; what is connected is cut. */
  break(fault: WireFault | undefined): void {
    this.fault = fault;
    this.#stalled = Promise.withResolvers();
    this.#cut();
  }

  #cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  #lead(client: Socket): void {
    const { fault } = this;
    this.connections++;
    client.on('error', () => {});
    this.#sockets.add(client);
    if (fault?.kind === 'no TLS') return void client.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
    if (fault?.kind === 'reset' && fault.at === 0) return void client.resetAndDestroy();
    const server = connect(fault?.kind === 'elsewhere' ? fault.port : this.#port, '127.0.0.1');
    server.on('error', () => client.destroy());
    server.on('close', () => client.end());
    client.on('close', () => server.destroy());
    client.pipe(server);
    void this.#answers(server, client, fault);
    return undefined;
  }

  async #answers(server: Socket, client: Socket, fault: WireFault | undefined): Promise<void> {
    let sent = 0;
    try {
      for await (const chunk of server as AsyncIterable<Buffer>) {
        if (client.destroyed) return;
        if (fault?.kind === 'trickle') {
          for (const byte of chunk) {
            const lost = await new Promise((flushed) => client.write(Uint8Array.of(byte), flushed));
            if (lost) return;
            fault.clock.advance(1000);
          }
          continue;
        }
        const last = fault?.kind === 'reset' || fault?.kind === 'stall' || fault?.kind === 'cut' ? fault.at - sent : Number.POSITIVE_INFINITY;
        await new Promise((flushed) => client.write(chunk.subarray(0, last), flushed));
        sent += chunk.length;
        if (chunk.length < last) continue;
        if (fault?.kind === 'reset') client.resetAndDestroy();
        if (fault?.kind === 'cut') client.end();
        if (fault?.kind === 'stall') this.#stalled.resolve();
        return void (await once(client, 'close'));
      }
    } catch {
      // One of the two sides is gone.
    }
  }

  async close(): Promise<void> {
    this.#cut();
    await new Promise((closed) => this.#server.close(closed));
  }
}
