/**
 * The client of a trust repository: takes it from anywhere, never goes backwards, keeps its last good state when the next
 * one is refused or cannot be had, and says how old that is.
 */
import { hash } from '../../core/crypto/index.ts';
import { encodeHex, equalBytes, LIMITS } from '../../core/encoding/index.ts';
import { SealwardError } from '../../core/errors.ts';
import {
  filesWanted,
  hasCurrentSnapshot,
  matchFile,
  nextTrust,
  parseRoot,
  restoreTrust,
  startTrust,
  type TrustChain,
  type TrustedMetadata,
  trustRolesOf,
  type TrustState,
} from '../../core/trust/index.ts';
import { fetchTarget, followRole, followTop, type MetadataKeeper } from './follow-metadata.ts';
import type { TrustSource } from './source.ts';
import { forgetful, type Remembered, type TrustMemory } from './trust-memory.ts';

/** Files that are asked for side by side. */
const AT_ONCE = 8;

export interface TrustClientOptions {
  readonly source: TrustSource;
  /** The root.json that somebody decided to trust; needed until one was remembered. */
  readonly root?: Uint8Array;
  readonly memory?: TrustMemory;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface TrustStatus {
  readonly state: TrustState | undefined;
  /** When the state was accepted, and when an update last succeeded, in milliseconds since 1970. */
  readonly acceptedAt?: number;
  readonly updatedAt?: number;
  /** Why the last update did not succeed; undefined when it did, or when none was tried. */
  readonly failure?: SealwardError;
  /** Parts of what was remembered that could not be read back. */
  readonly broken: readonly string[];
}

export class TrustClient {
  readonly #source: TrustSource;
  readonly #memory: TrustMemory;
  readonly #now: () => number;
  readonly #broken: readonly string[];
  /** The floors: what verified, whether or not the content was acceptable. */
  #seen: TrustedMetadata;
  #chain: TrustChain | undefined;
  #acceptedAt: number | undefined;
  #updatedAt: number | undefined;
  #failure: SealwardError | undefined;
  #running: Promise<TrustState> | undefined;

  private constructor({ source, memory, now }: TrustClientOptions, seen: TrustedMetadata, remembered: Remembered) {
    this.#source = source;
    this.#memory = memory ?? forgetful;
    this.#now = now;
    this.#broken = remembered.broken;
    this.#seen = seen;
    this.#chain = remembered.state?.chain;
    this.#acceptedAt = remembered.state?.acceptedAt;
  }

  /** Asks nobody yet: what is remembered is there at once. */
  static async open(options: TrustClientOptions): Promise<TrustClient> {
    const remembered = await (options.memory ?? forgetful).load();
    const client = new TrustClient(options, floorsOf(options, remembered), remembered);
    client.#takeNewerLease();
    return client;
  }

  /** The last good state, whatever became of updates since. */
  get state(): TrustState | undefined {
    return this.#chain?.state;
  }

  /** A file of the last good state, such as the configuration of those who sign. */
  file(path: string): Uint8Array | undefined {
    return this.#chain?.files.get(path);
  }

