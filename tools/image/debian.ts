/**
 * Debian's packages, by the apt of this machine and from the sources that it is set up with, but with lists of its own: so
 * it needs no root, disturbs nothing, and answers for the other architecture too. apt proves what the archive signed; the
 * lock pins which bytes those are.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Architecture, type LockedPackage, PACKAGES } from './lock.ts';
import type { Offered } from './newer.ts';
import type { TarEntry } from './tar.ts';

const run = promisify(execFile);

export class Apt {
  readonly #architecture: Architecture;
  readonly #folder: string;
  #fresh = false;

  /** @param folder where its lists and the packages are kept, from one image to the next */
  constructor(architecture: Architecture, folder: string) {
    this.#architecture = architecture;
    this.#folder = folder;
  }

  /** The path of each .deb, in this order, held against the lock also when it lay there already. */
  async fetch(wanted: readonly LockedPackage[]): Promise<readonly string[]> {
    mkdirSync(this.#folder, { recursive: true });
    const missing = wanted.filter((one) => sha256Of(this.#path(one)) !== one.sha256);
    for (const one of missing) rmSync(this.#path(one), { force: true });
    // One call, because apt reads all of its lists in each.
    if (missing.length > 0) await this.#download(missing);
    for (const one of missing) {
      const found = sha256Of(this.#path(one));
      if (found !== one.sha256) throw new Error(`${this.#path(one)} has the SHA-256 ${found ?? 'of no file'}, and the lock says ${one.sha256}`);
    }
    return wanted.map((one) => this.#path(one));
  }

  /** What apt would install today. */
  async newest(): Promise<readonly LockedPackage[]> {
    const stanzas = (await this.#apt('apt-cache', 'show', '--no-all-versions', ...PACKAGES)).split(/\n\n+/);
    const field = (stanza: string, key: string): string => new RegExp(`^${key}: (.+)$`, 'm').exec(stanza)?.[1] ?? '';
    return PACKAGES.map((name) => {
      const stanza = stanzas.find((one) => field(one, 'Package') === name) ?? '';
      const architecture = field(stanza, 'Architecture') === 'all' ? 'all' : this.#architecture;
      return { name, version: field(stanza, 'Version'), architecture, sha256: field(stanza, 'SHA256') };
    });
  }

  /** Every version that an archive has, and whether that is the one of security updates. */
  async offered(): Promise<readonly Offered[]> {
    const lines = (await this.#apt('apt-cache', 'madison', ...PACKAGES)).split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    return lines.flatMap(([name = '', version = '', source = '']) => (version === '' ? [] : [{ name, version, security: source.includes('-security') }]));
  }

  /** apt names files so: the colon of an epoch is escaped. */
  #path({ name, version, architecture }: LockedPackage): string {
    return join(this.#folder, `${name}_${version.replaceAll(':', '%3a')}_${architecture}.deb`);
  }

  async #download(missing: readonly LockedPackage[]): Promise<void> {
    try {
      await this.#apt('apt-get', 'download', ...missing.map(({ name, version }) => `${name}=${version}`));
    } catch (cause) {
      const offered = await this.newest();
      const gone = missing.find(({ name, version }) => offered.find((one) => one.name === name)?.version !== version);
      if (!gone) throw cause;
      const version = offered.find(({ name }) => name === gone.name)?.version;
      throw new Error(`Debian's archive no longer has ${gone.name} ${gone.version}, it has ${version}: npm run image -- --renew writes a new lock`, { cause });
    }
  }

  async #apt(program: 'apt-get' | 'apt-cache', ...args: readonly string[]): Promise<string> {
    const lists = join(this.#folder, `lists-${this.#architecture}`);
    const options = [
      ['Dir::State::lists', lists],
      ['Dir::State::status', join(lists, 'status')],
      ['Dir::Cache', join(lists, 'cache')],
      ['APT::Architecture', this.#architecture],
      ['APT::Architectures', this.#architecture],
      ['APT::Sandbox::User', ''],
      ['Acquire::Languages', 'none'],
      ['Acquire::Retries', '5'],
      ['Debug::NoLocking', 'true'],
    ].flatMap(([key, value]) => ['-o', `${key}=${value}`]);
    const settings = { cwd: this.#folder, env: { ...process.env, LC_ALL: 'C' }, maxBuffer: 1 << 24 };
    if (!this.#fresh) {
      for (const folder of ['partial', 'cache/archives/partial']) mkdirSync(join(lists, folder), { recursive: true });
      writeFileSync(join(lists, 'status'), '');
      await run('apt-get', ['-qq', ...options, 'update'], settings).catch(explained('apt-get', 'It is part of Debian and of what is made from it.'));
      this.#fresh = true;
    }
    return (await run(program, [...(program === 'apt-get' ? ['-qq'] : []), ...options, ...args], settings)).stdout;
  }
}

function explained(program: string, hint: string): (cause: NodeJS.ErrnoException) => never {
  return (cause) => {
    throw cause.code === 'ENOENT' ? new Error(`the program ${program} is not on this machine. ${hint}`, { cause }) : cause;
  };
}

function sha256Of(path: string): string | undefined {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    return undefined;
  }
}

/** What a program of the image opens, the licences, and nothing else: no documentation, character sets, debugging aids or scripts. */
const KEPT = [
  /^(?:usr\/)?lib(?:64)?\/(?:[\w-]+\/)?(?:ld-linux|lib(?:c|m|dl|pthread|rt|resolv|anl|util|nss_dns|nss_files|gcc_s|stdc\+\+|atomic)\.so)/,
  /^usr\/share\/doc\/[^/]+(?:\/copyright)?$/,
  /^usr\/lib\/os-release$/,
  /^etc\/(?:os-release|debian_version)$/,
];

/** The files of a package that the image keeps, and its entry for scanners, in a folder of dpkg's that holds one file a package. */
export async function unpack(deb: string, name: string): Promise<readonly TarEntry[]> {
  const folder = mkdtempSync(`${deb}-`);
  try {
    await run('dpkg-deb', ['-x', deb, folder]).catch(explained('dpkg-deb', 'Debian has it in the package dpkg.'));
    const { stdout } = await run('dpkg-deb', ['-f', deb]);
    const control = `${stdout.trim().replace(/^Package: .+\n/m, (line) => `${line}Status: install ok installed\n`)}\n`;
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => KEPT.some((kept) => kept.test(path)));
    return [...files.flatMap((path) => entryOf(folder, path)), { kind: 'file', path: `var/lib/dpkg/status.d/${name}`, bytes: Buffer.from(control) }];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function entryOf(folder: string, path: string): readonly TarEntry[] {
  const absolute = join(folder, path);
  const stat = lstatSync(absolute);
  if (stat.isSymbolicLink()) return [{ kind: 'link', path, target: readlinkSync(absolute) }];
  if (!stat.isFile()) return [];
  return [{ kind: 'file', path, bytes: readFileSync(absolute), executable: (stat.mode & 0o111) !== 0 }];
}
