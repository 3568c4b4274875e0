/** The documents of a trust repository: strict JSON, in which a field that is not known is refused. */
import { encodePublicKeyPem, parsePublicKeyPem, type PublicKey } from '../crypto/index.ts';
import { encodeMoment, type JsonObject, type JsonValue, LIMITS, parseJson, utf8 } from '../encoding/index.ts';
import type { Window } from './anchor.ts';
import { Fields } from './fields.ts';
import type { Denial, KeyRole, KeyState, KeyVersion, LeaseTier, Principal } from './state.ts';

const API_VERSION = 'sealward.dev/v1alpha1';
const KEY_ROLES: readonly KeyRole[] = ['artifact', 'certificate-authority', 'log', 'certificate-log', 'timestamp-authority'];
/** A key is suspended by a denial and by nothing else, so that one person may do it and another must lift it. */
const LISTED_STATES = ['pre-active', 'active', 'retired', 'superseded', 'compromised', 'revoked-all'] as const satisfies KeyState[];
const KEY_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const DENIAL_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const HEX_256 = /^[0-9a-f]{64}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** One key version as the role `keys` signed for it. */
export interface ListedKey extends Omit<KeyVersion, 'state' | 'suspendedAt'> {
  readonly state: (typeof LISTED_STATES)[number];
  /** Of keys that sign artifacts: the key itself. All others are anchors of the trusted root. */
  readonly key?: PublicKey;
  /** Ids of suspensions that are lifted for it. */
  readonly lifted: readonly string[];
}

/** What the role `deny` signed for: denials, and what one person may say alone about a key. */
export type ListedDenial =
  | Denial
  | ({ readonly id: string; readonly reason: string; readonly addedAt: number; readonly name: string; readonly version: number } & (
      | { readonly kind: 'suspension'; readonly at: number /** Fingerprint of the key of whoever suspended it, who may not lift it. */; readonly by: string }
      /** Whoever revokes alone says no date: nothing of the key counts since its activation. An exact date takes the signers of `keys`. */
      | { readonly kind: 'revocation' }
    ));

export interface TrustSettings {
  readonly tiers: readonly LeaseTier[];
}

function open(bytes: Uint8Array, path: string, kind: string, member: string): Fields {
  const fields = new Fields(parseJson(bytes, { what: path, maxBytes: LIMITS.documentBytes }), path, ['apiVersion', 'kind', member]);
  if (fields.text('apiVersion') !== API_VERSION) fields.refuse(`apiVersion is not ${API_VERSION}`);
  if (fields.text('kind') !== kind) fields.refuse(`kind is not ${kind}`);
  return fields;
}

function close(kind: string, member: string, value: JsonValue): Uint8Array {
  return utf8(`${JSON.stringify({ apiVersion: API_VERSION, kind, [member]: value }, null, 2)}\n`);
}

export function parseSettings(bytes: Uint8Array, path: string): TrustSettings {
  const fields = open(bytes, path, 'TrustSettings', 'tiers');
  const tiers = fields
    .objects('tiers', LIMITS.leaseTiers, ['name', 'seconds'])
    .map((tier): LeaseTier => ({ name: nameOf(tier, 'name'), duration: tier.integer('seconds', 1) * 1000 }));
  if (new Set(tiers.map(({ name }) => name)).size !== tiers.length) fields.refuse('two tiers have the same name');
  return { tiers };
}

export function encodeSettings({ tiers }: TrustSettings): Uint8Array {
  return close(
    'TrustSettings',
    'tiers',
    tiers.map(({ name, duration }) => ({ name, seconds: duration / 1000 })),
  );
}

function nameOf(fields: Fields, member: string): string {
  const name = fields.text(member);
  return KEY_NAME.test(name) ? name : fields.refuse(`${member} is not a name of small letters, digits, dots, dashes and underscores`);
}

const KEY_FIELDS =
  'name version role state publicKey anchor from to retiredAt acceptUndatedUntil invalidFrom destroyedAt reason operator protection lifted'.split(' ');

export function parseKeyList(bytes: Uint8Array, path: string): ListedKey[] {
  const fields = open(bytes, path, 'KeyList', 'keys');
  const keys = fields.objects('keys', LIMITS.trustedKeys, KEY_FIELDS).map(readKey);
  for (const nameBy of [({ name, version }: ListedKey) => `${name}/${version}`, ({ anchor, role }: ListedKey) => `${role} ${anchor}`]) {
    // The same key twice would have two states, of which the better one would count.
    const seen = new Set<string>();
    for (const key of keys) if (seen.size === seen.add(nameBy(key)).size) fields.refuse(`${key.name}/${key.version} stands in it twice, as a name or as a key`);
  }
  return keys;
}

