/** containers/image's policy.json (containers-policy.json(5)), as podman, CRI-O and skopeo read it, and registries.d. */
import type { JsonObject, JsonValue } from '../../encoding/index.ts';
import { scopePatterns, scopesWithin } from './docker-scope.ts';
import { type Foreign, refused } from './foreign.ts';
import { isPublicKey, pemFingerprints, pemOfBase64 } from './pem.ts';
import { plainName, writeDefault, writePolicy } from './written.ts';

export function importContainersPolicy(document: Foreign): JsonObject[] {
  const docker = document.at('transports', 'docker');
  for (const [transport, scopes] of document.at('transports').members)
    if (transport !== 'docker') scopes.note('not-mapped', 'only images of registries come into a cluster');
  const scopes = docker.members.map(([scope]) => scope);
  const written = docker.members.flatMap(([scope, requirements]) => importScope(scope, requirements, scopesWithin(scope, scopes)));
  // The default of the transport takes precedence over the one of the file.
  const rest = docker.at('').isThere ? [] : importScope('', document.at('default'), scopes);
  document.noteOthers(['default', 'transports']);
  return [...written, ...rest];
}

function importScope(scope: string, requirements: Foreign, within: readonly string[]): JsonObject[] {
  const types = requirements.items.map((one) => one.at('type').text());
  const name = plainName('scope', scope === '' ? 'default' : scope);
  if (types.length > 0 && types.every((type) => type === 'insecureAcceptAnything')) {
    if (scope === '') {
      requirements.note('mapped');
      return [writeDefault('allow')];
    }
    requirements.note('not-mapped', 'without a policy the default rule decides about these images; an ImageException lets them in, until a day');
    return [];
  }
  if (scope === '' && types.length > 0 && types.every((type) => type === 'reject')) {
    requirements.note('mapped');
    return [writeDefault('deny')];
  }
  const refuse: string[] = [];
  const parts: Part[] = requirements.items.map((one, i) => requirementOf(one, scope, `signer-${i}`, refuse));
  if (types.length === 0) refuse.push('it asks for nothing');
  const signatures = parts.flatMap(({ signature }) => (signature === undefined ? [] : [signature]));
  const strictness = mergeStrictness(parts, refuse);
  return [
    writePolicy({
      name,
      match: { images: scopePatterns(scope), ...(within.length > 0 ? { exclude: within.flatMap(scopePatterns) } : {}) },
      authorities: parts.flatMap(({ authorities }) => [...authorities]),
      ...(signatures.length === 0 ? {} : { signatures: signatures.length === 1 ? (signatures[0] as JsonValue) : { allOf: signatures } }),
      strictness,
      refuse,
    }),
  ];
}

export interface Part {
  readonly authorities: readonly JsonObject[];
  readonly signature?: JsonValue;
  readonly logged: boolean;
  readonly claim?: JsonObject;
}

const NOTHING: Part = { authorities: [], logged: false };

/** How signatures are taken is said for a whole policy here, so requirements of one scope must agree in it. */
export function mergeStrictness(parts: readonly Part[], refuse: string[]): JsonObject {
  const claims = [...new Set(parts.flatMap(({ claim }) => (claim ? [JSON.stringify(claim)] : [])))];
  if (claims.length > 1) refuse.push('its requirements differ in the identity that a signature must claim');
  const [claim] = claims;
  return {
    ...(parts.some(({ logged }) => logged) ? { dated: { logs: 1 } } : {}),
    ...(claim === undefined ? {} : { repositoryClaim: JSON.parse(claim) as JsonObject }),
  };
}

function requirementOf(requirement: Foreign, scope: string, name: string, refuse: string[]): Part {
  const type = requirement.at('type').text();
  if (type === 'insecureAcceptAnything') {
    requirement.note('mapped');
    return NOTHING;
  }
  if (type === 'reject') {
    requirement.note('mapped');
    refuse.push('every image is rejected');
    return NOTHING;
  }
  if (type !== 'sigstoreSigned') {
    refuse.push(refused(requirement, type === 'signedBy' ? 'signatures of GPG are not read' : 'a requirement of this type is not known'));
    return NOTHING;
  }
  const authorities = authoritiesOf(requirement, name, refuse);
  const rekor = ['rekorPublicKeyPath', 'rekorPublicKeyPaths', 'rekorPublicKeyData', 'rekorPublicKeyDatas']
    .map((member) => requirement.at(member))
    .filter((one) => one.isThere);
  for (const one of rekor) one.note('different', 'any log of the trust state counts, not this one alone');
  const names = authorities.map((authority) => authority.name as string);
  return {
    authorities,
    ...(names.length === 0 ? {} : { signature: names.length === 1 ? (names[0] as string) : { anyOf: names } }),
    logged: rekor.length > 0,
    ...claimOf(requirement.at('signedIdentity'), scope, refuse),
  };
}

