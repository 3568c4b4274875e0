/**
 * `sealward copy` of an image with 50 bundles attached against `cosign copy` and `oras cp -r`, as processes, from one
 * registry to a fresh repository of another, through 20 ms of added round-trip time and on loopback. The ratio
 * is to oras: cosign 3 leaves every bundle behind, which is said beside its figures.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '../src/core/encoding/index.ts';
import { buildReferrer } from '../src/testing/index.ts';
import { type Peer, peerPath } from '../test/peers.ts';
import { plainClient, pushImage, startDockerRegistry } from '../test/stories/registries.ts';
import { Workshop } from '../test/stories/workshop.ts';
import { repositoryRoot } from '../test/vectors.ts';
import { median } from './interleaved.ts';
import { type Program, runProgram } from './one-run.ts';
import { type Server, startServer } from './server-process.ts';
import type { Row } from './table.ts';

export const NEEDED: readonly Peer[] = ['cosign3', 'oras', 'docker-registry'];
const ATTACHED = 50;
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

export async function benchCopy(rounds: number): Promise<Row[]> {
  const workshop = new Workshop();
  const built = mkdtempSync(join(tmpdir(), 'sealward-bench-'));
  try {
    execFileSync(process.execPath, [join(repositoryRoot, 'tools', 'build.mjs'), built], { stdio: ['ignore', 'ignore', 'inherit'] });
    const rows: Row[] = [];
    for (const [label, start] of [
      ['referrers API', () => startServer('memory-registry.ts')],
      ['docker-registry', startDockerRegistry],
    ] as const) {
      const registry = await start();
      const image = await pushImage(registry.host, 'source');
      const client = plainClient();
      for (let i = 0; i < ATTACHED; i++)
        await client.attach(image.reference, buildReferrer({ artifactType: BUNDLE, subject: image.descriptor, payload: utf8(`{"number":${i}}`) }));
      for (const [distance, oneWay] of [
        ['loopback', '0'],
        ['+20 ms', '10'],
      ] as const) {
        const proxy = await startServer('latency-proxy.ts', registry.host, oneWay);
        rows.push(...(await benchPlace(`copy, ${label}, ${distance}`, proxy, join(built, 'bin', 'sealward.cjs'), image.digest, workshop.environment, rounds)));
        await proxy.stop();
      }
      await registry.stop();
    }
    return rows;
  } finally {
    workshop.remove();
    rmSync(built, { recursive: true, force: true });
  }
}

async function benchPlace(place: string, proxy: Server, sealward: string, digest: string, environment: NodeJS.ProcessEnv, rounds: number): Promise<Row[]> {
  const { host } = proxy;
  const copy = (to: string): readonly Program[] => [
    { name: 'cosign 3', path: peerPath('cosign3'), args: ['copy', '--allow-http-registry', `${host}/source:v1`, `${host}/${to}-cosign:v1`] },
    { name: 'oras', path: peerPath('oras'), args: ['cp', '-r', '--from-plain-http', '--to-plain-http', `${host}/source:v1`, `${host}/${to}-oras:v1`] },
    { name: 'npm bundle', path: process.execPath, args: [sealward, 'copy', `${host}/source:v1`, `${host}/${to}-sealward:v1`] },
  ];
  const measured = copy('').map(({ name }) => ({ name, times: [] as number[], requests: 0, arrived: 0 }));
  for (let round = 0; round < rounds; round++) {
    const to = `to-${host.split(':')[1]}-${round}`;
    for (const [i, program] of copy(to).entries()) {
      const one = measured[i] as (typeof measured)[number];
      const before = await proxy.requests();
      one.times.push((await runProgram(program, environment)).milliseconds);
      one.requests = (await proxy.requests()) - before;
      one.arrived = await attachedTo(program, digest);
    }
  }
  return measured.map(({ name, times, requests, arrived }) => ({
    what: `${place}, ${name}`,
    value: median(times.map((time, round) => time / (measured[1]?.times[round] as number))),
    figures: `median ${median(times).toFixed(0)} ms, min ${Math.min(...times).toFixed(0)} ms; ${requests} requests; ${arrived} of ${ATTACHED} arrived`,
  }));
}

async function attachedTo({ args }: Program, digest: string): Promise<number> {
  const [registry = '', repository = ''] = (args.at(-1) ?? '').replace(/:v1$/, '').split('/');
  const { api, fallbackTag } = await plainClient().referrers({ registry, repository }, { algorithm: 'sha256', hex: digest.slice(7) }, { places: 'all' });
  return Math.max(...[api, fallbackTag].map((found) => (found.state === 'complete' ? found.value.length : 0)));
}
