/**
 * TUF metadata (specification 1.0.34, section 4), from bytes to values. What is not known is carried along under the
 * signature and read by nobody. Everything here is attacker-controlled until a threshold of keys has signed it.
 */
import { decodeHex, encodeHex, type JsonValue, LIMITS, parseJson } from '../../encoding/index.ts';
import { hash, type HashName } from '../../crypto/index.ts';
import { SealwardError } from '../../errors.ts';
import { Fields } from '../fields.ts';
import { canonicalBytes } from './canonical.ts';
import { type MetadataKey, readMetadataKey } from './metadata-key.ts';

export const TOP_ROLES = ['root', 'timestamp', 'snapshot', 'targets'] as const;
export type TopRole = (typeof TOP_ROLES)[number];

export interface SignedDocument {
  /** As it came; what is kept is kept in these bytes. */
  readonly bytes: Uint8Array;
  readonly version: number;
  /** Milliseconds since 1970; from this moment on it is expired. */
  readonly expires: number;
  /** What was signed. */
  readonly canonical: Uint8Array;
  readonly signatures: readonly { readonly keyId: string; readonly signature: Uint8Array }[];
}

/** Who must sign: a number of distinct keys out of these. */
export interface Signers {
  readonly keys: readonly MetadataKey[];
  readonly threshold: number;
}

export interface RootMetadata extends SignedDocument {
  readonly type: 'root';
  readonly consistentSnapshot: boolean;
  readonly roles: Readonly<Record<TopRole, Signers>>;
  /** Keys of another kind who must sign besides; stock clients do not see them. */
  readonly postQuantum: Readonly<Partial<Record<TopRole, Signers>>>;
}

/** What one document says of another: length and digests where it says so. */
export interface FileRecord {
  readonly version: number;
  readonly length?: number;
  readonly hashes?: Readonly<Record<string, string>>;
}

export interface TimestampMetadata extends SignedDocument {
  readonly type: 'timestamp';
  readonly snapshot: FileRecord;
  /** When it was signed, where whoever signed it says so. */
  readonly issuedAt?: number;
}

export interface SnapshotMetadata extends SignedDocument {
  readonly type: 'snapshot';
  /** By role, without the ending. */
  readonly meta: ReadonlyMap<string, FileRecord>;
}

export interface TargetFile {
  readonly length: number;
  readonly hashes: Readonly<Record<string, string>>;
  readonly custom?: JsonValue;
}

export interface Delegation extends Signers {
  readonly name: string;
  readonly terminating: boolean;
  /** Whether the role may speak of a path. */
  readonly paths?: readonly string[];
  readonly pathHashPrefixes?: readonly string[];
}

/** TAP 15: the targets are spread over many roles of one set of signers, by the first bits of a digest of their path. */
export interface SuccinctRoles extends Signers {
  readonly bitLength: number;
  readonly namePrefix: string;
}

export interface TargetsMetadata extends SignedDocument {
  readonly type: 'targets';
  readonly files: ReadonlyMap<string, TargetFile>;
  readonly delegations: readonly Delegation[];
  readonly succinct?: SuccinctRoles;
}

/** Under this member of a root stand the keys of another kind, and who of them must sign. */
export const POST_QUANTUM_FIELD = 'x-sealward-post-quantum';
/** Under this member of a timestamp stands when it was signed. */
export const ISSUED_FIELD = 'x-sealward-issued';

const MAX_BYTES = { root: LIMITS.tufRootBytes, timestamp: LIMITS.tufTimestampBytes, snapshot: LIMITS.tufSnapshotBytes, targets: LIMITS.tufTargetsBytes };

/** The most bytes that a document of the type may have. */
export const metadataBound = (type: TopRole): number => MAX_BYTES[type];

