/** Scan records: what was found that is worse than allowed, and what VEX statements take off that list. */
import { type loadPredicates, OPENVEX, type Statement } from '../../bundle/index.ts';
import { type JsonValue, memberOf, stringOf } from '../../encoding/index.ts';
import { SealwardError } from '../../errors.ts';
import type { Condition, Severity } from '../policy.ts';
import { type Appraisal, type Excuse, fails, HOLDS, inconclusive, type ScanFinding } from './appraisal.ts';
import { withoutVersion } from './sbom.ts';

type Predicates = Awaited<ReturnType<typeof loadPredicates>>;

/** Nobody knows how bad an unknown one is, so it counts as the worst. */
const RANK: Readonly<Record<Severity | 'none', number>> = { none: 0, negligible: 1, low: 2, medium: 3, high: 4, critical: 5, unknown: 5 };

/** Findings that are kept for VEX to excuse; of more the first. */
const LISTED = 1000;

export function appraiseScan({ predicate }: Statement, condition: Extract<Condition, { kind: 'scan' }>, predicates: Predicates): Appraisal {
  try {
    const all = predicates.listVulnerabilities(predicate);
    if (!all) return inconclusive('its report is of a scanner that is not known');
    // No scan record is without it.
    const at = { statedAt: timeOf(memberOf(memberOf(predicate, 'metadata'), 'scanFinishedOn'), predicates) as number };
    const findings = all
      .filter(({ severity, fixable, names }) => {
        if (RANK[severity] <= RANK[condition.maximum]) return false;
        if (condition.fixableOnly && fixable === false) return false;
        return !names.some((name) => condition.ignored.some((ignored) => sameName(ignored, name)));
      })
      .map(({ names, severity, component }): ScanFinding => ({ names, severity, ...(component === undefined ? {} : { component }) }));
    if (findings.length === 0) return { ...HOLDS, ...at };
    const listed = findings.slice(0, LISTED);
    const detail = `it lists ${describeFindings(findings)}`;
    // More than can be listed can also not be excused one by one.
    return findings.length > LISTED ? { ...fails(detail), ...at } : { value: 'fails', detail, findings: listed, ...at };
  } catch (error) {
    if (error instanceof SealwardError && error.family === 'InputError') return inconclusive(error.message.slice(0, 300));
    throw error;
  }
}

