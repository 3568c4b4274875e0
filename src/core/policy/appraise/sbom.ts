/** SBOMs in SPDX 2 and CycloneDX: that there is one, with which licences and components. */
import type { Statement } from '../../bundle/index.ts';
import { type JsonValue, LIMITS, memberOf, stringOf } from '../../encoding/index.ts';
import type { Condition } from '../policy.ts';
import { type Appraisal, fails, HOLDS, inconclusive } from './appraisal.ts';
import { judgeLicence, type Verdict } from './licence.ts';

interface Component {
  /** For people: name and version. */
  readonly label: string;
  /** The package URL, where the document has one, else name@version. */
  readonly id: string;
  readonly licences: readonly string[];
}

type SbomCondition = Extract<Condition, { kind: 'sbom' }>;

export function appraiseSbom({ predicate }: Statement, condition: SbomCondition): Appraisal {
  const format =
    stringOf(memberOf(predicate, 'bomFormat')) === 'CycloneDX'
      ? 'cyclonedx'
      : stringOf(memberOf(predicate, 'spdxVersion'))?.startsWith('SPDX-')
        ? 'spdx'
        : undefined;
  if (format === undefined) return inconclusive('it is neither an SBOM in SPDX 2 nor one in CycloneDX');
  if (condition.formats.length > 0 && !condition.formats.includes(format)) return fails(`it is in ${format}, wanted was ${condition.formats.join(' or ')}`);
  const components = format === 'spdx' ? spdxPackages(predicate) : cycloneDxComponents(predicate);
  // An SBOM that lists nothing satisfies every rule about what it lists.
  if (components.length === 0) return fails('it lists no component');
  return checkComponents(components, condition) ?? checkLicences(components, condition) ?? HOLDS;
}

function checkComponents(components: readonly Component[], { components: rule }: SbomCondition): Appraisal | undefined {
  if (!rule) return undefined;
  const names = components.map(({ id, label }) => [id, withoutVersion(id), label]);
  const denied = components.find((_, i) => rule.denied.some((pattern) => names[i]?.some((name) => pattern.matches(name))));
  if (denied) return fails(`it lists ${denied.label.slice(0, 200)}, which is not allowed`);
  // A pattern matches nothing that is longer: a denied component must not pass by a name of excess length.
  const long = rule.denied.length > 0 && components.find((_, i) => names[i]?.some((name) => name.length > LIMITS.matchedLength));
  if (long) return fails(`it lists ${long.label.slice(0, 200)}, whose name is longer than ${LIMITS.matchedLength} characters: no rule can be held against it`);
  const missing = rule.required.find((pattern) => !names.some((some) => some.some((name) => pattern.matches(name))));
  return missing ? fails(`it does not list ${missing.text}`) : undefined;
}

function checkLicences(components: readonly Component[], { licences: rule }: SbomCondition): Appraisal | undefined {
  if (!rule) return undefined;
  for (const { label, licences } of components) {
    const verdicts: Verdict[] = licences.map((licence) => judgeLicence(licence, rule));
    const verdict: Verdict = verdicts.includes('denied') ? 'denied' : verdicts.length === 0 || verdicts.includes('unknown') ? 'unknown' : 'allowed';
    if (verdict === 'denied') return fails(`${label.slice(0, 200)} has the licence ${licences.join(', ').slice(0, 200)}, which is not allowed`);
    if (verdict === 'unknown' && rule.unknown === 'deny') return fails(`the licence of ${label.slice(0, 200)} is not known`);
  }
  return undefined;
}

function spdxPackages(predicate: JsonValue): Component[] {
  const packages = memberOf(predicate, 'packages');
  if (!Array.isArray(packages)) return [];
  return packages.map((item) => {
    const refs = memberOf(item, 'externalRefs');
    const purl = Array.isArray(refs) ? refs.find((ref) => stringOf(memberOf(ref, 'referenceType')) === 'purl') : undefined;
    // 7.13 and 7.15: the concluded licence is what somebody found out, the declared one what the authors say.
    const stated = [stringOf(memberOf(item, 'licenseConcluded')), stringOf(memberOf(item, 'licenseDeclared'))].find(
      (licence) => licence !== undefined && licence !== 'NOASSERTION' && licence !== '',
    );
    return component(
      stringOf(memberOf(item, 'name')),
      stringOf(memberOf(item, 'versionInfo')),
      stringOf(memberOf(purl, 'referenceLocator')),
      stated === undefined ? [] : [stated],
    );
  });
}

function cycloneDxComponents(predicate: JsonValue): Component[] {
  const found: Component[] = [];
  // As deep as JSON may be that was read.
  const visit = (list: JsonValue | undefined): void => {
    if (!Array.isArray(list)) return;
    for (const item of list) {
      const licences = memberOf(item, 'licenses');
      found.push(
        component(
          stringOf(memberOf(item, 'name')),
          stringOf(memberOf(item, 'version')),
          stringOf(memberOf(item, 'purl')),
          Array.isArray(licences) ? licences.map(cycloneDxLicence) : [],
        ),
      );
      visit(memberOf(item, 'components'));
    }
  };
  visit(memberOf(predicate, 'components'));
  return found;
}

function cycloneDxLicence(choice: JsonValue): string {
  const licence = memberOf(choice, 'license');
  return stringOf(memberOf(choice, 'expression')) ?? stringOf(memberOf(licence, 'id')) ?? stringOf(memberOf(licence, 'name')) ?? 'NOASSERTION';
}

function component(name = '', version: string | undefined, purl: string | undefined, licences: readonly string[]): Component {
  const label = version === undefined || version === '' ? name : `${name}@${version}`;
  return { label, id: purl ?? label, licences };
}

/** `pkg:npm/left-pad@1.3.0?arch=x` to `pkg:npm/left-pad` (package-url specification: version, qualifiers, subpath). */
export function withoutVersion(id: string): string {
  const bare = id.split(/[?#]/, 1)[0] as string;
  const at = bare.lastIndexOf('@');
  return at > bare.lastIndexOf('/') && at > 0 ? bare.slice(0, at) : bare;
}
