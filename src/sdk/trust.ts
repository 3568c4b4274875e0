/** Whom to believe, and what to ask of a signature, in the words of whoever uses the library. */
import { parsePublicKeyPem } from '../core/crypto/index.ts';
import { type Anchors, joinAnchors, keyAnchor, NO_ANCHORS, parseTrustedRoot } from '../core/trust/index.ts';
import { exactly, type Matcher, type FlagRequirement } from '../core/verify/index.ts';

export interface TrustOptions {
  /** Public keys in PEM (SubjectPublicKeyInfo), each believed by itself. */
  readonly keys?: readonly string[];
  /** The bytes of a Sigstore trusted_root.json: certificate authorities, logs, timestamp authorities. */
  readonly trustedRoot?: Uint8Array;
}

/** What `verifyImage` and `verifyBlob` take as `anchors`. Throws SealwardError for what cannot be read; trusts nobody when nothing is given. */
export function trust({ keys = [], trustedRoot }: TrustOptions): Anchors {
  const root = trustedRoot === undefined ? NO_ANCHORS : parseTrustedRoot(trustedRoot);
  return joinAnchors(root, { keys: keys.map((pem, at) => keyAnchor(parsePublicKeyPem(pem, `key ${at + 1}`))) });
}

export interface AskOptions {
  /** `signature` when not said; `attestation` for statements, such as provenance. Of `any`, both count. */
  readonly role?: FlagRequirement['role'];
  /** How many independent transparency logs must hold an entry; 1 when not said. 0 is for keys that sign without a log. */
  readonly logs?: number;
  /** How many independent timestamp authorities must have dated it; 0 when not said. */
  readonly timestamps?: number;
  /** Of attestations: the URIs of predicate types that count; any when not said. */
  readonly predicateTypes?: readonly string[];
  /** Annotations that must have been signed. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** The repository that the signature must name, as `HOST/REPOSITORY`; any when not said. */
  readonly repository?: string;
}

/** Signed by one of the trusted keys. */
export function byKey(options: AskOptions = {}): FlagRequirement {
  return asked({ kind: 'key' }, options, false);
}

export interface IdentityOptions extends AskOptions {
  /** The name in the certificate: an e-mail address, a URI or a DNS name, in full; or what `compilePattern` makes. */
  readonly identity: string | Matcher;
  /** Who vouched for that name, as in `https://token.actions.githubusercontent.com`. */
  readonly issuer: string | Matcher;
  /** Whether a trusted certificate log must have seen the certificate; true when not said. */
  readonly certificateLog?: boolean;
}

/** Signed by somebody whom a trusted certificate authority has certified under this name. */
export function byIdentity({ identity, issuer, certificateLog = true, ...options }: IdentityOptions): FlagRequirement {
  return asked({ kind: 'certificate', identity: matcher(identity), issuer: matcher(issuer) }, options, certificateLog);
}

function matcher(wanted: string | Matcher): Matcher {
  return typeof wanted === 'string' ? exactly(wanted) : wanted;
}

function asked(signer: FlagRequirement['signer'], options: AskOptions, certificateLog: boolean): FlagRequirement {
  const { role = 'signature', logs = 1, timestamps = 0, predicateTypes, annotations, repository } = options;
  return {
    role,
    signer,
    logs,
    timestamps,
    certificateLog,
    // Where no log has to date it, the certificate itself must still be valid today.
    undated: logs === 0 ? 'now' : 'refuse',
    ...(predicateTypes === undefined ? {} : { predicateTypes }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(repository === undefined ? {} : { repository: { rule: 'exact', name: repository } }),
  };
}
