/** The body of a request, counted while it arrives: neither one nor all of them together may fill the memory, and none may take its time. */
import type { IncomingMessage } from 'node:http';
import { SealwardError } from '../../core/errors.ts';
import type { Deadline } from './deadline.ts';

/** Bytes of bodies that are held at one time. */
export class BodyBudget {
  readonly #maxBytes: number;
  #held = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get held(): number {
    return this.#held;
  }

  /** Throws ERR_TOO_LARGE, ERR_DEADLINE, ERR_SERVICE_UNAVAILABLE, and ERR_REQUEST_INVALID for one that ends early. Whoever reads it gives it back. */
  read(request: IncomingMessage, maxBytes: number, deadline: Deadline): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let size = 0;
      let forget = (): void => undefined;
      const end = (): void => {
        request.off('data', take).off('end', whole).off('close', early).off('error', early);
        forget();
      };
      const fail = (error: SealwardError): void => {
        end();
        this.release(size);
        reject(error);
      };
      const take = (chunk: Buffer): void => {
        size += chunk.length;
        this.#held += chunk.length;
        if (size > maxBytes) fail(new SealwardError('ERR_TOO_LARGE', `the body is larger than ${maxBytes} bytes`));
        else if (this.#held > this.#maxBytes) fail(new SealwardError('ERR_SERVICE_UNAVAILABLE', 'too many reviews are being sent at one time'));
        else chunks.push(chunk);
      };
      const whole = (): void => {
        end();
        resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size));
      };
      const early = (): void => fail(new SealwardError('ERR_REQUEST_INVALID', 'the body ended before it was whole'));
      const slow = (): void => fail(new SealwardError('ERR_DEADLINE', 'the body of the request did not arrive in time'));
      // A length that is too large is refused before a byte of it is read; a length that lies is found out by counting.
      if (Number(request.headers['content-length'] ?? 0) > maxBytes)
        return fail(new SealwardError('ERR_TOO_LARGE', `the body is larger than ${maxBytes} bytes`));
      request.on('data', take).on('end', whole).on('close', early).on('error', early);
      forget = deadline.onExpiry(slow);
    });
  }

  release(bytes: number): void {
    this.#held -= bytes;
  }
}
