/** The calls to a PKCS#11 module (v2.40), through pkcs11js; this runs in the process of its own only. */
import type { Failure, KeyWanted, Mechanism, PublicAttributes } from './pkcs11-messages.ts';

/** The little of pkcs11js that is used. Handles are buffers to it. */
type Handle = Buffer;
interface Attribute {
  readonly type: number;
  readonly value?: Buffer | number | boolean;
}
interface TokenInfo {
  readonly label: string;
  readonly manufacturerID: string;
  readonly model: string;
  readonly serialNumber: string;
  readonly flags: number;
}
export interface Cryptoki {
  load(path: string): void;
  C_Initialize(options: { readonly flags: number }): void;
  C_GetSlotList(tokenPresent: boolean): Handle[];
  C_GetTokenInfo(slot: Handle): TokenInfo;
  C_GetMechanismList(slot: Handle): number[];
  C_OpenSession(slot: Handle, flags: number): Handle;
  C_CloseSession(session: Handle): void;
  C_Login(session: Handle, user: number, pin?: string): void;
  C_FindObjectsInit(session: Handle, template: readonly Attribute[]): void;
  C_FindObjects(session: Handle, most: number): Handle[];
  C_FindObjectsFinal(session: Handle): void;
  C_GetAttributeValue(session: Handle, object: Handle, template: readonly Attribute[]): { readonly type: number; readonly value: Buffer }[];
  C_SignInit(session: Handle, mechanism: { readonly mechanism: number }, key: Handle): void;
  C_Sign(session: Handle, message: Buffer, out: Buffer): Buffer;
  C_SignUpdate(session: Handle, part: Buffer): void;
  C_SignFinal(session: Handle, out: Buffer): Buffer;
}

/** PKCS #11 v2.40, section 2 of the header file. */
const CKF = { osLockingOk: 2, serialSession: 4, loginRequired: 4, userPinFinalTry: 0x40000, protectedAuthenticationPath: 0x100 } as const;
const CKU = { user: 1, contextSpecific: 2 } as const;
const CKO = { certificate: 1, publicKey: 2, privateKey: 3 } as const;
const CKA = {
  class: 0,
  label: 3,
  value: 0x11,
  keyType: 0x100,
  id: 0x102,
  modulus: 0x120,
  publicExponent: 0x122,
  ecParams: 0x180,
  ecPoint: 0x181,
  alwaysAuthenticate: 0x202,
} as const;
const CKK = { rsa: 0, ec: 3, edwards: 0x40 } as const;
const MECHANISMS: Readonly<Record<Mechanism, number>> = { RSA_PKCS: 1, SHA256_RSA_PKCS: 0x40, ECDSA: 0x1041, EDDSA: 0x1057 };

/** Some modules copy what they are given into buffers of a fixed size. */
const PART_BYTES = 16 * 1024;
const SIGNATURE_BYTES = 1024;
/** A buffer that is empty from the start has no address, and modules take that for a mistake. */
const NOTHING = Buffer.alloc(1).subarray(0, 0);

export class TokenFailure extends Error {
  readonly failure: Failure;
  constructor(kind: Failure['kind'], text: string) {
    super(text);
    this.failure = { kind, text };
  }
}

export interface OpenToken {
  readonly module: Cryptoki;
  readonly slot: Handle;
  session: Handle;
  readonly label: string;
  readonly flags: number;
}

export function openToken(module: Cryptoki, wanted: KeyWanted): OpenToken {
  const found = module.C_GetSlotList(true).flatMap((slot) => {
    if (wanted.slotId !== undefined && slotNumber(slot) !== wanted.slotId) return [];
    const info = module.C_GetTokenInfo(slot);
    return fits(info, wanted) ? [{ slot, info }] : [];
  });
  const [first] = found;
  if (!first) throw new TokenFailure('no-token', 'no token in any slot fits the URI');
  // A PIN that is tried on the wrong token brings that one nearer to its lock.
  if (found.length > 1)
    throw new TokenFailure(
      'several-tokens',
      `${found.length} tokens fit the URI: ${found.map(({ info }) => `${info.label.trim()} (serial ${info.serialNumber.trim()})`).join(', ')}`,
    );
  const { slot, info } = first;
  return { module, slot, session: module.C_OpenSession(slot, CKF.serialSession), label: info.label.trim(), flags: info.flags };
}

