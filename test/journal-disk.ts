/**
 * A disk in memory that forgets what was not synced, and breaks at the k-th step of whoever writes to it. Reads are steps
 * of nobody: they change nothing.
 */
import type { JournalFiles } from '../src/clients/journal/index.ts';

/**
 * `before` and `after`: the process dies there. `torn`: it dies half-way. `lost`: the step fails and did nothing. `stored`: it
 * did its work and is reported to have failed.
 */
export type Fault = 'before' | 'after' | 'torn' | 'lost' | 'stored';
export const FAULTS: readonly Fault[] = ['before', 'after', 'torn', 'lost', 'stored'];

interface Content {
  /** What a reader sees; undefined when the file is gone. */
  cached: Uint8Array | undefined;
  /** What outlives a loss of power for sure. */
  durable: Uint8Array | undefined;
}

class Broken extends Error {}

export class JournalDisk implements JournalFiles {
  readonly #files: Map<string, Content>;
  readonly #fault: { readonly at: number; readonly kind: Fault } | undefined;
  #steps = 0;
  #dead = false;
  #held = false;
  /** Called with whatever becomes the content of `checkpoint`: from then on others may have seen it. */
  onCheckpoint: ((text: string) => void) | undefined;

  constructor(files = new Map<string, Content>(), fault?: { readonly at: number; readonly kind: Fault }) {
    this.#files = files;
    this.#fault = fault;
  }

  get steps(): number {
    return this.#steps;
  }
  get dead(): boolean {
    return this.#dead;
  }

  /** The disk as the next process finds it. @param random uniform in [0, 1); without it nothing is lost, as after kill -9. */
  after(random?: () => number, fault?: { readonly at: number; readonly kind: Fault }): JournalDisk {
    const files = new Map<string, Content>();
    for (const [path, content] of this.#files) {
      // A process that is killed leaves the cache of the system behind it, and that is not on the disk yet.
      if (!random) {
        files.set(path, { ...content });
        continue;
      }
      const found = survivor(content, random);
      if (found) files.set(path, { cached: found, durable: found });
    }
    return new JournalDisk(files, fault);
  }

  /** What outlives a loss of power for sure. */
  durable(path: string): string {
    return Buffer.from(this.#files.get(path)?.durable ?? new Uint8Array()).toString();
  }

  #step(work: (half: boolean) => void): void {
    if (this.#dead) throw new Broken('the process is dead');
    const kind = this.#steps++ === this.#fault?.at ? this.#fault.kind : undefined;
    if (kind === 'before') this.#dead = true;
    if (kind !== 'before' && kind !== 'lost') work(kind === 'torn');
    if (kind === 'after' || kind === 'torn') this.#dead = true;
    if (kind) throw new Broken(kind);
  }

  #content(path: string): Content {
    const found = this.#files.get(path) ?? { cached: undefined, durable: undefined };
    this.#files.set(path, found);
    return found;
  }

  lock(): () => void {
    if (this.#held) throw new Error('locked');
    this.#held = true;
    return () => {
      this.#held = false;
    };
  }
  async read(path: string): Promise<Uint8Array | undefined> {
    return this.#files.get(path)?.cached?.slice();
  }
  async list(folder: string): Promise<string[]> {
    const prefix = `${folder}/`;
    const names = [...this.#files].filter(([path, { cached }]) => cached && path.startsWith(prefix));
    return [...new Set(names.map(([path]) => path.slice(prefix.length).split('/')[0] as string))];
  }
  async readAt(path: string, at: number, length: number): Promise<Uint8Array> {
    const bytes = this.#files.get(path)?.cached?.slice(at, at + length);
    if (bytes?.length !== length) throw new Error('short read');
    return bytes;
  }
  async append(path: string, bytes: Uint8Array): Promise<void> {
    this.#step((half) => {
      const content = this.#content(path);
      const added = half ? bytes.subarray(0, bytes.length >> 1) : bytes;
      content.cached = Buffer.concat([content.cached ?? new Uint8Array(), added]);
    });
  }
  async truncate(path: string, length: number): Promise<void> {
    this.#step(() => {
      const content = this.#content(path);
      content.cached = content.cached?.slice(0, length);
    });
  }
  async sync(path: string): Promise<void> {
    this.#step((half) => {
      const content = this.#content(path);
      if (!half) content.durable = content.cached;
    });
  }
  async put(path: string, bytes: Uint8Array, durable: boolean): Promise<void> {
    this.#step((half) => {
      // Half of it is a file beside that has no name yet.
      if (half) return;
      const content = this.#content(path);
      content.cached = bytes.slice();
      if (durable) content.durable = content.cached;
      if (path === 'checkpoint') this.onCheckpoint?.(Buffer.from(bytes).toString());
    });
  }
  async settle(paths: readonly string[]): Promise<void> {
    for (const path of paths) await this.sync(path);
  }
  async remove(path: string): Promise<void> {
    this.#step((half) => {
      if (half) return;
      for (const [found, content] of this.#files) if (found === path || found.startsWith(`${path}/`)) content.cached = undefined;
    });
  }
  async close(): Promise<void> {}
}

/** After a loss of power: all that was synced, and of the rest whatever part came to the disk. */
function survivor({ cached, durable }: Content, random: () => number): Uint8Array | undefined {
  if (cached === durable) return durable;
  if (random() < 0.3) return durable;
  if (random() < 0.4) return cached;
  if (!cached) return durable;
  const kept = commonLength(cached, durable ?? new Uint8Array());
  const cut = kept + Math.floor(random() * (cached.length - kept + 1));
  // Appended: some of it. Or all of its length, with sectors that were never written.
  if (kept > 0 && random() < 0.5) return cached.slice(0, cut);
  const unwritten = random() < 0.5 ? kept : Math.ceil(cut / SECTOR) * SECTOR;
  return cached.length - unwritten < SECTOR / 8 ? cached : Uint8Array.from([...cached.subarray(0, unwritten), ...new Uint8Array(cached.length - unwritten)]);
}

const SECTOR = 512;

function commonLength(a: Uint8Array, b: Uint8Array): number {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  return at;
}

/** A generator of numbers that is the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The methods of a disk, to be handed on one by one. */
export function bound(disk: JournalDisk): JournalFiles {
  return {
    lock: () => disk.lock(),
    read: (path) => disk.read(path),
    list: (folder) => disk.list(folder),
    append: (path, bytes) => disk.append(path, bytes),
    readAt: (path, at, length) => disk.readAt(path, at, length),
    truncate: (path, length) => disk.truncate(path, length),
    sync: (path) => disk.sync(path),
    put: (path, bytes, durable) => disk.put(path, bytes, durable),
    settle: (paths) => disk.settle(paths),
    remove: (path) => disk.remove(path),
    close: () => disk.close(),
  };
}
