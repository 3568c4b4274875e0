/**
 * Sigstore's policy-controller: ClusterImagePolicy (policy.sigstore.dev v1alpha1 and v1beta1) and TrustRoot. There, every
 * matching policy must be satisfied and within one any authority is enough.
 */
import type { JsonObject, JsonValue } from '../../encoding/index.ts';
import { SealwardError } from '../../errors.ts';
import { imageGlob } from '../image-glob.ts';
import { type Foreign, refused, refuseOthers } from './foreign.ts';
import { identityOf } from './identity.ts';
import { isPublicKey, pemFingerprints, pemOfBase64 } from './pem.ts';
import { anyOf, exactly, plainName, writePolicy } from './written.ts';

/** The authorities of each TrustRoot, by its name: fingerprints, or undefined when they are somewhere else. */
export type TrustRoots = ReadonlyMap<string, readonly string[] | undefined>;

export function readTrustRoot(document: Foreign): readonly [name: string, authorities: readonly string[] | undefined] {
  const name = document.at('metadata', 'name').textOrEmpty();
  const keys = document.at('spec', 'sigstoreKeys');
  if (!keys.isThere) {
    document.at('spec').note('not-mapped', 'it is fetched from elsewhere: add what it holds to the trust state with `sealward trust anchor add`');
    return [name, undefined];
  }
  const authorities = keys.at('certificateAuthorities').items.flatMap((authority) => {
    const chain = authority.at('certChain');
    const pem = chain.textOrEmpty();
    const ids = pemFingerprints(pem.includes('-----BEGIN') ? pem : pemOfBase64(pem));
    if (ids) chain.note('different', 'policies name it by its fingerprint; add it to the trust state with `sealward trust anchor add`');
    else chain.note('not-mapped', 'it holds no certificates that can be read');
    return ids ?? [];
  });
  for (const kind of ['tLogs', 'ctLogs', 'timestampAuthorities'])
    keys.at(kind).noteWhereThere('not-mapped', 'logs and timestamp authorities come from the trust state: add them with `sealward trust anchor add`');
  return [name, authorities.length > 0 ? authorities : undefined];
}

interface Carried {
  readonly authority: JsonObject;
  readonly logs: number;
  readonly timestamps: number;
  readonly attestations: readonly JsonObject[];
  readonly hash: string | undefined;
}

export function importClusterImagePolicy(document: Foreign, roots: TrustRoots): JsonObject[] {
  const name = plainName(document.at('metadata', 'name').textOrEmpty());
  const spec = document.at('spec');
  const refuse: string[] = [];
  const images = spec.at('images').items.map((image) => imagesOf(image.at('glob')));
  if (images.length === 0) {
    document.note('not-mapped', 'it is about no image');
    return [];
  }
  const mode = spec.at('mode').text() === 'warn' ? 'warn' : 'enforce';
  spec.at('mode').noteWhereThere('mapped');
  spec.at('match').noteWhereThere('different', 'here it holds for every pod, whatever made it and however it is labelled');
  if (spec.at('policy').isThere)
    refuse.push(
      refused(spec.at('policy'), `a ${spec.at('policy', 'type').text() ?? 'further'} policy over the whole is not known here; write it as conditions in CEL`),
    );
  refuse.push(...refuseOthers(spec, ['images', 'authorities', 'mode', 'match', 'policy']));

  const statics = spec.at('authorities').items.filter((one) => one.at('static').isThere);
  const passes = statics.find((one) => one.at('static', 'action').text() === 'pass');
  if (passes && refuse.length === 0) {
    passes
      .at('static')
      .note(
        'not-mapped',
        'it lets every image through; without a policy the default rule decides, and an ImageException lets through what must be, until a day',
      );
    return [];
  }
  const carried = spec.at('authorities').items.flatMap((authority, i) => carry(authority, `authority-${i}`, roots, refuse));
  for (const one of statics.filter((authority) => authority !== passes)) {
    one.at('static').note('mapped');
    // Beside another authority it asks for nothing: any of them is enough.
    if (carried.length === 0) refuse.push(one.at('static', 'message').text() ?? 'the policy refuses every image');
  }
  if (carried.length === 0 && refuse.length === 0) refuse.push('none of its authorities could be carried over');
  return [writePolicy({ name, match: { images }, mode, refuse, ...together(carried, spec) })];
}

