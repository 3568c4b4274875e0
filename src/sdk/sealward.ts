/**
 * What `import ... from 'sealward'` gives: signing, attesting, verifying and copying, for programs. Importing it reads no
 * file, asks no environment and starts nothing. What cannot be done throws SealwardError with a code; what was looked at
 * and is not good is a value. docs/how-to/sdk.md shows it at work.
 */
export { explicitCredentials, dockerConfig, openRegistry } from '../clients/registry/index.ts';
export type { Credentials, CredentialSource, Registry, RegistryClientOptions } from '../clients/registry/index.ts';
export { HttpClient } from '../clients/http/index.ts';
export { createKeyPairFiles, openPublicKey, openSigner } from '../clients/signers/index.ts';
export type { KeyOptions, OpenedSigner, Signer } from '../clients/signers/index.ts';
export { formatDigest, formatReference, parseReference } from '../core/artifact/index.ts';
export type { Descriptor, Digest, Reference, RepositoryName } from '../core/artifact/index.ts';
export { predicateTypeOf } from '../core/bundle/index.ts';
export type { KeyKind, PublicKey } from '../core/crypto/index.ts';
export { SealwardError } from '../core/errors.ts';
export type { ErrorCode, ErrorFamily, FindingCode } from '../core/errors.ts';
export type { Anchors } from '../core/trust/index.ts';
export { compilePattern } from '../core/verify/index.ts';
export type { FlagCandidate as Candidate, FlagDecision as Decision, FlagRequirement as Requirement, Matcher, Outcome } from '../core/verify/index.ts';
export { attestBlob, type AttestBlobOptions, type AttestedImage, attestImage, type AttestImageOptions, signBlob, subjectOf } from './attest.ts';
export { type Copied, copyImage, type CopyOptions } from './copy.ts';
export type { Published } from './publish.ts';
export { type ResignedImage, resignImage } from './resign.ts';
export type { Annotations } from './seal.ts';
export { type PublishOptions, type SignatureFormat, signImage, type SignedImage, type SignImageOptions } from './sign.ts';
export { type ImageVerification, verifyBlob, type VerifyBlobOptions, verifyImage, type VerifyImageOptions } from './verify.ts';
export { type AskOptions, byIdentity, byKey, type IdentityOptions, trust, type TrustOptions } from './trust.ts';
