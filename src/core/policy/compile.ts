/**
 * From documents to a policy set. All of it or nothing: whatever is wrong anywhere is a problem with its place, all
 * problems are found at once, and then there is no set.
 */
import { isMap, isScalar, type Node } from 'yaml';
import { quoted } from '../artifact/index.ts';
import { ALGORITHMS } from '../crypto/index.ts';
import { LIMITS } from '../encoding/index.ts';
import { type Anchors, joinAnchors } from '../trust/index.ts';
import { type CompiledAuthority, compileAuthority } from './compile-authority.ts';
import type { CompileContext, CompiledPolicies, PolicyProblem, PolicySource } from './compiled.ts';
import { compileRequirements } from './compile-requirements.ts';
import type { authorityShape } from './authority-shape.ts';
import { DOCUMENTS, type Kind, KINDS, type policySpec } from './document-shapes.ts';
import { digestOf } from './digest.ts';
import { contradiction } from './labels.ts';
import { textGlob } from './text-pattern.ts';
import type { DefaultRule, ImageException, ImagePolicy, LabelTerm, PolicySet, Scope, Strictness, TextPattern } from './policy.ts';
import type { At, ValueOf } from './shape.ts';
import { readSource, type Reading } from './yaml-source.ts';

type Spec = ValueOf<typeof policySpec>;
type PolicyDocument = ValueOf<(typeof DOCUMENTS)['ImagePolicy']>;
type ExceptionDocument = ValueOf<(typeof DOCUMENTS)['ImageException']>;

interface Found<T> {
  readonly document: T;
  readonly root: Node;
  readonly reading: Reading;
}

interface Collected {
  readonly policies: Found<PolicyDocument>[];
  /** Of those that could not be compiled, the names alone: that they are not there is not said on top of why. */
  readonly shared: Map<string, CompiledAuthority | undefined>;
  readonly exceptions: Found<ExceptionDocument>[];
  rule?: DefaultRule;
}

/** Compiles documents that somebody answers for: files of the command line, or those that the trust state's roles signed. */
export function compilePolicies(sources: readonly PolicySource[], context: CompileContext = {}): CompiledPolicies {
  const problems: PolicyProblem[] = [];
  const collected = collect(sources, problems, context);
  const policies = collected.policies.map((found) => compilePolicy(found, collected.shared, context, true));
  unique(policies, problems);
  const exceptions = collected.exceptions.map((found) => compileException(found, policies));
  if (problems.length > 0) return { ok: false, problems: sorted(problems) };
  return {
    ok: true,
    policies: setOf(
      policies.map((compiled) => compiled.policy),
      exceptions,
      collected.rule ?? { action: 'deny', stated: false },
      [...policies.map(({ anchors }) => anchors), ...anchorsOf(collected.shared)],
    ),
  };
}

/**
 * Compiles policies that nobody signed: objects of a namespace. Each holds in its own namespace and nowhere else, and may
 * only ask for more: no keys of its own, no exceptions, no default, and nothing that lets through what others refuse.
 */
export function compileNamespaced(source: PolicySource, namespace: string, context: Omit<CompileContext, 'readFile'> = {}): CompiledPolicies {
  const problems: PolicyProblem[] = [];
  if (source.text.length > LIMITS.namespacedPolicyBytes) {
    const message = `a policy of a namespace has at most ${LIMITS.namespacedPolicyBytes} bytes`;
    return { ok: false, problems: [{ source: source.name, line: 1, column: 1, code: 'ERR_TOO_LARGE', message }] };
  }
  const { policies: found } = collect([source], problems, context, (kind) => kind === 'ImagePolicy');
  const policies = found.map((one) => compilePolicy(one, new Map(), context, false, namespace));
  if (problems.length > 0) return { ok: false, problems: sorted(problems) };
  return {
    ok: true,
    policies: setOf(
      policies.map(({ policy }) => policy),
      [],
      { action: 'deny', stated: false },
      [],
    ),
  };
}

/** Adds what the namespaces ask for to a set; neither exceptions, nor the default, nor anchors change. */
export function withNamespaced(policies: PolicySet, namespaced: readonly ImagePolicy[]): PolicySet {
  return setOf([...policies.policies, ...namespaced], policies.exceptions, policies.defaultRule, [policies.anchors]);
}

/** Adds policies that somebody answers for, with what they bring; one that is there already, word for word, counts once. */
export function withMore(policies: PolicySet, more: PolicySet): PolicySet {
  const known = new Set(policies.policies.map(({ digest }) => digest));
  const added = more.policies.filter(({ digest }) => !known.has(digest));
  return setOf([...policies.policies, ...added], policies.exceptions, policies.defaultRule, [policies.anchors, more.anchors]);
}

