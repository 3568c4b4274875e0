/**
 * `sealward sign` by tag against `cosign sign` of cosign 3 with the same key and neither log nor authority, as processes:
 * on loopback and through 20 ms of added round-trip time, with the referrers API and without. Every run signs the image
 * once more. Without the API Sealward waits until its entry in the index is settled (see clients/registry/attach.ts),
 * which cosign does not; that wait is part of the time.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerPath } from '../test/peers.ts';
import { pushImage, startDockerRegistry } from '../test/stories/registries.ts';
import { Workshop } from '../test/stories/workshop.ts';
import { repositoryRoot } from '../test/vectors.ts';
import { median } from './interleaved.ts';
import { type Program, runProgram } from './one-run.ts';
import { type Server, startServer } from './server-process.ts';
import type { Row } from './table.ts';

/** Half of the round trip that is added. */
const ONE_WAY_MS = 10;
/** Of cosign's time, through the added 20 ms. */
const GOAL = 0.6;

/** A repository for each program: those who sign in one index share its growth otherwise. */
const NAMES = { cosign: 'cosign', sealward: 'sealward' } as const;

export async function benchSign(rounds: number): Promise<Row[]> {
  const workshop = new Workshop();
  const built = mkdtempSync(join(tmpdir(), 'sealward-bench-'));
  try {
    execFileSync(process.execPath, [join(repositoryRoot, 'tools', 'build.mjs'), built], { stdio: ['ignore', 'ignore', 'inherit'] });
    const { key } = await workshop.keys();
    const { signing, verifying } = await workshop.offline();
    const programs = (host: string): readonly Program[] => [
      {
        name: 'cosign 3',
        path: peerPath('cosign3'),
        args: ['sign', '--yes', '--allow-http-registry', ...signing, ...verifying, '--key', key, `${host}/${NAMES.cosign}:v1`],
      },
      { name: 'npm bundle', path: process.execPath, args: [join(built, 'bin', 'sealward.cjs'), 'sign', '--key', key, `${host}/${NAMES.sealward}:v1`] },
    ];
    const rows: Row[] = [];
    for (const [label, start] of [
      ['referrers API', () => startServer('memory-registry.ts')],
      ['docker-registry', startDockerRegistry],
    ] as const) {
      const registry = await start();
      for (const name of Object.values(NAMES)) await pushImage(registry.host, name);
      const near = await startServer('latency-proxy.ts', registry.host, '0');
      const far = await startServer('latency-proxy.ts', registry.host, String(ONE_WAY_MS));
      rows.push(...(await benchPlace(`sign, ${label}, loopback`, near, programs(near.host), workshop.environment, rounds)));
      rows.push(...(await benchPlace(`sign, ${label}, +20 ms`, far, programs(far.host), workshop.environment, rounds, GOAL)));
      for (const server of [near, far, registry]) await server.stop();
    }
    return rows;
  } finally {
    workshop.remove();
    rmSync(built, { recursive: true, force: true });
  }
}

/** Each program against the first, run for run, and how many requests its last run took. */
export async function benchPlace(
  place: string,
  proxy: Server,
  programs: readonly Program[],
  environment: NodeJS.ProcessEnv,
  rounds: number,
  atMost?: number,
): Promise<Row[]> {
  const measured = programs.map((program) => ({ program, times: [] as number[], requests: 0 }));
  // The first run of each fills the caches of files and of compiled code.
  for (const { program } of measured) await runProgram(program, environment);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < measured.length; i++) {
      const one = measured[(i + round) % measured.length] as (typeof measured)[number];
      const before = await proxy.requests();
      one.times.push((await runProgram(one.program, environment)).milliseconds);
      one.requests = (await proxy.requests()) - before;
    }
  }
  const own = measured.length - 1;
  return measured.map(({ program, times, requests }, at) => ({
    what: `${place}, ${program.name}`,
    value: median(times.map((time, round) => time / (measured[0]?.times[round] as number))),
    ...(atMost === undefined || at !== own ? {} : { atMost }),
    figures: `median ${median(times).toFixed(0)} ms, min ${Math.min(...times).toFixed(0)} ms; ${requests} requests`,
  }));
}
