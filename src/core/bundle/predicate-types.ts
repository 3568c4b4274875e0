/**
 * The short names of predicate types, as cosign 2 and 3 have them (observed: `attest --help`, and what each writes),
 * and the URIs that they stand for.
 */
import { quoted } from '../artifact/index.ts';
import { SealwardError } from '../errors.ts';

export const SLSA_V1 = 'https://slsa.dev/provenance/v1';
export const SLSA_V02 = 'https://slsa.dev/provenance/v0.2';
export const SPDX = 'https://spdx.dev/Document';
/** SPDX 3 has a type of its own, in-toto/attestation spec/predicates/spdx3.md; cosign has no short name for it. */
export const SPDX_V3 = 'https://spdx.dev/Document/v3';
export const CYCLONEDX = 'https://cyclonedx.org/bom';
export const COSIGN_VULN = 'https://cosign.sigstore.dev/attestation/vuln/v1';
export const COSIGN_CUSTOM = 'https://cosign.sigstore.dev/attestation/v1';
export const OPENVEX = 'https://openvex.dev/ns';
export const IN_TOTO_LINK = 'https://in-toto.io/Link/v1';

/** in-toto/attestation spec/predicates/test-result.md */
export const TEST_RESULT = 'https://in-toto.io/attestation/test-result/v0.1';
/** That somebody looked at an artifact and lets it through: docs/reference/policy.md. */
export const APPROVAL = 'https://sealward.dev/attestations/approval/v1';

export const PREDICATE_TYPES = {
  slsaprovenance: SLSA_V02,
  slsaprovenance02: SLSA_V02,
  slsaprovenance1: SLSA_V1,
  link: IN_TOTO_LINK,
  spdx: SPDX,
  spdxjson: SPDX,
  cyclonedx: CYCLONEDX,
  vuln: COSIGN_VULN,
  openvex: OPENVEX,
  custom: COSIGN_CUSTOM,
} as const satisfies Readonly<Record<string, string>>;

export type PredicateName = keyof typeof PREDICATE_TYPES;

/** The URI of a short name, or the URI itself. Throws ERR_USAGE for what is neither. */
export function predicateTypeOf(name: string): string {
  if (Object.hasOwn(PREDICATE_TYPES, name)) return PREDICATE_TYPES[name as PredicateName];
  // A mistyped short name would otherwise be a type that nothing ever has.
  if (/^[a-z][a-z0-9+.-]*:[^\s\p{Cc}]+$/iu.test(name)) return name;
  throw new SealwardError('ERR_USAGE', `the predicate type is neither a URI nor a known name: ${quoted(name)}`, {
    hint: `Known names are ${Object.keys(PREDICATE_TYPES).join(', ')}.`,
  });
}
