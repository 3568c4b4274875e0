/**
 * Kyverno's ImageValidatingPolicy (policies.kyverno.io). Its validations are CEL over the images; those that say "each image
 * is signed by these" and "each image has this attestation by these" have a meaning here.
 */
import type { JsonObject, JsonValue } from '../../encoding/index.ts';
import { type Foreign, refused } from './foreign.ts';
import { imagePattern } from './kyverno.ts';
import { isPublicKey } from './pem.ts';
import { plainName, wildcardPattern, writePolicy } from './written.ts';

const LIST = String.raw`\[\s*((?:attestors(?:\.\w+|\["[\w.-]+"\])\s*,?\s*)+)\]`;
const OVER = String.raw`^images\.(\w+)\.map\(\s*(\w+)\s*,\s*`;
const ALL = String.raw`\s*\)\.all\(\s*(\w+)\s*,\s*\4\s*>\s*0\s*\)$`;
const SIGNED = new RegExp(`${OVER}verifyImageSignatures\\(\\s*\\2\\s*,\\s*${LIST}\\s*\\)${ALL}`);
const ATTESTED = new RegExp(
  `${OVER}verifyAttestationSignatures\\(\\s*\\2\\s*,\\s*attestations(?:\\.(\\w+)|\\["([\\w.-]+)"\\])\\s*,\\s*${LIST}\\s*\\)\\s*\\)\\.all\\(\\s*(\\w+)\\s*,\\s*\\6\\s*>\\s*0\\s*\\)$`,
);

export function importImageValidatingPolicy(document: Foreign): JsonObject[] {
  const name = plainName(document.at('metadata', 'name').text() ?? 'imported');
  const spec = document.at('spec');
  const refuse: string[] = [];
  const namespaced = document.at('kind').text()?.startsWith('Namespaced') === true ? document.at('metadata', 'namespace').text() : undefined;
  const images = spec.at('matchImageReferences').items.flatMap((one) => {
    if (one.at('glob').isThere) return imagePattern(one.at('glob'), one.at('glob').text() ?? '', 'widen');
    one.note('different', 'an expression over names has no form: here it is about every image');
    return ['**'];
  });
  const attestors = new Map<string, { readonly authority: JsonObject; readonly logged: boolean } | string>(
    spec.at('attestors').items.map((attestor) => [attestor.at('name').text() ?? '', attestorOf(attestor)] as const),
  );
  const types = new Map(spec.at('attestations').items.map((one) => [one.at('name').text() ?? '', typeOf(one, refuse)] as const));
  const used = new Map<string, { readonly authority: JsonObject; readonly logged: boolean }>();
  const authoritiesIn = (list: string, at: Foreign): string[] =>
    [...list.matchAll(/attestors(?:\.(\w+)|\["([\w.-]+)"\])/g)].flatMap(([, plain, quoted]) => {
      const given = plain ?? quoted ?? '';
      const found = attestors.get(given);
      if (found === undefined || typeof found === 'string') {
        refuse.push(found ?? refused(at, `there is no attestor ${given}`));
        return [];
      }
      used.set(given, found);
      return [found.authority.name as string];
    });
  const signatures: JsonValue[] = [];
  const attestations: JsonObject[] = [];
  for (const validation of spec.at('validations').items) {
    const expression = validation.at('expression');
    const text = (expression.text() ?? '').trim().replace(/\s+/g, ' ');
    const signed = SIGNED.exec(text);
    const attested = ATTESTED.exec(text);
    if (signed) {
      const names = authoritiesIn(signed[3] ?? '', expression);
      signatures.push(names.length === 1 ? (names[0] as string) : { anyOf: names });
      expression.note('different', 'here it is asked of every container, init container, ephemeral container and image volume');
    } else if (attested) {
      const given = attested[3] ?? attested[4] ?? '';
      const type = types.get(given);
      if (type === undefined) refuse.push(refused(expression, `the attestation ${given} cannot be carried over`));
      else attestations.push({ name: plainName(given, attestations.length), type, from: authoritiesIn(attested[5] ?? '', expression) });
      expression.note('different', 'here it is asked of every container, init container, ephemeral container and image volume');
    } else refuse.push(refused(expression, 'the expression has no form here; write it as attestations with conditions in CEL'));
  }
  for (const member of ['matchConstraints', 'matchConditions', 'variables', 'validationConfigurations'])
    if (spec.at(member).isThere) spec.at(member).note('different', 'here it holds for every pod, and digests are always asked for');
  if (spec.at('credentials').isThere) spec.at('credentials').note('not-mapped', 'credentials are given to the webhook, not to a policy');
  const actions = spec.at('validationActions').texts();
  if (actions.length > 0) spec.at('validationActions').note('mapped');
  if (signatures.length + attestations.length === 0 && refuse.length === 0) refuse.push('it asks for no signature');
  return [
    writePolicy({
      name,
      mode: actions.length === 0 || actions.includes('Deny') ? 'enforce' : actions.includes('Warn') ? 'warn' : 'audit',
      match: { ...(namespaced === undefined ? {} : { namespaces: [{ exact: namespaced }] }), ...(images.length > 0 ? { images } : {}) },
      authorities: [...used.values()].map(({ authority }) => authority),
      ...(signatures.length === 0 ? {} : { signatures: signatures.length === 1 ? (signatures[0] as JsonValue) : { allOf: signatures } }),
      attestations,
      strictness: { ...([...used.values()].some(({ logged }) => logged) ? { dated: { logs: 1 } } : {}), repositoryClaim: { rule: 'any' } },
      refuse,
    }),
  ];
}

