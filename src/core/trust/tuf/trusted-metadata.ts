/**
 * The client workflow of TUF (specification 1.0.34, section 5) as a value that only moves forward: each function takes
 * what is trusted and bytes from anywhere, and gives what is trusted next, or throws. What it throws for never becomes
 * part of the value, so whoever keeps values alone keeps nothing that was refused.
 */
import { encodeMoment } from '../../encoding/index.ts';
import { invariant, SealwardError } from '../../errors.ts';
import { delegationTo } from './delegated-path.ts';
import {
  matchFile,
  parseRoot,
  parseSnapshot,
  parseTargets,
  parseTimestamp,
  type RootMetadata,
  type SignedDocument,
  type Signers,
  type SnapshotMetadata,
  type TargetsMetadata,
  type TimestampMetadata,
  type TopRole,
} from './metadata.ts';
import { verifiesMetadata } from './metadata-key.ts';

export interface TrustedMetadata {
  readonly root: RootMetadata;
  readonly timestamp?: TimestampMetadata;
  /** May be older than the timestamp says, until the next one is there; `isCurrent` tells. */
  readonly snapshot?: SnapshotMetadata;
  /** The targets role, and those below it, by name. */
  readonly targets: ReadonlyMap<string, TargetsMetadata>;
}

/** Fingerprints of the keys that made the signatures of a document that verify. The same key under two names counts once. */
export function signersOf({ keys }: Signers, { canonical, signatures }: SignedDocument): ReadonlySet<string> {
  const found = new Set<string>();
  for (const key of keys) {
    const signature = signatures.find(({ keyId }) => keyId === key.id)?.signature;
    if (key.usable && signature && !found.has(key.usable.key.fingerprint) && verifiesMetadata(key, canonical, signature)) found.add(key.usable.key.fingerprint);
  }
  return found;
}

function verifySigners(signers: Signers, document: SignedDocument, what: string): void {
  const count = signersOf(signers, document).size;
  if (count < signers.threshold)
    throw new SealwardError('ERR_TRUST_SIGNATURE', `${what} is signed by ${count} of the ${signers.threshold} distinct keys that must sign it`);
}

function verifyTopRole(root: RootMetadata, role: TopRole, document: SignedDocument): void {
  const what = `${role}.json version ${document.version}`;
  verifySigners(root.roles[role], document, what);
  const beside = root.postQuantum[role];
  if (beside) verifySigners(beside, document, `${what}, as far as its post-quantum keys go,`);
}

/** Section 5.3.10 and others: "the expiration timestamp MUST be higher than the fixed update start time". */
function checkExpiry({ expires }: SignedDocument, what: string, now: number): void {
  if (!(now < expires)) throw new SealwardError('ERR_TRUST_EXPIRED', `${what} expired at ${encodeMoment(expires)}`);
}

function refuseOlder(what: string, offered: number, held: number): void {
  if (offered < held) throw new SealwardError('ERR_TRUST_ROLLBACK', `${what} is offered in version ${offered}, and version ${held} was seen before`);
}

/** Section 5.2: the root that somebody decided to trust. It may be expired: a newer one may stand behind it. */
export function startTrust(bytes: Uint8Array): TrustedMetadata {
  const root = parseRoot(bytes);
  verifyTopRole(root, 'root', root);
  return { root, targets: new Map() };
}

/** Section 5.3: signed by the keys of the root before it and by its own; its version follows. */
export function nextRoot(trusted: TrustedMetadata, bytes: Uint8Array): TrustedMetadata {
  const root = parseRoot(bytes);
  verifyTopRole(trusted.root, 'root', root);
  if (root.version !== trusted.root.version + 1)
    throw new SealwardError('ERR_TRUST_ROLLBACK', `root.json is offered in version ${root.version}, where version ${trusted.root.version + 1} must follow`);
  verifyTopRole(root, 'root', root);
  // Section 5.3.11: recovery from a thief who ran ahead. Rotation is told by whether the new keys have signed what is held.
  return withoutForeign({ ...trusted, root });
}

/** Of what is held, the parts that the current root's keys signed. */
function withoutForeign({ root, timestamp, snapshot, targets }: TrustedMetadata): TrustedMetadata {
  const stands = (role: TopRole, document: SignedDocument): boolean => {
    try {
      verifyTopRole(root, role, document);
      return true;
    } catch {
      return false;
    }
  };
  return {
    root,
    targets,
    ...(timestamp && stands('timestamp', timestamp) ? { timestamp } : {}),
    ...(snapshot && stands('snapshot', snapshot) ? { snapshot } : {}),
  };
}

/** After the last root of an update, section 5.3.10. */
export function checkRoot({ root }: TrustedMetadata, now: number): void {
  checkExpiry(root, 'root.json', now);
}

/** Section 5.4. A timestamp of the version that is held changes nothing, whatever it says. */
export function nextTimestamp(trusted: TrustedMetadata, bytes: Uint8Array, now: number): TrustedMetadata {
  checkRoot(trusted, now);
  const timestamp = parseTimestamp(bytes);
  verifyTopRole(trusted.root, 'timestamp', timestamp);
  const { timestamp: held } = trusted;
  if (held) {
    refuseOlder('timestamp.json', timestamp.version, held.version);
    if (timestamp.version === held.version) {
      checkExpiry(held, 'timestamp.json', now);
      return trusted;
    }
    refuseOlder('snapshot.json', timestamp.snapshot.version, held.snapshot.version);
  }
  checkExpiry(timestamp, 'timestamp.json', now);
  return { ...trusted, timestamp };
}