/** CK_SLOT_ID as the machine writes its unsigned long. */
function slotNumber(slot: Handle): number {
  return slot.length === 8 ? Number(slot.readBigUInt64LE()) : slot.readUInt32LE();
}

/** Fields of a token are padded with blanks. */
function fits(info: TokenInfo, wanted: KeyWanted): boolean {
  return (
    (wanted.token === undefined || info.label.trim() === wanted.token.trim()) &&
    (wanted.serial === undefined || info.serialNumber.trim() === wanted.serial.trim()) &&
    (wanted.manufacturer === undefined || info.manufacturerID.trim() === wanted.manufacturer.trim()) &&
    (wanted.model === undefined || info.model.trim() === wanted.model.trim())
  );
}

export function wantsPin({ flags }: OpenToken): boolean {
  return (flags & CKF.loginRequired) !== 0 && (flags & CKF.protectedAuthenticationPath) === 0;
}

/** Once only: a wrong PIN is never tried again, because tokens count. */
export function login({ module, session, flags }: OpenToken, pin: string | undefined): void {
  if ((flags & CKF.loginRequired) === 0) return;
  const before = (flags & CKF.userPinFinalTry) === 0 ? '' : ' (and it was the last try before the token locks)';
  try {
    if (pin === undefined) module.C_Login(session, CKU.user);
    else module.C_Login(session, CKU.user, pin);
  } catch (error) {
    if (codeOf(error) === 'CKR_USER_ALREADY_LOGGED_IN') return;
    throw new TokenFailure('cryptoki', `C_Login: ${codeOf(error)}${before}`);
  }
}

export interface FoundKey {
  readonly object: Handle;
  readonly id: Buffer;
  /** Whether the PIN is wanted for every signature (CKA_ALWAYS_AUTHENTICATE), as in the signing slot of PIV cards. */
  readonly alwaysAuthenticate: boolean;
}

function template(kind: number, { object, id }: { readonly object?: string; readonly id?: Buffer }): Attribute[] {
  return [
    { type: CKA.class, value: kind },
    ...(object === undefined ? [] : [{ type: CKA.label, value: Buffer.from(object) }]),
    ...(id === undefined ? [] : [{ type: CKA.id, value: id }]),
  ];
}

function find({ module, session }: OpenToken, attributes: readonly Attribute[]): Handle[] {
  module.C_FindObjectsInit(session, attributes);
  try {
    return module.C_FindObjects(session, 8);
  } finally {
    module.C_FindObjectsFinal(session);
  }
}

export function findPrivateKey(token: OpenToken, wanted: KeyWanted): FoundKey {
  const found = find(token, template(CKO.privateKey, namesOf(wanted)));
  const [object] = found;
  if (!object) throw new TokenFailure('no-key', `the token "${token.label}" holds no private key of that name`);
  if (found.length > 1)
    throw new TokenFailure('several-keys', `the token "${token.label}" holds ${found.length === 8 ? 'many' : found.length} private keys of that name`);
  return { object, id: read(token, object, CKA.id) ?? Buffer.alloc(0), alwaysAuthenticate: (read(token, object, CKA.alwaysAuthenticate)?.[0] ?? 0) !== 0 };
}

const namesOf = ({ object, id }: KeyWanted): { object?: string; id?: Buffer } => ({
  ...(object === undefined ? {} : { object }),
  ...(id === undefined ? {} : { id: Buffer.from(id, 'base64') }),
});

/** The public half: of the private key's ID when that is known, else of the name; then a certificate, then RSA's own attributes. */
export function readPublicKey(token: OpenToken, wanted: KeyWanted, key?: FoundKey): PublicAttributes {
  const names = key && key.id.length > 0 ? { id: key.id } : namesOf(wanted);
  for (const kind of [CKO.publicKey, CKO.certificate]) {
    const found = find(token, template(kind, names));
    if (found.length > 1)
      throw new TokenFailure(
        'several-keys',
        `the token "${token.label}" holds ${found.length} ${kind === CKO.publicKey ? 'public keys' : 'certificates'} of that name`,
      );
    const object = found[0];
    if (!object) continue;
    if (kind === CKO.certificate) return { kind: 'certificate', der: base64(need(token, object, CKA.value, 'CKA_VALUE')) };
    return attributesOf(token, object);
  }
  if (key && keyType(token, key.object) === CKK.rsa) return attributesOf(token, key.object);
  throw new TokenFailure('no-public-key', `the token "${token.label}" holds neither a public key nor a certificate for that key`);
}

