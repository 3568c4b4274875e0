/** SBOMs, whoever made them, to the type of predicate that their shape says. */
import { SealwardError } from '../../errors.ts';
import { checkPredicate, type Predicate } from './check-predicate.ts';
import { fitting, readDocument } from './read-predicate.ts';
import { recognize } from './recognize.ts';

/**
 * SPDX 2 and 3 and CycloneDX in JSON, from Syft, Trivy or any other tool. Throws ERR_PREDICATE_INVALID, with what the
 * file is instead and how to export it, where its shape is known; ERR_TOO_LARGE or ERR_JSON_INVALID.
 */
export function predicateFromSbom(bytes: Uint8Array): Predicate {
  const document = readDocument(bytes, 'the SBOM');
  const found = recognize(document);
  if (found?.predicateType !== undefined && ['spdx-2', 'spdx-3', 'cyclonedx'].includes(found.name))
    return fitting(checkPredicate(found.predicateType, document));
  throw new SealwardError(
    'ERR_PREDICATE_INVALID',
    found ? `the file is ${found.what}, not an SBOM in SPDX or CycloneDX` : 'the file is neither SPDX nor CycloneDX',
    {
      hint: found?.hint ?? 'Export the SBOM as JSON of SPDX 2.3 or of CycloneDX; Syft, Trivy and most build tools write both.',
    },
  );
}