export function parseRoot(bytes: Uint8Array): RootMetadata {
  const { signed, ...rest } = open(bytes, 'root', 'root.json');
  const keys = readKeys(signed);
  const holder = signed.object('roles');
  const roles = Object.fromEntries(TOP_ROLES.map((role) => [role, readSigners(holder.object(role), keys)])) as Record<TopRole, Signers>;
  const beside = signed.has(POST_QUANTUM_FIELD) ? signed.object(POST_QUANTUM_FIELD) : undefined;
  const postQuantum: Partial<Record<TopRole, Signers>> = {};
  if (beside) {
    const known = readKeys(beside);
    for (const role of TOP_ROLES) if (beside.object('roles').has(role)) postQuantum[role] = readSigners(beside.object('roles').object(role), known);
  }
  return { type: 'root', ...rest, consistentSnapshot: signed.has('consistent_snapshot') && signed.flag('consistent_snapshot'), roles, postQuantum };
}

export function parseTimestamp(bytes: Uint8Array): TimestampMetadata {
  const { signed, ...rest } = open(bytes, 'timestamp', 'timestamp.json');
  const meta = signed.object('meta');
  if (meta.names(LIMITS.tufRoles).length !== 1) meta.refuse('it speaks of other files than snapshot.json');
  const issuedAt = signed.optionalMoment(ISSUED_FIELD);
  return { type: 'timestamp', ...rest, snapshot: readRecord(meta.object('snapshot.json')), ...(issuedAt === undefined ? {} : { issuedAt }) };
}

export function parseSnapshot(bytes: Uint8Array): SnapshotMetadata {
  const { signed, ...rest } = open(bytes, 'snapshot', 'snapshot.json');
  const meta = new Map<string, FileRecord>();
  for (const [name, fields] of signed.entries('meta', LIMITS.tufRoles)) {
    if (!name.endsWith('.json')) fields.refuse('it is not the name of metadata');
    meta.set(name.slice(0, -'.json'.length), readRecord(fields));
  }
  return { type: 'snapshot', ...rest, meta };
}

export function parseTargets(bytes: Uint8Array, role: string): TargetsMetadata {
  const { signed, ...rest } = open(bytes, 'targets', `the metadata of the role ${JSON.stringify(role)}`);
  const files = new Map<string, TargetFile>();
  for (const [path, fields] of signed.entries('targets', LIMITS.tufTargets)) {
    if (path.length > LIMITS.tufPathLength) fields.refuse('its path is too long');
    files.set(path, {
      length: fields.integer('length', 0),
      hashes: readHashes(fields),
      ...(fields.has('custom') ? { custom: fields.value('custom') } : {}),
    });
  }
  return { type: 'targets', ...rest, files, ...(signed.has('delegations') ? readDelegations(signed.object('delegations')) : { delegations: [] }) };
}

function open(bytes: Uint8Array, type: TopRole, what: string): SignedDocument & { readonly signed: Fields } {
  const document = new Fields(parseJson(bytes, { what, maxBytes: MAX_BYTES[type] }), what);
  const value = document.value('signed');
  const signed = new Fields(value, what);
  if (signed.text('_type') !== type) signed.refuse(`it is of the type ${JSON.stringify(signed.text('_type').slice(0, 40))}, and not ${type}`);
  if (!/^1(\.\d+){1,2}$/.test(signed.text('spec_version'))) signed.refuse('spec_version is not 1');
  const signatures = document
    .objects('signatures', LIMITS.tufSignatures)
    .map((one) => ({ keyId: one.text('keyid'), signature: readSignature(one.text('sig')) }));
  // Section 4.2.1: "The keyid MUST be unique in the signatures array".
  if (new Set(signatures.map(({ keyId }) => keyId)).size !== signatures.length) document.refuse('two signatures name the same key');
  return { bytes, signed, canonical: canonicalBytes(value), version: signed.integer('version', 1), expires: signed.moment('expires'), signatures };
}

/** Others leave a signature empty until its signer comes: it counts for nothing, and is no fault of the rest. */
function readSignature(text: string): Uint8Array {
  return /^([0-9a-f]{2})*$/i.test(text) ? decodeHex(text.toLowerCase(), 'a signature') : new Uint8Array();
}

function readKeys(holder: Fields): ReadonlyMap<string, MetadataKey> {
  return new Map(holder.entries('keys', LIMITS.tufKeys).map(([id, fields]) => [id, readMetadataKey(id, fields)]));
}