  get status(): TrustStatus {
    return {
      state: this.state,
      ...(this.#acceptedAt === undefined ? {} : { acceptedAt: this.#acceptedAt }),
      ...(this.#updatedAt === undefined ? {} : { updatedAt: this.#updatedAt }),
      ...(this.#failure ? { failure: this.#failure } : {}),
      broken: this.#broken,
    };
  }

  /** One update, shared by all who ask at the same time. Throws what keeps it from succeeding; the last good state stays. */
  async update(): Promise<TrustState> {
    this.#running ??= this.#update().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #update(): Promise<TrustState> {
    const now = this.#now();
    try {
      await this.#source.refresh?.();
      const chain = await this.#follow(now);
      const before = this.#chain;
      // A new lease alone changes nothing that has to be written again.
      if (!before || before.metadata.snapshot?.version !== chain.metadata.snapshot?.version || before.metadata.root.version !== chain.metadata.root.version)
        await this.#memory.saveState(chain, now);
      this.#chain = chain;
      this.#acceptedAt = now;
      this.#updatedAt = now;
      this.#failure = undefined;
      return chain.state;
    } catch (cause) {
      this.#failure = cause instanceof SealwardError ? cause : new SealwardError('ERR_INVARIANT', 'the trust client failed', { cause });
      throw this.#failure;
    }
  }

  async #follow(now: number): Promise<TrustChain> {
    const keeper: MetadataKeeper = { keep: async () => {}, kept: async () => undefined };
    let metadata: TrustedMetadata = { ...this.#seen, targets: this.#chain?.metadata.targets ?? new Map() };
    let reached = metadata;
    try {
      metadata = await followTop(metadata, this.#source, now, {
        keep: async (_role, _bytes, trusted) => {
          reached = trusted;
        },
      });
    } finally {
      await this.#raise(reached);
    }
    metadata = await followRole(metadata, 'targets', 'root', this.#source, now, keeper);
    for (const role of trustRolesOf(metadata)) metadata = await followRole(metadata, role, 'targets', this.#source, now, keeper);
    return nextTrust(this.#chain, metadata, await this.#files(metadata), now);
  }

  /** Floors rise as soon as something verified, so that a repository which shows a newer state once cannot go back to an older one. */
  async #raise(metadata: TrustedMetadata): Promise<void> {
    const { root, timestamp, snapshot } = metadata;
    if (root === this.#seen.root && timestamp === this.#seen.timestamp && snapshot === this.#seen.snapshot) return;
    this.#seen = metadata;
    await this.#memory.saveSeen(metadata);
  }

  async #files(metadata: TrustedMetadata): Promise<Map<string, Uint8Array>> {
    const wanted = [...filesWanted(metadata)];
    const files = new Map<string, Uint8Array>();
    const fetchOne = async ([path, file]: (typeof wanted)[number]): Promise<void> => {
      const held = this.#chain?.files.get(path);
      files.set(path, held && isFile(held, file, path) ? held : await fetchTarget(metadata, path, file, this.#source, LIMITS.documentBytes));
    };
    for (let at = 0; at < wanted.length; at += AT_ONCE) await Promise.all(wanted.slice(at, at + AT_ONCE).map(fetchOne));
    return files;
  }

  /** A newer timestamp over the snapshot of the state that is held was seen before this process began: its lease counts. */
  #takeNewerLease(): void {
    const { timestamp } = this.#seen;
    const chain = this.#chain;
    if (!chain || !timestamp || timestamp.version <= (chain.metadata.timestamp?.version ?? 0)) return;
    const metadata = { ...chain.metadata, timestamp };
    if (hasCurrentSnapshot(metadata)) this.#chain = nextTrust(chain, metadata, chain.files, this.#acceptedAt ?? 0);
  }
}

function isFile(bytes: Uint8Array, file: Parameters<typeof matchFile>[0], path: string): boolean {
  try {
    matchFile(file, bytes, path);
    return true;
  } catch {
    return false;
  }
}

/** The newer of the root that is given and the one that is remembered; of one version there is one document. */
function floorsOf({ root, source }: TrustClientOptions, { seen }: Remembered): TrustedMetadata {
  if (!root) {
    if (seen) return seen;
    throw new SealwardError('ERR_TRUST_ROOT', `nothing says which root of ${source.name} is to be trusted`);
  }
  const given = parseRoot(root);
  if (!seen || given.version > seen.root.version)
    return seen ? restoreTrust(root, { timestamp: seen.timestamp?.bytes, snapshot: seen.snapshot?.bytes }) : startTrust(root);
  if (given.version === seen.root.version && !equalBytes(given.canonical, seen.root.canonical))
    throw new SealwardError(
      'ERR_TRUST_ROOT',
      `the root that is given (${digestOf(root)}) is not the one of the same version that was trusted before (${digestOf(seen.root.bytes)})`,
      {
        hint: 'It belongs to another repository: remember that one in a folder of its own.',
      },
    );
  return seen;
}

const digestOf = (bytes: Uint8Array): string => `sha256:${encodeHex(hash('sha256', bytes)).slice(0, 16)}`;