function authoritiesOf(requirement: Foreign, name: string, refuse: string[]): JsonObject[] {
  const { fulcio, pki } = { fulcio: requirement.at('fulcio'), pki: requirement.at('pki') };
  if (fulcio.isThere) {
    const authorities = fulcio.at('caData').isThere ? pemFingerprints(pemOfBase64(fulcio.at('caData').text())) : undefined;
    fulcio.note('different', 'its certificates come from the trust state: add them with `sealward trust anchor add`');
    if (fulcio.at('caData').isThere && !authorities) refuse.push(refused(fulcio.at('caData'), 'it holds no certificates'));
    return [
      {
        name,
        keyless: {
          identities: [{ issuer: { exact: fulcio.at('oidcIssuer').text() ?? '' }, subject: { exact: fulcio.at('subjectEmail').text() ?? '' } }],
          ...(authorities ? { authorities: [...authorities] } : {}),
          certificateLog: false,
        },
      },
    ];
  }
  if (pki.isThere)
    return pkiAuthority(
      pki,
      name,
      {
        roots: pemOfBase64(pki.at('caRootsData').text()),
        file: pki.at('caRootsPath').text(),
        intermediates: pemOfBase64(pki.at('caIntermediatesData').text()),
      },
      refuse,
    );
  const files = [...textsOf(requirement.at('keyPath')), ...requirement.at('keyPaths').texts()];
  const pems = [...textsOf(requirement.at('keyData')), ...requirement.at('keyDatas').texts()].map(pemOfBase64);
  for (const member of ['keyPath', 'keyPaths', 'keyData', 'keyDatas']) if (requirement.at(member).isThere) requirement.at(member).note('mapped');
  if (!pems.every(isPublicKey) || files.length + pems.length === 0) refuse.push(refused(requirement, 'it names no public key that is read'));
  const keys: JsonObject[] = [...files.map((file) => ({ file })), ...pems.map((pem) => ({ pem }))];
  return keys.map((key, i) => ({ name: keys.length === 1 ? name : plainName(name, i), key }));
}

/** One name or the other can be asked for, but not both of one certificate. */
export function pkiAuthority(
  pki: Foreign,
  name: string,
  given: { roots: string; file?: string | undefined; intermediates: string },
  refuse: string[],
  subject: Foreign = pki,
): JsonObject[] {
  const names = [subject.at('subjectHostname').text() ?? subject.at('hostname').text(), subject.at('subjectEmail').text() ?? subject.at('email').text()].filter(
    (one) => one !== undefined,
  );
  if (names.length !== 1) {
    refuse.push(refused(pki, names.length === 0 ? 'it names nobody' : 'two names of one certificate cannot be asked for'));
    return [];
  }
  pki.note('mapped');
  const source: JsonObject =
    given.file === undefined
      ? { pem: `${given.intermediates}${given.intermediates.endsWith('\n') || given.intermediates === '' ? '' : '\n'}${given.roots}` }
      : { file: given.file };
  return [{ name, certificate: { ...source, names: [{ exact: names[0] as string }] } }];
}

/** What a signature must say of its image (containers-policy.json(5), signedIdentity); matchRepoDigestOrExact when nothing is said. */
function claimOf(identity: Foreign, scope: string, refuse: string[]): { claim?: JsonObject } {
  const type = identity.at('type').text() ?? 'matchRepoDigestOrExact';
  const [reference, repository] = [identity.at('dockerReference').text(), identity.at('dockerRepository').text()];
  switch (type) {
    case 'matchExact':
    case 'matchRepoDigestOrExact':
      if (identity.isThere)
        identity.note(
          type === 'matchExact' ? 'different' : 'mapped',
          type === 'matchExact' ? 'here an image that is named by digest matches by its repository' : undefined,
        );
      return { claim: { rule: 'exact', tag: true } };
    case 'matchRepository':
      identity.note('mapped');
      return { claim: { rule: 'exact' } };
    case 'remapIdentity':
      identity.note('mapped');
      return { claim: { rule: 'exact', mirrors: [{ from: identity.at('prefix').text() ?? '', to: identity.at('signedPrefix').text() ?? '' }], tag: true } };
    case 'exactRepository':
    case 'exactReference': {
      const to = (repository ?? reference ?? '').split('@', 1)[0]?.replace(/:[^/:]*$/, '') ?? '';
      if (!scope.includes('/') || to === '') {
        refuse.push(refused(identity, 'it can be carried over for one repository alone'));
        return {};
      }
      if (type === 'exactReference') identity.note('different', 'here the tag must be the one that was asked for');
      else identity.note('mapped');
      return {
        claim: { rule: 'exact', mirrors: [{ from: scope.split(/[:@](?=[^/]*$)/, 1)[0] as string, to }], ...(type === 'exactReference' ? { tag: true } : {}) },
      };
    }
    default:
      refuse.push(refused(identity, 'this identity is not known'));
      return {};
  }
}

function textsOf(at: Foreign): string[] {
  const text = at.text();
  return text === undefined ? [] : [text];
}

/** registries.d: where signatures lie. Sealward looks beside the image, in every place where Sigstore's tools attach them. */
export function importRegistriesFile(document: Foreign): JsonObject[] {
  const blocks = [
    ...(document.at('default-docker').isThere ? [document.at('default-docker')] : []),
    ...document.at('docker').members.map(([, block]) => block),
  ];
  for (const block of blocks) {
    if (block.at('use-sigstore-attachments').isThere) block.at('use-sigstore-attachments').note('mapped');
    for (const member of ['lookaside', 'lookaside-staging', 'sigstore', 'sigstore-staging']) {
      if (block.at(member).isThere) block.at(member).note('not-mapped', 'signatures of GPG on a web server are not read');
    }
  }
  return [];
}
