/**
 * Sigstore's policy-controller: ClusterImagePolicy (policy.sigstore.dev v1alpha1 and v1beta1) and TrustRoot. There, every
 * matching policy must be satisfied and within one any authority is enough.
 */
import type { JsonObject, JsonValue } from '../../encoding/index.ts';
import { SealwardError } from '../../errors.ts';
import { imageGlob } from '../image-glob.ts';
import type { Foreign } from './foreign.ts';
import { isPublicKey, pemFingerprints, pemOfBase64 } from './pem.ts';
import { plainName, writePolicy } from './written.ts';

/** The authorities of each TrustRoot, by its name: fingerprints, or undefined when they are somewhere else. */
export type TrustRoots = ReadonlyMap<string, readonly string[] | undefined>;

export function readTrustRoot(document: Foreign): readonly [name: string, authorities: readonly string[] | undefined] {
  const name = document.at('metadata', 'name').text() ?? '';
  const keys = document.at('spec', 'sigstoreKeys');
  if (!keys.isThere) {
    document.at('spec').note('not-mapped', 'it is fetched from elsewhere: add what it holds to the trust state with `sealward trust anchor add`');
    return [name, undefined];
  }
  const authorities = keys.at('certificateAuthorities').items.flatMap((authority) => {
    const chain = authority.at('certChain');
    const pem = chain.text() ?? '';
    const ids = pemFingerprints(pem.includes('-----BEGIN') ? pem : pemOfBase64(pem));
    chain.note(
      ids ? 'different' : 'not-mapped',
      ids ? 'policies name it by its fingerprint; add it to the trust state with `sealward trust anchor add`' : 'it holds no certificates that can be read',
    );
    return ids ?? [];
  });
  for (const kind of ['tLogs', 'ctLogs', 'timestampAuthorities']) {
    if (keys.at(kind).isThere)
      keys.at(kind).note('not-mapped', 'logs and timestamp authorities come from the trust state: add them with `sealward trust anchor add`');
  }
  return [name, authorities];
}

interface Carried {
  readonly authority: JsonObject;
  readonly logs: number;
  readonly timestamps: number;
  readonly attestations: readonly JsonObject[];
  readonly hash?: string;
}

export function importClusterImagePolicy(document: Foreign, roots: TrustRoots): JsonObject[] {
  const name = plainName(document.at('metadata', 'name').text() ?? 'imported');
  const spec = document.at('spec');
  const refuse: string[] = [];
  const images = imagesOf(spec);
  const mode = spec.at('mode').text() === 'warn' ? 'warn' : 'enforce';
  if (spec.at('mode').isThere) spec.at('mode').note('mapped');
  if (spec.at('match').isThere) spec.at('match').note('different', 'here it holds for every pod, whatever made it and however it is labelled');
  if (spec.at('policy').isThere)
    refuse.push(
      notCarried(
        spec.at('policy'),
        `a ${spec.at('policy', 'type').text() ?? 'further'} policy over the whole is not known here; write it as conditions in CEL`,
      ),
    );
  spec.noteOthers(['images', 'authorities', 'mode', 'match', 'policy']);

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
    if (carried.length === 0) refuse.push(one.at('static', 'message').text() ?? 'the policy refuses every image');
  }
  if (images.length === 0) return [];
  if (carried.length === 0 && refuse.length === 0) refuse.push('none of its authorities could be carried over');
  return [writePolicy({ name, match: { images }, mode, refuse, ...together(carried, spec) })];
}

function notCarried(at: Foreign, why: string): string {
  at.note('not-mapped', why);
  return `${at.path}: ${why}`;
}

