/**
 * A real containerd as a process of a test, asked to pull as the kubelet asks it: over the Container Runtime Interface.
 * It is no part of CI, because building it takes minutes and it mounts, as the super-user: SEALWARD_KUBE_BIN names the folder it lies
 * in, see CONTRIBUTING.md.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { type BackgroundProgram, startProgram } from './stories/programs.ts';

/** Whether it can be started here; if not, the test is skipped by name, in CI too. */
export function requireContainerd(t: Pick<TestContext, 'skip'>): boolean {
  const missing =
    program() === undefined
      ? 'SEALWARD_KUBE_BIN names no folder with containerd, which CI does not build either: see "Peers and vectors" in CONTRIBUTING.md'
      : process.getuid?.() === 0
        ? undefined
        : 'containerd mounts, which only the super-user may';
  if (missing !== undefined) t.skip(missing);
  return missing === undefined;
}

function program(): string | undefined {
  const path = join(process.env['SEALWARD_KUBE_BIN'] ?? '', 'containerd');
  return process.env['SEALWARD_KUBE_BIN'] !== undefined && existsSync(path) ? path : undefined;
}

export interface ContainerdOptions {
  /** Of the plugin io.containerd.image-verifier.v1.bindir; such as "10s". */
  readonly perVerifierTimeout: string;
  /** More of the plugin io.containerd.cri.v1.images, TOML. */
  readonly images?: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** What the kubelet would be told: nothing, or why not. */
export interface Pulled {
  /** A code of gRPC; 0 is a success. */
  readonly status: number;
  readonly message: string;
}

export class Containerd {
  /** Where programs lie that are asked before each pull. It is not there at first. */
  readonly verifiers: string;
  readonly #folder: string;
  readonly #running: BackgroundProgram;

  private constructor(folder: string, running: BackgroundProgram) {
    [this.#folder, this.#running, this.verifiers] = [folder, running, join(folder, 'verifiers')];
  }

  static async start({ perVerifierTimeout, images = '', environment }: ContainerdOptions): Promise<Containerd> {
    const folder = mkdtempSync(join(tmpdir(), 'sealward-containerd-'));
    const [config, path] = [join(folder, 'config.toml'), program() ?? ''];
    writeFileSync(
      config,
      `version = 3
root = '${folder}/root'
state = '${folder}/state'
disabled_plugins = ['io.containerd.nri.v1.nri', 'io.containerd.snapshotter.v1.btrfs', 'io.containerd.snapshotter.v1.zfs', 'io.containerd.snapshotter.v1.devmapper']
[grpc]
address = '${folder}/socket'
[ttrpc]
address = '${folder}/ttrpc'
[plugins.'io.containerd.image-verifier.v1.bindir']
bin_dir = '${folder}/verifiers'
max_verifiers = 10
per_verifier_timeout = '${perVerifierTimeout}'
[plugins.'io.containerd.transfer.v1.local']
unpack_config = [{ platform = 'linux', snapshotter = 'native' }]
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ['${folder}/cni']
conf_dir = '${folder}/cni.d'
[plugins.'io.containerd.cri.v1.images']
snapshotter = 'native'
${images}
`,
    );
    const running = await startProgram(path, ['--config', config], /containerd successfully booted/, environment);
    return new Containerd(folder, running);
  }

  /** Puts a program where it is asked before each pull. */
  verifier(name: string, text: string | Uint8Array): void {
    mkdirSync(this.verifiers, { recursive: true });
    writeFileSync(join(this.verifiers, name), text, { mode: 0o755 });
  }

  /** ImageService.PullImage of runtime.v1. @param image at most 100 characters. */
  pull(image: string): Promise<Pulled> {
    const text = Buffer.from(image);
    // PullImageRequest { image: ImageSpec { image } }, both the first member; then gRPC's own five bytes before it.
    const spec = Buffer.concat([Buffer.of(0x0a, text.length), text]);
    const message = Buffer.concat([Buffer.of(0x0a, spec.length), spec]);
    const frame = Buffer.concat([Buffer.of(0, 0, 0, 0, message.length), message]);
    return new Promise((resolve, reject) => {
      const session = connectHttp2('http://localhost', { createConnection: () => connect(join(this.#folder, 'socket')) });
      session.on('error', reject);
      const call = session.request({ ':method': 'POST', ':path': '/runtime.v1.ImageService/PullImage', 'content-type': 'application/grpc', te: 'trailers' });
      let ended: IncomingHttpHeaders = {};
      // An error comes in the headers alone, a success in the trailers.
      for (const event of ['response', 'trailers'] as const) call.on(event, (headers: IncomingHttpHeaders) => (ended = { ...ended, ...headers }));
      call.on('error', reject);
      call.on('close', () => {
        session.close();
        resolve({ status: Number(ended['grpc-status'] ?? -1), message: decodeURIComponent([ended['grpc-message'] ?? ''].flat().join('')) });
      });
      call.resume();
      call.end(frame);
    });
  }

  async stop(): Promise<void> {
    await this.#running.stop();
    for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n'))
      if (line.includes(dirname(this.verifiers))) throw new Error(`containerd left a mount behind: ${line}`);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
