/** The certificate by which the server answers for its own name, under an authority that is good for nothing else. */
import { bareHost } from '../../clients/http/index.ts';
import type { Certificate, PublicKey } from '../../core/crypto/index.ts';
import { type CertifiedKey, certifyServer, YEAR_MS } from '../../services/keys/index.ts';

const YEARS = 2;

export interface TlsSubject {
  readonly url: string;
  readonly organization: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Further host names. */
  readonly names?: readonly string[];
}

export function certifyTls(authority: CertifiedKey, key: PublicKey, { url, organization, now, names = [] }: TlsSubject): Promise<Certificate> {
  const host = bareHost(new URL(url));
  const hosts = host === 'localhost' ? ['localhost', '127.0.0.1', '::1'] : [host];
  return certifyServer(authority, key, { organization, commonName: host, notBefore: now - 60_000, notAfter: now + YEARS * YEAR_MS }, [
    ...new Set([...hosts, ...names]),
  ]);
}
