/** Certificates for tests: those of the vectors, and ones made to measure. */
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { type Certificate, parseCertificate } from '../src/core/crypto/index.ts';
import { extension, keyIdentifiers, signCertificate, type Validity } from '../src/testing/certificate-authority.ts';
import { bitString, boolean, commonName, integer, objectIdentifier, sequence } from '../src/testing/der.ts';
import { createTestKey, type TestKey } from '../src/testing/test-key.ts';
import { vectorsPath } from './vectors.ts';

export const DAY = 24 * 60 * 60 * 1000;
/** 2025-06-01 */
export const NOW: number = Date.UTC(2025, 5, 1);

/** Every certificate that stands in the bundles and trusted roots of the vectors, each once, in DER. */
export function vectorCertificates(): Uint8Array[] {
  const found = new Map<string, Uint8Array>();
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, member] of Object.entries(value)) {
      if (key === 'rawBytes' && typeof member === 'string' && isCertificate(member)) {
        found.set(member, new Uint8Array(Buffer.from(member, 'base64')));
      } else look(member);
    }
  };
  for (const folder of readdirSync(vectorsPath('sigstore-conformance'), { withFileTypes: true })) {
    if (!folder.isDirectory()) continue;
    for (const file of readdirSync(vectorsPath('sigstore-conformance', folder.name))) look(readJson(vectorsPath('sigstore-conformance', folder.name, file)));
  }
  look(readJson(vectorsPath('trusted_root.public-good.json')));
  return [...found.values()];
}

/** Under rawBytes stand keys too; OpenSSL tells them apart, so that the parser under test does not choose its own cases. */
function isCertificate(base64: string): boolean {
  try {
    return new X509Certificate(Buffer.from(base64, 'base64')).raw.length > 0;
  } catch {
    return false;
  }
}

function readJson(path: string): unknown {
  try {
    return path.endsWith('.json') ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
  } catch {
    return undefined; // one of the vectors is malformed on purpose
  }
}

export interface Certified {
  readonly certificate: Certificate;
  readonly key: TestKey;
}

export interface CertifyOptions extends Partial<Validity> {
  readonly above?: Certified;
  readonly key?: TestKey;
  /** Undefined makes it no authority. */
  readonly ca?: { readonly pathLength?: number };
  /** Whole Extensions in DER, after those that the other options make. */
  readonly extensions?: readonly Uint8Array[];
  /** The bits of the key usage; the usual ones when not said, no such extension when null. */
  readonly keyUsage?: number | null;
}

/** A certificate, self-signed when nobody stands above. */
export function certify(name: string, options: CertifyOptions = {}): Certified {
  const { above, key = createTestKey(), ca, extensions = [] } = options;
  const issuerKey = above?.key ?? key;
  const usage = options.keyUsage === undefined ? (ca ? 0x06 : 0x80) : options.keyUsage;
  const der = signCertificate({
    subject: commonName(name),
    issuer: above?.certificate.subject ?? commonName(name),
    notBefore: options.notBefore ?? NOW - DAY,
    notAfter: options.notAfter ?? NOW + DAY,
    key,
    issuerKey,
    extensions: [
      ...(usage === null ? [] : [extension('2.5.29.15', bitString(Uint8Array.of(usage)), true)]),
      ...(ca ? [extension('2.5.29.19', sequence(boolean(true), ...(ca.pathLength === undefined ? [] : [integer(ca.pathLength)])), true)] : []),
      ...keyIdentifiers(key, issuerKey),
      ...extensions,
    ],
  });
  return { certificate: parseCertificate(der), key };
}

export function extendedKeyUsage(critical: boolean, ...oids: readonly string[]): Uint8Array {
  return extension('2.5.29.37', sequence(...oids.map(objectIdentifier)), critical);
}

/** The SubjectAlternativeName extension over GeneralNames in DER. */
export function alternativeNames(...names: readonly Uint8Array[]): Uint8Array {
  return extension('2.5.29.17', sequence(...names), true);
}
