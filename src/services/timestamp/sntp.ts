/** A time source over SNTP (RFC 4330, RFC 5905 section 14): one datagram there, one back. It is not authenticated, so several are asked. */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { SealwardError } from '../../core/errors.ts';
import type { SourceAnswer, TimeSource } from './clock-guard.ts';

/** Seconds between 1900, where NTP counts from, and 1970. */
const EPOCH_SECONDS = 2_208_988_800;
const PACKET_BYTES = 48;
const CLIENT = 0x23; // version 4, mode 3
const WAIT_MS = 2_000;

export function sntpSource(host: string, port = 123, wall: () => number = Date.now): TimeSource {
  return { name: host, ask: (signal) => ask(host, port, wall, signal) };
}

function ask(host: string, port: number, wall: () => number, signal: AbortSignal): Promise<SourceAnswer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    const cookie = randomBytes(8);
    const packet = Buffer.alloc(PACKET_BYTES);
    packet[0] = CLIENT;
    // What is sent as our time comes back as the originate time: a number that nobody else knows keeps strangers' answers out.
    cookie.copy(packet, 40);
    const sent = wall();
    const timer = setTimeout(() => end(new SealwardError('ERR_SERVICE_UNAVAILABLE', `${host} does not answer`)), WAIT_MS);
    const onAbort = (): void => end(new SealwardError('ERR_INTERRUPTED', 'the question was given up'));
    signal.addEventListener('abort', onAbort);
    const end = (outcome: SourceAnswer | Error): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.close();
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    };
    socket.once('error', end);
    socket.on('message', (answer) => {
      if (answer.length < PACKET_BYTES || !answer.subarray(24, 32).equals(cookie)) return;
      end(readAnswer(host, answer, sent, wall()));
    });
    socket.send(packet, port, host);
  });
}

function readAnswer(host: string, answer: Buffer, sent: number, received: number): SourceAnswer | Error {
  const [leap, mode, stratum] = [(answer[0] as number) >> 6, (answer[0] as number) & 7, answer[1] as number];
  if (mode !== 4 || leap === 3 || stratum === 0 || stratum > 15) return new SealwardError('ERR_SERVICE_UNAVAILABLE', `${host} has no time to give`);
  const [arrived, left] = [timeAt(answer, 32), timeAt(answer, 40)];
  return { aheadMs: (arrived - sent + (left - received)) / 2, withinMs: Math.abs(received - sent - (left - arrived)) / 2 };
}

function timeAt(packet: Buffer, at: number): number {
  return (packet.readUInt32BE(at) - EPOCH_SECONDS) * 1000 + (packet.readUInt32BE(at + 4) * 1000) / 2 ** 32;
}
