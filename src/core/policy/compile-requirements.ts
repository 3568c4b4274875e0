/** What a policy asks for, from its shortcuts to requirements with conditions. */
import type { Node } from 'yaml';
import { APPROVAL, COSIGN_VULN, CYCLONEDX, predicateTypeOf, SLSA_V1, SLSA_V02, SPDX, TEST_RESULT } from '../bundle/index.ts';
import { LIMITS } from '../encoding/index.ts';
import { checkExpression } from './appraise/cel.ts';
import { digestOf } from './digest.ts';
import { type attestationShape, signaturesOf, type WrittenCombination, type policySpec } from './document-shapes.ts';
import type { Authority, Combination, Condition, Requirement, Severity } from './policy.ts';
import { type At, attempt, type ValueOf } from './shape.ts';
import type { Reading } from './yaml-source.ts';

type Spec = ValueOf<typeof policySpec>;
type Written = ValueOf<typeof attestationShape>;

/** Authorities by name; asking for one marks it as used. */
export type FindAuthority = (name: string, node: Node, reading: Reading) => Authority | undefined;

export function compileRequirements(spec: Spec, reading: Reading, find: FindAuthority, own: readonly string[]): Requirement[] {
  const requirements: Requirement[] = [];
  if (spec.refuse !== undefined) requirements.push({ kind: 'refusal', name: 'refusal', reason: spec.refuse });
  if (spec.signatures) {
    const { value, node } = spec.signatures;
    const { combination, maxLag } = signaturesOf(value, (message) => reading.problem(node, message));
    const compiled = combination && compileCombination({ value: combination, node }, reading, find, 0);
    if (compiled) requirements.push({ kind: 'signatures', name: 'signatures', combination: compiled, ...(maxLag === undefined ? {} : { latest: { maxLag } }) });
  }
  for (const attestation of spec.attestations ?? []) {
    const requirement = compileAttestation(attestation, reading, find, own);
    if (!requirement) continue;
    if (requirements.some(({ name }) => name === requirement.name)) {
      reading.problem(
        attestation.value.name?.node ?? attestation.node,
        `a second requirement has the name ${requirement.name}`,
        'Give each attestation a name of its own.',
      );
    }
    requirements.push(requirement);
  }
  const labels = (spec.labels ?? []).map(([key, value]) => ({ key, ...(value === true ? {} : { value }) }));
  if (spec.naming || labels.length > 0) {
    requirements.push({ kind: 'image', name: 'naming', repositories: spec.naming?.repositories ?? [], tags: spec.naming?.tags ?? [], labels });
  }
  return requirements;
}

function compileCombination({ value, node }: At<WrittenCombination>, reading: Reading, find: FindAuthority, depth: number): Combination | undefined {
  if (value.kind === 'authority') {
    const authority = find(value.authority as string, node, reading);
    return authority && { kind: 'authority', authority };
  }
  if (depth > 1) return reading.problem(node, 'groups may stand in a group, but not deeper');
  const of = value.of.map((part) => compileCombination(part, reading, find, depth + 1)).filter((part) => part !== undefined);
  const count = value.kind === 'allOf' ? value.of.length : value.kind === 'anyOf' ? 1 : (value.count as number);
  if (count > value.of.length) {
    return reading.problem(
      node,
      `${count} of ${value.of.length} can never be met`,
      'Name as many authorities as must sign; one that stands for several people may be named several times.',
    );
  }
  if (value.of.length > LIMITS.authoritiesPerPolicy) return reading.problem(node, `a group may have ${LIMITS.authoritiesPerPolicy} parts`);
  return of.length === value.of.length ? { kind: 'at-least', count, of } : undefined;
}

const SHORTCUTS = ['type', 'slsa', 'sbom', 'vulnerabilities', 'reproducible', 'approvals', 'tests'] as const;

function compileAttestation({ value, node }: At<Written>, reading: Reading, find: FindAuthority, own: readonly string[]): Requirement | undefined {
  const given = SHORTCUTS.filter((shortcut) => shortcut in value);
  const [kind] = given;
  if (given.length !== 1 || kind === undefined) return reading.problem(node, `exactly one of ${SHORTCUTS.join(', ')} must be given`);
  const from = authoritiesOf(value, node, reading, find, own);
  const shortcut = expand(kind, value, reading, find);
  const expressions = expressionsOf(value, reading);
  if (!from || !shortcut) return undefined;
  const conditions = [...shortcut.conditions, ...expressions];
  if (value.atLeast && shortcut.atLeast !== undefined) reading.problem(value.atLeast.node, `how many is said by ${kind} already`);
  return {
    kind: 'attestation',
    name: value.name?.value ?? kind,
    predicateTypes: shortcut.predicateTypes,
    from,
    atLeast: shortcut.atLeast ?? value.atLeast?.value ?? 1,
    conditions,
    ...(value.maxAge === undefined ? {} : { maxAge: value.maxAge }),
    ...(value.latest === undefined ? {} : { latest: value.latest }),
  };
}

