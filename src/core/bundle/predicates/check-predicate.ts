/** Whether a predicate has the shape that its type promises. cosign 3 signs an empty predicate where it has not; nothing here does. */
import { quoted } from '../../artifact/index.ts';
import type { JsonObject, JsonValue } from '../../encoding/index.ts';
import { SealwardError } from '../../errors.ts';
import { COSIGN_CUSTOM, COSIGN_VULN, CYCLONEDX, IN_TOTO_LINK, OPENVEX, predicateTypeOf, SLSA_V02, SLSA_V1, SPDX, SPDX_V3 } from '../predicate-types.ts';
import { recognize } from './recognize.ts';
import { checkCycloneDx, checkSpdx2, checkSpdx3 } from './sbom-shapes.ts';
import { Shape } from './shape.ts';
import { checkLink, checkSlsaV02, checkSlsaV1 } from './slsa.ts';
import { checkOpenVex, checkVuln } from './vulnerability-shapes.ts';

export interface Predicate {
  /** A URI. */
  readonly predicateType: string;
  readonly predicate: JsonObject;
}

interface Kind {
  /** With its article, for the messages. */
  readonly what: string;
  readonly check: (root: Shape) => void;
}

const SPDX_2: Kind = { what: 'an SPDX 2 SBOM', check: checkSpdx2 };
const CYCLONE_DX: Kind = { what: 'a CycloneDX SBOM', check: checkCycloneDx };
const OPEN_VEX: Kind = { what: 'an OpenVEX document', check: checkOpenVex };

const KINDS: ReadonlyMap<string, Kind> = new Map([
  [SLSA_V1, { what: 'a SLSA v1 provenance', check: checkSlsaV1 }],
  [SLSA_V02, { what: 'a SLSA v0.2 provenance', check: checkSlsaV02 }],
  [SPDX, SPDX_2],
  [SPDX_V3, { what: 'an SPDX 3 document', check: checkSpdx3 }],
  [CYCLONEDX, CYCLONE_DX],
  [COSIGN_VULN, { what: 'a scan record of cosign', check: checkVuln }],
  [OPENVEX, OPEN_VEX],
  [IN_TOTO_LINK, { what: 'an in-toto link', check: checkLink }],
  [COSIGN_CUSTOM, { what: 'a custom predicate of cosign', check: checkCustom }],
]);

/** Types that other tools write with the version of the format behind it. */
const VERSIONED: readonly (readonly [pattern: RegExp, kind: Kind])[] = [
  [/^https:\/\/spdx\.dev\/Document\/v2(?:\.\d+)?$/, SPDX_2],
  [/^https:\/\/cyclonedx\.org\/bom\/v1\.\d+$/, CYCLONE_DX],
  [/^https:\/\/openvex\.dev\/ns\/v\d+(?:\.\d+)*$/, OPEN_VEX],
];

function kindOf(uri: string): Kind {
  return KINDS.get(uri) ?? VERSIONED.find(([pattern]) => pattern.test(uri))?.[1] ?? { what: `a predicate of the type ${quoted(uri)}`, check: () => undefined };
}

/**
 * Checks a predicate against its type, a short name or a URI. Of a type that is not known only an object is demanded:
 * cosign 3 can write nothing else. Throws ERR_PREDICATE_INVALID, which names the place and what was expected there.
 */
export function checkPredicate(type: string, value: JsonValue): Predicate {
  const predicateType = predicateTypeOf(type);
  const { what, check } = kindOf(predicateType);
  const root = new Shape(what, value);
  try {
    root.object();
    check(root);
  } catch (error) {
    throw withWhatItIs(error, predicateType, value);
  }
  return { predicateType, predicate: value as JsonObject };
}

/** A wrong file is told from a damaged one: "this is a report of Trivy" says more than that a member is missing. */
function withWhatItIs(error: unknown, predicateType: string, value: JsonValue): unknown {
  const found = recognize(value);
  if (!(error instanceof SealwardError) || found === undefined || found.predicateType === predicateType) return error;
  return new SealwardError('ERR_PREDICATE_INVALID', `${error.message}; it looks like ${found.what}`, { hint: found.hint, cause: error });
}

/** The predicate that cosign wraps around a file of any form. */
function checkCustom(root: Shape): void {
  if (root.at('Data').absent) root.at('Data').refuse('the content');
  root.at('Timestamp').time();
}
