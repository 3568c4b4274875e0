/** Writing TUF metadata (specification 1.0.34, section 4): what is signed as a value, its bytes, and the document around it. */
import { hash, type PublicKey } from '../../crypto/index.ts';
import { encodeMoment, encodeHex, type JsonObject, type JsonValue, utf8 } from '../../encoding/index.ts';
import { canonicalBytes } from './canonical.ts';
import { ISSUED_FIELD, POST_QUANTUM_FIELD, type TopRole } from './metadata.ts';
import { composeMetadataKey } from './metadata-key.ts';

export interface SignerKey {
  readonly key: PublicKey;
  /** For people: who holds it. */
  readonly holder?: string;
}

export interface SignerKeys {
  readonly keys: readonly SignerKey[];
  readonly threshold: number;
}

interface Common {
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** In whole seconds: section 4.1 knows no others, and go-tuf verifies what it has written anew, without zeros at the end of a fraction. */
/** Whole seconds: section 4.1 knows no fractions, and some clients refuse them. */
const wholeSeconds = (moment: number): string => encodeMoment(Math.floor(moment / 1000) * 1000);

const common = (type: TopRole, { version, expires }: Common): JsonObject => ({
  _type: type,
  spec_version: '1.0.31',
  version,
  expires: encodeMoment(Math.floor(expires / 1000) * 1000),
});

/** ML-DSA keys stand apart, because stock clients refuse a role in which one of the keys is of a kind that they do not know. */
export function composeRoot(root: Common & { readonly roles: Readonly<Record<TopRole, SignerKeys>> }): JsonObject {
  const isPostQuantum = ({ key }: SignerKey): boolean => key.kind === 'ml-dsa';
  const classical = mapRoles(root.roles, ({ keys, threshold }) => ({ keys: keys.filter((one) => !isPostQuantum(one)), threshold }));
  const beside = Object.entries(root.roles).flatMap(([role, { keys, threshold }]) => {
    const own = keys.filter(isPostQuantum);
    return own.length === 0 ? [] : [[role, { keys: own, threshold: Math.min(threshold, own.length) }] as const];
  });
  return {
    ...common('root', root),
    consistent_snapshot: true,
    ...signersJson(Object.entries(classical)),
    ...(beside.length === 0 ? {} : { [POST_QUANTUM_FIELD]: signersJson(beside) }),
  };
}

function mapRoles(roles: Readonly<Record<TopRole, SignerKeys>>, by: (signers: SignerKeys) => SignerKeys): Record<TopRole, SignerKeys> {
  return { root: by(roles.root), timestamp: by(roles.timestamp), snapshot: by(roles.snapshot), targets: by(roles.targets) };
}

function signersJson(roles: readonly (readonly [string, SignerKeys])[]): JsonObject {
  const keys: JsonObject = {};
  const members = roles.map(([role, signers]): [string, JsonObject] => [role, { keyids: listKeys(signers, keys), threshold: signers.threshold }]);
  return { keys, roles: Object.fromEntries(members) };
}

function listKeys(signers: SignerKeys, into: JsonObject): string[] {
  return signers.keys.map(({ key, holder }) => {
    const { id, record } = composeMetadataKey(key, holder);
    into[id] = record;
    return id;
  });
}

export interface ComposedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Under `custom` of the file; Sigstore's clients look for `sigstore` there. */
  readonly custom?: JsonValue;
}

export interface ComposedDelegation extends SignerKeys {
  readonly name: string;
  readonly paths: readonly string[];
}

/** Delegations are terminating: of a path that belongs to one role nobody else speaks. */
export function composeTargets(
  targets: Common & { readonly files: readonly ComposedFile[]; readonly delegations?: readonly ComposedDelegation[] },
): JsonObject {
  const keys: JsonObject = {};
  const roles = targets.delegations?.map(
    ({ name, paths, ...signers }): JsonObject => ({
      name,
      keyids: listKeys(signers, keys),
      threshold: signers.threshold,
      terminating: true,
      paths: [...paths],
    }),
  );
  return {
    ...common('targets', targets),
    targets: filesJson(targets.files),
    ...(roles === undefined || roles.length === 0 ? {} : { delegations: { keys, roles } }),
  };
}

function filesJson(files: readonly ComposedFile[]): JsonObject {
  return Object.fromEntries(
    files.map(({ path, bytes, custom }): [string, JsonObject] => [
      path,
      { length: bytes.length, hashes: { sha256: encodeHex(hash('sha256', bytes)) }, ...(custom === undefined ? {} : { custom }) },
    ]),
  );
}

/** @param documents the bytes of each role's metadata, with its version. */
export function composeSnapshot(
  snapshot: Common & { readonly documents: readonly { readonly role: string; readonly version: number; readonly bytes: Uint8Array }[] },
): JsonObject {
  const meta = snapshot.documents.map(({ role, version, bytes }): [string, JsonObject] => [`${role}.json`, fileRecord(version, bytes)]);
  return { ...common('snapshot', snapshot), meta: Object.fromEntries(meta) };
}

/** @param issuedAt milliseconds since 1970: when the lease that it gives begins. */
export function composeTimestamp(
  timestamp: Common & { readonly issuedAt: number; readonly snapshot: { readonly version: number; readonly bytes: Uint8Array } },
): JsonObject {
  const { version, bytes } = timestamp.snapshot;
  return { ...common('timestamp', timestamp), [ISSUED_FIELD]: wholeSeconds(timestamp.issuedAt), meta: { 'snapshot.json': fileRecord(version, bytes) } };
}

function fileRecord(version: number, bytes: Uint8Array): JsonObject {
  return { version, length: bytes.length, hashes: { sha256: encodeHex(hash('sha256', bytes)) } };
}

/** What a key signs for a document. */
export function signingBytes(signed: JsonObject): Uint8Array {
  return canonicalBytes(signed);
}

export interface MadeSignature {
  readonly key: PublicKey;
  readonly signature: Uint8Array;
}

/** The document with its signatures, one for each key and in the order of their ids. */
export function encodeMetadata(signed: JsonObject, signatures: readonly MadeSignature[]): Uint8Array {
  const made = new Map(signatures.map(({ key, signature }) => [composeMetadataKey(key).id, encodeHex(signature)]));
  const list = [...made].sort(([a], [b]) => (a < b ? -1 : 1)).map(([keyid, sig]): JsonObject => ({ keyid, sig }));
  return utf8(`${JSON.stringify({ signatures: list, signed }, null, 1)}\n`);
}
