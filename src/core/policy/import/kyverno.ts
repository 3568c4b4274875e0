/** Kyverno's verifyImages rules (kyverno.io/v1 and v2beta1 ClusterPolicy and Policy): one policy for each entry. */
import type { JsonObject, JsonValue } from '../../encoding/index.ts';
import { type Foreign, refused } from './foreign.ts';
import { entryAuthorities, type EntryAuthority } from './kyverno-attestor.ts';
import { conditionsOf } from './kyverno-conditions.ts';
import { plainName, type WrittenPolicy, writePolicy } from './written.ts';

export function importKyvernoPolicy(document: Foreign): JsonObject[] {
  const policy = document.at('metadata', 'name').text() ?? 'imported';
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
  if (given) given.note('mapped');
  if (spec.at('validationFailureActionOverrides').isThere)
    spec.at('validationFailureActionOverrides').note('not-mapped', 'write a policy of its own for these namespaces');
  // Kyverno's own default is to audit.
  return given?.text()?.toLowerCase() === 'enforce' ? 'enforce' : 'audit';
}

/** Where it holds. What only narrows a rule there and is not known here is left out: then it holds in more places, never in fewer. */
function scopeOf(rule: Foreign, namespace: string | undefined): NonNullable<WrittenPolicy['match']> {
  if (rule.at('exclude').isThere) rule.at('exclude').note('different', 'here it also holds for what was excluded; exclude images with match.exclude');
  for (const member of ['preconditions', 'celPreconditions']) if (rule.at(member).isThere) rule.at(member).note('different', 'here it holds without them');
  if (rule.at('context').isThere) rule.at('context').note('not-mapped', 'nothing is looked up while an image waits: write the values into the policy');
  if (namespace !== undefined) return { namespaces: [{ exact: namespace }] };
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
    return {
      namespaces: [...new Set(namespaces.flat())].map((name) =>
        /[*?]/.test(name) ? { regex: name.replace(/[.]/g, '\\.').replaceAll('*', '.*').replaceAll('?', '.') } : { exact: name },
      ),
    };
  }
  return {};
}

function importVerifyImages(verify: Foreign, name: string, mode: 'enforce' | 'audit', scope: NonNullable<WrittenPolicy['match']>): JsonObject {
  const refuse: string[] = [];
  const type = verify.at('type').text();
  if (type === 'Notary') refuse.push(refused(verify.at('type'), 'signatures of Notation are not read'));
  const images = verify.at('imageReferences').items.flatMap((one) => imagePattern(one, one.text() ?? '', 'widen'));
  const exclude = verify.at('skipImageReferences').items.flatMap((one) => imagePattern(one, one.text() ?? '', 'keep'));
  const known: EntryAuthority[] = [];
  const groups = verify.at('attestors').items.map((set) => groupOf(set, known, refuse));
  const attestations = verify.at('attestations').items.flatMap((one) => attestationsOf(one, verify.at('attestors').items, known, refuse));
  for (const member of ['required', 'mutateDigest', 'verifyDigest']) {
    if (verify.at(member).isThere)
      verify
        .at(member)
        .note(verify.at(member).value === false ? 'different' : 'mapped', verify.at(member).value === false ? 'here it always is so' : undefined);
  }
  if (verify.at('repository').isThere) refuse.push(refused(verify.at('repository'), 'signatures are looked for beside the image'));
  if (verify.at('imageRegistryCredentials').isThere)
    verify.at('imageRegistryCredentials').note('not-mapped', 'credentials are given to the webhook, not to a policy');
  if (verify.at('useCache').isThere) verify.at('useCache').note('different', 'a decision is never cached');
  verify.noteOthers([
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
    'failureAction',
    'image',
    'key',
  ]);
  if (groups.length === 0 && attestations.length === 0 && refuse.length === 0) refuse.push('it names no attestor');
  const signatures: JsonValue | undefined = groups.length === 0 ? undefined : groups.length === 1 ? groups[0] : { allOf: groups };
  return writePolicy({
    name,
    mode,
    match: { ...scope, ...(images.length > 0 ? { images } : {}), ...(exclude.length > 0 ? { exclude } : {}) },
    authorities: known.map(({ authority }) => authority),
    ...(signatures === undefined ? {} : { signatures }),
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
  return { annotations: Object.fromEntries(Object.entries(first.annotations).map(([key, value]) => [key, { exact: value }])) };
}

/** `count` of `entries`, all when it is not said. */
function groupOf(set: Foreign, known: EntryAuthority[], refuse: string[]): JsonValue {
  const names = set.at('entries').items.flatMap((entry) => {
    const found = entryAuthorities(entry, plainName('attestor', known.length));
    if (typeof found === 'string') {
      refuse.push(found);
      return [];
    }
    return found.map((one, i) => {
      const same = known.find(({ authority }) => JSON.stringify({ ...authority, name: '' }) === JSON.stringify({ ...one.authority, name: '' }));
      if (same) return same.authority.name as string;
      const named = { ...one, authority: { ...one.authority, name: plainName('attestor', known.length + 1, ...(i > 0 ? [i] : [])) } };
      known.push(named);
      return named.authority.name;
    });
  });
  const count = set.at('count').value;
  if (set.at('count').isThere) set.at('count').note('mapped');
  if (names.length === 0) return 'none';
  if (names.length === 1) return names[0] as string;
  return { atLeast: typeof count === 'number' ? count : names.length, of: names };
}

function attestationsOf(attestation: Foreign, inherited: readonly Foreign[], known: EntryAuthority[], refuse: string[]): JsonObject[] {
  const type = attestation.at('type').text() ?? attestation.at('predicateType').text();
  if (type === undefined) {
    refuse.push(refused(attestation, 'it names no predicate type'));
    return [];
  }
  const conditions = attestation.at('conditions').isThere ? conditionsOf(attestation.at('conditions')) : [];
  if (conditions === undefined) refuse.push(refused(attestation.at('conditions'), 'these conditions have no simple form in CEL; write them by hand'));
  const own = attestation.at('attestors').items;
  const sets = own.length > 0 ? own : inherited;
  if (sets.length === 0) refuse.push(refused(attestation, 'it names no attestor'));
  return sets.map((set, i) => {
    const group = groupOf(set, known, refuse);
    const of = typeof group === 'string' ? [group] : ((group as JsonObject).of as JsonValue[]);
    const atLeast = typeof group === 'string' ? 1 : ((group as JsonObject).atLeast as number);
    return {
      name: plainName(attestation.at('name').text() ?? type.replace(/^https?:\/\//, ''), ...(i > 0 ? [i] : [])),
      type,
      from: of,
      ...(atLeast > 1 ? { atLeast } : {}),
      ...(conditions && conditions.length > 0 ? { conditions: [...conditions] } : {}),
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
  const withoutTag = way === 'widen' ? stars.replace(/:(?:\*\*|[^/:*@]+)?$/, (tag) => (/^:\d+$/.test(tag) && !stars.includes('/') ? tag : '')) : stars;
  if (withoutTag !== stars) at.note('different', 'here it is about every tag and digest');
  else at.note('mapped');
  if (way === 'widen' || stars.endsWith('**')) return [withoutTag];
  return [stars.lastIndexOf(':') > stars.lastIndexOf('/') || stars.includes('@') ? stars : `${stars}:latest`];
}
