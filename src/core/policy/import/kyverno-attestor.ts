/** One entry of Kyverno's attestors, to the authorities that stand for it. */
import type { JsonObject, JsonValue } from '../../encoding/index.ts';
import { CLAIM_NAMES } from '../authority-shape.ts';
import type { Foreign } from './foreign.ts';
import { isPublicKey, pemFingerprints } from './pem.ts';
import { wildcardPattern } from './written.ts';

export interface EntryAuthority {
  readonly authority: JsonObject;
  /** Whether a log must hold an entry: so unless it is said otherwise. */
  readonly logged: boolean;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A text says why the entry cannot be carried over. */
export function entryAuthorities(entry: Foreign, name: string): readonly EntryAuthority[] | string {
  const refused = (at: Foreign, why: string): string => {
    at.note('not-mapped', why);
    return `${at.path}: ${why}`;
  };
  if (entry.at('repository').isThere) return refused(entry.at('repository'), 'signatures are looked for beside the image');
  if (entry.at('attestor').isThere) return refused(entry.at('attestor'), 'attestors nested in attestors are not known');
  const annotations = Object.fromEntries(entry.at('annotations').members.map(([key, value]) => [key, value.text() ?? '']));
  if (entry.at('annotations').isThere) entry.at('annotations').note('mapped');
  const made = entry.at('keys').isThere
    ? keysOf(entry.at('keys'), name)
    : entry.at('keyless').isThere
      ? keylessOf(entry.at('keyless'), name)
      : entry.at('certificates').isThere
        ? certificatesOf(entry.at('certificates'), name)
        : undefined;
  if (made === undefined) return refused(entry, 'it is no attestor that is known here');
  if (typeof made === 'string') return made;
  return made.map(({ authority, from }) => ({ authority, logged: isLogged(from), annotations }));
}

function isLogged(from: Foreign): boolean {
  const rekor = from.at('rekor');
  if (rekor.at('url').isThere) rekor.at('url').note('different', 'any log of the trust state counts, not this one alone');
  if (rekor.at('pubkey').isThere) rekor.at('pubkey').note('different', 'the keys of logs come from the trust state');
  if (rekor.at('ignoreTlog').isThere) rekor.at('ignoreTlog').note('mapped');
  return rekor.at('ignoreTlog').value !== true;
}

type Made = readonly { readonly authority: JsonObject; readonly from: Foreign }[] | string | undefined;

function keysOf(keys: Foreign, name: string): Made {
  const given = keys.at('publicKeys').text();
  if (given === undefined || given.includes('{{') || !given.includes('-----BEGIN')) {
    keys.note('not-mapped', 'its public key is not in the document: write it into a file with `sealward public-key --key REFERENCE`');
    return `${keys.path}: its public key is not in the document`;
  }
  const pems = given.match(/-----BEGIN [A-Z ]+-----[^]*?-----END [A-Z ]+-----/g) ?? [];
  if (pems.length === 0 || !pems.every((pem) => isPublicKey(pem))) {
    keys.note('not-mapped', 'it holds no public keys that are read');
    return `${keys.path}: it holds no public keys that are read`;
  }
  keys.at('publicKeys').note('mapped');
  if (keys.at('signatureAlgorithm').isThere)
    keys.at('signatureAlgorithm').note('different', 'every algorithm that the key is for counts; strictness.hashes narrows it');
  if (keys.at('ctlog').isThere) keys.at('ctlog').note('mapped');
  return pems.map((pem) => ({ authority: { name, key: { pem: `${pem}\n` } }, from: keys }));
}

function keylessOf(keyless: Foreign, name: string): Made {
  const issuer = pattern(keyless.at('issuer'), keyless.at('issuerRegExp'));
  const subject = pattern(keyless.at('subject'), keyless.at('subjectRegExp'));
  const claims = extensionsOf(keyless.at('additionalExtensions'));
  if (claims === undefined) return `${keyless.at('additionalExtensions').path}: it names a claim that is not known`;
  if (issuer === undefined && subject === undefined && Object.keys(claims).length === 0) {
    keyless.note('not-mapped', 'it names nobody');
    return `${keyless.path}: it names nobody`;
  }
  const roots = keyless.at('roots');
  const authorities = roots.isThere ? pemFingerprints(roots.text() ?? '') : undefined;
  if (roots.isThere)
    roots.note(
      authorities ? 'different' : 'not-mapped',
      authorities ? 'it is named by its fingerprint; add it to the trust state with `sealward trust anchor add`' : 'it holds no certificates',
    );
  if (roots.isThere && !authorities) return `${roots.path}: it holds no certificates`;
  if (keyless.at('ctlog').isThere) keyless.at('ctlog').note('mapped');
  const identity = { issuer: issuer ?? { regex: '.*' }, ...(subject === undefined ? {} : { subject }), ...claims };
  const ignoresScts = keyless.at('ctlog', 'ignoreSCT').value === true;
  return [
    {
      authority: {
        name,
        keyless: { identities: [identity], ...(authorities ? { authorities: [...authorities] } : {}), ...(ignoresScts ? { certificateLog: false } : {}) },
      },
      from: keyless,
    },
  ];
}

function pattern(wildcard: Foreign, expression: Foreign): JsonValue | undefined {
  const [text, regex] = [wildcard.text(), expression.text()];
  if (text !== undefined) {
    wildcard.note('mapped');
    return wildcardPattern(text);
  }
  if (regex === undefined) return undefined;
  expression.note(/^\^.*\$$/.test(regex) ? 'mapped' : 'different', /^\^.*\$$/.test(regex) ? undefined : 'here an expression is over the whole value');
  return { regex };
}

/** Claims by Fulcio's own names or by the numbers of their extensions; undefined when one is not known. */
function extensionsOf(given: Foreign): JsonObject | undefined {
  const claims: JsonObject = {};
  for (const [name, value] of given.members) {
    const known = Object.entries(CLAIM_NAMES).find(([, claim]) => claim.toLowerCase() === name.toLowerCase());
    if (!known) {
      value.note('not-mapped', 'it is no claim that is known here by this name');
      return undefined;
    }
    value.note('mapped');
    claims[known[0]] = wildcardPattern(value.text() ?? '');
  }
  return claims;
}

function certificatesOf(certificates: Foreign, name: string): Made {
  const chain = certificates.at('certChain').text();
  if (certificates.at('cert').isThere || chain === undefined || pemFingerprints(chain) === undefined) {
    certificates.note(
      'not-mapped',
      certificates.at('cert').isThere ? 'one certificate alone cannot be trusted here: name its key, or its authority' : 'it holds no certificates',
    );
    return `${certificates.path}: it cannot be carried over`;
  }
  certificates.at('certChain').note('mapped');
  return [{ authority: { name, certificate: { pem: chain, names: [{ regex: '.*' }] } }, from: certificates }];
}
