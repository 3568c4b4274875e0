/** A folder of one's own with keys in it, where the programs of other projects and this one are put to work. */
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { KeyKind } from '../../src/core/crypto/index.ts';
import { type CliOptions, type CliResult, sealward, startSealward } from '../cli.ts';
import { type Peer, peerPath } from '../peers.ts';
import { repositoryRoot } from '../vectors.ts';
import { quickKeyFile } from './quick-key-file.ts';

export const PASSWORD = 'a pass phrase of several words';

export interface KeyFiles {
  readonly key: string;
  readonly pub: string;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Flags of cosign 3. */
export interface Offline {
  readonly signing: readonly string[];
  readonly verifying: readonly string[];
}

/** What all stories of a run share, because it is slow to make: it is made by the first that needs it, and gone with the run. */
const shared: { folder?: string; readonly made: Map<string, Promise<unknown>> } = { made: new Map() };

function sharedFolder(): string {
  if (shared.folder === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'sealward-stories-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    shared.folder = folder;
  }
  return shared.folder;
}

function once<T>(name: string, make: () => Promise<T>): Promise<T> {
  const made = (shared.made.get(name) as Promise<T> | undefined) ?? make();
  shared.made.set(name, made);
  return made;
}

export class Workshop {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'sealward-story-'));

  /** The environment of everything that runs here: nothing of whoever runs the tests is read, and nothing is left behind. */
  get environment(): Record<string, string> {
    return { PATH: process.env['PATH'] ?? '', HOME: this.folder, TUF_ROOT: this.path('tuf'), DOCKER_CONFIG: this.path('docker'), COSIGN_PASSWORD: PASSWORD };
  }

  /** This project's command line as a process of its own. Only what the compiler made of its source outlives the story. */
  start(args: readonly string[]): ReturnType<typeof startSealward> {
    return startSealward(args, { ...this.environment, XDG_CACHE_HOME: join(repositoryRoot, 'node_modules', '.cache', 'stories') }, this.folder);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Writes a file and says where it is. */
  file(name: string, content: string | Uint8Array): string {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A key pair of this kind in cosign's form, the same in every story. */
  keys(kind: KeyKind = 'ecdsa-p256'): Promise<KeyFiles> {
    return once(`keys ${kind}`, async () => {
      const { key, pub } = quickKeyFile(kind, PASSWORD);
      const files = { key: join(sharedFolder(), `${kind}.key`), pub: join(sharedFolder(), `${kind}.pub`) };
      writeFileSync(files.key, key, { mode: 0o600 });
      writeFileSync(files.pub, pub);
      return files;
    });
  }

  /** A key that was made elsewhere, as cosign 3 takes it in from a PEM file. */
  async imported(kind: 'ec' | 'rsa'): Promise<KeyFiles> {
    const { privateKey } = kind === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('rsa', { modulusLength: 2048 });
    // The form of OpenSSL's older commands, which is not PKCS#8.
    const pem = this.file(`${kind}.pem`, privateKey.export({ format: 'pem', type: kind === 'ec' ? 'sec1' : 'pkcs1' }));
    const prefix = this.path(`imported-${kind}`);
    await this.must('cosign3', ['import-key-pair', '--yes', '--key', pem, '--output-key-prefix', prefix]);
    return { key: `${prefix}.key`, pub: `${prefix}.pub` };
  }

  /** Runs a program to its end, whatever that is. */
  run(peer: Peer, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ran> {
    return new Promise((resolve) => {
      const options = { cwd: this.folder, env: { ...this.environment, ...environment }, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 };
      const child = execFile(peerPath(peer), [...args], options, (error, stdout, stderr) => {
        const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
        resolve({ code, stdout, stderr: error?.killed ? `${stderr}\nstopped after ${options.timeout} ms` : stderr });
      });
      child.stdin?.end();
    });
  }

  /** Runs a program that has to succeed; its stdout. */
  async must(peer: Peer, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(peer, args, environment);
    if (code !== 0) throw new Error(`${peer} ${args.join(' ')} exited with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** This project's command line, in this process. */
  sealward(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    return sealward(args, { ...options, env: { ...this.environment, ...options.env } });
  }

  /** What keeps cosign 3 from the public log and from fetching the public trusted root: configurations that name nothing. */
  offline(): Promise<Offline> {
    return once('offline', async () => {
      const [signing, trusted] = [join(sharedFolder(), 'signing-config.json'), join(sharedFolder(), 'trusted-root.json')];
      await this.must('cosign3', ['signing-config', 'create', '--out', signing]);
      await this.must('cosign3', ['trusted-root', 'create', '--out', trusted]);
      return { signing: ['--signing-config', signing], verifying: ['--trusted-root', trusted] };
    });
  }

  async cosign3Sign(image: string, { key }: KeyFiles, ...more: readonly string[]): Promise<void> {
    const { signing, verifying } = await this.offline();
    await this.must('cosign3', ['sign', '--yes', ...signing, ...verifying, '--key', key, ...more, image]);
  }

  /** As the first generation signed: a payload under the tag `.sig`. */
  async cosign3SignLegacy(image: string, { key }: KeyFiles, ...more: readonly string[]): Promise<void> {
    const legacy = ['--use-signing-config=false', '--new-bundle-format=false', '--tlog-upload=false'];
    await this.must('cosign3', ['sign', '--yes', ...legacy, '--key', key, ...more, image], { COSIGN_EXPERIMENTAL: '1' });
  }

  async cosign3Verify(image: string, { pub }: KeyFiles, ...more: readonly string[]): Promise<Ran> {
    const { verifying } = await this.offline();
    return this.run('cosign3', ['verify', '--insecure-ignore-tlog=true', ...verifying, '--key', pub, ...more, image]);
  }

  async cosign2Sign(image: string, { key }: KeyFiles, ...more: readonly string[]): Promise<void> {
    await this.must('cosign2', ['sign', '--yes', '--tlog-upload=false', '--key', key, ...more, image], { COSIGN_EXPERIMENTAL: '1' });
  }

  cosign2Verify(image: string, { pub }: KeyFiles, ...more: readonly string[]): Promise<Ran> {
    return this.run('cosign2', ['verify', '--insecure-ignore-tlog=true', '--key', pub, ...more, image]);
  }

  /** skopeo signs what it copies, so the image is copied onto itself; it takes a tag. */
  async skopeoSign(image: string, { key }: KeyFiles): Promise<void> {
    const settings = this.file('registries.d/default.yaml', 'default-docker:\n  use-sigstore-attachments: true\n');
    const signing = ['--sign-by-sigstore-private-key', key, '--sign-passphrase-file', this.file('passphrase', PASSWORD), '--sign-identity', image];
    const plain = ['--src-tls-verify=false', '--dest-tls-verify=false'];
    const global = ['--insecure-policy', '--registries.d', dirname(settings)];
    await this.must('skopeo', [...global, 'copy', '--all', '--preserve-digests', ...plain, ...signing, `docker://${image}`, `docker://${image}`]);
  }

  verify(image: string, { pub }: KeyFiles, ...more: readonly string[]): Promise<CliResult> {
    return this.sealward(['verify', '--insecure-ignore-tlog', '--key', pub, ...more, image]);
  }

  sign(image: string, { key }: KeyFiles, ...more: readonly string[]): Promise<CliResult> {
    return this.sealward(['sign', '--key', key, ...more, image]);
  }
}
