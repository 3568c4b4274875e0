/** What a server reads from the disk at its start: secrets, certificates, keys. */
import { readFileSync } from 'node:fs';
import { KEY_FILE_LABEL, type KeyOptions, openKeyFile, openSigner, type OpenedSigner } from '../../clients/signers/index.ts';
import { type Certificate, parseCertificatesPem } from '../../core/crypto/index.ts';
import { SealwardError } from '../../core/errors.ts';

const LARGEST = 1024 * 1024;

export function readText(path: string, what: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length <= LARGEST) return text;
  } catch (cause) {
    throw new SealwardError('ERR_FILE_UNREADABLE', `${what} ${path} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
  throw new SealwardError('ERR_TOO_LARGE', `${what} ${path} is larger than ${LARGEST} bytes`);
}

/** One line; the newline at its end is not part of it. */
export function readSecret(path: string, what: string): string {
  const secret = readText(path, what).replace(/\r?\n$/, '');
  if (secret === '') throw new SealwardError('ERR_FILE_UNREADABLE', `${what} ${path} is empty`);
  return secret;
}

export function readChain(path: string, what: string): Certificate[] {
  return parseCertificatesPem(readText(path, what), `${what} ${path}`);
}

/** A server asks nobody: what is wrong with a password is wrong in a file. */
function saysWhere(error: unknown): never {
  if (!(error instanceof SealwardError) || error.code !== 'ERR_KEY_PASSWORD') throw error;
  throw new SealwardError(error.code, error.message, {
    cause: error,
    hint: 'Put the right password into the file that keyPasswordFile names; for a token, pin-source in its URI.',
  });
}

/** Keys of one server, opened with one password and closed together. */
export class Keys {
  readonly #options: KeyOptions;
  readonly #opening = new Map<string, Promise<OpenedSigner>>();

  constructor(options: KeyOptions, passwordFile: string | undefined) {
    const secret: NonNullable<KeyOptions['secret']> = async ({ kind, of }) => {
      if (kind === 'password' && passwordFile !== undefined) return readSecret(passwordFile, 'the password of the keys');
      throw new SealwardError('ERR_KEY_PASSWORD', `${of} needs a ${kind}, and a server asks nobody`);
    };
    this.#options = { ...options, secret };
  }

  /** Passwords are slow to try on purpose; all keys are tried side by side. */
  begin(references: readonly string[]): void {
    // Whoever asks for one hears why it does not open.
    for (const reference of references) void this.open(reference).catch(() => undefined);
  }

  open(reference: string): Promise<OpenedSigner> {
    const opening = this.#opening.get(reference) ?? openSigner(reference, this.#options).catch(saysWhere);
    this.#opening.set(reference, opening);
    return opening;
  }

  /** The private key for TLS in PEM: one of our key files, or any that Node reads. */
  async tlsKey(path: string): Promise<string> {
    const text = readText(path, 'the key for TLS');
    if (!text.includes(KEY_FILE_LABEL)) return text;
    const password = (await this.#options.secret?.({ kind: 'password', of: path })) ?? '';
    return (await openKeyFile(text, password, `the key for TLS ${path}`)).export({ format: 'pem', type: 'pkcs8' });
  }

  async close(): Promise<void> {
    for (const opened of await Promise.allSettled(this.#opening.values())) if (opened.status === 'fulfilled') await opened.value.close();
  }
}
