/** Certificates in files that somebody else renews, such as cert-manager: read again and again, taken when key and certificate belong together. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SealwardError } from '../../../core/errors.ts';
import { certificateOf, type IssuedCertificate } from './issue.ts';
import type { CertificateSource } from './source.ts';

export class FileCertificates implements CertificateSource {
  readonly #paths: { readonly certificates: string; readonly key: string };
  #current: IssuedCertificate | undefined;

  constructor(paths: { readonly certificates: string; readonly key: string }) {
    this.#paths = paths;
  }

  current(): IssuedCertificate {
    if (!this.#current) throw new SealwardError('ERR_CERTIFICATE_INVALID', 'the webhook has no certificate yet');
    return this.#current;
  }

  notAfter(): number {
    return this.#current ? certificateOf(this.#current).notAfter : 0;
  }

  /** While the two files are being written they may belong to different keys; then it is tried again later. */
  async tick(_now: number): Promise<boolean> {
    const read = { cert: readText(this.#paths.certificates, 'the certificate'), key: readText(this.#paths.key, 'the key') };
    if (this.#current?.cert === read.cert && this.#current.key === read.key) return false;
    certificateOf(read);
    let fits: boolean;
    try {
      fits = new X509Certificate(read.cert).checkPrivateKey(createPrivateKey(read.key));
    } catch {
      // Without the cause: OpenSSL's message may be about the secret bytes.
      throw new SealwardError('ERR_KEY_INVALID', `the key in ${this.#paths.key} cannot be read`);
    }
    if (!fits)
      throw new SealwardError('ERR_CERTIFICATE_INVALID', `the key in ${this.#paths.key} is not that of the certificate in ${this.#paths.certificates}`);
    this.#current = read;
    return true;
  }
}

export function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new SealwardError('ERR_FILE_UNREADABLE', `${what} in ${path} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
}
