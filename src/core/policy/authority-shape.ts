/** Authorities as they are written: keys, keyless identities, private certificate authorities. */
import type { FulcioClaimName } from '../crypto/index.ts';
import type { TextPattern } from './policy.ts';
import { at, boolean, list, moment, object, optional, required, type Shape, string, textPattern } from './shape.ts';

const NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
export const name = string('Lower-case letters, digits, dots and hyphens, as Kubernetes names objects.', { longest: 253, pattern: NAME });
export const authorityName = string('The name of an authority of this policy, or of a document of the kind Authorities.', { longest: 253, pattern: NAME });

/** What a certificate of a Sigstore authority says, by the names that policies use (docs/reference/policy.md). */
export const CLAIM_NAMES = {
  sourceRepository: 'sourceRepositoryUri',
  sourceRepositoryId: 'sourceRepositoryId',
  sourceOwner: 'sourceRepositoryOwnerUri',
  sourceOwnerId: 'sourceRepositoryOwnerId',
  sourceRef: 'sourceRepositoryRef',
  sourceDigest: 'sourceRepositoryDigest',
  sourceVisibility: 'sourceRepositoryVisibility',
  buildSigner: 'buildSignerUri',
  buildSignerDigest: 'buildSignerDigest',
  buildConfig: 'buildConfigUri',
  buildConfigDigest: 'buildConfigDigest',
  buildTrigger: 'buildTrigger',
  runInvocation: 'runInvocationUri',
  runnerEnvironment: 'runnerEnvironment',
  deploymentEnvironment: 'deploymentEnvironment',
  tokenSubject: 'tokenSubject',
  workflowName: 'githubWorkflowName',
  workflowRepository: 'githubWorkflowRepository',
  workflowRef: 'githubWorkflowRef',
  workflowSha: 'githubWorkflowSha',
  workflowTrigger: 'githubWorkflowTrigger',
} as const satisfies Readonly<Record<string, FulcioClaimName>>;
export type ClaimName = keyof typeof CLAIM_NAMES;

const claims = Object.fromEntries(
  Object.entries(CLAIM_NAMES).map(([claim, field]) => [claim, optional(textPattern(`The claim ${field} of the certificate.`))]),
) as unknown as Readonly<Record<ClaimName, { readonly shape: Shape<TextPattern>; readonly optional: true }>>;

const key = object(
  {
    pem: optional(at(string('The public key in PEM.', { longest: 16_384 }))),
    file: optional(at(string('A file with the public key in PEM, beside this document.', { longest: 4096 }))),
    fingerprint: optional(
      at(
        string('SHA-256 of the public key (SPKI) in lower-case hexadecimal; the key itself comes from the trust state or a flag.', {
          longest: 64,
          pattern: /^[0-9a-f]{64}$/,
        }),
      ),
    ),
    trustKey: optional(
      at(
        string('A key of the trust state: `release` for all its versions, `release/3` for one.', {
          longest: 260,
          pattern: /^[a-z0-9][a-z0-9._-]*(?:\/[1-9][0-9]*)?$/,
        }),
      ),
    ),
  },
  'A key: exactly one of these.',
);

const identity = object(
  {
    issuer: required(at(textPattern('Who vouched for the identity: the issuer of the token.'))),
    subject: optional(at(textPattern('The name in the certificate: an e-mail address, or the URI of a workflow or workload.'))),
    ...claims,
  },
  'An identity; every part that is given must match, as a whole string.',
);

const keyless = object(
  {
    identities: required(list(at(identity))),
    authorities: optional(
      list(string('SHA-256 of the certificates of an authority, as `sealward trust show` prints it.', { longest: 64, pattern: /^[0-9a-f]{64}$/ })),
    ),
    certificateLog: optional(boolean('Whether a certificate log must have seen the certificate; true when left out.')),
  },
  'Whoever a certificate of a trusted authority names.',
);

const certificate = object(
  {
    pem: optional(at(string('The certificates of the authority in PEM, root last.', { longest: 65_536 }))),
    file: optional(at(string('A file with these certificates.', { longest: 4096 }))),
    subject: optional(textPattern('The directory name of the signing certificate, as `sealward inspect` prints it.')),
    names: optional(list(textPattern('A name in the signing certificate: e-mail address, URI, DNS name.'))),
    extendedKeyUsage: optional(
      list(string('An object identifier that the extended key usage must contain.', { longest: 128, pattern: /^[0-2](?:\.(?:0|[1-9][0-9]*))+$/ })),
    ),
  },
  'Whoever has a certificate of a private authority.',
);

export const authorityShape = object(
  {
    name: required(at(name)),
    key: optional(at(key)),
    keyless: optional(at(keyless)),
    certificate: optional(at(certificate)),
    validFrom: optional(moment('Signatures count from then on.')),
    validUntil: optional(at(moment('Signatures count until then.'))),
  },
  'Somebody whom the policy trusts: a key, a keyless identity, or a private certificate authority.',
);