function imagesOf(spec: Foreign): string[] {
  return spec.at('images').items.flatMap((image) => {
    const glob = image.at('glob');
    const text = glob.text() ?? '';
    try {
      imageGlob(text);
    } catch (error) {
      if (!(error instanceof SealwardError)) throw error;
      glob.note('not-mapped', error.message);
      return [];
    }
    const exact = !text.includes('*') && !text.includes('@') && text.lastIndexOf(':') <= text.lastIndexOf('/');
    if (exact) glob.note('different', 'here it is about every tag and digest of the repository');
    else glob.note('mapped');
    return [text];
  });
}

/** Signatures of any authority, or attestations of one; how they must be dated is said for the whole policy here. */
function together(
  carried: readonly Carried[],
  spec: Foreign,
): { authorities: JsonObject[]; signatures?: JsonValue; attestations: JsonObject[]; strictness: JsonObject } {
  const authorities = carried.map(({ authority }) => authority);
  const signing = carried.filter(({ attestations }) => attestations.length === 0).map(({ authority }) => authority.name as string);
  const attesting = carried.filter(({ attestations }) => attestations.length > 0);
  if (attesting.length > 0 && carried.length > 1) {
    spec.at('authorities').note('different', 'one of them was enough, attestations and signatures alike; here all of it is asked for');
  }
  const logs = Math.max(0, ...carried.map((one) => one.logs));
  const timestamps = Math.max(0, ...carried.map((one) => one.timestamps));
  if (carried.some((one) => one.logs !== logs || one.timestamps !== timestamps))
    spec.at('authorities').note('different', 'how a signature is dated is asked of all authorities alike');
  const hashes = [...new Set(carried.flatMap(({ hash }) => (hash === undefined ? [] : [hash])))];
  return {
    authorities,
    ...(signing.length > 0 ? { signatures: signing.length === 1 ? (signing[0] as string) : { anyOf: signing } } : {}),
    attestations: attesting.flatMap(({ attestations }) => [...attestations]),
    strictness: {
      ...(logs + timestamps > 0 ? { dated: { logs, timestamps } } : {}),
      // Without a claim of its own, cosign's signatures name a repository that policy-controller never looks at.
      repositoryClaim: { rule: 'any' },
      ...(hashes.length > 0 && carried.every(({ hash }) => hash !== undefined) ? { hashes } : {}),
    },
  };
}