function collect(
  sources: readonly PolicySource[],
  problems: PolicyProblem[],
  context: CompileContext,
  allowed: (kind: Kind) => boolean = () => true,
): Collected {
  const collected: Collected = { policies: [], shared: new Map(), exceptions: [] };
  for (const { root, reading } of sources.flatMap((source) => readSource(source, problems))) {
    const kind = kindOf(root, reading);
    if (!kind || !root) continue;
    if (!allowed(kind)) {
      reading.problem(
        root,
        `a document of the kind ${kind} counts only when the trust state's roles have signed it`,
        'Add it with `sealward trust policy` or `sealward trust except`.',
      );
      continue;
    }
    if (kind === 'ImagePolicy') take(collected.policies, DOCUMENTS.ImagePolicy.read(root, reading), root, reading);
    else if (kind === 'ImageException') take(collected.exceptions, DOCUMENTS.ImageException.read(root, reading), root, reading);
    else if (kind === 'Authorities') {
      for (const authority of DOCUMENTS.Authorities.read(root, reading)?.spec.authorities ?? []) define(collected.shared, authority, reading, context, true);
    } else {
      const action = DOCUMENTS.DefaultRule.read(root, reading)?.spec.action;
      if (action !== undefined && collected.rule) reading.problem(root, 'there is a DefaultRule already');
      if (action !== undefined) collected.rule = { action, stated: true };
    }
  }
  return collected;
}

function take<T>(list: Found<T>[], document: T | undefined, root: Node, reading: Reading): void {
  if (document) list.push({ document, root, reading });
}

function kindOf(root: Node | null, reading: Reading): Kind | undefined {
  const node = isMap(root) ? root.get('kind', true) : undefined;
  const value = isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
  const kind = KINDS.find((one) => one === value);
  if (kind) return kind;
  reading.problem(
    node ?? root,
    value === undefined ? 'this is no document of Sealward: kind is missing' : `documents of the kind ${quoted(value)} are not known`,
    value === undefined
      ? `A document begins with apiVersion and kind: ${KINDS.join(', ')}.`
      : `Known are ${KINDS.join(', ')}; \`sealward policy import\` reads those of other tools.`,
  );
  return undefined;
}

function define(
  into: Map<string, CompiledAuthority | undefined>,
  written: At<ValueOf<typeof authorityShape>>,
  reading: Reading,
  context: CompileContext,
  mayAnchor: boolean,
): void {
  const compiled = compileAuthority(written, reading, context, mayAnchor);
  const name = written.value.name.value;
  if (into.has(name)) reading.problem(written.node, `there is an authority ${name} already`);
  into.set(name, compiled);
}

function anchorsOf(authorities: ReadonlyMap<string, CompiledAuthority | undefined>): Anchors[] {
  return [...authorities.values()].flatMap((compiled) => (compiled ? [compiled.anchors] : []));
}

interface Compiled {
  readonly policy: ImagePolicy;
  readonly anchors: Anchors;
  readonly name: At<string>;
  readonly reading: Reading;
}

function compilePolicy(
  found: Found<PolicyDocument>,
  shared: ReadonlyMap<string, CompiledAuthority | undefined>,
  context: CompileContext,
  signed: boolean,
  within?: string,
): Compiled {
  const { document, root, reading } = found;
  const { name, namespace } = document.metadata;
  const spec = document.spec.value;
  const own = new Map<string, CompiledAuthority | undefined>();
  for (const authority of spec.authorities ?? []) define(own, authority, reading, context, signed);
  const used = new Set<string>();
  const requirements = compileRequirements(
    spec,
    reading,
    (wanted, node, at) => {
      const authority = (own.get(wanted) ?? shared.get(wanted))?.authority;
      if (!own.has(wanted) && !shared.has(wanted)) at.problem(node, `there is no authority ${wanted}`, known([...own.keys(), ...shared.keys()]));
      used.add(wanted);
      return authority;
    },
    [...own.keys()],
  );
  for (const [unused, compiled] of own)
    if (compiled && !used.has(unused))
      reading.problem(compiled.node, `nothing asks for the authority ${unused}`, 'Name it in signatures or in an attestation, or leave it out.');
  const asked = [spec.signatures, spec.attestations, spec.naming, spec.labels, spec.refuse];
  if (asked.every((one) => one === undefined))
    reading.problem(document.spec.node, 'this policy asks for nothing', 'Give signatures, attestations, naming, labels or refuse.');
  if (signed && namespace && spec.match?.value.namespaces)
    reading.problem(namespace.node, 'a policy of a namespace holds in that namespace alone', 'Leave out metadata.namespace, or match.namespaces.');
  if (!signed) checkUnsigned(spec, namespace, within, reading, root);
  const place = reading.place(root);
  const scope = scopeOf(spec.match, reading, namespace?.value ?? within);
  const policy: Omit<ImagePolicy, 'digest' | 'source'> = {
    name: name.value,
    ...(signed || within === undefined ? {} : { namespace: within }),
    scope,
    mode: spec.mode ?? 'enforce',
    modes: (spec.modes ?? []).map(([environment, mode]) => ({ environment, mode })),
    onInconclusive: spec.onInconclusive ?? 'deny',
    requirements,
    strictness: strictnessOf(spec, reading),
    pinTemplates: spec.pinTemplates ?? false,
    ...(spec.owner === undefined ? {} : { owner: spec.owner }),
    ...(spec.contact === undefined ? {} : { contact: spec.contact }),
    ...(spec.runbook === undefined ? {} : { runbook: spec.runbook }),
    ...(spec.message === undefined ? {} : { message: spec.message }),
  };
  return {
    policy: { ...policy, digest: digestOf(policy), source: `${place.source}:${place.line}` },
    anchors: joinAnchors(...anchorsOf(own)),
    name,
    reading,
  };
}

