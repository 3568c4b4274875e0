/**
 * What a Sigstore certificate authority says about the signer beyond the name: the extensions below 1.3.6.1.4.1.57264.1.
 * The first six are bare text (deprecated, still written), those from .8 on are a UTF8String in DER.
 */
import { decodeUtf8, expectTag, parseDer, TAG } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import type { Certificate } from './certificate.ts';

const ARC = '1.3.6.1.4.1.57264.1.';

const BARE_CLAIMS = {
  githubWorkflowTrigger: 2,
  githubWorkflowSha: 3,
  githubWorkflowName: 4,
  githubWorkflowRepository: 5,
  githubWorkflowRef: 6,
} as const;

const CLAIMS = {
  buildSignerUri: 9,
  buildSignerDigest: 10,
  runnerEnvironment: 11,
  sourceRepositoryUri: 12,
  sourceRepositoryDigest: 13,
  sourceRepositoryRef: 14,
  sourceRepositoryId: 15,
  sourceRepositoryOwnerUri: 16,
  sourceRepositoryOwnerId: 17,
  buildConfigUri: 18,
  buildConfigDigest: 19,
  buildTrigger: 20,
  runInvocationUri: 21,
  sourceRepositoryVisibility: 22,
  deploymentEnvironment: 23,
  tokenSubject: 24,
} as const;

export type FulcioClaimName = 'issuer' | keyof typeof BARE_CLAIMS | keyof typeof CLAIMS;
export type FulcioClaims = { readonly [Name in FulcioClaimName]?: string };

/** Claims that cannot be read, or an old and a new issuer that contradict each other, are ERR_CERTIFICATE_INVALID. */
export function fulcioClaims(certificate: Certificate): FulcioClaims {
  const claims: { [Name in FulcioClaimName]?: string } = {};
  const set = (name: FulcioClaimName, value: string | undefined): void => {
    if (value !== undefined) claims[name] = value;
  };
  try {
    const [old, current] = [bare(certificate, 1), utf8String(certificate, 8)];
    if (old !== undefined && current !== undefined && old !== current) {
      throw new SealwardError('ERR_CERTIFICATE_INVALID', `the certificate names two issuers of its identity, ${shorten(old)} and ${shorten(current)}`);
    }
    set('issuer', current ?? old);
    for (const [name, arc] of Object.entries(BARE_CLAIMS)) set(name as FulcioClaimName, bare(certificate, arc));
    for (const [name, arc] of Object.entries(CLAIMS)) set(name as FulcioClaimName, utf8String(certificate, arc));
  } catch (cause) {
    if (!(cause instanceof SealwardError) || cause.code === 'ERR_CERTIFICATE_INVALID') throw cause;
    throw new SealwardError('ERR_CERTIFICATE_INVALID', `a claim of the certificate cannot be read: ${cause.message}`, { cause });
  }
  return claims;
}

function bare(certificate: Certificate, arc: number): string | undefined {
  const value = valueOf(certificate, arc);
  return value && decodeUtf8(value, `the extension ${ARC}${arc}`);
}

function utf8String(certificate: Certificate, arc: number): string | undefined {
  const value = valueOf(certificate, arc);
  const what = `the extension ${ARC}${arc}`;
  return value && decodeUtf8(expectTag(parseDer(value), TAG.utf8String, what).value, what);
}

function valueOf(certificate: Certificate, arc: number): Uint8Array | undefined {
  return certificate.extensions.find(({ oid }) => oid === `${ARC}${arc}`)?.value;
}

function shorten(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
