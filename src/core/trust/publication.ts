/**
 * How a trust repository is written: what shall hold becomes documents, each waits until enough people have signed it, and
 * with a snapshot and a timestamp all of it becomes one new state. Signing itself is somebody else's, who has the keys.
 */
import type { PublicKey } from '../crypto/index.ts';
import { canonicalJson, encodeHex, type JsonObject, type JsonValue, LIMITS, parseJsonObject, utf8 } from '../encoding/index.ts';
import { invariant, SealwardError } from '../errors.ts';
import { advanceTrust, filesWanted, nextTrust, type TrustChain, type TrustOffer, trustRolesOf } from './next.ts';
import { ownerOf, patternOf, SIGNING_CONFIG_FILE, TRUSTED_ROOT_FILE } from './repository-files.ts';
import { TRUST_ROLES, type TrustRole } from './state.ts';
import { type ComposedFile, composeRoot, composeSnapshot, composeTargets, composeTimestamp, type SignerKeys } from './tuf/compose.ts';
import {
  parseRoot,
  parseTargets,
  parseTimestamp,
  type RootMetadata,
  type SignedDocument,
  type Signers,
  type TargetsMetadata,
  TOP_ROLES,
  type TopRole,
} from './tuf/metadata.ts';
import { composeMetadataKey, metadataKeyOf } from './tuf/metadata-key.ts';
import { nextRoot, nextSnapshot, nextTargets, nextTimestamp, signersOf, startTrust } from './tuf/trusted-metadata.ts';

export type SigningRole = TopRole | TrustRole;
/** The roles whose documents people sign; snapshot and timestamp are signed where they are published. */
export type StagedRole = 'root' | 'targets' | TrustRole;
export const SIGNING_ROLES: readonly SigningRole[] = [...TOP_ROLES, ...TRUST_ROLES];
export const STAGED_ROLES: readonly StagedRole[] = ['root', 'targets', ...TRUST_ROLES];

/** What shall hold. */
export interface TrustPlan {
  readonly signers: Readonly<Record<SigningRole, SignerKeys>>;
  /** By path; of each role of STAGED_ROLES those that belong to it. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Milliseconds for which a document that is written now is good. */
  readonly lifetime: { readonly root: number; readonly roles: number };
}

/** The repository as it is served: by name, metadata at its top and files under `targets/`. */
export type RepositoryFiles = ReadonlyMap<string, Uint8Array>;

/** Where a file of a role lies: by its digest, so that an old version and a new one stand side by side (section 6.2). */
export function targetName(path: string, hashes: Readonly<Record<string, string>>): string {
  const digest = hashes['sha256'] ?? hashes['sha512'] ?? Object.values(hashes)[0] ?? '';
  const slash = path.lastIndexOf('/') + 1;
  return `targets/${path.slice(0, slash)}${digest}.${path.slice(slash)}`;
}

export function metadataName(role: string, version: number): string {
  return `${version}.${encodeURIComponent(role)}.json`;
}

/** Sigstore's clients read these members of a file before they read the file (sigstore/sigstore, pkg/tuf). */
function customOf(path: string): { custom?: JsonValue } {
  return path === TRUSTED_ROOT_FILE || path === SIGNING_CONFIG_FILE ? { custom: { sigstore: { status: 'Active', usage: 'Unknown' } } } : {};
}

function plannedFiles({ files }: TrustPlan, role: StagedRole): ComposedFile[] {
  return [...files]
    .filter(([path]) => ownerOf(path) === role)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, bytes]) => ({ path, bytes, ...customOf(path) }));
}

/** What a role would sign now, with a version and an end that are set when it is staged. */
function compose(plan: TrustPlan, role: StagedRole, version: number, now: number): JsonObject {
  if (role === 'root') {
    const { root, timestamp, snapshot, targets } = plan.signers;
    return composeRoot({ version, expires: now + plan.lifetime.root, roles: { root, timestamp, snapshot, targets } });
  }
  const delegations = role === 'targets' ? TRUST_ROLES.map((name) => ({ name, paths: [patternOf(name)], ...plan.signers[name] })) : [];
  return composeTargets({ version, expires: now + plan.lifetime.roles, files: plannedFiles(plan, role), delegations });
}

