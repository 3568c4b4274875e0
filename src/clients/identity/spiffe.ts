/**
 * A JWT-SVID of the SPIFFE Workload API: one call of gRPC over a Unix socket. Its two messages are small enough to be
 * written and read by hand (FetchJWTSVID: workload.proto of the SPIFFE standard).
 */
import { connect as connectSession, type IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';
import { LIMITS, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import type { IdentityContext } from './context.ts';

const PATH = '/SpiffeWorkloadAPI/FetchJWTSVID';
const FRAME_BYTES = 5;
const WAIT_MS = 30_000;

export async function spiffeToken({ environment, audience, http, deadline }: IdentityContext): Promise<string> {
  const address = environment['SPIFFE_ENDPOINT_SOCKET'] ?? '';
  const path = address.startsWith('unix:') ? address.slice('unix:'.length).replace(/^\/\/(?=\/)/, '') : '';
  if (!path.startsWith('/')) throw new SealwardError('ERR_TOKEN_MISSING', 'SPIFFE_ENDPOINT_SOCKET is not unix:///PATH');
  // JWTSVIDRequest: audience = 1.
  const answer = await call(path, frame(field(1, utf8(audience))), Math.min(WAIT_MS, Math.max(1, deadline - http.clock.now())));
  // JWTSVIDResponse: svids = 1; JWTSVID: svid = 2.
  const svid = first(answer, 1);
  const token = svid && first(svid, 2);
  if (!token) throw new SealwardError('ERR_TOKEN_MISSING', 'the SPIFFE Workload API gave no JWT-SVID');
  return new TextDecoder().decode(token);
}

function call(path: string, body: Uint8Array, milliseconds: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const session = connectSession('http://localhost', { createConnection: () => connect(path) });
    const fail = (why: string): void => end(() => reject(new SealwardError('ERR_SERVICE_UNAVAILABLE', `the SPIFFE Workload API ${why}`)));
    const timer = setTimeout(() => fail('does not answer'), milliseconds);
    const end = (then: () => void): void => {
      clearTimeout(timer);
      session.destroy();
      then();
    };
    session.on('error', (error: Error) => fail(`cannot be reached: ${error.message}`));
    // The header keeps browsers, and whoever is tricked into a request, away from the socket.
    const stream = session.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc', te: 'trailers', 'workload.spiffe.io': 'true' });
    const chunks: Buffer[] = [];
    let [length, status] = [0, ''];
    const note = ({ 'grpc-status': said }: IncomingHttpHeaders): void => void (status = typeof said === 'string' ? said : status);
    stream.on('response', note).on('trailers', note);
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > LIMITS.tokenBodyBytes) fail('answers with too much');
      else chunks.push(chunk);
    });
    stream.on('error', (error: Error) => fail(`failed: ${error.message}`));
    stream.on('end', () => {
      const bytes = Buffer.concat(chunks);
      if (status !== '0' || bytes.length < FRAME_BYTES) fail(`refuses (status ${status || 'unknown'})`);
      else end(() => resolve(new Uint8Array(bytes.subarray(FRAME_BYTES, FRAME_BYTES + bytes.readUInt32BE(1)))));
    });
    stream.end(body);
  });
}

/** gRPC's frame: not compressed, the length, the message. */
function frame(message: Uint8Array): Uint8Array {
  const head = Buffer.alloc(FRAME_BYTES);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function field(number: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >> 7)];
}

/** The first length-delimited field of this number; others are passed over. */
function first(message: Uint8Array, number: number): Uint8Array | undefined {
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const octet = message[at++];
      if (octet === undefined) return -1;
      value += (octet & 0x7f) * 2 ** shift;
      if (octet < 0x80) return value;
    }
    return -1;
  };
  while (at < message.length) {
    const key = next();
    const type = key & 7;
    if (key < 0 || (type !== 2 && type !== 0)) return undefined;
    const value = next();
    if (value < 0) return undefined;
    if (type === 0) continue;
    if (at + value > message.length) return undefined;
    if (key >> 3 === number) return message.subarray(at, at + value);
    at += value;
  }
  return undefined;
}
