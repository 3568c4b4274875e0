/**
 * Kyverno's ImageValidatingPolicy (policies.kyverno.io). Its validations are CEL over the images; those that say "each image
 * is signed by these" and "each image has this attestation by these" have a meaning here.
 */
import type { JsonObject, JsonValue } from '../../encoding/index.ts';
import { type Foreign, refused } from './foreign.ts';
import { identityOf } from './identity.ts';
import { imagePattern } from './kyverno.ts';
import { isPublicKey } from './pem.ts';
import { allOf, anyOf, exactly, plainName, wildcardPattern, writePolicy } from './written.ts';

const LIST = String.raw`\[\s*((?:attestors(?:\.\w+|\["[\w.-]+"\])\s*,?\s*)+)\]`;
const OVER = String.raw`^images\.(\w+)\.map\(\s*(\w+)\s*,\s*`;
const ALL = String.raw`\s*\)\.all\(\s*(\w+)\s*,\s*\4\s*>\s*0\s*\)$`;
const SIGNED = new RegExp(`${OVER}verifyImageSignatures\\(\\s*\\2\\s*,\\s*${LIST}\\s*\\)${ALL}`);
const ATTESTED = new RegExp(
  `${OVER}verifyAttestationSignatures\\(\\s*\\2\\s*,\\s*attestations(?:\\.(\\w+)|\\["([\\w.-]+)"\\])\\s*,\\s*${LIST}\\s*\\)\\s*\\)\\.all\\(\\s*(\\w+)\\s*,\\s*\\6\\s*>\\s*0\\s*\\)$`,
);

export function importImageValidatingPolicy(document: Foreign): JsonObject[] {
  const name = plainName(document.at('metadata', 'name').textOrEmpty());
  const spec = document.at('spec');
  const refuse: string[] = [];
  const namespaced = document.at('kind').text() === 'NamespacedImageValidatingPolicy' ? document.at('metadata', 'namespace').text() : undefined;
  const images = spec.at('matchImageReferences').items.flatMap((one) => {
    if (one.at('glob').isThere) return imagePattern(one.at('glob'), one.at('glob').textOrEmpty(), 'widen');
    one.note('different', 'an expression over names has no form: here it is about every image');
    return ['**'];
  });
  const attestors = new Map<string, { readonly authority: JsonObject; readonly logged: boolean } | string>(
    spec.at('attestors').items.map((attestor) => [attestor.at('name').textOrEmpty(), attestorOf(attestor)] as const),
  );
  const types = new Map(spec.at('attestations').items.map((one) => [one.at('name').textOrEmpty(), typeOf(one, refuse)] as const));
  const used = new Map<string, { readonly authority: JsonObject; readonly logged: boolean }>();
  const authoritiesIn = (list: string, at: Foreign): string[] =>
    [...list.matchAll(/attestors(?:\.(\w+)|\["([\w.-]+)"\])/g)].flatMap(([, plain, quoted]) => {
      const given = (plain ?? quoted) as string;
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
    const text = expression.textOrEmpty().trim().replace(/\s+/g, ' ');
    const signed = SIGNED.exec(text);
    const attested = ATTESTED.exec(text);
    if (signed) {
      const names = authoritiesIn(signed[3] as string, expression);
      signatures.push(anyOf(names));
      expression.note('different', 'here it is asked of every container, init container, ephemeral container and image volume');
    } else if (attested) {
      const given = (attested[3] ?? attested[4]) as string;
      const type = types.get(given);
      if (type === undefined) refuse.push(refused(expression, `the attestation ${given} cannot be carried over`));
      else attestations.push({ name: plainName(given, attestations.length), type, from: authoritiesIn(attested[5] as string, expression) });
      expression.note('different', 'here it is asked of every container, init container, ephemeral container and image volume');
    } else refuse.push(refused(expression, 'the expression has no form here; write it as attestations with conditions in CEL'));
  }
  for (const member of ['matchConstraints', 'matchConditions', 'variables', 'validationConfigurations'])
    spec.at(member).noteWhereThere('different', 'here it holds for every pod, and digests are always asked for');
  spec.at('credentials').noteWhereThere('not-mapped', 'credentials are given to the webhook, not to a policy');
  spec.at('validationActions').noteWhereThere('mapped');
  if (signatures.length + attestations.length === 0 && refuse.length === 0) refuse.push('it asks for no signature');
  return [
    writePolicy({
      name,
      mode: modeOf(spec.at('validationActions').items.map((action) => action.text())),
      match: { images, ...(namespaced === undefined ? {} : { namespaces: [exactly(namespaced)] }) },
      authorities: [...used.values()].map(({ authority }) => authority),
      signatures: allOf(signatures),
      attestations,
      strictness: { ...([...used.values()].some(({ logged }) => logged) ? { dated: { logs: 1 } } : {}), repositoryClaim: { rule: 'any' } },
      refuse,
    }),
  ];
}

/** The mildest that all of its actions are. */
function modeOf(actions: readonly (string | undefined)[]): 'enforce' | 'warn' | 'audit' {
  if (actions.length === 0 || !actions.every((action) => action === 'Warn' || action === 'Audit')) return 'enforce';
  return actions.includes('Warn') ? 'warn' : 'audit';
}

function typeOf(attestation: Foreign, refuse: string[]): string | undefined {
  const type = attestation.at('intoto', 'type').text();
  if (type === undefined) {
    refuse.push(refused(attestation, 'only in-toto attestations are known here'));
    return undefined;
  }
  // Theirs may be written without a scheme, and is then compared as it is.
  if (/^[a-z][a-z0-9+.-]*:/i.test(type)) {
    attestation.at('intoto', 'type').note('mapped');
    return type;
  }
  attestation.at('intoto', 'type').note('different', 'https:// was put before it: a predicate type is a URI');
  return `https://${type}`;
}

/** A text says why it cannot be carried over. */
function attestorOf(attestor: Foreign): { readonly authority: JsonObject; readonly logged: boolean } | string {
  const name = plainName(attestor.at('name').textOrEmpty());
  const cosign = attestor.at('cosign');
  if (!cosign.isThere) return refused(attestor, 'signatures of Notation are not read');
  if (cosign.at('annotations').isThere)
    return refused(cosign.at('annotations'), 'annotations of one attestor have no form here; ask for them with strictness.annotations');
  // Among them source, tuf and certificate.
  const [other] = cosign.others(['key', 'keyless', 'ctlog']);
  if (other) return refused(other, 'it has no form here');
  const ctlog = cosign.at('ctlog');
  ctlog.noteWhereThere('different', 'any log of the trust state counts, not this one alone');
  const logged = ctlog.at('insecureIgnoreTlog').value !== true;
  const pem = cosign.at('key', 'data').textOrEmpty();
  if (cosign.at('key').isThere) {
    if (!isPublicKey(pem)) return refused(cosign.at('key'), 'its public key is not in the document');
    cosign.at('key', 'hashAlgorithm').noteWhereThere('different', 'every hash counts; strictness.hashes narrows it');
    cosign.at('key').note('mapped');
    return { authority: { name, key: { pem } }, logged };
  }
  const identities = cosign.at('keyless', 'identities').items.flatMap((identity) => identityOf(identity, wildcardPattern) ?? []);
  if (identities.length === 0) return refused(cosign, 'it names nobody');
  if (cosign.at('keyless', 'roots').isThere) return refused(cosign.at('keyless', 'roots'), 'add these roots to the trust state, and leave them out here');
  return { authority: { name, keyless: { identities, ...(ctlog.at('insecureIgnoreSCT').value === true ? { certificateLog: false } : {}) } }, logged };
}
