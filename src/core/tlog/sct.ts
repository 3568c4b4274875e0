/** Signed certificate timestamps (RFC 6962 sections 3.2 and 3.3): a certificate log's promise, embedded in the certificate. */
import { algorithmByName, type Certificate, EXTENSION, HASH_BYTES, type PublicKey, sha256, tbsWithoutExtension, verifySignature } from '../crypto/index.ts';
import { allocateBytes, concatBytes, derOctets, encodeOctetString, equalBytes, parseDer } from '../encoding/index.ts';
import { logFormatError, readFormat, type Refusal, refusal } from './log-format.ts';

export interface Sct {
  /** SHA-256 of the public key of the log. */
  readonly logId: Uint8Array;
  /** Milliseconds since 1970. */
  readonly timestamp: bigint;
  /** Opaque to everybody but the log, and signed. */
  readonly extensions: Uint8Array;
  /** Codes of RFC 5246 section 7.4.1.4.1. */
  readonly hashAlgorithm: number;
  readonly signatureAlgorithm: number;
  readonly signature: Uint8Array;
}

/** More than any certificate carries; each costs a signature to verify. */
const MAX_SCTS = 32;
const VERSION_1 = 0;
const TLS_SHA256 = 4;
const TLS_RSA = 1;
const TLS_ECDSA = 3;

/** A cursor over TLS structures (RFC 5246 section 4): every length is checked against what is there. */
class TlsReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  done(): boolean {
    return this.#at === this.#bytes.length;
  }
  take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw logFormatError('a certificate timestamp is truncated');
    const out = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return out;
  }
  uint(length: number): bigint {
    return this.take(length).reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);
  }
  /** opaque <0..2^16-1> */
  vector(): Uint8Array {
    return this.take(Number(this.uint(2)));
  }
  end(): void {
    if (!this.done()) throw logFormatError('there are bytes after a certificate timestamp');
  }
}

/**
 * The timestamps of a certificate, from the value of its extension 1.3.6.1.4.1.11129.2.4.2. Those of versions that do
 * not exist yet are passed over, as section 3.3 provides. Throws ERR_LOG_FORMAT.
 */
export function parseSctList(extensionValue: Uint8Array): Sct[] {
  return readFormat('the list of certificate timestamps', () => {
    const outer = new TlsReader(derOctets(parseDer(extensionValue), 'the list of certificate timestamps'));
    const list = new TlsReader(outer.vector());
    outer.end();
    if (list.done()) throw logFormatError('the list of certificate timestamps is empty');
    const scts: Sct[] = [];
    for (let count = 1; !list.done(); count++) {
      if (count > MAX_SCTS) throw logFormatError(`the certificate carries more than ${MAX_SCTS} timestamps`);
      const sct = readSct(new TlsReader(list.vector()));
      if (sct) scts.push(sct);
    }
    return scts;
  });
}

function readSct(reader: TlsReader): Sct | undefined {
  if (Number(reader.uint(1)) !== VERSION_1) return undefined;
  const sct: Sct = {
    logId: reader.take(32),
    timestamp: reader.uint(8),
    extensions: reader.vector(),
    hashAlgorithm: Number(reader.uint(1)),
    signatureAlgorithm: Number(reader.uint(1)),
    signature: reader.vector(),
  };
  reader.end();
  return sct;
}

/** What the log signed for: the TBSCertificate without the list of timestamps, every length rebuilt (section 3.2). */
export function precertificateTbs(certificate: Certificate): Uint8Array {
  return tbsWithoutExtension(certificate, EXTENSION.certificateTimestamps);
}

/** A log of certificates that somebody trusts, as a trusted root describes it. */
export interface CertificateLog {
  readonly logId: Uint8Array;
  readonly key: PublicKey;
}

/** Whether the log promised to include this certificate of this issuer. Never throws. */
export function verifySct(
  sct: Sct,
  leaf: Certificate,
  issuer: Pick<Certificate, 'spki'>,
  log: CertificateLog,
): { readonly ok: true; readonly time: bigint } | Refusal {
  if (!equalBytes(sct.logId, log.logId)) return refusal('SCT_INVALID', 'the certificate timestamp is of another log');
  // Section 2.1.4: logs sign with ECDSA over P-256 or with RSA, and SHA-256.
  const [kind, keyDetails] = sct.signatureAlgorithm === TLS_RSA ? (['rsa', 'PKIX_RSA_PKCS1V5'] as const) : (['ec', 'PKIX_ECDSA_P256_SHA_256'] as const);
  const stated = sct.hashAlgorithm === TLS_SHA256 && (sct.signatureAlgorithm === TLS_RSA || sct.signatureAlgorithm === TLS_ECDSA);
  const algorithm = algorithmByName(keyDetails);
  if (!stated || !algorithm || log.key.kind !== kind)
    return refusal('SCT_INVALID', 'the certificate timestamp is signed with an algorithm that the log does not use');
  const bytes = sctSignedBytes(sct, precertificateTbs(leaf), sha256(issuer.spki));
  if (!verifySignature(log.key, algorithm, { bytes }, sct.signature))
    return refusal('SCT_INVALID', 'the log did not sign the certificate timestamp for this certificate');
  return { ok: true, time: sct.timestamp };
}

/** What a log signs: section 3.2, digitally-signed struct of a precert_entry. */
export function sctSignedBytes(sct: Pick<Sct, 'timestamp' | 'extensions'>, tbs: Uint8Array, issuerKeyHash: Uint8Array): Uint8Array {
  const out = allocateBytes(1 + 1 + 8 + 2 + HASH_BYTES.sha256 + 3 + tbs.length + 2 + sct.extensions.length);
  const view = new DataView(out.buffer, out.byteOffset);
  view.setUint16(0, 0); // Version v1, SignatureType certificate_timestamp
  view.setBigUint64(2, sct.timestamp);
  view.setUint16(10, 1); // LogEntryType precert_entry
  out.set(issuerKeyHash, 12);
  view.setUint8(44, tbs.length >> 16);
  view.setUint16(45, tbs.length & 0xffff);
  out.set(tbs, 47);
  view.setUint16(47 + tbs.length, sct.extensions.length);
  out.set(sct.extensions, 49 + tbs.length);
  return out;
}

/** SignedCertificateTimestamp of version 1, under ECDSA with SHA-256. */
export function encodeSct({ logId, timestamp, extensions, signature }: Pick<Sct, 'logId' | 'timestamp' | 'extensions' | 'signature'>): Uint8Array {
  const time = allocateBytes(8);
  new DataView(time.buffer, time.byteOffset).setBigUint64(0, timestamp);
  return concatBytes(Uint8Array.of(VERSION_1), logId, time, vector(extensions), Uint8Array.of(TLS_SHA256, TLS_ECDSA), vector(signature));
}

/** The value of the extension 1.3.6.1.4.1.11129.2.4.2 that holds these. */
export function encodeSctList(scts: readonly Uint8Array[]): Uint8Array {
  return encodeOctetString(vector(concatBytes(...scts.map(vector))));
}

function vector(bytes: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes);
}
