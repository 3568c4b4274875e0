/**
 * A small private Sigstore: a certificate authority with its certificate log, a transparency log of each generation and
 * a timestamp authority, all under keys made on the spot, with the trusted root that names them. It signs as the public
 * one does, so that what verifies here must verify with any of Sigstore's clients.
 */
import { STATEMENT_PAYLOAD_TYPE } from '../core/bundle/index.ts';
import { encodeBase64, type JsonObject, utf8 } from '../core/encoding/index.ts';
import { type Anchors, parseTrustedRoot } from '../core/trust/index.ts';
import { createTestAuthority, type IssueOptions, type TestAuthority, type TestCertificate } from './certificate-authority.ts';
import { createTestCertificateLog, type TestCertificateLog } from './certificate-log.ts';
import {
  artifactBundle,
  attestationDocument,
  type BundleOptions,
  envelopeBundle,
  type SealOptions,
  type SimpleSigningOptions,
  simpleSigningDocument,
  statementPayload,
  type StatementOptions,
  type TestDocument,
} from './signed-documents.ts';
import type { TestKey } from './test-key.ts';
import { createTestTimestampAuthority, type TestTimestampAuthority } from './timestamp-authority.ts';
import { createTestRekorV1, createTestRekorV2, type TestLog } from './transparency-log.ts';

export interface TestSigstoreOptions {
  /** The clock of all its parties, in milliseconds since 1970; stands at TEST_NOW when not given. */
  readonly clock?: { now(): number };
  /** Names and URLs of its parties end in it; `sealward.test` when not said. */
  readonly domain?: string;
}

/** 15 January 2026, noon: some moment that every test may rely on. */
export const TEST_NOW: number = Date.UTC(2026, 0, 15, 12);

export interface TestSigstore {
  now(): number;
  readonly certificateLog: TestCertificateLog;
  readonly authority: TestAuthority;
  /** The first generation: promises, checkpoints with ECDSA. */
  readonly rekor: TestLog;
  /** The second: no times of its own, checkpoints with Ed25519. */
  readonly tiles: TestLog;
  readonly timestampAuthority: TestTimestampAuthority;
  readonly trustedRoot: JsonObject;
  readonly anchors: Anchors;
  /** A certificate for an identity, ten minutes from now. */
  issue(options?: IssueOptions): TestCertificate;
  /** A bundle with a signature over the bytes themselves. */
  sign(artifact: Uint8Array, options?: Partial<BundleOptions>): JsonObject;
  /** A bundle with a statement. */
  attest(statement: StatementOptions, options?: Partial<BundleOptions>): JsonObject;
  /** A bundle with an envelope around any payload. */
  envelop(payloadType: string, payload: Uint8Array, options?: Partial<BundleOptions>): JsonObject;
  /** The first generation's signature of an image, as a layer. */
  signImage(claim: SimpleSigningOptions, options?: Partial<SealOptions>): TestDocument;
  /** The first generation's attestation, as a layer. */
  attestImage(statement: StatementOptions, options?: Partial<SealOptions>): TestDocument;
}

export function createTestSigstore({ clock = { now: () => TEST_NOW }, domain = 'sealward.test' }: TestSigstoreOptions = {}): TestSigstore {
  const now = (): number => clock.now();
  const since = now() - 365 * 24 * 60 * 60 * 1000;
  const certificateLog = createTestCertificateLog({ now, url: `https://ct.${domain}` });
  const authority = createTestAuthority({ now, name: domain, certificateLogs: [certificateLog] });
  const rekor = createTestRekorV1({ now, baseUrl: `https://rekor.${domain}` });
  const tiles = createTestRekorV2({ baseUrl: `https://log2026.rekor.${domain}` });
  const timestampAuthority = createTestTimestampAuthority({ now, url: `https://tsa.${domain}` });
  const trustedRoot: JsonObject = {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [rekor, tiles].map((log) => logInstance(log.baseUrl, log, since)),
    certificateAuthorities: [authorityInstance(`https://fulcio.${domain}`, authority.chain, since)],
    ctlogs: [logInstance(certificateLog.url, certificateLog, since)],
    timestampAuthorities: [authorityInstance(timestampAuthority.url, timestampAuthority.chain, since)],
  };
  const sealed = <T extends Partial<SealOptions>>(options: T): T & SealOptions => {
    const logs = options.logs ?? [rekor];
    // Entries of the second generation are not dated, so an authority must date the signature.
    const dated = logs.some(({ generation }) => generation === 'v2') ? [timestampAuthority] : [];
    return { timestampAuthorities: dated, ...options, signer: options.signer ?? authority.issue(), logs };
  };
  const complete = (options: Partial<BundleOptions> = {}): BundleOptions => ({ version: '0.3', ...sealed(options) });
  return {
    now,
    certificateLog,
    authority,
    rekor,
    tiles,
    timestampAuthority,
    trustedRoot,
    anchors: parseTrustedRoot(utf8(JSON.stringify(trustedRoot))),
    issue: (options) => authority.issue(options),
    sign: (artifact, options) => artifactBundle(artifact, complete(options)),
    attest: (statement, options) => envelopeBundle(STATEMENT_PAYLOAD_TYPE, statementPayload(statement), complete(options)),
    envelop: (payloadType, payload, options) => envelopeBundle(payloadType, payload, complete(options)),
    signImage: (claim, options = {}) => simpleSigningDocument(claim, sealed(options)),
    attestImage: (statement, options = {}) => attestationDocument(statement, sealed(options)),
  };
}

/** TransparencyLogInstance of sigstore_trustroot.proto. */
export function logInstance(baseUrl: string, { key, logId }: { readonly key: TestKey; readonly logId: Uint8Array }, from: number, to?: number): JsonObject {
  return {
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: encodeBase64(key.publicKey.spki), keyDetails: key.algorithm.keyDetails, validFor: validFor(from, to) },
    logId: { keyId: encodeBase64(logId) },
  };
}

/** CertificateAuthority of sigstore_trustroot.proto, for issuers of certificates and of timestamps alike. */
export function authorityInstance(uri: string, chain: readonly Uint8Array[], from: number, to?: number): JsonObject {
  return {
    subject: { organization: 'sealward.test', commonName: new URL(uri).hostname },
    uri,
    certChain: { certificates: chain.map((der) => ({ rawBytes: encodeBase64(der) })) },
    validFor: validFor(from, to),
  };
}

function validFor(from: number, to: number | undefined): JsonObject {
  return { start: new Date(from).toISOString(), ...(to === undefined ? {} : { end: new Date(to).toISOString() }) };
}
