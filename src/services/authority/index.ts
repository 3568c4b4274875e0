export { type CertificateLog, type Precertificate, promisingLog } from './certificate-log.ts';
export type { CiMapping } from './ci-mappings.ts';
export { type AuthorityOptions, type CertificateAuthority, type CertificateRequest, createCertificateAuthority, type IssuingKey } from './issue.ts';
export { defineIssuer, type IssuerKind, type IssuerRule, type IssuerSettings, type KeySet } from './issuer.ts';
export { IssuerKeys } from './issuer-keys.ts';
export { type RateLimit, Rates } from './rates.ts';
export type { Issuance, Ledger, UsedTokens } from './records.ts';
export { authorityRoutes } from './routes.ts';
