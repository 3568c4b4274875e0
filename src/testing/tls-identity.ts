/** Certificates for TLS servers and clients in tests. */
import { isIPv4 } from 'node:net';
import { encodePem, utf8 } from '../core/encoding/index.ts';
import { certifyAuthority, extension, keyIdentifiers, signCertificate, type TestCertificate } from './certificate-authority.ts';
import { bitString, commonName, implicit, objectIdentifier, sequence } from './der.ts';
import { createTestKey } from './test-key.ts';

export interface TlsIdentity {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
  /** The authority by which the certificate is to be trusted, PEM. */
  readonly ca: string;
}

export interface TlsAuthority {
  readonly ca: string;
  /** @param names host names and IPv4 addresses. */
  issue(...names: readonly string[]): TlsIdentity;
  /** One that ended an hour ago. */
  issueExpired(...names: readonly string[]): TlsIdentity;
}

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;
const PURPOSES = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']; // serverAuth, clientAuth

/** An authority whose certificates are good for servers and for clients, from yesterday until tomorrow. */
export function createTlsAuthority(name = 'sealward tls'): TlsAuthority {
  const validity = { notBefore: Date.now() - DAY, notAfter: Date.now() + DAY };
  const root = certifyAuthority(name, validity, createTestKey());
  const ca = encodePem('CERTIFICATE', root.der);
  return {
    ca,
    issue: (...names) => issueTo(root, name, validity, names, ca),
    issueExpired: (...names) => issueTo(root, name, { ...validity, notAfter: Date.now() - HOUR }, names, ca),
  };
}

function issueTo(
  root: TestCertificate,
  issuerName: string,
  validity: { notBefore: number; notAfter: number },
  names: readonly string[],
  ca: string,
): TlsIdentity {
  const key = createTestKey();
  const alternatives = names.map((host) => (isIPv4(host) ? implicit(7, Uint8Array.from(host.split('.'), Number)) : implicit(2, utf8(host))));
  const der = signCertificate({
    ...validity,
    subject: commonName(names[0] ?? ''),
    issuer: commonName(issuerName),
    key,
    issuerKey: root.key,
    extensions: [
      extension('2.5.29.15', bitString(Uint8Array.of(0x80), 7), true), // digitalSignature
      extension('2.5.29.37', sequence(...PURPOSES.map(objectIdentifier))),
      extension('2.5.29.17', sequence(...alternatives)),
      ...keyIdentifiers(key, root.key),
    ],
  });
  return { key: key.privateKey.export({ format: 'pem', type: 'pkcs8' }), cert: encodePem('CERTIFICATE', der), ca };
}
