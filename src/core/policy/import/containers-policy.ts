/** containers/image's policy.json (containers-policy.json(5)), as podman, CRI-O and skopeo read it, and registries.d. */
import type { JsonObject, JsonValue } from '../../encoding/index.ts';
import { scopePatterns, scopesWithin } from './docker-scope.ts';
import { type Foreign, refused, refuseOthers } from './foreign.ts';
import { isPublicKey, pemFingerprints, pemOfBase64 } from './pem.ts';
import { allOf, anyOf, exactly, plainName, writeDefault, writePolicy } from './written.ts';

export function importContainersPolicy(document: Foreign): JsonObject[] {
  const docker = document.at('transports', 'docker');
  for (const [transport, scopes] of document.at('transports').members)
    if (transport !== 'docker') scopes.note('not-mapped', 'only images of registries come into a cluster');
  const scopes = docker.members.map(([scope]) => scope);
  const written = docker.members.flatMap(([scope, requirements]) => importScope(scope, requirements, scopesWithin(scope, scopes)));
  // The default of the transport takes precedence over the one of the file.
  const rest = docker.at('').isThere ? [] : importScope('', document.at('default'), scopes);
  for (const other of document.others(['default', 'transports'])) other.note('not-mapped', 'Sealward knows no such member');
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
  const signatures = parts.flatMap(({ signature }) => signature ?? []);
  const strictness = mergeStrictness(parts, refuse);
  return [
    writePolicy({
      name,
      match: { images: scopePatterns(scope), exclude: within.flatMap(scopePatterns) },
      authorities: parts.flatMap(({ authorities }) => [...authorities]),
      signatures: allOf(signatures),
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

const KEYS = ['keyPath', 'keyPaths', 'keyData', 'keyDatas'];
const LOGS = ['rekorPublicKeyPath', 'rekorPublicKeyPaths', 'rekorPublicKeyData', 'rekorPublicKeyDatas'];
const NOTHING: Part = { authorities: [], logged: false };

/** How signatures are taken is said for a whole policy here, so requirements of one scope must agree in it. */
export function mergeStrictness(parts: readonly Part[], refuse: string[]): JsonObject {
  const claims = [...new Set(parts.flatMap(({ claim }) => (claim === undefined ? [] : JSON.stringify(claim))))];
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
  for (const log of LOGS) requirement.at(log).noteWhereThere('different', 'any log of the trust state counts, not this one alone');
  refuse.push(...refuseOthers(requirement, ['type', 'signedIdentity', 'fulcio', 'pki', ...KEYS, ...LOGS]));
  const names = authorities.map((authority) => authority.name as string);
  return {
    authorities,
    ...(names.length === 0 ? {} : { signature: anyOf(names) }),
    logged: LOGS.some((log) => requirement.at(log).isThere),
    ...claimOf(requirement.at('signedIdentity'), scope, refuse),
  };
}

function authoritiesOf(requirement: Foreign, name: string, refuse: string[]): JsonObject[] {
  const { fulcio, pki } = { fulcio: requirement.at('fulcio'), pki: requirement.at('pki') };
  if (fulcio.isThere) {
    const data = fulcio.at('caData');
    const authorities = pemFingerprints(pemOfBase64(data.textOrEmpty()));
    fulcio.note('different', 'its certificates come from the trust state: add them with `sealward trust anchor add`');
    if (data.isThere && !authorities) refuse.push(refused(data, 'it holds no certificates'));
    const identity = fulcioIdentity(fulcio.at('oidcIssuer'), fulcio.at('subjectEmail'));
    return [{ name, keyless: { identities: [identity], ...(authorities ? { authorities: [...authorities] } : {}), certificateLog: false } }];
  }
  if (pki.isThere)
    return pkiAuthority(
      pki,
      name,
      {
        roots: pemOfBase64(pki.at('caRootsData').textOrEmpty()),
        file: pki.at('caRootsPath').text(),
        intermediates: pemOfBase64(pki.at('caIntermediatesData').textOrEmpty()),
      },
      refuse,
    );
  const files = [...textsOf(requirement.at('keyPath')), ...requirement.at('keyPaths').texts()];
  const pems = [...textsOf(requirement.at('keyData')), ...requirement.at('keyDatas').texts()].map(pemOfBase64);
  for (const member of KEYS) requirement.at(member).noteWhereThere('mapped');
  if (!pems.every(isPublicKey) || files.length + pems.length === 0) refuse.push(refused(requirement, 'it names no public key that is read'));
  const keys: JsonObject[] = [...files.map((file) => ({ file })), ...pems.map((pem) => ({ pem }))];
  return keys.map((key, i) => ({ name: keys.length === 1 ? name : plainName(name, i), key }));
}

/** Fulcio's certificates as these programs know them: an e-mail address and who vouched for it. */
export function fulcioIdentity(issuer: Foreign, email: Foreign): JsonObject {
  return { issuer: exactly(issuer.textOrEmpty()), subject: exactly(email.textOrEmpty()) };
}

/** One name or the other can be asked for, but not both of one certificate. */
export function pkiAuthority(
  pki: Foreign,
  name: string,
  given: { roots: string; file?: string | undefined; intermediates: string },
  refuse: string[],
  subject: Foreign = pki,
): JsonObject[] {
  const [first, ...more] = ['subjectHostname', 'hostname', 'subjectEmail', 'email'].flatMap((member) => textsOf(subject.at(member)));
  if (first === undefined || more.length > 0) {
    refuse.push(refused(pki, first === undefined ? 'it names nobody' : 'two names of one certificate cannot be asked for'));
    return [];
  }
  pki.note('mapped');
  const source: JsonObject = given.file === undefined ? { pem: `${given.intermediates}\n${given.roots}`.trimStart() } : { file: given.file };
  return [{ name, certificate: { ...source, names: [exactly(first)] } }];
}

/** What a signature must say of its image (containers-policy.json(5), signedIdentity); matchRepoDigestOrExact when nothing is said. */
function claimOf(identity: Foreign, scope: string, refuse: string[]): { claim?: JsonObject } {
  const type = identity.at('type').text() ?? 'matchRepoDigestOrExact';
  switch (type) {
    case 'matchExact':
      identity.note('different', 'here an image that is named by digest matches by its repository');
      return { claim: { rule: 'exact', tag: true } };
    case 'matchRepoDigestOrExact':
      identity.noteWhereThere('mapped');
      return { claim: { rule: 'exact', tag: true } };
    case 'matchRepository':
      identity.note('mapped');
      return { claim: { rule: 'exact' } };
    case 'remapIdentity':
      identity.note('mapped');
      return { claim: { rule: 'exact', mirrors: [{ from: identity.at('prefix').textOrEmpty(), to: identity.at('signedPrefix').textOrEmpty() }], tag: true } };
    case 'exactRepository':
      return exactlyNamed(identity, scope, identity.at('dockerRepository').textOrEmpty(), refuse);
    case 'exactReference':
      return exactlyNamed(identity, scope, identity.at('dockerReference').textOrEmpty(), refuse);
    default:
      refuse.push(refused(identity, 'this identity is not known'));
      return {};
  }
}

/** Behind the last slash: the tag, with its colon, or the digest. */
const TAG_OR_DIGEST = /[:@](?=[^/]*$).*/;

/**
 * One name for whatever lies in the scope. Here a name can be put in the place of another, with or without the tag that was
 * asked for: so the scope must be one repository, and of a tag it must be this one.
 */
export function exactlyNamed(identity: Foreign, scope: string, named: string, refuse: string[]): { claim?: JsonObject } {
  const [from, to] = [scope.replace(TAG_OR_DIGEST, ''), named.replace(TAG_OR_DIGEST, '')];
  const [own, tag] = [scope, named].map((name) => TAG_OR_DIGEST.exec(name)?.[0]);
  if (!from.includes('/') || to === '' || (tag !== undefined && (tag !== own || tag.startsWith('@')))) {
    refuse.push(refused(identity, 'it can be carried over for one repository, and with the tag of the scope, alone'));
    return {};
  }
  identity.note('mapped');
  return { claim: { rule: 'exact', mirrors: [{ from, to }], ...(tag === undefined ? {} : { tag: true }) } };
}

function textsOf(at: Foreign): string[] {
  const text = at.text();
  return text === undefined ? [] : [text];
}

/** registries.d: where signatures lie. Sealward looks beside the image, in every place where Sigstore's tools attach them. */
export function importRegistriesFile(document: Foreign): JsonObject[] {
  const blocks = [document.at('default-docker'), ...document.at('docker').members.map(([, block]) => block)];
  for (const block of blocks) {
    block.at('use-sigstore-attachments').noteWhereThere('mapped');
    for (const member of ['lookaside', 'lookaside-staging', 'sigstore', 'sigstore-staging'])
      block.at(member).noteWhereThere('not-mapped', 'signatures of GPG on a web server are not read');
  }
  return [];
}