function authoritiesOf(value: Written, node: Node, reading: Reading, find: FindAuthority, own: readonly string[]): Authority[] | undefined {
  if (!value.from) {
    const [only] = own;
    if (own.length !== 1 || only === undefined) return reading.problem(node, 'who must attest is not said', 'Give from: with the names of authorities.');
    const authority = find(only, node, reading);
    return authority && [authority];
  }
  const seen = new Set<string>();
  const found = value.from.map((one) => {
    if (seen.has(one.value)) reading.problem(one.node, `${one.value} stands twice`);
    seen.add(one.value);
    return find(one.value, one.node, reading);
  });
  const known = found.filter((authority) => authority !== undefined);
  return known.length === found.length ? known : undefined;
}

interface Expanded {
  readonly predicateTypes: readonly string[];
  readonly conditions: readonly Condition[];
  readonly atLeast?: number;
}

type Without<K> = K extends unknown ? Omit<K, 'id' | 'text'> : never;

function condition(text: string, rest: Without<Condition>): Condition {
  return { id: digestOf(rest), text, ...rest };
}

/** Undefined for what could not be read, which was told already. */
function expand(kind: (typeof SHORTCUTS)[number], written: Written, reading: Reading, find: FindAuthority): Expanded | undefined {
  const slsaTypes = [SLSA_V1, SLSA_V02];
  switch (kind) {
    case 'type': {
      if (!written.type) return undefined;
      const { value, node } = written.type;
      const type = attempt(() => predicateTypeOf(value), node, reading);
      return type === undefined ? undefined : { predicateTypes: [type], conditions: [] };
    }
    case 'slsa': {
      if (!written.slsa) return undefined;
      const { builders = [], sourceRepository, ref, level } = written.slsa.value;
      return {
        predicateTypes: slsaTypes,
        conditions: [
          condition('SLSA provenance', {
            kind: 'slsa',
            builders: builders.map((builder) => ('id' in builder ? builder : { id: builder })),
            ...(sourceRepository ? { sourceRepository } : {}),
            ...(ref ? { ref } : {}),
            ...(level === undefined ? {} : { level }),
          }),
        ],
      };
    }
    case 'sbom':
      return written.sbom && expandSbom(written.sbom, reading);
    case 'vulnerabilities': {
      if (!written.vulnerabilities) return undefined;
      const { maximum, fixableOnly = false, vex = [], ignored = [] } = written.vulnerabilities.value;
      const found = vex.map((one) => find(one.value, one.node, reading)).filter((authority) => authority !== undefined);
      const wanted: Severity | 'none' = maximum;
      return {
        predicateTypes: [COSIGN_VULN],
        conditions: [condition(`nothing worse than ${maximum}`, { kind: 'scan', maximum: wanted, fixableOnly, vex: found, ignored })],
      };
    }
    case 'reproducible': {
      if (!written.reproducible) return undefined;
      const { builders } = written.reproducible.value;
      return { predicateTypes: slsaTypes, conditions: [condition('a provenance with its builder', { kind: 'slsa', builders: [] })], atLeast: builders };
    }
    case 'approvals': {
      if (!written.approvals) return undefined;
      const { count, environment } = written.approvals.value;
      return {
        predicateTypes: [APPROVAL],
        conditions: [
          condition(environment === undefined ? 'approved' : `approved for ${environment}`, {
            kind: 'approval',
            ...(environment === undefined ? {} : { environment }),
          }),
        ],
        atLeast: count,
      };
    }
    case 'tests': {
      if (!written.tests) return undefined;
      const { required = [] } = written.tests.value;
      return {
        predicateTypes: [TEST_RESULT],
        conditions: [condition(required.length === 0 ? 'tests passed' : `passed: ${required.join(', ')}`, { kind: 'tests', required })],
      };
    }
  }
}

function expandSbom({ value, node }: NonNullable<Written['sbom']>, reading: Reading): Expanded {
  const { formats = [], licences, components } = value;
  if (licences && !licences.allowed && !licences.denied && licences.unknown === undefined)
    reading.problem(node, 'a rule about licences must allow or deny some');
  const both = licences?.allowed?.find((id) => licences.denied?.some((denied) => denied.toLowerCase() === id.toLowerCase()));
  if (both !== undefined) reading.problem(node, `the licence ${both} is both allowed and denied`);
  return {
    predicateTypes: [SPDX, CYCLONEDX].filter((type) => formats.length === 0 || formats.includes(type === SPDX ? 'spdx' : 'cyclonedx')),
    conditions: [
      condition('an SBOM', {
        kind: 'sbom',
        formats,
        ...(licences ? { licences: { allowed: licences.allowed ?? [], denied: licences.denied ?? [], unknown: licences.unknown ?? 'deny' } } : {}),
        ...(components ? { components: { required: components.required ?? [], denied: components.denied ?? [] } } : {}),
      }),
    ],
  };
}

function expressionsOf({ condition: one, conditions = [] }: Written, reading: Reading): Condition[] {
  return [...(one ? [one] : []), ...conditions].flatMap(({ value, node }) => {
    // Compiled here so that a mistake is found when the policy is read; the appraiser compiles its own.
    const sound = attempt(() => checkExpression(value), node, reading);
    return sound ? [condition(value, { kind: 'cel', expression: value })] : [];
  });
}
