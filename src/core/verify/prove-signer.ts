/** Whose key made the signature: one that is trusted by itself, or one in a certificate that a trusted authority issued. */
import type { SignedEntity } from '../bundle/index.ts';
import { algorithmsFor, type PublicKey, type SignedMessage, verifySignature } from '../crypto/index.ts';
import { decodeHex, encodeBase64 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import type { Anchors, KeyAnchor } from '../trust/index.ts';
import type { Subject } from './evidence.ts';
import type { Finding, SignerFact } from './facts.ts';
import type { Edges, ProofMemory } from './proof-memory.ts';
import { proveCertificate } from './prove-certificate.ts';

export function proveSigners(
  entity: SignedEntity,
  subject: Subject,
  anchors: Anchors,
  memory: ProofMemory,
  edges: Edges,
  findings: Finding[],
  broken: Finding[],
): SignerFact[] {
  return entity.certificate
    ? certifiedSigner(entity, entity.certificate, subject, anchors, memory, edges, findings, broken)
    : bareSigners(entity, subject, anchors, edges, findings, broken);
}

/** The key is the certificate's: nobody else's is tried, so a signature cannot borrow a certificate. */
function certifiedSigner(
  entity: SignedEntity,
  certificate: NonNullable<SignedEntity['certificate']>,
  subject: Subject,
  anchors: Anchors,
  memory: ProofMemory,
  edges: Edges,
  findings: Finding[],
  broken: Finding[],
): SignerFact[] {
  let key: PublicKey;
  try {
    key = certificate.leaf.publicKey;
  } catch (error) {
    if (!(error instanceof SealwardError)) throw error;
    findings.push({ code: 'ALGORITHM_REFUSED', detail: error.message });
    return [];
  }
  const algorithm = verifyingAlgorithm(entity, subject, key, edges);
  if (algorithm === null) {
    broken.push({ code: 'SIGNATURE_INVALID', detail: 'it does not verify with the key of its certificate' });
    return [];
  }
  const anchor = anchors.keys.find((candidate) => candidate.key.fingerprint === key.fingerprint);
  const { leaf, intermediates } = certificate;
  return [
    { ...describe(key, algorithm), ...(anchor ? { anchor: anchor.id } : {}), certificate: proveCertificate(leaf, intermediates, anchors, memory, edges) },
  ];
}

/** Keys come from whoever asks, never from the evidence; the hint only says which to try first. */
function bareSigners(entity: SignedEntity, subject: Subject, anchors: Anchors, edges: Edges, findings: Finding[], broken: Finding[]): SignerFact[] {
  const hinted = anchors.keys.filter(({ key }) => isHintOf(entity.keyHint, key));
  for (const anchor of [...hinted, ...anchors.keys.filter((other) => !hinted.includes(other))]) {
    const algorithm = verifyingAlgorithm(entity, subject, anchor.key, edges);
    if (algorithm !== null) return [{ ...describe(anchor.key, algorithm), anchor: anchor.id }];
  }
  if (anchors.keys.length === 0) return [];
  if (hinted.length > 0 || entity.keyHint === undefined) broken.push({ code: 'SIGNATURE_INVALID', detail: `it does not verify with ${names(anchors.keys)}` });
  else findings.push({ code: 'KEY_MISMATCH', detail: `it names the key ${entity.keyHint.slice(0, 80)}, and does not verify with ${names(anchors.keys)}` });
  return [];
}

function names(keys: readonly KeyAnchor[]): string {
  return keys.map(({ name }) => name).join(' or ');
}

/** cosign writes the base64 of the SHA-256 of the SPKI, others its hexadecimal. Nothing authenticates either. */
function isHintOf(hint: string | undefined, key: PublicKey): boolean {
  return hint !== undefined && (hint === key.fingerprint || hint === encodeBase64(decodeHex(key.fingerprint)));
}

/** The first algorithm of the key's own list with which the signature verifies, by id; what the evidence says of algorithms is not asked. */
function verifyingAlgorithm(entity: SignedEntity, subject: Subject, key: PublicKey, edges: Edges): string | null {
  return edges.recall('signature', key.fingerprint, () => {
    for (const algorithm of algorithmsFor(key)) {
      const message = messageFor(entity, subject, algorithm.hash);
      if (message && verifySignature(key, algorithm, message, entity.signature)) return algorithm.id;
    }
    return null;
  });
}

function describe({ fingerprint, kind, curve, bits, variant }: PublicKey, algorithm: string): SignerFact {
  return { key: fingerprint, kind, ...(curve ? { curve } : {}), ...(bits === undefined ? {} : { bits }), ...(variant ? { variant } : {}), algorithm };
}

function messageFor(entity: SignedEntity, subject: Subject, hash: 'sha256' | 'sha384' | 'sha512' | undefined): SignedMessage | undefined {
  if (entity.message.kind === 'bytes') return { bytes: entity.message.bytes };
  if (subject.bytes) return { bytes: subject.bytes };
  const hex = hash && subject.digests[hash];
  return hash && hex ? { digest: decodeHex(hex), hash } : undefined;
}
