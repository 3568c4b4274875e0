export { type CheckedContent, checkContent } from './check-content.ts';
export type { Wanted } from './fit.ts';
export { gather, type GatherOptions, type GatherStep } from './gather.ts';
export { inParallel } from './in-parallel.ts';
export { signImage, type SignedImage, type SignImageOptions } from './sign.ts';
export { type ImageVerification, resolveOnce, verifyBlob, type VerifyBlobOptions, verifyImage, type VerifyImageOptions, type VerifyOptions } from './verify.ts';