/** A threshold of zero would switch signatures off (CVE-2026-23992). One that cannot be met is met by nobody. */
function readSigners(fields: Fields, keys: ReadonlyMap<string, MetadataKey>): Signers {
  const ids = fields.texts('keyids', LIMITS.tufKeys);
  if (new Set(ids).size !== ids.length) fields.refuse('keyids names a key twice');
  // A key that is named and not listed cannot sign; other clients let it stand, and so does this one.
  return { threshold: fields.integer('threshold', 1), keys: ids.flatMap((id) => keys.get(id) ?? []) };
}

function readRecord(fields: Fields): FileRecord {
  return {
    version: fields.integer('version', 1),
    ...(fields.has('length') ? { length: fields.integer('length', 0) } : {}),
    ...(fields.has('hashes') ? { hashes: readHashes(fields) } : {}),
  };
}

function readHashes(fields: Fields): Record<string, string> {
  const hashes = fields.object('hashes');
  const names = hashes.names(8);
  if (names.length === 0) hashes.refuse('it is empty');
  return Object.fromEntries(names.map((name) => [name, hashes.text(name)]));
}

function readDelegations(fields: Fields): Pick<TargetsMetadata, 'delegations' | 'succinct'> {
  const keys = readKeys(fields);
  if (fields.has('succinct_roles')) {
    if (fields.has('roles')) fields.refuse('it has roles and succinct_roles');
    const succinct = fields.object('succinct_roles');
    const bitLength = succinct.integer('bit_length', 1);
    if (bitLength > 32) succinct.refuse('bit_length is more than 32');
    return { delegations: [], succinct: { ...readSigners(succinct, keys), bitLength, namePrefix: readRoleName(succinct, 'name_prefix') } };
  }
  const delegations = fields.objects('roles', LIMITS.tufRoles).map((role) => readDelegation(role, keys));
  if (new Set(delegations.map(({ name }) => name)).size !== delegations.length) fields.refuse('two roles have the same name');
  return { delegations };
}

function readDelegation(role: Fields, keys: ReadonlyMap<string, MetadataKey>): Delegation {
  const name = readRoleName(role, 'name');
  if ((TOP_ROLES as readonly string[]).includes(name)) role.refuse(`${name} is no name for a delegated role`);
  if (role.has('paths') === role.has('path_hash_prefixes')) role.refuse('it needs either paths or path_hash_prefixes');
  return {
    name,
    ...readSigners(role, keys),
    terminating: role.flag('terminating'),
    ...(role.has('paths') ? { paths: role.texts('paths', LIMITS.tufTargets) } : { pathHashPrefixes: role.texts('path_hash_prefixes', LIMITS.tufTargets) }),
  };
}

function readRoleName(fields: Fields, member: string): string {
  const name = fields.text(member);
  if (name === '' || name.length > LIMITS.tufRoleNameLength) fields.refuse(`${member} is empty or too long`);
  return name;
}

/** Length and every digest that is known. A record without one that is known proves nothing, and is refused. */
export function matchFile(
  record: { readonly length?: number | undefined; readonly hashes?: Readonly<Record<string, string>> | undefined },
  bytes: Uint8Array,
  what: string,
): void {
  if (record.length !== undefined && record.length !== bytes.length)
    throw new SealwardError('ERR_TRUST_MISMATCH', `${what} has ${bytes.length} bytes, and was signed with ${record.length}`);
  if (record.hashes === undefined) return;
  const known = (['sha256', 'sha384', 'sha512'] as HashName[]).filter((name) => record.hashes?.[name] !== undefined);
  if (known.length === 0) throw new SealwardError('ERR_TRUST_MISMATCH', `${what} was signed without a digest that is known`);
  for (const name of known)
    if (encodeHex(hash(name, bytes)) !== record.hashes[name]?.toLowerCase())
      throw new SealwardError('ERR_TRUST_MISMATCH', `${what} does not have the digest that was signed`);
}
