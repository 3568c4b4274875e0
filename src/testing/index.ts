export { type ClusterOptions, type ClusterRequest, ClusterServer } from './cluster/server.ts';
export type { ClusterUser } from './cluster/users.ts';
export type { WebhookCall } from './cluster/webhooks.ts';
export type { Fault } from './faults.ts';
export { FixedClock } from './fixed-clock.ts';
export { type Gate, gate } from './gate.ts';
export {
  type BuiltArtifact,
  type BuiltBlob,
  buildImage,
  buildIndex,
  buildReferrer,
  type ImageOptions,
  pushArtifact,
  type ReferrerOptions,
} from './image-builder.ts';
export { type JournalEntry, MemoryRegistry, type MemoryRegistryOptions } from './memory-registry.ts';
export type { RegistryAuth } from './token-server.ts';
export { writeTar } from './tar.ts';
export { authorityInstance, createTestSigstore, logInstance, TEST_NOW, type TestSigstore, type TestSigstoreOptions } from './authority.ts';
export {
  certifyAuthority,
  createTestAuthority,
  type IssueOptions,
  TEST_IDENTITY,
  type TestAuthority,
  type TestCertificate,
  type TestIdentity,
} from './certificate-authority.ts';
export { createTestCertificateLog, type TestCertificateLog } from './certificate-log.ts';
export type { BundleOptions, SealOptions, SimpleSigningOptions, StatementOptions, TestDocument, TestSigner } from './signed-documents.ts';
export { createTestKey, type TestKey } from './test-key.ts';
export { createTestTimestampAuthority, type TestTimestampAuthority, type TimestampOptions } from './timestamp-authority.ts';
export { createTestRekorV1, createTestRekorV2, type LogRequest, type TestLog } from './transparency-log.ts';
export { createTlsAuthority, type TlsAuthority, type TlsIdentity } from './tls-identity.ts';
export { createTestTokenIssuer, type TestTokenIssuer, type TokenIssuerOptions, type TokenOptions } from './token-issuer.ts';
