/**
 * What a Sigstore certificate authority says about the signer beyond the name: the extensions below 1.3.6.1.4.1.57264.1.
 * The first six are bare text (deprecated, still written), those from .8 on are a UTF8String in DER.
 */
import { decodeUtf8, encodeUtf8String, expectTag, parseDer, TAG, utf8 } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import type { Certificate } from './certificate.ts';
import type { CertificateExtension } from './certificate-extensions.ts';
import { FULCIO_USERNAME_OID } from './certificate-extensions.ts';
import { encodeExtension } from './encode-certificate.ts';

const ARC = '1.3.6.1.4.1.57264.1.';

const BARE_CLAIMS = {
  [`${ARC}2`]: 'githubWorkflowTrigger',
  [`${ARC}3`]: 'githubWorkflowSha',
  [`${ARC}4`]: 'githubWorkflowName',
  [`${ARC}5`]: 'githubWorkflowRepository',
  [`${ARC}6`]: 'githubWorkflowRef',
} as const;

const CLAIMS = {
  [`${ARC}9`]: 'buildSignerUri',
  [`${ARC}10`]: 'buildSignerDigest',
  [`${ARC}11`]: 'runnerEnvironment',
  [`${ARC}12`]: 'sourceRepositoryUri',
  [`${ARC}13`]: 'sourceRepositoryDigest',
  [`${ARC}14`]: 'sourceRepositoryRef',
  [`${ARC}15`]: 'sourceRepositoryId',
  [`${ARC}16`]: 'sourceRepositoryOwnerUri',
  [`${ARC}17`]: 'sourceRepositoryOwnerId',
  [`${ARC}18`]: 'buildConfigUri',
  [`${ARC}19`]: 'buildConfigDigest',
  [`${ARC}20`]: 'buildTrigger',
  [`${ARC}21`]: 'runInvocationUri',
  [`${ARC}22`]: 'sourceRepositoryVisibility',
  [`${ARC}23`]: 'deploymentEnvironment',
  [`${ARC}24`]: 'tokenSubject',
} as const;

type BareName = (typeof BARE_CLAIMS)[keyof typeof BARE_CLAIMS];
type WrappedName = (typeof CLAIMS)[keyof typeof CLAIMS];
export type FulcioClaimName = 'issuer' | BareName | WrappedName;
export type FulcioClaims = { readonly [Name in FulcioClaimName]?: string };

const ISSUER = { old: `${ARC}1`, current: `${ARC}8` } as const;
const BARE: ReadonlyMap<string, BareName> = new Map(Object.entries(BARE_CLAIMS));
const WRAPPED: ReadonlyMap<string, WrappedName> = new Map(Object.entries(CLAIMS));

/** Claims that cannot be read, or an old and a new issuer that contradict each other, are ERR_CERTIFICATE_INVALID. */
export function fulcioClaims(certificate: Certificate): FulcioClaims {
  const claims: { [Name in FulcioClaimName]?: string } = {};
  try {
    for (const extension of certificate.extensions) {
      const { oid } = extension;
      if (!oid.startsWith(ARC)) continue;
      const bareName = oid === ISSUER.old ? 'issuer' : BARE.get(oid);
      const name = oid === ISSUER.current ? 'issuer' : WRAPPED.get(oid);
      if (bareName) setOnce(claims, bareName, bareText(extension));
      if (name) setOnce(claims, name, wrappedText(extension));
    }
  } catch (cause) {
    if (!(cause instanceof SealwardError) || cause.code === 'ERR_CERTIFICATE_INVALID') throw cause;
    throw new SealwardError('ERR_CERTIFICATE_INVALID', `a claim of the certificate cannot be read: ${cause.message}`, { cause });
  }
  return claims;
}

/**
 * The names that an identity may be compared with: mail addresses, URIs, hosts, addresses and Fulcio's user names. Other
 * kinds of names are shown in hex or as a directory name, and text of that form must not pass for an identity.
 */
export function signerNames(certificate: Certificate): string[] {
  return certificate.subjectAlternativeNames
    .filter(({ type, oid }) => ['email', 'uri', 'dns', 'ip'].includes(type) || (type === 'otherName' && oid === FULCIO_USERNAME_OID))
    .map(({ value }) => value);
}

/** Only the issuer has two places; both must say the same, or two verifiers would see two identities. */
function setOnce(claims: { [Name in FulcioClaimName]?: string }, name: FulcioClaimName, value: string): void {
  const other = claims[name];
  if (other !== undefined && other !== value) {
    throw new SealwardError('ERR_CERTIFICATE_INVALID', `the certificate names two issuers of its identity, ${shorten(other)} and ${shorten(value)}`);
  }
  claims[name] = value;
}

function bareText({ oid, value }: CertificateExtension): string {
  return decodeUtf8(value, `the extension ${oid}`);
}

function wrappedText({ oid, value }: CertificateExtension): string {
  const what = `the extension ${oid}`;
  return decodeUtf8(expectTag(parseDer(value), TAG.utf8String, what).value, what);
}

function shorten(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}

/** The extensions that say all this, in the order of their numbers; the issuer in both its places, as the certificate profile still demands. */
export function fulcioClaimExtensions(claims: FulcioClaims): Uint8Array[] {
  const bare = [...BARE].map(([oid, name]) => [oid, claims[name]] as const);
  const wrapped = [...WRAPPED].map(([oid, name]) => [oid, claims[name]] as const);
  const encode = (texts: readonly (readonly [oid: string, text: string | undefined])[], form: (text: string) => Uint8Array): Uint8Array[] =>
    texts.flatMap(([oid, text]) => (text === undefined || text === '' ? [] : [encodeExtension(oid, form(text))]));
  return [...encode([[ISSUER.old, claims.issuer], ...bare], utf8), ...encode([[ISSUER.current, claims.issuer], ...wrapped], encodeUtf8String)];
}
