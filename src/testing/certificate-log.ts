/** A certificate log (RFC 6962): it promises to take in every certificate that it is shown, and never publishes one. */
import { sha256 } from '../core/crypto/index.ts';
import { concatBytes } from '../core/encoding/index.ts';
import { createTestKey, type TestKey } from './test-key.ts';

export interface TestCertificateLog {
  readonly key: TestKey;
  readonly logId: Uint8Array;
  readonly url: string;
  /** A SignedCertificateTimestamp over a certificate without its timestamps; the issuer is named by its key. */
  timestamp(tbs: Uint8Array, issuerSpki: Uint8Array): Uint8Array;
}

export function createTestCertificateLog({ now, url = 'https://ct.sealward.test' }: { now: () => number; url?: string }): TestCertificateLog {
  const key = createTestKey('ecdsa-p256');
  const logId = sha256(key.publicKey.spki);
  return {
    key,
    logId,
    url,
    timestamp(tbs, issuerSpki) {
      const at = new Uint8Array(8);
      new DataView(at.buffer).setBigUint64(0, BigInt(now()));
      const noExtensions = Uint8Array.of(0, 0);
      const length = Uint8Array.of(tbs.length >> 16, (tbs.length >> 8) & 0xff, tbs.length & 0xff);
      // Section 3.2: version 1, certificate_timestamp, the time, precert_entry.
      const signed = concatBytes(Uint8Array.of(0, 0), at, Uint8Array.of(0, 1), sha256(issuerSpki), length, tbs, noExtensions);
      const signature = key.sign(signed);
      // RFC 5246 section 7.4.1.4.1: SHA-256 is 4, ECDSA is 3.
      return concatBytes(Uint8Array.of(0), logId, at, noExtensions, Uint8Array.of(4, 3, signature.length >> 8, signature.length & 0xff), signature);
    },
  };
}