/** What has no form here is widened, to the repository or to every image: it asks of more images then, never of fewer. */
function imagesOf(glob: Foreign): string {
  const text = glob.textOrEmpty();
  const why = whyNoGlob(text);
  if (why === undefined) {
    if (/[*@]|:[^/]*$/.test(text)) glob.note('mapped');
    else glob.note('different', 'here it is about every tag and digest of the repository');
    return text;
  }
  const repository = text.toLowerCase().replace(/(?::[^/@]*)?(?:@.*)?$/, '');
  const wider = whyNoGlob(repository) === undefined ? repository : '**';
  glob.note('different', `here it is about ${wider}: ${why}`);
  return wider;
}

function whyNoGlob(text: string): string | undefined {
  try {
    imageGlob(text);
    return undefined;
  } catch (error) {
    if (error instanceof SealwardError) return error.message;
    throw error;
  }
}

/** Signatures of any authority, or attestations of one; how they must be dated is said for the whole policy here. */
function together(
  carried: readonly Carried[],
  spec: Foreign,
): { authorities: JsonObject[]; signatures?: JsonValue; attestations: JsonObject[]; strictness: JsonObject } {
  const authorities = carried.map(({ authority }) => authority);
  const signing = carried.filter(({ attestations }) => attestations.length === 0).map(({ authority }) => authority.name as string);
  const attestations = carried.flatMap((one) => [...one.attestations]);
  if (attestations.length > 0 && carried.length > 1)
    spec.at('authorities').note('different', 'one of them was enough, attestations and signatures alike; here all of it is asked for');
  const logs = Math.max(0, ...carried.map((one) => one.logs));
  const timestamps = Math.max(0, ...carried.map((one) => one.timestamps));
  if (carried.some((one) => one.logs !== logs || one.timestamps !== timestamps))
    spec.at('authorities').note('different', 'how a signature is dated is asked of all authorities alike');
  const named = carried.flatMap(({ hash }) => hash ?? []);
  const everywhere = named.length === carried.length;
  if (named.length > 0 && !everywhere) spec.at('authorities').note('different', 'not all of them name a hash: here every sound one counts');
  return {
    authorities,
    ...(signing.length > 0 ? { signatures: anyOf(signing) } : {}),
    attestations,
    strictness: {
      ...(logs + timestamps > 0 ? { dated: { logs, timestamps } } : {}),
      // Without a claim of its own, cosign's signatures name a repository that policy-controller never looks at.
      repositoryClaim: { rule: 'any' },
      ...(named.length > 0 && everywhere ? { hashes: [...new Set(named)] } : {}),
    },
  };
}

function carry(authority: Foreign, unnamed: string, roots: TrustRoots, refuse: string[]): Carried[] {
  if (authority.at('static').isThere) return [];
  const name = plainName(authority.at('name').text() ?? unnamed);
  const isKeyless = authority.at('keyless').isThere;
  const made = isKeyless ? keyless(authority.at('keyless'), roots) : key(authority.at('key'));
  noteSources(authority);
  if (!made) return [];
  const rfc3161 = authority.at('rfc3161timestamp').isThere;
  authority.at('ctlog').noteWhereThere('different', 'any log of the trust state counts, not this one alone');
  authority.at('rfc3161timestamp').noteWhereThere('different', 'any timestamp authority of the trust state counts, not this one alone');
  authority.at('signatureFormat').noteWhereThere('different', 'every format is read');
  refuse.push(...refuseOthers(authority, ['name', 'key', 'keyless', 'source', 'ctlog', 'attestations', 'rfc3161timestamp', 'signatureFormat']));
  return [
    {
      authority: { name, ...made },
      logs: authority.at('ctlog').isThere || (isKeyless && !rfc3161) ? 1 : 0,
      timestamps: rfc3161 ? 1 : 0,
      attestations: authority.at('attestations').items.flatMap((attestation) => attest(attestation, name, refuse)),
      hash: authority.at('key', 'hashAlgorithm').text(),
    },
  ];
}