/** Whether two documents say the same, whenever and in whichever version they say it. */
function saysTheSame(signed: JsonObject, other: JsonObject): boolean {
  const bare = ({ version: _v, expires: _e, ...rest }: JsonObject): string => canonicalJson(rest);
  return bare(signed) === bare(other);
}

function signedOf(document: SignedDocument): JsonObject {
  // The canonical form carries control characters as they are, and so is no JSON.
  return parseJsonObject(document.bytes, { what: 'metadata', maxBytes: LIMITS.tufTargetsBytes })['signed'] as JsonObject;
}

function held(published: TrustChain | undefined, role: StagedRole): RootMetadata | TargetsMetadata | undefined {
  return role === 'root' ? published?.metadata.root : published?.metadata.targets.get(role);
}

/** Who must sign a staged document: of a root those of the root before it too. */
export function signersFor(published: TrustChain | undefined, plan: TrustPlan, role: StagedRole): readonly Signers[] {
  const next = asSigners(plan.signers[role]);
  if (role !== 'root' || !published) return next;
  const { roles, postQuantum } = published.metadata.root;
  return [roles.root, ...(postQuantum.root ? [postQuantum.root] : []), ...next];
}

/** Classical keys and post-quantum ones each have their threshold, as in the root that composeRoot writes. */
function asSigners({ keys, threshold }: SignerKeys): readonly Signers[] {
  const kinds = [keys.filter(({ key }) => key.kind !== 'ml-dsa'), keys.filter(({ key }) => key.kind === 'ml-dsa')].filter((some) => some.length > 0);
  return kinds.map((some) => ({ keys: some.map(({ key, holder }) => metadataKeyOf(key, holder)), threshold: Math.min(threshold, some.length) }));
}

/**
 * The documents that must be signed before what is planned can hold. Signatures on a staged document that still says the same stay.
 * @param staged what waits already, by role. @param renew roles that are to be signed again although nothing changed.
 */
export function stageTrust(
  published: TrustChain | undefined,
  plan: TrustPlan,
  staged: ReadonlyMap<StagedRole, Uint8Array>,
  now: number,
  renew: readonly StagedRole[] = [],
): Map<StagedRole, Uint8Array> {
  checkSigners(plan);
  const out = new Map<StagedRole, Uint8Array>();
  for (const role of STAGED_ROLES) {
    const before = held(published, role);
    const next = compose(plan, role, (before?.version ?? 0) + 1, now);
    const waiting = staged.get(role);
    const waitingSigned = waiting && signedOf(parseStaged(role, waiting));
    const waits = waitingSigned && waitingSigned['version'] === next['version'] && saysTheSame(waitingSigned, next);
    const changed = !before || !saysTheSame(signedOf(before), next) || !stillSigned(before, plan, role);
    // What waits and says what is in force already was asked for as a renewal.
    if (!changed && !renew.includes(role) && !waits) continue;
    out.set(role, waits ? waiting : utf8(`${JSON.stringify({ signatures: [], signed: next }, null, 1)}\n`));
  }
  return out;
}

export function parseStaged(role: StagedRole, bytes: Uint8Array): RootMetadata | TargetsMetadata {
  return role === 'root' ? parseRoot(bytes) : parseTargets(bytes, role);
}

/** A document that was signed by people who no longer sign for its role must be signed anew. */
function stillSigned(document: SignedDocument, plan: TrustPlan, role: StagedRole): boolean {
  return role === 'root' || asSigners(plan.signers[role]).every((signers) => signersOf(signers, document).size >= signers.threshold);
}

