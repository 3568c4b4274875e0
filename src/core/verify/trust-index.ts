/** The trust state, arranged for looking up: by key, certificate, identity, digest. */
import type { Denial, KeyState, KeyVersion, TrustState } from '../trust/index.ts';
import type { CertificateFact, SignerFact } from './facts.ts';

type IdentityDenial = Extract<Denial, { kind: 'identity' }>;

export interface TrustIndex {
  readonly versions: ReadonlyMap<string, readonly KeyVersion[]>;
  /** Whether anything at all is denied: mostly nothing is. */
  readonly denies: boolean;
  readonly keys: ReadonlyMap<string, Denial>;
  readonly certificates: ReadonlyMap<string, Denial>;
  readonly digests: ReadonlyMap<string, Denial>;
  readonly documents: ReadonlyMap<string, Denial>;
  readonly runs: ReadonlyMap<string, Denial>;
  readonly identities: ReadonlyMap<string, readonly IdentityDenial[]>;
  /** From which index on the entries of a log do not count. */
  readonly logs: ReadonlyMap<string, bigint>;
  /** Names of principals by SPKI fingerprint, and by identity. */
  readonly principalOfKey: ReadonlyMap<string, string>;
  readonly principalOfIdentity: ReadonlyMap<string, string>;
}

export function identityKey(issuer: string, subject: string): string {
  return `${issuer}\n${subject}`;
}

const SEVERITY: Readonly<Record<KeyState, number>> = { 'revoked-all': 0, compromised: 1, superseded: 2, suspended: 3, retired: 4, 'pre-active': 5, active: 6 };

/** One key may stand under several names; what is worst about it is told first, in whatever order they are listed. */
function worstFirst(a: KeyVersion, b: KeyVersion): number {
  return SEVERITY[a.state] - SEVERITY[b.state] || (`${a.name}/${a.version}` < `${b.name}/${b.version}` ? -1 : 1);
}

export function indexTrust({ keys, denials, principals }: TrustState): TrustIndex {
  const of = <Kind extends Denial['kind']>(kind: Kind): Extract<Denial, { kind: Kind }>[] =>
    denials.filter((one): one is Extract<Denial, { kind: Kind }> => one.kind === kind);
  const logs = new Map<string, bigint>();
  for (const { anchor, fromIndex } of of('log')) {
    const from = fromIndex === undefined ? 0n : BigInt(fromIndex);
    const earlier = logs.get(anchor);
    if (earlier === undefined || from < earlier) logs.set(anchor, from);
  }
  const principalOfKey = new Map<string, string>();
  const principalOfIdentity = new Map<string, string>();
  for (const { name, keys: theirs, identities } of principals) {
    for (const key of theirs) {
      principalOfKey.set(key, name);
      for (const version of keys) if (version.name === key) principalOfKey.set(version.anchor, name);
    }
    for (const { issuer, subject } of identities) principalOfIdentity.set(identityKey(issuer, subject), name);
  }
  return {
    versions: Map.groupBy([...keys].sort(worstFirst), ({ anchor }) => anchor),
    denies: denials.length > 0,
    keys: new Map(of('key').map((one) => [one.key, one])),
    certificates: new Map(of('certificate').map((one) => [one.certificate, one])),
    digests: new Map(of('digest').map((one) => [one.digest, one])),
    documents: new Map(of('signature').map((one) => [one.document, one])),
    runs: new Map(of('run').map((one) => [one.run, one])),
    identities: Map.groupBy(of('identity'), ({ issuer, subject }) => identityKey(issuer, subject)),
    logs,
    principalOfKey,
    principalOfIdentity,
  };
}

/**
 * Who counts once. What the trust state says; else the key, or issuer with the immutable ids of owner and repository, so
 * that two workflows of one repository are one; else issuer and name. It depends on this one signature alone: another
 * signature can never make two principals one, or a denial would come out of adding something.
 */
export function principalOf({ key, certificate }: SignerFact, trust: TrustIndex, byKey: boolean): string {
  if (byKey || !certificate) return trust.principalOfKey.get(key) ?? `key:${key}`;
  return principalOfCertificate(certificate, trust);
}

function principalOfCertificate({ claims, names, subject }: CertificateFact, trust: TrustIndex): string {
  const issuer = claims.issuer ?? '';
  for (const name of names) {
    const known = trust.principalOfIdentity.get(identityKey(issuer, name));
    if (known !== undefined) return known;
  }
  const { sourceRepositoryOwnerId: owner, sourceRepositoryId: repository } = claims;
  if (owner !== undefined && repository !== undefined) return `${issuer} owner ${owner} repository ${repository}`;
  return `${issuer} ${names[0] ?? subject}`;
}
