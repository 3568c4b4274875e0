/** Kyverno's verifyImages rules (kyverno.io/v1 and v2beta1 ClusterPolicy and Policy): one policy for each entry. */
import type { JsonObject, JsonValue } from '../../encoding/index.ts';
import { type Foreign, refused, refuseOthers } from './foreign.ts';
import { entryAuthorities, type EntryAuthority } from './kyverno-attestor.ts';
import { conditionsOf } from './kyverno-conditions.ts';
import { allOf, exactly, plainName, wildcardPattern, type WrittenPolicy, writePolicy } from './written.ts';

export function importKyvernoPolicy(document: Foreign): JsonObject[] {
  const policy = plainName(document.at('metadata', 'name').textOrEmpty());
  const namespace = document.at('kind').text() === 'Policy' ? document.at('metadata', 'namespace').text() : undefined;
  const spec = document.at('spec');
  return spec.at('rules').items.flatMap((rule) => {
    if (!rule.at('verifyImages').isThere) {
      rule.note('not-mapped', 'it is no rule about signatures');
      return [];
    }
    const scope = scopeOf(rule, namespace);
    return rule
      .at('verifyImages')
      .items.map((verify, i) => importVerifyImages(verify, plainName(policy, rule.at('name').text() ?? 'rule', i), modeOf(verify, spec), scope));
  });
}

function modeOf(verify: Foreign, spec: Foreign): 'enforce' | 'audit' {
  const given = [verify.at('failureAction'), spec.at('validationFailureAction')].find((one) => one.isThere);
  given?.note('mapped');
  const overrides = spec.at('validationFailureActionOverrides');
  overrides.noteWhereThere('different', 'here the strictest of its actions holds in every namespace');
  const actions = [...(given ? [given] : []), ...overrides.items.map((one) => one.at('action'))];
  // Kyverno's own default is to audit.
  return actions.every((action) => action.text()?.toLowerCase() === 'audit') ? 'audit' : 'enforce';
}

/** Where it holds. What only narrows a rule there and is not known here is left out: then it holds in more places, never in fewer. */
function scopeOf(rule: Foreign, namespace: string | undefined): NonNullable<WrittenPolicy['match']> {
  rule.at('exclude').noteWhereThere('different', 'here it also holds for what was excluded; exclude images with match.exclude');
  for (const member of ['preconditions', 'celPreconditions']) rule.at(member).noteWhereThere('different', 'here it holds without them');
  rule.at('context').noteWhereThere('not-mapped', 'nothing is looked up while an image waits: write the values into the policy');
  if (namespace !== undefined) return { namespaces: [exactly(namespace)] };
  const clauses = [
    ...rule.at('match', 'any').items,
    ...rule.at('match', 'all').items,
    ...(rule.at('match', 'resources').isThere ? [rule.at('match')] : []),
  ].map((clause) => clause.at('resources'));
  const namespaces = clauses.map((clause) => clause.at('namespaces').texts());
  for (const clause of clauses) {
    for (const [name, member] of clause.members)
      if (!['kinds', 'namespaces', 'operations'].includes(name)) member.note('different', 'here it holds whatever these are');
  }
  if (clauses.length > 0 && namespaces.every((list) => list.length > 0) && !rule.at('match', 'all').isThere) {
    for (const clause of clauses) clause.at('namespaces').note('mapped');
    return { namespaces: [...new Set(namespaces.flat())].map(wildcardPattern) };
  }
  return {};
}

const KNOWN = [
  'type',
  'imageReferences',
  'skipImageReferences',
  'attestors',
  'attestations',
  'required',
  'mutateDigest',
  'verifyDigest',
  'repository',
  'imageRegistryCredentials',
  'useCache',
  'cosignOCI11',
  'failureAction',
];

function importVerifyImages(verify: Foreign, name: string, mode: 'enforce' | 'audit', scope: NonNullable<WrittenPolicy['match']>): JsonObject {
  const refuse: string[] = [];
  const type = verify.at('type').text();
  if (type !== undefined && !['Cosign', 'SigstoreBundle'].includes(type))
    refuse.push(refused(verify.at('type'), `signatures of the type ${type} are not read`));
  const images = verify.at('imageReferences').items.flatMap((one) => imagePattern(one, one.textOrEmpty(), 'widen'));
  const exclude = verify.at('skipImageReferences').items.flatMap((one) => imagePattern(one, one.textOrEmpty(), 'keep'));
  const known: EntryAuthority[] = [];
  const groups = verify.at('attestors').items.map((set) => groupOf(set, known, refuse));
  const attestations = verify.at('attestations').items.flatMap((one) => attestationsOf(one, verify.at('attestors').items, known, refuse));
  for (const member of ['required', 'mutateDigest', 'verifyDigest']) {
    if (verify.at(member).value === false) verify.at(member).note('different', 'here it always is so');
    else verify.at(member).noteWhereThere('mapped');
  }
  if (verify.at('repository').isThere) refuse.push(refused(verify.at('repository'), 'signatures are looked for beside the image'));
  verify.at('imageRegistryCredentials').noteWhereThere('not-mapped', 'credentials are given to the webhook, not to a policy');
  verify.at('useCache').noteWhereThere('different', 'a decision is never cached');
  verify.at('cosignOCI11').noteWhereThere('different', 'signatures are looked for in every place where they are attached');
  // `image`, `key`, `issuer` and the like, from before there were attestors, would be asked for on top of those.
  refuse.push(...refuseOthers(verify, KNOWN));
  if (groups.length === 0 && attestations.length === 0 && refuse.length === 0) refuse.push('it names no attestor');
  return writePolicy({
    name,
    mode,
    match: { ...scope, images, exclude },
    authorities: known.map(({ authority }) => authority),
    signatures: allOf(groups.map(signatureOf)),
    attestations,
    strictness: { ...(known.some(({ logged }) => logged) ? { dated: { logs: 1 } } : {}), ...annotationsOf(known, refuse), repositoryClaim: { rule: 'any' } },
    refuse,
  });
}