function checkSigners({ signers }: TrustPlan): void {
  for (const role of SIGNING_ROLES) {
    const { keys, threshold } = signers[role];
    const distinct = new Set(keys.map(({ key }) => key.fingerprint)).size;
    const classical = keys.filter(({ key }) => key.kind !== 'ml-dsa').length;
    if (!Number.isInteger(threshold) || threshold < 1 || threshold > classical || distinct !== keys.length)
      throw new SealwardError('ERR_TRUST_PLAN', `the role ${role} wants ${threshold} of ${classical} distinct keys, which cannot be`);
    if (classical !== keys.length && (TRUST_ROLES as readonly string[]).includes(role))
      throw new SealwardError('ERR_TRUST_PLAN', `the role ${role} has a post-quantum key, and those sign for the four roles of the root only`);
  }
}

/** The document with one more signature; another of the same key is replaced. */
export function addSignature(document: Uint8Array, key: PublicKey, signature: Uint8Array): Uint8Array {
  const { signatures, signed } = parseJsonObject(document, { what: 'metadata', maxBytes: LIMITS.tufTargetsBytes });
  const { id } = composeMetadataKey(key);
  const others = (signatures as { keyid: string; sig: string }[]).filter(({ keyid }) => keyid !== id);
  const list = [...others, { keyid: id, sig: encodeHex(signature) }].sort((a, b) => (a.keyid < b.keyid ? -1 : 1));
  return utf8(`${JSON.stringify({ signatures: list, signed: signed as JsonValue }, null, 1)}\n`);
}

export interface SigningProgress {
  readonly role: StagedRole;
  /** By whom it is signed and by whom it may be, as far as they are listed; one member for each set of signers that must agree. */
  readonly sets: readonly {
    readonly threshold: number;
    readonly signed: readonly Signers['keys'][number][];
    readonly missing: readonly Signers['keys'][number][];
  }[];
  readonly complete: boolean;
}

export function signingProgress(published: TrustChain | undefined, plan: TrustPlan, role: StagedRole, bytes: Uint8Array): SigningProgress {
  const document = parseStaged(role, bytes);
  const sets = signersFor(published, plan, role).map((signers) => {
    const signed = signersOf(signers, document);
    const has = ({ usable }: Signers['keys'][number]): boolean => usable !== undefined && signed.has(usable.key.fingerprint);
    return { threshold: signers.threshold, signed: signers.keys.filter(has), missing: signers.keys.filter((key) => !has(key)) };
  });
  return { role, sets, complete: sets.every(({ threshold, signed }) => signed.length >= threshold) };
}

/** A snapshot of what is staged and of all that stays, to be signed by the snapshot's keys. */
export function snapshotOf(
  published: TrustChain | undefined,
  staged: ReadonlyMap<StagedRole, Uint8Array>,
  expires: number,
): { readonly version: number; readonly signed: JsonObject } {
  const version = (published?.metadata.snapshot?.version ?? 0) + 1;
  const documents = (['targets', ...TRUST_ROLES] as const).map((role) => {
    const bytes = staged.get(role);
    const document = bytes ? parseStaged(role, bytes) : held(published, role);
    invariant(document, 'a first publication has every role');
    return { role, version: document.version, bytes: document.bytes };
  });
  return { version, signed: composeSnapshot({ version, expires, documents }) };
}

/** @param lease milliseconds. */
export function timestampOf(
  published: TrustChain | undefined,
  snapshot: { readonly version: number; readonly bytes: Uint8Array },
  now: number,
  lease: number,
): { readonly version: number; readonly signed: JsonObject } {
  const version = (published?.metadata.timestamp?.version ?? 0) + 1;
  return { version, signed: composeTimestamp({ version, expires: now + lease, issuedAt: now, snapshot }) };
}

