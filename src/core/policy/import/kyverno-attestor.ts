/** One entry of Kyverno's attestors, to the authorities that stand for it. */
import type { JsonObject } from '../../encoding/index.ts';
import { CLAIM_NAMES } from '../authority-shape.ts';
import { type Foreign, refused } from './foreign.ts';
import { identityOf } from './identity.ts';
import { isPublicKey, pemFingerprints } from './pem.ts';
import { wildcardPattern } from './written.ts';

export interface EntryAuthority {
  /** Without a name. */
  readonly authority: JsonObject;
  /** Whether a log must hold an entry: so unless it is said otherwise. */
  readonly logged: boolean;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A text says why the entry cannot be carried over. */
export function entryAuthorities(entry: Foreign): readonly EntryAuthority[] | string {
  if (entry.at('repository').isThere) return refused(entry.at('repository'), 'signatures are looked for beside the image');
  if (entry.at('attestor').isThere) return refused(entry.at('attestor'), 'attestors nested in attestors are not known');
  const annotations = Object.fromEntries(entry.at('annotations').members.map(([key, value]) => [key, value.textOrEmpty()]));
  entry.at('annotations').noteWhereThere('mapped');
  const kind = Object.keys(KINDS).find((one) => entry.at(one).isThere);
  if (kind === undefined) return refused(entry, 'it is no attestor that is known here');
  const from = entry.at(kind);
  const made = (KINDS[kind] as (from: Foreign) => Made)(from);
  if (typeof made === 'string') return made;
  const logged = isLogged(from);
  return made.map((one) => ({ authority: { name: '', ...one }, logged, annotations }));
}

type Made = readonly JsonObject[] | string;

const KINDS: Readonly<Record<string, (from: Foreign) => Made>> = { keys: keysOf, keyless: keylessOf, certificates: certificatesOf };

function isLogged(from: Foreign): boolean {
  const rekor = from.at('rekor');
  rekor.at('url').noteWhereThere('different', 'any log of the trust state counts, not this one alone');
  rekor.at('pubkey').noteWhereThere('different', 'the keys of logs come from the trust state');
  rekor.at('ignoreTlog').noteWhereThere('mapped');
  return rekor.at('ignoreTlog').value !== true;
}

function keysOf(keys: Foreign): Made {
  const given = keys.at('publicKeys').textOrEmpty();
  if (given.includes('{{') || !given.includes('-----BEGIN'))
    return refused(keys, 'its public key is not in the document: write it into a file with `sealward public-key --key REFERENCE`');
  const pems = given.match(/-----BEGIN [A-Z ]+-----[^]*?-----END [A-Z ]+-----/g) ?? [];
  if (pems.length === 0 || !pems.every(isPublicKey)) return refused(keys, 'it holds no public keys that are read');
  keys.at('publicKeys').note('mapped');
  keys.at('signatureAlgorithm').noteWhereThere('different', 'every algorithm that the key is for counts; strictness.hashes narrows it');
  keys.at('ctlog').noteWhereThere('mapped');
  return pems.map((pem) => ({ key: { pem: `${pem}\n` } }));
}

function keylessOf(keyless: Foreign): Made {
  const claims = extensionsOf(keyless.at('additionalExtensions'));
  if (claims === undefined) return `${keyless.at('additionalExtensions').path}: it names a claim that is not known`;
  const identity = identityOf(keyless, wildcardPattern, claims);
  if (identity === undefined) return `${keyless.path}: whom it names is not understood`;
  const roots = keyless.at('roots');
  const authorities = pemFingerprints(roots.textOrEmpty());
  if (authorities) roots.note('different', 'it is named by its fingerprint; add it to the trust state with `sealward trust anchor add`');
  else if (roots.isThere) return refused(roots, 'it holds no certificates');
  keyless.at('ctlog').noteWhereThere('mapped');
  return [
    {
      keyless: {
        identities: [identity],
        ...(authorities ? { authorities: [...authorities] } : {}),
        ...(keyless.at('ctlog', 'ignoreSCT').value === true ? { certificateLog: false } : {}),
      },
    },
  ];
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
    claims[known[0]] = wildcardPattern(value.textOrEmpty());
  }
  return claims;
}

function certificatesOf(certificates: Foreign): Made {
  const chain = certificates.at('certChain').textOrEmpty();
  if (certificates.at('cert').isThere) return refused(certificates, 'one certificate alone cannot be trusted here: name its key, or its authority');
  if (!pemFingerprints(chain)) return refused(certificates, 'it holds no certificates');
  certificates.at('certChain').note('mapped');
  return [{ certificate: { pem: chain, names: [{ regex: '.*' }] } }];
}
