/** OpenShift's ClusterImagePolicy and ImagePolicy (config.openshift.io/v1). */
import type { JsonObject, JsonValue } from '../../encoding/index.ts';
import { mergeStrictness, type Part, pkiAuthority } from './containers-policy.ts';
import { scopePatterns, scopesWithin } from './docker-scope.ts';
import { type Foreign, refused } from './foreign.ts';
import { isPublicKey, pemFingerprints, pemOfBase64 } from './pem.ts';
import { plainName, writePolicy } from './written.ts';

/** @param scopes of all documents that are imported together: the most specific one counts for an image. */
export function importOpenShiftPolicy(document: Foreign, scopes: readonly string[]): JsonObject[] {
  const name = plainName(document.at('metadata', 'name').text() ?? 'imported');
  const namespace = document.at('kind').text() === 'ImagePolicy' ? document.at('metadata', 'namespace').text() : undefined;
  const spec = document.at('spec');
  const refuse: string[] = [];
  const own = openShiftScopes(document);
  spec.at('scopes').note('mapped');
  const part = rootOfTrust(spec.at('policy', 'rootOfTrust'), refuse);
  const claim = claimOf(spec.at('policy', 'signedIdentity'), own, refuse);
  const within = [...new Set(own.flatMap((scope) => scopesWithin(scope, scopes)))].filter((scope) => !own.includes(scope));
  const [signature]: JsonValue[] = part.signature === undefined ? [] : [part.signature];
  return [
    writePolicy({
      name,
      match: {
        images: own.flatMap(scopePatterns),
        ...(within.length > 0 ? { exclude: within.flatMap(scopePatterns) } : {}),
        ...(namespace === undefined ? {} : { namespaces: [{ exact: namespace }] }),
      },
      authorities: part.authorities,
      ...(signature === undefined ? {} : { signatures: signature }),
      strictness: mergeStrictness([{ ...part, ...(claim ? { claim } : {}) }], refuse),
      refuse: own.length === 0 ? ['it names no scope'] : refuse,
    }),
  ];
}

export function openShiftScopes(document: Foreign): readonly string[] {
  return document.at('spec', 'scopes').texts();
}

function rootOfTrust(root: Foreign, refuse: string[]): Part {
  const [publicKey, fulcio, pki] = [root.at('publicKey'), root.at('fulcioCAWithRekor'), root.at('pki')];
  if (publicKey.isThere) {
    const pem = pemOfBase64(publicKey.at('keyData').text());
    if (!isPublicKey(pem)) refuse.push(refused(publicKey.at('keyData'), 'it is no public key that is read'));
    else publicKey.at('keyData').note('mapped');
    const logged = publicKey.at('rekorKeyData').isThere;
    if (logged) publicKey.at('rekorKeyData').note('different', 'any log of the trust state counts, not this one alone');
    return { authorities: [{ name: 'key', key: { pem } }], signature: 'key', logged };
  }
  if (fulcio.isThere) {
    const authorities = pemFingerprints(pemOfBase64(fulcio.at('fulcioCAData').text()));
    if (!authorities) refuse.push(refused(fulcio.at('fulcioCAData'), 'it holds no certificates'));
    else fulcio.note('different', 'its certificates and log come from the trust state: add them with `sealward trust anchor add`');
    const subject = fulcio.at('fulcioSubject');
    const identity = { issuer: { exact: subject.at('oidcIssuer').text() ?? '' }, subject: { exact: subject.at('signedEmail').text() ?? '' } };
    return {
      authorities: [{ name: 'signer', keyless: { identities: [identity], authorities: [...(authorities ?? [])], certificateLog: false } }],
      signature: 'signer',
      logged: true,
    };
  }
  if (pki.isThere) {
    const given = { roots: pemOfBase64(pki.at('caRootsData').text()), intermediates: pemOfBase64(pki.at('caIntermediatesData').text()) };
    const authorities = pkiAuthority(pki, 'signer', given, refuse, pki.at('pkiCertificateSubject'));
    return { authorities, ...(authorities.length > 0 ? { signature: 'signer' } : {}), logged: false };
  }
  refuse.push(refused(root, 'this root of trust is not known'));
  return { authorities: [], logged: false };
}

function claimOf(identity: Foreign, scopes: readonly string[], refuse: string[]): JsonObject | undefined {
  const rule = identity.at('matchPolicy').text() ?? 'MatchRepoDigestOrExact';
  const repository = identity.at('exactRepository', 'repository').text() ?? identity.at('repository').text();
  const remap = identity.at('remapIdentity').isThere ? identity.at('remapIdentity') : identity;
  if (identity.isThere) identity.note('mapped');
  switch (rule) {
    case 'MatchRepoDigestOrExact':
      return { rule: 'exact', tag: true };
    case 'MatchRepository':
      return { rule: 'exact' };
    case 'RemapIdentity':
      return { rule: 'exact', mirrors: [{ from: remap.at('prefix').text() ?? '', to: remap.at('signedPrefix').text() ?? '' }], tag: true };
    case 'ExactRepository':
      if (scopes.length === 1 && scopes[0]?.includes('/') && repository !== undefined)
        return { rule: 'exact', mirrors: [{ from: scopes[0].split(/[:@](?=[^/]*$)/, 1)[0] as string, to: repository }] };
      refuse.push(refused(identity, 'it can be carried over for one repository alone'));
      return undefined;
    default:
      refuse.push(refused(identity, 'this way to match is not known'));
      return undefined;
  }
}
