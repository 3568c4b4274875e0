/** OpenShift's ClusterImagePolicy and ImagePolicy (config.openshift.io/v1). */
import type { JsonObject } from '../../encoding/index.ts';
import { exactlyNamed, fulcioIdentity, mergeStrictness, type Part, pkiAuthority } from './containers-policy.ts';
import { scopePatterns, scopesWithin } from './docker-scope.ts';
import { type Foreign, refused } from './foreign.ts';
import { isPublicKey, pemFingerprints, pemOfBase64 } from './pem.ts';
import { plainName, writePolicy } from './written.ts';

/** A scope, and of a policy of one namespace which: nobody in a namespace takes images out of a policy of the whole cluster. */
export interface OpenShiftScope {
  readonly scope: string;
  readonly namespace: string | undefined;
}

/** @param scopes of all documents that are imported together: of those that hold in a place the most specific one counts. */
export function importOpenShiftPolicy(document: Foreign, scopes: readonly OpenShiftScope[]): JsonObject[] {
  const name = plainName(document.at('metadata', 'name').textOrEmpty());
  const namespace = namespaceOf(document);
  const spec = document.at('spec');
  const refuse: string[] = [];
  const own = spec.at('scopes').texts();
  spec.at('scopes').note('mapped');
  const part = rootOfTrust(spec.at('policy', 'rootOfTrust'), refuse);
  const claim = claimOf(spec.at('policy', 'signedIdentity'), own, refuse);
  const here = scopes.filter((other) => other.namespace === undefined || other.namespace === namespace).map(({ scope }) => scope);
  const within = [...new Set(own.flatMap((scope) => scopesWithin(scope, here)))].filter((scope) => !own.includes(scope));
  return [
    writePolicy({
      name,
      match: {
        images: own.flatMap(scopePatterns),
        exclude: within.flatMap(scopePatterns),
        ...(namespace === undefined ? {} : { namespaces: [{ exact: namespace }] }),
      },
      authorities: part.authorities,
      signatures: part.signature,
      strictness: mergeStrictness([{ ...part, ...claim }], refuse),
      refuse: own.length === 0 ? ['it names no scope'] : refuse,
    }),
  ];
}

export function openShiftScopes(document: Foreign): readonly OpenShiftScope[] {
  const namespace = namespaceOf(document);
  return document
    .at('spec', 'scopes')
    .texts()
    .map((scope) => ({ scope, namespace }));
}

function namespaceOf(document: Foreign): string | undefined {
  return document.at('kind').text() === 'ImagePolicy' ? document.at('metadata', 'namespace').textOrEmpty() : undefined;
}

function rootOfTrust(root: Foreign, refuse: string[]): Part {
  const [publicKey, fulcio, pki] = [root.at('publicKey'), root.at('fulcioCAWithRekor'), root.at('pki')];
  if (publicKey.isThere) {
    const [data, log] = [publicKey.at('keyData'), publicKey.at('rekorKeyData')];
    const pem = pemOfBase64(data.textOrEmpty());
    if (isPublicKey(pem)) data.note('mapped');
    else refuse.push(refused(data, 'it is no public key that is read'));
    log.noteWhereThere('different', 'any log of the trust state counts, not this one alone');
    return { authorities: [{ name: 'key', key: { pem } }], signature: 'key', logged: log.isThere };
  }
  if (fulcio.isThere) {
    const authorities = pemFingerprints(pemOfBase64(fulcio.at('fulcioCAData').textOrEmpty()));
    if (authorities) fulcio.note('different', 'its certificates and log come from the trust state: add them with `sealward trust anchor add`');
    else refuse.push(refused(fulcio.at('fulcioCAData'), 'it holds no certificates'));
    const subject = fulcio.at('fulcioSubject');
    const identity = fulcioIdentity(subject.at('oidcIssuer'), subject.at('signedEmail'));
    return {
      authorities: [{ name: 'signer', keyless: { identities: [identity], authorities: [...(authorities ?? [])], certificateLog: false } }],
      signature: 'signer',
      logged: true,
    };
  }
  if (pki.isThere) {
    const given = { roots: pemOfBase64(pki.at('caRootsData').textOrEmpty()), intermediates: pemOfBase64(pki.at('caIntermediatesData').textOrEmpty()) };
    const authorities = pkiAuthority(pki, 'signer', given, refuse, pki.at('pkiCertificateSubject'));
    return { authorities, signature: 'signer', logged: false };
  }
  refuse.push(refused(root, 'this root of trust is not known'));
  return { authorities: [], logged: false };
}

function claimOf(identity: Foreign, scopes: readonly string[], refuse: string[]): { claim?: JsonObject } {
  switch (identity.at('matchPolicy').text() ?? 'MatchRepoDigestOrExact') {
    case 'MatchRepoDigestOrExact':
      identity.noteWhereThere('mapped');
      return { claim: { rule: 'exact', tag: true } };
    case 'MatchRepository':
      identity.note('mapped');
      return { claim: { rule: 'exact' } };
    case 'RemapIdentity': {
      identity.note('mapped');
      const [from, to] = ['prefix', 'signedPrefix'].map((member) => identity.at('remapIdentity', member).textOrEmpty());
      return { claim: { rule: 'exact', mirrors: [{ from, to }] as JsonObject[], tag: true } };
    }
    case 'ExactRepository':
      return exactlyNamed(identity, scopes.length === 1 ? (scopes[0] as string) : '', identity.at('exactRepository', 'repository').textOrEmpty(), refuse);
    default:
      refuse.push(refused(identity, 'this way to match is not known'));
      return {};
  }
}