function carry(authority: Foreign, unnamed: string, roots: TrustRoots, refuse: string[]): Carried[] {
  if (authority.at('static').isThere) return [];
  const name = plainName(authority.at('name').text() ?? unnamed);
  const made = authority.at('keyless').isThere ? keyless(authority.at('keyless'), roots) : key(authority.at('key'));
  noteSources(authority);
  if (!made) return [];
  const ctlog = authority.at('ctlog');
  const rfc3161 = authority.at('rfc3161timestamp');
  if (ctlog.isThere) ctlog.note('different', 'any log of the trust state counts, not this one alone');
  if (rfc3161.isThere) rfc3161.note('different', 'any timestamp authority of the trust state counts, not this one alone');
  if (authority.at('signatureFormat').isThere) authority.at('signatureFormat').note('different', 'every format is read');
  authority.noteOthers(['name', 'key', 'keyless', 'source', 'ctlog', 'attestations', 'rfc3161timestamp', 'signatureFormat']);
  const hash = authority.at('key', 'hashAlgorithm').text();
  return [
    {
      authority: { name, ...made },
      logs: ctlog.isThere || (authority.at('keyless').isThere && !rfc3161.isThere) ? 1 : 0,
      timestamps: rfc3161.isThere ? 1 : 0,
      attestations: authority.at('attestations').items.flatMap((attestation) => attest(attestation, name, refuse)),
      ...(hash === undefined ? {} : { hash }),
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
    pem !== undefined
      ? 'it is no public key that is read'
      : 'its public key is not in the document: write it into a file with `sealward public-key --key REFERENCE` and name that with key.file',
  );
  return undefined;
}

function keyless(given: Foreign, roots: TrustRoots): JsonObject | undefined {
  const authorities = keylessAuthorities(given, roots);
  if (authorities === null) return undefined;
  const identities = given.at('identities').items.flatMap((identity) => {
    const issuer = matcher(identity.at('issuer'), identity.at('issuerRegExp'));
    const subject = matcher(identity.at('subject'), identity.at('subjectRegExp'));
    if (issuer === undefined && subject === undefined) {
      identity.note('not-mapped', 'it names nobody');
      return [];
    }
    if (issuer === undefined) identity.note('different', 'it names no issuer: whoever issues certificates for that name counts');
    return [{ issuer: issuer ?? { regex: '.*' }, ...(subject === undefined ? {} : { subject }) }];
  });
  if (identities.length === 0) return undefined;
  const ignoresScts = given.at('insecureIgnoreSCT').value === true;
  if (given.at('insecureIgnoreSCT').isThere) given.at('insecureIgnoreSCT').note('mapped');
  return { keyless: { identities, ...(authorities ? { authorities: [...authorities] } : {}), ...(ignoresScts ? { certificateLog: false } : {}) } };
}

/** Null when nobody can say whom it trusts. */
function keylessAuthorities(given: Foreign, roots: TrustRoots): readonly string[] | undefined | null {
  const [ref, ca] = [given.at('trustRootRef'), given.at('ca-cert')];
  if (ca.isThere) {
    const ids = pemFingerprints(ca.at('data').text() ?? '');
    ca.note(
      ids ? 'different' : 'not-mapped',
      ids ? 'it is named by its fingerprint; add it to the trust state with `sealward trust anchor add`' : 'its certificates are not in the document',
    );
    return ids ?? null;
  }
  if (ref.isThere) {
    const found = roots.get(ref.text() ?? '');
    ref.note(
      found ? 'different' : 'not-mapped',
      found
        ? 'its authorities are named by fingerprint; add them to the trust state'
        : 'the TrustRoot is not among the files, or holds no certificates: import it together with this policy',
    );
    return found ?? null;
  }
  if (given.at('url').isThere) given.at('url').note('different', 'any certificate authority of the trust state counts, not this one alone');
  return undefined;
}

function matcher(exact: Foreign, expression: Foreign): JsonValue | undefined {
  const [text, regex] = [exact.text(), expression.text()];
  if (text !== undefined) {
    exact.note('mapped');
    return { exact: text };
  }
  if (regex === undefined) return undefined;
  expression.note(/^\^.*\$$/.test(regex) ? 'mapped' : 'different', /^\^.*\$$/.test(regex) ? undefined : 'here an expression is over the whole value');
  return { regex };
}

function noteSources(authority: Foreign): void {
  for (const source of authority.at('source').items) {
    for (const member of ['oci', 'tagPrefix'])
      if (source.at(member).isThere) source.at(member).note('not-mapped', 'signatures are looked for beside the image; what lies elsewhere is not found');
    if (source.at('signaturePullSecrets').isThere)
      source.at('signaturePullSecrets').note('not-mapped', 'credentials are given to the webhook, not to a policy');
  }
}

function attest(attestation: Foreign, from: string, refuse: string[]): JsonObject[] {
  const type = attestation.at('predicateType').text();
  const policy = attestation.at('policy');
  if (policy.isThere && !saysOnlyTheType(policy))
    refuse.push(notCarried(policy, `its ${policy.at('type').text() ?? ''} policy is not known here; write it as a condition in CEL`));
  else if (policy.isThere) policy.note('mapped');
  if (type === undefined) return [];
  attestation.at('predicateType').note('mapped');
  return [{ name: plainName(from, attestation.at('name').text() ?? type), type, from: [from] }];
}

/** `predicateType: "…"` alone asks for what is asked for anyway. */
function saysOnlyTheType(policy: Foreign): boolean {
  const text = policy.at('data').text() ?? '';
  return policy.at('type').text() === 'cue' && /^\s*predicateType:\s*"[^"]*"\s*$/.test(text.replace(/^\s*\/\/.*$/gm, ''));
}
