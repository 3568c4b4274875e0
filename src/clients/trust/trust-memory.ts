/**
 * What a client of a trust repository remembers, in one folder: `seen.json`, the newest root, timestamp and snapshot that
 * verified, which are the floors below which nothing is taken again; and `state.json`, the last good state whole.
 */
import { join } from 'node:path';
import { decodeBase64, encodeBase64, type JsonObject, LIMITS, parseJsonObject, utf8 } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import {
  nextSnapshot,
  nextTargets,
  nextTimestamp,
  nextTrust,
  restoreTrust,
  startTrust,
  type TrustChain,
  type TrustedMetadata,
  trustRolesOf,
} from '../../core/trust/index.ts';
import type { BackgroundSteps } from '../files/index.ts';
import { readIfThere, writeFile } from './files.ts';

export interface Remembered {
  /** The floors, and undefined where nothing was seen yet. */
  readonly seen?: TrustedMetadata;
  readonly state?: { readonly chain: TrustChain; readonly acceptedAt: number };
  /** Parts that could not be read back; they are treated as not there. */
  readonly broken: readonly string[];
}

export interface TrustMemory {
  load(): Promise<Remembered>;
  saveSeen(metadata: TrustedMetadata): Promise<void>;
  saveState(chain: TrustChain, acceptedAt: number): Promise<void>;
}

/** Remembers nothing beyond this process. */
export const forgetful: TrustMemory = {
  load: async () => ({ broken: [] }),
  saveSeen: async () => {},
  saveState: async () => {},
};

export function folderMemory(folder: string, steps?: BackgroundSteps): TrustMemory {
  const seenPath = join(folder, 'seen.json');
  const statePath = join(folder, 'state.json');
  const loadSeen = async (): Promise<TrustedMetadata | undefined> => {
    const bytes = await readIfThere(seenPath, LIMITS.trustMemoryBytes);
    return bytes && readSeen(bytes);
  };
  return {
    async load() {
      const broken: string[] = [];
      const [seen, state] = [
        await orBroken(loadSeen, 'seen.json', broken),
        await orBroken(async () => readState(await readIfThere(statePath, LIMITS.trustMemoryBytes)), 'state.json', broken),
      ];
      return { ...(seen ? { seen } : {}), ...(state ? { state } : {}), broken };
    },
    async saveSeen(metadata) {
      // Another process may have seen more meanwhile, and its floors must not sink.
      const held = await orBroken(loadSeen, 'seen.json', []);
      if (held && isNewer(held, metadata)) return;
      await writeFile(seenPath, writeSeen(metadata), steps);
    },
    async saveState(chain, acceptedAt) {
      await writeFile(statePath, writeState(chain, acceptedAt), steps);
    },
  };
}

function isNewer(held: TrustedMetadata, offered: TrustedMetadata): boolean {
  if (held.root.version !== offered.root.version) return held.root.version > offered.root.version;
  return (held.timestamp?.version ?? 0) > (offered.timestamp?.version ?? 0);
}

async function orBroken<T>(load: () => Promise<T>, name: string, broken: string[]): Promise<T | undefined> {
  try {
    return await load();
  } catch (cause) {
    // What the disk refuses to give is no damage, and forgetting the floors over it would be one.
    if (cause instanceof SealwardError && cause.code === 'ERR_FILE_UNREADABLE') throw cause;
    broken.push(name);
    return undefined;
  }
}

function writeSeen({ root, timestamp, snapshot }: TrustedMetadata): Uint8Array {
  return utf8(
    JSON.stringify({
      root: encodeBase64(root.bytes),
      ...(timestamp ? { timestamp: encodeBase64(timestamp.bytes) } : {}),
      ...(snapshot ? { snapshot: encodeBase64(snapshot.bytes) } : {}),
    }),
  );
}

function readSeen(bytes: Uint8Array): TrustedMetadata {
  const document = parseJsonObject(bytes, { what: 'seen.json', maxBytes: LIMITS.trustMemoryBytes });
  const optional = (name: string): Uint8Array | undefined => (document[name] === undefined ? undefined : member(document, name));
  return restoreTrust(member(document, 'root'), { timestamp: optional('timestamp'), snapshot: optional('snapshot') });
}

function member(document: JsonObject, name: string): Uint8Array {
  const value = document[name];
  if (typeof value !== 'string') throw new SealwardError('ERR_TRUST_INVALID', `what was remembered has no ${name}`);
  return decodeBase64(value, name);
}

function members(document: JsonObject, name: string): Map<string, Uint8Array> {
  const holder = document[name];
  if (holder === null || typeof holder !== 'object' || Array.isArray(holder))
    throw new SealwardError('ERR_TRUST_INVALID', `what was remembered has no ${name}`);
  return new Map(Object.keys(holder).map((key) => [key, member(holder, key)]));
}

function writeState({ metadata, files }: TrustChain, acceptedAt: number): Uint8Array {
  const encoded = (parts: Iterable<readonly [string, Uint8Array]>): JsonObject =>
    Object.fromEntries([...parts].map(([name, bytes]) => [name, encodeBase64(bytes)]));
  const roles = ['targets', ...trustRolesOf(metadata)].flatMap((role) => {
    const document = metadata.targets.get(role);
    return document ? [[role, document.bytes] as const] : [];
  });
  const seen = JSON.parse(new TextDecoder().decode(writeSeen(metadata))) as JsonObject;
  return utf8(JSON.stringify({ acceptedAt, ...seen, roles: encoded(roles), files: encoded(files) }));
}

/** Verified anew, at the moment at which it was accepted: what is expired since is still the last good state. */
function readState(bytes: Uint8Array | undefined): Remembered['state'] {
  if (!bytes) return undefined;
  const document = parseJsonObject(bytes, { what: 'state.json', maxBytes: LIMITS.trustMemoryBytes });
  const acceptedAt = document['acceptedAt'];
  if (typeof acceptedAt !== 'number') throw new SealwardError('ERR_TRUST_INVALID', 'what was remembered has no acceptedAt');
  const roles = members(document, 'roles');
  let metadata = nextTimestamp(startTrust(member(document, 'root')), member(document, 'timestamp'), acceptedAt);
  metadata = nextSnapshot(metadata, member(document, 'snapshot'), acceptedAt);
  const need = (role: string): Uint8Array => roles.get(role) ?? member(document, role);
  metadata = nextTargets(metadata, 'targets', 'root', need('targets'), acceptedAt);
  for (const role of trustRolesOf(metadata)) metadata = nextTargets(metadata, role, 'targets', need(role), acceptedAt);
  return { chain: nextTrust(undefined, metadata, members(document, 'files'), acceptedAt), acceptedAt };
}