function readKey(fields: Fields): ListedKey {
  const role = fields.oneOf('role', KEY_ROLES);
  const state = fields.oneOf('state', LISTED_STATES);
  if (fields.has('publicKey') !== (role === 'artifact') || fields.has('anchor') === fields.has('publicKey'))
    fields.refuse('a key that signs artifacts has a publicKey, every other one an anchor');
  const key = fields.has('publicKey') ? readPublicKey(fields) : undefined;
  const listed: ListedKey = {
    name: nameOf(fields, 'name'),
    version: fields.integer('version', 1),
    role,
    state,
    ...(key ? { key, anchor: key.fingerprint } : { anchor: hexOf(fields, 'anchor') }),
    window: readWindow(fields),
    ...moments(fields, ['retiredAt', 'acceptUndatedUntil', 'invalidFrom', 'destroyedAt']),
    ...texts(fields, ['reason', 'operator']),
    ...(fields.has('protection') ? { protection: fields.oneOf('protection', ['software', 'hardware'] as const) } : {}),
    lifted: fields.has('lifted') ? fields.texts('lifted', LIMITS.trustedDenials) : [],
  };
  if (state === 'retired' ? listed.retiredAt === undefined : listed.retiredAt !== undefined && !['superseded', 'compromised', 'revoked-all'].includes(state))
    fields.refuse('retiredAt stands with retired keys, and with them always');
  if (listed.acceptUndatedUntil !== undefined && listed.retiredAt === undefined) fields.refuse('acceptUndatedUntil stands with retired keys only');
  if ((state === 'superseded' || state === 'compromised') !== (listed.invalidFrom !== undefined) && state !== 'revoked-all')
    fields.refuse('invalidFrom stands with superseded and compromised keys, and with them always');
  if (listed.destroyedAt !== undefined && state === 'active') fields.refuse('a key that is destroyed is not active');
  return listed;
}

function readPublicKey(fields: Fields): PublicKey {
  try {
    return parsePublicKeyPem(fields.text('publicKey'));
  } catch (cause) {
    return fields.refuse(`publicKey cannot be read: ${(cause as Error).message}`);
  }
}

function hexOf(fields: Fields, member: string): string {
  const text = fields.text(member);
  return HEX_256.test(text) ? text : fields.refuse(`${member} is not a SHA-256 digest in small hexadecimal digits`);
}

function digestOf(fields: Fields, member: string): string {
  const text = fields.text(member);
  return DIGEST.test(text) ? text : fields.refuse(`${member} is not sha256: and 64 small hexadecimal digits`);
}

function readWindow(fields: Fields): Window {
  const from = fields.moment('from');
  const to = fields.optionalMoment('to');
  if (to !== undefined && to < from) fields.refuse('it ends before it begins');
  return to === undefined ? { from } : { from, to };
}

function moments<Name extends string>(fields: Fields, names: readonly Name[]): { [K in Name]?: number } {
  return Object.fromEntries(names.filter((name) => fields.has(name)).map((name) => [name, fields.moment(name)])) as { [K in Name]?: number };
}

function texts<Name extends string>(fields: Fields, names: readonly Name[]): { [K in Name]?: string } {
  return Object.fromEntries(names.filter((name) => fields.has(name)).map((name) => [name, fields.text(name)])) as { [K in Name]?: string };
}

export function encodeKeyList(keys: readonly ListedKey[]): Uint8Array {
  return close(
    'KeyList',
    'keys',
    keys.map(({ key, anchor, window, lifted, ...rest }): JsonObject => {
      const { name, version, role, state, retiredAt, acceptUndatedUntil, invalidFrom, destroyedAt, ...said } = rest;
      const where: JsonObject = key ? { publicKey: encodePublicKeyPem(key) } : { anchor };
      const dates = momentsJson({ from: window.from, to: window.to, retiredAt, acceptUndatedUntil, invalidFrom, destroyedAt });
      return { name, version, role, state, ...where, ...dates, ...(said as JsonObject), ...(lifted.length === 0 ? {} : { lifted: [...lifted] }) };
    }),
  );
}

function momentsJson(moments: Readonly<Record<string, number | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(moments).flatMap(([name, moment]) => (moment === undefined ? [] : [[name, encodeMoment(moment)]])));
}

