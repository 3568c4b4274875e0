/** Where the certificate of the server comes from, and by which paths callers prove themselves; looked at again and again. */
import type { ServerCertificate } from '../serve.ts';

export interface CertificateSource {
  /** Throws when there is none yet. */
  current(): Omit<ServerCertificate, 'clientAuthorities'>;
  /** When it ends, in milliseconds since 1970. */
  notAfter(): number;
  /** What is due now. @returns whether `current` is another one. Throws what went wrong; `current` is as it was then. */
  tick(now: number): Promise<boolean>;
  /** Of an authority of its own: the paths that count. */
  secrets?(): readonly string[];
}

/** Tells the API server whom to believe. Does nothing when it knows; throws when it cannot be told. */
export interface BundlePublisher {
  /** @param bundle PEM. @param secret the path below which the webhook is to be called, where paths are secrets. */
  publish(bundle: string, secret: string): Promise<void>;
}
