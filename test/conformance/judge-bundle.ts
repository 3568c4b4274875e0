/** One question of the sigstore-conformance protocol: does this bundle verify this artifact for this key or identity? */
import { hash, parsePublicKeyPem } from '../../src/core/crypto/index.ts';
import { encodeHex } from '../../src/core/encoding/index.ts';
import { type Anchors, joinAnchors, keyAnchor, parseTrustedRoot } from '../../src/core/trust/index.ts';
import { type FlagDecision, exactly, type ProofMemory, type FlagRequirement, type Subject } from '../../src/core/verify/index.ts';
import { verifyBlob } from '../../src/sdk/index.ts';

export interface BundleQuestion {
  readonly bundle: Uint8Array;
  readonly subject: Subject;
  readonly trustedRoot: Uint8Array;
  /** PEM; key mode. */
  readonly key?: string;
  readonly identity?: string;
  readonly issuer?: string;
  readonly now?: number;
  readonly memory?: ProofMemory;
}

export function subjectOfFile(bytes: Uint8Array): Subject {
  return { bytes, digests: { sha256: encodeHex(hash('sha256', bytes)) } };
}

export function anchorsFor({ trustedRoot, key }: Pick<BundleQuestion, 'trustedRoot' | 'key'>): Anchors {
  const root = parseTrustedRoot(trustedRoot);
  return key === undefined ? root : joinAnchors(root, { keys: [keyAnchor(parsePublicKeyPem(key))] });
}

export function requirementFor({ key, identity = '', issuer = '' }: Pick<BundleQuestion, 'key' | 'identity' | 'issuer'>): FlagRequirement {
  return {
    role: 'any',
    signer: key === undefined ? { kind: 'certificate', identity: exactly(identity), issuer: exactly(issuer) } : { kind: 'key' },
    logs: 1,
    timestamps: 0,
    certificateLog: true,
    undated: 'refuse',
  };
}

/** Throws what parsing trusted root and key throws; a bundle that cannot be read is an answer. */
export function judgeBundle(question: BundleQuestion): FlagDecision {
  return verifyBlob({
    subject: question.subject,
    evidence: { source: { kind: 'bundle', annotations: {} }, bytes: question.bundle },
    anchors: anchorsFor(question),
    requirement: requirementFor(question),
    ...(question.now === undefined ? {} : { now: question.now }),
    ...(question.memory ? { memory: question.memory } : {}),
  });
}