function known(names: readonly string[]): string {
  return names.length === 0 ? 'Define it in authorities, or in a document of the kind Authorities.' : `Known are ${[...new Set(names)].join(', ')}.`;
}

/** Whoever may write into a namespace asks for more there, and for nothing else. */
function checkUnsigned(spec: Spec, namespace: At<string> | undefined, within: string | undefined, reading: Reading, root: Node): void {
  if (namespace && namespace.value !== within) reading.problem(namespace.node, `it stands in the namespace ${within ?? ''}, and names another`);
  const match = spec.match?.value;
  if (match?.namespaces || match?.namespaceLabels)
    reading.problem(spec.match?.node ?? root, 'a policy of a namespace holds in that namespace alone', 'Leave out match.namespaces and match.namespaceLabels.');
}

function unique(policies: readonly Compiled[], problems: PolicyProblem[]): void {
  const seen = new Set<string>();
  for (const { name, reading } of policies) {
    if (seen.has(name.value)) problems.push({ ...reading.place(name.node), code: 'ERR_POLICY_INVALID', message: `there is a policy ${name.value} already` });
    seen.add(name.value);
  }
}

function scopeOf(written: Spec['match'], reading: Reading, namespace?: string): Scope {
  const match = written?.value;
  const { images = [], exclude = [], clusters = [], environments = [] } = match ?? {};
  const left = images.filter((image) => !exclude.some((excluded) => covers(excluded, image)));
  if (images.length > 0 && left.length === 0) {
    reading.problem(written?.node, 'what images takes in exclude takes out again, so that it can match nothing', 'Leave one of the two out.');
  }
  return {
    images,
    exclude,
    namespaces: namespace === undefined ? (match?.namespaces ?? []) : [textGlob(namespace)],
    namespaceLabels: termsOf(match?.namespaceLabels, reading),
    clusters,
    environments,
  };
}

/** Whether a pattern over images surely takes whatever another takes; of two patterns with stars within, nobody knows. */
function covers(wide: TextPattern, narrow: TextPattern): boolean {
  if (wide.text === narrow.text || wide.text === '**') return true;
  const start = wide.prefix ?? '';
  return wide.text === `${start}**` && start !== '' && (narrow.prefix ?? '').startsWith(start);
}

function termsOf(written: NonNullable<Spec['match']>['value']['namespaceLabels'], reading: Reading): readonly LabelTerm[] {
  if (!written) return [];
  const { matchLabels = [], matchExpressions = [] } = written.value;
  const terms = [
    ...matchLabels.map(([key, value]): LabelTerm => ({ key, operator: 'In', values: [value] })),
    ...matchExpressions.map(({ value, node }): LabelTerm => {
      const needs = value.operator === 'In' || value.operator === 'NotIn';
      if (needs !== (value.values !== undefined)) reading.problem(node, needs ? `${value.operator} needs values` : `${value.operator} takes no values`);
      return { key: value.key, operator: value.operator, values: value.values ?? [] };
    }),
  ];
  if (terms.length === 0) reading.problem(written.node, 'namespaceLabels says nothing');
  const never = contradiction(terms);
  if (never) reading.problem(written.node, `no namespace can have labels as these terms ask of ${never.key}`);
  return terms;
}

const DATED = {
  log: { logs: 1, timestamps: 0, any: 0 },
  timestamp: { logs: 0, timestamps: 1, any: 0 },
  either: { logs: 0, timestamps: 0, any: 1 },
  both: { logs: 1, timestamps: 1, any: 0 },
} as const;