/** Whether what is held of the snapshot is what the timestamp speaks of. */
export function hasCurrentSnapshot({ timestamp, snapshot }: TrustedMetadata): boolean {
  return timestamp !== undefined && snapshot?.version === timestamp.snapshot.version;
}

/** Section 5.5. */
export function nextSnapshot(trusted: TrustedMetadata, bytes: Uint8Array, now: number): TrustedMetadata {
  const { timestamp, snapshot: held, root } = trusted;
  invariant(timestamp, 'a snapshot comes after its timestamp');
  checkExpiry(timestamp, 'timestamp.json', now);
  matchFile(timestamp.snapshot, bytes, 'snapshot.json');
  const snapshot = parseSnapshot(bytes);
  verifyTopRole(root, 'snapshot', snapshot);
  if (snapshot.version !== timestamp.snapshot.version)
    throw new SealwardError('ERR_TRUST_MISMATCH', `snapshot.json has version ${snapshot.version}, and the timestamp speaks of ${timestamp.snapshot.version}`);
  for (const [role, { version }] of held?.meta ?? []) {
    const offered = snapshot.meta.get(role)?.version;
    if (offered === undefined) throw new SealwardError('ERR_TRUST_ROLLBACK', `snapshot.json no longer speaks of ${JSON.stringify(role)}`);
    refuseOlder(`the metadata of ${JSON.stringify(role)}`, offered, version);
  }
  checkExpiry(snapshot, 'snapshot.json', now);
  return { ...trusted, snapshot };
}

/** What the current snapshot says of a role, and who must sign for it by the word of its delegator. */
function expected(trusted: TrustedMetadata, role: string, delegator: string, now: number) {
  const { snapshot, timestamp, root, targets } = trusted;
  invariant(snapshot && timestamp && hasCurrentSnapshot(trusted), 'targets come after their snapshot');
  checkExpiry(timestamp, 'timestamp.json', now);
  checkExpiry(snapshot, 'snapshot.json', now);
  const record = snapshot.meta.get(role);
  if (!record) throw new SealwardError('ERR_TRUST_MISMATCH', `snapshot.json does not speak of the role ${JSON.stringify(role)}`);
  if (role === 'targets') return { record, verify: (document: SignedDocument) => verifyTopRole(root, 'targets', document) };
  const from = targets.get(delegator);
  const delegation = from && delegationTo(from, role);
  if (!delegation) throw new SealwardError('ERR_TRUST_SIGNATURE', `${JSON.stringify(delegator)} delegates nothing to the role ${JSON.stringify(role)}`);
  return { record, verify: (document: SignedDocument) => verifySigners(delegation, document, `the metadata of ${JSON.stringify(role)}`) };
}

/** Whether a role is held as the snapshot has it, under the signers that this delegator names: another's word does not count for it. */
export function hasCurrentTargets(trusted: TrustedMetadata, role: string, delegator: string, now: number): boolean {
  const held = trusted.targets.get(role);
  if (!held) return false;
  const { record, verify } = expected(trusted, role, delegator, now);
  try {
    matchFile(record, held.bytes, 'what is held');
    verify(held);
    checkExpiry(held, 'what is held', now);
    return held.version === record.version;
  } catch {
    return false;
  }
}

/** Section 5.6. @param delegator the role by whose word this one counts; of `targets` it is the root. */
export function nextTargets(trusted: TrustedMetadata, role: string, delegator: string, bytes: Uint8Array, now: number): TrustedMetadata {
  const { record, verify } = expected(trusted, role, delegator, now);
  const what = `the metadata of ${JSON.stringify(role)}`;
  matchFile(record, bytes, what);
  const document = parseTargets(bytes, role);
  verify(document);
  if (document.version !== record.version)
    throw new SealwardError('ERR_TRUST_MISMATCH', `${what} has version ${document.version}, and the snapshot speaks of ${record.version}`);
  checkExpiry(document, what, now);
  return { ...trusted, targets: new Map([...trusted.targets, [role, document]]) };
}

/**
 * What was trusted before and kept: signatures are verified anew, expiry is not asked, because an expired document still
 * says what was seen. Parts that do not verify are left out, as if they had not been kept.
 */
export function restoreTrust(
  root: Uint8Array,
  kept: { readonly timestamp?: Uint8Array | undefined; readonly snapshot?: Uint8Array | undefined },
): TrustedMetadata {
  const started = startTrust(root);
  return withoutForeign({
    ...started,
    ...readKept('timestamp', kept.timestamp, parseTimestamp),
    ...readKept('snapshot', kept.snapshot, parseSnapshot),
  });
}

function readKept<Name extends string, Value>(name: Name, bytes: Uint8Array | undefined, parse: (bytes: Uint8Array) => Value): { [K in Name]?: Value } {
  try {
    return bytes === undefined ? {} : ({ [name]: parse(bytes) } as { [K in Name]?: Value });
  } catch {
    return {};
  }
}
