/** The port to a certificate log (RFC 6962), and the smallest that stands behind it: one that signs what it is shown. */
import type { Signer } from '../../clients/signers/index.ts';
import { type Certificate, type PublicKey, sha256 } from '../../core/crypto/index.ts';
import { encodeSct, sctSignedBytes } from '../../core/tlog/index.ts';

export interface Precertificate {
  /** The certificate as it will be, without its timestamps and without poison: what the log's promise is about. */
  readonly tbs: Uint8Array;
  /** The same with poison, signed by the issuer: what logs keep. */
  readonly der: Uint8Array;
  /** The issuer and those above it. */
  readonly chain: readonly Certificate[];
}

export interface CertificateLog {
  readonly logId: Uint8Array;
  readonly key: PublicKey;
  /** A SignedCertificateTimestamp in its TLS form, once the log will not lose the entry. */
  addPrecertificate(precertificate: Precertificate): Promise<Uint8Array>;
}

const NONE = new Uint8Array();

/**
 * Promises with a key of ECDSA P-256 (RFC 6962 section 2.1.4); what it promised is kept by `store` before the promise leaves.
 * @param now milliseconds since 1970.
 */
export function promisingLog(signer: Signer, now: () => number, store: (precertificate: Precertificate, at: number) => Promise<void>): CertificateLog {
  const key = signer.publicKey();
  const logId = sha256(key.spki);
  return {
    logId,
    key,
    async addPrecertificate(precertificate) {
      const timestamp = BigInt(now());
      await store(precertificate, Number(timestamp));
      const issuer = precertificate.chain[0] as Certificate;
      const signature = await signer.sign(sctSignedBytes({ timestamp, extensions: NONE }, precertificate.tbs, sha256(issuer.spki)));
      return encodeSct({ logId, timestamp, extensions: NONE, signature });
    },
  };
}
