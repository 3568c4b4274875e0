/** What a policy asks of one authority's signatures, in the form that the checks read. */
import type { Authority, Identity, ImagePolicy, Strictness, TextPattern } from '../policy/index.ts';
import type { TrustState } from '../trust/index.ts';
import type { Asked, AskedClaim, AskedIdentity, ImageName, Matcher, Strength } from './asked.ts';
import { CODE_SIGNING } from './prove-certificate.ts';

/** The roles that an authority may be asked in. */
export interface AskedOfAuthority {
  readonly signature: Asked;
  /** Of attestations of any type. */
  readonly attestation: Asked;
  /** Of those of certain types, as the policy lists them. */
  readonly ofTypes: (types: readonly string[]) => Asked;
}

export function askedOfAuthority(authority: Authority, { strictness }: ImagePolicy, trust: TrustState): AskedOfAuthority {
  const { dated, minAge, maxAge, suspended, compromised } = strictness;
  const claim = claimOf(strictness);
  const common = {
    ...signerOf(authority, trust),
    ...(authority.window ? { window: authority.window } : {}),
    strength: strengthOf(strictness),
    logs: dated.logs,
    timestamps: dated.timestamps,
    dated: dated.any,
    undated: 'now',
    suspended,
    compromised,
    ...(claim ? { claim } : {}),
  } as const;
  const attestation: Asked = { ...common, role: 'attestation', annotations: [] };
  const byTypes = new Map<readonly string[], Asked>();
  return {
    signature: {
      ...common,
      role: 'signature',
      annotations: strictness.annotations.map(({ key, value }) => ({ key, ...matcher(value) })),
      ...(minAge === undefined ? {} : { minAge }),
      ...(maxAge === undefined ? {} : { maxAge }),
    },
    attestation,
    ofTypes: (types) => {
      const asked = byTypes.get(types) ?? { ...attestation, predicateTypes: types };
      byTypes.set(types, asked);
      return asked;
    },
  };
}

function signerOf(authority: Authority, trust: TrustState): Pick<Asked, 'signer' | 'anchors' | 'purposes' | 'certificateLog' | 'identities'> {
  switch (authority.kind) {
    case 'key':
      return { signer: 'key', anchors: new Set(authority.anchors), purposes: [], certificateLog: false, identities: [] };
    case 'keyless': {
      // Of an empty list the trusted roots count, and never the private authorities that policies bring for others.
      const anchors = authority.anchors.length > 0 ? authority.anchors : trust.anchors.authorities.map(({ id }) => id);
      const identities = authority.identities.map(identityOf);
      return { signer: 'certificate', anchors: new Set(anchors), purposes: [CODE_SIGNING], certificateLog: authority.certificateLog, identities };
    }
    case 'certificate': {
      const subject = authority.subject ? { subject: matcher(authority.subject) } : {};
      const names: readonly AskedIdentity[] = authority.names.map((name) => ({ ...subject, name: matcher(name), claims: [] }));
      const purposes = authority.extendedKeyUsage.length > 0 ? authority.extendedKeyUsage : [CODE_SIGNING];
      const identities = names.length > 0 ? names : [{ ...subject, claims: [] }];
      return { signer: 'certificate', anchors: new Set(authority.anchors), purposes, certificateLog: false, identities };
    }
  }
}

function identityOf({ issuer, subject, claims }: Identity): AskedIdentity {
  return {
    issuer: matcher(issuer),
    ...(subject ? { name: matcher(subject) } : {}),
    claims: claims.map(({ claim, pattern }) => ({ claim, ...matcher(pattern) })),
  };
}

function matcher({ text, matches }: TextPattern): Matcher {
  return { wanted: text, matches };
}

function strengthOf({ algorithms, hashes, minimumBits: { rsa, ecdsa } }: Strictness): Strength {
  return {
    ...(algorithms.length > 0 ? { algorithms: new Set(algorithms) } : {}),
    ...(hashes.length > 0 ? { hashes: new Set<string>(hashes) } : {}),
    ...(rsa === undefined ? {} : { rsa }),
    ...(ecdsa === undefined ? {} : { ecdsa }),
  };
}

/** What a name in what was signed must be; undefined where it may be any. */
function claimOf({ repositoryClaim: { rule, prefix, mirrors, tag } }: Strictness): AskedClaim | undefined {
  if (rule === 'any') return undefined;
  const wanted = ({ repository }: ImageName): string[] =>
    rule === 'prefix' ? [prefix ?? repository] : [repository, ...mirrors.flatMap(({ from, to }) => mapped(repository, from, to))];
  return {
    required: rule !== 'unless-claimed',
    imagesOnly: true,
    accepts: (claimed, image) => {
      const name = normal(claimed);
      return wanted(image).some((one) => (rule === 'prefix' ? isBelow(name, normal(one)) : name === normal(one)));
    },
    wanted: (image) => wanted(image).join(' or '),
    tag,
  };
}

function mapped(repository: string, from: string, to: string): string[] {
  return isBelow(repository, from) ? [`${to}${repository.slice(from.length)}`] : [];
}

function isBelow(name: string, prefix: string): boolean {
  return name === prefix || name.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
}

/** Docker Hub has two names. */
function normal(name: string): string {
  return name.startsWith('index.docker.io/') ? name.slice('index.'.length) : name;
}