function typeOf(attestation: Foreign, refuse: string[]): string | undefined {
  const type = attestation.at('intoto', 'type').text();
  if (type === undefined) {
    refuse.push(refused(attestation, 'only in-toto attestations are known here'));
    return undefined;
  }
  // Theirs may be written without a scheme, and is then compared as it is.
  const isUri = /^[a-z][a-z0-9+.-]*:/i.test(type);
  attestation.at('intoto', 'type').note(isUri ? 'mapped' : 'different', isUri ? undefined : 'https:// was put before it: a predicate type is a URI');
  return isUri ? type : `https://${type}`;
}

/** A text says why it cannot be carried over. */
function attestorOf(attestor: Foreign): { readonly authority: JsonObject; readonly logged: boolean } | string {
  const name = plainName(attestor.at('name').text() ?? 'attestor');
  const cosign = attestor.at('cosign');
  if (!cosign.isThere) return refused(attestor, 'signatures of Notation are not read');
  for (const member of ['source', 'tuf', 'certificate']) if (cosign.at(member).isThere) return refused(cosign.at(member), 'it has no form here');
  if (cosign.at('annotations').isThere)
    return refused(cosign.at('annotations'), 'annotations of one attestor have no form here; ask for them with strictness.annotations');
  const ctlog = cosign.at('ctlog');
  if (ctlog.isThere) ctlog.note('different', 'any log of the trust state counts, not this one alone');
  const logged = ctlog.at('insecureIgnoreTlog').value !== true;
  const pem = cosign.at('key', 'data').text();
  if (cosign.at('key').isThere) {
    if (pem === undefined || !isPublicKey(pem)) return refused(cosign.at('key'), 'its public key is not in the document');
    cosign.at('key').note('mapped');
    return { authority: { name, key: { pem } }, logged };
  }
  const identities = cosign.at('keyless', 'identities').items.flatMap((identity) => {
    const matcher = (plain: string): JsonValue | undefined => {
      const [text, regex] = [identity.at(plain).text(), identity.at(`${plain}RegExp`).text()];
      return text === undefined ? (regex === undefined ? undefined : { regex }) : wildcardPattern(text);
    };
    const [issuer, subject] = [matcher('issuer'), matcher('subject')];
    if (issuer === undefined && subject === undefined) return [];
    identity.note('mapped');
    return [{ issuer: issuer ?? { regex: '.*' }, ...(subject === undefined ? {} : { subject }) }];
  });
  if (identities.length === 0) return refused(cosign, 'it names nobody');
  if (cosign.at('keyless', 'roots').isThere) return refused(cosign.at('keyless', 'roots'), 'add these roots to the trust state, and leave them out here');
  return { authority: { name, keyless: { identities, ...(ctlog.at('insecureIgnoreSCT').value === true ? { certificateLog: false } : {}) } }, logged };
}
