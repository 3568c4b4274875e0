/**
 * A TCP proxy that makes a registry far away, as a process of its own: HOST:PORT of the registry and MILLISECONDS are its
 * arguments. It counts the HTTP requests that pass.
 *
 * The model: every chunk arrives MILLISECONDS after it was sent, in order, in both directions, with no limit to the
 * bandwidth, so a question and its answer take one round trip of 2 * MILLISECONDS. Accepting a connection on loopback
 * takes no time, so the handshake is made up for: what a client sends first counts as sent one round trip after it
 * connected, as it would when SYN and SYN-ACK had to travel.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { serve } from './server-process.ts';

const [target = '', delayText = '0'] = process.argv.slice(2);
const [host = '', port = ''] = target.split(':');
const delay = Number(delayText);

/** In the order of sending; timers of one length fire in their order. */
class Line {
  readonly #to: Socket;
  readonly #openAt: number;

  constructor(to: Socket, openAt: number) {
    this.#to = to;
    this.#openAt = openAt;
  }
  carry(deliver: (to: Socket) => void): void {
    const wait = Math.max(0, this.#openAt - performance.now()) + delay;
    setTimeout(() => deliver(this.#to), wait);
  }
}

const REQUEST = /^[A-Z]{3,7} \/\S* HTTP\/1\.1\r$/gm;
let requests = 0;

const proxy = createServer({ noDelay: true }, (client) => {
  const server = connect({ host, port: Number(port), noDelay: true });
  const there = new Line(server, performance.now() + 2 * delay);
  const back = new Line(client, 0);
  client.on('data', (chunk) => {
    // A request starts with its chunk, because clients of HTTP/1.1 wait for the answer before.
    requests += chunk.toString('latin1').match(REQUEST)?.length ?? 0;
    there.carry((to) => to.write(chunk));
  });
  server.on('data', (chunk) => back.carry((to) => to.write(chunk)));
  client.on('end', () => there.carry((to) => to.end()));
  server.on('end', () => back.carry((to) => to.end()));
  client.on('error', () => server.destroy());
  server.on('error', () => client.destroy());
});
proxy.listen(0, '127.0.0.1', () => serve(`127.0.0.1:${(proxy.address() as AddressInfo).port}`, () => requests));