export function parsePrincipals(bytes: Uint8Array, path: string): Principal[] {
  const fields = open(bytes, path, 'PrincipalList', 'principals');
  const principals = fields.objects('principals', LIMITS.trustedKeys, ['name', 'keys', 'identities']).map(
    (one): Principal => ({
      name: one.text('name'),
      keys: one.has('keys') ? one.texts('keys', LIMITS.trustedKeys) : [],
      identities: one.has('identities')
        ? one
            .objects('identities', LIMITS.trustedKeys, ['issuer', 'subject'])
            .map((identity) => ({ issuer: identity.text('issuer'), subject: identity.text('subject') }))
        : [],
    }),
  );
  // Whoever is two principals would count twice.
  const names = principals.flatMap(({ name, keys, identities }) => [
    `name ${name}`,
    ...keys.map((key) => `key ${key}`),
    ...identities.map(({ issuer, subject }) => JSON.stringify([issuer, subject])),
  ]);
  const seen = new Set<string>();
  for (const name of names) if (seen.size === seen.add(name).size) fields.refuse(`${name.slice(0, 200)} belongs to two principals`);
  return principals;
}

export function encodePrincipals(principals: readonly Principal[]): Uint8Array {
  return close(
    'PrincipalList',
    'principals',
    principals.map(({ name, keys, identities }) => ({ name, keys: [...keys], identities: identities.map(({ issuer, subject }) => ({ issuer, subject })) })),
  );
}

const DENIAL_FIELDS = {
  key: ['key'],
  certificate: ['certificate'],
  identity: ['issuer', 'subject', 'from', 'to'],
  digest: ['digest'],
  signature: ['document'],
  log: ['anchor', 'fromIndex'],
  run: ['run'],
  suspension: ['name', 'version', 'at', 'by'],
  revocation: ['name', 'version'],
} as const satisfies Record<ListedDenial['kind'], readonly string[]>;
const DENIAL_KINDS = Object.keys(DENIAL_FIELDS) as ListedDenial['kind'][];

export function parseDenials(bytes: Uint8Array, path: string): ListedDenial[] {
  const fields = open(bytes, path, 'DenialList', 'denials');
  const denials = fields.objects('denials', LIMITS.trustedDenials).map(readDenial);
  if (new Set(denials.map(({ id }) => id)).size !== denials.length) fields.refuse('two denials have the same id');
  return denials;
}

function readDenial(fields: Fields): ListedDenial {
  const kind = fields.oneOf('kind', DENIAL_KINDS);
  const known: readonly string[] = ['id', 'kind', 'reason', 'addedAt', ...DENIAL_FIELDS[kind]];
  const strange = fields.names(16).find((name) => !known.includes(name));
  if (strange !== undefined) fields.refuse(`${JSON.stringify(strange.slice(0, 80))} is not a field of a denial of this kind`);
  const id = fields.text('id');
  if (!DENIAL_ID.test(id)) fields.refuse('id is not a name of letters, digits, dots, dashes and underscores');
  return { id, reason: fields.text('reason'), addedAt: fields.moment('addedAt'), ...readDenied(kind, fields) } as ListedDenial;
}

function readDenied(kind: ListedDenial['kind'], fields: Fields): object {
  switch (kind) {
    case 'key':
      return { kind, key: hexOf(fields, 'key') };
    case 'certificate':
      return { kind, certificate: hexOf(fields, 'certificate') };
    case 'identity':
      return { kind, issuer: fields.text('issuer'), subject: fields.text('subject'), window: readWindow(fields) };
    case 'digest':
      return { kind, digest: digestOf(fields, 'digest') };
    case 'signature':
      return { kind, document: digestOf(fields, 'document') };
    case 'log':
      return { kind, anchor: hexOf(fields, 'anchor'), ...(fields.has('fromIndex') ? { fromIndex: indexOf(fields) } : {}) };
    case 'run':
      return { kind, run: fields.text('run') };
    case 'suspension':
      return { kind, name: nameOf(fields, 'name'), version: fields.integer('version', 1), at: fields.moment('at'), by: hexOf(fields, 'by') };
    case 'revocation':
      return { kind, name: nameOf(fields, 'name'), version: fields.integer('version', 1) };
  }
}

function indexOf(fields: Fields): string {
  const text = fields.text('fromIndex');
  return /^(?:0|[1-9]\d{0,18})$/.test(text) ? text : fields.refuse('fromIndex is not a number in a string');
}

export function encodeDenials(denials: readonly ListedDenial[]): Uint8Array {
  return close(
    'DenialList',
    'denials',
    denials.map((denial): JsonObject => {
      const { window, addedAt, at, ...rest } = denial as ListedDenial & { window?: Window; at?: number };
      const dates = momentsJson({ addedAt, at, from: window?.from, to: window?.to });
      return { ...(rest as unknown as JsonObject), ...dates };
    }),
  );
}