function strictnessOf({ strictness }: Spec, reading: Reading): Strictness {
  const {
    algorithms = [],
    minimumKeySize = {},
    hashes = [],
    postQuantum = 'off',
    dated,
    maxAge,
    minAge,
    repositoryClaim,
    annotations = [],
    suspended = 'hold',
    compromised = 'deny',
  } = strictness?.value ?? {};
  for (const { value, node } of algorithms) {
    if (!ALGORITHMS.some(({ id }) => id === value))
      reading.problem(
        node,
        `the algorithm ${quoted(value)} is not known`,
        `Known are ${ALGORITHMS.filter(({ deprecated }) => !deprecated)
          .map(({ id }) => id)
          .join(', ')}.`,
      );
  }
  if (maxAge !== undefined && minAge !== undefined && minAge > maxAge)
    reading.problem(strictness?.node, 'a signature can never be older than minAge and younger than maxAge');
  const claim = repositoryClaim?.value ?? {};
  if ((claim.rule === 'prefix') !== (claim.prefix !== undefined)) reading.problem(repositoryClaim?.node, 'the rule prefix and a prefix belong together');
  if (postQuantum === 'require' && algorithms.length > 0 && !algorithms.some(({ value }) => value.startsWith('ml-dsa'))) {
    reading.problem(algorithms[0]?.node, 'a post-quantum signature is required, and no post-quantum algorithm is allowed');
  }
  return {
    algorithms: algorithms.map(({ value }) => value),
    minimumBits: {
      ...(minimumKeySize.rsa === undefined ? {} : { rsa: minimumKeySize.rsa }),
      ...(minimumKeySize.ecdsa === undefined ? {} : { ecdsa: minimumKeySize.ecdsa }),
    },
    hashes,
    postQuantum,
    dated: typeof dated === 'string' ? DATED[dated] : { logs: dated?.logs ?? 0, timestamps: dated?.timestamps ?? 0, any: dated?.any ?? 0 },
    ...(maxAge === undefined ? {} : { maxAge }),
    ...(minAge === undefined ? {} : { minAge }),
    repositoryClaim: {
      rule: claim.rule ?? 'unless-claimed',
      ...(claim.prefix === undefined ? {} : { prefix: claim.prefix }),
      mirrors: claim.mirrors ?? [],
      tag: claim.tag ?? false,
    },
    annotations: annotations.map(([key, value]) => ({ key, value })),
    suspended,
    compromised,
  };
}

function compileException({ document, root, reading }: Found<ExceptionDocument>, policies: readonly Compiled[]): ImageException {
  const { value: spec, node } = document.spec;
  if (spec.until < spec.from) reading.problem(node, 'it ends before it begins');
  if (!spec.match?.value.images && !spec.digests) reading.problem(node, 'an exception must name images or digests', 'Give match.images or digests.');
  for (const { value: name, node: at } of spec.policies ?? []) {
    if (!policies.some(({ policy }) => policy.name === name))
      reading.problem(at, `there is no policy ${name}`, 'The exception names one that it lifts; check the spelling.');
  }
  const place = reading.place(root);
  return {
    name: document.metadata.name.value,
    source: `${place.source}:${place.line}`,
    scope: scopeOf(spec.match, reading),
    digests: spec.digests ?? [],
    policies: (spec.policies ?? []).map(({ value }) => value),
    reason: spec.reason,
    ...(spec.ticket === undefined ? {} : { ticket: spec.ticket }),
    approvedBy: spec.approvedBy,
    window: { from: spec.from, to: spec.until },
  };
}

/** By digest, so that the order of files and documents changes nothing. */
function setOf(policies: readonly ImagePolicy[], exceptions: readonly ImageException[], defaultRule: DefaultRule, anchors: readonly Anchors[]): PolicySet {
  const all = [...policies].sort((a, b) => (a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0));
  const lifted = exceptions
    .map((exception) => ({ exception, digest: digestOf({ ...exception, source: undefined }) }))
    .sort((a, b) => (a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0));
  return {
    digest: digestOf({ policies: all.map(({ digest }) => digest), exceptions: lifted.map(({ digest }) => digest), defaultRule }),
    policies: all,
    exceptions: lifted.map(({ exception }) => exception),
    defaultRule,
    anchors: distinct(joinAnchors(...anchors)),
  };
}

function distinct({ keys, authorities, logs, certificateLogs, timestampAuthorities }: Anchors): Anchors {
  const once = <T extends { readonly id: string }>(list: readonly T[]): T[] => [...new Map(list.map((anchor) => [anchor.id, anchor])).values()];
  return {
    keys: once(keys),
    authorities: once(authorities),
    logs: once(logs),
    certificateLogs: once(certificateLogs),
    timestampAuthorities: once(timestampAuthorities),
  };
}

function sorted(problems: readonly PolicyProblem[]): PolicyProblem[] {
  const bySource = (a: PolicyProblem, b: PolicyProblem): number =>
    a.source < b.source ? -1 : a.source > b.source ? 1 : a.line - b.line || a.column - b.column;
  return [...problems].sort(bySource).slice(0, LIMITS.policyProblems);
}
