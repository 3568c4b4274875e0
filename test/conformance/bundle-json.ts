/** A bundle's JSON as the accepted cases have it, free to be changed. Optional members may be null, as proto3 JSON allows. */
export interface ProofJson {
  logIndex: string;
  rootHash: string;
  treeSize: string;
  hashes: string[];
  checkpoint?: { envelope: string };
}

export interface EntryJson {
  logIndex: string;
  logId: { keyId: string };
  kindVersion: { kind: string; version: string };
  integratedTime?: string | null;
  inclusionPromise?: { signedEntryTimestamp: string } | null;
  inclusionProof?: ProofJson | null;
  canonicalizedBody: string;
}

export interface CertificateJson {
  rawBytes: string;
}

export interface MaterialJson {
  publicKey?: { hint?: string } | null;
  certificate?: CertificateJson | null;
  x509CertificateChain?: { certificates: CertificateJson[] } | null;
  tlogEntries: EntryJson[];
  timestampVerificationData?: { rfc3161Timestamps?: { signedTimestamp: string }[] } | null;
}

export interface BundleJson {
  mediaType: string;
  verificationMaterial: MaterialJson;
  messageSignature?: { messageDigest: { algorithm: string; digest: string }; signature: string } | null;
  dsseEnvelope?: { payload: string; payloadType: string; signatures: { sig: string; keyid?: string }[] } | null;
}

export function parseBundleJson(text: string): BundleJson {
  return JSON.parse(text) as BundleJson;
}