function key(given: Foreign): JsonObject | undefined {
  const pem = given.at('data').text();
  if (pem !== undefined && isPublicKey(pem)) {
    given.note('mapped');
    return { key: { pem } };
  }
  given.note(
    'not-mapped',
    pem === undefined
      ? 'its public key is not in the document: write it into a file with `sealward public-key --key REFERENCE` and name that with key.file'
      : 'it is no public key that is read',
  );
  return undefined;
}

function keyless(given: Foreign, roots: TrustRoots): JsonObject | undefined {
  const authorities = keylessAuthorities(given, roots);
  if (authorities === null) return undefined;
  const identities = given.at('identities').items.flatMap((identity) => identityOf(identity, exactly) ?? []);
  if (identities.length === 0) return undefined;
  given.at('insecureIgnoreSCT').noteWhereThere('mapped');
  return {
    keyless: {
      identities,
      ...(authorities ? { authorities: [...authorities] } : {}),
      ...(given.at('insecureIgnoreSCT').value === true ? { certificateLog: false } : {}),
    },
  };
}

/** Null when nobody can say whom it trusts. */
function keylessAuthorities(given: Foreign, roots: TrustRoots): readonly string[] | undefined | null {
  const [ref, ca] = [given.at('trustRootRef'), given.at('ca-cert')];
  if (ca.isThere) {
    const ids = pemFingerprints(ca.at('data').textOrEmpty());
    if (ids) ca.note('different', 'it is named by its fingerprint; add it to the trust state with `sealward trust anchor add`');
    else ca.note('not-mapped', 'its certificates are not in the document');
    return ids ?? null;
  }
  if (ref.isThere) {
    const found = roots.get(ref.textOrEmpty());
    if (found) ref.note('different', 'its authorities are named by fingerprint; add them to the trust state');
    else ref.note('not-mapped', 'the TrustRoot is not among the files, or holds no certificates: import it together with this policy');
    return found ?? null;
  }
  given.at('url').noteWhereThere('different', 'any certificate authority of the trust state counts, not this one alone');
  return undefined;
}

function noteSources(authority: Foreign): void {
  for (const source of authority.at('source').items) {
    for (const member of ['oci', 'tagPrefix'])
      source.at(member).noteWhereThere('not-mapped', 'signatures are looked for beside the image; what lies elsewhere is not found');
    source.at('signaturePullSecrets').noteWhereThere('not-mapped', 'credentials are given to the webhook, not to a policy');
  }
}

function attest(attestation: Foreign, from: string, refuse: string[]): JsonObject[] {
  const type = attestation.at('predicateType').text();
  const policy = attestation.at('policy');
  const asked = typeAskedBy(policy);
  if (asked !== undefined) policy.note('mapped');
  else if (policy.isThere) refuse.push(refused(policy, `its ${policy.at('type').textOrEmpty()} policy is not known here; write it as a condition in CEL`));
  if (type === undefined) {
    // Without it the authority would be one whose signature is enough.
    refuse.push(refused(attestation, 'it names no predicate type'));
    return [];
  }
  attestation.at('predicateType').note('mapped');
  return [
    {
      name: plainName(from, attestation.at('name').text() ?? type),
      type,
      from: [from],
      ...(asked === undefined ? {} : { conditions: [`predicateType == ${asked}`] }),
    },
  ];
}

/** Of CUE, `predicateType: "…"` alone: the text, in its quotes. */
function typeAskedBy(policy: Foreign): string | undefined {
  const text = policy
    .at('data')
    .textOrEmpty()
    .replace(/^\s*\/\/.*$/gm, '');
  return policy.at('type').text() === 'cue' ? /^\s*predicateType:\s*("[^"\\\n]*")\s*$/.exec(text)?.[1] : undefined;
}