export function describeFindings(findings: readonly ScanFinding[]): string {
  const shown = findings.slice(0, 3).map(({ names, severity, component }) => `${names[0] ?? 'a finding'} (${severity}${component ? ` in ${component}` : ''})`);
  const more = findings.length - shown.length;
  return `${shown.join(', ').slice(0, 400)}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The findings that no statement excuses. */
export function withoutExcused(findings: readonly ScanFinding[], excuses: readonly Excuse[]): ScanFinding[] {
  return findings.filter((finding) => !excuses.some((excuse) => excused(finding, excuse)));
}

function excused({ names, component }: ScanFinding, excuse: Excuse): boolean {
  if (!names.some((name) => excuse.names.some((other) => sameName(name, other)))) return false;
  if (excuse.components.length === 0) return true;
  return component !== undefined && excuse.components.some((other) => other === component || other === withoutVersion(component));
}

/** Names of vulnerabilities are compared without regard to case: CVE-2026-1, cve-2026-1. */
function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** What a VEX document takes off the lists of scanners, for the subject of its own statement (openvex/spec OPENVEX-SPEC.md 0.2.0). */
export function appraiseVex(statement: Statement, predicates: Predicates): Appraisal {
  if (statement.predicateType !== OPENVEX && !statement.predicateType.startsWith(`${OPENVEX}/`)) return inconclusive('it is no OpenVEX document');
  try {
    predicates.checkPredicate(statement.predicateType, statement.predicate);
  } catch (error) {
    if (error instanceof SealwardError && error.family === 'InputError') return inconclusive(error.message.slice(0, 300));
    throw error;
  }
  // No such document is without it.
  const written = timeOf(memberOf(statement.predicate, 'timestamp'), predicates) as number;
  const said = (memberOf(statement.predicate, 'statements') as JsonValue[])
    .flatMap((item, order) =>
      readVexStatement(item, statement).map((one) => ({ ...one, order, at: timeOf(memberOf(item, 'timestamp'), predicates) ?? written })),
    )
    // "the latest statement": by its own time, and of one time the one that stands last.
    .sort((a, b) => b.at - a.at || b.order - a.order);
  const excuses = said.filter((one, i) => {
    if (one.status !== 'not_affected' && one.status !== 'fixed') return false;
    return !said.slice(0, i).some((later) => later.status !== one.status && overlaps(later, one));
  });
  return {
    value: 'holds',
    excuses: excuses.map(({ names, status, components }) => ({ names, status: status as Excuse['status'], components })),
    statedAt: written,
  };
}

interface VexStatement {
  readonly names: readonly string[];
  readonly status: string;
  readonly components: readonly string[];
}

function overlaps(a: VexStatement, b: VexStatement): boolean {
  if (!a.names.some((name) => b.names.some((other) => sameName(name, other)))) return false;
  return a.components.length === 0 || b.components.length === 0 || a.components.some((component) => b.components.includes(component));
}

function readVexStatement(item: JsonValue, statement: Statement): VexStatement[] {
  const vulnerability = memberOf(item, 'vulnerability');
  const aliases = memberOf(vulnerability, 'aliases');
  const names = [
    stringOf(vulnerability),
    stringOf(memberOf(vulnerability, 'name')),
    lastPart(stringOf(memberOf(vulnerability, '@id'))),
    ...(Array.isArray(aliases) ? aliases.map(stringOf) : []),
  ];
  const known = names.filter((name) => name !== undefined);
  const status = stringOf(memberOf(item, 'status')) as string;
  const products = memberOf(item, 'products');
  // "Data Inheritance": without products, the subject of the attestation is the product.
  if (!Array.isArray(products) || products.length === 0) return [{ names: known, status, components: [] }];
  return products.filter((product) => isSubject(product, statement)).map((product) => ({ names: known, status, components: subcomponents(product) }));
}

/** Some documents name a vulnerability by the address of its page. */
function lastPart(id: string | undefined): string | undefined {
  return id?.slice(id.lastIndexOf('/') + 1);
}

/** Whether a product is the image: by its digest, or, where the product names none, by the name of the image in a package URL. */
function isSubject(product: JsonValue, { subjects }: Statement): boolean {
  const identifiers = memberOf(product, 'identifiers');
  const hashes = memberOf(product, 'hashes');
  const values = (value: JsonValue | undefined): string[] =>
    value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.values(value).filter((one) => typeof one === 'string') : [];
  const ids = [stringOf(product), stringOf(memberOf(product, '@id')), ...values(identifiers)].filter((id) => id !== undefined);
  const digests = subjects.flatMap(({ digest }) => Object.values(digest));
  if ([...ids, ...values(hashes)].some((id) => digests.some((hex) => id.includes(hex)))) return true;
  const bare = ids
    .filter((id) => id.startsWith('pkg:oci/') && !id.includes('@') && !id.includes('%40'))
    .map((id) => withoutVersion(id).slice('pkg:oci/'.length));
  return subjects.some(({ name }) => name !== undefined && bare.some((product) => product === imageName(name)));
}

function imageName(reference: string): string {
  const last = reference.slice(reference.lastIndexOf('/') + 1);
  return last.split(/[:@]/, 1)[0] as string;
}

function subcomponents(product: JsonValue): string[] {
  const list = memberOf(product, 'subcomponents');
  if (!Array.isArray(list)) return [];
  return list.map((item) => stringOf(item) ?? stringOf(memberOf(item, '@id'))).filter((id) => id !== undefined);
}

function timeOf(value: JsonValue | undefined, { parseTime }: Predicates): number | undefined {
  return typeof value === 'string' ? parseTime(value) : undefined;
}