/** Signed annotations are asked for of a whole policy here, so they can be carried over where one authority has them. */
function annotationsOf(known: readonly EntryAuthority[], refuse: string[]): JsonObject {
  const first = known.find(({ annotations }) => Object.keys(annotations).length > 0);
  if (!first) return {};
  if (known.length > 1) refuse.push('annotations of one attestor among several cannot be asked for');
  return { annotations: Object.fromEntries(Object.entries(first.annotations).map(([key, value]) => [key, exactly(value)])) };
}

interface Group {
  readonly atLeast: number;
  readonly of: readonly string[];
}

/** `count` of `entries`, all when it is not said. */
function groupOf(set: Foreign, known: EntryAuthority[], refuse: string[]): Group {
  const before = refuse.length;
  const of = set.at('entries').items.flatMap((entry) => {
    const found = entryAuthorities(entry);
    if (typeof found === 'string') {
      refuse.push(found);
      return [];
    }
    return found.map((one) => {
      const same = known.find((other) => JSON.stringify({ ...other, authority: { ...other.authority, name: '' } }) === JSON.stringify(one));
      if (same) return same.authority.name as string;
      const named = { ...one, authority: { ...one.authority, name: plainName('attestor', known.length + 1) } };
      known.push(named);
      return named.authority.name;
    });
  });
  const atLeast = set.at('count').value ?? of.length;
  set.at('count').noteWhereThere('mapped');
  if (typeof atLeast === 'number' && atLeast >= 1 && atLeast <= of.length) return { atLeast, of };
  if (refuse.length === before) refuse.push(refused(set, 'so many of its entries cannot be asked for'));
  return { atLeast: 1, of };
}

function signatureOf({ atLeast, of }: Group): JsonValue {
  return of.length === 1 ? (of[0] as string) : { atLeast, of: [...of] };
}

function attestationsOf(attestation: Foreign, inherited: readonly Foreign[], known: EntryAuthority[], refuse: string[]): JsonObject[] {
  const type = attestation.at('type').text() ?? attestation.at('predicateType').text();
  if (type === undefined) {
    refuse.push(refused(attestation, 'it names no predicate type'));
    return [];
  }
  const conditions = conditionsOf(attestation.at('conditions'));
  if (!conditions) refuse.push(refused(attestation.at('conditions'), 'these conditions have no simple form in CEL; write them by hand'));
  const own = attestation.at('attestors').items;
  const sets = own.length > 0 ? own : inherited;
  if (sets.length === 0) refuse.push(refused(attestation, 'it names no attestor'));
  return sets.map((set, i) => {
    const { atLeast, of } = groupOf(set, known, refuse);
    return {
      name: plainName(attestation.at('name').text() ?? type.replace(/^https?:\/\//, ''), ...(i > 0 ? [i] : [])),
      type,
      from: [...of],
      ...(atLeast > 1 ? { atLeast } : {}),
      ...(conditions?.length ? { conditions: [...conditions] } : {}),
    };
  });
}

/**
 * Their star is any text, slashes included. A pattern that may be wider than theirs is one that asks of more images
 * (`widen`); one that lets images out must not be (`keep`), and is left out where it would.
 */
export function imagePattern(at: Foreign, text: string, way: 'widen' | 'keep'): string[] {
  if (text === '' || text.includes('{{')) {
    at.note('not-mapped', 'variables are not known here');
    return way === 'widen' ? ['**'] : [];
  }
  if (text.includes('?')) {
    at.note('different', way === 'widen' ? 'here a question mark is any text' : 'here it is not excluded: a question mark has no form');
    if (way === 'keep') return [];
  }
  const stars = text.replace(/[*?]+/g, '**');
  const withoutTag = way === 'widen' ? stars.replace(/:(?:\*\*|[^/:*@]+)?$/, '') : stars;
  if (withoutTag !== stars) at.note('different', 'here it is about every tag and digest');
  else at.note('mapped');
  if (way === 'widen') return [withoutTag, ...belowHub(withoutTag)];
  if (stars.endsWith('**')) return [stars];
  return [stars.lastIndexOf(':') > stars.lastIndexOf('/') || stars.includes('@') ? stars : `${stars}:latest`];
}

/** A first name on Docker Hub is one of an official image here, and their star goes on into the names of everybody else. */
function belowHub(pattern: string): string[] {
  const first = /^(?:(?:index\.)?docker\.io\/)?([^/.:@*]+)\*\*([^/]*)$/.exec(pattern);
  return first ? [`docker.io/${first[1]}*/**${first[2]}`] : [];
}
