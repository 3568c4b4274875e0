/**
 * `sealward verify` by tag against `cosign verify` of cosign 3, as processes: on loopback, and through 20 ms of added
 * round-trip time; on a registry with the referrers API and on one without. Each round runs all of them once.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Peer, peerPath } from '../test/peers.ts';
import { pushImage, startDockerRegistry } from '../test/stories/registries.ts';
import { Workshop } from '../test/stories/workshop.ts';
import { repositoryRoot } from '../test/vectors.ts';
import { median } from './interleaved.ts';
import { type Program, peakMemory, runProgram } from './one-run.ts';
import { type Server, startServer } from './server-process.ts';
import type { Row } from './table.ts';

export const NEEDED: readonly Peer[] = ['cosign3', 'docker-registry'];
const IMAGE = 'bench:v1';
/** Half of the round trip that is added. */
const ONE_WAY_MS = 10;

/** Of cosign's time. */
const GOALS: Readonly<Record<string, { readonly near?: number; readonly far?: number }>> = {
  'npm bundle': { near: 1.3, far: 0.5 },
  'single executable': { near: 0.8, far: 0.5 },
};
const MOST_REQUESTS_BY_DIGEST = 3;

interface Setting {
  readonly workshop: Workshop;
  readonly environment: NodeJS.ProcessEnv;
  readonly key: string;
  /** The flags that keep cosign offline. */
  readonly offline: readonly string[];
  readonly built: string;
}

interface Measured {
  readonly program: Program;
  readonly times: number[];
}

export async function benchVerifyImage(rounds: number): Promise<Row[]> {
  const workshop = new Workshop();
  const built = mkdtempSync(join(tmpdir(), 'sealward-bench-'));
  try {
    build(built);
    const keys = await workshop.keys();
    const { verifying } = await workshop.offline();
    const setting: Setting = { workshop, built, key: keys.pub, offline: verifying, environment: workshop.environment };
    const rows: Row[] = [];
    for (const [label, start] of REGISTRIES) {
      const registry = await start();
      const { tagged, digest } = await pushImage(registry.host, 'bench');
      await workshop.cosign3Sign(tagged, keys);
      const proxy = await startServer('latency-proxy.ts', registry.host, String(ONE_WAY_MS));
      rows.push(...(await benchPlace(`${label}, loopback`, registry.host, 'near', setting, rounds)));
      rows.push(...(await benchPlace(`${label}, +20 ms`, proxy.host, 'far', setting, rounds)));
      rows.push(await countRequests(label, proxy, setting, digest));
      await proxy.stop();
      await registry.stop();
    }
    return rows;
  } finally {
    workshop.remove();
    rmSync(built, { recursive: true, force: true });
  }
}

interface Started {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  stop(): Promise<void>;
}

const WITH_API = 'referrers API';
const REGISTRIES: readonly (readonly [label: string, start: () => Promise<Started>])[] = [
  [WITH_API, () => startServer('memory-registry.ts')],
  ['docker-registry', startDockerRegistry],
];

/** Into a folder of this run, so that nobody else's build comes in between. */
function build(folder: string): void {
  const tool = (name: string, ...args: readonly string[]): void =>
    void execFileSync(process.execPath, [join(repositoryRoot, 'tools', name), ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  tool('build.mjs', folder);
  tool('build-sea.mjs', folder);
}

const EXECUTABLE = process.platform === 'win32' ? 'sealward.exe' : 'sealward';

function programs(image: string, { key, offline, built }: Setting): Program[] {
  const ours = ['verify', '--insecure-ignore-tlog', '--key', key, image];
  const theirs = ['verify', '--insecure-ignore-tlog=true', '--allow-http-registry', ...offline, '--key', key, image];
  return [
    { name: 'cosign 3', path: peerPath('cosign3'), args: theirs },
    { name: 'npm bundle', path: process.execPath, args: [join(built, 'bin', 'sealward.cjs'), ...ours] },
    { name: 'single executable', path: join(built, EXECUTABLE), args: ours },
    { name: 'from source', path: process.execPath, args: [join(repositoryRoot, 'src', 'apps', 'quickstart', 'main.ts'), ...ours] },
    { name: 'Node alone', path: process.execPath, args: ['--eval', '0'] },
  ];
}

async function benchPlace(place: string, host: string, distance: 'near' | 'far', setting: Setting, rounds: number): Promise<Row[]> {
  const { environment } = setting;
  const measured: Measured[] = programs(`${host}/${IMAGE}`, setting).map((program) => ({ program, times: [] }));
  // The first run of each fills the caches of files and of compiled code.
  for (const { program } of measured) await runProgram(program, environment);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < measured.length; i++) {
      const { program, times } = measured[(i + round) % measured.length] as Measured;
      times.push((await runProgram(program, environment)).milliseconds);
    }
  }
  const [cosign] = measured as [Measured];
  const rows: Row[] = [];
  for (const { program, times } of measured) {
    const atMost = GOALS[program.name]?.[distance];
    const memory = await peakMemory(program, environment);
    rows.push({
      what: `verify, ${place}, ${program.name}`,
      value: median(times.map((time, round) => time / (cosign.times[round] as number))),
      ...(atMost === undefined ? {} : { atMost }),
      figures: `median ${median(times).toFixed(0)} ms, min ${Math.min(...times).toFixed(0)} ms${memory === undefined ? '' : `, peak ${memory.toFixed(0)} MiB`}`,
    });
  }
  return rows;
}

/** Counted by the proxy. The goal is for a digest; a tag costs one request more. */
async function countRequests(label: string, proxy: Server, setting: Setting, digest: string): Promise<Row> {
  const count = async (name: string, image: string): Promise<number> => {
    const before = await proxy.requests();
    await runProgram(programs(image, setting).find((program) => program.name === name) as Program, setting.environment);
    return (await proxy.requests()) - before;
  };
  const [tagged, byDigest] = [`${proxy.host}/${IMAGE}`, `${proxy.host}/bench@${digest}`];
  const own = [await count('npm bundle', byDigest), await count('npm bundle', tagged)];
  const theirs = [await count('cosign 3', byDigest), await count('cosign 3', tagged)];
  return {
    what: `requests by digest, ${label}`,
    value: own[0] as number,
    atMost: MOST_REQUESTS_BY_DIGEST + (label === WITH_API ? 0 : 1),
    figures: `by tag ${own[1]}; cosign 3: ${theirs[0]} by digest, ${theirs[1]} by tag`,
  };
}
