/** What the command line and the library ask of a signature, when no policy does. */
import type { FulcioClaims } from '../crypto/index.ts';
import { LIMITS } from '../encoding/index.ts';
import { SealwardError } from '../errors.ts';
import { loadLinearRegex } from '../policy/index.ts';
import type { Asked, Matcher } from './asked.ts';
import { CODE_SIGNING } from './prove-certificate.ts';

export interface SignerRequirement {
  /** `key`: a trusted key made it. `certificate`: a key that a trusted authority certified, for the identity below. */
  readonly kind: 'key' | 'certificate';
  /** The name in the certificate: an e-mail address, a URI, a DNS name. */
  readonly identity?: Matcher;
  /** Who vouched for that name. */
  readonly issuer?: Matcher;
  /** Ids of the algorithms with which the trusted keys sign: companions of these a signature must really have. */
  readonly algorithms?: readonly string[];
  readonly claims?: readonly { readonly claim: keyof FulcioClaims; readonly wanted: string }[];
}

export interface FlagRequirement {
  /** Of `any`, every kind counts: for a file whose bundle may carry either. */
  readonly role: 'signature' | 'attestation' | 'any';
  readonly signer: SignerRequirement;
  /** How many independent logs must hold an entry. */
  readonly logs: number;
  /** How many independent timestamp authorities must have dated it. */
  readonly timestamps: number;
  /** Whether a trusted certificate log must have seen the certificate. */
  readonly certificateLog: boolean;
  /**
   * What to do with a certificate's signature that nothing trusted dates: refuse it, or judge the certificate by today's
   * date, which proves that it was made before now by a key that is still certified.
   */
  readonly undated: 'refuse' | 'now';
  /** Of attestations; any when absent. */
  readonly predicateTypes?: readonly string[];
  /** Annotations that must stand in what was signed. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** `exact`: what was signed must name this repository. `any` ignores the name, as cosign does. */
  readonly repository?: { readonly rule: 'any' } | { readonly rule: 'exact'; readonly name: string };
}

/** In the form that the checks read. */
export function askedByFlags({ signer, annotations = {}, repository, predicateTypes, ...rest }: FlagRequirement): Asked {
  const { kind, identity, issuer, claims = [] } = signer;
  return {
    role: rest.role,
    logs: rest.logs,
    timestamps: rest.timestamps,
    certificateLog: rest.certificateLog,
    undated: rest.undated,
    signer: kind,
    purposes: [CODE_SIGNING],
    dated: 0,
    suspended: 'hold',
    compromised: 'deny',
    identities: [
      {
        ...(identity ? { name: identity } : {}),
        ...(issuer ? { issuer } : {}),
        claims: claims.map(({ claim, wanted }) => ({ claim, ...exactly(wanted) })),
      },
    ],
    annotations: Object.entries(annotations).map(([key, value]) => ({ key, ...exactly(value) })),
    ...(predicateTypes ? { predicateTypes } : {}),
    ...(repository?.rule === 'exact'
      ? { claim: { required: true, imagesOnly: false, tag: false, wanted: () => '', accepts: (name: string) => name === repository.name } }
      : {}),
  };
}

export function exactly(wanted: string): Matcher {
  return { wanted, matches: (value) => value === wanted };
}

/** A regular expression in RE2 syntax, matched in linear time against the whole value. Throws ERR_USAGE. */
export async function compilePattern(pattern: string): Promise<Matcher> {
  if (pattern.length > LIMITS.flagPatternLength) {
    throw new SealwardError('ERR_USAGE', `a regular expression has ${pattern.length} characters, the bound is ${LIMITS.flagPatternLength}`);
  }
  const linearRegex = await loadLinearRegex();
  try {
    const { matches } = linearRegex(pattern);
    return { wanted: `/${pattern}/`, matches };
  } catch (cause) {
    throw new SealwardError(
      'ERR_USAGE',
      `${JSON.stringify(pattern.slice(0, 200))} is not a regular expression: ${cause instanceof Error ? cause.message : ''}`,
      { cause, hint: 'The syntax is RE2; the whole value must match, so write .* where anything may stand.' },
    );
  }
}
