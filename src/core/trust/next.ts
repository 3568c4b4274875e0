/**
 * The trust state out of verified metadata and the files that it names, and the one function that moves it. Where TUF
 * knows versions and signatures, this knows what they may say: nobody takes a denial back, no key regains trust, and
 * whoever suspended a key does not lift that alone.
 */
import { hash } from '../crypto/index.ts';
import { canonicalJson, decodeUtf8, encodeHex, type JsonObject, type JsonValue, LIMITS, utf8 } from '../encoding/index.ts';
import { invariant, SealwardError } from '../errors.ts';
import { type Anchor, type Anchors, joinAnchors, type KeyAnchor, NO_ANCHORS, type Window } from './anchor.ts';
import { type ListedDenial, type ListedKey, parseDenials, parseKeyList, parsePrincipals, parseSettings } from './documents.ts';
import { checkKeyTransition, effectiveKey } from './key-states.ts';
import { DENIALS_FILE, KEYS_FILE, ownerOf, PRINCIPALS_FILE, SETTINGS_FILE, TRUSTED_ROOT_FILE } from './repository-files.ts';
import { type Denial, type KeyVersion, type LeaseTier, type Principal, type SignedText, TRUST_ROLES, type TrustRole, type TrustState } from './state.ts';
import { parseTrustedRoot } from './trusted-root.ts';
import { delegates } from './tuf/delegated-path.ts';
import { type Delegation, matchFile, parseRoot, type TargetFile } from './tuf/metadata.ts';
import {
  hasCurrentSnapshot,
  hasCurrentTargets,
  nextRoot,
  nextSnapshot,
  nextTargets,
  nextTimestamp,
  signersOf,
  type TrustedMetadata,
} from './tuf/trusted-metadata.ts';

