/** What a JSON document is, by its shape: so that a wrong file is called by its name, and a right one needs no flag. */
import type { JsonObject, JsonValue } from '../../encoding/index.ts';
import { COSIGN_VULN, CYCLONEDX, OPENVEX, SLSA_V02, SLSA_V1, SPDX, SPDX_V3 } from '../predicate-types.ts';

export type DocumentName = 'trivy' | 'grype' | 'sarif' | 'cosign-vuln' | 'spdx-2' | 'spdx-3' | 'cyclonedx' | 'provenance' | 'openvex' | 'other';

export interface Recognized {
  readonly name: DocumentName;
  /** With its article: "a report of Trivy". */
  readonly what: string;
  /** What to do with it where it is not what was wanted. */
  readonly hint: string;
  /** The type of predicate that it is as it stands. */
  readonly predicateType?: string;
}

const SCAN = 'Attest to it with --scan FILE.';
const SBOM = 'Attest to it with --sbom FILE.';
const NOT_READ = 'Reports of Trivy and Grype are read in their own JSON, those of every other scanner as SARIF';

const isObject = (value: JsonValue | undefined): value is JsonObject => value !== null && typeof value === 'object' && !Array.isArray(value);
const startsWith = (value: JsonValue | undefined, start: string): boolean => typeof value === 'string' && value.startsWith(start);
/** Members are asked for by name alone, so what a document inherits from Object.prototype must not count. */
const own = (object: JsonObject, name: string): JsonValue | undefined => (Object.hasOwn(object, name) ? object[name] : undefined);

type Test = (member: (name: string) => JsonValue | undefined) => boolean;

const SHAPES: readonly (readonly [test: Test, found: Recognized])[] = [
  [(at) => startsWith(at('bomFormat'), 'CycloneDX'), { name: 'cyclonedx', what: 'a CycloneDX SBOM', hint: SBOM, predicateType: CYCLONEDX }],
  [(at) => startsWith(at('spdxVersion'), 'SPDX-'), { name: 'spdx-2', what: 'an SPDX 2 SBOM', hint: SBOM, predicateType: SPDX }],
  [
    (at) =>
      startsWith(at('@context'), 'https://spdx.org/rdf/3.') || (Array.isArray(at('@context')) && JSON.stringify(at('@context')).includes('spdx.org/rdf/3.')),
    { name: 'spdx-3', what: 'an SPDX 3 document', hint: `${SBOM.slice(0, -1)}, or with --type ${SPDX_V3}.`, predicateType: SPDX_V3 },
  ],
  [
    (at) => startsWith(at('@context'), 'https://openvex.dev/ns'),
    { name: 'openvex', what: 'an OpenVEX document', hint: 'Attest to it with --type openvex.', predicateType: OPENVEX },
  ],
  [
    (at) => isObject(at('scanner')) && isObject(at('metadata')) && at('buildType') === undefined,
    { name: 'cosign-vuln', what: 'a scan record of cosign', hint: 'Attest to it with --type vuln.', predicateType: COSIGN_VULN },
  ],
  [
    (at) => typeof at('SchemaVersion') === 'number' && (at('ArtifactName') ?? at('Results')) !== undefined,
    { name: 'trivy', what: 'a report of Trivy', hint: SCAN },
  ],
  [(at) => Array.isArray(at('matches')) && isObject(at('descriptor')), { name: 'grype', what: 'a report of Grype', hint: SCAN }],
  [(at) => typeof at('version') === 'string' && Array.isArray(at('runs')), { name: 'sarif', what: 'a SARIF report', hint: SCAN }],
  [
    (at) => isObject(at('buildDefinition')) && isObject(at('runDetails')),
    { name: 'provenance', what: 'a SLSA v1 provenance', hint: 'Attest to it with --type slsaprovenance1.', predicateType: SLSA_V1 },
  ],
  [
    (at) => isObject(at('builder')) && typeof at('buildType') === 'string',
    { name: 'provenance', what: 'a SLSA v0.2 provenance', hint: 'Attest to it with --type slsaprovenance02.', predicateType: SLSA_V02 },
  ],
  [
    (at) => Array.isArray(at('artifacts')) && (isObject(at('schema')) || isObject(at('descriptor'))),
    other(
      "an SBOM in Syft's own JSON",
      'That form is neither SPDX nor CycloneDX: run `syft convert FILE -o spdx-json=sbom.json`, or `syft IMAGE -o cyclonedx-json=sbom.json`.',
    ),
  ],
  [
    (at) => startsWith(at('_type'), 'https://in-toto.io/Statement/'),
    other('a whole in-toto statement', 'Give only its member "predicate"; the statement around it is made anew.'),
  ],
  [
    (at) => typeof at('payloadType') === 'string' && typeof at('payload') === 'string',
    other('a signed envelope', 'It is an attestation already: verify it with `sealward verify-blob-attestation`.'),
  ],
  [
    (at) => startsWith(at('mediaType'), 'application/vnd.dev.sigstore.bundle'),
    other('a Sigstore bundle', 'It is signed already: look at it with `sealward inspect`.'),
  ],
  [
    (at) => Array.isArray(at('vulnerabilities')) && (at('packageManager') ?? at('projectName') ?? at('ok')) !== undefined,
    other('a report of Snyk', `${NOT_READ}: \`snyk container test IMAGE --sarif-file-output=report.sarif\`.`),
  ],
  [(at) => at('auditReportVersion') !== undefined, other('a report of npm audit', `${NOT_READ}.`)],
  [(at) => Array.isArray(at('results')) && at('experimental_config') !== undefined, osvScanner()],
  [(at) => osvResults(at('results')), osvScanner()],
  [(at) => at('manifest_hash') !== undefined && isObject(at('vulnerabilities')), other('a report of Clair', `${NOT_READ}.`)],
  [(at) => isObject(at('scan')) && Array.isArray(at('vulnerabilities')), other('a security report of GitLab', `${NOT_READ}.`)],
  [(at) => isObject(at('document')) && isObject(at('product_tree')), other('a CSAF document', 'VEX is read as OpenVEX: `vexctl` makes it of CSAF.')],
  [
    (at) => typeof at('ClusterName') === 'string' && at('Resources') !== undefined,
    other('a report of Trivy about a cluster', 'Scan the image: `trivy image --format json --output report.json IMAGE`.'),
  ],
];

function other(what: string, hint: string): Recognized {
  return { name: 'other', what, hint };
}

function osvScanner(): Recognized {
  return other('a report of OSV-Scanner', `${NOT_READ}: \`osv-scanner scan image --format sarif --output report.sarif IMAGE\`.`);
}

function osvResults(results: JsonValue | undefined): boolean {
  const first = Array.isArray(results) ? results[0] : undefined;
  return isObject(first) && isObject(own(first, 'source')) && Array.isArray(own(first, 'packages'));
}

/** Undefined for what has no shape that is known. */
export function recognize(value: JsonValue): Recognized | undefined {
  if (Array.isArray(value)) {
    const first = value[0];
    const old = isObject(first) && typeof own(first, 'Target') === 'string';
    return old
      ? other('a report of Trivy before version 0.20', 'Scan again with a current Trivy: `trivy image --format json --output report.json IMAGE`.')
      : undefined;
  }
  if (!isObject(value)) return undefined;
  return SHAPES.find(([test]) => test((name) => own(value, name)))?.[1];
}
