/** TUF's client workflow over a source (specification 1.0.34, section 5): what to ask for, in which order, and what to keep. */
import { LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import {
  checkRoot,
  delegationsFor,
  hasCurrentSnapshot,
  hasCurrentTargets,
  matchFile,
  metadataBound,
  metadataName,
  nextRoot,
  nextSnapshot,
  nextTargets,
  nextTimestamp,
  type TargetFile,
  targetName,
  type TrustedMetadata,
} from '../../core/trust/index.ts';
import type { TrustSource } from './source.ts';

/** Where metadata is kept that was verified; what was refused never gets here. */
export interface MetadataKeeper {
  keep(role: string, bytes: Uint8Array, trusted: TrustedMetadata): Promise<void>;
  /** Of a targets role, what was kept before. */
  kept(role: string): Promise<Uint8Array | undefined>;
}

/** Sections 5.3 to 5.5: roots, timestamp, snapshot. @param now the fixed time of this update, milliseconds since 1970. */
export async function followTop(from: TrustedMetadata, source: TrustSource, now: number, keeper: Pick<MetadataKeeper, 'keep'>): Promise<TrustedMetadata> {
  let trusted = from;
  for (let step = 0; step < LIMITS.tufRootSteps; step++) {
    const bytes = await source.read(metadataName('root', trusted.root.version + 1), metadataBound('root'));
    if (!bytes) break;
    trusted = nextRoot(trusted, bytes);
    await keeper.keep('root', bytes, trusted);
  }
  checkRoot(trusted, now);
  const timestamp = await need(source, 'timestamp.json', metadataBound('timestamp'));
  const next = nextTimestamp(trusted, timestamp, now);
  if (next !== trusted) await keeper.keep('timestamp', timestamp, next);
  trusted = next;
  if (hasCurrentSnapshot(trusted) && snapshotStands(trusted, now)) return trusted;
  const { version, length } = (trusted.timestamp as NonNullable<TrustedMetadata['timestamp']>).snapshot;
  const name = trusted.root.consistentSnapshot ? metadataName('snapshot', version) : 'snapshot.json';
  const snapshot = await need(source, name, Math.min(length ?? Number.POSITIVE_INFINITY, metadataBound('snapshot')));
  trusted = nextSnapshot(trusted, snapshot, now);
  await keeper.keep('snapshot', snapshot, trusted);
  return trusted;
}

/** What is held of the version that the timestamp names must be the document that it names, and not expired. */
function snapshotStands(trusted: TrustedMetadata, now: number): boolean {
  try {
    nextSnapshot(trusted, trusted.snapshot?.bytes ?? new Uint8Array(), now);
    return true;
  } catch {
    return false;
  }
}

/** Section 5.6 for one role, by the word of one delegator (of `targets`: root). */
export async function followRole(
  trusted: TrustedMetadata,
  role: string,
  delegator: string,
  source: TrustSource,
  now: number,
  keeper: MetadataKeeper,
): Promise<TrustedMetadata> {
  if (hasCurrentTargets(trusted, role, delegator, now)) return trusted;
  const record = trusted.snapshot?.meta.get(role);
  if (!record) throw new SealwardError('ERR_TRUST_MISMATCH', `snapshot.json does not speak of the role ${JSON.stringify(role.slice(0, 80))}`);
  const kept = await keeper.kept(role);
  if (kept) {
    try {
      return nextTargets(trusted, role, delegator, kept, now);
    } catch {
      // What was kept is of another version, or of signers who are no longer asked.
    }
  }
  const name = trusted.root.consistentSnapshot ? metadataName(role, record.version) : `${encodeURIComponent(role)}.json`;
  const bytes = await need(source, name, Math.min(record.length ?? Number.POSITIVE_INFINITY, metadataBound('targets')));
  const next = nextTargets(trusted, role, delegator, bytes, now);
  await keeper.keep(role, bytes, next);
  return next;
}

export interface FoundTarget {
  readonly trusted: TrustedMetadata;
  readonly file: TargetFile | undefined;
}

/** Section 5.6.7: the most trusted role that speaks of a path, depth first and in the order of the delegations. */
export async function findTarget(from: TrustedMetadata, path: string, source: TrustSource, now: number, keeper: MetadataKeeper): Promise<FoundTarget> {
  let trusted = from;
  let ahead: (readonly [role: string, delegator: string])[] = [['targets', 'root']];
  const asked = new Set<string>();
  for (let next = ahead.shift(); next && asked.size <= LIMITS.tufDelegations; next = ahead.shift()) {
    const [role, delegator] = next;
    // A circle of delegations ends here (GHSA-j8x2-777p-23fc).
    if (asked.has(role)) continue;
    asked.add(role);
    trusted = await followRole(trusted, role, delegator, source, now, keeper);
    const document = trusted.targets.get(role);
    const file = document?.files.get(path);
    if (file || !document) return { trusted, file };
    const { delegations, terminating } = delegationsFor(document, path);
    const below = delegations.map(({ name }) => [name, role] as const);
    ahead = terminating ? below : [...below, ...ahead];
  }
  return { trusted, file: undefined };
}

/** A file as it was signed. */
export async function fetchTarget(trusted: TrustedMetadata, path: string, file: TargetFile, source: TrustSource, maxBytes: number): Promise<Uint8Array> {
  if (file.length > maxBytes)
    throw new SealwardError('ERR_TOO_LARGE', `${JSON.stringify(path.slice(0, 200))} has ${file.length} bytes, the bound is ${maxBytes}`);
  const name = trusted.root.consistentSnapshot ? targetName(path, file.hashes) : `targets/${path}`;
  const bytes = await need(source, name, file.length);
  matchFile(file, bytes, JSON.stringify(path.slice(0, 200)));
  return bytes;
}

async function need(source: TrustSource, name: string, maxBytes: number): Promise<Uint8Array> {
  const bytes = await source.read(name, maxBytes);
  if (!bytes) throw new SealwardError('ERR_TRUST_MISMATCH', `${source.name} has no ${name}`);
  return bytes;
}