/** What is added to a repository; verified, with what it builds on, as every client will. */
export function publicationOf(
  published: TrustChain | undefined,
  plan: TrustPlan,
  staged: ReadonlyMap<StagedRole, Uint8Array>,
  online: { readonly snapshot?: Uint8Array; readonly timestamp: Uint8Array },
  now: number,
): { readonly files: RepositoryFiles; readonly chain: TrustChain } {
  const snapshot = online.snapshot ?? published?.metadata.snapshot?.bytes;
  invariant(snapshot, 'a publication has a snapshot');
  const root = staged.get('root');
  const start = published ?? (root && startTrust(root));
  if (!start) throw new SealwardError('ERR_TRUST_PLAN', 'nothing is published yet, and no root is staged');
  const offer: TrustOffer = { roots: root ? [root] : [], timestamp: online.timestamp, snapshot, roles: staged, files: plan.files };
  const chain = advanceTrust(start, offer, now);
  return { files: changedFiles(chain, staged, online, plan.files), chain };
}

/** In the order in which they must be written: whoever reads meanwhile must find all that a document names. */
function changedFiles(
  { metadata }: TrustChain,
  staged: ReadonlyMap<StagedRole, Uint8Array>,
  online: { readonly snapshot?: Uint8Array; readonly timestamp: Uint8Array },
  content: ReadonlyMap<string, Uint8Array>,
): RepositoryFiles {
  const files = new Map<string, Uint8Array>();
  for (const [path, record] of filesWanted(metadata)) {
    const role = ownerOf(path);
    if (role && staged.has(role)) files.set(targetName(path, record.hashes), content.get(path) as Uint8Array);
  }
  for (const [role, bytes] of staged) if (role !== 'root') files.set(metadataName(role, parseStaged(role, bytes).version), bytes);
  if (online.snapshot) files.set(metadataName('snapshot', metadata.snapshot?.version ?? 0), online.snapshot);
  const root = staged.get('root');
  if (root) files.set(metadataName('root', metadata.root.version), root);
  return files.set('timestamp.json', online.timestamp);
}

/**
 * The files that a client needs who comes now, whatever it has seen: every root, and what is in force. In the order in which
 * they must be written, without the past versions that a folder may keep.
 */
export function currentNames({ metadata }: TrustChain): string[] {
  const { root, snapshot } = metadata;
  const files = [...filesWanted(metadata)].map(([path, { hashes }]) => targetName(path, hashes));
  const roles = ['targets', ...trustRolesOf(metadata)].map((role) => metadataName(role, metadata.targets.get(role)?.version ?? 0));
  const roots = Array.from({ length: root.version }, (_, i) => metadataName('root', i + 1));
  return [...files, ...roles, metadataName('snapshot', snapshot?.version ?? 0), ...roots, 'timestamp.json'];
}

/**
 * A repository, read back from its files as it was when its timestamp was made, whether or not its lease has ended since.
 * Undefined where there is none. @param read a file by its name, or undefined.
 */
export function readRepository(read: (name: string) => Uint8Array | undefined): TrustChain | undefined {
  const first = read(metadataName('root', 1));
  if (!first) return undefined;
  let metadata = startTrust(first);
  for (let step = 0; step < LIMITS.tufRootSteps; step++) {
    const next = read(metadataName('root', metadata.root.version + 1));
    if (!next) break;
    metadata = nextRoot(metadata, next);
  }
  const need = (name: string): Uint8Array => read(name) ?? missing(name);
  const timestamp = parseTimestamp(need('timestamp.json'));
  const at = timestamp.issuedAt ?? timestamp.expires - 1;
  metadata = nextTimestamp(metadata, timestamp.bytes, at);
  metadata = nextSnapshot(metadata, need(metadataName('snapshot', timestamp.snapshot.version)), at);
  const readRole = (role: string): void => {
    const bytes = need(metadataName(role, metadata.snapshot?.meta.get(role)?.version ?? 0));
    metadata = nextTargets(metadata, role, role === 'targets' ? 'root' : 'targets', bytes, at);
  };
  readRole('targets');
  for (const role of trustRolesOf(metadata)) readRole(role);
  const files = new Map([...filesWanted(metadata)].map(([path, { hashes }]) => [path, need(targetName(path, hashes))]));
  return nextTrust(undefined, metadata, files, at);
}

function missing(name: string): never {
  throw new SealwardError('ERR_TRUST_MISMATCH', `the trust repository has no ${name}`);
}
