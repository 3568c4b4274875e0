export { type AttestBlobOptions, attestBlob, attestImage, type AttestedImage, type AttestImageOptions, signBlob } from './attest.ts';
export { type CheckedContent, checkContent } from './check-content.ts';
export { type Copied, copyImage, type CopyOptions } from './copy.ts';
export {
  connectToAuthority,
  type Endorser,
  type EndorserOptions,
  endorserFor,
  type KeylessOptions,
  servicesOf,
  signKeyless,
  type SigningServices,
} from './endorse.ts';
export type { Wanted } from './fit.ts';
export type { GatherOptions, GatherStep } from './gather.ts';
export { type GatheredEvidence, gatherEvidence } from './gather-evidence.ts';
export { heldRegistry } from './held-registry.ts';
export { inParallel } from './in-parallel.ts';
export { type ResignedImage, resignImage } from './resign.ts';
export { type RunningImage, runningImages } from './running-images.ts';
export { ARTIFACT_PREFIX, openTrust, type OpenTrustOptions, pushTrustArtifact } from './open-trust.ts';
export { type JudgedImage, judgeEvidence, judgeImage, type JudgeOptions, trustOf } from './judge.ts';
export { outcomeOfError } from './outcome-of-error.ts';
export type { Published } from './publish.ts';
export type { Annotations, Sealed } from './seal.ts';
export { describeImage, type PublishOptions, type SignatureFormat, signImage, type SignedImage, type SignImageOptions } from './sign.ts';
export { byKey, trust } from './trust.ts';
export { type ImageVerification, resolveOnce, verifyBlob, type VerifyBlobOptions, verifyImage, type VerifyImageOptions, type VerifyOptions } from './verify.ts';