function attributesOf(token: OpenToken, object: Handle): PublicAttributes {
  const type = keyType(token, object);
  if (type === CKK.rsa)
    return {
      kind: 'rsa',
      modulus: base64(need(token, object, CKA.modulus, 'CKA_MODULUS')),
      exponent: base64(need(token, object, CKA.publicExponent, 'CKA_PUBLIC_EXPONENT')),
    };
  if (type !== CKK.ec && type !== CKK.edwards)
    throw new TokenFailure('no-public-key', `the key on the token "${token.label}" is of a kind that is not used for signing here (CKK ${type})`);
  return {
    kind: type === CKK.ec ? 'ec' : 'edwards',
    params: base64(need(token, object, CKA.ecParams, 'CKA_EC_PARAMS')),
    point: base64(need(token, object, CKA.ecPoint, 'CKA_EC_POINT')),
  };
}

function keyType(token: OpenToken, object: Handle): number {
  return need(token, object, CKA.keyType, 'CKA_KEY_TYPE').readUInt32LE();
}

function read({ module, session }: OpenToken, object: Handle, type: number): Buffer | undefined {
  try {
    return module.C_GetAttributeValue(session, object, [{ type }])[0]?.value;
  } catch (error) {
    // CKR_ATTRIBUTE_TYPE_INVALID: the object has no such attribute.
    if (codeOf(error).startsWith('CKR_ATTRIBUTE_')) return undefined;
    throw error;
  }
}

function need(token: OpenToken, object: Handle, type: number, name: string): Buffer {
  const value = read(token, object, type);
  if (!value || value.length === 0) throw new TokenFailure('no-public-key', `the token "${token.label}" does not show ${name} of the key`);
  return value;
}

export function mechanismsOf({ module, slot }: OpenToken): Mechanism[] {
  const offered = new Set(module.C_GetMechanismList(slot));
  return (Object.keys(MECHANISMS) as Mechanism[]).filter((name) => offered.has(MECHANISMS[name]));
}

export function sign(token: OpenToken, key: FoundKey, mechanism: Mechanism, message: Buffer, pin: string | undefined): Buffer {
  try {
    return signOnce(token, key, mechanism, message, pin);
  } catch (error) {
    // Some modules leave the operation open that failed, and would refuse every one after it. The login is the token's, not the session's.
    try {
      const old = token.session;
      token.session = token.module.C_OpenSession(token.slot, CKF.serialSession);
      token.module.C_CloseSession(old);
    } catch {
      // The token is gone; what was said first says why.
    }
    throw error;
  }
}

function signOnce({ module, session }: OpenToken, key: FoundKey, mechanism: Mechanism, message: Buffer, pin: string | undefined): Buffer {
  module.C_SignInit(session, { mechanism: MECHANISMS[mechanism] }, key.object);
  if (key.alwaysAuthenticate) module.C_Login(session, CKU.contextSpecific, pin);
  const out = Buffer.alloc(SIGNATURE_BYTES);
  const inParts = mechanism === 'SHA256_RSA_PKCS' && message.length > PART_BYTES;
  if (!inParts) return module.C_Sign(session, message.length === 0 ? NOTHING : message, out);
  for (let at = 0; at < message.length; at += PART_BYTES) module.C_SignUpdate(session, message.subarray(at, at + PART_BYTES));
  return module.C_SignFinal(session, out);
}

export const initializeFlags: number = CKF.osLockingOk;

/** "CKR_PIN_INCORRECT", out of what pkcs11js throws. */
export function codeOf(error: unknown): string {
  const text = error instanceof Error ? `${error.message} ${error.stack ?? ''}` : String(error);
  return /\bCKR_[A-Z0-9_]+/.exec(text)?.[0] ?? (error instanceof Error ? (error.message.split('\n')[0] ?? '') : text).slice(0, 200);
}

const base64 = (bytes: Buffer): string => bytes.toString('base64');
