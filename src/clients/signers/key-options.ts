/** What openSigner and openPublicKey are given, and what is made of it for one reference. */
import { closeSync, openSync, readSync } from 'node:fs';
import { SealwardError } from '../../core/errors.ts';
import { type Clock, systemClock, type TlsSettings } from '../http/index.ts';
import { printableText } from './key-reference.ts';
import type { Environment, ProviderContext, ReadFile, SecretWanted } from './provider.ts';

export interface KeyOptions {
  /** The variables that providers look at (credentials, addresses, env://). Nothing here reads the process's own. */
  readonly environment?: Environment;
  /** Asked for a password or PIN that neither the reference nor the environment says. */
  readonly secret?: (wanted: SecretWanted) => Promise<string>;
  /** Reads a file within a bound. */
  readonly readFile?: ReadFile;
  /** When everything must be over; absolute, on the clock. */
  readonly deadline?: number;
  /** The longest that one call to whoever keeps the key may take, in milliseconds. */
  readonly callMilliseconds?: number;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  /** Further certificate authorities for key services. */
  readonly tls?: TlsSettings;
  /** Where the words of a plugin go that it has for the user ("touch your token"). */
  readonly say?: (text: string) => void;
}

/** Long enough for a person to touch a token, short enough for a pipeline. */
const CALL_MILLISECONDS = 30_000;

export function contextOf(name: string, options: KeyOptions): ProviderContext {
  const clock = options.clock ?? systemClock;
  const { deadline = Number.POSITIVE_INFINITY, callMilliseconds = CALL_MILLISECONDS, signal } = options;
  return {
    name,
    environment: options.environment ?? {},
    clock,
    readFile: options.readFile ?? readBounded,
    secret: options.secret ?? noSecret,
    call: () => ({ deadline: Math.min(deadline, clock.now() + callMilliseconds), ...(signal ? { signal } : {}) }),
    tls: options.tls ?? {},
    look: 'everywhere',
    say: options.say ?? (() => {}),
  };
}

async function noSecret({ kind, of }: SecretWanted): Promise<string> {
  throw new SealwardError('ERR_KEY_PASSWORD', `${of} needs a ${kind}, and none was given`);
}

function readBounded(path: string, maxBytes: number, what: string): Uint8Array {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const bytes = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length <= maxBytes; length += read) read = readSync(file, bytes, length, bytes.length - length, null);
    if (length > maxBytes) throw new SealwardError('ERR_TOO_LARGE', `${what} ${printableText(path)} is larger than ${maxBytes} bytes`);
    return Uint8Array.from(bytes.subarray(0, length));
  } catch (cause) {
    if (cause instanceof SealwardError) throw cause;
    throw new SealwardError('ERR_FILE_UNREADABLE', `${what} ${printableText(path)} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, {
      cause,
    });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