/** The trust state with what it was made from: what the next one is held against. */
export interface TrustChain {
  readonly metadata: TrustedMetadata;
  /** The files as they were signed, by path. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly keys: readonly ListedKey[];
  readonly denials: readonly ListedDenial[];
  readonly state: TrustState;
}

/** The files that make the trust state, with length and digests: of each role those of its own folder only. */
export function filesWanted(metadata: TrustedMetadata): ReadonlyMap<string, TargetFile> {
  const wanted = new Map<string, TargetFile>();
  for (const role of ['targets', ...TRUST_ROLES] as const) {
    const delegation = delegationOf(metadata, role);
    for (const [path, file] of metadata.targets.get(role)?.files ?? []) {
      if (ownerOf(path) !== role || (delegation && !delegates(delegation, path))) {
        // A stock repository lists others under its targets. Of a role of ours, a file that nobody reads is a policy that does not hold.
        if (role !== 'targets')
          throw new SealwardError('ERR_TRUST_INVALID', `the role ${role} signed for ${JSON.stringify(path.slice(0, 200))}, which is no file of that role`);
        continue;
      }
      if (file.length > LIMITS.documentBytes)
        throw new SealwardError('ERR_TOO_LARGE', `${path} has ${file.length} bytes, the bound is ${LIMITS.documentBytes}`);
      wanted.set(path, file);
    }
  }
  if (wanted.size > LIMITS.trustedTexts)
    throw new SealwardError('ERR_TOO_LARGE', `the trust repository has ${wanted.size} files, the bound is ${LIMITS.trustedTexts}`);
  return wanted;
}

/** The delegated roles of the trust state that a repository has; one of stock Sigstore has none. */
export function trustRolesOf({ targets }: TrustedMetadata): TrustRole[] {
  return TRUST_ROLES.filter((role) => targets.get('targets')?.delegations.some(({ name }) => name === role));
}

function delegationOf({ targets }: TrustedMetadata, role: string): Delegation | undefined {
  return targets.get('targets')?.delegations.find(({ name }) => name === role);
}

/**
 * @param previous what was in force before; undefined at the first sight of a repository.
 * @param metadata verified and current: its timestamp, snapshot, targets, and each of trustRolesOf.
 * @param files at least filesWanted.
 * @param seenAt milliseconds since 1970; begins the lease where the timestamp does not say when it was issued.
 * Throws for documents that cannot be read, and ERR_TRUST_TRANSITION for what would take something back.
 */
export function nextTrust(previous: TrustChain | undefined, metadata: TrustedMetadata, files: ReadonlyMap<string, Uint8Array>, seenAt: number): TrustChain {
  if (previous && saysTheSame(previous.metadata, metadata)) return { ...previous, metadata, state: withNewLease(previous.state, metadata, seenAt) };
  const kept = new Map<string, Uint8Array>();
  for (const [path, record] of filesWanted(metadata)) {
    const bytes = files.get(path);
    if (!bytes) throw new SealwardError('ERR_TRUST_MISMATCH', `${path} is signed, and is not there`);
    matchFile(record, bytes, path);
    kept.set(path, bytes);
  }
  const listed = listedIn(kept);
  if (previous) checkChange(previous, listed, metadata);
  return { metadata, files: kept, keys: listed.keys, denials: listed.denials, state: composeState(metadata, kept, listed, seenAt) };
}

/** The keys, the denials, and what the keys are worth under them. */
export function listedIn(files: ReadonlyMap<string, Uint8Array>): Listed {
  const keys = readFile(files, KEYS_FILE, parseKeyList, []);
  const denials = readFile(files, DENIALS_FILE, parseDenials, []);
  return { keys, denials, effective: keys.map((key) => effectiveKey(key, denials)) };
}

function readFile<T>(files: ReadonlyMap<string, Uint8Array>, path: string, parse: (bytes: Uint8Array, path: string) => T, absent: T): T {
  const bytes = files.get(path);
  return bytes ? parse(bytes, path) : absent;
}

interface Listed {
  readonly keys: readonly ListedKey[];
  readonly denials: readonly ListedDenial[];
  readonly effective: readonly KeyVersion[];
}

function checkChange(previous: TrustChain, next: Listed, metadata: TrustedMetadata): void {
  const roles = trustRolesOf(metadata);
  for (const role of trustRolesOf(previous.metadata)) if (!roles.includes(role)) refuse(`the role ${role} is gone`);
  for (const before of previous.state.keys) {
    const after = next.effective.find(({ name, version }) => name === before.name && version === before.version);
    // A public half is never forgotten: its signatures would be judged as those of a stranger, and it could come back clean.
    if (!after) refuse(`the key ${before.name}/${before.version} is gone`);
    checkKeyTransition(before, after);
  }
  for (const before of previous.denials) {
    const after = next.denials.find(({ id }) => id === before.id);
    if (!after) refuse(`the denial ${before.id} is gone`);
    if (!isWider(before, after)) refuse(`the denial ${before.id} says less than it did`);
  }
  checkNewDenials(previous, next.denials, metadata);
  checkLifts(previous, next, metadata);
}

function refuse(why: string): never {
  throw new SealwardError('ERR_TRUST_TRANSITION', why);
}

/** Whether the second denies all that the first does. */
function isWider(before: ListedDenial, after: ListedDenial): boolean {
  const bare = (denial: ListedDenial): string => {
    const { window: _w, fromIndex: _f, at: _a, reason: _r, ...rest } = denial as unknown as Record<string, JsonValue>;
    return canonicalJson(rest);
  };
  if (bare(before) !== bare(after)) return false;
  if (before.kind === 'identity') return coversWindow((after as typeof before).window, before.window);
  if (before.kind === 'suspension') return (after as typeof before).at <= before.at;
  // Only denials of logs have one.
  const [held, offered] = [before, after].map((one) => (one as { fromIndex?: string }).fromIndex);
  return offered === undefined || (held !== undefined && BigInt(offered) <= BigInt(held));
}

function coversWindow(outer: Window, inner: Window): boolean {
  return outer.from <= inner.from && (outer.to === undefined || (inner.to !== undefined && outer.to >= inner.to));
}

/**
 * Who signed can be told only of the version that follows the one that was held: whoever missed some takes the word of the
 * rest, which as many people signed as must sign anything.
 */
function follows(previous: TrustChain, metadata: TrustedMetadata, role: TrustRole): boolean {
  return (metadata.targets.get(role)?.version ?? 0) === (previous.metadata.targets.get(role)?.version ?? 0) + 1;
}

/** Whoever is named as having suspended a key must have signed for it, or a colleague could be kept from lifting it. */
function checkNewDenials(previous: TrustChain, after: readonly ListedDenial[], metadata: TrustedMetadata): void {
  if (!follows(previous, metadata, 'deny')) return;
  const signers = signersOfRole(metadata, 'deny');
  for (const denial of after)
    if (denial.kind === 'suspension' && !previous.denials.some(({ id }) => id === denial.id) && !signers.has(denial.by))
      refuse(`the suspension ${denial.id} names somebody who did not sign it`);
}

function signersOfRole(metadata: TrustedMetadata, role: TrustRole): ReadonlySet<string> {
  const delegation = delegationOf(metadata, role);
  const document = metadata.targets.get(role);
  return delegation && document ? signersOf(delegation, document) : new Set();
}

/** A suspension is lifted by as many as must sign for keys, without whoever suspended; where one signer is enough, by that one. */
function checkLifts(previous: TrustChain, next: Listed, metadata: TrustedMetadata): void {
  const threshold = delegationOf(metadata, 'keys')?.threshold ?? 1;
  for (const after of next.keys) {
    const before = previous.keys.find(({ name, version }) => name === after.name && version === after.version)?.lifted ?? [];
    for (const id of before) if (!after.lifted.includes(id)) refuse(`the suspension ${id} was lifted, and a new one must have an id of its own`);
    for (const id of after.lifted.filter((one) => !before.includes(one))) {
      const suspension = next.denials.find((denial) => denial.id === id);
      if (suspension?.kind !== 'suspension') refuse(`${id} is no suspension that could be lifted`);
      if (!follows(previous, metadata, 'keys')) continue;
      const others = [...signersOfRole(metadata, 'keys')].filter((signer) => threshold === 1 || signer !== suspension.by);
      if (others.length < threshold) refuse(`the suspension ${id} is lifted by ${others.length} of the ${threshold} others that it takes`);
    }
  }
}

/** The very documents that were read before: a lease is given anew each minute, and a thousand keys need not be read for it. */
function saysTheSame(before: TrustedMetadata, after: TrustedMetadata): boolean {
  const roles = ['targets', ...trustRolesOf(after)];
  return roles.every((role) => before.targets.get(role) === after.targets.get(role));
}

function withNewLease(state: TrustState, metadata: TrustedMetadata, seenAt: number): TrustState {
  const { digest: _, ...content } = state;
  const next = { ...content, ...standingOf(metadata, seenAt) };
  return { digest: digestState(next), ...next };
}

/** What the four roles of TUF say of themselves. */
function standingOf(metadata: TrustedMetadata, seenAt: number): Pick<TrustState, 'versions' | 'lease'> {
  const { timestamp, snapshot, root } = metadata;
  invariant(timestamp && snapshot, 'the metadata is complete');
  const roles = ['targets', ...trustRolesOf(metadata)].flatMap((role) => {
    const document = metadata.targets.get(role);
    return document ? [[role, document.version] as const] : [];
  });
  return {
    versions: { root: root.version, timestamp: timestamp.version, snapshot: snapshot.version, ...Object.fromEntries(roles) },
    lease: { issuedAt: Math.min(timestamp.issuedAt ?? seenAt, timestamp.expires), endsAt: timestamp.expires },
  };
}

export function composeState(
  metadata: TrustedMetadata,
  files: ReadonlyMap<string, Uint8Array>,
  { keys, denials, effective }: Listed,
  seenAt: number,
): TrustState {
  const content = {
    ...standingOf(metadata, seenAt),
    tiers: readFile<readonly LeaseTier[]>(files, SETTINGS_FILE, (bytes, path) => parseSettings(bytes, path).tiers, []),
    anchors: joinAnchors(readFile(files, TRUSTED_ROOT_FILE, parseTrustedRoot, NO_ANCHORS), { keys: keys.flatMap(keyAnchorOf) }),
    keys: effective,
    denials: denials.filter((denial): denial is Denial => denial.kind !== 'suspension' && denial.kind !== 'revocation'),
    principals: readFile<readonly Principal[]>(files, PRINCIPALS_FILE, parsePrincipals, []),
    policies: textsOf(files, 'policy'),
    exceptions: textsOf(files, 'exceptions'),
  };
  return { digest: digestState(content), ...content };
}

function keyAnchorOf({ key, name, version, operator, window }: ListedKey): KeyAnchor[] {
  return key ? [{ kind: 'key', id: key.fingerprint, name: `${name}/${version}`, ...(operator === undefined ? {} : { operator }), window, key }] : [];
}

function textsOf(files: ReadonlyMap<string, Uint8Array>, role: 'policy' | 'exceptions'): SignedText[] {
  return [...files]
    .filter(([path]) => ownerOf(path) === role)
    .map(([path, bytes]) => ({ path, digest: `sha256:${encodeHex(hash('sha256', bytes))}`, text: decodeUtf8(bytes, path) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** `sha256:hex` over the canonical form (RFC 8785) of a trust state, with anchors by their ids and texts by their digests. */
export function digestState(content: Omit<TrustState, 'digest'>): string {
  const { anchors, policies, exceptions, ...rest } = content;
  const text = ({ path, digest }: SignedText): JsonObject => ({ path, digest });
  const value = { ...(rest as unknown as JsonObject), anchors: anchorsJson(anchors), policies: policies.map(text), exceptions: exceptions.map(text) };
  return `sha256:${encodeHex(hash('sha256', utf8(canonicalJson(value))))}`;
}

function anchorsJson(anchors: Anchors): JsonValue {
  const all: readonly Anchor[] = [...anchors.keys, ...anchors.authorities, ...anchors.logs, ...anchors.certificateLogs, ...anchors.timestampAuthorities];
  return all.map(
    ({ kind, id, name, operator, window: { from, to } }): JsonObject => ({
      kind,
      id,
      name,
      ...(operator === undefined ? {} : { operator }),
      // What was given by hand is trusted at any time, which is no number.
      ...(Number.isFinite(from) ? { from } : {}),
      ...(to === undefined ? {} : { to }),
    }),
  );
}

/** All of a repository at one moment, as bytes that came from anywhere. */
export interface TrustOffer {
  /** In order, each a version after the one before; those that are known already may be among them. */
  readonly roots: readonly Uint8Array[];
  readonly timestamp: Uint8Array;
  readonly snapshot: Uint8Array;
  /** `targets`, and each of the delegated roles. */
  readonly roles: ReadonlyMap<string, Uint8Array>;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * One step of the trust state: what is in force, or a root that somebody decided to trust, and a whole repository.
 * Gives what is in force next, or throws and leaves all as it was. @param now milliseconds since 1970.
 */
export function advanceTrust(from: TrustChain | TrustedMetadata, offer: TrustOffer, now: number): TrustChain {
  const previous = 'state' in from ? from : undefined;
  let metadata = 'state' in from ? from.metadata : from;
  for (const root of offer.roots) if (parseRoot(root).version > metadata.root.version) metadata = nextRoot(metadata, root);
  metadata = nextTimestamp(metadata, offer.timestamp, now);
  if (!hasCurrentSnapshot(metadata)) metadata = nextSnapshot(metadata, offer.snapshot, now);
  metadata = offeredRole(metadata, 'targets', offer, now);
  for (const role of trustRolesOf(metadata)) metadata = offeredRole(metadata, role, offer, now);
  return nextTrust(previous, metadata, offer.files, now);
}

function offeredRole(metadata: TrustedMetadata, role: string, { roles }: TrustOffer, now: number): TrustedMetadata {
  const delegator = role === 'targets' ? 'root' : 'targets';
  if (hasCurrentTargets(metadata, role, delegator, now)) return metadata;
  const bytes = roles.get(role);
  if (!bytes) throw new SealwardError('ERR_TRUST_MISMATCH', `the metadata of ${role} is not there`);
  return nextTargets(metadata, role, delegator, bytes, now);
}
