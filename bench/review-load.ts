/**
 * A process of its own that asks as an API server does: over kept connections, one review after the other on each. It speaks
 * HTTP by hand, so that it is never what everybody waits for. Told by messages what to send, it answers when all is answered.
 */
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';

export interface Load {
  readonly port: number;
  readonly path: string;
  readonly body: string;
  /** As it stands in the body; each request has another one in its place. */
  readonly uid: string;
  readonly times: number;
  readonly connections: number;
}

export interface LoadAnswer {
  /** Milliseconds of each, in the order in which they ended. */
  readonly took: readonly number[];
  readonly last: string;
}

const open = new Map<number, TLSSocket[]>();

async function connections({ port, connections: count }: Load): Promise<readonly TLSSocket[]> {
  const sockets = open.get(port) ?? [];
  open.set(port, sockets);
  while (sockets.length < count) {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    socket.setNoDelay(true);
    sockets.push(socket);
  }
  return sockets;
}

/** Whole when the head has come and as many bytes behind it as it says. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /content-length: (\d+)/i.exec(text.slice(0, end));
  return text.length - end - 4 >= Number(length?.[1] ?? 0);
}

process.on('message', (load: Load) => void run(load));

async function run(load: Load): Promise<void> {
  const sockets = await connections(load);
  const head = `POST ${load.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(load.body)}\r\n\r\n`;
  const request = Buffer.from(head + load.body);
  const uid = request.indexOf(load.uid);
  const took: number[] = [];
  let left = load.times;
  let last = '';
  const lanes = sockets.map(async (socket) => {
    const mine = Buffer.from(request);
    while (left-- > 0) {
      // No two reviews are the same: whoever answered the bytes and not the question would be found out.
      const asked = crypto.randomUUID();
      mine.write(asked, uid, 'latin1');
      const began = performance.now();
      socket.write(mine);
      let text = '';
      while (!isWhole(text)) text += String((await once(socket, 'data'))[0]);
      took.push(performance.now() - began);
      if (!text.includes(`"uid":"${asked}"`)) throw new Error(`another review was answered: ${text}`);
      last = text;
    }
  });
  await Promise.all(lanes);
  process.send?.({ took, last } satisfies LoadAnswer);
}
