/** What the two blob commands share: a signature from files, judged over a file. */
import { documentKindOfFile, parseDetachedSignature, type SignedEntity } from '../../../core/bundle/index.ts';
import { fingerprintOf, parseCertificatesPem } from '../../../core/crypto/index.ts';
import { decodeBase64, decodeUtf8, LIMITS, parseJsonObject } from '../../../core/encoding/index.ts';
import { SealwardError } from '../../../core/errors.ts';
import type { FlagRequirement, Subject } from '../../../core/verify/index.ts';
import { type VerifyBlobOptions, verifyBlob } from '../../../sdk/index.ts';
import { anchorsOf } from '../anchors.ts';
import { readBytes } from '../file.ts';
import type { FlagValues } from '../flag.ts';
import type { Invocation } from '../invocation.ts';
import { describeRequirement, type QuestionValues, requirementOf } from '../question.ts';
import type { Verified } from '../report.ts';
import type { blobFlags, explainFlags } from '../table/trust-flags.ts';
import { visible } from '../visible.ts';
import { printResults } from './verify-images.ts';

type Evidence = VerifyBlobOptions['evidence'];
type BlobValues = Partial<FlagValues<typeof blobFlags>>;

export type BlobInvocation = Omit<Invocation, 'flags'> & { readonly flags: QuestionValues & BlobValues & FlagValues<typeof explainFlags> };

export async function judgeBlob(invocation: BlobInvocation, role: FlagRequirement['role'], name: string, subject: () => Subject): Promise<Verified> {
  const { flags } = invocation;
  const requirement = await requirementOf(flags, role);
  const evidence = evidenceOf(flags, role);
  const anchors = await anchorsOf(invocation, requirement);
  const about = subject();
  const decision = verifyBlob({ subject: about, evidence, anchors, requirement });
  const [hash, hex] = Object.entries(about.digests)[0] ?? ['', ''];
  const result: Verified = { name, requirement, digest: `${hash}:${hex}`, decision, outcome: decision.outcome, code: decision.code };
  printResults([result], invocation, describeRequirement(requirement, flags.key.join(' or ')), flags.explain);
  return result;
}

function evidenceOf(flags: BlobValues, role: FlagRequirement['role']): Evidence {
  const { bundle, signature } = flags;
  if (bundle !== undefined && signature !== undefined)
    throw new SealwardError('ERR_FLAG_CONFLICT', '--bundle and --signature contradict each other', { hint: 'Give one of them.' });
  const path = bundle ?? (role === 'attestation' ? signature : undefined);
  if (path !== undefined) return documentFrom(path);
  if (signature === undefined) throw new SealwardError('ERR_FLAG_CONFLICT', 'nothing says where the signature is', { hint: 'Give --bundle FILE.' });
  return detached(signature, flags);
}

function documentFrom(path: string): Evidence {
  const bytes = readBytes(path, LIMITS.attestationBytes, 'the bundle');
  const kind = documentKindOfFile(bytes);
  if (kind === undefined || kind === 'simple-signing') {
    throw new SealwardError('ERR_BUNDLE_INVALID', `${visible(path)} is neither a Sigstore bundle nor a DSSE envelope`, {
      hint: 'A bare signature is given with --signature; see what a file is with `sealward inspect FILE`.',
    });
  }
  return { source: { kind, annotations: {} }, bytes };
}

/** A bare signature, and what was written beside it. */
function detached(signature: string, { certificate, 'rfc3161-timestamp': timestamp }: BlobValues): Evidence {
  const bytes = signatureBytes(signature);
  const [leaf, ...intermediates] =
    certificate === undefined ? [] : parseCertificatesPem(certificateText(certificate), `the certificate ${visible(certificate)}`);
  const entity: SignedEntity = {
    format: 'detached',
    message: { kind: 'artifact' },
    claim: { kind: 'artifact' },
    signature: bytes,
    ...(leaf ? { certificate: { leaf, intermediates } } : {}),
    logEntries: [],
    timestamps: timestamp === undefined ? [] : [timestampBytes(timestamp)],
    timestamped: bytes,
    proofRequired: false,
  };
  return { entity, digest: `sha256:${fingerprintOf(bytes)}` };
}

/** The flag holds a path, or as in cosign the signature itself in base64. */
function signatureBytes(flag: string): Uint8Array {
  try {
    return parseDetachedSignature(readBytes(flag, LIMITS.bundleBytes, 'the signature'));
  } catch (error) {
    if (flag.length >= 64 && /^[A-Za-z0-9+/]+={0,2}$/.test(flag)) return decodeBase64(flag, 'the signature');
    throw error;
  }
}

/** cosign writes the PEM of a blob's certificate in base64 once more. */
function certificateText(path: string): string {
  const text = decodeUtf8(readBytes(path, LIMITS.documentBytes, 'the certificate'), `the certificate ${visible(path)}`);
  return text.includes('-----BEGIN') ? text : decodeUtf8(decodeBase64(text.trim(), `the certificate ${visible(path)}`), `the certificate ${visible(path)}`);
}

/** The token in DER, or cosign's JSON around it. */
function timestampBytes(path: string): Uint8Array {
  const bytes = readBytes(path, LIMITS.bundleBytes, 'the timestamp');
  if (bytes[0] !== 0x7b) return bytes;
  const token = parseJsonObject(bytes, { what: `the timestamp ${visible(path)}`, maxBytes: LIMITS.bundleBytes }).SignedRFC3161Timestamp;
  if (typeof token !== 'string') throw new SealwardError('ERR_BUNDLE_INVALID', `${visible(path)} holds no SignedRFC3161Timestamp`);
  return decodeBase64(token, `the timestamp ${visible(path)}`);
}
